"""Clusters: k-means or a Gaussian mixture whose number is chosen by stability, named from their
profile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Self

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.errors import ConfigError
from segment_lab.segments.base import Segmenter
from segment_lab.segments.boundaries import (
    discriminants,
    log_expression,
    log_features,
    short,
    typical_size,
)
from segment_lab.segments.claims import Words
from segment_lab.segments.naming import cluster_names, typical, untrue
from segment_lab.segments.search import (
    Algorithm,
    choose_k,
    make_model,
    search_k,
    separation,
)
from segment_lab.texts import DEFAULT, say, speaking

#: Features that are counts or days: they enter the log as they are, and are never negative.
COUNTS = (
    "recency_days",
    "frequency",
    "repeat_frequency",
    "tenure_days",
    "t_x",
    "gap_days",
    "return_share",
)
#: With these a customer's own rhythm is known.
RHYTHM = ("recency_days", "tenure_days", "frequency")


class ClusterSegmenter(Segmenter):
    """Groups found in the data: signed log1p, standard units, then k-means or a Gaussian mixture.

    Money enters the log in units of the base's median, so the currency makes no difference and a
    total near zero is small, not extreme; counts and days enter as they are.

    Without `k` the number is chosen among ``k_min … k_max``: stable under bootstrap resampling
    first, then best separated (silhouette). The segments are put in order of mean revenue and
    named from their medians, so a refit gives the same labels. "Recent", "long silent" and "new"
    are said only where they are true of nine in ten by their own rhythm (`claims.Words`; needs
    ``tenure_days``), so that no other page says the opposite of them. The fitted rule is a set of
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
    random_state, sample, bootstraps : int
        Start of the random numbers. Rows for the search and the first fit (the final fit goes on
        over all rows); resamples per number of clusters; with none, a given `k` is taken without a
        judgement.

    Attributes
    ----------
    k_search_, basis_, reason_ : DataFrame, str, str
        See `search.search_k`, with ``chosen``; why this number, as a key and in words.
    pipeline_ : sklearn Pipeline
    profile_ : DataFrame
        Per segment: ``customers`` and the median of each feature.
    truth_ : DataFrame or None
        Per segment the share of customers of whom each word of `claims` is true.

    Examples
    --------
    >>> few, many = {"frequency": 1, "revenue": 20.0}, {"frequency": 12, "revenue": 900.0}
    >>> table = pd.DataFrame([few] * 20 + [many] * 20).assign(recency_days=[90] * 20 + [5] * 20)
    >>> table = table.assign(tenure_days=400, gap_days=30.0, monetary_value=25.0)
    >>> ClusterSegmenter(k=2, bootstraps=0).fit(table).segment(table).sizes().tolist()
    [20, 20]
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
        random_state: Annotated[int, Field(ge=0)] = 0,
        sample: Annotated[int, Field(ge=500, le=50_000)] = 10_000,
        bootstraps: Annotated[int, Field(ge=0, le=200)] = 20,
    ):
        self.algorithm = algorithm
        self.k = k
        self.k_min = k_min
        self.k_max = k_max
        self.features = features
        self.random_state = random_state
        self.sample = sample
        self.bootstraps = bootstraps

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.features, "revenue"]))

    @property
    def optional_columns(self) -> tuple[str, ...]:
        return tuple(c for c in RHYTHM if c not in self.columns)

    @property
    def columns_of_words(self) -> tuple[str, ...]:
        return self.optional_columns

    def on(self, season: Sequence[float], as_of: dt.date) -> Self:
        """This segmenter with what a day of each month counts (`seasonal_weights`), for a table of
        `as_of`."""
        self._calendar = (tuple(season), as_of)
        return self

    def _fit(self, rows: pd.DataFrame) -> None:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer, StandardScaler
        from threadpoolctl import threadpool_limits

        # What names are checked against is no part of the rule.
        self.columns_ = self.columns
        rows = rows.astype("float64").sort_values(list(rows.columns), kind="stable")
        signed = [feature not in COUNTS for feature in self.features]
        self.units_ = []
        for feature in self.features:
            counted = feature in COUNTS
            self.units_.append(1.0 if counted else typical_size(rows[feature]))
        scale = {"units": self.units_, "signed": signed}
        prepare = make_pipeline(
            FunctionTransformer(log_features, kw_args=scale), StandardScaler()
        )
        points = prepare.fit_transform(rows[list(self.features)].to_numpy())
        with threadpool_limits(1):
            model = self._model(points)
        self.pipeline_ = make_pipeline(*(step for _, step in prepare.steps), model)
        labels = model.predict(points)
        revenue = rows["revenue"].groupby(labels).mean().reindex(range(self.k_))
        richest = -revenue.fillna(-np.inf).to_numpy()
        self.order_ = np.argsort(richest, kind="stable")
        self._describe_clusters(rows, np.argsort(self.order_)[labels])
        self.discriminants_ = [
            d[self.order_] for d in discriminants(model, prepare[-1])
        ]

    def _model(self, points: np.ndarray) -> Any:
        """Choose k on a sample, fit there, and go on from that solution over all rows."""
        rng = np.random.default_rng(self.random_state)
        few = points[np.sort(rng.permutation(len(points))[: self.sample])]
        different = len(np.unique(few, axis=0))
        if different == 1:
            self.k_, self.basis_ = 1, "equal"
            columns = ["jaccard", "jaccard_min", "silhouette", "stable", "chosen"]
            self.k_search_ = pd.DataFrame(columns=columns)
            return make_model("kmeans", 1, self.random_state).fit(few)
        most = max(different - 1, 2)
        fewest, highest = 2, min(self.k_max, most)
        if self.k is not None:
            fewest = highest = min(self.k, most)
        self._choose(few, range(fewest, highest + 1))
        first = make_model(self.algorithm, self.k_, self.random_state).fit(few)
        if len(few) == len(points):
            return first
        if self.algorithm == "kmeans":
            start = {"init": first.cluster_centers_}
        else:
            start = {
                "weights_init": first.weights_,
                "means_init": first.means_,
                "precisions_init": first.precisions_,
            }
        model = make_model(self.algorithm, self.k_, self.random_state, **start)
        return model.fit(points)

    def _choose(self, points: np.ndarray, candidates: range) -> None:
        """Judge the candidates, and choose; a refit with a given number has nothing to judge."""
        if self.bootstraps:
            judged = search_k(
                points, self.algorithm, candidates, self.bootstraps, self.random_state
            )
            self.k_, self.basis_ = choose_k(judged, self.k_min)
        elif self.k is not None:
            unknown = dict.fromkeys(["jaccard", "jaccard_min", "silhouette"], np.nan)
            tried = pd.Index(candidates, name="k")
            judged = pd.DataFrame(unknown, index=tried).assign(stable=False)
            self.k_ = candidates[0]
        else:
            raise ConfigError(say("clusters.errors.no_bootstraps"))
        if self.k is not None:
            self.basis_ = "by_hand" if self.bootstraps else "refit"
        self.k_search_ = judged.assign(chosen=judged.index == self.k_)

    @property
    def reason_(self) -> str:
        """Why this number of segments, in words."""
        if self.basis_ == "equal":
            return say("clusters.reason.equal")
        if self.basis_ == "refit":
            return say("clusters.reason.refit", k=self.k_)
        row: Any = self.k_search_.loc[self.k_, ["jaccard", "jaccard_min", "silhouette"]]
        apart = say(f"clusters.apart.{separation(row['silhouette'])}")
        quality = say("clusters.quality", apart=apart, **row)
        k_min = min(self.k_min, self.k_)
        return say(
            f"clusters.reason.{self.basis_}", k=self.k_, k_min=k_min, quality=quality
        )

    def _describe_clusters(self, rows: pd.DataFrame, codes: np.ndarray) -> None:
        features = rows[list(self.features)]
        profile = features.groupby(codes).median().reindex(range(self.k_))
        truth = self._truth(rows, codes)
        # Keys in data and SQL; pages show them in their own language.
        with speaking(DEFAULT):
            names = [say("clusters.name.everybody")]
            if self.k_ > 1:
                names = cluster_names(profile, features, untrue(truth, self.k_))
        self.segment_names_ = tuple(names)
        self.truth_ = (
            None if truth is None else truth.set_axis(pd.Index(names, name="segment"))
        )
        profile.insert(0, "customers", np.bincount(codes, minlength=self.k_))
        self.profile_ = profile.set_axis(pd.Index(self.segment_names_, name="segment"))

    def _truth(self, rows: pd.DataFrame, codes: np.ndarray) -> pd.DataFrame | None:
        """The share of each cluster's customers of whom each word is true; None where their rhythm
        is not known."""
        if not {*RHYTHM} <= {*rows.columns} or rows[list(RHYTHM)].isna().any(axis=None):
            return None
        season, as_of = getattr(self, "_calendar", ((), None))
        labels = pd.Series(pd.Categorical(codes, range(self.k_)), index=rows.index)
        return Words.learn(rows, season, as_of).truth(rows, labels)

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        """A cluster wins where it beats all that come after it: those before it have lost
        already."""
        logs = []
        for feature, unit in zip(self.features, self.units_, strict=True):
            signed = feature not in COUNTS
            logs.append(log_expression(table[feature], unit, signed))
        wins = []
        for i in range(self.k_ - 1):
            margins = [self._margin(i, j, logs) >= 0 for j in range(i + 1, self.k_)]
            wins.append((ibis.and_(*margins), i))
        known = ibis.and_(*(table[feature].notnull() for feature in self.features))
        return [*wins, (known, self.k_ - 1)], None

    def _margin(self, i: int, j: int, logs: list[ir.NumericValue]) -> ir.NumericValue:
        """How much better cluster `i` fits than `j`: a polynomial of the logs with 12-digit
        coefficients."""
        constant, linear, quadratic = (short(d[i] - d[j]) for d in self.discriminants_)
        terms = [logs[a] * float(w) for a, w in enumerate(linear) if w]
        for a, b in zip(*np.triu_indices(len(logs)), strict=True):
            if weight := float(quadratic[a, b] * (1 if a == b else 2)):
                terms.append(logs[a] * logs[b] * weight)
        return sum(terms, ibis.literal(float(constant)))

    def meanings(self) -> dict[str, str]:
        medians = self.profile_[list(self.features)].to_numpy()
        texts = {}
        for name, row in zip(self.segment_names_, medians, strict=True):
            values = list(map(typical, self.features, row))
            texts[name] = say("clusters.meaning", values=values)
        return texts

    def describe(self) -> dict[str, Any]:
        return {
            **super().describe(),
            "features": list(self.features),
            "k": self.k_,
            "reason": self.reason_,
            "units": self.units_,
        }
