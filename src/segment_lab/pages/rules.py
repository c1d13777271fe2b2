"""The page of the company's own rules: whom they put where, whom they miss, what changed."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from segment_lab import show
from segment_lab.pages.serving import serving_table
from segment_lab.segments.base import Finding
from segment_lab.segments.rules import RuleSegmenter, rule_counts, rule_overlaps
from segment_lab.segments.segmentation import Segmentation
from segment_lab.show import Html
from segment_lab.show.pictures import maps
from segment_lab.show.pictures import segments as pictures
from segment_lab.study.study import Study
from segment_lab.texts import say

FIRST_ROWS = 12
#: Every customer with the rules that hold stands in this file of the run.
MATCHED = "rules_matched.csv"


class RulesPage:
    """What a company's own rules do with its customers, and the pieces that show it.

    Parameters
    ----------
    study : Study
        With the options of the method ``rules``.
    """

    def __init__(self, study: Study):
        self.study = study
        self.customers = study.population("rules")
        self.fitted: RuleSegmenter = study.fitted("rules")
        self.segments = study.segmentation("rules")

    # The tables.

    @cached_property
    def truth(self) -> pd.DataFrame:
        """Which rules hold for whom, first match or not."""
        return self.fitted.truth(self.customers)

    @cached_property
    def profile(self) -> pd.DataFrame:
        """Size, revenue and typical behaviour of each segment."""
        return self.segments.profile(self.customers)

    @cached_property
    def moved(self) -> pd.DataFrame:
        """Customers whom the previous version put elsewhere: ``before, now``."""
        return self.fitted.moved(self.customers)

    # The page, from top to bottom.

    def headline(self) -> Html:
        """Whom the rules leave out, claim twice, and which do nothing."""
        found = headline(self.segments, self.truth)
        return show.headline(
            *found.sentences,
            figures=found.figures,
            status=self.segments.status,
            currency=self.study.currency,
        )

    def moves(self) -> Html:
        """From where to where the new version moves customers; without one, the segments."""
        if self.moved.empty:
            return show.figure(
                pictures.shares(self.profile), caption=say("rules.page.shares")
            )
        counts = pd.crosstab(self.moved["before"], self.moved["now"])
        # An old name stands last.
        place = {name: i for i, name in enumerate(self.segments.names)}
        for axis in (0, 1):
            by = counts.axes[axis].map(lambda name: place.get(name, len(place)))
            counts = counts.take(np.argsort(by, kind="stable"), axis=axis)
        drawn = maps.flows(counts, say("rules.page.before"), say("rules.page.now"))
        facts = {
            "moved": len(self.moved),
            "everybody": len(self.customers),
        }
        return show.figure(drawn, caption=say("rules.page.moves", **facts))

    def serving(self) -> Html:
        """What to do with each segment."""
        return serving_table(self.study, "rules")

    def counts(self) -> Html:
        """What each rule matches, is assigned, and matches alone."""
        counted = rule_counts(self.truth).join(self.fitted.meaning_table())
        labels = {"meaning": say("rules.page.condition")}
        return show.table(counted, say("rules.page.counts"), labels=labels)

    def sizes(self) -> Html:
        """The segments that result."""
        shares = self.profile.drop(columns="margin", errors="ignore")
        caption = say("rules.page.segments", currency=self.study.currency)
        return show.table(shares, caption)

    def overlaps(self) -> Html:
        """Customers claimed by several rules."""
        return show.table(rule_overlaps(self.truth), say("rules.page.overlaps"))

    def moved_counts(self) -> Html:
        """How many customers changed segment, by from and to."""
        facts = {
            "moved": len(self.moved),
            "everybody": len(self.customers),
        }
        return show.table(
            self.moved.value_counts().reset_index(name="customers"),
            say("rules.page.moved", **facts),
            index=False,
            empty=unmoved(self.fitted),
        )

    def moved_who(self) -> Html:
        """Who changed segment, folded."""
        who = show.table(
            self.moved, say("rules.page.moved_who"), empty=unmoved(self.fitted)
        )
        return show.details(say("rules.page.moved_folded"), who)

    def matched(self) -> Html:
        """Which rules hold for whom, customers with the most first."""
        rows = self.segments.to_frame()
        rows = rows.sort_values("rules_matched", ascending=False, kind="stable")
        columns = ["segment", "rules_matched", "matched"]
        return show.table(
            rows[columns], say("rules.page.matched"), rows=FIRST_ROWS, file=MATCHED
        )


def headline(segmentation: Segmentation, truth: pd.DataFrame) -> Finding:
    """Whom the rules leave out, claim twice, and which rules do nothing."""
    everybody, counts, matches = len(truth), rule_counts(truth), truth.sum(axis=1)
    unclaimed, several = int((matches == 0).sum()), int((matches > 1).sum())
    dead = list(counts.index[counts["finding"] != ""])
    sizes = segmentation.sizes().iloc[:-1]
    first = say(
        "rules.finding.placed",
        rules=len(counts),
        placed=everybody - unclaimed,
        everybody=everybody,
        largest=sizes.idxmax(),
        largest_customers=sizes.max(),
    )
    second = say(
        "rules.finding.left",
        unclaimed=unclaimed,
        unclaimed_share=unclaimed / everybody,
        several=several,
        several_share=several / everybody,
        dead=dead,
    )
    figures = {
        "customers": everybody,
        "unclaimed_customers": unclaimed,
        "customers_claimed_by_several": several,
        "dead_rules": len(dead),
    }
    return Finding((first, second), figures)


def unmoved(fitted: RuleSegmenter) -> str:
    """What to say where `moved` finds nobody."""
    return say("rules.nobody_moved") if fitted.previous else say("rules.no_previous")
