"""Amounts that stand in a file twice: an order's on each of its lines, or beside its lines."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.vocabulary import normal, ranked
from segment_lab.data.quoting import one_of, quoted
from segment_lab.texts import say

#: Orders of several lines that prove how an amount is meant.
FEW = 3


@dataclass(frozen=True)
class Again:
    """A column that tells an order's lines (`kept`) from its total and its payment (`left`)."""

    column: str
    kept: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def condition(self) -> str:
        """What leaves in the lines alone; the file may leave their cell empty."""
        if "" not in self.kept:
            return one_of(self.column, self.kept)
        others = one_of(self.column, self.left)
        return f"({quoted(self.column)} IS NULL OR NOT {others})"


def said_again(
    columns: Columns,
    frame: pd.DataFrame,
    order: str | None,
    whose: list[str],
    paid: Amount,
) -> Again | None:
    """The column by which a file lists orders and their lines beneath each other, so that every
    amount stands there twice; without a number, `whose` columns tell orders apart."""
    money = paid.columns[0]
    keys = [name for name in ([order] if order else whose) if name in frame]
    if not keys or money not in frame:
        return None
    goods = ranked(columns, "product")
    amounts = Facts("", len(frame), frame[money].fillna("0")).amounts().fillna(0)
    for name, facts in columns.items():
        if facts.distinct > 8 or name in (*keys, *goods, money):
            continue
        kinds = frame[name].fillna("")
        within = [frame[key] for key in keys]
        sums = amounts.groupby([*within, kinds]).sum().unstack()
        lines = kinds.value_counts()
        sums = sums.reindex(columns=lines.index)  # a kind may have no orders at all
        for lower, upper in combinations(lines.index, 2):
            if _the_same(sums[lower], sums[upper]):
                worth = sums.fillna(0).abs().sum()
                left = [value for value in lines.index if not worth[value]]
                left += [v for v in lines.index if _the_same(sums[lower], sums[v])]
                left = [value for value in left if value != lower]
                kept = [value for value in lines.index if value not in left]
                return Again(name, tuple(kept), tuple(dict.fromkeys(left)))
    return None


def _the_same(first: pd.Series, second: pd.Series) -> bool:
    """Whether two groups of rows come to the same sum in nearly every order."""
    both = first.notna() & second.notna()
    worth = both & (first != 0)
    if both.mean() < 0.9 or worth.sum() < 3:
        return False
    near = (first - second).abs() <= 0.02 + 0.001 * first.abs()
    return bool(near[both].mean() >= 0.95)


def counted_once(
    columns: Columns,
    frame: pd.DataFrame,
    order: str | None,
    paid: Amount,
) -> tuple[bool, str | None]:
    """Whether the amount is the whole order's, repeated on its lines or given on the first; and
    what to ask where it cannot be told."""
    column = paid.columns[0]
    if paid.by_line or not order or column not in frame or order not in frame:
        return False, None
    lines = frame[frame[order].notna()].drop_duplicates()
    sizes = lines.groupby(order)[column].agg(["size", "count", "nunique"])
    many = sizes[sizes["size"] > 1]
    if many.empty:
        return False, None
    first_only = (many["count"] == 1).mean() >= 0.95 and (
        sizes["count"] >= 1
    ).mean() >= 0.95
    if first_only:
        return True, None
    same = (many["count"] > 1) & (many["nunique"] == 1)
    if same.mean() < 0.95:
        return False, None
    whole = any(
        word in normal(column).split()
        for word in ("order", "total", "заказа", "zamówienia")
    )
    question = say("init.doubt.amount_per", column=column, orders=len(many))
    priced = _priced(columns, lines, order, column)
    if priced is not None:
        return priced, None
    if len(many) >= FEW:
        return True, None
    if whole:  # so few orders prove little
        return True, say("init.doubt.amount_once", column=column, orders=len(many))
    return False, question


def _priced(
    columns: Columns,
    lines: pd.DataFrame,
    order: str,
    column: str,
) -> bool | None:
    """Whether quantity times price comes near the amount over the lines of an order, rather than
    on each line; None where the file does not tell."""
    pieces, prices = ranked(columns, "quantity"), ranked(columns, "unit_price")
    if not pieces or not prices or column in (pieces[0], prices[0]):
        return None
    amounts = columns[column].amounts().reindex(lines.index)
    worth = columns[pieces[0]].amounts() * columns[prices[0]].amounts()
    worth = worth.reindex(lines.index)
    per_order = worth.groupby(lines[order]).sum()
    once = (amounts.groupby(lines[order]).first() - per_order).abs().sum()
    each = (amounts - worth).abs().sum()
    return bool(once < each) if once != each else None
