"""Amounts that a file has twice: as ordered, and as they stand after refunds or discounts."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.vocabulary import ranked
from segment_lab.data.quoting import quoted

#: Share of the rows whose amount after an adjustment is no more than the one before it.
NEVER_MORE = 0.98
#: A column that is 0 in more of the rows may leave untouched orders at 0.
MOST_ZEROS = 0.5


def adjusted_to(
    columns: Columns, chosen: str, taken: Iterable[str]
) -> tuple[str, str] | None:
    """The column that says what is left of the amounts `chosen`, and the expression for it.

    A column that is filled only where something was adjusted stands in for the others. Of several,
    such as totals with and without a shop's fees, the one that leaves most amounts as they were.
    None where no column does, or where 0 might mean that nothing was adjusted.
    """
    if chosen in ranked(columns, "adjusted"):
        return None  # it is what is left
    before = columns[chosen].amounts()
    found = []
    for name in ranked(columns, "adjusted"):
        numbers = columns[name].numbers >= 0.9 and columns[name].days < 0.5
        if name == chosen or name in taken or not numbers:
            continue
        if _lowers(before, columns[name]):
            after = columns[name].amounts().reindex(before.index).fillna(before)
            found.append((float((after == before).mean()), name))
    if not found:
        return None
    name = max(found, key=lambda item: item[0])[1]
    if columns[name].filled == 1:
        return name, name
    return name, f"coalesce({quoted(name)}, {quoted(chosen)})"


def taken_off(columns: Columns, before: str, after: str, refunded: str) -> bool:
    """Whether what a column says was paid back is off the amounts `after` an adjustment."""
    back = columns[refunded].amounts().abs()
    back = back[back > 0]
    whole = columns[before].amounts().reindex(back.index)
    left = columns[after].amounts().reindex(back.index).fillna(whole)
    return bool((left <= whole - back + 0.01).mean() >= NEVER_MORE)


def _lowers(before: pd.Series, column: Facts) -> bool:
    """Whether a column's amounts are those `before`, or less of them, somewhere less."""
    after = column.amounts().reindex(before.index)
    both = after.notna() & before.notna() & (before != 0)
    if not both.any():
        return False
    left = after[both] / before[both]
    never_more = (left <= 1).mean() >= NEVER_MORE and (left >= 0).mean() >= NEVER_MORE
    zeros = (left == 0).sum() / len(before)
    return bool(never_more and (left < 1).any() and zeros <= MOST_ZEROS)
