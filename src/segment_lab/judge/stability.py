"""Would other customers (Hennig 2007), or another day, have given the same segments, and who moved
between two days?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.customers.rates import with_interval
from segment_lab.judge.registry import metric
from segment_lab.segments.search import VALID, WEAKEST
from segment_lab.segments.segmentation import Segmentation, best_jaccard, contingency

# Hennig's thresholds, from the lowest. From VALID on in shuffled data, stability is no evidence of
# anything.
READINGS = (
    (WEAKEST, "do not trust"),
    (VALID, "a pattern"),
    (0.85, "valid"),
    (np.inf, "highly stable"),
)
# Above so many customers a fixed random sample stands for all.
SAMPLE = 5_000


@metric(
    "agreement",
    "Best Jaccard",
    "How much of a segment is found again as one segment of another labelling.",
)
def mean_best_jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over the segments of `a` of the best Jaccard similarity with a segment of `b`."""
    return float(np.nanmean(best_jaccard(a, b)))


def reading(jaccard: float) -> str:
    """Hennig's word for a mean Jaccard."""
    return next((word for limit, word in READINGS if jaccard < limit), "no customers")


def unfitted(segmenter: Any) -> Any:
    """A copy to refit that keeps what a search has chosen: the question is the cuts, not their
    number."""
    from sklearn.base import clone

    copy, k = clone(segmenter, safe=False), getattr(segmenter, "k_", None)
    if k is None:
        return copy
    # One segment was not chosen: there was nothing to search. Other customers, or another day, may
    # have more.
    chosen = {"bootstraps": 5, "sample": 2_000, **({"k": k} if k > 1 else {})}
    known = copy.get_params() if hasattr(copy, "get_params") else {}
    return copy.set_params(**{p: v for p, v in chosen.items() if p in known})


def refit_stability(
    segmenter: Any, customers: pd.DataFrame, *, refits: int = 20, seed: int = 0
) -> pd.DataFrame:
    """Refit on bootstrap samples of the table it reads and see how well each segment is found
    again.

    Returns
    -------
    DataFrame
        One row per segment: ``customers, jaccard, jaccard_low, jaccard_high`` over the refits,
        ``null_jaccard`` (the same on data whose columns were shuffled apart, so that no structure
        is left), ``reading`` and ``informative``. A rule that cuts at quantiles finds "its"
        segments in shuffled data too.
    """
    rng = np.random.default_rng(seed)
    rows = customers if len(customers) <= SAMPLE else customers.sample(SAMPLE, random_state=seed)
    rows = rows.set_axis(range(len(rows)))
    base = unfitted(segmenter).fit(rows)
    apart = pd.DataFrame(
        {c: rows[c].iloc[rng.permutation(len(rows))].array for c in rows}, index=rows.index
    )
    # A quarter of the refits suffices for a reference value; half of them where the answer will
    # say nothing anyway.
    null = np.nanmean(
        _found_again(segmenter, unfitted(segmenter).fit(apart), apart, max(2, refits // 4), rng)
    )
    found = _found_again(
        segmenter, base, rows, refits if null < VALID else max(2, refits // 2), rng
    )
    sizes = np.bincount(base.predict(rows), minlength=len(base.segment_names_))
    full = np.where(sizes > 0, found, np.nan)
    low, high = np.percentile(np.nan_to_num(full), [2.5, 97.5], axis=0)
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
    segmenter: Any, base: Any, rows: pd.DataFrame, refits: int, rng: np.random.Generator
) -> np.ndarray:
    """Best Jaccard of each segment of `base` in every refit, shape (refits, segments)."""
    codes, n, found = base.predict(rows), len(rows), []
    for _ in range(refits):
        drawn = rows.iloc[rng.integers(0, n, n)].set_axis(range(n))
        found.append(
            best_jaccard(
                codes, unfitted(segmenter).fit(drawn).predict(rows), len(base.segment_names_)
            )
        )
    return np.array(found)


@dataclass(frozen=True)
class Later:
    """A scheme on a later day: with the cuts of the earlier day (`frozen`) and with cuts learned
    anew."""

    frozen: Segmentation
    refitted: Segmentation | None = None


@metric(
    "migration",
    "Moved",
    "Share of customers who are in another segment than before.",
    higher_is_better=None,
)
def moved_share(before: np.ndarray, after: np.ndarray) -> float:
    """Share of positions at which two label arrays differ."""
    return float(np.mean(np.asarray(before) != np.asarray(after)))


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
    table = contingency(reference.codes.loc[both].to_numpy(), other.codes.loc[both].to_numpy())
    mine, theirs = linear_sum_assignment(-table)
    renamed = {int(t): reference.names[m] for m, t in zip(mine, theirs, strict=True)}
    return other.replace(
        names=tuple(renamed.get(i, f"new: {name}") for i, name in enumerate(other.names))
    )


def movement(earlier: Mapping[str, Segmentation], later: Mapping[str, Later]) -> pd.DataFrame:
    """Real movement (cuts frozen), drift (relabelled by new cuts alone) and what the company sees
    in all.

    Returns
    -------
    DataFrame
        One row per scheme: ``customers`` in both; ``moved_share`` with its 95 % interval;
        ``null_share``, what unrelated labels of the same sizes would give; ``drift_share`` and
        ``total_share`` (NaN without a refit).
    """
    rows = {}
    for name in (n for n in earlier if n in later):
        both = earlier[name].codes.index.intersection(later[name].frozen.codes.index)
        before, frozen = (
            s.labels.loc[both].astype(str) for s in (earlier[name], later[name].frozen)
        )
        null = (
            before.value_counts(normalize=True)
            .mul(frozen.value_counts(normalize=True), fill_value=0)
            .sum()
        )
        rows[name] = {
            "customers": len(both),
            "moved": moved_share(before, frozen),
            "null_share": 1 - null,
            "drift_share": np.nan,
            "total_share": np.nan,
        }
        if (refitted := later[name].refitted) is not None:
            anew = matched(later[name].frozen, refitted).labels.loc[both].astype(str)
            rows[name] |= {
                "drift_share": moved_share(frozen, anew),
                "total_share": moved_share(before, anew),
            }
    out = pd.DataFrame.from_dict(rows, orient="index").rename_axis("scheme")
    shares = with_interval(out["moved"] * out["customers"], out["customers"], "moved_share")
    return pd.concat([out[["customers"]], shares, out.drop(columns=["customers", "moved"])], axis=1)
