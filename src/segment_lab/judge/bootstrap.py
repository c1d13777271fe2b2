"""All measures of all predictions over blocks of bootstrap draws.

Everything is a sum per group of customers, so a block of draws is a few matrix products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segment_lab.judge import measures
from segment_lab.judge.learning import Lesson, Outcome, Prediction, learned_means
from segment_lab.judge.measures import MEASURES, Order, Ranked
from segment_lab.judge.resampling import groups_of

#: By how much of their spread the customers of the lesson are drawn again. What was learned holds
#: its chance already; drawn in full, it would count twice where segments are close in worth, and
#: ranges were up to 30 % too wide (docs/calibration.md).
LESSON_SPREAD = 0.6


class Bootstrap:
    """Everything that does not change from draw to draw, so that a block of draws is a few matrix
    products: counts × groups."""

    def __init__(
        self,
        predictions: Sequence[Prediction],
        outcome: Outcome,
        parts: list[np.ndarray],
        lesson: Lesson | None,
    ):
        self.predictions, self.outcome, self.parts = predictions, outcome, parts
        self.lesson = lesson
        self.n = len(outcome.revenue)
        self.groups, self.taught, self.ranked = {}, {}, {}
        for i, prediction in enumerate(predictions):
            if prediction.codes is None:
                self.ranked[i] = [_ranked(prediction, part) for part in parts]
                continue
            k = int(prediction.segments or 0)
            self.groups[i] = groups_of(prediction.codes, k)
            if prediction.taught is not None:
                # The last for those not known.
                member = groups_of(prediction.taught, k + 2)
                self.taught[i] = member[:, : k + 1]
        self.truth = [Ranked(outcome.revenue[part]) for part in parts]

    def measured(self, counts: np.ndarray) -> np.ndarray:
        """Measures of a block of draws, shape (draws, predictions, measures)."""
        weights = counts[:, : self.n]
        learned = self._lessons(counts)
        sums = self._sums_by_part(weights, learned)
        found = [self._part(f, weights, learned, sums) for f in range(len(self.parts))]
        return np.mean(found, axis=0)

    def _lessons(self, counts: np.ndarray) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """What every scheme learned before t0 from the customers of each draw."""
        if self.lesson is None or not self.taught:
            return {}
        place = self.lesson.place.copy()
        strangers = place < 0
        place[strangers] = self.n + np.arange(strangers.sum())
        weights = 1 + LESSON_SPREAD * (counts[:, place] - 1)
        outcome = self.lesson.outcome
        money, buyers = weights * outcome.capped, weights * outcome.bought
        learned = {}
        for i, member in self.taught.items():
            learned[i] = learned_means(
                weights @ member, money @ member, buyers @ member
            )
        return learned

    def _part(
        self,
        f: int,
        weights: np.ndarray,
        learned: dict[int, tuple[np.ndarray, np.ndarray]],
        sums: dict[int, np.ndarray],
    ) -> np.ndarray:
        part = self.parts[f]
        drawn = np.take(weights, part, axis=1)
        columns = _Columns(drawn, self.outcome, part, self.truth[f])
        out = np.full((len(weights), len(self.predictions), len(MEASURES)), np.nan)
        for i, prediction in enumerate(self.predictions):
            if prediction.codes is None:
                out[:, i] = _of_ranks(columns, prediction, part, *self.ranked[i][f])
                continue
            amount, chance = learned.get(i) or _elsewhere(sums[i], f)
            out[:, i] = _of_segments(columns, self.groups[i][part], amount, chance)
        return out

    def _sums_by_part(
        self, weights: np.ndarray, learned: Mapping[int, Any]
    ) -> dict[int, np.ndarray]:
        """Of schemes that learn within the period: customers, money and buyers of every group in
        each part, shape (parts, 3, draws, groups)."""
        inside = 1 + LESSON_SPREAD * (weights - 1)
        crossed = {i: m for i, m in self.groups.items() if i not in learned}
        sums: dict[int, list[Any]] = {i: [] for i in crossed}
        for part in self.parts if crossed else ():
            customers = np.take(inside, part, axis=1)
            money = customers * self.outcome.capped[part]
            buyers = customers * self.outcome.bought[part]
            for i, member in crossed.items():
                mine = member[part]
                found = [column @ mine for column in (customers, money, buyers)]
                sums[i].append(found)
        return {i: np.array(by_part) for i, by_part in sums.items()}


def _elsewhere(sums: np.ndarray, part: int) -> tuple[np.ndarray, np.ndarray]:
    """What a scheme learned from the customers of each draw outside the part."""
    customers, money, buyers = np.delete(sums, part, axis=0).sum(axis=0)
    return learned_means(customers, money, buyers)


def _ranked(prediction: Prediction, part: np.ndarray) -> tuple[Ranked, Ranked]:
    """The customers of a part by score, and by their chance to buy."""
    score, chance = prediction.score, prediction.probability
    assert score is not None
    ranked = Ranked(score[part])
    return ranked, ranked if chance is None else Ranked(chance[part])


class _Columns:
    """The columns that are summed, weighted by the counts of every draw, shape (draws, n)."""

    def __init__(
        self,
        weights: np.ndarray,
        outcome: Outcome,
        part: np.ndarray,
        truth: Ranked,
    ):
        revenue, capped = outcome.revenue[part], outcome.capped[part]
        self.bought, self.capped_values = outcome.bought[part], capped
        self.revenue = revenue
        self.weights = weights
        self.money = weights * revenue
        self.buyers = weights * self.bought
        self.capped = weights * capped
        self.squares = weights * capped**2
        ranked = truth.sorted(weights)
        n = truth.by_group(ranked)
        top = self._top(revenue, truth, n)
        self.top, self.top_money = weights * top, self.money * top
        self.total = np.maximum(weights.sum(axis=1), 1)
        of_mean = self.capped.sum(axis=1) ** 2 / self.total
        self.spread = self.squares.sum(axis=1) - of_mean
        money = truth.by_group(ranked * truth.sorted(revenue))
        self.perfect = measures.captured_area(n, money, measures.sorted_order())

    def _top(self, revenue: np.ndarray, truth: Ranked, n: np.ndarray) -> np.ndarray:
        """The true top fifth of every draw: buyers whose group (of `n`) begins within it."""
        customers = self.weights.sum(axis=1, keepdims=True)
        size = np.maximum(1, np.round(measures.TOP_SHARE * customers))
        begins = np.cumsum(n, axis=1) - n
        group_sizes = np.diff(truth.starts, append=len(truth.order))
        inside = np.repeat(begins < size, group_sizes, axis=1)
        top = np.empty_like(self.weights)
        top[:, truth.order] = inside
        return top * (revenue > 0)


def _of_segments(
    columns: _Columns,
    member: np.ndarray,
    amount: np.ndarray,
    chance: np.ndarray,
) -> np.ndarray:
    k = member.shape[1]
    amount, chance = amount[:, :k], chance[:, :k]
    n = columns.weights @ member
    money, buyers = columns.money @ member, columns.buyers @ member
    capped, squares = columns.capped @ member, columns.squares @ member
    top, top_money = columns.top @ member, columns.top_money @ member
    # Sums of (chance − bought)² and (amount − capped)², multiplied out.
    error = n * chance**2 - 2 * chance * buyers + buyers
    off = n * amount**2 - 2 * amount * capped + squares
    brier = error.sum(axis=1) / columns.total
    loss = off.sum(axis=1)
    by_amount = measures.scored_order(amount)
    by_chance = measures.scored_order(chance)
    auc = measures.area_under_roc(n, buyers, by_chance)
    return _stacked(columns, by_amount, (n, money, top, top_money), (auc, brier, loss))


def _of_ranks(
    columns: _Columns,
    prediction: Prediction,
    part: np.ndarray,
    ranked: Ranked,
    buying: Ranked,
) -> np.ndarray:
    # To put draws into order takes longer than to multiply them again.
    weights, top = ranked.sorted(columns.weights), ranked.sorted(columns.top)
    revenue = ranked.sorted(columns.revenue)
    sorted_sums = (weights, weights * revenue, top, top * revenue)
    sums = tuple(ranked.by_group(column) for column in sorted_sums)
    order = measures.sorted_order()
    if buying is not ranked:
        weights = buying.sorted(columns.weights)
    bought = weights * buying.sorted(columns.bought)
    n, buyers = buying.by_group(weights), buying.by_group(bought)
    auc = measures.area_under_roc(n, buyers, order)
    brier = loss = np.full(len(columns.total), np.nan)
    if prediction.probability is not None:
        error = (prediction.probability[part] - columns.bought) ** 2
        brier = columns.weights @ error / columns.total
    if prediction.amount is not None:
        off = prediction.amount[part] - columns.capped_values
        loss = columns.weights @ off**2
    return _stacked(columns, order, sums, (auc, brier, loss))


def _stacked(
    columns: _Columns,
    order: Order,
    sums: tuple[np.ndarray, ...],
    known: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> np.ndarray:
    """The measures in the order of `MEASURES`, shape (draws, measures)."""
    n, money, top, top_money = sums
    auc, brier, loss = known
    tenth = np.full(len(n), measures.DECILE)
    power = measures.ratio(measures.captured_area(n, money, order), columns.perfect)
    lift = measures.captured_share(n, money, order, tenth) / measures.DECILE
    explained = 1 - measures.ratio(loss, columns.spread)
    wrong = measures.wrong_shares(n, top, top_money, order)
    return np.stack([power, lift, auc, brier, explained, *wrong], axis=1)
