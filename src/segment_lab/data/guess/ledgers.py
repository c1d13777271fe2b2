"""Ledgers of customers: beside the invoices stand their payments and what an account held before,
which are no sales of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.columns import FULL
from segment_lab.data.guess.facts import Columns
from segment_lab.data.guess.signs import Sold
from segment_lab.data.guess.vocabulary import holds_any, is_balance, vocabulary
from segment_lab.data.quoting import literal, one_of, quoted
from segment_lab.texts import say

#: Words of documents of money that came in, beside sales that are documents too.
RECEIVED = ("receipt", "cash", "bank", "journal")


def described(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    taken: Iterable[str],
    paid: Amount,
) -> None:
    """Leave out payments and balances that a text, such as ``Payment received``, tells from
    invoices: the first such word of each cell says what its row is."""
    kinds = _words()
    every = "|".join(map(re.escape, sorted(kinds, key=len, reverse=True)))
    for name, facts in columns.items():
        if name in taken or facts.numbers > 0.5 or facts.days > 0.5:
            continue
        said = facts.cells.str.lower().str.extract(f"({every})", expand=False)
        kind = said.map(kinds)
        if said.notna().mean() < FULL or not {"payment", "bill"} <= set(kind):
            continue
        used = sorted(said.dropna().unique(), key=len, reverse=True)
        left = [word for word in used if kinds[word] == "payment"]
        paying = facts.cells[kind == "payment"]
        if not _pays(columns, paid, kind):
            continue
        words = literal("|".join(map(re.escape, used)))
        first = f"coalesce(regexp_extract(lower({quoted(name)}), {words}), '')"
        tests = ", ".join(map(literal, left))
        here = frame[name].isin(paying)
        _leave_out(found, f"NOT {first} IN ({tests})", here)
        found.payments_out = True
        told = {"rows": int(here.sum()), "values": list(paying.unique()[:3])}
        found.notes.append(say("init.took.payments_out", column=name, **told))
        return


def _pays(columns: Columns, paid: Amount, kind: pd.Series) -> bool:
    """Whether payments are written with the other sign, on the other side, or with the amounts of
    the bills."""
    if paid.sides is not None:
        return True
    if paid.columns[0] not in columns:
        return False
    worth = columns[paid.columns[0]].amounts().reindex(kind.index)
    billed, payments = worth[kind == "bill"], worth[kind == "payment"]
    if billed.median() * payments.median() < 0:
        return True
    return bool(payments.isin(billed).mean() >= 0.5)


def _words() -> dict[str, str]:
    """What each word says that a row is."""
    known = vocabulary()
    kinds = dict.fromkeys(known["invoice_numbers"], "bill")
    kinds |= dict.fromkeys(known["bills"], "bill")
    kinds |= dict.fromkeys(known["credit_documents"], "credit")
    kinds |= dict.fromkeys(known["payment_documents"], "payment")
    return kinds | dict.fromkeys(known["balances"], "balance")


def on_the_other_side(
    columns: Columns,
    frame: pd.DataFrame,
    name: str,
    kept: list[str],
    returned: list[str],
    paid: Amount,
) -> list[str]:
    """Kinds of rows that stand on the side of a ledger that lowers it, and are no returns: what
    customers paid."""
    lowers = _lowers(columns, frame, paid)
    if lowers is None:
        return []
    others = [value for value in kept if value not in returned]
    if paid.sides is None:  # a document with a minus is a payment by its name alone
        sales = [v for v in others if not holds_any([v.lower()], RECEIVED)]
        lowers &= ~frame[name].isin(sales)
    payments = [v for v in others if lowers[frame[name] == v].mean() >= FULL]
    return payments if len(payments) < len(others) else []


def _lowers(columns: Columns, frame: pd.DataFrame, paid: Amount) -> pd.Series | None:
    """Which rows lower what an account owes: by their side, or by their minus."""
    names = paid.sides or paid.columns[:1]
    if not all(name in columns for name in names):
        return None
    worth = [columns[name].amounts().reindex(frame.index).fillna(0) for name in names]
    if len(worth) == 1:
        return worth[0] < 0
    return (worth[0] == 0) & (worth[1] != 0)


def balances(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    taken: Iterable[str],
) -> None:
    """Leave out rows that carry what an account held before or holds after."""
    for name, facts in columns.items():
        if name in taken or facts.numbers > 0.5 or facts.days > 0.5:
            continue
        values = [value for value in facts.cells.unique() if is_balance(value)]
        here = frame[name].isin(values)
        if 0 < here.mean() < 0.5:
            other = f"NOT {one_of(name, values)}"
            _leave_out(found, f"({quoted(name)} IS NULL OR {other})", here)
            told = {"rows": int(here.sum()), "values": values[:3]}
            found.notes.append(say("init.took.balances_out", column=name, **told))
            return


def _leave_out(found: Sold, condition: str, here: pd.Series) -> None:
    found.conditions.append(condition)
    found.rows &= ~here
