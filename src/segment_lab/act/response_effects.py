"""How much each group of customers responds: as measured, and drawn to what is foreseen of it.

What is foreseen is the same for all groups, or what a straight line through all customers says.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import pandas as pd


class Line(NamedTuple):
    """A straight line through customers' scores (Bayesian linear regression; MacKay 1992).

    Attributes
    ----------
    foreseen : ndarray, shape (n,)
    places : ndarray, shape (n, k)
        What the line asks, 0 for the mean customer that it was fitted to.
    covariance : ndarray, shape (k, k)
        Of its slopes.
    level : float
        Variance of its mean.
    """

    foreseen: np.ndarray
    places: np.ndarray
    covariance: np.ndarray
    level: float

    @classmethod
    def fit(cls, places: np.ndarray, psi: np.ndarray, rows: np.ndarray) -> Self:
        """Through `rows`, and what it says of everybody."""
        from sklearn.linear_model import BayesianRidge

        model = BayesianRidge().fit(places[rows], psi[rows])
        middle = places[rows].mean(axis=0)
        level = float(psi[rows].var() / len(rows))
        return cls(model.predict(places), places - middle, model.sigma_, level)

    def of(self, rows: np.ndarray) -> Self:
        return self._replace(foreseen=self.foreseen[rows], places=self.places[rows])

    def variance(self, groups: np.ndarray, k: int) -> np.ndarray:
        """Of what is foreseen of each group; (k,)."""
        means = pd.DataFrame(self.places).groupby(groups).mean()
        middle = means.reindex(range(k)).fillna(0.0).to_numpy()
        return ((middle @ self.covariance) * middle).sum(axis=1) + self.level


def group_effects(
    psi: np.ndarray, groups: np.ndarray, k: int, line: Line | None = None
) -> pd.DataFrame:
    """Effect of each group (0 … k−1): ``customers, effect, se`` as measured, and ``shrunk,
    shrunk_se``: drawn to their common mean, or to what the `line` foresees of them, by as much as
    chance explains their differences from it (DerSimonian & Laird 1986; Fay & Herriot 1979)."""
    out = _measured(psi, groups, k)
    off = out if line is None else _measured(psi - line.foreseen, groups, k)
    effect = off["effect"].to_numpy(float)
    variance = off["se"].to_numpy(float) ** 2
    between = _between(effect, variance)
    weight = 1 / (variance + between)
    total = weight.sum()
    common = float(weight @ effect / total)
    own = between / (between + variance)
    out["shrunk"] = own * effect + (1 - own) * common
    aside = np.full(k, 1 / total)
    if line is not None:
        out["shrunk"] += out["effect"] - effect
        aside = line.variance(groups, k)
    out["shrunk_se"] = np.sqrt(own * variance + (1 - own) ** 2 * aside)
    return out


def _measured(psi: np.ndarray, groups: np.ndarray, k: int) -> pd.DataFrame:
    """Customers and mean of each group, with its standard error."""
    rows = []
    for code in range(k):
        part = psi[groups == code]
        n = len(part)
        mean = part.mean() if n else 0.0
        error = part.std(ddof=1) / np.sqrt(n) if n > 1 else np.inf
        rows.append((n, mean, max(error, 1e-9)))
    return pd.DataFrame(rows, columns=["customers", "effect", "se"])


def _between(effect: np.ndarray, variance: np.ndarray) -> float:
    """Variance of the effects that chance does not explain."""
    weight = 1 / variance
    total = weight.sum()
    apart = effect - float(weight @ effect / total)
    excess = float(weight @ apart**2) - (len(effect) - 1)
    scale = float(total - (weight**2).sum() / total)
    if len(effect) == 1 or scale <= 0:
        return 0.0
    return max(excess / scale, 0.0)
