"""How many clusters: stability under resampling first, separation second, with the reasoning
kept."""

from __future__ import annotations

import warnings
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from segment_lab.segments.segmentation import best_jaccard

Algorithm = Literal["kmeans", "gmm"]
# Hennig (2007): a valid cluster on average, and none that must not be trusted.
VALID, WEAKEST = 0.75, 0.60
SILHOUETTE_ROWS, GMM_ROWS = 4_000, 2_500  # one is quadratic, the other slow per row


def make_model(
    algorithm: Algorithm,
    k: int,
    seed: int,
    starts: int = 10,
    **start: Any,
) -> Any:
    """An unfitted k-means or Gaussian mixture of `k` clusters; `start` continues from another
    solution."""
    if algorithm == "kmeans":
        from sklearn.cluster import KMeans

        return KMeans(k, n_init=1 if start else starts, random_state=seed, **start)
    from sklearn.mixture import GaussianMixture

    # The floor keeps a component from shrinking onto a spike of equal customers (a sd of .1 in
    # standard units).
    return GaussianMixture(
        k,
        n_init=1 if start else max(starts // 3, 1),
        reg_covar=0.01,
        random_state=seed,
        **start,
    )


def search_k(
    points: np.ndarray,
    algorithm: Algorithm,
    candidates: range,
    bootstraps: int,
    seed: int,
) -> pd.DataFrame:
    """Judge every number of clusters on standardised `points`, shape (n, p), n up to some ten
    thousand.

    Returns
    -------
    DataFrame
        Index ``k``; ``jaccard`` (mean over the clusters of how well each is found again in
        bootstrap samples), ``jaccard_min`` (the weakest cluster), ``silhouette`` (on at most
        `SILHOUETTE_ROWS` rows) and ``stable``.
    """
    from sklearn.metrics import pairwise_distances

    rng = np.random.default_rng(seed)
    few = points[rng.permutation(len(points))[:SILHOUETTE_ROWS]]
    if algorithm == "gmm":
        points = points[rng.permutation(len(points))[:GMM_ROWS]]
    apart = pairwise_distances(few)  # the same for every number of clusters
    rows = []
    for k in candidates:
        found, labels = _judge(points, few, algorithm, k, bootstraps, seed)
        rows.append((found.mean(), found.min(), _silhouette(apart, labels)))
    table = pd.DataFrame(
        rows,
        columns=["jaccard", "jaccard_min", "silhouette"],
        index=pd.Index(candidates, name="k"),
    )
    return table.assign(
        stable=(table["jaccard"] >= VALID) & (table["jaccard_min"] >= WEAKEST)
    )


def _judge(
    points: np.ndarray,
    few: np.ndarray,
    algorithm: Algorithm,
    k: int,
    bootstraps: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """How well each cluster is found again in bootstrap samples, and the labels of `few`."""
    from sklearn.exceptions import ConvergenceWarning

    rng = np.random.default_rng((seed, k))
    with warnings.catch_warnings():
        # A resample of a tiny base may hold fewer different customers than clusters: that is
        # unstable, no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = make_model(algorithm, k, seed).fit(points)
        labels = model.predict(points)
        found = []
        for draw in range(bootstraps):
            resampled = points[rng.integers(0, len(points), len(points))]
            again = make_model(
                algorithm,
                k,
                seed + draw,
                starts=3,
            ).fit(resampled)
            found.append(best_jaccard(labels, again.predict(points), k))
    return np.nan_to_num(found).mean(axis=0), model.predict(few)


def _silhouette(apart: np.ndarray, labels: np.ndarray) -> float:
    """The silhouette of labels, by all distances between the rows."""
    from sklearn.metrics import silhouette_score

    if 1 < len(np.unique(labels)) < len(labels):
        return float(silhouette_score(apart, labels, metric="precomputed"))
    return float("nan")


def choose_k(search: pd.DataFrame, k_min: int) -> tuple[int, str]:
    """The number of clusters, and why: ``best``, ``only`` or ``unstable``.

    Among the stable numbers from `k_min` on, the best separated; failing that the stable ones
    below it; failing that the most stable, which nobody should build on.
    """
    stable = search[search["stable"]]
    fine = stable[stable.index >= k_min]
    pool = fine if len(fine) else stable
    if pool.empty:
        return int(cast(int, search["jaccard"].idxmax())), "unstable"
    k = int(pool.index.to_numpy()[pool["silhouette"].fillna(-1).argmax()])
    return k, "best" if len(pool) > 1 else "only"


def separation(silhouette: float) -> str:
    """What a silhouette says of groups (Kaufman & Rousseeuw 1990): ``clear``, ``touching``,
    ``shading`` or ``unknown``."""
    if np.isnan(silhouette):
        return "unknown"
    if silhouette > 0.5:
        return "clear"
    return "touching" if silhouette > 0.25 else "shading"
