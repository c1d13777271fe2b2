"""Rows that lower the revenue although their amounts have no minus."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.columns import FULL
from segment_lab.data.guess.facts import Columns
from segment_lab.data.guess.vocabulary import (
    holds_any,
    states_of,
    vocabulary,
)
from segment_lab.data.quoting import one_of, quoted
from segment_lab.texts import say


@dataclass
class Sold:
    """Conditions that leave in what was sold; which rows of the sample those are."""

    rows: pd.Series
    conditions: list[str] = field(default_factory=list)
    #: Columns that stand only in an order's first line.
    first_line: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    #: A column, and its values in rows that lower the revenue although their amounts are positive.
    lowering: tuple[str, list[str]] | None = None
    #: The column that tells won from lost, and its words by what they say.
    decided: str | None = None
    #: The condition that leaves in one currency, where the file has several.
    one_currency: str | None = None
    states: dict[str, list[str]] = field(default_factory=dict)
    #: Whether payments of invoices were told from invoices, and left out.
    payments_out: bool = False
    #: The conditions that leave out what was only tried out: such rows are no leads either.
    trials: list[str] = field(default_factory=list)


def by_debit(
    found: Sold,
    columns: Columns,
    paid: Amount,
    taken: list[str],
    owed: bool = False,
) -> None:
    """A mark of debit or credit beside amounts without a sign: the rarer of the two lowers, or,
    of what is `owed`, the credit."""
    if found.lowering or paid.columns[0] not in columns:
        return
    for name, facts in columns.items():
        marks = {value.lower().strip(". ") for value in facts.cells.unique()[:3]}
        pair = any(marks == set(words) for words in vocabulary()["debit_credit"])
        if name in taken or not pair or facts.filled < FULL:
            continue
        if (columns[paid.columns[0]].amounts() < 0).any():
            return
        more, less = map(str, facts.cells.value_counts().index[[0, -1]])
        if owed and _is_debit(less):
            more, less = less, more
        found.lowering = name, [less]
        found.notes.append(
            say(
                "init.took.lowering",
                column=name,
                values=[less],
            )
        )
        if not owed:
            kept = {"more": more, "less": less}
            found.doubts.append(say("init.doubt.debit", column=name, **kept))
        return


def _is_debit(mark: str) -> bool:
    pairs = vocabulary()["debit_credit"]
    return mark.lower().strip(". ") in {debit for debit, _ in pairs}


def signed(
    expression: str,
    lowering: tuple[str, list[str]] | None,
    columns: Columns,
) -> str:
    """An amount that is negative in the rows that lower the revenue."""
    if lowering is None:
        return expression
    condition = one_of(*lowering)
    whole = quoted(expression) if expression in columns else expression
    return f"CASE WHEN {condition} THEN -abs({whole}) ELSE {whole} END"


def written_positive(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    name: str,
    paid: Amount,
) -> None:
    """Rows of returns whose amounts have no minus: the word says that they lower the revenue."""
    said = states_of(columns[name].cells)
    back = said.get("returned", [])
    if found.lowering or paid.refunded or not back or not are_documents(said):
        return
    if positive(columns, frame, name, back, paid):
        found.lowering = name, back
        found.notes.append(say("init.took.lowering", column=name, values=back))


def positive(
    columns: Columns,
    frame: pd.DataFrame,
    name: str,
    values: list[str],
    paid: Amount,
) -> bool:
    """Whether the amounts beside these values are written without a minus."""
    if not values or paid.columns[0] not in columns:
        return False
    amounts = columns[paid.columns[0]].amounts().reindex(frame.index)
    amounts = amounts[frame[name].isin(values)]
    return bool((amounts > 0).sum() > (amounts < 0).sum())


def are_documents(said: dict[str, list[str]]) -> bool:
    """Whether values name documents or events, of which a return is one of its own, and not how
    far an order is."""
    words = vocabulary()["documents"]
    named = [*said.get("sold", ()), *said.get("unknown", ())]
    names = [value.lower() for value in named]
    if set(names) & set(vocabulary()["codes"]["sold"]):
        return True
    back = [value.lower() for value in said.get("returned", ())]
    credit = vocabulary()["credit_documents"]
    return holds_any(names, words) or holds_any(back, credit)
