"""How far the figures of the receivables page can be trusted, in words; long lists, folded."""

from __future__ import annotations

from typing import Any

import pandas as pd

from segment_lab.show.cards import details, group, note
from segment_lab.show.macros import Html
from segment_lab.show.tables import table
from segment_lab.texts import say

#: A table whose rest is folded below it opens with so many.
OPEN_ROWS = 10


def exposure_note(check: pd.Series, days: int) -> Html:
    """`exposure_check` in words: by how much the estimate was off."""
    happened = check["happened"]
    if not check["expected"] > 0:
        nothing = "receivables.conflict.check_nothing"
        return note(say(nothing, days=days, happened=happened))
    gap = happened / check["expected"] - 1
    return note(say("receivables.conflict.check", days=days, gap=gap, **check))


def suggestion_note(check: pd.Series) -> Html:
    """`suggestion_check` in words; a warning where suggestions are not shown to be better than the
    most common cause."""
    if not check["recorded"]:
        return note(say("receivables.causes.no_recorded"), "warning")
    if not check["suggested"]:
        unknown = say("receivables.causes.no_sign", recorded=check["recorded"])
        return note(unknown, "warning")
    low, high = check["agree_low"], check["agree_high"]
    said = say("receivables.causes.check", low=low, high=high, **check)
    return note(said, "info" if low > check["baseline"] else "warning")


def first_of(rows: pd.DataFrame, caption: str, **how: Any) -> Html:
    """A table of the first rows, and the whole of it folded below, so that sorting and the filter
    find every row."""
    first = table(rows, caption, rows=OPEN_ROWS, **how)
    if len(rows) <= OPEN_ROWS:
        return first
    whole = table(rows, caption, rows=len(rows), **how)
    return group(first, details(say("show.all_rows", total=len(rows)), whole))
