"""The playbook: which actions a segment may get, as data that a company can read, change and have
checked."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from segment_lab import config
from segment_lab.act.experiment import TREATMENT
from segment_lab.data import embedded
from segment_lab.data.allowed import parse
from segment_lab.data.arguments import checked
from segment_lab.data.columns import column_faults
from segment_lab.data.expressions import columns, compile_expression
from segment_lab.data.given import of_kind
from segment_lab.errors import ConfigError, DataError, Fault, nearest
from segment_lab.texts import say

NOTHING, ALWAYS = "Do nothing", "always"
#: The packaged playbook for segments whose names are not known beforehand.
GENERAL = "clusters"
_OPERATORS = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
}
_FLIPPED = {"gt": "lt", "gte": "lte", "lt": "gt", "lte": "gte", "eq": "eq"}
_AMOUNTS = ["cost_per_contact", "minutes_per_contact"]
Text = Annotated[str, Field(min_length=1)]


class Prior(BaseModel):
    """What is believed of an uplift before anything was measured: mean and sd (fractions), and who
    says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mean: float = Field(ge=-1, le=1)
    sd: float = Field(gt=0, le=1)
    source: Text


class Limit(BaseModel):
    """How often one customer may get an action: `once` in all, or only while he had fewer than
    `at_most` contacts, by whatever channel, in the last `in_days`; or both."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    once: bool = False
    at_most: int | None = Field(None, ge=1)
    in_days: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.at_most is None) != (self.in_days is None):
            raise ValueError(say("playbook.half_a_limit"))
        if not self.once and self.at_most is None:
            raise ValueError(say("playbook.no_limit"))
        return self


class Entry(BaseModel):
    """One action for one segment: named by `segment`, by `when`, an SQL condition over its
    profile's columns, or by both.

    `kind` is the action's name in ``contact_costs`` and ``campaigns`` (email, discount, gift,
    call, visit …): costs and measured effects are found by it. Cost (money) and minutes are per
    customer. `assumption` says what must be true for the action to work, `uplift` what is believed
    of it, if anything. `top` gives the action to that many of the segment's customers only, those
    with most revenue; `limit` leaves out who has had enough.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    segment: str | None = None
    when: str | None = None
    action: Text
    kind: Text
    channel: Text
    cost_per_contact: float = Field(0.0, ge=0, allow_inf_nan=False)
    minutes_per_contact: float = Field(0.0, ge=0, allow_inf_nan=False)
    kpi: Text
    guardrail: Text
    rationale: Text
    source: Text
    assumption: Text
    uplift: Prior | None = None
    top: int | None = Field(None, ge=1)
    limit: Limit | None = None
    cost_source: str = "playbook"

    @property
    def belief(self) -> tuple[str, Prior | None]:
        """The key of what is expected: actions of a kind share it, unless one states its own."""
        return self.kind, self.uplift

    @field_validator("when")
    @classmethod
    def _possible(cls, when: str | None) -> str | None:
        if when is None or when == ALWAYS:
            return when
        try:
            bounds = _bounds(parse(when, "when"))
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if empty := [c for c, found in bounds.items() if not _satisfiable(c, found)]:
            raise ValueError(
                say("playbook.never", column=empty[0], condition=repr(when))
            )
        return when

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.segment is None and self.when is None:
            raise ValueError(say("playbook.no_segment"))
        return self

    def applies(self, profile: pd.DataFrame) -> np.ndarray:
        """For which rows of a profile (index: segment names) the entry holds; a missing value
        never does."""
        named = np.ones(len(profile), dtype=bool)
        if self.segment is not None:
            named = np.asarray(profile.index.astype(str) == self.segment)
        if self.when is None or self.when == ALWAYS or not named.any():
            return named
        where = f"playbook, {self.action}"
        holds = embedded.evaluate(
            profile,
            lambda t: compile_expression(str(self.when), t, where).fill_null(False),
        )
        return named & holds.astype(bool)


@dataclass(frozen=True)
class Playbook:
    """Entries in order of preference; a segment may have several, and "do nothing" is always
    possible.

    Examples
    --------
    >>> book = Playbook.packaged("abc")
    >>> sorted({entry.segment for entry in book.entries if entry.segment})
    ['A', 'B', 'C']
    """

    entries: tuple[Entry, ...]
    name: str = "own"

    def __post_init__(self) -> None:
        of_kind("Playbook", entries=(self.entries, tuple))
        each = {f"entries.{i}": (entry, Entry) for i, entry in enumerate(self.entries)}
        of_kind("Playbook", **each)

    @classmethod
    def packaged(cls, method: str) -> Self:
        """The playbook that comes with the package for a scheme (``rfm``, ``abc``, ``clusters``
        …)."""
        if method not in (known := config.names("playbooks")):
            near = nearest(method, known)
            raise ConfigError(say("playbook.unknown", name=repr(method), near=near))
        return cls.from_data(config.packaged(f"playbooks/{method}"), method)

    @classmethod
    @checked
    def from_yaml(cls, path: str | Path) -> Self:
        """A company's own playbook; all its faults are named at once (ConfigError)."""
        try:
            data = yaml.safe_load(Path(path).read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            why = getattr(error, "strerror", None) or error
            text = say("playbook.unreadable", path=path, error=why)
            raise ConfigError(text) from None
        return cls.from_data(data, Path(path).stem)

    @classmethod
    def from_data(cls, data: Any, name: str = "own") -> Self:
        """From a list of mappings, as the YAML holds them."""
        of_kind("Playbook.from_data", data=(data, (list, tuple)))
        try:
            entries = TypeAdapter(tuple[Entry, ...]).validate_python(data)
        except ValidationError as error:
            _raise(
                name,
                [
                    _explain(data, item["loc"], item["type"], item["msg"])
                    for item in error.errors()
                ],
            )
        _raise(name, [] if entries else [say("playbook.no_entries")])
        return cls(entries, name)

    @classmethod
    def general(cls, method: str) -> Self:
        """The packaged playbook of a scheme, or where it has none the conditions for any
        segment."""
        known = config.names("playbooks")
        return cls.packaged(method if method in known else GENERAL)

    @checked
    def options(self, profile: pd.DataFrame) -> dict[str, tuple[Entry, ...]]:
        """The entries that apply to each segment of a profile (index: names), in order of
        preference."""
        holds = [(entry, entry.applies(profile)) for entry in self.entries]
        found = {}
        for place, name in enumerate(profile.index):
            fitting = [entry for entry, rows in holds if rows[place]]
            found[str(name)] = tuple(fitting)
        return found

    @checked
    def check(self, names: Sequence[str], profile: pd.DataFrame | None = None) -> Self:
        """Lint against the segments of a scheme; ConfigError names every fault.

        Each segment needs an entry. One for no segment, over a column the profile lacks, or like
        an earlier one never applies.
        """
        faults: list[str] = []
        seen = set()
        for place, entry in enumerate(self.entries, 1):
            if entry.segment is not None and entry.segment not in names:
                facts = {
                    "segment": repr(entry.segment),
                    "near": nearest(entry.segment, names),
                }
                faults.append(say("playbook.no_such_segment", place=place, **facts))
            key = (entry.segment, entry.when, entry.kind, entry.top)
            if key in seen:
                faults.append(say("playbook.repeated", place=place, kind=entry.kind))
            seen.add(key)
            if profile is None or entry.when in (None, ALWAYS):
                continue
            for column in sorted(
                columns(str(entry.when), "when") - set(profile.columns)
            ):
                near = nearest(column, profile.columns)
                faults.append(
                    say(
                        "playbook.no_such_column",
                        place=place,
                        column=repr(column),
                        near=near,
                    )
                )
        found = {name: self._names(name) for name in names}
        if profile is not None and not faults:
            found = {
                name: bool(entries) for name, entries in self.options(profile).items()
            }
        without = [name for name in names if not found[name]]
        faults += [say("playbook.no_entry", segment=repr(name)) for name in without]
        _raise(self.name, faults)
        return self

    def _names(self, segment: str) -> bool:
        """Whether an entry is for this segment, or for any that meets its condition."""
        return any(entry.segment in (segment, None) for entry in self.entries)

    @checked
    def completed(self, names: Sequence[str]) -> Self:
        """Without entries for other segments; with the general ones (by profile) when a segment
        has none."""
        names = list(names)
        kept = tuple(e for e in self.entries if e.segment is None or e.segment in names)
        complete = all(self._names(n) for n in names)
        return replace(
            self,
            entries=kept if complete else (*kept, *Playbook.packaged(GENERAL).entries),
        )

    @checked
    def with_campaign_costs(self, found: pd.DataFrame) -> Self:
        """What a contact cost in the last own campaign (`campaigns.results`) of each `Entry.kind`,
        instead of a packaged assumption."""
        if "cost_per_contact" not in found or "action" not in found:
            return self
        told = found[(found["arm"] == TREATMENT) & found["cost_per_contact"].notna()]
        last = told.groupby("action")["assigned_on"].transform("max")
        latest = told[told["assigned_on"] == last]
        costs = latest.groupby("action")["cost_per_contact"].mean()
        entries = []
        for entry in self.entries:
            if entry.kind in costs.index:
                cost = float(costs[entry.kind])
                changed = {"cost_per_contact": cost, "cost_source": "campaigns"}
                entry = entry.model_copy(update=changed)
            entries.append(entry)
        return replace(self, entries=tuple(entries))

    @checked
    def with_costs(self, costs: pd.DataFrame) -> Self:
        """The company's own cost, minutes and channel: table ``contact_costs``, a row per
        `Entry.kind`."""
        amounts = [amount for amount in _AMOUNTS if amount in costs]
        faults = column_faults(
            costs, ("action", *amounts), nullable=amounts, numbers=amounts
        )
        if "action" in costs and costs["action"].duplicated().any():
            faults.append(Fault("action", say("playbook.cost_twice")))
        elif not faults and (costs[amounts] < 0).any(axis=None):
            faults.append(Fault(", ".join(amounts), say("playbook.cost_negative")))
        if faults:
            raise DataError(say("playbook.costs"), faults)
        table = costs.set_index("action")
        return replace(
            self, entries=tuple(_at_cost(entry, table) for entry in self.entries)
        )


def _at_cost(entry: Entry, table: pd.DataFrame) -> Entry:
    if entry.kind not in table.index:
        return entry
    row: Any = table.loc[entry.kind]
    changed: dict[str, Any] = {"cost_source": "contact_costs"}
    for amount in _AMOUNTS:
        value = row.get(amount, 0.0)
        changed[amount] = 0.0 if pd.isna(value) else float(value)
    if isinstance(row.get("channel"), str):
        changed["channel"] = row["channel"]
    return entry.model_copy(update=changed)


def _bounds(tree: Any) -> dict[str, list[tuple[str, float]]]:
    """Comparisons of a column with a number that must all hold (joined by AND), by column."""
    bounds: dict[str, list[tuple[str, float]]] = {}
    stack = [tree]
    while stack:
        node = stack.pop()
        if node.key in ("and", "paren"):
            stack += [node.this, node.expression] if node.key == "and" else [node.this]
        elif node.key in _OPERATORS:
            left, right, key = node.left, node.right, node.key
            if left.is_number and right.key == "column":
                left, right, key = right, left, _FLIPPED[key]
            if left.key == "column" and right.is_number:
                bounds.setdefault(left.name, []).append((key, float(right.to_py())))
    return bounds


def _satisfiable(column: str, bounds: list[tuple[str, float]]) -> bool:
    """Whether any number lies within the bounds: one of them, between two, or outside all."""
    known = []
    if column.endswith(("_share", "_rate")):
        known = [("gte", 0.0), ("lte", 1.0)]
    elif column == "customers" or column.endswith(("_days", "frequency")):
        known = [("gte", 0.0)]
    limits = [*bounds, *known]
    edges = [edge for _, edge in limits]
    between = [(one + other) / 2 for one, other in combinations(edges, 2)]
    tried = [*edges, min(edges) - 1, max(edges) + 1, *between]

    def fits(value: float) -> bool:
        return all(_OPERATORS[kind](value, edge) for kind, edge in limits)

    return any(map(fits, tried))


def _explain(data: Any, loc: tuple[Any, ...], kind: str, message: str) -> str:
    """One fault in words: which entry, which key, what is wrong."""
    message = message.removeprefix("Value error, ")
    if not loc:
        return message
    entry = data[loc[0]]
    title = (
        (entry.get("segment") or entry.get("when") or "?")
        if isinstance(entry, Mapping)
        else entry
    )
    key = ".".join(map(str, loc[1:]))
    if kind == "extra_forbidden":
        inner: dict[str, type[BaseModel]] = {"uplift": Prior, "limit": Limit}
        model = inner[loc[1]] if len(loc) > 2 else Entry
        known = model.model_fields
        message = say("playbook.unknown_key", near=nearest(str(loc[-1]), known))
    return f"entry {int(loc[0]) + 1} ({title}){': ' if key else ''}{key}: {message}"


def _raise(name: str, faults: list[str]) -> None:
    if faults:
        listed = [f"  - {fault}" for fault in faults]
        raise ConfigError("\n".join([say("playbook.faults", name=name), *listed]))
