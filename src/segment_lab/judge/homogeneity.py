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
    return float(_both(codes, outcome)[0])


@metric("homogeneity", low=-1)
def omega_squared(codes: np.ndarray, outcome: np.ndarray) -> float:
    """(SSB − (k−1)·MSW) / (SST + MSW) (Hays 1963); 0 on average for segments that say nothing."""
    return float(_both(codes, outcome)[1])


def log_revenue(revenue: np.ndarray) -> np.ndarray:
    """log(1 + revenue); a period in which more came back than was bought counts as nothing
    bought."""
    money = np.asarray(revenue, dtype=float)
    return np.log1p(np.clip(money, 0, None))


def explained_shares(
    n: np.ndarray,
    total: np.ndarray,
    squares: np.ndarray,
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
    values, members, k = [], [], []
    for segmentation in segmentations.values():
        codes = segmentation.codes.loc[revenue.index].to_numpy()
        values.append((eta_squared(codes, y), omega_squared(codes, y)))
        members.append(groups_of(codes, int(codes.max()) + 1))
        k.append(len(np.unique(codes)))
    samples = [_drawn(weights, members, y) for weights in blocks(len(y), draws, seed)]
    estimate = np.array(values)
    low, high = interval(estimate, np.concatenate(samples))
    found = pd.DataFrame(index=pd.Index(segmentations, name="scheme"))
    found["segments"] = k
    found["eta2"] = estimate[:, 0]
    found["eta2_low"] = low[:, 0].clip(0)
    found["eta2_high"] = high[:, 0]
    found["null_eta2"] = (found["segments"] - 1) / max(len(y) - 1, 1)
    found["omega2"] = estimate[:, 1]
    found["omega2_low"] = low[:, 1]
    found["omega2_high"] = high[:, 1]
    return found


def _drawn(weights: np.ndarray, members: list[np.ndarray], y: np.ndarray) -> np.ndarray:
    """η² and ω² of every scheme in a block of draws, shape (draws, schemes, 2)."""
    sums = weights * y
    squares = weights * y**2
    schemes = []
    for member in members:
        of_groups = (weights @ member, sums @ member, squares @ member)
        schemes.append(explained_shares(*of_groups))
    return np.stack(schemes, axis=1)


def _both(codes: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    y = np.asarray(outcome, dtype=float)
    n = np.bincount(codes)
    total = np.bincount(codes, y)
    squares = np.bincount(codes, y**2)
    return explained_shares(n, total, squares)
