"""Bootstrap on counts: how often each customer was drawn, never a copy of a table.

A draw of n customers with replacement is a vector of n counts. Every statistic of the scorecard is
a function of sums per group, so all draws of all schemes are one matrix product: counts × groups.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from segment_lab.customers.rates import Z975

#: So many counts are held at once; a block of draws is as large as that allows.
CELLS = 1_000_000


def blocks(n: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Multinomial counts in blocks of shape (draws of the block, n); equal seeds give equal
    draws, whatever the size of a block."""
    rng = np.random.default_rng(seed)
    most = max(1, CELLS // max(n, 1))
    for first in range(0, draws, most):
        size = min(most, draws - first)
        drawn = rng.integers(0, n, (size, n))
        # Every draw counts in a row of its own.
        places = drawn + n * np.arange(size)[:, None]
        counts = np.bincount(places.ravel(), minlength=size * n)
        yield counts.reshape(size, n).astype(float)


def groups_of(codes: np.ndarray, k: int) -> np.ndarray:
    """Membership as a matrix of 0 and 1, shape (n, k)."""
    n = len(codes)
    member = np.zeros((n, k))
    member[np.arange(n), codes] = 1.0
    return member


def interval(
    estimate: np.ndarray, samples: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval around `estimate` from the spread of the draws over the first axis.

    Draws hold customers twice, so segments learned or measured on them look a little worse or
    purer than they are: the spread is used, not the place. NaN where no draw has a value.
    """
    half = Z975 * deviation(samples)
    return estimate - half, estimate + half


def deviation(samples: np.ndarray) -> np.ndarray:
    """Standard deviation over the first axis; NaN where fewer than two draws have a value."""
    known = np.isfinite(samples)
    count = known.sum(axis=0)
    total = np.where(known, samples, 0.0).sum(axis=0)
    centre = total / np.maximum(count, 1)
    off = np.where(known, samples - centre, 0.0)
    squares = (off**2).sum(axis=0)
    variance = squares / np.maximum(count - 1, 1)
    return np.where(count > 1, np.sqrt(variance), np.nan)
