"""The measures of a predicted order: one definition for arrays of customers and for whole blocks
of bootstrap draws.

All of them need only sums per group of customers with equal scores, and per group how many
customers stand before it and beside it. Ties share their place, so the order of rows cannot leak.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segment_lab.judge.learning import Outcome
from segment_lab.judge.registry import metric
from segment_lab.texts import say

TOP_SHARE, DECILE = 0.20, 0.10
MEASURES = (
    "ranking_power",
    "top_decile_lift",
    "auc",
    "brier",
    "capped_r2",
    "missed_share",
    "false_share",
    "missed_revenue_share",
)
Ahead = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Order:
    """An order of groups: of any sums per group (last axis), what lies `before` each group and
    what is `tied` with it, itself included."""

    before: Ahead
    tied: Ahead


def sorted_order() -> Order:
    """Groups that stand best first, no two of them tied."""

    def before(sums: np.ndarray) -> np.ndarray:
        return np.cumsum(sums, axis=-1) - sums

    def tied(sums: np.ndarray) -> np.ndarray:
        return sums

    return Order(before, tied)


def scored_order(score: np.ndarray) -> Order:
    """Groups with a score each (last axis), highest first; equal scores are tied."""
    mine, other = score[..., :, None], score[..., None, :]
    better = (other > mine).astype(float)
    equal = (other == mine).astype(float)

    def before(sums: np.ndarray) -> np.ndarray:
        return np.einsum("...gh,...h->...g", better, sums)

    def tied(sums: np.ndarray) -> np.ndarray:
        return np.einsum("...gh,...h->...g", equal, sums)

    return Order(before, tied)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where there is no whole."""
    known = whole > 0
    divisor = np.where(known, whole, 1.0)
    return np.where(known, part / divisor, np.nan)


def captured_area(n: np.ndarray, money: np.ndarray, order: Order) -> np.ndarray:
    """2 × the area under the curve of captured money − 1: of a customer ranked higher and one
    ranked lower, how much more of the money the first brings."""
    reached = order.before(money) + order.tied(money) / 2
    customers, whole = n.sum(axis=-1), money.sum(axis=-1)
    area = 2 * (n * reached).sum(axis=-1) / np.maximum(customers, 1)
    return ratio(area, whole) - 1.0


def captured_share(
    n: np.ndarray,
    part: np.ndarray,
    order: Order,
    share: np.ndarray,
) -> np.ndarray:
    """Share of `part` held by the best `share` of customers; the group at the edge counts in
    part."""
    customers = n.sum(axis=-1, keepdims=True)
    places = share[..., None] * customers
    room = places - order.before(n)
    size = np.maximum(order.tied(n), 1e-12)
    inside = np.clip(room / size, 0.0, 1.0)
    held = (part * inside).sum(axis=-1)
    return ratio(held, part.sum(axis=-1))


def area_under_roc(n: np.ndarray, buyers: np.ndarray, order: Order) -> np.ndarray:
    """Mann–Whitney from sums per group, ties a half; equals scikit-learn's on single customers."""
    others = n - buyers
    total = others.sum(axis=-1, keepdims=True)
    after = total - order.before(others) - order.tied(others) / 2
    pairs = buyers.sum(axis=-1) * others.sum(axis=-1)
    return ratio((buyers * after).sum(axis=-1), pairs)


def wrong_shares(
    n: np.ndarray,
    top: np.ndarray,
    top_money: np.ndarray,
    order: Order,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Missed and false shares and missed money, when as many customers are treated as top as truly
    are."""
    total = n.sum(axis=-1)
    size = top.sum(axis=-1)
    share = ratio(size, total)
    missed = 1 - captured_share(n, top, order, share)
    false = missed * ratio(size, total - size)
    missed_money = 1 - captured_share(n, top_money, order, share)
    return missed, false, missed_money


def top_customers(revenue: np.ndarray) -> np.ndarray:
    """1 for the true top 20 % by revenue of the period (buyers only, ties at the edge included),
    else 0."""
    last = -max(1, round(TOP_SHARE * len(revenue)))
    edge = np.partition(revenue, last)[last]
    return ((revenue >= edge) & (revenue > 0)).astype(float)


@metric("validity", low=-1)
def ranking_power(score: np.ndarray, revenue: np.ndarray) -> float:
    """Gini of the captured revenue, ties averaged, divided by that of a perfect order."""
    one = np.ones(len(revenue))
    found = captured_area(*_groups(score, one, revenue))
    perfect = captured_area(*_groups(revenue, one, revenue))
    return float(ratio(found, perfect))


@metric("validity", high=10)
def top_decile_lift(score: np.ndarray, revenue: np.ndarray) -> float:
    """Share of revenue held by the best-scored 10 % of customers, over 10 %; ties averaged."""
    one = np.ones(len(revenue))
    n, money, order = _groups(score, one, revenue)
    share = captured_share(n, money, order, np.array(DECILE))
    return float(share / DECILE)


@metric("validity")
def auc(score: np.ndarray, bought: np.ndarray) -> float:
    """Area under the ROC curve (Mann–Whitney), ties count a half; NaN where all or none bought."""
    one = np.ones(len(bought))
    n, buyers, order = _groups(score, one, bought)
    return float(area_under_roc(n, buyers, order))


@metric("validity", higher_is_better=False)
def brier(probability: np.ndarray, bought: np.ndarray) -> float:
    """Brier score (Brier 1950)."""
    error = probability - bought
    return float(np.mean(error**2))


@metric("validity", low=-np.inf)
def capped_r2(amount: np.ndarray, revenue: np.ndarray) -> float:
    """1 − SSE/SST on capped revenue; below 0 when the level itself has shifted since the means
    were learned."""
    revenue = np.asarray(revenue, dtype=float)
    cap = Outcome(revenue, revenue).cap
    money = np.minimum(revenue, cap)
    off = amount - money
    apart = money - money.mean()
    unexplained = ratio((off**2).sum(), (apart**2).sum())
    return float(1 - unexplained)


@metric("validity", higher_is_better=False)
def missed_share(score: np.ndarray, revenue: np.ndarray) -> float:
    """1 − recall of the true top 20 % when equally many are treated as top."""
    missed, _, _ = _wrong(score, revenue)
    return missed


@metric("validity", higher_is_better=False)
def false_share(score: np.ndarray, revenue: np.ndarray) -> float:
    """False positive rate at the same cut."""
    _, false, _ = _wrong(score, revenue)
    return false


@metric("validity", higher_is_better=False)
def missed_revenue_share(score: np.ndarray, revenue: np.ndarray) -> float:
    """1 − share of the true top's revenue among those treated as top."""
    _, _, missed_money = _wrong(score, revenue)
    return missed_money


def _wrong(score: np.ndarray, revenue: np.ndarray) -> tuple[float, float, float]:
    top = top_customers(np.asarray(revenue, dtype=float))
    one = np.ones(len(top))
    n, top_sum, money, order = _groups(score, one, top, top * revenue)
    missed, false, missed_money = wrong_shares(n, top_sum, money, order)
    return float(missed), float(false), float(missed_money)


def _groups(score: np.ndarray, *columns: np.ndarray) -> tuple:
    """Sums of the columns per group of equal scores, best group first, and their order."""
    ranked = Ranked(score)
    sums = [ranked.sums(column) for column in columns]
    return (*sums, sorted_order())


class Ranked:
    """Customers sorted once by a score, highest first; equal scores form one group."""

    def __init__(self, score: np.ndarray):
        score = np.asarray(score, dtype=float)
        lost = int((~np.isfinite(score)).sum())
        if lost:
            raise ValueError(say("comparison.errors.not_finite", count=lost))
        self.order = np.argsort(-score, kind="stable")
        ranked = score[self.order]
        begins = ranked[1:] != ranked[:-1]
        self.starts = np.flatnonzero(np.r_[True, begins])

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums per group over the last axis, best group first."""
        return self.by_group(self.sorted(values))

    def sorted(self, values: np.ndarray) -> np.ndarray:
        """Values of customers (last axis), best customer first."""
        return np.take(np.asarray(values, dtype=float), self.order, axis=-1)

    def by_group(self, ranked: np.ndarray) -> np.ndarray:
        """`sums` of values that are `sorted` already."""
        if len(self.starts) == len(self.order):
            return ranked
        return np.add.reduceat(ranked, self.starts, axis=-1)
