"""The arithmetic of a test: the difference of two shares with its uncertainty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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


def rate_difference_se(treated: Arm, held: Arm) -> float:
    """Its standard error after Agresti & Caffo (2000): a success and a failure added to each arm,
    so never 0."""
    variance = 0.0
    for arm in (treated, held):
        rate = (arm.buyers + 1) / (arm.customers + 2)
        variance += rate * (1 - rate) / (arm.customers + 2)
    return float(np.sqrt(variance))
