"""One table of a study, taken in: its rows by what became of them, its faults, its rejects as they
stood."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from segment_lab.data.conforming import EMPTY, NOT_SENT, conform, resolve
from segment_lab.data.contracts import CONTRACTS, Contract
from segment_lab.data.copies import (
    fingerprint_of,
)
from segment_lab.data.damaged import in_words
from segment_lab.data.embedded import drawn
from segment_lab.data.pieces import Pieces
from segment_lab.data.quoting import literal, quoted
from segment_lab.data.reading import Reading, currency_of, money
from segment_lab.data.remarks import counted_until, order_days, remarks
from segment_lab.data.shaping import ASIDE
from segment_lab.data.sources import RawTable, Source
from segment_lab.data.spellings import known_words
from segment_lab.errors import DataError, Fault
from segment_lab.texts import say
from segment_lab.texts.names import told

ACCEPTED, BROKEN = "accepted", "broken line: "
# Reasons that count against the study's tolerance begin with one of these.
BAD = ("no ", "unreadable", "unknown", "unlikely", "broken")


@dataclass
class Intake:
    """One table of a study: conformed `lines` with their ``reason``, and what the source looked
    like."""

    name: str
    source: Source
    raw: RawTable
    reading: Reading
    lines: ir.Table
    connection: Any
    kept_broken: pd.DataFrame | None = None
    pieces: Pieces | None = None

    base: Path | None = None
    timezone: str = "UTC"

    @cached_property
    def broken(self) -> pd.DataFrame:
        """Lines the reader could not split (``line, text, reason``), known once the source was
        read."""
        if self.kept_broken is None:
            return self.raw.broken(self.connection)
        return self.kept_broken

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the source's content and of how it is read; by size and date for files over 2
        GB."""
        return fingerprint_of(
            self.source,
            self.base,
            self.lines,
            self.name,
            self.timezone,
            self.raw.content,
        )

    @cached_property
    def narrow(self) -> ir.Table:
        """`lines` with whole-number ids left as numbers, which are cheaper to group by."""
        if self.kept_broken is not None:  # a typed copy
            return self.lines
        return conform(
            self.raw.table,
            self.contract,
            self.reading,
            text_ids=False,
        )

    def drawn(self, share: float) -> Intake:
        """The rows of a random share of the customers; a table that names none stays whole."""
        if "customer_id" not in self.lines.columns:
            return self
        part = replace(
            self,
            lines=drawn(self.lines, share),
            kept_broken=self.broken.head(0),
            pieces=None,
        )
        part.__dict__["narrow"] = drawn(self.narrow, share)
        part.__dict__["fingerprint"] = f"{self.fingerprint}:{share}"
        return part

    def under_other_ids(self, renamed: Callable[[ir.Table], ir.Table]) -> Intake:
        """The same rows with their customers' ids `renamed`; what was counted stays counted."""
        part = replace(self, lines=renamed(self.lines), pieces=None)
        part.__dict__["narrow"] = part.lines
        return part

    @property
    def contract(self) -> Contract:
        """The contract of this table."""
        return CONTRACTS[self.name]

    @property
    def accepted(self) -> ir.Table:
        """Accepted rows with canonical columns; money as readable amounts beside the minor
        units."""
        good = self.lines.filter(self.lines.reason.isnull()).drop("reason")
        return money(good, self.reading.decimals)

    # Counting
    # ---------------------------------------------------------------------------------------------

    @cached_property
    def _tally(self) -> pd.DataFrame:
        """One scan: ``rows`` by ``reason``, and by ``order_date`` and ``currency`` where there are
        such."""
        keys = [
            key
            for key in ("reason", "order_date", "currency")
            if key in self.lines.columns
        ]
        with in_words(self.name, self.raw.label):
            frame = self.pieces.tally if self.pieces else None
            if frame is None:
                query = self.lines.group_by(keys).aggregate(rows=self.lines.count())
                rows = query.get_backend().to_pyarrow(query)
                frame = rows.to_pandas(date_as_object=True)
        reason = frame["reason"].astype("object")
        return frame.assign(reason=reason.where(reason.notna(), ACCEPTED))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Rows by ``reason`` (``accepted`` first) and, for orders, the first and last day."""
        days: dict[str, Any] = {}
        if "order_date" in self._tally:
            days = {
                "first": ("order_date", _least),
                "last": ("order_date", _most),
            }
        frame: Any = (
            self._tally.groupby("reason")
            .agg(rows=("rows", "sum"), **days)
            .reset_index()
        )
        # Known after the query: the reader notes them while it reads.
        if len(self.broken):
            for reason, part in self.broken.groupby("reason"):
                frame.loc[len(frame), ["reason", "rows"]] = [
                    f"{BROKEN}{reason}",
                    len(part),
                ]
        return frame.set_index("reason").sort_index(
            key=lambda i: i.where(i != ACCEPTED, "")
        )

    @property
    def counts(self) -> pd.Series:
        """Rows by reason; ``accepted`` first; the sum is the number of rows read."""
        rows = self.summary["rows"].astype("int64")
        if ACCEPTED in rows:
            return rows
        return pd.concat([pd.Series({ACCEPTED: 0}, name="rows"), rows])

    @cached_property
    def left_out(self) -> int:
        """Rows of the source that `where` says do not belong to it."""
        if not self.reading.where:
            return 0
        return int(self.raw.table.count().execute()) - int(self.lines.count().execute())

    @property
    def order_days(self) -> list[tuple[dt.date, int]]:
        """Days with accepted orders and their rows, in order of time."""
        return order_days(self._tally)

    @property
    def last_day(self) -> dt.date:
        """The last day of the orders that set ``as_of``: typing errors and plans ahead do not."""
        return counted_until(self.order_days)[0]

    # Faults
    # ---------------------------------------------------------------------------------------------

    def rejected(self) -> ir.Table:
        """Rejected rows as they stood in the source (``raw.…``), with their reason."""
        whole = conform(
            self.raw.table,
            self.contract,
            self.reading,
            keep_raw=True,
        )
        bad = whole.filter(whole.reason.notnull())
        return bad.select("reason", *(c for c in bad.columns if c.startswith("raw.")))

    def faults(self, tolerance: float, counts: pd.Series | None = None) -> list[Fault]:
        """What makes the source unfit to go on with: nothing accepted, or too much that cannot be
        read."""
        counts = self.counts if counts is None else counts
        total = int(counts.sum())
        if not total and self.left_out:
            facts = {"where": self.reading.where, "rows": self.left_out}
            problem = say("data.faults.all_left_out", **facts)
            return [Fault(self.name, problem, say("data.faults.mend_where"))]
        if not total:
            return [
                Fault(
                    self.name, say("data.faults.empty"), say("data.faults.look_at_file")
                )
            ]
        if counts.get(NOT_SENT, 0) == total:
            return []
        if not counts[ACCEPTED]:
            return [
                self._fault(str(reason), int(n)) for reason, n in counts.items() if n
            ]
        if several := self._several_currencies():
            return several
        bad = counts[[reason for reason in counts.index if _is_bad(reason)]]
        if bad.sum() / total <= tolerance:
            return []
        return [self._fault(str(reason), int(n)) for reason, n in bad.items()]

    def _several_currencies(self) -> list[Fault]:
        found = self.currencies
        if len(found) < 2:
            return []
        listed = [f"{code} ({rows:,})" for code, rows in found.items()]
        problem = say("data.faults.currencies", currencies=listed)
        main = next(iter(found))
        remedy = say(
            "data.faults.currencies_remedy",
            condition=json.dumps(self._one_of(main), ensure_ascii=False),
        )
        return [Fault(f"{self.name} ({self.raw.label})", problem, remedy)]

    def _one_of(self, main: str) -> str:
        """The condition that leaves in the rows of one currency."""
        column = self.mapping["currency"]
        written = self._written[self._written.code == main].currency
        if column in self.raw.table.columns:
            return f"{quoted(column)} = {literal(written.iloc[0])}"
        others = self._written[self._written.code != main].currency
        pattern = literal("|".join(re.escape(mark) for mark in others))
        return f"NOT regexp_matches(coalesce({quoted(self.reading.marked)}, ''), {pattern})"

    @cached_property
    def mapping(self) -> dict[str, str]:
        """Canonical name → raw column or expression."""
        return resolve(self.contract, tuple(self.raw.table.columns), self.reading)

    @cached_property
    def _written(self) -> pd.DataFrame:
        """Accepted rows by `currency` as it is written, with its `code`; commonest first."""
        if "currency" not in self._tally:
            return pd.DataFrame(
                {
                    "currency": [],
                    "code": [],
                    "rows": [],
                }
            )
        good = self._tally[self._tally.reason == ACCEPTED].dropna(subset="currency")
        rows = good.groupby("currency", as_index=False).rows.sum()
        code = rows.currency.str.strip().map(currency_of).str.upper()
        return rows.assign(code=code).sort_values("rows", ascending=False)

    @cached_property
    def currencies(self) -> dict[str, int]:
        """Accepted rows by currency, commonest first; empty where nothing says."""
        rows = self._written.groupby("code").rows.sum().sort_values(ascending=False)
        return {str(name): int(count) for name, count in rows.items() if count}

    def _fault(self, reason: str, rows: int) -> Fault:
        where = f"{self.name} ({self.raw.label})"
        return Fault(
            where, told(reason), _remedy(self.name, reason), rows, self.examples(reason)
        )

    def examples(self, reason: str, n: int = 3) -> tuple[str, ...]:
        """A few raw values behind a reason, for messages."""
        if reason.startswith(BROKEN):
            lines = self.broken[self.broken.reason == reason.removeprefix(BROKEN)]
            return tuple(lines.text.head(n))
        if not _is_bad(reason) or reason.startswith("no "):
            return ()
        name = reason.split(" ", 1)[-1]
        column = self.reading.columns.get(name) or name
        if column not in self.raw.table.columns:
            return ()
        bad = self.rejected()
        values = bad.filter(bad.reason == reason)[f"raw.{column}"].as_table().distinct()
        values = values.order_by(f"raw.{column}").limit(n)
        return tuple(str(v) for v in values.get_backend().to_pandas(values).iloc[:, 0])

    def remarks(self) -> list[str]:
        """What is odd but usable; see `segment_lab.data.remarks`."""
        return remarks(self)


def _is_bad(reason: str) -> bool:
    """Whether rows of this reason could not be read; totals and headings never were data."""
    return reason.startswith(BAD) and reason not in (*ASIDE, EMPTY)


def _least(days: pd.Series) -> Any:
    return min(days.dropna(), default=None)


def _most(days: pd.Series) -> Any:
    return max(days.dropna(), default=None)


def _remedy(table: str, reason: str) -> str:
    """What to do about a reason."""
    column = reason.rpartition(" ")[2]
    if reason.startswith("unknown"):
        return say(
            "data.remedies.unknown", column=column, words=known_words(table, column)
        )
    if reason.startswith("no "):
        return say("data.remedies.missing")
    if reason.startswith(BROKEN):
        return say("data.remedies.broken")
    if reason.startswith("returns by customers"):
        return say("data.remedies.returns")
    if reason.startswith("before"):
        return say("data.remedies.before")
    if column.endswith(("_date", "_on")):
        return say("data.remedies.dates")
    if reason.startswith("unreadable"):
        return say("data.remedies.numbers")
    return ""


def raise_faults(
    intake: Intake,
    tolerance: float,
    counts: pd.Series | None = None,
) -> None:
    """Raise one DataError with every fault of a table; `counts` spares a scan where they are
    known."""
    if faults := intake.faults(tolerance, counts):
        raise DataError(say("data.faults.title"), faults)
