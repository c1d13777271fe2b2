"""Amounts that a file has twice: as ordered, and as they stand after refunds or discounts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import pandas as pd

from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.vocabulary import normal, ranked
from segment_lab.data.quoting import quoted

#: Share of the rows whose amount after an adjustment is no more than the one before it.
NEVER_MORE = 0.98
#: A column that is 0 in more of the rows may leave untouched orders at 0.
MOST_ZEROS = 0.5
#: Sums of rounded parts differ by a cent.
CENT = 0.011
#: Rows that must agree, at least.
FEW = 3
#: A column of money has numbers in so many of its rows, and days in fewer than half.
NUMBERS, DAYS = 0.9, 0.5


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
    if name := _discounted(columns, chosen, taken):
        return name, name
    untouched: dict[str, float] = {}
    for name in ranked(columns, "adjusted"):
        facts = columns[name]
        if name in (chosen, *taken) or not _is_money(facts):
            continue
        if _lowers(before, facts):
            after = _along(facts, before).fillna(before)
            untouched[name] = float((after == before).mean())
    if not untouched:
        return None
    name = max(untouched, key=lambda one: untouched[one])
    if columns[name].filled == 1:
        return name, name
    return name, f"coalesce({quoted(name)}, {quoted(chosen)})"


def _is_money(facts: Facts) -> bool:
    return facts.numbers >= NUMBERS and facts.days < DAYS


def _along(facts: Facts, other: pd.Series) -> pd.Series:
    """The amounts of a column in the rows of another."""
    return facts.amounts().reindex(other.index)


def _discounted(columns: Columns, chosen: str, taken: Iterable[str]) -> str | None:
    """The column that is the amounts less a discount, as its own column has it."""
    before = columns[chosen].amounts()
    for off in _numeric(columns, "discount", (chosen, *taken)):
        rates = _along(columns[off], before).fillna(0).abs()
        in_money = before - rates
        in_percent = before * (1 - rates / 100)
        used = (chosen, off, *taken)
        for name, facts in columns.items():
            full = facts.filled == 1 and facts.numbers >= NUMBERS
            if name in used or not full:
                continue
            after = _along(facts, before)
            for less in (in_money, in_percent):
                lowered = (less - before).abs() > CENT
                if lowered.any() and agree(after, less):
                    return name
    return None


def without_tax(
    columns: Columns, chosen: str, taken: Iterable[str]
) -> tuple[str, tuple[str, ...]] | None:
    """What the amounts are without the tax in them, where the file's own columns add up to them:
    an expression, and its columns."""
    whole = columns[chosen].amounts()
    used = (chosen, *taken)
    bases = [*ranked(columns, "subtotal"), *ranked(columns, "amount")]
    none = {"": pd.Series(0.0, index=whole.index)}

    def parts(role: str) -> dict[str, pd.Series]:
        found = {}
        for name in _numeric(columns, role, used):
            found[name] = _along(columns[name], whole).fillna(0)
        return found

    charged = [tax for tax in parts("tax").values() if (tax.abs() > CENT).any()]
    if len(charged) > 1:  # of a union and its state, for instance
        charged.append(sum(charged[1:], charged[0]))
    ways = none | parts("shipping")
    discounts = none | parts("discount")
    added = [tax + way for tax, way in product(charged, ways.values())]
    for base in dict.fromkeys(bases):
        facts = columns[base]
        if base in used or facts.numbers < NUMBERS or facts.days > DAYS:
            continue
        plain = _along(facts, whole)
        for off, discount in discounts.items():
            for more, sign in product(added, (-1, 1)):
                if agree(whole, plain + sign * discount + more):
                    return _less(base, off, sign)
    return None


def _less(base: str, off: str, sign: int) -> tuple[str, tuple[str, ...]]:
    if not off:
        return base, (base,)
    mark = "-" if sign < 0 else "+"
    return f"{quoted(base)} {mark} coalesce({quoted(off)}, 0)", (base, off)


def _numeric(columns: Columns, role: str, taken: Iterable[str]) -> list[str]:
    """Columns of a role that hold numbers, and not all of them 0."""
    found = []
    for name in ranked(columns, role):
        facts = columns[name]
        if name in taken or facts.filled == 0 or facts.numbers < NUMBERS:
            continue
        if (facts.amounts().fillna(0) != 0).any():
            found.append(name)
    return found


def agree(one: pd.Series, other: pd.Series) -> bool:
    """Whether two columns are the same money in nearly every row, in some rows at least."""
    both = one.notna() & other.notna()
    near = (one - other).abs() <= CENT
    return bool(both.sum() >= FEW and near[both].mean() >= 0.95)


def hundred_times(columns: Columns, name: str) -> bool:
    """Whether another column of that name (``value`` and ``value_formatted``) has the same amounts
    a hundred times smaller."""
    whole = columns[name].amounts()
    if not len(whole) or (whole % 1 != 0).any():
        return False
    for other, facts in columns.items():
        same_name = normal(other).startswith(f"{normal(name)} ")
        if not same_name or facts.numbers < NUMBERS:
            continue
        hundredth = _along(facts, whole)
        worth = (hundredth != 0) & hundredth.notna()
        if worth.sum() >= FEW and agree(whole, hundredth * 100):
            return True
    return False


def taken_off(columns: Columns, before: str, after: str, refunded: str) -> bool:
    """Whether what a column says was paid back is off the amounts `after` an adjustment."""
    back = columns[refunded].amounts().abs()
    back = back[back > 0]
    whole = _along(columns[before], back)
    left = _along(columns[after], back).fillna(whole)
    paid_back = left <= whole - back + 0.01
    return bool(paid_back.mean() >= NEVER_MORE)


def _lowers(before: pd.Series, column: Facts) -> bool:
    """Whether a column's amounts are those `before`, or less of them, somewhere less."""
    after = _along(column, before)
    both = after.notna() & before.notna() & (before != 0)
    if not both.any():
        return False
    left = after[both] / before[both]
    more = (left > 1).mean()
    below_zero = (left < 0).mean()
    if max(more, below_zero) > 1 - NEVER_MORE:
        return False
    zeros = (left == 0).sum() / len(before)
    return bool((left < 1).any() and zeros <= MOST_ZEROS)
