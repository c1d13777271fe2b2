"""One row per segment: how it is served, what comes next, what that costs and brings, how we
know."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from markupsafe import Markup

from segment_lab.customers import trend
from segment_lab.show.svg import range_bar, sparkline
from segment_lab.texts import say, shown
from segment_lab.texts.formats import SPOKEN

#: From so many orders on the usual gap is that of the same customers.
SEVERAL = 2
#: So many letters of who they are stand in a row.
AT_A_GLANCE = 80


@dataclass(frozen=True)
class Treatment:
    """What a segment gets.

    Parameters
    ----------
    segment, who : str
        Its name, and who they are in words that are true of them.
    customers, reachable : int
        How many there are, and how many of them may get the action.
    stance, verdict, ground : str
        Keys: see `act.stance.STANCES`, `act.verdicts.VERDICTS` and `GROUNDS`.
    serve, action, by : str
        The standing treatment; the campaign that comes next, empty where there is none; who does
        it from when.
    cost, hours : float
        Of that campaign.
    worth, low, high : float
        Expected money after costs with its 80 % range; null where nothing is forecast.
    why : str
        How we know, in a sentence.
    changes : tuple of str
        How revenue and the number of customers changed, in words.
    history : sequence of float
        Revenue in twelve times thirty days.
    hours_now, hours_freed, hours_gained : float
        A year's contact hours today, those to stop, those to add.
    file : str
        The list of its customers.
    depends : tuple of str
        Schemes, as a sentence names them, that would serve most of these customers another way.
    share : float
        Of the revenue of all customers.
    stake : str
        The money that hangs on them, in words, where it is not what they brought lately.
    card : str
        Link to the segment's card; empty for an exception, which has none.
    few : bool
        Whether too few of its customers can be reached for a campaign of their own.
    called : int
        How many of them are called although the others get mail: they are off their rhythm.
    of : tuple of Treatment
        The rows that this one stands for, where small segments share one (`merging.merged`).
    people : DataFrame
        Its customers with their measures; empty for an exception.
    """

    segment: str
    who: str
    customers: int
    reachable: int
    stance: str
    verdict: str
    ground: str
    serve: str = ""
    action: str = ""
    by: str = ""
    cost: float = math.nan
    hours: float = math.nan
    worth: float = math.nan
    low: float = math.nan
    high: float = math.nan
    why: str = ""
    changes: tuple[str, ...] = ()
    history: tuple[float, ...] = ()
    hours_now: float = 0.0
    hours_freed: float = 0.0
    hours_gained: float = 0.0
    file: str = ""
    depends: tuple[str, ...] = ()
    share: float = math.nan
    stake: str = ""
    card: str = ""
    few: bool = False
    called: int = 0
    of: tuple[Treatment, ...] = ()
    people: pd.DataFrame = field(
        default_factory=pd.DataFrame, compare=False, repr=False
    )


@dataclass(frozen=True)
class Seen:
    """How much of the last year the log shows.

    Parameters
    ----------
    days : int
        Of the log.
    """

    days: int

    @property
    def months(self) -> int:
        """Whole steps of thirty days, twelve at most."""
        return min(self.days // trend.STEP_DAYS, trend.STEPS)

    @property
    def short(self) -> int | None:
        """The days, where they are less than a year."""
        return trend.short_of_a_year(self.days)

    def line(self, history: Sequence[float], alt: str) -> Markup:
        """The steps that the log holds whole, as a line: what lies before it is not nothing."""
        return sparkline(history[len(history) - self.months :], alt)


def shown_rows(treatments: Sequence[Treatment], seen: Seen) -> list[dict[str, Any]]:
    """The rows in words; all range bars share one scale."""
    ends = [end for row in treatments for end in (row.low, row.high) if pd.notna(end)]
    limits = (min(ends, default=0.0), max(ends, default=0.0))
    return [_shown(row, limits, seen) for row in treatments]


def _shown(row: Treatment, limits: tuple[float, float], seen: Seen) -> dict[str, Any]:
    facts = {
        "customers": row.customers,
        "reachable": row.reachable,
        "share": row.share,
    }
    has_cost = pd.notna(row.cost) and bool(row.action)
    parts = row.of or (row,)
    names = [shown(part.segment) for part in parts]
    return {
        "name": " · ".join(names),
        "parts": [
            {"name": name, "card": part.card, "size": str(part.customers)}
            for name, part in zip(names, parts, strict=True)
        ],
        "card": row.card if not row.of else "",
        "who": row.who if row.of else _first_sentences(row.who),
        "customers": say("front.map.customers", customers=row.customers),
        "reach": say(
            "front.segments.reach",
            known=pd.notna(row.share),
            **facts,
        ),
        "stance": row.stance,
        "stance_text": say(f"stance.name.{row.stance}"),
        "spark": seen.line(row.history, say("front.segments.spark", name=row.segment)),
        "changes": row.changes,
        "action": shown(row.action or row.serve),
        "by": row.by,
        "called": say("front.segments.called", customers=row.called)
        if row.called
        else "",
        "stop": say("stance.stop", hours=row.hours_freed)
        if row.hours_freed >= 1
        else "",
        "cost": SPOKEN["money"](row.cost) if has_cost else "",
        "hours": say("front.segments.hours", hours=row.hours)
        if has_cost and row.hours
        else "",
        **_worth(row, limits, seen),
        "verdict": row.verdict,
        "verdict_text": say(f"decision.verdict.{row.verdict}"),
        "ground": row.why,
        "depends": say("front.segments.differs", schemes=row.depends)
        if row.depends
        else "",
        "file": row.file,
    }


def _first_sentences(text: str) -> str:
    """As many as are read at a glance; the rest stands on the segment's card."""
    first, *more = text.split(". ")
    for sentence in more:
        if len(first) + len(sentence) > AT_A_GLANCE:
            return f"{first}."
        first = f"{first}. {sentence}"
    return first


def _worth(
    row: Treatment,
    limits: tuple[float, float],
    seen: Seen,
) -> dict[str, str | Markup]:
    if pd.isna(row.worth):
        return {
            "range": "",
            "worth": row.stake or _brought(row, seen),
        }
    facts = {
        "worth": row.worth,
        "low": row.low,
        "high": row.high,
    }
    drawn = range_bar(
        row.low, row.worth, row.high, limits, say("front.segments.range_alt", **facts)
    )
    return {"range": drawn, "worth": say("front.segments.worth_range", **facts)}


def _brought(row: Treatment, seen: Seen) -> str:
    """What they brought lately, where nothing is forecast."""
    if not row.history:
        return say("front.segments.no_forecast")
    facts = {
        "revenue": sum(row.history),
        "days": seen.short,
    }
    return say("front.segments.stake_year", **facts)


def habits(people: pd.DataFrame) -> str:
    """How often and how lately customers order, by the median; empty where nothing is known."""
    named = {"orders": "frequency", "silent": "recency_days", "gap": "gap_days"}
    facts: dict[str, float | None] = {}
    for key, column in named.items():
        value = people[column].median() if column in people else float("nan")
        facts[key] = None if pd.isna(value) else float(value)
    if (facts["orders"] or 0) < SEVERAL:
        facts["gap"] = None
    return say("segment_cards.habits", **facts)
