"""Does a scheme, learned before t0, tell who will buy after t0?

Everything is computed from sums per group of customers with equal scores, best group first. Ties
share their place: within a group the curve is a straight line, so the order of the rows cannot
leak into a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from segment_lab.customers.rates import Z975
from segment_lab.judge.learning import Outcome, Prediction
from segment_lab.judge.registry import metric
from segment_lab.judge.resampling import Grouped, counts, interval

TOP_SHARE = 0.20
MEASURES = (
    "gini",
    "top_decile_lift",
    "auc",
    "brier",
    "capped_r2",
    "missed_share",
    "false_share",
    "missed_revenue_share",
)


@metric(
    "validity",
    "Gini",
    "How well the scheme puts the customers who will spend most first: 1 perfect, 0 chance.",
    low=-1,
)
def gini(score: np.ndarray, revenue: np.ndarray) -> float:
    """Gini of the captured revenue, ties averaged, divided by that of a perfect order."""
    perfect = gini_of(*Grouped(revenue, np.ones(len(revenue)), revenue).sums())
    return _ratio(gini_of(*Grouped(score, np.ones(len(revenue)), revenue).sums()), perfect)


@metric(
    "validity",
    "Top-decile lift",
    "Revenue of the best-ranked tenth of customers, as a multiple of an average tenth.",
    high=10,
)
def top_decile_lift(score: np.ndarray, revenue: np.ndarray) -> float:
    """Share of revenue held by the best-scored 10 % of customers, over 10 %; ties averaged."""
    n, y = Grouped(score, np.ones(len(revenue)), revenue).sums()
    return captured(n, y, 0.1) / 0.1


@metric(
    "validity",
    "AUC",
    "How often a customer who will buy is ranked above one who will not: .5 is chance.",
)
def auc(score: np.ndarray, bought: np.ndarray) -> float:
    """Area under the ROC curve (Mann–Whitney), ties count a half."""
    return auc_of(*Grouped(score, np.ones(len(bought)), bought).sums())


@metric(
    "validity",
    "Brier",
    "Mean squared error of the predicted chance to buy: 0 is perfect.",
    higher_is_better=False,
)
def brier(probability: np.ndarray, bought: np.ndarray) -> float:
    """Brier score (Brier 1950)."""
    return float(np.mean((probability - bought) ** 2))


@metric(
    "validity",
    "Capped R²",
    "Share of the differences in future revenue that the prediction explains, revenue "
    "capped at its 99th percentile.",
    low=-np.inf,
)
def capped_r2(amount: np.ndarray, revenue: np.ndarray) -> float:
    """1 − SSE/SST on capped revenue; below 0 when the level itself has shifted since the means
    were learned."""
    y = Outcome(np.asarray(revenue, dtype=float), np.zeros(len(revenue))).capped
    return _ratio(
        ((y - y.mean()) ** 2).sum() - ((amount - y) ** 2).sum(), ((y - y.mean()) ** 2).sum()
    )


@metric(
    "validity",
    "Missed best customers",
    "Of the customers who turn out to be the top fifth, the share not ranked there.",
    higher_is_better=False,
)
def missed_share(score: np.ndarray, revenue: np.ndarray) -> float:
    """1 − recall of the true top 20 % when equally many are treated as top."""
    return misclassified(*Grouped(score, *_top_columns(revenue)).sums())[0]


@metric(
    "validity",
    "Falsely treated as best",
    "Of all other customers, the share ranked in the top fifth.",
    higher_is_better=False,
)
def false_share(score: np.ndarray, revenue: np.ndarray) -> float:
    """False positive rate at the same cut."""
    return misclassified(*Grouped(score, *_top_columns(revenue)).sums())[1]


@metric(
    "validity",
    "Missed money",
    "Of the money the true top fifth will spend, the share that comes from those missed.",
    higher_is_better=False,
)
def missed_revenue_share(score: np.ndarray, revenue: np.ndarray) -> float:
    """1 − share of the true top's revenue among those treated as top."""
    return misclassified(*Grouped(score, *_top_columns(revenue)).sums())[2]


def top_customers(revenue: np.ndarray) -> np.ndarray:
    """1 for the true top 20 % by revenue of the period (buyers only, ties at the edge included),
    else 0."""
    last = -max(1, round(TOP_SHARE * len(revenue)))
    edge = np.partition(revenue, last)[last]
    return ((revenue >= edge) & (revenue > 0)).astype(float)


def _top_columns(revenue: np.ndarray) -> tuple[np.ndarray, ...]:
    top = top_customers(np.asarray(revenue, dtype=float))
    return np.ones(len(top)), top, top * revenue


def gini_of(n: np.ndarray, y: np.ndarray) -> float:
    """2 × area under the capture curve − 1, from customers and money per group, best first."""
    if y.sum() <= 0:
        return np.nan
    before = np.cumsum(y) - y
    return float(2 * (n * (before + y / 2)).sum() / (n.sum() * y.sum()) - 1)


def captured(n: np.ndarray, y: np.ndarray, share: float) -> float:
    """Share of `y` held by the best `share` of customers; the group at the edge counts in part."""
    if y.sum() <= 0:
        return np.nan
    return float(
        np.interp(share * n.sum(), np.r_[0, np.cumsum(n)], np.r_[0, np.cumsum(y)]) / y.sum()
    )


def auc_of(n: np.ndarray, buyers: np.ndarray) -> float:
    others = n - buyers
    if buyers.sum() <= 0 or others.sum() <= 0:
        return np.nan
    after = others.sum() - np.cumsum(others)
    return float((buyers * (after + others / 2)).sum() / (buyers.sum() * others.sum()))


def misclassified(
    n: np.ndarray, top: np.ndarray, top_money: np.ndarray
) -> tuple[float, float, float]:
    """Missed and false shares and missed money when as many customers are treated as top as truly
    are."""
    total, size = n.sum(), top.sum()
    if not 0 < size < total:
        return np.nan, np.nan, np.nan
    missed = 1 - captured(n, top, size / total)
    return missed, missed * size / (total - size), 1 - captured(n, top_money, size / total)


def _ratio(a: float, b: float) -> float:
    return float(a / b) if b > 0 else np.nan


class _Ranked:
    """One prediction, sorted once, so that a bootstrap draw is a weighted sum."""

    def __init__(self, prediction: Prediction, outcome: Outcome):
        score, chance = prediction.score, prediction.probability
        assert score is not None
        n, top = np.ones(len(score)), top_customers(outcome.revenue)
        self.money = Grouped(score, n, outcome.revenue, top, top * outcome.revenue)
        self.buying = Grouped(score if chance is None else chance, n, outcome.bought)
        unknown = np.full(len(score), np.nan)
        self.losses = np.column_stack(
            [
                unknown if chance is None else (chance - outcome.bought) ** 2,
                unknown if prediction.amount is None else (prediction.amount - outcome.capped) ** 2,
            ]
        )

    def measures(self, weights: np.ndarray, perfect: float, spread: float) -> tuple[float, ...]:
        n, y, top, money = self.money.sums(weights)
        brier_loss, square_loss = weights @ self.losses / weights.sum()
        return (
            _ratio(gini_of(n, y), perfect),
            captured(n, y, 0.1) / 0.1,
            auc_of(*self.buying.sums(weights)),
            brier_loss,
            1 - square_loss / spread if spread > 0 else np.nan,
            *misclassified(n, top, money),
        )


@dataclass(frozen=True)
class Judged:
    """Figures of every prediction and of every bootstrap draw; draws are paired across
    predictions."""

    predictions: tuple[Prediction, ...]
    values: np.ndarray  # (predictions, measures)
    samples: np.ndarray  # (draws, predictions, measures)

    def table(self) -> pd.DataFrame:
        """One row per prediction: each measure with its 95 % interval (``_low``, ``_high``)."""
        low, high = interval(self.samples)
        columns = {}
        for m, name in enumerate(MEASURES):
            columns.update(
                {name: self.values[:, m], f"{name}_low": low[:, m], f"{name}_high": high[:, m]}
            )
        return pd.DataFrame(
            columns, index=pd.Index([p.name for p in self.predictions], name="scheme")
        )

    def differences(self) -> pd.DataFrame:
        """a − b for every pair and measure with the paired 95 % interval; `certain` when it leaves
        out 0."""
        names, rows = [p.name for p in self.predictions], []
        for a, b in combinations(range(len(names)), 2):
            low, high = interval(self.samples[:, a] - self.samples[:, b])
            for m, name in enumerate(MEASURES):
                rows.append(
                    (
                        name,
                        names[a],
                        names[b],
                        self.values[a, m] - self.values[b, m],
                        low[m],
                        high[m],
                    )
                )
        frame = pd.DataFrame(
            rows, columns=["measure", "a", "b", "difference", "difference_low", "difference_high"]
        )
        return frame.assign(certain=(frame["difference_low"] > 0) | (frame["difference_high"] < 0))


def judge(
    predictions: Sequence[Prediction], outcome: Outcome, draws: int = 200, seed: int = 0
) -> Judged:
    """Score predictions on the judged period, with `draws` paired bootstrap draws of the customers.

    The schemes, their cuts and learned means stay as they are: intervals speak of other customers,
    not of other training data.
    """
    ranked = [_Ranked(p, outcome) for p in predictions]
    truth = Grouped(outcome.revenue, np.ones(len(outcome.revenue)), outcome.revenue)
    capped = outcome.capped
    values = np.empty((draws + 1, len(ranked), len(MEASURES)))
    for d, weights in enumerate(counts(len(capped), draws, seed)):
        mean = weights @ capped / weights.sum()
        spread = float(weights @ (capped - mean) ** 2 / weights.sum())
        perfect = gini_of(*truth.sums(weights))
        values[d] = [r.measures(weights, perfect, spread) for r in ranked]
    return Judged(tuple(predictions), values[0], values[1:])


def null_gini(score: np.ndarray, revenue: np.ndarray) -> float:
    """The Gini that segments of the same sizes dealt at random exceed in one case of forty; their
    mean is 0.

    Exact standard deviation over all permutations (a Gini is linear in the revenues), normal
    quantile.
    """
    n = len(revenue)
    size = Grouped(score, np.ones(n)).sums()[0]
    place = 2 * (np.cumsum(size) - size / 2) / n - 1
    spread = (size @ place**2) * ((revenue - revenue.mean()) ** 2).sum() / (n - 1)
    return _ratio(
        Z975 * float(np.sqrt(spread)) / revenue.sum(),
        gini_of(*Grouped(revenue, np.ones(n), revenue).sums()),
    )
