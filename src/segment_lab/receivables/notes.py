"""How far the figures of the receivables page can be trusted, in words."""

from __future__ import annotations

import pandas as pd

from segment_lab.show.cards import note
from segment_lab.show.macros import Html
from segment_lab.texts import say


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
