"""Do two schemes say the same about the same customers?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
import scipy

from segment_lab.judge.registry import metric
from segment_lab.judge.resampling import interval
from segment_lab.segments.segmentation import Segmentation, contingency


@metric("agreement", low=-1)
def adjusted_mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """Adjusted mutual information, arithmetic normalisation (Vinh, Epps & Bailey 2010)."""
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(a, b))


@metric("agreement", low=-1)
def adjusted_rand(a: np.ndarray, b: np.ndarray) -> float:
    """Adjusted Rand index (Hubert & Arabie 1985)."""
    return float(rand_of_tables(contingency(a, b)[None])[0])


@metric("agreement")
def cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    """Cramér's V without bias correction; NaN when a scheme has one segment only."""
    table = contingency(a, b)
    rows, columns = table.any(axis=1), table.any(axis=0)
    table = table[rows][:, columns]
    if min(table.shape) < 2:
        return float("nan")
    return float(
        scipy.stats.contingency.association(table.astype(int), method="cramer")
    )


def rand_of_tables(tables: np.ndarray) -> np.ndarray:
    """Adjusted Rand index of a stack of contingency tables, shape (tables, rows, columns)."""

    def pairs(n: np.ndarray) -> np.ndarray:
        return n * (n - 1) / 2

    n = tables.sum(axis=(1, 2))
    both = pairs(tables).sum(axis=(1, 2))
    of_a = pairs(tables.sum(axis=2)).sum(axis=1)
    of_b = pairs(tables.sum(axis=1)).sum(axis=1)
    expected = of_a * of_b / np.maximum(pairs(n), 1)
    best = (of_a + of_b) / 2
    # Both put everybody in one segment (or each alone): the schemes are the same.
    same = best == expected
    room = np.where(same, 1.0, best - expected)
    return np.where(same, 1.0, (both - expected) / room)


def agreement(
    segmentations: Mapping[str, Segmentation],
    draws: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Every pair of schemes: AMI, ARI with its 95 % interval, Cramér's V; chance gives 0 (V:
    `null_v`).

    The bootstrap draws the cells of the contingency table, which is exact: ARI depends on nothing
    else.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for (name_a, first), (name_b, second) in combinations(segmentations.items(), 2):
        both = first.codes.index.intersection(second.codes.index)
        a = first.codes.loc[both].to_numpy()
        b = second.codes.loc[both].to_numpy()
        table = contingency(a, b)
        n = int(table.sum())
        cells = rng.multinomial(n, table.ravel() / n, size=draws)
        ari = adjusted_rand(a, b)
        drawn = rand_of_tables(cells.reshape(draws, *table.shape).astype(float))
        low, high = interval(np.asarray(ari), drawn)
        # Expected V of unrelated names: chi-squared has (r-1)(c-1) degrees of freedom.
        filled = max(table.any(axis=1).sum(), table.any(axis=0).sum())
        null_v = np.sqrt((filled - 1) / n)
        rows.append(
            {
                "a": name_a,
                "b": name_b,
                "customers": n,
                "ami": adjusted_mutual_information(a, b),
                "ari": ari,
                "ari_low": float(low),
                "ari_high": float(high),
                "cramers_v": cramers_v(a, b),
                "null_v": float(null_v),
            }
        )
    return pd.DataFrame(rows)


def flow(a: Segmentation, b: Segmentation) -> pd.DataFrame:
    """Customers by segment of `a` (rows) and of `b` (columns)."""
    return b.migration(a).rename_axis(index=a.method, columns=b.method)
