"""A share with its uncertainty, for whole columns at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def with_interval(successes: ArrayLike, n: ArrayLike, name: str, level: float = 0.95) -> pd.DataFrame:
    """Columns ``<name>``, ``<name>_low`` and ``<name>_high``: a proportion and Wilson's score interval.

    Parameters
    ----------
    successes, n : array-like of int, shape (k,)
        Where `n` is 0 the proportion is null and the interval is 0 to 1. The index of a Series is kept.
    name : str
        Name of the proportion's column.
    level : float
        Confidence level.

    Notes
    -----
    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.
    """
    from scipy.stats import norm

    hits, trials = np.asarray(successes, dtype=float), np.asarray(n, dtype=float)
    z2 = norm.ppf(0.5 + level / 2) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / trials
        centre = (hits + z2 / 2) / (trials + z2)
        half = np.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    # Exact ends: nothing observed, or everything.
    low, high = np.where(hits > 0, centre - half, 0), np.where(hits < trials, centre + half, 1)
    high = np.where(trials == 0, 1, high)
    index = successes.index if isinstance(successes, pd.Series) else None
    return pd.DataFrame({name: share, f"{name}_low": low, f"{name}_high": high}, index=index)
