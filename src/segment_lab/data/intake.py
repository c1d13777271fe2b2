"""Taking a source in: text is parsed once and kept as typed Parquet, faults are counted, rejects
keep their raw row."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from segment_lab.data.contracts import (
    CONTRACTS,
    EMPTY,
    NOT_SENT,
    Contract,
    conform,
    resolve,
)
from segment_lab.data.copies import (
    Memory,
    Unopened,
    fingerprint_of,
    memory_of,
    read_copies,
    recalled,
    remember,
    typed_copy,
)
from segment_lab.data.damaged import in_words
from segment_lab.data.databases import open_source
from segment_lab.data.days import detect_reading
from segment_lab.data.embedded import by_name, drawn
from segment_lab.data.parts import noted, parts_of
from segment_lab.data.pieces import Pieces, pieces_of, pieces_of_copies
from segment_lab.data.quoting import literal, quoted
from segment_lab.data.reading import Reading, currency_of, money
from segment_lab.data.remarks import counted_until, order_days, remarks
from segment_lab.data.shaping import ASIDE, set_aside, shaped
from segment_lab.data.sources import RawTable, Source, locate
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
        return conform(self.raw.table, self.contract, self.reading, text_ids=False)

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
            days = {"first": ("order_date", _least), "last": ("order_date", _most)}
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
        whole = conform(self.raw.table, self.contract, self.reading, keep_raw=True)
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
            return pd.DataFrame({"currency": [], "code": [], "rows": []})
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


def take_in(
    name: str,
    source: Source,
    base: Path,
    connection: Any,
    timezone: str = "UTC",
    raw: RawTable | None = None,
    keep: bool = True,
) -> Intake:
    """Open (unless `raw` is given) and parse one source; with `keep`, text becomes a typed copy,
    once per content.

    Raises
    ------
    DataError
        The file is missing or unreadable, or a needed column cannot be found.
    """
    memory = memory_of(name, source, base, timezone) if raw is None and keep else None
    known = recalled(memory)
    if known is None and memory is not None:
        known = _in_parts(name, source, base, connection, timezone)
        if known is not None:
            remember(memory, known)
    if known is not None:
        return _from_copies(name, source, base, connection, timezone, known)
    contract = CONTRACTS[name]
    where = base if raw is None else None
    raw = raw or open_source(source, base, connection, name)
    raw = raw.over(by_name(raw.table, connection, name))
    raw = shaped(raw, source, name)
    dates = [
        source.columns.get(c.name, c.name) or ""
        for c in contract.columns
        if c.kind == "date"
    ]
    reading = detect_reading(source, raw, dates, name, set_aside(source))
    if source.duplicates == "drop":
        conform(raw.table, contract, reading)  # faults of the mapping come first
        raw = raw.over(raw.table.distinct())
    lines = conform(raw.table, contract, reading)
    kept: pd.DataFrame | None = None
    pieces = None
    if raw.is_text and keep:
        if contract.extras:
            with in_words(name, raw.label):
                lines = _typed_extras(lines, contract)
        fingerprint = fingerprint_of(source, where, lines, name, timezone, raw.content)
        with in_words(name, raw.label):
            target = typed_copy(name, lines, raw, connection, fingerprint)
            lines, kept = read_copies(connection, [target], Path(target).stem)
        found = Memory(reading, fingerprint, raw.label, raw.content, (target,))
        if memory is not None:
            remember(memory, found)
            if name == "orders":
                noted(source, base, found, kept)
                pieces = pieces_of_copies(source, [target], reading, connection)
    elif keep:
        pieces = pieces_of(source, where, raw, contract, reading, connection, timezone)
    return Intake(
        name,
        source,
        raw,
        reading,
        lines,
        connection,
        kept,
        pieces,
        where,
        timezone,
    )


def _in_parts(
    name: str, source: Source, base: Path, connection: Any, timezone: str
) -> Memory | None:
    """What is found out of a text log whose parts are known but for the newest; None of one that
    is parsed whole."""

    def part(alone: Source) -> tuple[Memory, pd.DataFrame]:
        intake = take_in(name, alone, base, connection, timezone)
        found = recalled(memory_of(name, alone, base, timezone))
        if found is None:  # the file changed meanwhile
            raise DataError(say("data.faults.title"))
        return found, intake.broken

    parts = parts_of(name, source, base, part)
    if parts is None:
        return None
    lines = connection.read_parquet(list(parts.targets))
    fingerprint = fingerprint_of(source, base, lines, name, timezone, "")
    label = locate(source, base, name).name
    reading = parts.memories[0].reading
    return Memory(reading, fingerprint, label, "", parts.targets)


def _from_copies(
    name: str,
    source: Source,
    base: Path,
    connection: Any,
    timezone: str,
    known: Memory,
) -> Intake:
    """A text file that is not opened, because what it holds is known."""
    opening = partial(_opened, name, source, base, connection)
    unopened: Any = Unopened(opening, known.label, known.content)
    # The name of its content, so that statements are the same in every process.
    called = f"{name}-{known.fingerprint}"
    if len(known.targets) == 1:
        called = Path(known.targets[0]).stem
    lines, broken = read_copies(connection, known.targets, called)
    pieces = None
    if name == "orders":
        pieces = pieces_of_copies(source, known.targets, known.reading, connection)
    intake = Intake(
        name,
        source,
        unopened,
        known.reading,
        lines,
        connection,
        broken,
        pieces,
        base,
        timezone,
    )
    intake.__dict__["fingerprint"] = known.fingerprint
    return intake


def _opened(name: str, source: Source, base: Path, connection: Any) -> RawTable:
    """A source as an intake holds it: in shape, without its duplicates where these are dropped."""
    raw = shaped(open_source(source, base, connection, name), source, name)
    return raw.over(raw.table.distinct()) if source.duplicates == "drop" else raw


def _typed_extras(table: ir.Table, contract: Contract) -> ir.Table:
    """Extra columns of a text file become numbers where every value is one (and none looks like a
    code, 007); empty ones go."""
    names = []
    for column in table.columns:
        own = column not in contract.names and not column.endswith("_minor")
        if own and column != "reason" and table[column].type().is_string():
            names.append(column)
    if not names:
        return table
    counts = {}
    for i, name in enumerate(names):
        value = table[name]
        no_number = value.try_cast("float64").isnull() & value.notnull()
        counts[f"odd{i}"] = (no_number | value.re_search(r"^0\d")).sum()
        counts[f"any{i}"] = value.count()
    totals = table.aggregate(**counts)
    row = totals.get_backend().to_pandas(totals).iloc[0].fillna(0)
    numbers, empty = {}, []
    for i, name in enumerate(names):
        if not row[f"any{i}"]:
            empty.append(name)
        elif not row[f"odd{i}"]:
            numbers[name] = table[name].try_cast("float64")
    return table.mutate(**numbers).drop(*empty)


def raise_faults(
    intake: Intake, tolerance: float, counts: pd.Series | None = None
) -> None:
    """Raise one DataError with every fault of a table; `counts` spares a scan where they are
    known."""
    if faults := intake.faults(tolerance, counts):
        raise DataError(say("data.faults.title"), faults)
