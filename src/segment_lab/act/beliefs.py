"""What an action is expected to do, in money, from sceptical defaults and the company's own tests.

Buyers and baskets are believed apart, because a coupon may win buyers and shrink every basket. For
each kind of action the segments are pooled in part: the effects θ of the segments spread around
the kind's average μ,

    θ_s ~ N(μ, τ²),   μ ~ N(m₀, s²),

with τ and s on a grid, so that the answer is a mixture of normals in closed form (Gelman & Hill
2007, chapter 12, without a sampler). What one segment's test shows moves the other segments by as
much as the tests agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.config import packaged
from segment_lab.errors import ConfigError
from segment_lab.texts import say

#: Spreads between segments that are tried, as multiples of the prior's scale.
SPREADS = np.array([0.1, 0.3, 0.6, 1.0, 1.5, 2.2, 3.3, 5.0, 8.0, 13.0, 20.0, 32.0])
#: Their weights: half-t with four degrees of freedom, times the width that each point stands for.
SPREAD_WEIGHTS = (1 + SPREADS**2 / 4) ** -2.5 * np.gradient(SPREADS)
#: Widths of the prior of the kind's average, and their weights: heavy tails, so that strong own
#: results can overrule a sceptical default.
WIDTHS = np.array([1.0, 2.0, 4.0, 8.0])
WIDTH_WEIGHTS = np.array([0.80, 0.15, 0.04, 0.01])
#: So many natural buyers steady the basket of a control group that few bought from.
STEADY_BUYERS = 10


@dataclass(frozen=True)
class Prior:
    """What is expected before any own result.

    Parameters
    ----------
    mean, sd : float
        Of the average effect of a kind of action.
    spread : float
        Scale by which segments differ from that average.
    source : str
        Who says so; empty for the packaged defaults.
    """

    mean: float
    sd: float
    spread: float
    source: str = ""

    def __post_init__(self) -> None:
        numbers = (self.mean, self.sd, self.spread)
        if not np.isfinite(numbers).all() or self.sd <= 0 or self.spread <= 0:
            raise ConfigError(say("decision.bad_prior", mean=self.mean, sd=self.sd))


@cache
def default_prior(kind: str) -> Prior:
    """The packaged, sceptical prior of a kind of action: the change in the share that buys.

    Examples
    --------
    >>> default_prior("email").mean, default_prior("visit").mean
    (0.005, 0.02)
    """
    known = packaged("beliefs")["buyers"]
    return Prior(**known.get(kind, known["other"]))


@cache
def basket_prior() -> Prior:
    """The packaged prior of the relative change of a basket."""
    return Prior(**packaged("beliefs")["basket"])


@dataclass(frozen=True)
class Pooled:
    """Mean (n,) and covariance (n, n) of the effects of one kind of action over n segments."""

    mean: np.ndarray
    covariance: np.ndarray


def pool(estimate: np.ndarray, variance: np.ndarray, prior: Prior) -> Pooled:
    """The posterior of partially pooled effects, as moments of a mixture over the grid.

    Parameters
    ----------
    estimate, variance : ndarray, shape (n,)
        What own tests showed in each segment; an infinite variance where there was none.
    prior : Prior
        What is expected without any test.

    Examples
    --------
    One segment was tested and showed ten more buyers per 100; the other two learn from it in part.

    >>> variance = np.array([0.02**2, np.inf, np.inf])
    >>> seen = pool(np.array([0.10, 0, 0]), variance, Prior(0.02, 0.03, 0.03))
    >>> seen.mean.round(2).tolist()
    [0.09, 0.06, 0.06]
    """
    spread, width = np.meshgrid(
        prior.spread * SPREADS, prior.sd * WIDTHS, indexing="ij"
    )
    spread2 = spread.reshape(-1, 1) ** 2
    width2 = width.reshape(-1) ** 2
    weight = np.outer(SPREAD_WEIGHTS, WIDTH_WEIGHTS).reshape(-1)

    seen = np.isfinite(variance)
    shift = np.where(seen, estimate, prior.mean) - prior.mean
    noise = np.where(seen, variance, 1.0)
    precision = np.where(seen, 1 / (noise + spread2), 0.0)
    of_average = 1 / width2 + precision.sum(axis=1)
    pulled = precision @ shift
    average = pulled / of_average

    misfit = precision @ shift**2 - pulled**2 / of_average
    volume = np.log(np.where(seen, noise + spread2, 1.0)).sum(axis=1) + np.log(
        of_average * width2
    )
    likelihood = -0.5 * (volume + misfit)
    weight = weight * np.exp(likelihood - likelihood.max())
    weight = weight / weight.sum()

    own = np.where(seen, spread2 / (noise + spread2), 0.0)
    means = own * shift + (1 - own) * average[:, None]
    mean = weight @ means
    shared = np.einsum("c,ci,cj->ij", weight / of_average, 1 - own, 1 - own)
    between = np.einsum("c,ci,cj->ij", weight, means - mean, means - mean)
    covariance = shared + between + np.diag(weight @ ((1 - own) * spread2))
    return Pooled(prior.mean + mean, covariance)


@dataclass(frozen=True)
class Belief:
    """What one kind of action is expected to do in every segment of a scheme.

    Attributes
    ----------
    segments : tuple of str
    buyers, basket : Pooled
        Change in the share that buys; relative change of what a buyer brings.
    untested : Belief or None
        The same before any own result; None for that one itself.
    campaigns : mapping
        Segment to the own campaigns that tested the kind there.
    source : str
        Of the prior; empty for the packaged one.
    """

    segments: tuple[str, ...]
    buyers: Pooled
    basket: Pooled
    untested: Belief | None = None
    campaigns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = ""

    def money(self, rate: np.ndarray) -> Pooled:
        """The effect per contact in units of what a natural buyer brings.

        (p + Δp)(1 + g) − p at the natural `rate` p, to the second order in the variances.
        """
        more, larger = self.buyers.mean, self.basket.mean
        mean = more * (1 + larger) + rate * larger
        by_buyers, by_basket = 1 + larger, rate + more
        covariance = (
            np.outer(by_buyers, by_buyers) * self.buyers.covariance
            + np.outer(by_basket, by_basket) * self.basket.covariance
            + self.buyers.covariance * self.basket.covariance
        )
        return Pooled(mean, covariance)


def estimates(arms: pd.DataFrame, basket_cv: float) -> pd.DataFrame:
    """Each test's change in buyers and in baskets, with their variances.

    Parameters
    ----------
    arms : DataFrame
        A row per campaign and segment, from the same draw: ``treated, treated_buyers,
        treated_money, held, held_buyers, held_money``, and optionally ``basket``: what a natural
        buyer brings by the log, in the same money.
    basket_cv : float
        Coefficient of variation of what a buyer brings, from the whole log.

    Returns
    -------
    DataFrame, same index
        ``buyers, buyers_variance`` (Agresti & Caffo 2000: one success and one failure added to
        each arm, so never 0), ``basket, basket_variance`` (infinite where an arm had no buyer).
    """
    treated, held = (arms[arm].to_numpy(float) for arm in ("treated", "held"))
    bought, alone = (
        arms[f"{arm}_buyers"].to_numpy(float) for arm in ("treated", "held")
    )
    p1, p0 = (bought + 1) / (treated + 2), (alone + 1) / (held + 2)
    variance = p1 * (1 - p1) / (treated + 2) + p0 * (1 - p0) / (held + 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        larger = arms["treated_money"].to_numpy(float) / bought
        usual = arms["held_money"].to_numpy(float) / alone
        natural = arms["basket"].to_numpy(float) if "basket" in arms else usual
        steady = np.where(np.isfinite(natural), STEADY_BUYERS, 0)
        known = np.where(steady > 0, natural, 0.0)
        against = (arms["held_money"].to_numpy(float) + steady * known) / (
            alone + steady
        )
        change = (larger - usual) / against
        noise = basket_cv**2 * (1 / bought + 1 / alone)
    usable = np.isfinite(change) & np.isfinite(noise) & (against > 0)
    return pd.DataFrame(
        {
            "buyers": bought / treated - alone / held,
            "buyers_variance": variance,
            "basket": np.where(usable, change, 0.0),
            "basket_variance": np.where(usable, noise, np.inf),
        },
        index=arms.index,
    )


def learn(
    arms: pd.DataFrame,
    segments: Sequence[str],
    *,
    kind: str,
    basket_cv: float = 1.0,
    prior: Prior | None = None,
) -> Belief:
    """What is expected of one kind of action in each segment, own tests included.

    Parameters
    ----------
    arms : DataFrame
        As in `estimates`, with ``campaign_id, segment, action`` (the kind); other kinds and
        segments are ignored. Every test compares with the control of its own draw.
    segments : sequence of str
        All of the scheme's.
    kind : str
        The kind of action.
    basket_cv, prior : float, Prior
        As in `estimates`; the packaged prior by default.

    Examples
    --------
    >>> learn(pd.DataFrame(), ["A", "B"], kind="email").buyers.mean.tolist()
    [0.005, 0.005]
    """
    prior = prior or default_prior(kind)
    names = [str(segment) for segment in segments]
    nothing = np.zeros(len(names)), np.full(len(names), np.inf)
    untested = Belief(
        tuple(names),
        pool(*nothing, prior),
        pool(*nothing, basket_prior()),
        source=prior.source,
    )
    if arms.empty:
        return untested
    own = arms[(arms["action"] == kind) & arms["segment"].isin(names)]
    if own.empty:
        return untested
    shown = estimates(own, basket_cv).assign(segment=own["segment"].to_numpy())
    by_segment: Any = own.groupby("segment")["campaign_id"]
    campaigns = by_segment.agg(lambda ids: tuple(map(str, ids)))
    return Belief(
        tuple(names),
        pool(*_together(shown, "buyers", names), prior),
        pool(*_together(shown, "basket", names), basket_prior()),
        untested,
        campaigns.to_dict(),
        prior.source,
    )


def _together(
    shown: pd.DataFrame,
    what: str,
    names: list[str],
) -> tuple[np.ndarray, np.ndarray]:
    """Several tests in a segment as one: each weighted by its precision."""
    precision = 1 / shown[f"{what}_variance"]
    by = shown["segment"]
    total = precision.groupby(by).sum().reindex(names, fill_value=0.0).to_numpy()
    weighted = (
        (precision * shown[what])
        .groupby(by)
        .sum()
        .reindex(names, fill_value=0.0)
        .to_numpy()
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, weighted / total, 0.0), np.where(
            total > 0, 1 / total, np.inf
        )


def natural_rates(rows: pd.DataFrame, belief: Belief, place: np.ndarray) -> np.ndarray:
    """Of each segment of `belief` how many of those in `rows` buy by themselves; 0 elsewhere."""
    rate = np.zeros(len(belief.segments))
    rate[place] = rows["natural_rate"].fillna(0.0)
    return rate
