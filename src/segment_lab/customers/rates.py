"""A share with its uncertainty, for single figures and for whole columns."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from segment_lab.config.levels import TAILS

Z975 = NormalDist().inv_cdf(TAILS[1])
#: z.975 + z.80: a two-sided 5 % test that finds an effect in 4 of 5 cases (Cohen 1988).
POWER_FACTOR = Z975 + NormalDist().inv_cdf(0.80)
#: Fewer customers than this say too little about the rate of their own segment.
FEWEST_FOR_A_RATE = 20


def wilson(successes: ArrayLike, n: ArrayLike) -> tuple[Any, Any]:
    """Wilson's (1927) 95 % score interval of a proportion, of the arguments' shape; 0 to 1 where
    `n` is 0."""
    hits, trials = _counts(successes, n)
    z2 = Z975**2
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / trials
        centre = (hits + z2 / 2) / (trials + z2)
        of_share = share * (1 - share) / trials
        of_few = z2 / (4 * trials**2)
        half = Z975 * np.sqrt(of_share + of_few) / (1 + z2 / trials)
    # Exact ends: nothing observed, or everything.
    low = np.where(hits > 0, centre - half, 0.0)
    some_missed = (hits < trials) & (trials > 0)
    high = np.where(some_missed, centre + half, 1.0)
    return low[()], high[()]


def with_interval(successes: ArrayLike, n: ArrayLike, name: str) -> pd.DataFrame:
    """Columns ``<name>`` (null where `n` is 0), ``<name>_low`` and ``<name>_high``: a proportion
    and its interval.

    The index of a Series is kept.
    """
    hits, trials = _counts(successes, n)
    low, high = wilson(hits, trials)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / trials
    columns = {name: share, f"{name}_low": low, f"{name}_high": high}
    index = successes.index if isinstance(successes, pd.Series) else None
    return pd.DataFrame(columns, index=index)


def next_period(
    successes: ArrayLike,
    n: ArrayLike,
    ahead: ArrayLike | None = None,
    drift: float = 0.0,
) -> tuple[Any, Any]:
    """95 % interval for the share that will be *observed* among `ahead` customers next period.

    A proportion's own interval is too narrow for that: next period's customers bring their chance
    as well. With Jeffreys' prior the predictive distribution is beta-binomial; its quantiles.

    Parameters
    ----------
    successes, n : array of counts
        What was seen.
    ahead : array of counts, optional
        Customers of the period that is predicted; as many as were seen by default.
    drift : float
        Standard deviation, in log-odds, by which the rate itself moves from period to period
        (season, growth), where it is known from more than two periods.

    Returns
    -------
    tuple of arrays
        Lower and upper end; 0 and 1 where nothing was seen.

    Examples
    --------
    >>> low, high = next_period(30, 100)
    >>> round(float(low), 2), round(float(high), 2)
    (0.18, 0.43)
    """
    hits, trials = _counts(successes, n)
    customers = trials if ahead is None else np.asarray(ahead, dtype=float)
    future = np.maximum(np.rint(customers), 1)
    yes = hits + 0.5
    no = trials - hits + 0.5
    if drift > 0:
        # Log-odds of a beta have about the variance 1/yes + 1/no: as much smaller a sample.
        by_chance = 1 / yes + 1 / no
        shrunk = 1 / (1 + drift**2 / by_chance)
        yes = yes * shrunk
        no = no * shrunk
    low = scipy.stats.betabinom.ppf(TAILS[0], future, yes, no) / future
    high = scipy.stats.betabinom.ppf(TAILS[1], future, yes, no) / future
    known = trials > 0
    return np.where(known, low, 0.0)[()], np.where(known, high, 1.0)[()]


def drift_between(successes: ArrayLike, n: ArrayLike) -> float:
    """How much rates move from period to period beyond chance: the standard deviation of a change
    in log-odds.

    Season and growth move all segments at once, so periods (rows) and segments (columns) are read
    together: squared changes less what sampling alone gives, averaged; 0 where chance explains
    them all.

    Examples
    --------
    >>> drift_between([[100, 50], [101, 49], [99, 51]], [[200, 200]] * 3)
    0.0
    >>> round(drift_between([[100, 50], [150, 90], [100, 50]], [[200, 200]] * 3), 2)
    0.97
    """
    hits, trials = _counts(successes, n)
    yes = hits + 0.5
    no = trials - hits + 0.5
    log_odds = np.log(yes / no)
    moved = np.diff(log_odds, axis=0) ** 2
    chance = 1 / yes + 1 / no
    excess = moved - chance[1:] - chance[:-1]
    seen = np.minimum(trials[1:], trials[:-1]) > 0
    if not seen.any():
        return 0.0
    beyond_chance = max(excess[seen].mean(), 0.0)
    return float(np.sqrt(beyond_chance))


def detectable_effect(rate: ArrayLike, treated: ArrayLike, held: ArrayLike) -> Any:
    """Smallest uplift a test with these arms finds 4 times of 5: (z.975 + z.80)·√(p(1−p)(1/nT +
    1/nC)); infinite without customers in both arms."""
    rate = np.asarray(rate, dtype=float)
    treated, held = _counts(treated, held)
    possible = (treated > 0) & (held > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = rate * (1 - rate) * (1 / treated + 1 / held)
    return np.where(possible, POWER_FACTOR * np.sqrt(variance), np.inf)[()]


def _counts(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(first, dtype=float), np.asarray(second, dtype=float)
