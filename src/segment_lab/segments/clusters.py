"""Clusters: k-means or a Gaussian mixture whose number is chosen by stability, named from their
profile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.errors import DataError, Fault
from segment_lab.segments.base import Finding, Segmenter
from segment_lab.segments.search import (
    VALID,
    Algorithm,
    apart,
    choose_k,
    make_model,
    quality,
    search_k,
)
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts.formats import words

COUNTS = frozenset(
    {
        "recency_days",
        "frequency",
        "repeat_frequency",
        "tenure_days",
        "t_x",
        "gap_days",
        "return_share",
    }
)
# Feature → what a low and a high value are called, and the value in a sentence.
WORDS = {
    "revenue": ("low revenue", "high revenue", "{:,.0f} in revenue"),
    "margin": ("low margin", "high margin", "{:,.0f} in margin"),
    "monetary_value": ("small orders", "large orders", "{:,.0f} per order"),
    "frequency": ("rare", "frequent", "{:,.0f} orders"),
    "recency_days": ("recent", "long silent", "{:,.0f} days since the last order"),
    "tenure_days": ("new", "long-standing", "{:,.0f} days with us"),
    "gap_days": ("short gaps", "long gaps", "{:,.0f} days between orders"),
    "return_share": ("few returns", "many returns", "{:.0%} returned"),
}


class ClusterSegmenter(Segmenter):
    """Groups found in the data: signed log1p, standard units, then k-means or a Gaussian mixture.

    Money enters the log in units of the base's median, so the currency makes no difference and a
    total near zero is small, not extreme; counts and days enter as they are.

    Without `k` the number is chosen among ``k_min … k_max``: stable under bootstrap resampling
    first, then best separated (silhouette). The segments are put in order of mean revenue and
    named from their medians, so a refit gives the same labels. The fitted rule is a set of
    boundaries between clusters, linear (k-means) or quadratic (mixture) in the logs: SQL that
    needs no model server. Rows are sorted by value and one thread is used, so neither row order
    nor the number of cores changes the result.

    Parameters
    ----------
    algorithm : {"kmeans", "gmm"}
    k, k_min, k_max : int
        Number of clusters by hand (optional), or the numbers to try. Two groups say only "large
        and small": they are taken when nothing finer is stable.
    features : sequence of str
        Numeric columns of the customer table.
    sample, bootstraps, seed : int
        Rows for the search and the first fit (the final fit goes on over all rows); resamples per
        number of clusters.

    Attributes
    ----------
    k_search_, reason_ : DataFrame, str
        See `search.search_k`, with ``chosen``; why this number.
    pipeline_ : sklearn Pipeline
    profile_ : DataFrame
        Per segment: ``customers`` and the median of each feature.
    """

    method = "clusters"

    def __init__(
        self,
        algorithm: Algorithm = "kmeans",
        k: Annotated[int, Field(ge=2, le=12)] | None = None,
        k_min: Annotated[int, Field(ge=2, le=12)] = 3,
        k_max: Annotated[int, Field(ge=2, le=12)] = 8,
        features: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)] = (
            "recency_days",
            "frequency",
            "monetary_value",
        ),
        seed: Annotated[int, Field(ge=0)] = 0,
        sample: Annotated[int, Field(ge=500, le=50_000)] = 10_000,
        bootstraps: Annotated[int, Field(ge=5, le=200)] = 20,
    ):
        self.algorithm = algorithm
        self.k = k
        self.k_min = k_min
        self.k_max = k_max
        self.features = features
        self.seed = seed
        self.sample = sample
        self.bootstraps = bootstraps

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.features, "revenue"]))

    def _fit(self, rows: pd.DataFrame) -> None:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer, StandardScaler
        from threadpoolctl import threadpool_limits

        self._check_numeric(rows)
        rows = rows.astype("float64").sort_values(list(rows.columns), kind="stable")
        self.units_ = [1.0 if f in COUNTS else _typical(rows[f]) for f in self.features]
        scale = {"units": self.units_, "signed": [f not in COUNTS for f in self.features]}
        prepare = make_pipeline(FunctionTransformer(log_features, kw_args=scale), StandardScaler())
        points = prepare.fit_transform(rows[list(self.features)].to_numpy())
        with threadpool_limits(1):
            model = self._model(points)
        self.pipeline_ = make_pipeline(*(step for _, step in prepare.steps), model)
        labels = model.predict(points)
        revenue = rows["revenue"].groupby(labels).mean().reindex(range(self.k_)).fillna(-np.inf)
        self.order_ = np.argsort(-revenue.to_numpy(), kind="stable")
        self._describe_clusters(rows, np.argsort(self.order_)[labels])
        self.discriminants_ = [d[self.order_] for d in _discriminants(model, prepare[-1])]

    def _check_numeric(self, rows: pd.DataFrame) -> None:
        if wrong := [c for c in rows if not pd.api.types.is_numeric_dtype(rows[c])]:
            raise DataError(
                "ClusterSegmenter cannot use this customer table",
                [
                    Fault(str(c), f"is not numeric but {rows[c].dtype}", "Choose numeric features")
                    for c in wrong
                ],
            )

    def _model(self, points: np.ndarray) -> Any:
        """Choose k on a sample, fit there, and go on from that solution over all rows."""
        rng = np.random.default_rng(self.seed)
        few = points[np.sort(rng.permutation(len(points))[: self.sample])]
        different = len(np.unique(few, axis=0))
        if different == 1:
            self.k_, self.reason_ = 1, "One segment: all customers are equal in these features."
            self.k_search_ = pd.DataFrame(
                columns=["jaccard", "jaccard_min", "silhouette", "stable", "chosen"]
            )
            return make_model("kmeans", 1, self.seed).fit(few)
        most = max(different - 1, 2)
        fewest, most = (2, min(self.k_max, most)) if self.k is None else (min(self.k, most),) * 2
        candidates = range(fewest, most + 1)
        search = search_k(few, self.algorithm, candidates, self.bootstraps, self.seed)
        self.k_, self.reason_ = choose_k(search, self.k_min)
        if self.k is not None:
            self.reason_ = f"{self.k_} segments, as asked for ({quality(search.iloc[0])})."
        self.k_search_ = search.assign(chosen=search.index == self.k_)
        first = make_model(self.algorithm, self.k_, self.seed).fit(few)
        if len(few) == len(points):
            return first
        start = (
            {"init": first.cluster_centers_}
            if self.algorithm == "kmeans"
            else {
                "weights_init": first.weights_,
                "means_init": first.means_,
                "precisions_init": first.precisions_,
            }
        )
        return make_model(self.algorithm, self.k_, self.seed, **start).fit(points)

    def _describe_clusters(self, rows: pd.DataFrame, codes: np.ndarray) -> None:
        features = rows[list(self.features)]
        profile = features.groupby(codes).median().reindex(range(self.k_))
        self.segment_names_ = (
            tuple(_names(profile, features)) if self.k_ > 1 else ("All customers",)
        )
        profile.insert(0, "customers", np.bincount(codes, minlength=self.k_))
        self.profile_ = profile.set_axis(pd.Index(self.segment_names_, name="segment"))

    def branches(self, table: ir.Table) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        """A cluster wins where it beats all that come after it: those before it have lost
        already."""
        logs = [
            _log_expression(table[f], unit, f not in COUNTS)
            for f, unit in zip(self.features, self.units_, strict=True)
        ]
        wins = [
            (ibis.and_(*(self._margin(i, j, logs) >= 0 for j in range(i + 1, self.k_))), i)
            for i in range(self.k_ - 1)
        ]
        return [*wins, (ibis.and_(*(table[f].notnull() for f in self.features)), self.k_ - 1)], None

    def _margin(self, i: int, j: int, logs: list[ir.NumericValue]) -> ir.NumericValue:
        """How much better cluster `i` fits than `j`: a polynomial of the logs with 12-digit
        coefficients."""
        constant, linear, quadratic = (_short(d[i] - d[j]) for d in self.discriminants_)
        terms = [logs[a] * float(w) for a, w in enumerate(linear) if w]
        for a, b in zip(*np.triu_indices(len(logs)), strict=True):
            if weight := float(quadratic[a, b] * (1 if a == b else 2)):
                terms.append(logs[a] * logs[b] * weight)
        return sum(terms, ibis.literal(float(constant)))

    def meanings(self) -> dict[str, str]:
        medians = zip(
            self.segment_names_, self.profile_[list(self.features)].to_numpy(), strict=True
        )
        return {
            name: f"Typically {', '.join(map(_value, self.features, row))}."
            for name, row in medians
        }

    def method_remark(self) -> str:
        """How the groups were made, in plain words."""
        method = "k-means" if self.algorithm == "kmeans" else "Gaussian mixture"
        features = ", ".join(words(feature).lower() for feature in self.features)
        return (
            f"{method} on the logarithms of {features}, each in standard units. Money counts in units of its "
            "median. The rule is frozen once fitted: a later customer gets the segment that fits best."
        )

    def describe(self) -> dict[str, Any]:
        return {
            **super().describe(),
            "features": list(self.features),
            "k": self.k_,
            "reason": self.reason_,
            "units": self.units_,
        }


def log_features(values: np.ndarray, units: Sequence[float], signed: Sequence[bool]) -> np.ndarray:
    """``sign(x)·log(1 + |x|/unit)`` per column; columns that cannot be negative are cut at 0."""
    values = np.asarray(values, dtype="float64") / np.asarray(units)
    return np.log1p(values.clip(min=0)) - np.where(signed, np.log1p((-values).clip(min=0)), 0)


def _log_expression(value: ir.NumericValue, unit: float, signed: bool) -> ir.NumericValue:
    value = value if unit == 1 else value / unit
    up = (ibis.greatest(value, 0.0) + 1).ln()
    return up - (ibis.greatest(-value, 0.0) + 1).ln() if signed else up


def _typical(values: pd.Series) -> float:
    """The median size of the values that are not zero, to three digits."""
    sizes = values.abs()[values != 0]
    return float(f"{sizes.median():.3g}") if len(sizes) else 1.0


def _discriminants(model: Any, scaler: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per cluster the constant (k,), linear (k, p) and quadratic (k, p, p) part of its score in
    unscaled logs.

    k-means: the nearest centre has the largest ``c·z − |c|²/2``. Mixture: the log density plus log
    weight.
    """
    if hasattr(model, "cluster_centers_"):
        centres = model.cluster_centers_
        constant, linear = -0.5 * (centres**2).sum(axis=1), centres
        quadratic = np.zeros((*centres.shape, centres.shape[1]))
    else:
        quadratic = -0.5 * model.precisions_
        linear = np.einsum("kab,kb->ka", model.precisions_, model.means_)
        constant = (
            np.log(model.weights_)
            + 0.5 * np.linalg.slogdet(model.precisions_)[1]
            - 0.5 * np.einsum("ka,ka->k", linear, model.means_)
        )
    mean, scale = scaler.mean_, scaler.scale_
    quadratic = quadratic / np.outer(scale, scale)
    constant = constant - linear @ (mean / scale) + np.einsum("a,kab,b->k", mean, quadratic, mean)
    return constant, linear / scale - 2 * quadratic @ mean, quadratic


def _short(values: np.ndarray) -> np.ndarray:
    """Twelve significant digits: fewer than a double has, so that every warehouse reads the same
    number."""
    return np.vectorize(lambda v: float(f"{v:.12g}"))(values)


def _names(profile: pd.DataFrame, features: pd.DataFrame) -> list[str]:
    """Plain words for what is low or high in each cluster's medians against thirds of all
    customers; unique."""
    low, high = features.quantile(1 / 3), features.quantile(2 / 3)
    varied = [
        f for f in profile.columns if features[f].min() < features[f].max()
    ]  # else nobody is high or low in it
    order = sorted(varied, key=lambda f: list(WORDS).index(f) if f in WORDS else len(WORDS))
    names = []
    for _, row in profile.iterrows():
        words = [
            _words(f)[0] if row[f] <= low[f] and row[f] < features[f].max() else _words(f)[1]
            for f in order
            if row[f] <= low[f] or row[f] >= high[f]
        ]
        names.append(", ".join(words).capitalize() or "Middling")
    for name in {n for n in names if names.count(n) > 1}:
        alike = [i for i, n in enumerate(names) if n == name]
        spread = (profile.iloc[alike].max() - profile.iloc[alike].min()) / features.std().replace(
            0, 1
        )
        widest = str(spread.idxmax())
        for i in alike:
            names[i] = f"{name} ({_value(widest, profile[widest].iloc[i])})"
    return [name if names.index(name) == i else f"{name} {i + 1}" for i, name in enumerate(names)]


def _words(feature: str) -> tuple[str, str]:
    plain = feature.replace("_", " ")
    return WORDS[feature][:2] if feature in WORDS else (f"low {plain}", f"high {plain}")


def _value(feature: str, value: float) -> str:
    text = (
        WORDS[feature][2] if feature in WORDS else f"{feature.replace('_', ' ')} {{:,.2f}}"
    ).format(value)
    return re.sub(r"^1 (order|day)s\b", r"1 \1", text)


def cluster_finding(
    segmenter: ClusterSegmenter, segmentation: Segmentation, customers: pd.DataFrame
) -> Finding:
    """The answer of the cluster report: how many kinds of customers there are, and how far to
    trust them."""
    profile = segmentation.profile(customers)
    best = profile.iloc[0]
    first = (
        f"The data fall into {segmenter.k_} kinds of customers; the first, \u201c{profile.index[0]}\u201d, is "
        f"{best.customer_share:.0%} of them"
        + (
            f" and brings {best.revenue_share:.0%} of the revenue."
            if np.isfinite(best.revenue_share)
            else "."
        )
    )
    figures: dict[str, Any] = {
        "segments": segmenter.k_,
        "best_segment_revenue_share": float(best.revenue_share),
    }
    if segmenter.k_ == 1:
        return Finding(
            ("There is only one kind of customer: all are equal in these features.",), figures
        )
    row = segmenter.k_search_.loc[[segmenter.k_]].iloc[0]
    trust = "the kinds are stable" if row["jaccard"] >= VALID else "do not build on them yet"
    between = "" if row["silhouette"] > 0.5 else ", so some customers stand between two of them"
    second = (
        f"Drawing the customers again finds {row['jaccard']:.0%} of each kind again: {trust}. They "
        f"{apart(row['silhouette'])}{between}."
    )
    return Finding(
        (first, second),
        figures | {"stability": float(row["jaccard"]), "silhouette": float(row["silhouette"])},
    )
