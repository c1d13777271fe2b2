"""The arithmetic of a test: the difference of two shares with its uncertainty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from segment_lab.customers.rates import wilson


class Arm(NamedTuple):
    """Customers of one arm, how many of them bought, and the money they brought."""

    customers: float
    buyers: float
    money: float = float("nan")

    @property
    def rate(self) -> float:
        """Share that bought."""
        return self.buyers / self.customers

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % range (Wilson)."""
        low, high = wilson(self.buyers, self.customers)
        return float(low), float(high)


def rate_difference(treated: Arm, held: Arm) -> tuple[float, float, float]:
    """Difference of two shares with Newcombe's (1998) hybrid score interval: (estimate, low,
    high)."""
    (low1, high1), (low0, high0) = treated.interval, held.interval
    difference = treated.rate - held.rate
    below = np.hypot(treated.rate - low1, high0 - held.rate)
    above = np.hypot(high1 - treated.rate, held.rate - low0)
    return difference, float(difference - below), float(difference + above)


class Careful(NamedTuple):
    """The difference of two shares after Agresti & Caffo (2000), a success and a failure added to
    each arm; its standard error, never 0; and the degrees of freedom of that error (Welch 1947)."""

    difference: float
    se: float
    freedom: float


def careful_difference(treated: Arm, held: Arm) -> Careful:
    """What is judged where many differences are: as it stands, that of small arms looks certain
    far too often."""
    rates, variances, freedom = [], [], []
    for arm in (treated, held):
        rate = (arm.buyers + 1) / (arm.customers + 2)
        rates.append(rate)
        variances.append(rate * (1 - rate) / (arm.customers + 2))
        freedom.append(max(arm.customers - 1, 1))
    error = float(np.sqrt(sum(variances)))
    return Careful(rates[0] - rates[1], error, welch(variances, freedom))


def welch(variances: ArrayLike, freedom: ArrayLike) -> float:
    """Degrees of freedom of a sum of variances that are estimated apart (Welch–Satterthwaite)."""
    parts = np.asarray(variances, dtype=float)
    each = np.asarray(freedom, dtype=float)
    spread = float((parts**2 / each).sum())
    return float(parts.sum() ** 2 / spread) if spread > 0 else float(each.min())
