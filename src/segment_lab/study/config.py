"""The study file: its schema, and errors that name every fault and the nearest valid word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from segment_lab.data.contracts import CONTRACTS
from segment_lab.data.environment import VARIABLE
from segment_lab.data.sources import Source
from segment_lab.data.validation import validate
from segment_lab.errors import ConfigError, nearest
from segment_lab.schemes import described, with_options
from segment_lab.texts import known, say

# A study file is written by a person.
MOST_BYTES, MOST_VALUES = 4 << 20, 100_000
#: Names beside the zones that are no place: no engine knows them.
NO_PLACES = ("localtime", "posixrules", "Factory")


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
            raise ValueError(say("study.settings.start_or_days"))
        return self


class ComparisonOptions(Strict):
    """Options of the comparison report."""

    horizon_days: int = Field(90, ge=7, le=1095)
    draws: int = Field(200, ge=20, le=5000)
    seed: int = Field(0, ge=0)


class StrategyOptions(Strict):
    """Options of the strategy report."""

    scheme: str | None = None
    horizon_days: int = Field(90, ge=7, le=1095)
    budget: float | None = Field(None, ge=0)
    hours: float | None = Field(None, ge=0)
    holdout_share: float | None = Field(None, gt=0, lt=1)
    margin_rate: float | None = Field(None, gt=0, le=1)
    playbook: str | None = None
    seed: int = Field(0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _one_personal(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and "personal" in value:
            raise ValueError(say("study.settings.personal"))
        return value


class ReportOptions(Strict):
    """What is rendered, and how long it is kept."""

    only: list[str] | None = None
    keep_runs: int = Field(10, ge=1)
    # A list of actions that came back with marks in its column "done".
    done: str = ""
    # Actions an owner takes on a working day; by the hours of the strategy, else 10.
    actions_per_day: int | None = Field(None, ge=1)
    timeout_seconds: int = Field(900, ge=10)
    memory_gb: float | None = Field(None, gt=0)


class NotifyOptions(Strict):
    """Who is told of a run by mail."""

    # smtp://host:port or smtps://user:password@host; ${NAME} stands for an environment variable.
    server: str = ""
    sender: str = "segment-lab@localhost"
    # Addresses that get page one; owners by their name in the data, who get their own list.
    director: list[str] = Field(default_factory=list)
    owners: dict[str, str] = Field(default_factory=dict)
    # Where the reports can be read, named at the end of each mail; without it, page one's mail
    # carries the lists.
    link: str = ""


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

    scheme: str | None = None
    response_days: int = Field(30, ge=1, le=365)
    mailing_segments: tuple[str, ...] = ()
    mailing_file: str | None = None


class LessonsReport(Strict):
    """Parameters of the page about what own tests taught."""

    scheme: str = "rfm"


class StudyConfig(Strict):
    """A study: the tables, the window, the methods. Only one table is needed to begin."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]*$", max_length=60)
    title: str = ""
    currency: str = ""
    timezone: str = "UTC"
    # The language of pages and lists; of several the first is the study's, the others get a folder.
    lang: tuple[str, ...] = ()
    as_of: dt.date | None = None
    window: WindowConfig = WindowConfig()
    returns: Literal["net", "drop"] = "net"
    # Whether pages and lists may show names and addresses.
    personal: bool = False
    # Stages in which a commercial offer is made; their names decide where none is given.
    offer_stages: tuple[str, ...] = ()
    # The share of rows that cannot be used above which a run stops.
    tolerance: float = Field(0.05, ge=0, le=1)
    sources: dict[str, Source] = Field(min_length=1)
    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    comparison: ComparisonOptions = ComparisonOptions()
    strategy: StrategyOptions = StrategyOptions()
    report: ReportOptions = ReportOptions()
    notify: NotifyOptions = NotifyOptions()

    @field_validator("methods", mode="before")
    @classmethod
    def _empty_methods(cls, value: Any) -> Any:
        if isinstance(value, list):
            value = dict.fromkeys(value)
        return (
            {k: v or {} for k, v in value.items()} if isinstance(value, dict) else value
        )

    @field_validator("lang", mode="before")
    @classmethod
    def _known_languages(cls, value: Any) -> Any:
        if value is None:
            return ()
        names = [value] if isinstance(value, str) else value
        try:
            return known(names) if isinstance(names, list | tuple) else value
        except ConfigError as error:
            raise ValueError(str(error)) from None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            if value in NO_PLACES:
                raise KeyError(value)
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                say("study.settings.timezone", value=repr(value))
            ) from None
        return value

    @field_validator("sources")
    @classmethod
    def _known_tables(cls, value: dict[str, Source]) -> dict[str, Source]:
        for name in value:
            if name not in CONTRACTS:
                hint = nearest(name, CONTRACTS)
                raise ValueError(
                    say("study.settings.no_table", name=repr(name), hint=hint)
                )
        return value

    @field_validator("methods")
    @classmethod
    def _known_methods(
        cls, value: dict[str, dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
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
    data = written(path)
    config = validate(StudyConfig, merge(data, overrides or {}), str(path))
    return _without_plans(config, Path(path).parent)


def written(path: str | Path) -> dict[str, Any]:
    """What a study file says, before it is validated."""
    path = Path(path)
    try:
        data = yaml.safe_load(_text(path))
    except RecursionError:
        raise ConfigError(say("study.file.deep", path=path)) from None
    except FileNotFoundError:
        raise ConfigError(say("study.file.missing", path=path)) from None
    except (yaml.YAMLError, UnicodeDecodeError, IsADirectoryError) as error:
        raise ConfigError(
            say("study.file.no_yaml", path=path, said=_where(error))
        ) from None
    except ValueError as error:  # 2026-13-01 looks like a date and is none
        raise ConfigError(say("study.file.no_day", path=path, said=error)) from None
    if not isinstance(data, dict):
        raise ConfigError(say("study.file.no_mapping", path=path))
    if _expanded(data, {}) > MOST_VALUES:
        raise ConfigError(say("study.file.too_many", path=path, limit=MOST_VALUES))
    return data


def _without_plans(config: StudyConfig, base: Path) -> StudyConfig:
    """Without ``campaigns`` where these are files of plans (a pattern) and none is drawn yet: their
    folder is empty, or not there."""
    source = config.sources.get("campaigns")
    if source is None or source.path is None or len(config.sources) == 1:
        return config
    pattern = base / Path(source.path).expanduser()
    if "*" not in pattern.name or VARIABLE.search(source.path):
        return config
    if pattern.parent.is_dir() and any(pattern.parent.iterdir()):
        return config
    drawn = {name: s for name, s in config.sources.items() if name != "campaigns"}
    return config.model_copy(update={"sources": drawn})


def _where(error: Exception) -> str:
    """What is wrong with a file that is no YAML, and where."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return str(error).splitlines()[0]
    facts = {"problem": getattr(error, "problem", ""), "line": mark.line + 1}
    return say("study.file.place", column=mark.column + 1, **facts)


def _text(path: Path) -> str:
    """The text of a study file; a pipe or a device might never end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ConfigError(say("study.file.special", path=path))
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise ConfigError(
            say("study.file.too_large", path=path, limit=MOST_BYTES >> 20)
        )
    return path.read_text(encoding="utf-8")


def _expanded(value: Any, known: dict[int, int]) -> int:
    """How many values a study file holds once its aliases are written out."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in known:
        known[id(value)] = MOST_VALUES  # an alias of itself never ends
        parts = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_expanded(part, known) for part in parts)
    return known[id(value)]


def merge(data: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with the values of `overrides`, mappings merged key by key."""
    out = dict(data)
    for key, value in overrides.items():
        old = out.get(key)
        out[key] = (
            merge(old, value)
            if isinstance(old, Mapping) and isinstance(value, Mapping)
            else value
        )
    return out


def check_options(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of one method, typed and with defaults filled in; a ConfigError names the valid
    ones."""
    known = with_options()
    if method not in known:
        hint = nearest(method, known)
        raise ConfigError(
            say("study.settings.no_method", method=repr(method), hint=hint)
        )
    return dict(validate(options_model(method), dict(options), f"methods.{method}"))


@cache
def options_model(method: str) -> type[BaseModel]:
    """A model of a method's options, derived from its class's signature: types and bounds live
    only there."""
    return cast("type[BaseModel]", described(method).options_model())
