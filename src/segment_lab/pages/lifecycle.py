"""The lifecycle page: the six bases and who moves between them, the VIPs, who comes back alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import pandas as pd

from segment_lab import show
from segment_lab.customers.states import LAPSE
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.serving import cards_of, serving_table
from segment_lab.segments import lifecycle
from segment_lab.segments.base import Finding
from segment_lab.segments.lifecycle import (
    LifecycleSegmenter,
    truth_table,
    unclaimed,
    vip_check,
)
from segment_lab.segments.segmentation import Segmentation
from segment_lab.show import Html, says_why
from segment_lab.show.pictures import maps
from segment_lab.show.pictures import segments as pictures
from segment_lab.study.study import Study
from segment_lab.texts import say

SIZES = ["customers", "customer_share", "revenue_share"]
#: How far back the page looks for who moved and who came back.
DAYS = 90
#: Where certainly more of the dead than this come back by themselves, they were not dead.
ALIVE = 1 / 3


class LifecyclePage:
    """The six bases of a study as tables, and the pieces that show them.

    Parameters
    ----------
    study : Study
        With the options of the method ``lifecycle``.
    days : int
        How far back the page looks for who moved and who came back.
    """

    def __init__(self, study: Study, days: int = DAYS):
        self.study = study
        self.days = days
        self.customers = study.population("lifecycle")
        self.fitted: LifecycleSegmenter = study.fitted("lifecycle")
        self.bases = study.segmentation("lifecycle")
        self.value = self.fitted.value

    # The tables.

    @cached_property
    def profile(self) -> pd.DataFrame:
        """Size, revenue and typical behaviour of each base."""
        return self.bases.profile(self.customers)

    @cached_property
    def flows(self) -> pd.DataFrame:
        """Everybody of today by base then (rows; the last: not yet known) and now (columns).

        Both days by today's rule and with all that was known on that day. Through windows of equal
        length (`Study.change`) dead customers would become cold ones when their orders fall out.
        """
        then = _on(self.study, self.days).segmentation("lifecycle", self.fitted)
        counts = self.bases.migration(then)
        counts.loc[say("lifecycle.page.unknown")] = self.bases.sizes() - counts.sum()
        return counts

    @cached_property
    def vips(self) -> dict:
        """Whether the VIPs are few and lead (`vip_check`)."""
        return vip_check(self.bases, self.customers, self.value)

    @cached_property
    def silent_vips(self) -> pd.DataFrame:
        """VIPs who have been silent for too long, the largest first."""
        return lifecycle.silent_vips(self.bases, self.customers)

    @cached_property
    def returned(self) -> pd.DataFrame:
        """Who ordered by themselves since, by base then (`natural_return`)."""
        return lifecycle.natural_return(*look_back(self.study, self.days))

    # The page, from top to bottom.

    def headline(self) -> Html:
        """Who carries the business, and how much of the base is dead."""
        found = headline(self.bases, self.customers, self.value)
        return show.headline(
            *found.sentences,
            figures=found.figures,
            status=self.bases.status,
            currency=self.study.currency,
        )

    @says_why
    def moves(self) -> Html:
        """Who moved between the bases."""
        then, now = (
            say("lifecycle.page.then", days=self.days),
            say("lifecycle.page.now"),
        )
        caption = say("lifecycle.page.moves", days=self.days)
        return show.figure(maps.flows(self.flows, then, now), caption=caption)

    def meanings(self) -> Html:
        """The bases and what they are."""
        return show.table(
            self.profile[SIZES].join(self.fitted.meaning_table()),
            say("lifecycle.page.bases", window=self.study.window),
            labels={"meaning": say("lifecycle.page.meaning")},
            links=cards_of(self.study, "lifecycle"),
        )

    def serving(self) -> Html:
        """What to do with each base."""
        return serving_table(self.study, "lifecycle")

    def shares(self) -> Html:
        """Share of the customers beside share of the revenue."""
        return show.figure(
            pictures.shares(self.profile), caption=say("lifecycle.page.shares")
        )

    @says_why
    def reach(self) -> Html:
        """How many of each base may be written to."""
        known = lifecycle.reach(self.bases, self.customers)
        return show.table(known, say("lifecycle.page.reach"))

    def rules(self) -> Html:
        """The rules with their values, first asked on top."""
        return show.table(self.fitted.rule_table(), say("lifecycle.page.rules"))

    def overlap(self) -> Html:
        """Who meets two rules."""
        drawn = pictures.overlap_heatmap(lifecycle.overlap_matrix(self.bases))
        return show.figure(drawn, caption=say("lifecycle.page.overlap"))

    def unclaimed(self) -> Html:
        """How many meet several rules, and how many none."""
        return show.note(overlap_remark(self.bases))

    def deserved(self) -> Html:
        """Whether the VIPs deserve the name."""
        remark = vip_remark(self.vips, self.value)
        if self.vips["small"] and self.vips["leading"]:
            return show.finding(remark)
        return show.note(remark, "warning")

    def to_call(self) -> Html:
        """The silent VIPs, folded."""
        caption = say("lifecycle.page.silent", currency=self.study.currency)
        silent = show.table(
            self.silent_vips, caption, empty=say("lifecycle.page.nobody_silent")
        )
        return show.details(
            say("lifecycle.page.silent_folded", vips=len(self.silent_vips)), silent
        )

    @says_why
    def coming_back(self) -> Html:
        """Who comes back without a campaign."""
        caption = say("lifecycle.page.returned", days=self.days)
        rates = show.table(
            self.returned, caption, note=say("lifecycle.page.returned_note")
        )
        remark = dead_remark(self.returned, self.days)
        return show.group(show.note(remark, "warning"), rates) if remark else rates

    def trust(self) -> Html:
        """Where the limit of silence comes from."""
        return show.note(silence_remark(self.fitted))


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
        reason=silence_reason(segmentation.parameters),
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


def silence_reason(parameters: Mapping[str, Any]) -> str:
    """How the limit of silence was found, in the language of the page, not of the fit."""
    return say(
        f"lifecycle.limit.{parameters['dead_basis']}",
        share=parameters["dead_quantile"],
        customers=parameters["dead_known"],
        lapse=LAPSE,
    )


def vip_remark(check: dict, value: str = "revenue") -> str:
    """Whether the VIPs deserve the name; `check` is a `vip_check`."""
    if not check["customers"]:
        return say("lifecycle.vip.nobody")
    return say("lifecycle.vip.some", value=value, **check)


def overlap_remark(segmentation: Segmentation) -> str:
    """How many customers meet several rules, and how many meet none."""
    several = float((truth_table(segmentation).sum(axis=1) > 1).mean())
    return say(
        "lifecycle.overlap", several=several, nobody=len(unclaimed(segmentation))
    )


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


def look_back(
    study: Study, days: int
) -> tuple[Segmentation, pd.DataFrame, Sequence[str]]:
    """The tiers as they stood `days` ago, what happened since, and whom campaigns reached: for
    `natural_return`.

    NotEnoughDataError where the data do not reach that far back.
    """
    before = _on(study, days)
    then = before.segmentation("lifecycle")
    # Prospects of that day count too: a cold one who ordered came without a campaign.
    since = study.bought(days).reindex(then.codes.index).fillna(0).add_prefix("future_")
    return then, since, study.contacted_since(before.window.as_of)


def _on(study: Study, days: int) -> Study:
    """The study so many days ago."""
    day = study.window.as_of - dt.timedelta(days=days)
    if day <= study.window.start:
        known = study.window.days
        raise NotEnoughDataError(
            say("lifecycle.errors.too_short", known=known, needed=days)
        )
    return study.at(day)


def dead_remark(rates: pd.DataFrame, days: int) -> str:
    """What the return of the dead (`natural_return`) says about the limit; empty where few of them
    came back."""
    if "Dead" not in rates.index:
        return ""
    dead = rates.loc["Dead", ["return_rate", "return_rate_low"]].astype("float64")
    if not dead["return_rate_low"] > ALIVE:
        return ""
    return say("lifecycle.dead_return", rate=dead["return_rate"], days=days)
