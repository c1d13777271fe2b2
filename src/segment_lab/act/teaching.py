"""What a test or a holdout teaches for the next campaigns, in money, less what it costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from segment_lab.act.beliefs import Belief, natural_rates
from segment_lab.act.rules import Rules


def best_test(
    rows: pd.DataFrame, belief: Belief, rules: Rules
) -> dict[int, tuple[float, float, float]]:
    """The share to test a kind on, and the segments in which the test is worth its price."""
    best: dict[int, tuple[float, float, float]] = {}
    best_worth = 0.0
    for share in rules.tests:
        joined = rows
        while len(joined):
            worth, control = _test_worth(joined, belief, share, rules)
            if (worth > 0).all():
                break
            joined = joined[worth > 0]
        if len(joined) and worth.sum() > best_worth:
            best_worth = float(worth.sum())
            best = {
                int(place): (share, float(c), float(w))
                for place, c, w in zip(joined.index, control, worth, strict=True)
            }
    return best


def _test_worth(
    rows: pd.DataFrame,
    belief: Belief,
    share: float,
    rules: Rules,
) -> tuple[np.ndarray, np.ndarray]:
    """What a test on that share teaches for the next campaigns, less its price; and its control
    group."""
    customers = rows["customers"].to_numpy(float)
    busy = rows["main_expected"].to_numpy(float) > 0
    held = np.where(busy, rules.least_held, 1 - share)
    control = np.minimum(np.maximum(held, share), 1 - share)
    learned = _learned(rows, belief, share * customers, control * customers)
    gap = rows["main_expected"].to_numpy(float) - rows["expected"].to_numpy(float)
    gain = rules.campaigns_ahead * customers * learned * _chance_of_gain(gap / learned)
    extra_control = np.where(busy, np.maximum(control - rules.least_held, 0), 0.0)
    price = share * customers * gap + extra_control * customers * rows["main_expected"]
    worth = (gain - price).to_numpy()
    # A running action is not stopped for a test: somebody must be left to get it.
    crowds_out = busy & (share + control > 1 - rules.least_held)
    return np.where(crowds_out, -np.inf, worth), control * customers


def best_holdout(rows: pd.DataFrame, belief: Belief, rules: Rules) -> float:
    """The share to leave alone: what it teaches against what the customers would have brought."""
    customers = rows["customers"].to_numpy(float)
    expected = rows["expected"].to_numpy(float)
    lead = expected - rows["next_expected"].to_numpy(float)
    worth = []
    for share in rules.holdouts:
        learned = _learned(rows, belief, (1 - share) * customers, share * customers)
        gain = (
            rules.campaigns_ahead
            * customers
            * learned
            * _chance_of_gain(lead / learned)
        )
        worth.append(float((gain - share * customers * expected).sum()))
    return rules.holdouts[int(np.argmax(worth))]


def _learned(
    rows: pd.DataFrame,
    belief: Belief,
    treated: np.ndarray,
    control: np.ndarray,
) -> np.ndarray:
    """By how much (standard deviation) the expected money per contact will move once the test is
    read."""
    place = pd.Index(belief.segments).get_indexer(pd.Index(rows["segment"]))
    rate = rows["natural_rate"].to_numpy(float)
    margin = rows["margin"].to_numpy(float)
    covariance = belief.money(natural_rates(rows, belief, place)).covariance[
        np.ix_(place, place)
    ]
    noise = (
        rate * (1 - rate) * (1 / np.maximum(treated, 1) + 1 / np.maximum(control, 1))
    )
    noise = np.maximum(noise, 1e-9)
    moved = covariance @ np.linalg.solve(covariance + np.diag(noise), covariance)
    return np.abs(margin) * np.sqrt(np.maximum(np.diag(moved), 1e-18))


def _chance_of_gain(z: np.ndarray) -> np.ndarray:
    """ψ(z) = φ(z) − z(1 − Φ(z)): the mean of what a standard normal exceeds z by."""
    return scipy.stats.norm.pdf(z) - z * scipy.stats.norm.sf(z)
