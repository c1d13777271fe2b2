"""The currency of a file's amounts; with several, what leaves in one."""

from __future__ import annotations

import re

import pandas as pd

from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.facts import Columns
from segment_lab.data.guess.scale import currency_in
from segment_lab.data.guess.sold import Sold, first_line, listed
from segment_lab.data.guess.vocabulary import code_of
from segment_lab.data.quoting import literal, quoted
from segment_lab.data.reading import CURRENCY_MARKS, currency_of
from segment_lab.texts import say

#: A column of more words is not taken to name currencies by them.
MOST_CURRENCIES = 40


def currency(
    columns: Columns,
    frame: pd.DataFrame,
    paid: Amount,
    found: Sold,
    order: str | None,
) -> str:
    """The currency of the amounts; with several, the commonest, and a condition that keeps the
    others out."""
    name = paid.currency
    if name is None:
        return _marked(columns, paid, found)
    counts = columns[name].cells.value_counts()
    if len(counts) > MOST_CURRENCIES:
        counts = counts[[len(value) <= 4 for value in counts.index]]
    if counts.empty:
        return ""
    main = str(counts.index[0])
    if len(counts) > 1:
        first_line(found, frame, name, order)
        found.one_currency = f"{quoted(name)} = {literal(main)}"
        found.conditions.append(found.one_currency)
        found.rows &= frame[name] == main
        words = listed(counts, list(counts.index))
        found.doubts.append(
            say("init.doubt.currencies", column=name, values=words, main=main)
        )
    return code_of(main)


def _marked(columns: Columns, paid: Amount, found: Sold) -> str:
    """The currency that amounts carry themselves, or that their header names; with several, the
    commonest, and a condition that keeps the others out."""
    facts = columns.get(paid.columns[0])
    if facts is None:
        return ""
    marks = facts.cells.str.extract(rf"({CURRENCY_MARKS})", expand=False).dropna()
    if len(marks):
        code = marks.map(currency_of)
        counts = code.value_counts()
        main = str(counts.index[0])
        if len(counts) > 1:
            others = sorted(set(marks[code != main]))
            pattern = literal("|".join(map(re.escape, others)))
            name = facts.name
            # A row without an amount is no row of another currency: it is rejected with a reason.
            cell = f"coalesce({quoted(name)}, '')"
            found.one_currency = f"NOT regexp_matches({cell}, {pattern})"
            found.conditions.append(found.one_currency)
            found.rows &= ~found.rows.index.isin(code.index[code != main])
            words = listed(counts, list(counts.index))
            facts_of_doubt = {"column": name, "values": words, "main": main}
            found.doubts.append(say("init.doubt.currencies", **facts_of_doubt))
        return str(marks[code == main].value_counts().index[0])
    if scaled := currency_in(facts.name):
        return scaled
    named = facts.name.rsplit(None, 1)[-1].strip("().,") if " " in facts.name else ""
    known = named and pd.Series([named]).str.fullmatch(CURRENCY_MARKS).item()
    return named if known else ""
