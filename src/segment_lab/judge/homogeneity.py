"""Are customers of one segment alike in what they spend *next*?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from segment_lab.judge.registry import metric
from segment_lab.judge.resampling import blocks, groups_of, interval
from segment_lab.segments.segmentation import Segmentation


@metric("homogeneity")
def eta_squared(codes: np.ndarray, outcome: np.ndarray) -> float:
    """Between-segment share of the sum of squares; grows with the number of segments even by
    chance."""
    return float(_effects_of_customers(codes, outcome)[0])


@metric("homogeneity", low=-1)
def omega_squared(codes: np.ndarray, outcome: np.ndarray) -> float:
    """(SSB − (k−1)·MSW) / (SST + MSW) (Hays 1963); 0 on average for segments that say nothing."""
    return float(_effects_of_customers(codes, outcome)[1])


def log_revenue(revenue: np.ndarray) -> np.ndarray:
    """log(1 + revenue); a period in which more came back than was bought counts as nothing
    bought."""
    money = np.asarray(revenue, dtype=float)
    return np.log1p(np.clip(money, 0, None))


def explained_shares(
    n: np.ndarray, total: np.ndarray, squares: np.ndarray
) -> np.ndarray:
    """η² and ω² from customers, sum and sum of squares per segment (last axis), shape (..., 2)."""
    filled = n > 0
    customers = n.sum(axis=-1)
    k = filled.sum(axis=-1)
    everything = squares.sum(axis=-1)
    grand = total.sum(axis=-1) ** 2 / np.maximum(customers, 1)
    sst = everything - grand
    of_segments = np.where(filled, total, 0) ** 2 / np.maximum(n, 1)
    ssb = of_segments.sum(axis=-1) - grand
    differ = sst > 1e-12 * np.maximum(everything, 1)
    known = differ & (customers > k)
    msw = (sst - ssb) / np.where(known, customers - k, 1)
    eta = ssb / np.where(known, sst, 1)
    beyond_chance = ssb - (k - 1) * msw
    omega = beyond_chance / np.where(known, sst + msw, 1)
    both = np.stack([eta, omega], axis=-1)
    return np.where(known[..., None], both, np.nan)


def homogeneity(
    segmentations: Mapping[str, Segmentation],
    revenue: pd.Series,
    draws: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """η² and ω² of future log-revenue per scheme with 95 % intervals; `null_eta2` is what chance
    gives."""
    y = log_revenue(revenue.to_numpy())
    codes = [s.codes.loc[revenue.index].to_numpy() for s in segmentations.values()]
    values = np.array([_effects_of_customers(c, y) for c in codes])
    members = [groups_of(c, int(c.max()) + 1) for c in codes]
    samples = []
    for weights in blocks(len(y), draws, seed):
        sums, squares = weights * y, weights * y**2
        drawn = []
        for member in members:
            shares = explained_shares(weights @ member, sums @ member, squares @ member)
            drawn.append(shares)
        samples.append(np.stack(drawn, axis=1))
    low, high = interval(values, np.concatenate(samples))
    k = np.array([len(np.unique(c)) for c in codes])
    return pd.DataFrame(
        {
            "segments": k,
            "eta2": values[:, 0],
            "eta2_low": low[:, 0].clip(0),
            "eta2_high": high[:, 0],
            "null_eta2": (k - 1) / max(len(y) - 1, 1),
            "omega2": values[:, 1],
            "omega2_low": low[:, 1],
            "omega2_high": high[:, 1],
        },
        index=pd.Index(segmentations, name="scheme"),
    )


def _effects_of_customers(codes: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    y = np.asarray(outcome, dtype=float)
    n = np.bincount(codes)
    total = np.bincount(codes, y)
    squares = np.bincount(codes, y**2)
    return explained_shares(n, total, squares)
