"""What any scheme must beat: rules of thumb, bands of past spend, learned models, and chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from segment_lab.customers.orders import MEASURED
from segment_lab.customers.predicted import predict
from segment_lab.errors import NotEnoughDataError
from segment_lab.judge.learning import (
    BEFORE,
    CAP_PERCENTILE,
    Prediction,
    Training,
    from_segments,
)
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say


@dataclass(frozen=True)
class Context:
    """What a baseline may know: the table at t0, the period before t0, and the judged
    segmentations' sizes.

    `crossed` says that the schemes are cross-fitted within the judged period; segments that serve
    as a baseline then are as well, so that like is compared with like.
    """

    customers: pd.DataFrame
    outcomes: pd.DataFrame
    training: Training | None
    segmentations: Mapping[str, Segmentation]
    horizon_days: int | None
    seed: int = 0
    crossed: bool = False

    @property
    def taught(self) -> Training | None:
        """The lesson of segments: none where all are cross-fitted."""
        return None if self.crossed else self.training

    def learned(
        self,
        name: str,
        kind: str,
        now: Segmentation,
        seen: Segmentation | None,
    ) -> Prediction:
        """Segments as a prediction, learned as the judged schemes are."""
        lesson = None if self.taught is None else self.taught.outcomes.index
        return from_segments(name, kind, now, self.outcomes.index, seen, lesson)

    def seen(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Customer table and outcomes of the period before t0, aligned; an error where there is
        none."""
        if self.training is None or self.training.customers is None:
            raise NotEnoughDataError(say("comparison.baseline.no_period"))
        known = self.training.customers.index.intersection(self.training.outcomes.index)
        return self.training.customers.loc[known], self.training.outcomes.loc[known]


def features(customers: pd.DataFrame) -> pd.DataFrame:
    """The numeric columns of the customer table that describe behaviour."""
    columns = [c for c in MEASURED if c in customers and customers[c].notna().any()]
    return customers[columns].astype(float)


def past_spend(context: Context) -> list[Prediction]:
    """Rank by what was spent so far: no segments, no amount."""
    return [
        Prediction(
            "past-spend rank", "baseline", context.customers["revenue"].to_numpy(float)
        )
    ]


def spend_bands(context: Context) -> list[Prediction]:
    """Quantile bands of past spend, as many as each scheme has segments."""
    ks = sorted(
        {int((s.sizes() > 0).sum()) for s in context.segmentations.values()} - {1}
    )
    return [
        _banded(
            context,
            f"{k} spend bands",
            "revenue",
            partial(np.quantile, q=np.arange(1, k) / k),
        )
        for k in ks
    ]


def hiatus(context: Context) -> list[Prediction]:
    """Active or not by days since the last order; the cut that parted buyers best before t0.

    The rule of thumb that models must beat (Wübben & Wangenheim 2008).
    """
    customers, outcomes = context.seen()
    recency = customers["recency_days"].to_numpy(float)
    bought = (outcomes["future_orders"] > 0).to_numpy()
    if bought.all() or not bought.any():
        raise NotEnoughDataError(say("comparison.baseline.all_or_none"))
    cuts = np.unique(np.quantile(recency, np.arange(0.01, 1, 0.01)))
    gain = [
        (recency[bought] <= c).mean() - (recency[~bought] <= c).mean() for c in cuts
    ]
    best = float(cuts[int(np.argmax(gain))])
    name = f"hiatus rule ({best:.0f} days)"
    return [_banded(context, name, "recency_days", lambda _: np.array([best]))]


def boosting(context: Context) -> list[Prediction]:
    """Gradient-boosted trees on the behaviour columns, learned on the period before t0 only."""
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    customers, outcomes = context.seen()
    x, now = features(customers), context.customers
    revenue = outcomes["future_revenue"].clip(lower=0)
    bought = outcomes["future_orders"] > 0
    if bought.nunique() < 2:
        raise NotEnoughDataError(say("comparison.baseline.all_or_none"))
    options = {
        "max_iter": 100,
        "learning_rate": 0.05,
        "min_samples_leaf": 50,
        "random_state": context.seed,
    }
    capped = revenue.clip(upper=float(np.percentile(revenue, CAP_PERCENTILE)))
    table = now[list(x.columns)].astype(float)
    amount = (
        HistGradientBoostingRegressor(loss="poisson", **options)
        .fit(x, capped)
        .predict(table)
    )
    chance = (
        HistGradientBoostingClassifier(**options)
        .fit(x, bought)
        .predict_proba(table)[:, 1]
    )
    return [_model("gradient boosting", amount, chance)]


def lifetime_value(context: Context) -> list[Prediction]:
    """BG/NBD orders × Gamma-Gamma spend (Fader, Hardie & Lee 2005) through the optional
    pymc-marketing."""
    if context.horizon_days is None:
        raise NotEnoughDataError(say("comparison.baseline.no_horizon"))
    amount = expected_revenue(context.customers, context.horizon_days)
    if not np.isfinite(amount).all():
        lost = int((~np.isfinite(amount)).sum())
        raise ValueError(say("comparison.baseline.no_value", count=lost))
    return [_model("BG/NBD + Gamma-Gamma", amount)]


def _model(
    name: str,
    amount: np.ndarray,
    chance: np.ndarray | None = None,
) -> Prediction:
    return Prediction(name, "baseline", amount, amount, chance, learned=BEFORE)


def random_segments(context: Context) -> list[Prediction]:
    """Segments of the sizes of the finest scheme, dealt at random: what any scheme must leave
    behind."""
    model = max(context.segmentations.values(), key=lambda s: len(s.names))
    share = model.sizes().to_numpy() / max(len(model), 1)
    rng = np.random.default_rng(context.seed)

    def deal(index: pd.Index) -> Segmentation:
        codes = pd.Series(
            rng.choice(
                len(share),
                len(index),
                p=share,
            ),
            index=index,
        )
        return Segmentation(codes, model.names, "random")

    taught = context.taught
    seen = None if taught is None else deal(taught.outcomes.index)
    now = deal(context.outcomes.index)
    return [context.learned("random segments", "null", now, seen)]


BASELINES: dict[str, Callable[[Context], list[Prediction]]] = {
    "past-spend rank": past_spend,
    "spend bands": spend_bands,
    "hiatus rule": hiatus,
    "gradient boosting": boosting,
    "BG/NBD + Gamma-Gamma": lifetime_value,
    "random segments": random_segments,
}


def predictions(context: Context) -> list[Prediction]:
    """All baselines. One that fails stays in the list with the reason instead of a score."""
    found: list[Prediction] = []
    for name, baseline in BASELINES.items():
        try:
            found += baseline(context)
        except (NotEnoughDataError, ModuleNotFoundError) as reason:
            note = say("comparison.baseline.not_computed", reason=reason)
            found.append(Prediction(name, "baseline", note=note))
        # A baseline may fail in any way; the comparison goes on and shows it.
        except Exception as failure:
            kind = type(failure).__name__
            note = say("comparison.baseline.failed", kind=kind, failure=failure)
            found.append(Prediction(name, "baseline", note=note))
    return found


def _banded(
    context: Context,
    name: str,
    column: str,
    cuts: Callable[[np.ndarray], np.ndarray],
) -> Prediction:
    """Bands of one column (ties share a band), drawn anew each period like any scheme."""

    def label(table: pd.DataFrame) -> Segmentation:
        values = table[column].to_numpy(float)
        edges = cuts(values)
        codes = pd.Series(
            np.searchsorted(edges, values, side="left"), index=table.index
        )
        return Segmentation(
            codes, tuple(f"band {i + 1}" for i in range(len(edges) + 1)), name
        )

    taught = context.taught
    earlier = (
        None if taught is None or taught.customers is None else label(taught.customers)
    )
    return context.learned(name, "baseline", label(context.customers), earlier)


def expected_revenue(customers: pd.DataFrame, days: int) -> np.ndarray:
    """Expected revenue per customer in the next `days`, from the customer table alone; shape (n,).

    BG/NBD and Gamma-Gamma by maximum likelihood, see `customers.predicted`.
    """
    return predict(customers, days)["expected_revenue"].to_numpy()
