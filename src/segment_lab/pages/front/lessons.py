"""What own campaigns taught, and what became of the last plan, in sentences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from segment_lab.act import campaign_plan, effects
from segment_lab.act.campaigns import NO_STRATUM
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages import trials
from segment_lab.pages.verdicts import Page
from segment_lab.texts import has, say, shown


def became(page: Page) -> list[str]:
    """What became of the last plan: promised, came, learned, and which of its campaigns cannot be
    read as they stand; nothing before one is measured."""
    try:
        rows = campaign_plan.last(campaign_plan.became(page.measured))
    except NotEnoughDataError:
        rows = pd.DataFrame()
    said = [] if rows.empty else [_promised_and_came(rows)]
    if page.found is None:
        return said
    finished = page.found[page.found["finished"]]
    return [*said, *trials.doubts(campaign_plan.last(finished))]


def _promised_and_came(rows: pd.DataFrame) -> str:
    reach = (((rows["came_high"] - rows["came_low"]) / 2) ** 2).sum() ** 0.5
    came = rows["came"].sum()
    learned: dict[str, list[str]] = {key: [] for key in ("pays", "loses", "unclear")}
    for row in rows.to_dict("records"):
        named = _words(pd.Series(row))
        learned[row["learned"]].append(f"{named['segment']} ({named['kind']})")
    sums = {"promised": rows["promised"].sum(), "came": came}
    ends = {"low": came - reach, "high": came + reach}
    return say("plan.became", day=rows["assigned_on"].max(), **sums, **ends, **learned)


def lessons(page: Page) -> list[str]:
    """What own campaigns taught: whom each helped or harmed for certain, a sentence each."""
    try:
        measured = page.measured
    except NotEnoughDataError:
        return []
    found = []
    for _, rows in measured.groupby(["campaign_id", "variant"], sort=False):
        of_all = rows["segment"] == effects.ALL
        whole = _words(rows[of_all].iloc[0])
        drawn = rows[~of_all & (rows["segment"] != NO_STRATUM)]
        sure = drawn[_sure(drawn)]
        if len(sure):
            said = [
                say("front.lessons.effect", everybody=False, **_words(row))
                for _, row in sure.iterrows()
            ]
        elif _sure(rows[of_all]).iloc[0]:
            said = [say("front.lessons.effect", everybody=True, **whole)]
        else:
            only = shown(drawn["segment"].iloc[0]) if len(drawn) == 1 else ""
            facts = {**whole, "segment": only, "parts": _parts(page, whole)}
            said = [say("front.lessons.nothing", **facts)]
        warned = drawn[~_sure(drawn) & _hurts(drawn)] if len(drawn) > 1 else drawn[:0]
        warnings = [
            say("front.lessons.warning", **_words(row)) for _, row in warned.iterrows()
        ]
        found += [*said, *warnings]
    return found


def _sure(rows: pd.DataFrame) -> pd.Series:
    """Where a campaign changed the buyers for certain, or their money: it brings more than it
    costs, or less than nothing."""
    brings = rows["money_effect"] > rows["cost_per_contact"].fillna(0.0)
    return rows["certain"] | (
        rows["net_certain"] & (brings | (rows["money_effect_high"] < 0))
    )


def _hurts(rows: pd.DataFrame) -> pd.Series:
    """Where a range of its own lies below nothing: to stop takes less proof than to spend."""
    return (rows["effect_high"] < 0) | (rows["money_effect_high"] < 0)


def _parts(page: Page, whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Segments of the page that a campaign certainly moved although its own it did not: their
    cards say so."""
    arms = page.arms
    if arms.empty:
        return []
    same = (arms["campaign_id"] == whole["campaign_id"]) & (
        arms["variant"] == whole["variant"]
    )
    rows = arms[same & arms["certain"]].to_dict("records")
    return [{**row, "segment": shown(row["segment"])} for row in rows]


def _words(row: pd.Series) -> dict[str, Any]:
    facts = {str(name): value for name, value in row.items()}
    kind = f"decision.kind.{row['action']}"
    facts["segment"] = shown(row["segment"])
    facts["kind"] = (
        say(kind) if has(kind) else say("decision.kind.other", kind=row["action"])
    )
    return facts
