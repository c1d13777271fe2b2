"""Would other customers of the same kind have given the same segments? (Hennig 2007)"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from segment_lab.evaluation.agreement import contingency
from segment_lab.evaluation.registry import metric

# Hennig's thresholds, from the lowest. From VALID on in shuffled data, stability is no evidence of anything.
READINGS = ((0.60, "do not trust"), (0.75, "a pattern"), (0.85, "valid"), (np.inf, "highly stable"))
VALID = 0.75


@metric("agreement", "Best Jaccard", "How much of a segment is found again as one segment of another labelling.")
def mean_best_jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over the segments of `a` of the best Jaccard similarity with a segment of `b`."""
    return float(np.nanmean(best_jaccard(a, b)))


def best_jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Per code of `a`: the best |A∩B| / |A∪B| over the segments of `b`; NaN for an empty segment."""
    table = contingency(a, b)
    sizes = table.sum(axis=1, keepdims=True)
    best = (table / np.maximum(sizes + table.sum(axis=0) - table, 1)).max(axis=1)
    return np.where(sizes[:, 0] > 0, best, np.nan)


def reading(jaccard: float) -> str:
    """Hennig's word for a mean Jaccard."""
    return next((word for limit, word in READINGS if jaccard < limit), "no customers")


def unfitted(segmenter: Any) -> Any:
    """A copy to refit that keeps what a search has chosen: the question is the cuts, not their number."""
    from sklearn.base import clone

    copy = clone(segmenter, safe=False)
    chosen = {"k": getattr(segmenter, "k_", None), "bootstraps": 5, "sample": 2_000}
    known = copy.get_params() if hasattr(copy, "get_params") else {}
    return copy.set_params(**{p: v for p, v in chosen.items() if p in known}) if chosen["k"] else copy


def refit_stability(segmenter: Any, customers: pd.DataFrame, *, refits: int = 20, sample: int = 5_000,
                    seed: int = 0) -> pd.DataFrame:
    """Refit on bootstrap samples and see how well each segment is found again.

    Parameters
    ----------
    segmenter : object with ``fit(customers)``, ``predict(customers)`` and, once fitted, ``segment_names_``
        It is cloned; the one passed in is not refitted.
    customers : DataFrame
        The table the segmenter reads.
    refits : int
        Bootstrap refits.
    sample : int
        Above so many customers a fixed random sample of that size stands for all.
    seed : int
        Of the samples.

    Returns
    -------
    DataFrame
        One row per segment: ``customers, jaccard, jaccard_low, jaccard_high`` over the refits, ``null_jaccard`` (the
        same on data whose columns were shuffled apart, so that no structure is left), ``reading`` and
        ``informative``. A rule that cuts at quantiles finds "its" segments in shuffled data too.
    """
    rng = np.random.default_rng(seed)
    rows = customers if len(customers) <= sample else customers.sample(sample, random_state=seed)
    rows = rows.set_axis(range(len(rows)))
    base = unfitted(segmenter).fit(rows)
    apart = pd.DataFrame({c: rows[c].iloc[rng.permutation(len(rows))].array for c in rows}, index=rows.index)
    # A quarter of the refits suffices for a reference value; half of them where the answer will say nothing anyway.
    null = np.nanmean(_found_again(segmenter, unfitted(segmenter).fit(apart), apart, max(2, refits // 4), rng))
    found = _found_again(segmenter, base, rows, refits if null < VALID else max(2, refits // 2), rng)
    sizes = np.bincount(base.predict(rows), minlength=len(base.segment_names_))
    full = np.where(sizes > 0, found, np.nan)
    low, high = np.percentile(np.nan_to_num(full), [2.5, 97.5], axis=0)
    return pd.DataFrame({
        "customers": sizes, "jaccard": full.mean(axis=0), "jaccard_low": np.where(sizes > 0, low, np.nan),
        "jaccard_high": np.where(sizes > 0, high, np.nan), "null_jaccard": null,
        "reading": [reading(j) for j in full.mean(axis=0)], "informative": bool(null < VALID),
    }, index=pd.Index(base.segment_names_, name="segment"))


def _found_again(segmenter: Any, base: Any, rows: pd.DataFrame, refits: int, rng: np.random.Generator) -> np.ndarray:
    """Best Jaccard of each segment of `base` in every refit, shape (refits, segments)."""
    codes, n = base.predict(rows), len(rows)
    found = np.full((refits, len(base.segment_names_)), np.nan)
    for b in range(refits):
        drawn = rows.iloc[rng.integers(0, n, n)].set_axis(range(n))
        best = best_jaccard(codes, unfitted(segmenter).fit(drawn).predict(rows))
        found[b, :len(best)] = best
    return found
