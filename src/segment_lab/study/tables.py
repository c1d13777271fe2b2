"""The tables of a study: read once, checked, and with each customer under one id."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import ibis.expr.types as ir
import pandas as pd
from pydantic import SkipValidation

from segment_lab.customers.merging import merged, targets
from segment_lab.data import embedded
from segment_lab.data.arguments import checked
from segment_lab.data.contracts import CONTRACTS
from segment_lab.data.currencies import unlike
from segment_lab.data.files import as_it_was
from segment_lab.data.intake import Intake
from segment_lab.data.sources import raw_frame
from segment_lab.data.taking import take_in
from segment_lab.errors import (
    ConfigError,
    DataError,
    Fault,
    NotEnoughDataError,
    nearest,
)
from segment_lab.study.config import StudyConfig, load, validate
from segment_lab.texts import say, speak
from segment_lab.texts.languages import spoken_first
from segment_lab.window import as_date

T = TypeVar("T")


class StudyTables:
    """A company's tables, under canonical names; `StudyDays` looks at them on a day."""

    def __init__(
        self,
        config: StudyConfig,
        base: Path,
        *,
        path: Path | None = None,
        parent: Self | None = None,
    ):
        self.config, self.base, self.path, self._parent = config, base, path, parent
        self.name, self.title, self.currency = (
            config.name,
            config.title or config.name,
            config.currency,
        )
        self._kept: dict[Any, Any] = {}
        speak(spoken_first(config.lang), config.currency)

    @classmethod
    @checked
    def from_yaml(
        cls,
        path: str | Path,
        as_of: SkipValidation[dt.date | str | None] = None,
        methods: Mapping[str, Mapping[str, Any]] | None = None,
        **overrides: Any,
    ) -> Self:
        """Read a study file. `as_of`, `methods` and other keywords replace what the file says.

        ConfigError lists every fault of the file and of what replaces it.
        """
        changes: dict[str, Any] = dict(overrides)
        if as_of is not None:
            changes["as_of"] = as_date(as_of)
        if methods:
            changes["methods"] = {m: dict(o) for m, o in methods.items()}
        path = Path(path)
        study = cls(load(path, changes), path.resolve().parent, path=path.resolve())
        study._of_file = True
        return study

    @classmethod
    @checked
    def from_frames(
        cls, tables: Mapping[str, Any], name: str = "frames", **config: Any
    ) -> Self:
        """A study over frames that are already here (pandas, polars or Arrow), canonical column
        names."""
        sources = {table: {"path": f"<{table}>"} for table in tables}
        study = cls(
            validate(
                StudyConfig, {"name": name, "sources": sources, **config}, "study"
            ),
            Path.cwd(),
        )
        study._frames = {t: raw_frame(f) for t, f in tables.items()}
        return study

    _frames: Mapping[str, Any] = {}
    # Notebooks ask many questions of a text file, so it is parsed once and kept; one table is one
    # pass.
    _keep_copies = True
    # Whether these are the tables that the study file names: not merged, not drawn from.
    _of_file = False
    # A study of a sample of the customers: the whole it was drawn from, and the share.
    _whole: Self | None = None
    _share = 1.0

    @cached_property
    def connection(self) -> Any:
        """The study's DuckDB connection; its time zone decides on which day an order falls."""
        if above := self._parent or self._whole:
            return above.connection
        connection = embedded.connect()
        connection.raw_sql(f"SET TimeZone = '{self.config.timezone}'")
        return connection

    def has(self, table: str) -> bool:
        """Whether the study has this table."""
        if table not in CONTRACTS:
            hint = nearest(table, CONTRACTS)
            raise ConfigError(say("study.tables.no_table", table=table, hint=hint))
        return table in self.config.sources

    def intake(self, table: str) -> Intake:
        """One table as taken in: accepted lines, rejects, counts by reason."""
        if self._parent is not None:
            return self._parent.intake(table)
        if self._whole is not None:
            whole = self._whole
            return self._keep(
                ("intake", table), lambda: whole.intake(table).drawn(self._share)
            )
        if not self.has(table):
            facts = {"name": self.name, "table": table, "file": self.path}
            raise NotEnoughDataError(say("study.tables.missing", **facts))
        return self._keep(("intake", table), lambda: self._taken_in(table))

    def _taken_in(self, table: str) -> Intake:
        intake = take_in(
            table,
            self.config.sources[table],
            self.base,
            self.connection,
            self.config.timezone,
            self._frames.get(table),
            self._keep_copies,
        )
        if table == "merges" or not self.has("merges"):
            return intake
        return self._under_one_id(intake, self._merges)

    @staticmethod
    def _under_one_id(intake: Intake, into: pd.Series) -> Intake:
        """A table in which each customer has one id; tables with a row per customer remember the
        ids they came with."""
        remember = intake.contract.key == "customer_id"
        renamed = intake.under_other_ids(lambda lines: merged(lines, into, remember))
        marks = hashlib.sha256(into.to_csv().encode()).hexdigest()[:16]
        renamed.__dict__["fingerprint"] = f"{intake.fingerprint}:{marks}"
        return renamed

    @cached_property
    def _merges(self) -> pd.Series:
        """Into which id each record goes that is a customer known under another id."""
        table = self.table("merges").select("customer_id", "merge_into")
        return targets(table.to_pandas().map(as_it_was))

    def table(self, name: str) -> ir.Table:
        """Accepted rows of a table under canonical names, as an Ibis table; money in readable
        amounts."""
        return self.intake(name).accepted

    def _optional(self, table: str) -> ir.Table | None:
        return self.table(table) if self.has(table) else None

    def check(self) -> list[Intake]:
        """Take every table in; a DataError lists the faults of all of them at once."""
        intakes, faults = [], []
        for name in self.config.sources:
            try:
                intakes.append(self.intake(name))
            except DataError as error:
                faults += [
                    Fault(
                        f"{error.title}: {f.where}",
                        f.problem,
                        f.remedy,
                        f.rows,
                        f.examples,
                    )
                    for f in error.faults
                ]
        for intake in intakes:
            faults += intake.faults(self.config.tolerance)
        faults += [] if faults else self._payments_unlike_invoices()
        if faults:
            raise DataError(say("study.tables.unusable", name=self.name), faults)
        return intakes

    def _payments_unlike_invoices(self) -> list[Fault]:
        if not (self.has("invoices") and self.has("payments")):
            return []
        bills, payments = self.intake("invoices"), self.intake("payments")
        return unlike(bills.currencies, payments.currencies)

    def _hashed(self) -> str:
        """A hash of all the data and of how they are read."""
        prints = [
            f"{n}:{self.intake(n).fingerprint}" for n in sorted(self.config.sources)
        ]
        return hashlib.sha256(
            "|".join([self.config.timezone, *prints]).encode()
        ).hexdigest()[:16]

    def _keep(self, key: Any, make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]
