"""A share with its uncertainty, for single figures and for whole columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

Z975 = 1.959963984540054


def wilson(successes: ArrayLike, n: ArrayLike) -> tuple[Any, Any]:
    """Wilson's (1927) 95 % score interval of a proportion, of the arguments' shape; 0 to 1 where
    `n` is 0."""
    hits, trials, z2 = np.asarray(successes, dtype=float), np.asarray(n, dtype=float), Z975**2
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / trials
        centre = (hits + z2 / 2) / (trials + z2)
        half = np.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2))) / (
            1 + z2 / trials
        )
    # Exact ends: nothing observed, or everything.
    low = np.where(hits > 0, centre - half, 0.0)
    high = np.where((hits < trials) & (trials > 0), centre + half, 1.0)
    return low[()], high[()]


def with_interval(successes: ArrayLike, n: ArrayLike, name: str) -> pd.DataFrame:
    """Columns ``<name>`` (null where `n` is 0), ``<name>_low`` and ``<name>_high``: a proportion
    and its interval.

    The index of a Series is kept.
    """
    hits, trials = np.asarray(successes, dtype=float), np.asarray(n, dtype=float)
    low, high = wilson(hits, trials)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / trials
    index = successes.index if isinstance(successes, pd.Series) else None
    return pd.DataFrame({name: share, f"{name}_low": low, f"{name}_high": high}, index=index)
