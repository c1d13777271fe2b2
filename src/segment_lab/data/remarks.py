"""What is odd about a source and usable all the same."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any, Protocol

import ibis.expr.types as ir
import pandas as pd

from segment_lab.data.contracts import Contract
from segment_lab.data.sources import RawTable
from segment_lab.texts import say

# More rows are not compared with each other.
COMPARED = 20_000_000
# A gap of more days parts orders from all others, where at most one in a hundred lies beyond it.
GAP_DAYS = 366


class Taken(Protocol):
    """What is asked of a table that was taken in."""

    name: str
    raw: RawTable
    lines: ir.Table

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
        found += _free_of_charge(intake.accepted)
    for name, count in _blanks(intake).items():
        found.append(say("data.remarks.blanks", count=count, column=name))
    return found


def _repeated(raw: ir.Table) -> int:
    counts = raw.aggregate(every=raw.count(), unique=raw.distinct().count().as_scalar())
    row = counts.get_backend().to_pandas(counts).iloc[0]
    return int(row["every"] - row["unique"])


def _early(intake: Taken) -> list[str]:
    days = intake.order_days
    early = parted(days)
    if early is None:
        return []
    start, count = early
    return [say("data.remarks.early", count=count, first=days[0][0], start=start)]


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
    ids = [c.name for c in intake.contract.columns if c.kind == "id" and c.name in lines.columns]
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


def order_days(tally: pd.DataFrame) -> list[tuple[dt.date, Any]]:
    """Days with accepted orders and their rows, in order of time."""
    accepted = tally[tally.reason == "accepted"].sort_values("order_date")
    return list(zip(accepted.order_date, accepted.rows.astype(int), strict=True))
