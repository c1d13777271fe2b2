"""Could any test find more than closed testing, at the same honesty? A bound on all of them.

    python benchmarks/power_bound.py

Five schemes, one of them better by d; their estimates are independent normals, so a pair's
difference has one standard deviation and d is given in it (measured: 1.58 at 600 customers, 3.28 at
2,000). A test names pairs that differ; under no truth may it name a pair that is equal in more than
5 of 100 cases. The power is the mean over the four pairs of the better scheme.

The bound is that of linear programming: whatever prices are put on errors under a few truths
(all equal; two ahead of three by half of d, and by d), no test earns more than the best choice at
every single outcome, plus 5 % of the prices. The lowest such sum over the prices is printed. Only
differences count, which costs nothing (Hunt & Stein; Lehmann & Romano 2005, chapter 8).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.optimize import minimize

SCHEMES, LEVEL = 5, 0.05
#: The standard deviation of an estimate where that of a pair's difference is 1.
SPREAD = np.sqrt(0.5)
PAIRS = list(combinations(range(SCHEMES), 2))
#: Every set of pairs that a test might name.
NAMED = np.array([[s >> place & 1 for place in range(len(PAIRS))] for s in range(1024)])
AHEAD = (0.5, 1.0)


def truths(d: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means under which errors are bounded, the pairs that are equal there, and their price."""
    means, price = [np.zeros(SCHEMES)], [0]
    for place, ahead in enumerate(AHEAD, 1):
        for pair in PAIRS:
            mean = np.zeros(SCHEMES)
            mean[list(pair)] = ahead * d
            means.append(mean)
            price.append(place)
    equal = np.array([[mean[a] == mean[b] for a, b in PAIRS] for mean in means])
    return np.array(means), equal, np.array(price)


def bound(d: float, outcomes: int = 12_000, seed: int = 0) -> float:
    """The most power that any such test can have."""
    rng = np.random.default_rng(seed)
    better = np.eye(SCHEMES) * d
    means, equal, price = truths(d)
    every = np.vstack([better, means])
    noise = rng.standard_normal((len(every), outcomes // len(every), SCHEMES))
    seen = (every[:, None] + SPREAD * noise).reshape(-1, SCHEMES)
    likely = np.column_stack([_density(seen, mean) for mean in every])
    likely /= likely.mean(axis=1, keepdims=True)
    gain = [np.maximum(likely[:, a], likely[:, b]) for a, b in PAIRS]
    gained = np.column_stack(gain) @ NAMED.T / (SCHEMES * (SCHEMES - 1))
    wrong = (NAMED @ equal.T > 0).astype(float)
    errors = likely[:, SCHEMES:]

    def total(logs: np.ndarray) -> float:
        prices = np.exp(logs)[price]
        best = (gained - (errors * prices) @ wrong.T).max(axis=1)
        return float(best.mean() + LEVEL * prices.sum())

    start = np.log([0.2, *[0.02] * len(AHEAD)])
    options = {"maxiter": 120, "xatol": 0.02, "fatol": 1e-4}
    return float(minimize(total, start, method="Nelder-Mead", options=options).fun)


def _density(seen: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Likelihood of the differences, up to a factor common to all truths."""
    off = seen - mean
    off = off - off.mean(axis=1, keepdims=True)
    return np.exp(-(off**2).sum(axis=1) / (2 * SPREAD**2))


if __name__ == "__main__":
    for customers, d in ((600, 1.58), (2000, 3.28)):
        print(f"{customers:6,} customers: no test finds more than {bound(d):.3f}")
