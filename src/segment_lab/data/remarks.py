"""What is odd about a source and usable all the same."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Protocol, cast

import ibis.expr.types as ir
import pandas as pd

from segment_lab.data.contracts import MEASURES, Contract, renamed
from segment_lab.data.reading import Reading
from segment_lab.data.sources import RawTable
from segment_lab.texts import say

# More rows are not compared with each other.
COMPARED = 20_000_000
# A gap of more days parts early orders from all others, where at most one in a hundred lies there.
GAP_DAYS = 366
# Late orders are parted by a shorter gap, for they would set as_of: so many days, and so many times
# the longest gap before.
LATE_DAYS, LATE_TIMES = 60, 5
# More orders than this share in the future are no mistake.
FUTURE_SHARE = 0.05


class Taken(Protocol):
    """What is asked of a table that was taken in."""

    name: str
    raw: RawTable
    lines: ir.Table
    reading: Reading
    timezone: str

    @property
    def contract(self) -> Contract: ...
    @property
    def accepted(self) -> ir.Table: ...
    @property
    def counts(self) -> pd.Series: ...
    @property
    def order_days(self) -> list[tuple[dt.date, int]]: ...


def remarks(intake: Taken, limit: int = COMPARED) -> list[str]:
    """Repeated rows, orders long before all others, amounts of 0, blanks around ids."""
    total = int(intake.counts.sum())
    if total > limit:
        return [say("data.remarks.too_many", total=total, limit=limit)]
    found = []
    if repeated := _repeated(intake.raw.table):
        found.append(say("data.remarks.repeated", count=repeated))
    if intake.name == "orders":
        found += _early(intake)
        found += _late(intake)
        found += _zone(intake)
        found += _free_of_charge(intake.accepted)
    found += _other_names(intake)
    for name, count in _blanks(intake).items():
        found.append(say("data.remarks.blanks", count=count, column=name))
    return found


def _repeated(raw: ir.Table) -> int:
    counts = raw.aggregate(every=raw.count(), unique=raw.distinct().count().as_scalar())
    row = counts.get_backend().to_pandas(counts).iloc[0]
    return int(row["every"] - row["unique"])


def _other_names(intake: Taken) -> list[str]:
    """Account columns that are called as the package calls its own: left out, or renamed."""
    found = []
    names = list(intake.raw.table.columns)
    if intake.name == "customers":
        kept = {*intake.reading.columns.values()}
        ours = [name for name in names if name in MEASURES and name not in kept]
        if ours:
            found.append(say("data.remarks.computed", columns=ours))
    for name in names if intake.contract.extras else ():
        other = renamed(name, intake.contract)
        if other != name and name not in intake.contract.names:
            found.append(say("data.remarks.renamed", column=name, other=other))
    return found


def _early(intake: Taken) -> list[str]:
    days = intake.order_days
    early = parted(days)
    if early is None:
        return []
    start, count = early
    return [
        say(
            "data.remarks.early",
            count=count,
            first=days[0][0],
            start=start,
        )
    ]


def _late(intake: Taken) -> list[str]:
    days = intake.order_days
    if not days:
        return []
    last, count = counted_until(days)
    if not count:
        return []
    first = next(day for day, _ in days if day > last)
    as_of = last + dt.timedelta(days=1)
    return [
        say(
            "data.remarks.late",
            count=count,
            first=first,
            last=last,
            as_of=as_of,
        )
    ]


def _zone(intake: Taken) -> list[str]:
    offset = intake.reading.offset
    if not offset.startswith(("+", "-")) or intake.timezone != "UTC":
        return []
    return [say("data.remarks.zone", offset=offset)]


def _free_of_charge(orders: ir.Table) -> list[str]:
    """Order lines that cost nothing: gifts, full coupons; or, where all do, the wrong column."""
    amount = orders.amount_minor
    counts = orders.aggregate(free=(amount == 0).sum(), dear=(amount > 0).sum())
    row = counts.get_backend().to_pandas(counts).iloc[0].fillna(0)
    if not row["dear"]:
        return [say("data.remarks.no_money")]
    if not row["free"]:
        return []
    return [say("data.remarks.free", count=int(row["free"]))]


def _blanks(intake: Taken) -> dict[str, int]:
    """How many ids of each column have blanks around them."""
    lines = intake.lines
    ids = [
        c.name
        for c in intake.contract.columns
        if c.kind == "id" and c.name in lines.columns
    ]
    if not ids:
        return {}
    odd = lines.aggregate(**{i: (lines[i].strip() != lines[i]).sum() for i in ids})
    row = odd.get_backend().to_pandas(odd).iloc[0].fillna(0).astype(int)
    return row[row > 0].to_dict()


def parted(days: list[tuple[dt.date, int]]) -> tuple[dt.date, int] | None:
    """The day after a gap of more than a year, and the orders on this side of it: 1 % of all at
    most.

    Parameters
    ----------
    days : list of (day, rows)
        In order of time, or against it.
    """
    before, most = 0, sum(rows for _, rows in days) / 100
    for (day, rows), (following, _) in pairwise(days):
        before += rows
        if before > most:
            return None
        if abs((following - day).days) > GAP_DAYS:
            return following, before
    return None


def counted_until(
    days: list[tuple[dt.date, int]], today: dt.date | None = None
) -> tuple[dt.date, int]:
    """The last day that sets ``as_of``, and how many orders lie after it.

    A few orders dated after `today`, or after a gap unlike all others, are plans or typing errors.

    Examples
    --------
    >>> log = [(dt.date(2026, 1, day), 9) for day in range(1, 29)] + [(dt.date(2026, 8, 1), 1)]
    >>> counted_until(log)
    (datetime.date(2026, 1, 28), 1)
    """
    today = today or dt.date.today()
    total = sum(rows for _, rows in days)
    ahead = sum(rows for day, rows in days if day > today)
    kept = days
    if 0 < ahead <= max(1, FUTURE_SHARE * total) and ahead < total:
        kept = [(day, rows) for day, rows in days if day <= today]
    most = max(1, total // 100)
    if total < 20:  # in so few orders any gap may be usual
        return kept[-1][0], total - sum(rows for _, rows in kept)
    if early := parted(kept):  # what lies long before tells nothing about usual gaps
        kept = [(day, rows) for day, rows in kept if day >= early[0]]
        total -= early[1]
    gaps = [(following - day).days for (day, _), (following, _) in pairwise(kept)]
    late = total - sum(rows for _, rows in kept)
    for place in range(len(gaps), 0, -1):
        late += kept[place][1]
        if late > most:
            break
        longest = max(gaps[: place - 1], default=0)
        if gaps[place - 1] > max(LATE_DAYS, LATE_TIMES * longest):
            return kept[place - 1][0], late
    return kept[-1][0], total - sum(rows for _, rows in kept)


def order_days(tally: pd.DataFrame) -> list[tuple[dt.date, int]]:
    """Days with accepted orders and their rows, in order of time."""
    rows = (
        tally[tally.reason == "accepted"].groupby("order_date").rows.sum().sort_index()
    )
    return [(cast(dt.date, day), int(count)) for day, count in rows.items()]
