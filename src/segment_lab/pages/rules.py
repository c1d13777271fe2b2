"""What the page of the company's own rules says."""

from __future__ import annotations

import pandas as pd

from segment_lab.segments.base import Finding
from segment_lab.segments.rules import RuleSegmenter, rule_counts
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say


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
