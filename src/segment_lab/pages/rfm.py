"""The RFM page: who buys lately, often and much, who has gone silent, and what to do with each."""

from __future__ import annotations

from functools import cached_property
from typing import cast

import pandas as pd

from segment_lab import show
from segment_lab.pages.serving import cards_of, serving_table
from segment_lab.segments.base import Finding
from segment_lab.segments.rfm import RFMSegmenter
from segment_lab.segments.scores import MEASURES, score_cells, unused_scores
from segment_lab.segments.segmentation import Segmentation
from segment_lab.show import Html
from segment_lab.show.pictures import maps
from segment_lab.show.pictures import segments as pictures
from segment_lab.study.study import Study
from segment_lab.texts import say

SIZES = ["customers", "customer_share", "revenue_share"]

#: Segments of the packaged grids that used to buy well and stopped.
SILENT = ("Can't Lose", "At Risk")


class RFMPage:
    """The RFM segments of a study as tables, and the pieces that show them.

    Parameters
    ----------
    study : Study
        With the options of the method ``rfm``.
    """

    def __init__(self, study: Study):
        self.study = study
        self.customers = study.customers()
        self.fitted: RFMSegmenter = study.fitted("rfm")
        self.segments = study.segmentation("rfm")

    # The tables.

    @cached_property
    def profile(self) -> pd.DataFrame:
        """Size, revenue and typical behaviour of each segment."""
        return self.segments.profile(self.customers)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """Who stands where on the recency × frequency grid (`score_cells`)."""
        return score_cells(self.segments, self.customers)

    # The page, from top to bottom.

    def headline(self) -> Html:
        """What the best segment brings, and who has gone silent."""
        found = headline(self.segments, self.customers)
        return show.headline(
            *found.sentences,
            figures=found.figures,
            status=self.segments.status,
            currency=self.study.currency,
        )

    def map(self) -> Html:
        """The recency × frequency grid with the names of the segments."""
        caption = say("rfm.page.map")
        bins = self.fitted.n_bins
        few = bins <= maps.MOST_NAMED
        narrow = maps.named_grid(self.cells, bins) if few else None
        return show.figure(
            maps.named_map, self.cells, bins, caption=caption, narrow=narrow
        )

    def meanings(self) -> Html:
        """Every segment with who they are."""
        return show.table(
            self.profile[SIZES].join(self.fitted.meaning_table()),
            say("rfm.page.segments", window=self.study.window),
            labels={"meaning": say("rfm.page.meaning")},
            links=cards_of(self.study, "rfm"),
        )

    def serving(self) -> Html:
        """What to do with each segment."""
        return serving_table(self.study, "rfm")

    def shares(self) -> Html:
        """Share of the customers beside share of the revenue."""
        return show.figure(
            pictures.shares(self.profile), caption=say("rfm.page.shares")
        )

    def behaviour(self) -> Html:
        """Revenue and typical customer of each segment, folded."""
        caption = say("rfm.page.behaviour", currency=self.study.currency)
        behaviour = self.profile.drop(columns=SIZES)
        return show.details(
            say("rfm.page.behaviour_folded"), show.table(behaviour, caption)
        )

    def scores(self) -> Html:
        """What each score stands for."""
        caption = say("rfm.page.scores", currency=self.study.currency)
        return show.table(
            self.fitted.score_table(), caption, note=cut_remark(self.fitted)
        )

    @property
    def _scored(self) -> pd.DataFrame:
        """The scores of every customer, which an RFM segmentation always holds."""
        return cast(pd.DataFrame, self.segments.by_customer)

    def heatmap(self) -> Html:
        """Customers by recency and frequency score."""
        drawn = pictures.score_heatmap(self._scored, self.fitted.n_bins)
        return show.figure(drawn, caption=say("rfm.page.heatmap"))

    def grid(self) -> Html:
        """Whether every combination of scores has one name."""
        report = self.fitted.grid_report_
        return show.note(str(report), "info" if report.ok else "warning")

    def ties(self) -> Html:
        """Which scores nobody has."""
        return show.note(tie_remark(self._scored, self.fitted.n_bins))


def headline(segmentation: Segmentation, customers: pd.DataFrame) -> Finding:
    """What the best segment brings, and who has gone silent."""
    profile = segmentation.profile(customers)
    best = profile.iloc[0]
    silent = [name for name in SILENT if name in profile.index]
    lost = profile.loc[silent, ["customers", "revenue_share"]].sum()
    figures = {
        "customers": len(segmentation),
        "best_segment_customers": int(best.customers),
        "best_segment_revenue_share": float(best.revenue_share),
    }
    if silent:
        figures["gone_silent_customers"] = int(lost.customers)
        figures["gone_silent_revenue_share"] = float(lost.revenue_share)
    second = _second(segmentation, customers, profile)
    return Finding((_first(profile, len(segmentation)), second), figures)


def _first(profile: pd.DataFrame, everybody: int) -> str:
    best, name = profile.iloc[0], profile.index[0]
    if not best.customers:
        return say("rfm.finding.best_is_empty", name=name)
    return say(
        "rfm.finding.best",
        name=name,
        customers=best.customers,
        everybody=everybody,
        customer_share=best.customer_share,
        revenue_share=best.revenue_share,
    )


def _second(
    segmentation: Segmentation, customers: pd.DataFrame, profile: pd.DataFrame
) -> str:
    largest = {
        "name": profile.customers.idxmax(),
        "customers": profile.customers.max(),
    }
    if largest["customers"] == len(segmentation) > 1:
        return say("rfm.finding.alike", **largest)
    silent = [name for name in SILENT if name in profile.index]
    lost = profile.loc[silent, ["customers", "revenue_share"]].sum()
    if not lost.customers:
        return say("rfm.finding.largest", **largest)
    # What "silent" means depends on the base: 12 days in a grocery, a year where furniture is sold.
    days = segmentation.align(customers)["recency_days"][
        segmentation.labels.isin(silent)
    ].min()
    return say(
        "rfm.finding.silent",
        customers=lost.customers,
        days=days,
        names=silent,
        revenue_share=lost.revenue_share,
    )


def cut_remark(fitted: RFMSegmenter) -> str:
    """Where the cut points come from: learned, by hand, or both."""
    by_hand = fitted.cuts_by_hand()
    if len(by_hand) == len(MEASURES):
        return say("rfm.cuts.by_hand")
    if by_hand:
        return say("rfm.cuts.some_by_hand", names=by_hand)
    return say("rfm.cuts.learned")


def tie_remark(scores: pd.DataFrame, n_bins: int) -> str:
    """Which scores nobody has because many customers are equal."""
    unused = unused_scores(scores, n_bins)
    return (
        say("rfm.ties.some", unused=list(unused.items()))
        if unused
        else say("rfm.ties.none")
    )
