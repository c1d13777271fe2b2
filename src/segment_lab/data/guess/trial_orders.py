"""Orders made to try a shop or a till out, which were never sales."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from segment_lab.data.guess.facts import Columns
from segment_lab.data.guess.marks import NO, is_mark, leave_out, marked
from segment_lab.data.guess.signs import Sold
from segment_lab.data.guess.vocabulary import is_live, is_trial, ranked
from segment_lab.texts import say

#: A column of more words names no modes.
MOST_MODES = 6


def left_out(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    taken: Iterable[str],
) -> None:
    """Leave out what a flag (``is_test``), its opposite (``livemode``) or a mode says was a test.

    Where every row was one, the file is that of a test shop: that is asked, and nothing left out.
    """
    for name in columns:
        if name in taken:
            continue
        values = _trials(columns, frame, name)
        here = frame[name].isin(values)
        if not here.any():
            continue
        if here.all():
            found.doubts.append(say("init.doubt.all_tests", column=name, values=values))
            continue
        leave_out(found, name, values, here, "init.took.trial_orders")
        found.trials.append(found.conditions[-1])


def _trials(columns: Columns, frame: pd.DataFrame, name: str) -> list[str]:
    """The values of a column that say that a row was a test."""
    facts = columns[name]
    if not 0 < facts.distinct <= MOST_MODES:
        return []
    if ranked([name], "trial_order"):
        return marked(facts, frame)[0]
    values = [str(value) for value in facts.cells.unique()]
    if ranked([name], "live_order") and is_mark(facts):
        return [value for value in values if value.lower() in NO]
    trials = [value for value in values if is_trial(value)]
    modes = all(is_trial(value) or is_live(value) for value in values)
    return trials if modes else []
