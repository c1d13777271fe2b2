"""How many customers change segment, and is it they who move or the cut points?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segment_lab.evaluation.agreement import contingency
from segment_lab.evaluation.registry import metric
from segment_lab.features.proportions import with_interval
from segment_lab.segmentation import Segmentation


@dataclass(frozen=True)
class Later:
    """A scheme on a later day: with the cuts of the earlier day (`frozen`) and with cuts learned anew."""

    frozen: Segmentation
    refitted: Segmentation | None = None


@metric("migration", "Moved", "Share of customers who are in another segment than before.", higher_is_better=None)
def moved_share(before: np.ndarray, after: np.ndarray) -> float:
    """Share of positions at which two label arrays differ."""
    return float(np.mean(np.asarray(before) != np.asarray(after)))


def matched(reference: Segmentation, other: Segmentation) -> Segmentation:
    """`other` with its segments renamed to those of `reference` they overlap most (Hungarian assignment).

    Only where the names differ: a refit that uses the same names is taken at its word, as the company reads it.
    """
    from scipy.optimize import linear_sum_assignment

    if set(reference.names) == set(other.names):
        return other
    both = reference.codes.index.intersection(other.codes.index)
    table = contingency(reference.codes.loc[both].to_numpy(), other.codes.loc[both].to_numpy())
    mine, theirs = linear_sum_assignment(-table)
    renamed = {int(t): reference.names[m] for m, t in zip(mine, theirs, strict=True)}
    return other.replace(names=tuple(renamed.get(i, f"new: {name}") for i, name in enumerate(other.names)))


def movement(earlier: Mapping[str, Segmentation], later: Mapping[str, Later]) -> pd.DataFrame:
    """Real movement (cuts frozen), drift (relabelled by new cuts alone) and what the company sees in all.

    Returns
    -------
    DataFrame
        One row per scheme: ``customers`` in both; ``moved_share`` with its 95 % interval; ``null_share``, what
        unrelated labels of the same sizes would give; ``drift_share`` and ``total_share`` (NaN without a refit).
    """
    rows = {}
    for name in (n for n in earlier if n in later):
        both = earlier[name].codes.index.intersection(later[name].frozen.codes.index)
        before, frozen = (s.labels.loc[both].astype(str) for s in (earlier[name], later[name].frozen))
        null = before.value_counts(normalize=True).mul(frozen.value_counts(normalize=True), fill_value=0).sum()
        rows[name] = {"customers": len(both), "moved": moved_share(before, frozen), "null_share": 1 - null,
                      "drift_share": np.nan, "total_share": np.nan}
        if (refitted := later[name].refitted) is not None:
            anew = matched(later[name].frozen, refitted).labels.loc[both].astype(str)
            rows[name] |= {"drift_share": moved_share(frozen, anew), "total_share": moved_share(before, anew)}
    out = pd.DataFrame.from_dict(rows, orient="index").rename_axis("scheme")
    shares = with_interval(out["moved"] * out["customers"], out["customers"], "moved_share")
    return pd.concat([out[["customers"]], shares, out.drop(columns=["customers", "moved"])], axis=1)
