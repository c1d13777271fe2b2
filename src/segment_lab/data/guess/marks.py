"""Rows that a mark of their own tells from sales: cancelled, or paid back."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.signs import Sold
from segment_lab.data.guess.vocabulary import normal, ranked
from segment_lab.data.quoting import one_of, quoted
from segment_lab.data.reading import FALSE, TRUE
from segment_lab.texts import say

#: What stands in a column of cancelled orders.
YES = (*TRUE, "oui", "si", "sí", "sì", "sim", "ano", "igen", "x", "+", "✓")
NO = (*FALSE, "non", "não", "ne", "nem")
#: A mark of more rows tells something else.
MOST = 0.6


def cancelled(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    taken: list[str],
    paid: Amount,
) -> None:
    """Leave out what was cancelled, by a day or a mark, unless other rows take it back."""
    for name in ranked(columns, "cancelled"):
        facts = columns[name]
        rare = 0 < facts.filled < MOST and facts.days >= 0.9
        if rare and name not in taken:
            if _taken_back(found, columns, frame, name, frame[name].notna(), paid):
                return
            found.conditions.append(f"{quoted(name)} IS NULL")
            rows = int(frame[name].notna().sum())
            found.rows &= frame[name].isna()
            found.notes.append(say("init.took.cancelled", column=name, rows=rows))
            return
        yes, here = marked(facts, frame)
        if yes and name not in taken and here.mean() < MOST:
            if not _taken_back(found, columns, frame, name, here, paid):
                leave_out(found, name, yes, here, "init.took.flagged")
            return


def marked(facts: Facts, frame: pd.DataFrame) -> tuple[list[str], pd.Series]:
    """The words for yes in a column of nothing but yes and no, and the rows that have one."""
    if not is_mark(facts):
        return [], pd.Series(False, index=frame.index)
    yes = said_yes(facts)
    return yes, frame[facts.name].isin(yes)


def said_yes(facts: Facts) -> list[str]:
    """The words for yes that a column holds."""
    return [value for value in facts.cells.unique() if value.lower() in YES]


def leave_out(
    found: Sold,
    name: str,
    yes: list[str],
    here: pd.Series,
    note: str,
) -> None:
    """Rows with these values do not count, and a note says so."""
    found.conditions.append(f"({quoted(name)} IS NULL OR NOT {one_of(name, yes)})")
    found.rows &= ~here
    words = {
        "values": yes,
        "rows": int(here.sum()),
    }
    found.notes.append(say(note, column=name, **words))


def _taken_back(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    name: str,
    here: pd.Series,
    paid: Amount,
) -> bool:
    """Whether each cancelled document has another that takes the same money back: without the
    first, the second would be subtracted from sales that were made."""
    if paid.columns[0] not in columns:
        return False
    worth = columns[paid.columns[0]].amounts().reindex(frame.index).round(2)
    cancelled = Counter(worth[here & (worth > 0)])
    back = Counter(-worth[~here & (worth < 0)])
    if not cancelled or cancelled - back:
        return False
    words = {"rows": int(here.sum())}
    found.notes.append(say("init.took.taken_back", column=name, **words))
    return True


def paid_back(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    taken: list[str],
    paid: Amount,
) -> None:
    """A mark of sales that were paid back: in full, where a column says so; else those whose
    refund no column holds."""
    marks = [
        name
        for name in ranked(columns, "refunded")
        if name not in taken and is_mark(columns[name])
    ]
    whole = [name for name in marks if {"fully", "full"} & set(normal(name).split())]
    if not marks or (paid.refunded and not whole):
        return
    name = (whole or marks)[0]
    yes, here = marked(columns[name], frame)
    if here.any() and not _is_off(columns, paid, here):
        leave_out(found, name, yes, here, "init.took.paid_back")


def _is_off(columns: Columns, paid: Amount, marked: pd.Series) -> bool:
    """Whether the amounts are lower than before where sales are marked as paid back."""
    if paid.before is None:
        return False
    before = columns[paid.before].amounts().reindex(marked.index)
    after = columns[paid.columns[0]].amounts().reindex(marked.index)
    return bool((after < before)[marked].mean() > 0.9)


def is_mark(facts: Facts) -> bool:
    """Whether a column says nothing but yes and no."""
    return {value.lower() for value in facts.cells.unique()[:8]} <= {*YES, *NO}
