"""Would other customers (Hennig 2007), or another day, have given the same segments?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from segment_lab.config.levels import TAILS
from segment_lab.judge.registry import metric
from segment_lab.segments.search import VALID, WEAKEST
from segment_lab.segments.segmentation import Segmentation, best_jaccard, contingency

#: Hennig's readings, each up to a limit. From VALID on in shuffled data, stability is no evidence
#: of anything.
READINGS = (
    (WEAKEST, "unstable"),
    (VALID, "pattern"),
    (0.85, "valid"),
    (np.inf, "stable"),
)
# Above so many customers a fixed random sample stands for all.
SAMPLE = 5_000


@metric("agreement")
def mean_best_jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over the segments of `a` of the best Jaccard similarity with a segment of `b`."""
    return float(np.nanmean(best_jaccard(a, b)))


def reading(jaccard: float) -> str:
    """Hennig's reading of a mean Jaccard, a key of `READINGS`."""
    return next((key for limit, key in READINGS if jaccard < limit), "empty")


def unfitted(segmenter: Any) -> Any:
    """A copy to refit that keeps what a search has chosen: the question is the cuts, not their
    number."""
    from sklearn.base import clone

    copy = clone(segmenter, safe=False)
    k = getattr(segmenter, "k_", None)
    if k is None or not hasattr(copy, "get_params"):
        return copy
    chosen = {"sample": 2_000, "bootstraps": 0, "k": k}
    if k == 1:
        # One segment was not chosen: there was nothing to search. Other customers, or another day,
        # may have more.
        chosen = {"sample": 2_000, "bootstraps": 5}
    known = copy.get_params()
    return copy.set_params(**{p: v for p, v in chosen.items() if p in known})


def refitted(segmenter: Any, customers: pd.DataFrame, y: Any = None) -> Any:
    """A copy fitted to other customers; where a segmenter can learn its rule alone, only that."""
    copy = unfitted(segmenter)
    return getattr(copy, "refit", copy.fit)(customers, y)


def refit_stability(
    segmenter: Any,
    customers: pd.DataFrame,
    *,
    spent: pd.Series | None = None,
    refits: int = 20,
    seed: int = 0,
) -> pd.DataFrame:
    """Refit on bootstrap samples of the table it reads and see how well each segment is found
    again.

    Parameters
    ----------
    segmenter, customers
        The fitted segmenter and the table it reads.
    spent : Series, optional
        What a supervised segmenter learns from: spend afterwards, by customer.
    refits, seed : int
        Bootstrap samples, and the start of their random numbers.

    Returns
    -------
    DataFrame
        One row per segment: ``customers, jaccard, jaccard_low, jaccard_high`` over the refits,
        ``null_jaccard`` (the same on data whose columns were shuffled apart, so that no structure
        is left), ``reading`` and ``informative``. A rule that cuts at quantiles finds "its"
        segments in shuffled data too.
    """
    rng = np.random.default_rng(seed)
    rows = (
        customers
        if len(customers) <= SAMPLE
        else customers.sample(SAMPLE, random_state=seed)
    )
    taught = getattr(segmenter, "supervised", False)
    y = (
        spent.reindex(rows.index).to_numpy(float)
        if taught and spent is not None
        else None
    )
    rows = rows.set_axis(range(len(rows)))
    base = refitted(segmenter, rows, y)
    apart = pd.DataFrame(
        {c: rows[c].iloc[rng.permutation(len(rows))].array for c in rows},
        index=rows.index,
    )
    # A quarter of the refits suffices for a reference value; half of them where the answer will
    # say nothing anyway.
    shuffled = refitted(segmenter, apart, y)
    null = np.nanmean(
        _found_again(segmenter, shuffled, apart, y, max(2, refits // 4), rng)
    )
    times = refits if null < VALID else max(2, refits // 2)
    found = _found_again(segmenter, base, rows, y, times, rng)
    sizes = np.bincount(base.predict(rows), minlength=len(base.segment_names_))
    full = np.where(sizes > 0, found, np.nan)
    low, high = np.quantile(
        np.nan_to_num(full),
        TAILS,
        axis=0,
    )
    return pd.DataFrame(
        {
            "customers": sizes,
            "jaccard": full.mean(axis=0),
            "jaccard_low": np.where(sizes > 0, low, np.nan),
            "jaccard_high": np.where(sizes > 0, high, np.nan),
            "null_jaccard": null,
            "reading": [reading(j) for j in full.mean(axis=0)],
            "informative": bool(null < VALID),
        },
        index=pd.Index(base.segment_names_, name="segment"),
    )


def _found_again(
    segmenter: Any,
    base: Any,
    rows: pd.DataFrame,
    y: np.ndarray | None,
    refits: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Best Jaccard of each segment of `base` in every refit, shape (refits, segments)."""
    codes, n, k = base.predict(rows), len(rows), len(base.segment_names_)
    # Nobody reads the names of a refit; a rule reads no more than this, unless it is taught.
    unread = getattr(segmenter, "columns_of_words", ())
    read = rows.columns if y is not None else getattr(base, "columns_", rows.columns)
    rows = rows[[name for name in read if name not in unread]]
    found = []
    for _ in range(refits):
        draw = rng.integers(0, n, n)
        drawn = rows.iloc[draw].set_axis(range(n))
        again = refitted(segmenter, drawn, None if y is None else y[draw])
        found.append(best_jaccard(codes, again.predict(rows), k))
    return np.array(found)


def matched(reference: Segmentation, other: Segmentation) -> Segmentation:
    """`other` with its segments renamed to those of `reference` they overlap most (Hungarian
    assignment).

    Only where the names differ: a refit that uses the same names is taken at its word, as the
    company reads it.
    """
    from scipy.optimize import linear_sum_assignment

    if set(reference.names) == set(other.names):
        return other
    both = reference.codes.index.intersection(other.codes.index)
    table = contingency(
        reference.codes.loc[both].to_numpy(), other.codes.loc[both].to_numpy()
    )
    mine, theirs = linear_sum_assignment(-table)
    renamed = {int(t): reference.names[m] for m, t in zip(mine, theirs, strict=True)}
    names = [renamed.get(i, f"new: {name}") for i, name in enumerate(other.names)]
    return other.replace(names=tuple(names))
