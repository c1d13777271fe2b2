"""The arithmetic of a campaign: rates with intervals, what it must achieve, what it is worth.

Money is per customer and campaign; rates and uplifts are fractions (0.02 = 2 more buyers per 100
contacted).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy import stats

from segment_lab.customers.rates import wilson
from segment_lab.errors import ConfigError

#: Two-sided 5 % test with 80 % power: z.975 + z.80 (Cohen 1988).
POWER_FACTOR = float(stats.norm.ppf(0.975) + stats.norm.ppf(0.80))
#: A weak belief about an untried campaign: in two of three cases the rate moves by less than what
# Cohen calls a
#: small effect, .2 standard deviations of a yes/no outcome.
PRIOR_EFFECT = 0.2


@dataclass(frozen=True)
class Belief:
    """What is held true about an uplift: normal with `mean` and `sd`, and where that comes from.

    `measured` is True once the company's own holdouts in that segment contributed; only then may
    it be rolled out.
    """

    mean: float
    sd: float
    source: str
    measured: bool = False

    def __post_init__(self) -> None:
        if not self.sd > 0 or not np.isfinite([self.mean, self.sd]).all():
            raise ConfigError(
                f"A belief needs a finite mean and sd > 0, got mean={self.mean}, sd={self.sd}."
            )

    def update(self, effect: float, se: float, source: str, measured: bool = True) -> Self:
        """Normal-normal update: precisions add, means are weighted by them."""
        prior, data = self.sd**-2, se**-2
        sd = (prior + data) ** -0.5
        mean = (self.mean * prior + effect * data) * sd**2
        return replace(self, mean=mean, sd=sd, source=source, measured=measured or self.measured)

    def quantile(self, share: float) -> float:
        """The uplift below which `share` of the belief lies."""
        return self.mean + self.sd * float(stats.norm.ppf(share))


def default_belief(rate: float) -> Belief:
    """The weak prior around no effect, scaled to the natural `rate`; an assumption, and marked so.

    Where nearly all buy anyway, few more can: what is believable (its 90 % point) never takes the
    rate past 1.
    """
    rate = min(max(rate, 0.01), 0.99)
    sd = min(PRIOR_EFFECT * np.sqrt(rate * (1 - rate)), (1 - rate) / stats.norm.ppf(0.9))
    return Belief(0.0, float(sd), "assumption: none known, a small one possible")


def rate_difference(k1: int, n1: int, k0: int, n0: int) -> tuple[float, float, float]:
    """Difference of two proportions with Newcombe's (1998) hybrid score interval: (estimate, low,
    high)."""
    p1, p0 = k1 / n1, k0 / n0
    (l1, u1), (l0, u0) = wilson(k1, n1), wilson(k0, n0)
    return (
        p1 - p0,
        float(p1 - p0 - np.hypot(p1 - l1, u0 - p0)),
        float(p1 - p0 + np.hypot(u1 - p1, p0 - l0)),
    )


def rate_difference_se(k1: int, n1: int, k0: int, n0: int) -> float:
    """Its standard error after Agresti & Caffo (2000): a success and a failure added to each arm,
    so never 0."""
    p1, p0 = (k1 + 1) / (n1 + 2), (k0 + 1) / (n0 + 2)
    return float(np.sqrt(p1 * (1 - p1) / (n1 + 2) + p0 * (1 - p0) / (n0 + 2)))


def detectable_effect(rate: float, treated: float, held: float) -> float:
    """Smallest uplift a test with these arms finds 4 times of 5: (z.975 + z.80)·√(p(1−p)(1/nT +
    1/nC))."""
    if treated <= 0 or held <= 0:
        return float("inf")
    return float(POWER_FACTOR * np.sqrt(rate * (1 - rate) * (1 / treated + 1 / held)))


def break_even(cost_per_contact: float, margin_per_conversion: float) -> float:
    """The uplift at which a contact pays for itself: cost per contact ÷ margin per extra buyer
    (null: unknown)."""
    if cost_per_contact == 0 or np.isnan(margin_per_conversion):
        return 0.0 * margin_per_conversion
    return cost_per_contact / margin_per_conversion if margin_per_conversion > 0 else float("inf")


def pilot_worth(n: float, belief: Belief, margin: float, cost: float, rate: float) -> float:
    """What a pilot on half of `n` customers is worth, its own cost included (money; null when
    unknown).

    Half the customers are contacted now; once the result is in, the next campaign goes to all `n`
    if and only if it is then expected to pay. The worth is the expected profit of both under the
    present belief: the expected value of sample information (Raiffa & Schlaifer 1961) for a normal
    belief, less the price of the pilot.
    """
    if n < 2 or not margin > 0:
        return float("nan")
    # Half against half: the variance of the effect that will be seen.
    seen = max(rate * (1 - rate), 1e-4) * 4 / n
    spread = belief.sd**2 / np.sqrt(belief.sd**2 + seen)
    edge = belief.mean - cost / margin
    gain = edge * stats.norm.cdf(edge / spread) + spread * stats.norm.pdf(edge / spread)
    return float(n / 2 * (belief.mean * margin - cost) + n * margin * gain)
