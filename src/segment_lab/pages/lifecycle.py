"""What the lifecycle page says and gathers: the bases, the VIPs, and who comes back alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.segments.base import Finding
from segment_lab.segments.lifecycle import LifecycleSegmenter, truth_table, unclaimed, vip_check
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say

if TYPE_CHECKING:
    from segment_lab.study.study import Study

#: Where certainly more of the dead than this come back by themselves, they were not dead.
ALIVE = 1 / 3


def headline(
    segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue"
) -> Finding:
    """Who carries the business, and how much of the base is dead."""
    check = vip_check(segmentation, customers, value)
    buyers = int((segmentation.align(customers)["frequency"] > 0).sum())
    dead = int(segmentation.sizes()["Dead"])
    days = segmentation.parameters["dead_days"]
    share = dead / max(buyers, 1)
    second = say(
        "lifecycle.dead",
        dead=dead,
        buyers=buyers,
        share=share,
        days=days,
        reason=segmentation.parameters["dead_days_reason"],
        silent=check["silent"],
    )
    figures = {
        "VIP_customers": check["customers"],
        f"VIP_{value}_share": check["value_share"],
        "dead_customers": dead,
        "dead_share_of_buyers": share,
        "silent_VIP_customers": check["silent"],
    }
    if days is not None:
        figures["dead_after_days"] = days
    return Finding((vip_remark(check, value), second), figures)


def vip_remark(check: dict, value: str = "revenue") -> str:
    """Whether the VIPs deserve the name; `check` is a `vip_check`."""
    if not check["customers"]:
        return say("lifecycle.vip.nobody")
    return say("lifecycle.vip.some", value=value, **check)


def overlap_remark(segmentation: Segmentation) -> str:
    """How many customers meet several rules, and how many meet none."""
    several = float((truth_table(segmentation).sum(axis=1) > 1).mean())
    return say("lifecycle.overlap", several=several, nobody=len(unclaimed(segmentation)))


def silence_remark(fitted: LifecycleSegmenter) -> str:
    """Where the limit of silence comes from, and whom it may wrong."""
    days, reason = fitted.dead_days_, fitted.dead_reason_
    if fitted.dead_basis_ == "no_buyers":
        return say("lifecycle.silence.no_buyers")
    if fitted.dead_basis_ == "own":
        return say("lifecycle.silence.own", reason=reason)
    if fitted.dead_basis_ == "by_hand":
        return say("lifecycle.silence.by_hand", days=days)
    return say("lifecycle.silence.learned", days=days, reason=reason)


def look_back(study: Study, days: int) -> tuple[Segmentation, pd.DataFrame, Sequence[str]]:
    """The tiers as they stood `days` ago, what happened since, and whom campaigns reached: for
    `natural_return`.

    NotEnoughDataError where the data do not reach that far back.
    """
    start = study.window.as_of - dt.timedelta(days=days)
    if start <= study.window.start:
        known = study.window.days
        raise NotEnoughDataError(say("lifecycle.errors.too_short", known=known, needed=days))
    then = study.at(start).segmentation("lifecycle")
    # Prospects of that day count too: a cold one who ordered came without a campaign.
    since = study.bought(days).reindex(then.codes.index).fillna(0).add_prefix("future_")
    return then, since, study.contacted_since(start)


def dead_remark(rates: pd.DataFrame, days: int) -> str:
    """What the return of the dead (`natural_return`) says about the limit; empty where few of them
    came back."""
    if "Dead" not in rates.index:
        return ""
    dead = rates.loc["Dead", ["return_rate", "return_rate_low"]].astype("float64")
    if not dead["return_rate_low"] > ALIVE:
        return ""
    return say("lifecycle.dead_return", rate=dead["return_rate"], days=days)
