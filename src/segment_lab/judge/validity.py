"""Does a scheme, learned before t0, tell who will buy after t0?

The figures are those of the registry. Their intervals come from drawing the customers again: all
draws of all schemes are sums per segment from one matrix product, and in every draw the schemes
learn their segments' worth anew, so that intervals speak of other customers and of other training
data alike. What a baseline learned stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from segment_lab.customers.rates import Z975
from segment_lab.judge import measures
from segment_lab.judge.learning import (
    CROSS_FITTED,
    NOTHING,
    Outcome,
    Prediction,
    folds,
    learned_means,
    segment_sums,
)
from segment_lab.judge.measures import MEASURES, Order, Ranked
from segment_lab.judge.registry import METRICS
from segment_lab.judge.resampling import blocks, deviation, groups_of, interval
from segment_lab.judge.told_apart import joint_factor, told_apart


@dataclass(frozen=True)
class Lesson:
    """What customers did in the period before t0: `place` is the position of each among the judged
    customers, −1 for those who are not judged."""

    outcome: Outcome
    place: np.ndarray


@dataclass(frozen=True)
class Judged:
    """Figures of every prediction and of every bootstrap draw; draws are paired across
    predictions."""

    predictions: tuple[Prediction, ...]
    values: np.ndarray  # (predictions, measures)
    samples: np.ndarray  # (draws, predictions, measures)

    def table(self) -> pd.DataFrame:
        """One row per prediction: each measure with its 95 % interval (``_low``, ``_high``)."""
        low, high = interval(self.values, self.samples)
        columns = {}
        for m, name in enumerate(MEASURES):
            columns[name] = self.values[:, m]
            columns[f"{name}_low"] = low[:, m]
            columns[f"{name}_high"] = high[:, m]
        names = pd.Index([p.name for p in self.predictions], name="scheme")
        return pd.DataFrame(columns, index=names)

    def differences(self) -> pd.DataFrame:
        """a − b for every pair that was learned alike, and every measure.

        ``difference_low, difference_high`` is the paired 95 % interval of that pair alone;
        ``joint_low, joint_high`` holds for all pairs of its family at once (see `joint_factor`),
        and ``certain`` says that the joint interval leaves out 0. Of a pair that only
        `told_apart` finds to differ it begins or ends at 0: by how much is not said.
        """
        pairs = self.pairs()
        rows = []
        for m, name in enumerate(MEASURES):
            factors = self._factors(pairs, m)
            apart = self._told_apart(pairs, m)
            for a, b in pairs:
                difference = self.values[a, m] - self.values[b, m]
                spread = float(deviation(self.samples[:, a, m] - self.samples[:, b, m]))
                spread = 0.0 if spread < 1e-9 else spread
                joint = factors[self._family(a, b)] * spread
                low, high = difference - joint, difference + joint
                if (a, b) in apart:
                    low, high = (
                        (max(low, SLIGHT), high)
                        if difference > 0
                        else (low, min(high, -SLIGHT))
                    )
                rows.append(
                    {
                        "measure": name,
                        "a": self.predictions[a].name,
                        "b": self.predictions[b].name,
                        "difference": difference,
                        "difference_low": difference - Z975 * spread,
                        "difference_high": difference + Z975 * spread,
                        "joint_low": low,
                        "joint_high": high,
                    }
                )
        columns = [
            "measure",
            "a",
            "b",
            "difference",
            "difference_low",
            "difference_high",
        ]
        frame = pd.DataFrame(rows, columns=[*columns, "joint_low", "joint_high"])
        return frame.assign(
            certain=(frame["joint_low"] > 0) | (frame["joint_high"] < 0)
        )

    def pairs(self) -> list[tuple[int, int]]:
        """Positions of the pairs that were learned alike; a rank with nothing to learn fits any."""
        found = []
        for a, b in combinations(range(len(self.predictions)), 2):
            ways = {self.predictions[a].learned, self.predictions[b].learned} - {
                NOTHING
            }
            if len(ways) < 2:
                found.append((a, b))
        return found

    def _family(self, a: int, b: int) -> str:
        """What one sentence compares: schemes among themselves, or schemes beside baselines; the
        rest is evidence only."""
        kinds = {self.predictions[a].kind, self.predictions[b].kind}
        if kinds == {"scheme"}:
            return "schemes"
        return "beside" if kinds == {"scheme", "baseline"} else "rest"

    def _told_apart(
        self, pairs: Sequence[tuple[int, int]], m: int
    ) -> set[tuple[int, int]]:
        """Pairs of schemes that closed testing tells apart (`told_apart`)."""
        mine = [pair for pair in pairs if self._family(*pair) == "schemes"]
        found = told_apart(self.values[:, m], self.samples[:, :, m], mine)
        return {pair for pair, certain in zip(mine, found, strict=True) if certain}

    def _factors(self, pairs: Sequence[tuple[int, int]], m: int) -> dict[str, float]:
        found = {}
        for family in ("schemes", "beside", "rest"):
            mine = [pair for pair in pairs if self._family(*pair) == family]
            found[family] = joint_factor(self.samples[:, :, m], mine)
        return found


#: By how much of their spread the customers of the lesson are drawn again. What was learned holds
#: its chance already; drawn in full, it would count twice where segments are close in worth, and
#: ranges were up to 30 % too wide (docs/calibration.md).
LESSON_SPREAD = 0.6
#: More than nothing: all that closed testing says of a difference.
SLIGHT = 1e-9


def judge(
    predictions: Sequence[Prediction],
    outcome: Outcome,
    draws: int = 200,
    seed: int = 0,
    lesson: Lesson | None = None,
) -> Judged:
    """Score predictions on the judged period, with `draws` paired draws of the customers.

    Where a scheme is cross-fitted, everything is measured within each fold and averaged: scores
    learned from different folds are never put into one order.
    """
    n = len(outcome.revenue)
    crossed = any(p.learned == CROSS_FITTED for p in predictions)
    parts = folds(n, seed) if crossed else [np.arange(n)]
    values = np.mean(
        [_values(predictions, outcome, part, lesson) for part in parts], axis=0
    )
    bootstrap = _Bootstrap(predictions, outcome, parts, lesson)
    everybody = n if lesson is None else n + int((lesson.place < 0).sum())
    samples = [bootstrap.measured(counts) for counts in blocks(everybody, draws, seed)]
    return Judged(tuple(predictions), values, np.concatenate(samples))


def _values(
    predictions: Sequence[Prediction],
    outcome: Outcome,
    part: np.ndarray,
    lesson: Lesson | None,
) -> np.ndarray:
    """The measures of the registry on the customers of one part, shape (predictions, measures)."""
    revenue, bought = outcome.revenue[part], outcome.bought[part]
    rows = []
    for prediction in predictions:
        score, amount, chance = scores_of(prediction, outcome, part, lesson)
        given = {
            "auc": (score if chance is None else chance, bought),
            "brier": (chance, bought),
            "capped_r2": (amount, revenue),
        }
        row = []
        for name in MEASURES:
            said, happened = given.get(name, (score, revenue))
            row.append(
                np.nan if said is None else METRICS[name].function(said, happened)
            )
        rows.append(row)
    return np.array(rows, dtype=float)


def scores_of(
    prediction: Prediction, outcome: Outcome, part: np.ndarray, lesson: Lesson | None
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Score, amount and chance of the customers of a part: as brought, or the means that their
    segments had in the lesson or among the customers outside the part."""
    if prediction.codes is None:
        assert prediction.score is not None
        kept = (prediction.amount, prediction.probability)
        amount, chance = (None if v is None else v[part] for v in kept)
        return prediction.score[part], amount, chance
    k = int(prediction.segments or 0)
    if prediction.taught is not None and lesson is not None:
        sums = segment_sums(prediction.taught, lesson.outcome, k + 1)
    else:
        elsewhere = np.setdiff1d(
            np.arange(len(outcome.revenue)), part, assume_unique=True
        )
        taught = Outcome(outcome.revenue[elsewhere], outcome.bought[elsewhere])
        sums = segment_sums(prediction.codes[elsewhere], taught, k)
    amount, chance = learned_means(*sums)
    mine = prediction.codes[part]
    return amount[mine], amount[mine], chance[mine]


class _Bootstrap:
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
            if prediction.codes is not None:
                k = int(prediction.segments or 0)
                self.groups[i] = groups_of(prediction.codes, k)
                if prediction.taught is not None:
                    # The last for those not known.
                    member = groups_of(prediction.taught, k + 2)
                    self.taught[i] = member[:, : k + 1]
            else:
                assert prediction.score is not None
                chance = prediction.probability
                self.ranked[i] = [
                    (
                        Ranked(prediction.score[part]),
                        Ranked((prediction.score if chance is None else chance)[part]),
                    )
                    for part in parts
                ]
        self.truth = [Ranked(outcome.revenue[part]) for part in parts]

    def measured(self, counts: np.ndarray) -> np.ndarray:
        """Measures of a block of draws, shape (draws, predictions, measures)."""
        weights = counts[:, : self.n]
        learned = self._lessons(counts)
        found = [self._part(f, weights, learned) for f in range(len(self.parts))]
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
        columns = [weights, weights * outcome.capped, weights * outcome.bought]
        return {
            i: learned_means(*(column @ member for column in columns))
            for i, member in self.taught.items()
        }

    def _part(
        self,
        f: int,
        weights: np.ndarray,
        learned: dict[int, tuple[np.ndarray, np.ndarray]],
    ) -> np.ndarray:
        part = self.parts[f]
        columns = _Columns(weights[:, part], self.outcome, part, self.truth[f])
        out = np.full((len(weights), len(self.predictions), len(MEASURES)), np.nan)
        for i, prediction in enumerate(self.predictions):
            if prediction.codes is None:
                out[:, i] = _of_ranks(columns, prediction, part, *self.ranked[i][f])
                continue
            amount, chance = learned.get(i) or self._elsewhere(i, part, weights)
            out[:, i] = _of_segments(columns, self.groups[i][part], amount, chance)
        return out

    def _elsewhere(
        self, i: int, part: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What a scheme learned from the customers of each draw outside the part."""
        outside = 1 + LESSON_SPREAD * (weights - 1)
        outside[:, part] = 0.0
        member = self.groups[i]
        outcome = self.outcome
        return learned_means(
            outside @ member,
            (outside * outcome.capped) @ member,
            (outside * outcome.bought) @ member,
        )


class _Columns:
    """The columns that are summed, weighted by the counts of every draw, shape (draws, n)."""

    def __init__(
        self, weights: np.ndarray, outcome: Outcome, part: np.ndarray, truth: Ranked
    ):
        revenue, capped = outcome.revenue[part], outcome.capped[part]
        self.bought, self.capped_values = outcome.bought[part], capped
        self.weights = weights
        self.money = weights * revenue
        self.buyers = weights * self.bought
        self.capped = weights * capped
        self.squares = weights * capped**2
        top = self._top(revenue, truth)
        self.top, self.top_money = weights * top, self.money * top
        total = np.maximum(weights.sum(axis=1), 1)
        self.total = total
        self.spread = self.squares.sum(axis=1) - self.capped.sum(axis=1) ** 2 / total
        order = measures.sorted_order()
        self.perfect = measures.captured_area(
            truth.sums(weights), truth.sums(self.money), order
        )

    def _top(self, revenue: np.ndarray, truth: Ranked) -> np.ndarray:
        """The true top fifth of every draw: buyers whose group begins within it."""
        n = truth.sums(self.weights)
        size = np.maximum(
            1, np.round(measures.TOP_SHARE * self.weights.sum(axis=1, keepdims=True))
        )
        begins = np.cumsum(n, axis=1) - n
        inside = np.repeat(
            begins < size, np.diff(np.r_[truth.starts, len(truth.order)]), axis=1
        )
        top = np.empty_like(self.weights)
        top[:, truth.order] = inside
        return top * (revenue > 0)


def _of_segments(
    columns: _Columns, member: np.ndarray, amount: np.ndarray, chance: np.ndarray
) -> np.ndarray:
    k = member.shape[1]
    amount, chance = amount[:, :k], chance[:, :k]
    n, money, buyers = (
        c @ member for c in (columns.weights, columns.money, columns.buyers)
    )
    capped, squares = columns.capped @ member, columns.squares @ member
    top, top_money = columns.top @ member, columns.top_money @ member
    brier = (n * chance**2 - 2 * chance * buyers + buyers).sum(axis=1) / columns.total
    loss = (n * amount**2 - 2 * amount * capped + squares).sum(axis=1)
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
    wanted = (columns.weights, columns.money, columns.top, columns.top_money)
    sums = tuple(ranked.sums(column) for column in wanted)
    order = measures.sorted_order()
    auc = measures.area_under_roc(
        buying.sums(columns.weights), buying.sums(columns.buyers), order
    )
    brier = loss = np.full(len(columns.total), np.nan)
    if prediction.probability is not None:
        error = (prediction.probability[part] - columns.bought) ** 2
        brier = columns.weights @ error / columns.total
    if prediction.amount is not None:
        loss = columns.weights @ (prediction.amount[part] - columns.capped_values) ** 2
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


def null_power(score: np.ndarray, revenue: np.ndarray) -> float:
    """The ranking power that groups of the same sizes dealt at random exceed in one case of forty;
    their mean is 0.

    Exact standard deviation over all permutations (the captured area is linear in the revenues),
    normal quantile.
    """
    n = len(revenue)
    one = np.ones(n)
    size = Ranked(score).sums(one)
    place = 2 * (np.cumsum(size) - size / 2) / n - 1
    spread = (size @ place**2) * ((revenue - revenue.mean()) ** 2).sum() / (n - 1)
    truth = Ranked(revenue)
    perfect = measures.captured_area(
        truth.sums(one), truth.sums(revenue), measures.sorted_order()
    )
    return float(measures.ratio(Z975 * np.sqrt(spread) / revenue.sum(), perfect))
