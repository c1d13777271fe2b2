"""Bootstrap on counts: how often each customer was drawn, never a copy of a table.

A draw of n customers with replacement is a vector of n counts. Every statistic of the scorecard is
a function of sums per group, so a draw costs one weighted sum per scheme and nothing is refitted
or sorted again.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def counts(n: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """First all ones (the sample itself), then `draws` multinomial counts; equal seeds give paired
    draws."""
    rng = np.random.default_rng(seed)
    yield np.ones(n)
    for _ in range(draws):
        yield np.bincount(rng.integers(0, n, n), minlength=n).astype(float)


class Grouped:
    """Rows sorted by `key` (a score, or codes with the sign turned), highest first; `columns` are
    summed per group.

    Equal keys form one group, so the order of rows cannot leak. Every array has shape (n,).
    """

    def __init__(self, key: np.ndarray, *columns: np.ndarray):
        key = np.asarray(key, dtype=float)
        if lost := int((~np.isfinite(key)).sum()):
            raise ValueError(f"{lost} customers have no finite score; none may be dropped")
        self.order = np.argsort(-key, kind="stable")
        ranked = key[self.order]
        self.starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        self.columns = np.stack(columns).astype(float)[:, self.order]

    def sums(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Weighted sums per group, shape (columns, groups), best group first."""
        rows = self.columns if weights is None else self.columns * weights[self.order]
        return (
            rows
            if len(self.starts) == len(self.order)
            else np.add.reduceat(rows, self.starts, axis=1)
        )


def interval(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % percentile interval over the first axis; NaN where no draw has a value."""
    known = np.isfinite(samples).any(axis=0)
    low, high = np.nanpercentile(np.where(known, samples, 0.0), [2.5, 97.5], axis=0)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
