"""What the RFM page says: its first sentences and the remarks beside its tables."""

from __future__ import annotations

import pandas as pd

from segment_lab.segments.base import Finding
from segment_lab.segments.rfm import MEASURES, RFMSegmenter, unused_scores
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say

#: Segments of the packaged grids that used to buy well and stopped.
SILENT = ("Can't Lose", "At Risk")


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


def _second(segmentation: Segmentation, customers: pd.DataFrame, profile: pd.DataFrame) -> str:
    largest = {"name": profile.customers.idxmax(), "customers": profile.customers.max()}
    if largest["customers"] == len(segmentation) > 1:
        return say("rfm.finding.alike", **largest)
    silent = [name for name in SILENT if name in profile.index]
    lost = profile.loc[silent, ["customers", "revenue_share"]].sum()
    if not lost.customers:
        return say("rfm.finding.largest", **largest)
    # What "silent" means depends on the base: 12 days in a grocery, a year where furniture is sold.
    days = segmentation.align(customers)["recency_days"][segmentation.labels.isin(silent)].min()
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
    return say("rfm.ties.some", unused=list(unused.items())) if unused else say("rfm.ties.none")
