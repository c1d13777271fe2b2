"""The study file: its schema, and errors that name every fault and the nearest valid word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, cast
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from segment_lab.data.contracts import CONTRACTS
from segment_lab.data.sources import Source
from segment_lab.errors import ConfigError, nearest
from segment_lab.schemes import described, with_options

M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    """A part of the study file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WindowConfig(Strict):
    """Which orders describe a customer: from `start`, or the last `days` before as_of; all by
    default."""

    start: dt.date | None = None
    days: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _one(self) -> WindowConfig:
        if self.start is not None and self.days is not None:
            raise ValueError("give start or days, not both")
        return self


class ComparisonOptions(Strict):
    """Options of the comparison report."""

    horizon_days: int = Field(90, ge=7, le=1095)
    draws: int = Field(200, ge=20, le=5000)
    seed: int = Field(0, ge=0)


class StrategyOptions(Strict):
    """Options of the strategy report."""

    scheme: str = "rfm"
    horizon_days: int = Field(90, ge=7, le=1095)
    budget: float | None = Field(None, ge=0)
    hours: float | None = Field(None, ge=0)
    holdout_share: float = Field(0.2, gt=0, lt=1)
    margin_rate: float | None = Field(None, gt=0, le=1)
    playbook: str | None = None
    personal: bool = False
    seed: int = Field(0, ge=0)


class ReportOptions(Strict):
    """What is rendered, and how long it is kept."""

    only: list[str] | None = None
    keep_runs: int = Field(10, ge=1)
    timeout_seconds: int = Field(900, ge=10)
    memory_gb: float | None = Field(None, gt=0)


class ReceivablesReport(Strict):
    """Parameters of the receivables report: what the page shows, so no part of the study file."""

    months: int = Field(24, ge=2, le=240)
    loss_days: int = Field(365, ge=1)
    alert_days: int = Field(30, ge=0)
    alert_amount: float | None = Field(None, ge=0)
    horizon_days: int = Field(90, ge=1, le=1095)
    value_scheme: str = "abc"
    alerts_folder: str | None = None
    alerts_state: str | None = None
    notify: bool = False


class EngagementReport(Strict):
    """Parameters of the engagement report, beside the method's."""

    scheme: str = "rfm"
    response_days: int = Field(30, ge=1, le=365)
    mailing_segments: tuple[str, ...] = ()
    mailing_file: str | None = None
    personal: bool = False


class StudyConfig(Strict):
    """A study: the tables, the window, the methods. Only one table is needed to begin."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]*$", max_length=60)
    title: str = ""
    currency: str = ""
    timezone: str = "UTC"
    as_of: dt.date | None = None
    window: WindowConfig = WindowConfig()
    returns: Literal["net", "drop"] = "net"
    tolerance: float = Field(
        0.05, ge=0, le=1, description="share of unreadable lines above which a run stops"
    )
    sources: dict[str, Source] = Field(min_length=1)
    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    comparison: ComparisonOptions = ComparisonOptions()
    strategy: StrategyOptions = StrategyOptions()
    report: ReportOptions = ReportOptions()

    @field_validator("methods", mode="before")
    @classmethod
    def _empty_methods(cls, value: Any) -> Any:
        if isinstance(value, list):
            value = dict.fromkeys(value)
        return {k: v or {} for k, v in value.items()} if isinstance(value, dict) else value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError):
            raise ValueError(f"{value!r} is no time zone; write it like Europe/Warsaw") from None
        return value

    @field_validator("sources")
    @classmethod
    def _known_tables(cls, value: dict[str, Source]) -> dict[str, Source]:
        for name in value:
            if name not in CONTRACTS:
                raise ValueError(f"{name!r} is no table of a study; {nearest(name, CONTRACTS)}")
        return value

    @field_validator("methods")
    @classmethod
    def _known_methods(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        faults = []
        for name, options in value.items():
            try:
                check_options(name, options)
            except ConfigError as error:
                faults.append(str(error))
        if faults:  # a ValueError, so that pydantic lists it beside the other faults
            raise ValueError("; ".join(faults))
        return value


def load(path: str | Path, overrides: Mapping[str, Any] | None = None) -> StudyConfig:
    """Read and validate a study file; `overrides` replace values (nested mappings are merged)."""
    path = Path(path)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"There is no study file {path}. `segment-lab init FILE` writes a first one."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, IsADirectoryError) as error:
        raise ConfigError(
            f"{path} is not a YAML study file: {str(error).splitlines()[0]}"
        ) from None
    except ValueError as error:  # 2026-13-01 looks like a date and is none
        raise ConfigError(
            f"{path} holds a day that does not exist ({error}). Days are written YYYY-MM-DD."
        ) from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} is not a study file: it must hold `name:` and `sources:`.")
    return validate(StudyConfig, merge(data, overrides or {}), str(path))


def merge(data: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with the values of `overrides`, mappings merged key by key."""
    out = dict(data)
    for key, value in overrides.items():
        old = out.get(key)
        out[key] = (
            merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
        )
    return out


def validate(model: type[M], data: Any, where: str) -> M:
    """`data` as a `model`; every fault in one ConfigError, unknown names with the nearest valid
    one."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = "\n".join(f"  - {_explain(model, dict(item))}" for item in error.errors())
        raise ConfigError(f"{where} is not valid\n{faults}") from None


def _explain(model: type[BaseModel], item: dict[str, Any]) -> str:
    path = [str(part) for part in item["loc"]]
    if item["type"] == "extra_forbidden":
        return f"{'.'.join(path)}: is not known; {nearest(path[-1], _fields_at(model, path[:-1]))}"
    message = item["msg"].removeprefix("Value error, ")
    came = "" if item["type"] in ("missing", "value_error") else f", got {item['input']!r}"
    return f"{'.'.join(path) or 'file'}: {message}{came}"


def _fields_at(model: Any, path: list[str]) -> list[str]:
    """Field names of the part of the schema that `path` leads to."""
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        if field is not None:
            options = [field.annotation, *getattr(field.annotation, "__args__", ())]
            model = next(
                (o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), model
            )
    return list(model.model_fields)


def check_options(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of one method, typed and with defaults filled in; a ConfigError names the valid
    ones."""
    known = with_options()
    if method not in known:
        raise ConfigError(f"There is no method {method!r}; {nearest(method, known)}.")
    return dict(validate(options_model(method), dict(options), f"methods.{method}"))


@cache
def options_model(method: str) -> type[BaseModel]:
    """A model of a method's options, derived from its class's signature: types and bounds live
    only there."""
    return cast("type[BaseModel]", described(method).options_model())
