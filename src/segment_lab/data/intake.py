"""Taking a source in: text is parsed once and kept as typed Parquet, faults are counted, rejects
keep their raw row."""

from __future__ import annotations

import contextlib
import datetime as dt
import glob
import hashlib
import os
import time
import uuid
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import platformdirs

from segment_lab.data import contracts, shaping
from segment_lab.data.contracts import CONTRACTS, WORDS, Contract, Reading, conform, money
from segment_lab.data.databases import open_source
from segment_lab.data.engine import drawn
from segment_lab.data.files import replacing
from segment_lab.data.shaping import ASIDE, set_aside, shaped
from segment_lab.data.sources import RawTable, Source, detect_reading, locate
from segment_lab.errors import DataError, Fault

CACHE_DAYS = 14


def cache_folder() -> Path:
    """Where typed copies and fitted models are kept: ``SEGMENT_LAB_CACHE`` or the user's cache
    folder."""
    folder = Path(os.environ.get("SEGMENT_LAB_CACHE") or platformdirs.user_cache_dir("segment_lab"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


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

    base: Path | None = None
    timezone: str = "UTC"

    @cached_property
    def broken(self) -> pd.DataFrame:
        """Lines the reader could not split (``line, text, reason``), known once the source was
        read."""
        return self.raw.broken(self.connection) if self.kept_broken is None else self.kept_broken

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the source's content and of how it is read; by size and date for files over 2
        GB."""
        return _fingerprint(
            self.source, self.base, self.lines, self.name, self.timezone, self.raw.content
        )

    @cached_property
    def narrow(self) -> ir.Table:
        """`lines` with whole-number ids left as numbers, which are cheaper to group by."""
        typed = self.kept_broken is not None
        return (
            self.lines
            if typed
            else conform(self.raw.table, self.contract, self.reading, text_ids=False)
        )

    def drawn(self, share: float) -> Intake:
        """The rows of a random share of the customers; a table that names none stays whole."""
        if "customer_id" not in self.lines.columns:
            return self
        part = replace(self, lines=drawn(self.lines, share), kept_broken=self.broken.head(0))
        part.__dict__ |= {
            "narrow": drawn(self.narrow, share),
            "fingerprint": f"{self.fingerprint}:{share}",
        }
        return part

    @property
    def contract(self) -> Contract:
        """The contract of this table."""
        return CONTRACTS[self.name]

    @property
    def accepted(self) -> ir.Table:
        """Accepted rows with canonical columns; money as readable amounts beside the minor
        units."""
        return money(
            self.lines.filter(self.lines.reason.isnull()).drop("reason"), self.reading.decimals
        )

    @cached_property
    def _tally(self) -> pd.DataFrame:
        """One scan: ``rows`` by ``reason`` (null where accepted) and, for orders, by
        ``order_date``."""
        keys = [key for key in ("reason", "order_date") if key in self.lines.columns]
        query = self.lines.group_by(keys).aggregate(rows=self.lines.count())
        frame = query.get_backend().to_pyarrow(query).to_pandas(date_as_object=True)
        frame["reason"] = (
            frame["reason"].astype("object").where(frame["reason"].notna(), "accepted")
        )
        return frame

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Rows by ``reason`` (``accepted`` first) and, for orders, the first and last day."""
        days = (
            {"first": ("order_date", _least), "last": ("order_date", _most)}
            if "order_date" in self._tally
            else {}
        )
        frame: Any = self._tally.groupby("reason").agg(rows=("rows", "sum"), **days).reset_index()
        # After the query: the reader notes broken lines while it reads.
        for reason, part in self.broken.groupby("reason") if len(self.broken) else ():
            frame.loc[len(frame), ["reason", "rows"]] = [f"broken line: {reason}", len(part)]
        return frame.set_index("reason").sort_index(key=lambda i: i.where(i != "accepted", ""))

    def far_off(self) -> tuple[list[str], list[Fault]]:
        """Orders that more than a year parts from all others: a remark on those before, a fault
        for those after.

        Most are typing errors. Early ones begin the window; late ones would set as_of, and all
        customers seem lost.
        """
        tally = self._tally[self._tally.reason == "accepted"].sort_values("order_date")
        days = list(zip(tally.order_date, tally.rows.astype(int), strict=True))
        remarks, faults = [], []
        if early := _parted(days):
            remarks.append(
                f"more than a year before all others: {early[1]:,} of the orders, the first of "
                f"{days[0][0]}; window: {{start: {early[0]}}} leaves them out"
            )
        if late := _parted(days[::-1]):
            faults.append(
                Fault(
                    "orders.order_date",
                    f"days more than a year after all others, which end on {late[0]}",
                    f"Mend them, or write as_of: {late[0] + dt.timedelta(days=1)} in the study file to "
                    "leave them out",
                    late[1],
                    (str(days[-1][0]),),
                )
            )
        return remarks, faults

    @property
    def counts(self) -> pd.Series:
        """Rows by reason; ``accepted`` first; the sum is the number of rows read."""
        rows = self.summary["rows"].astype("int64")
        return (
            rows
            if "accepted" in rows
            else pd.concat([pd.Series({"accepted": 0}, name="rows"), rows])
        )

    @cached_property
    def left_out(self) -> int:
        """Rows of the source that `where` says do not belong to it."""
        if not self.reading.where:
            return 0
        return int(self.raw.table.count().execute()) - int(self.lines.count().execute())

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
        if not counts["accepted"]:
            listed = [self._fault(str(reason), int(n)) for reason, n in counts.items() if n]
            return listed or [
                Fault(self.name, "the file holds no rows", "Check the file and the where condition")
            ]
        unfit = ("unreadable", "unknown", "broken")
        bad = counts[[r for r in counts.index if r.startswith(unfit) and r not in ASIDE]]
        if total and bad.sum() / total > tolerance:
            return [self._fault(str(reason), int(n)) for reason, n in bad.items()]
        return []

    def _fault(self, reason: str, rows: int) -> Fault:
        remedy = next((text for word, text in _REMEDIES.items() if word in reason), "")
        return Fault(f"{self.name} ({self.raw.label})", reason, remedy, rows, self.examples(reason))

    def examples(self, reason: str, n: int = 3) -> tuple[str, ...]:
        """A few raw values behind a reason, for messages."""
        if reason.startswith("broken line"):
            return tuple(
                self.broken[self.broken.reason == reason.removeprefix("broken line: ")].text.head(n)
            )
        if not reason.startswith(("unreadable", "unknown")):
            return ()
        column = self.reading.columns.get(reason.split(" ", 1)[-1]) or reason.split(" ", 1)[-1]
        if column not in self.raw.table.columns:
            return ()
        bad = self.rejected()
        values = bad.filter(bad.reason == reason)[f"raw.{column}"].as_table().distinct()
        values = values.order_by(f"raw.{column}").limit(n)
        return tuple(str(v) for v in values.get_backend().to_pandas(values).iloc[:, 0])

    def remarks(self, limit: int = 20_000_000) -> list[str]:
        """What is odd but usable: repeated rows, orders long before all others, amounts of 0,
        blanks around ids."""
        total = int(self.counts.sum())
        if total > limit:
            return [f"repeated rows were not looked for: {total:,} rows are more than {limit:,}"]
        raw, out = self.raw.table, []
        counts = raw.aggregate(all=raw.count(), unique=raw.distinct().count().as_scalar())
        repeated = int(counts.get_backend().to_pandas(counts).eval("all - unique").iloc[0])
        if repeated > 0:
            out.append(
                f"{repeated:,} rows repeat another row exactly; they are kept (duplicates: drop removes them)"
            )
        if self.name == "orders":
            out += self.far_off()[0] + self._free_of_charge()
        ids = [
            c.name for c in self.contract.columns if c.kind == "id" and c.name in self.lines.columns
        ]
        if not ids:
            return out
        odd = self.lines.aggregate(
            **{i: (self.lines[i].strip() != self.lines[i]).sum() for i in ids}
        )
        for name, n in odd.get_backend().to_pandas(odd).iloc[0].fillna(0).items():
            if n:
                out.append(
                    f"{int(n):,} values of {name} have blanks around them; they stay as they are"
                )
        return out

    def _free_of_charge(self) -> list[str]:
        """Order lines that cost nothing: gifts, full coupons; or, where all do, the wrong
        column."""
        amount = self.accepted.amount_minor
        counts = self.accepted.aggregate(free=(amount == 0).sum(), dear=(amount > 0).sum())
        row = counts.get_backend().to_pandas(counts).iloc[0].fillna(0)
        if not row["dear"]:
            return [
                "no amount is above 0, so nothing can be said about money: map another column, or write amount: "
                "'1', which counts order lines"
            ]
        return (
            [
                f"{int(row['free']):,} order lines have an amount of 0; an order of such lines alone is still an order"
            ]
            if row["free"]
            else []
        )


def _least(days: pd.Series) -> Any:
    return min(days.dropna(), default=None)


def _most(days: pd.Series) -> Any:
    return max(days.dropna(), default=None)


def _parted(days: list[tuple[dt.date, int]]) -> tuple[dt.date, int] | None:
    """The day after a gap of more than a year, and the orders on this side of it: 1 % of all at
    most."""
    before, most = 0, sum(rows for _, rows in days) / 100
    for (day, rows), (following, _) in pairwise(days):
        before += rows
        if before > most:
            return None
        if abs((following - day).days) > 366:
            return following, before
    return None


# What to do about a reason: the first word that it holds.
_DATES = "Say how dates are written (date_format, a list for several), or mend the rows"
_REMEDIES = {
    "no ": "The column is empty there: map another one under columns, or mend the rows",
    "broken line": "Mend the lines: they do not have the header's number of fields",
    "returns by customers": "No amount is above zero. Where sales are written as negative numbers, map amount: -COLUMN",
    "on or after": "Move as_of, or leave it out to use the day after the last order",
    "before": "Let the window start earlier",
    "_date": _DATES,
    "_on": _DATES,
    **{
        f"unknown {name}": f"The words are {', '.join(words)}. Map yours: {name}: CASE WHEN … THEN '{words[0]}' … END, "
        "or leave these rows out with where"
        for (_, name), words in WORDS.items()
    },
    "unreadable": "Mend the values, or say how numbers are written: decimal: ',' for 1,50 and thousands: ',' for 1,000",
}


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
    contract = CONTRACTS[name]
    given = raw is not None
    raw = shaped(raw or open_source(source, base, connection, name), source, name)
    dates = [source.columns.get(c.name, c.name) or "" for c in contract.columns if c.kind == "date"]
    reading = detect_reading(source, raw, dates, name, set_aside(source))
    whole = conform(raw.table, contract, reading)
    if source.duplicates == "drop":
        raw = raw.over(raw.table.distinct())
        whole = conform(raw.table, contract, reading)
    where = None if given else base
    if not (raw.is_text and keep):
        return Intake(name, source, raw, reading, whole, connection, None, where, timezone)
    if contract.extras:
        whole = _typed_extras(whole, contract)
    fingerprint = _fingerprint(source, where, whole, name, timezone, raw.content)
    lines, broken = _typed_copy(name, whole, raw, connection, fingerprint)
    return Intake(name, source, raw, reading, lines, connection, broken, where, timezone)


def _typed_copy(
    name: str, whole: ir.Table, raw: RawTable, connection: Any, fingerprint: str
) -> tuple[ir.Table, pd.DataFrame]:
    target = cache_folder() / f"{name}-{fingerprint}-{_reading_code()}.parquet"
    broken = target.with_suffix(".broken.parquet")
    if not (target.exists() and broken.exists()):
        _prune(target.parent)
        with replacing(target) as draft, replacing(broken) as rest:
            connection.to_parquet(whole, str(draft))
            raw.broken(connection).astype({"text": "str", "reason": "str"}).to_parquet(rest)
    os.utime(target)
    return connection.read_parquet(str(target)), pd.read_parquet(broken)


@cache
def _reading_code() -> str:
    """A hash of the code that parses: a newer package does not take the copies of an older one."""
    files = (contracts.__file__, shaping.__file__)
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()[:8]


def _prune(folder: Path) -> None:
    for old in folder.glob("*-*.*"):
        with contextlib.suppress(FileNotFoundError):  # another process's draft, in place by now
            if time.time() - old.stat().st_mtime > CACHE_DAYS * 86400:
                old.unlink()


def _typed_extras(table: ir.Table, contract: Contract) -> ir.Table:
    """Extra columns of a text file become numbers where every value is one (and none looks like a
    code, 007)."""
    names = [
        c
        for c in table.columns
        if c not in contract.names
        and c != "reason"
        and not c.endswith("_minor")
        and table[c].type().is_string()
    ]
    if not names:
        return table
    odd = {
        n: (table[n].try_cast("float64").isnull() & table[n].notnull())
        | table[n].re_search(r"^0\d")
        for n in names
    }
    totals = table.aggregate(
        **{f"bad{i}": odd[n].sum() for i, n in enumerate(names)},
        **{f"any{i}": table[n].count() for i, n in enumerate(names)},
    )
    row = totals.get_backend().to_pandas(totals).iloc[0].fillna(0)
    keep = {
        n: table[n].try_cast("float64")
        for i, n in enumerate(names)
        if not row[f"bad{i}"] and row[f"any{i}"]
    }
    empty = [n for i, n in enumerate(names) if not row[f"any{i}"]]
    return table.mutate(**keep).drop(*empty)


def _fingerprint(
    source: Source, base: Path | None, lines: ir.Table, name: str, timezone: str, content: str
) -> str:
    digest = hashlib.sha256(
        f"{timezone}:{source.model_dump_json(exclude={'path', 'url'})}".encode()
    )
    digest.update(content.encode())
    if source.url is None and base is not None:
        path = locate(source, base, name)
        pattern = str(path / "**" / "*.parquet") if path.is_dir() else str(path)
        for file in map(Path, sorted(glob.glob(pattern, recursive=True))):
            stat = file.stat()
            partitions = [
                part for part in file.parts if "=" in part
            ]  # such a folder's name is data
            digest.update(f"{partitions}{file.name}:{stat.st_size}".encode())
            if stat.st_size < 2 << 30:
                with file.open("rb") as handle:
                    digest.update(hashlib.file_digest(handle, "sha256").digest())
            else:
                digest.update(str(stat.st_mtime_ns).encode())
    elif not content:
        digest.update(_checksum(lines).encode())
    return digest.hexdigest()[:16]


def _checksum(lines: ir.Table) -> str:
    """A checksum of every value, whatever the order of the rows, made where the rows are.

    Totals and last days alone would take a table with other customers, or with amounts moved
    between them, for the same one, and show the figures kept for the other.
    """
    backend = lines.get_backend()
    if backend.name == "mssql" or not backend.has_operation(ops.Hash):
        # No hash that Ibis knows there (MySQL, Trino), or a weak one: like no other state, so
        # nothing kept is shown.
        return uuid.uuid4().hex
    row = ibis.literal("\x1f").join(
        [lines[c].cast("string").fill_null("\x1e") for c in lines.columns]
    )
    content = row.hash().cast("decimal(38, 0)").sum().cast("string")
    return backend.to_pandas(lines.aggregate(rows=lines.count(), content=content)).to_json()


def raise_faults(intake: Intake, tolerance: float, counts: pd.Series | None = None) -> None:
    """Raise one DataError with every fault of a table; `counts` spares a scan where they are
    known."""
    if faults := intake.faults(tolerance, counts):
        raise DataError("The data cannot be used as they are", faults)
