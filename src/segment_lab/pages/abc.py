"""What the ABC page says: its first sentences and the remarks beside its tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segment_lab.segments.abc import ABCSegmenter, against_reference, effort_gap, gini, pareto
from segment_lab.segments.base import Finding
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say

TOP = 0.2


def headline(
    segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue"
) -> Finding:
    """How few customers carry the business."""
    table = against_reference(segmentation, customers, value)
    best, last = table.iloc[0], table.iloc[-1]
    top = pareto(customers[value], TOP)
    first = say(
        "abc.finding.best",
        customers=best.customers,
        everybody=len(segmentation),
        customer_share=best.customer_share,
        value_share=best[f"{value}_share"],
        value=value,
        name=table.index[0],
    )
    second = say(
        "abc.finding.last",
        customers=last.customers,
        customer_share=last.customer_share,
        value_share=last[f"{value}_share"],
        name=table.index[-1],
        top=top,
    )
    figures = {
        "class_A_customers": int(best.customers),
        "class_A_customer_share": float(best.customer_share),
        f"class_A_{value}_share": float(best[f"{value}_share"]),
        f"best_fifth_{value}_share": top,
        "gini": gini(customers[value]),
    }
    return Finding((first, second), figures)


def limits_remark(fitted: ABCSegmenter) -> str:
    """The least money of each class."""
    last = fitted.segment_names_[-1]
    if not fitted.thresholds_:
        return say("abc.limits.none", last=last)
    limits = list(zip(fitted.segment_names_, fitted.thresholds_, strict=False))
    return say("abc.limits.some", value=fitted.value, limits=limits, last=last)


def reference_remark(table: pd.DataFrame) -> str:
    """Which classes of `against_reference` lie outside the usual ranges."""
    if "customers_flag" not in table:
        return say("abc.reference.other_classes")
    outside = table[table["customers_flag"] != "inside"]
    if outside.empty:
        return say("abc.reference.inside")
    shown = outside[["customer_share", "customers_flag", "customers_expected"]]
    return say("abc.reference.outside", classes=list(shown.itertuples(name=None)))


def concentration_remark(values: pd.Series | np.ndarray, value: str = "revenue") -> str:
    """What the best fifth holds, and the Gini coefficient."""
    return say(
        "abc.concentration", top=TOP, held=pareto(values, TOP), gini=gini(values), value=value
    )


def zero_remark(segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue") -> str:
    """Where the customers are who brought nothing, or cost money."""
    without = int((segmentation.align(customers)[value] <= 0).sum())
    if not without:
        return say("abc.zero.none")
    return say("abc.zero.some", customers=without, last=segmentation.names[-1])


def effort_remark(customers: pd.DataFrame, value: str = "revenue") -> str:
    """The effort gap of the best fifth."""
    return say("abc.effort.gap", value=value, **effort_gap(customers, value, TOP))
