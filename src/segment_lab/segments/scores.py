"""Scores: cut points of a measure, and who has which score."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from segment_lab.segments.base import shortest_cut
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say

Measure = Literal["recency", "frequency", "monetary"]
MEASURES: tuple[Measure, ...] = ("recency", "frequency", "monetary")


def quantile_cuts(
    values: np.ndarray, n_bins: int, closed: str = "right"
) -> list[float]:
    """Cut points of `values` into `n_bins` by type-7 quantiles, ties kept together; see
    `RFMSegmenter`."""
    cuts = np.quantile(values, np.arange(1, n_bins) / n_bins)
    distinct = np.unique(values)
    if len(distinct) > 1 and closed == "right":
        cuts = np.where(cuts >= distinct[-1], distinct[-2], cuts)
    elif len(distinct) > 1:
        cuts = np.where(cuts <= distinct[0], distinct[1], cuts)
    return sorted(shortest_cut(cut, values, closed) for cut in cuts)


def unused_scores(scores: pd.DataFrame, n_bins: int) -> dict[str, list[int]]:
    """Measure → the scores that nobody has, because many customers have the same value."""
    unused = {}
    for measure in MEASURES:
        given = set(scores[f"{measure[0]}_score"])
        gone = set(range(1, n_bins + 1)) - given
        if gone:
            unused[str(measure)] = sorted(gone)
    return unused


def score_cells(segmentation: Segmentation, customers: pd.DataFrame) -> pd.DataFrame:
    """Who stands where on the recency × frequency grid: one row per cell and segment, the largest
    first.

    ``r_score, f_score, segment, customers, revenue_share`` (of all revenue).
    """
    if segmentation.by_customer is None:
        raise ValueError(say("rfm.errors.no_scores"))
    rows = segmentation.by_customer[["r_score", "f_score"]].assign(
        segment=segmentation.labels.astype(str),
        revenue=segmentation.align(customers)["revenue"],
    )
    by = rows.groupby(["r_score", "f_score", "segment"], as_index=False)["revenue"]
    cells: Any = by.agg(customers="size", revenue_share="sum")
    cells["revenue_share"] /= cells["revenue_share"].sum() or np.nan
    largest_first = cells.sort_values("customers", ascending=False, kind="stable")
    return largest_first.reset_index(drop=True)
