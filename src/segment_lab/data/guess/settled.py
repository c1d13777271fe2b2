"""Invoices of which a file says itself when they were paid in full, and which are disputed."""

from __future__ import annotations

from collections.abc import Iterable

from segment_lab.data.guess import amounts
from segment_lab.data.guess import columns as choose
from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.marks import is_mark, said_yes
from segment_lab.data.quoting import one_of, quoted


def settled_on(columns: Columns, taken: Iterable[str | None]) -> str | None:
    """The day on which an invoice was paid in full; an open one has none."""

    def fits(facts: Facts) -> bool:
        return facts.filled > 0 and facts.days >= choose.FULL

    return choose.first(columns, "settled_date", fits, taken)


def disputed(columns: Columns) -> str | None:
    """A condition that tells which invoices the customer disputes."""

    def fits(facts: Facts) -> bool:
        return facts.filled > 0 and is_mark(facts)

    name = choose.first(columns, "disputed", fits)
    yes = said_yes(columns[name]) if name else []
    return one_of(name, yes) if name and yes else None


def as_billed(columns: Columns, paid: Amount, settled: str) -> str:
    """What an invoice was for, where it is settled: of what is open nothing is left then."""
    whole = _billed(columns, paid)
    if whole is None:
        return paid.expression
    rest = paid.expression if len(paid.columns) > 1 else quoted(paid.expression)
    return f"CASE WHEN {quoted(settled)} IS NULL THEN {rest} ELSE {quoted(whole)} END"


def _billed(columns: Columns, paid: Amount) -> str | None:
    """The column of whole invoices beside one of what is open of them."""
    if len(paid.columns) > 1:  # the whole less what was paid so far
        return paid.columns[0]
    if choose.first(columns, "open_amount", choose.is_amount) != paid.columns[0]:
        return None
    whole = choose.first(columns, "with_tax", choose.is_amount, paid.columns)
    if whole:
        return whole
    billed = amounts.amount(columns, paid.columns)
    return billed.expression if billed and billed.expression in columns else None
