"""Are customers of one segment alike in what they spend *next*?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from segment_lab.judge.registry import metric
from segment_lab.judge.resampling import Grouped, counts, interval
from segment_lab.segments.segmentation import Segmentation


@metric(
    "homogeneity", "η²", "Share of the differences in future spending that lie between segments."
)
def eta_squared(codes: np.ndarray, outcome: np.ndarray) -> float:
    """Between-segment share of the sum of squares; grows with the number of segments even by
    chance."""
    return float(effects_of(_grouped(codes, outcome).sums())[0])


@metric(
    "homogeneity", "ω²", "The same share with what more segments gain by chance taken off.", low=-1
)
def omega_squared(codes: np.ndarray, outcome: np.ndarray) -> float:
    """(SSB − (k−1)·MSW) / (SST + MSW) (Hays 1963); 0 on average for segments that say nothing."""
    return float(effects_of(_grouped(codes, outcome).sums())[1])


def log_revenue(revenue: np.ndarray) -> np.ndarray:
    """log(1 + revenue); a period in which more came back than was bought counts as nothing
    bought."""
    return np.log1p(np.clip(np.asarray(revenue, dtype=float), 0, None))


def effects_of(sums: np.ndarray) -> tuple[float, float]:
    """η² and ω² from sums of 1, y and y² per segment."""
    n, y, yy = sums
    n, y, total = n[n > 0], y[n > 0], yy.sum()
    grand = y.sum() ** 2 / n.sum()
    sst, ssb, k = total - grand, (y**2 / n).sum() - grand, len(n)
    if sst <= 1e-12 * max(total, 1) or n.sum() <= k:
        return np.nan, np.nan
    msw = (sst - ssb) / (n.sum() - k)
    return ssb / sst, (ssb - (k - 1) * msw) / (sst + msw)


def homogeneity(
    segmentations: Mapping[str, Segmentation], revenue: pd.Series, draws: int = 200, seed: int = 0
) -> pd.DataFrame:
    """η² and ω² of future log-revenue per scheme with 95 % intervals; `null_eta2` is what chance
    gives.

    Customers drawn twice make segments look purer than they are, so the draws are moved back onto
    the estimate: without that, of 30 segments that say nothing only one interval in seven held 0.
    """
    y = log_revenue(revenue.to_numpy())
    groups = [_grouped(s.codes.loc[revenue.index].to_numpy(), y) for s in segmentations.values()]
    values = np.array(
        [[effects_of(g.sums(w)) for g in groups] for w in counts(len(y), draws, seed)]
    )
    known = np.isfinite(values[1:])
    centre = np.where(known, values[1:], 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    low, high = interval(values[1:] - centre + values[0])
    k = np.array([len(g.starts) for g in groups])
    return pd.DataFrame(
        {
            "segments": k,
            "eta2": values[0, :, 0],
            "eta2_low": low[:, 0].clip(0),
            "eta2_high": high[:, 0],
            "null_eta2": (k - 1) / max(len(y) - 1, 1),
            "omega2": values[0, :, 1],
            "omega2_low": low[:, 1],
            "omega2_high": high[:, 1],
        },
        index=pd.Index(segmentations, name="scheme"),
    )


def _grouped(codes: np.ndarray, y: np.ndarray) -> Grouped:
    y = np.asarray(y, dtype=float)
    return Grouped(-np.asarray(codes, dtype=float), np.ones(len(y)), y, y**2)
