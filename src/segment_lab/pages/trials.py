"""Whether the arms of each campaign can be compared: a table of all, a sentence for each doubt."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from segment_lab.act import arms, campaigns
from segment_lab.errors import NotEnoughDataError
from segment_lab.show.cards import says_why
from segment_lab.show.macros import Html
from segment_lab.show.tables import table
from segment_lab.texts import say

#: What the sentence is worked out from, and the table leaves out.
HIDDEN = ["loss_p", "ratio_p", "uneven_losses", "uneven_sizes"]


@says_why
def checks(found: pd.DataFrame) -> Html:
    """Every campaign's arms (`campaigns.results`) beside each other."""
    if found.empty:
        raise NotEnoughDataError(say("campaigns.none_finished"))
    rows = arms.checked(found)
    facts: list[dict[Any, Any]] = rows.to_dict("records")
    told = [say("trials.check", **row) for row in facts]
    shown = rows.drop(columns=HIDDEN).assign(result=told)
    note = say("trials.checks_note")
    return table(shown, say("trials.checks"), index=False, note=note)


def doubts(found: pd.DataFrame) -> list[str]:
    """A sentence for each campaign whose effect is not shown, or not to be read as it stands."""
    if found.empty:
        return []
    rows = arms.checked(found)
    doubtful = rows["uneven_losses"] | rows["uneven_sizes"] | (rows["held_reached"] > 0)
    facts: list[dict[Any, Any]] = rows[doubtful].to_dict("records")
    return [
        say("trials.doubt", check=say("trials.check", **row), **row) for row in facts
    ]


def of_other_length(left_alone: pd.Series, days: int) -> list[str]:
    """Whose control groups say nothing of the period (`campaigns.of_other_length`), and why."""
    if left_alone.empty:
        return []
    shortest, longest = campaigns.period_of(days)
    return [
        say(
            "trials.of_other_length",
            customers=int(left_alone.sum()),
            lengths=[say("trials.length", days=length) for length in left_alone.index],
            days=days,
            shortest=math.ceil(shortest),
            longest=math.floor(longest),
        )
    ]
