"""What the clusters page says: how many groups there are, and how far to trust them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from segment_lab.segments.base import Finding
from segment_lab.segments.clusters import ClusterSegmenter
from segment_lab.segments.search import VALID, separation
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say
from segment_lab.texts.formats import words


def headline(
    fitted: ClusterSegmenter, segmentation: Segmentation, customers: pd.DataFrame
) -> Finding:
    """How many groups of customers there are, and how far to trust them."""
    profile = segmentation.profile(customers)
    best = profile.iloc[0]
    revenue_share = float(best.revenue_share)
    figures: dict[str, Any] = {
        "segments": fitted.k_,
        "best_segment_revenue_share": revenue_share,
    }
    if fitted.k_ == 1:
        return Finding((say("clusters.finding.one"),), figures)
    first = say(
        "clusters.finding.groups",
        k=fitted.k_,
        name=profile.index[0],
        customer_share=best.customer_share,
        revenue_share=revenue_share if np.isfinite(revenue_share) else None,
    )
    measures = ["jaccard", "jaccard_min", "silhouette"]
    row: Any = fitted.k_search_.loc[fitted.k_, measures].astype(float)
    apart = separation(row["silhouette"])
    second = say(
        "clusters.finding.trust",
        jaccard=row["jaccard"],
        jaccard_min=row["jaccard_min"],
        stable=row["jaccard"] >= VALID,
        apart=say(f"clusters.apart.{apart}"),
        clear=apart == "clear",
    )
    figures |= {"stability": float(row["jaccard"]), "silhouette": float(row["silhouette"])}
    return Finding((first, second), figures)


def method_remark(fitted: ClusterSegmenter) -> str:
    """How the groups were made."""
    features = [words(feature).lower() for feature in fitted.features]
    return say("clusters.method", algorithm=fitted.algorithm, features=features)
