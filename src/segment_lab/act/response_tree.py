"""A small tree that divides customers by how they respond.

The first split counts only where it is larger than nineteen of twenty that shuffled arms would
show. Once customers are known to differ, the groups are divided further at a lower bar; or the
rules explain a straight line, where a line foresees more than they do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from segment_lab.act.response_effects import Line, group_effects
from segment_lab.act.trial import FOLDS, LEAST_LEAF, Trial
from segment_lab.segments.base import shortest_cut
from segment_lab.texts import say
from segment_lab.texts.formats import decimal, words

#: Cut points tried per column, and values per text column.
CUTS, MOST_VALUES = 15, 12
#: The chance of a difference where there is none, and the z that a further split must exceed once
#: there is one. At the first bar for all of them, an effect that changes smoothly stayed in two
#: groups and brought three quarters of what can be won (docs/calibration.md).
FALSE_ALARM, LEAST_Z = 0.05, 2.5
#: How often the customers are divided into folds to tell whether a line foresees more.
REPEATS = 3
#: Share of the customers who may change side where a cut point is rounded.
ROUNDING = 0.005


class Condition(NamedTuple):
    """One side of a split: ``column <= value``, ``column > value``, ``column is (not) value``."""

    column: str
    sign: str
    value: Any

    def holds(self, table: Any) -> Any:
        """The condition over the columns of a DataFrame or an Ibis table."""
        column = table[self.column]
        if self.sign == "<=":
            return column <= self.value
        if self.sign == ">":
            return column > self.value
        if self.sign == "is":
            return column == self.value
        return column != self.value

    @property
    def text(self) -> str:
        value = self.value if isinstance(self.value, str) else decimal(self.value, 2)
        value = value.removesuffix(".00")
        signs = {"<=": "to", ">": "over", "is": "is", "is not": "is_not"}
        key = f"campaigns.response.{signs[self.sign]}"
        return say(key, column=words(self.column), value=value)


Branch = tuple[Condition, ...]


class Splits:
    """Every split that may be tried, as one matrix of who is on the first side; and `places`,
    where each customer stands in each column of numbers (−½ to ½), which is what a line asks."""

    def __init__(self, features: pd.DataFrame):
        self.conditions: list[tuple[Condition, Condition]] = []
        sides = []
        for column in features:
            for first, second in _pairs(str(column), features[column]):
                side = np.asarray(first.holds(features), dtype=bool)
                if 0 < side.sum() < len(side):
                    self.conditions.append((first, second))
                    sides.append(side)
        empty = np.zeros((len(features), 0), dtype=bool)
        self.sides = np.column_stack(sides) if sides else empty
        counted = features.select_dtypes(["number", "bool"])
        self.places = (counted.rank(pct=True) - 0.5).to_numpy(float)

    def z(self, psi: np.ndarray, rows: np.ndarray, least: int) -> np.ndarray:
        """|z| of the difference between both sides for every split of `rows`; psi (n,) or (n, p)
        gives (splits,) or (splits, p). Sides smaller than `least` count 0."""
        side = self.sides[rows].astype("float64")
        score = psi[rows]
        squared = score**2
        first = side.sum(axis=0)
        second = len(rows) - first
        if score.ndim > 1:
            first, second = first[:, None], second[:, None]
        sum1, square1 = side.T @ score, side.T @ squared
        sum2 = score.sum(axis=0) - sum1
        square2 = squared.sum(axis=0) - square1
        with np.errstate(divide="ignore", invalid="ignore"):
            mean1 = sum1 / first
            mean2 = sum2 / second
            variance1 = (square1 / first - mean1**2) / first
            variance2 = (square2 / second - mean2**2) / second
            error = np.sqrt(np.maximum(variance1 + variance2, 1e-12))
            z = np.abs(mean1 - mean2) / error
        small = (first < least) | (second < least)
        return np.where(small, 0.0, np.nan_to_num(z))

    def explained(
        self, foreseen: np.ndarray, rows: np.ndarray, least: int
    ) -> np.ndarray:
        """How much of the differences in `foreseen` (n,) lies between the sides of every split."""
        side = self.sides[rows]
        wanted = foreseen[rows] - foreseen[rows].mean()
        first = side.sum(axis=0)
        second = len(rows) - first
        with np.errstate(divide="ignore", invalid="ignore"):
            between = (wanted @ side) ** 2 * (1 / first + 1 / second)
        small = (first < least) | (second < least)
        return np.where(small, 0.0, np.nan_to_num(between))


def _pairs(column: str, values: pd.Series) -> list[tuple[Condition, Condition]]:
    """A column's splits: rounded cut points of numbers, single values of texts."""
    if pd.api.types.is_bool_dtype(values):
        return [_pair(column, "is", "is not", True)]
    if not pd.api.types.is_numeric_dtype(values):
        common = values.value_counts().index[:MOST_VALUES]
        return [_pair(column, "is", "is not", value) for value in common]
    numbers = values.to_numpy(float)
    levels = np.linspace(0, 1, CUTS + 2)[1:-1]
    cuts = np.unique(np.quantile(numbers, levels))
    rounded = sorted({rounded_cut(float(cut), numbers) for cut in cuts})
    return [_pair(column, "<=", ">", cut) for cut in rounded]


def _pair(
    column: str, sign: str, opposite: str, value: Any
) -> tuple[Condition, Condition]:
    """Both sides of one split."""
    return Condition(column, sign, value), Condition(column, opposite, value)


def rounded_cut(cut: float, values: np.ndarray) -> float:
    """The roundest number near `cut` (one significant digit, else two) for which at most `ROUNDING`
    of `values` change side; failing that the shortest for which nobody does."""
    if (values == np.floor(values)).all():
        cut = float(np.floor(cut))
    for digits in (1, 2):
        short = float(f"{cut:.{digits}g}")
        moved = (values <= short) != (values <= cut)
        if moved.mean() <= ROUNDING:
            return short
    return shortest_cut(cut, values)


def threshold(
    trial: Trial,
    expected: np.ndarray,
    splits: Splits,
    *,
    shuffles: int = 200,
    random_state: int = 0,
) -> float:
    """The |z| that a best split exceeds once in twenty times when the arms are shuffled (among
    customers of the same chance)."""
    rng = np.random.default_rng(random_state)
    everybody = np.arange(len(trial.money))
    least = _least(len(everybody))
    best = np.empty(shuffles)
    alike = []
    for drawn in np.unique(trial.probability):
        alike.append(np.flatnonzero(trial.probability == drawn))
    chance = trial.probability[:, None]
    off = (trial.capped - expected)[:, None]
    for start in range(0, shuffles, 25):
        block = range(start, min(start + 25, shuffles))
        shuffled = np.empty((len(everybody), len(block)), dtype=bool)
        for place in range(len(block)):
            for rows in alike:
                shuffled[rows, place] = rng.permutation(trial.treated[rows])
        psi = (shuffled - chance) / (chance * (1 - chance)) * off
        z = splits.z(psi, everybody, least)
        best[block.start : block.stop] = z.max(axis=0, initial=0)
    return max(float(np.quantile(best, 1 - FALSE_ALARM)), LEAST_Z)


def _least(n: int) -> int:
    return max(LEAST_LEAF, int(0.03 * n))


class Shape(NamedTuple):
    """How far a tree may grow; `first_z` is the |z| that its first split must reach."""

    leaves: int = 6
    depth: int = 3
    first_z: float = LEAST_Z


class Learned(NamedTuple):
    """Rules, and the line that they explain; None where they were found by themselves."""

    rules: list[Branch]
    line: Line | None

    def effects(
        self, psi: np.ndarray, groups: np.ndarray, rows: np.ndarray
    ) -> pd.DataFrame:
        """Of each rule's group, measured on `rows` (`group_effects`)."""
        line = self.line.of(rows) if self.line else None
        return group_effects(psi[rows], groups[rows], len(self.rules), line)


def learn(
    psi: np.ndarray,
    splits: Splits,
    features: pd.DataFrame,
    rows: np.ndarray,
    shape: Shape,
) -> Learned:
    """Rules from the scores of `rows`.

    A tree, or rules that explain a straight line where that foresees the scores of customers left
    out better: an effect that changes gradually is a weak difference at any one cut.
    """
    rules = grow(psi, splits, rows, shape)
    if len(rules) == 1 or splits.places.shape[1] == 0:
        return Learned(rules, None)
    rng = np.random.default_rng(len(rows))
    lost = 0.0
    for _ in range(REPEATS):
        fold = rng.permutation(len(rows)) % FOLDS
        for k in range(FOLDS):
            inside, left_out = rows[fold != k], rows[fold == k]
            alone = Learned(grow(psi, splits, inside, shape), None)
            groups = assigned(alone.rules, features)
            by_tree = alone.effects(psi, groups, inside)["shrunk"].to_numpy()[groups]
            by_line = Line.fit(splits.places, psi, inside).foreseen
            of_tree = ((psi - by_tree)[left_out] ** 2).sum()
            lost += of_tree - ((psi - by_line)[left_out] ** 2).sum()
    if lost <= 0:
        return Learned(rules, None)
    line = Line.fit(splits.places, psi, rows)
    return Learned(explain(line.foreseen, splits, rows, shape), line)


def grow(
    psi: np.ndarray, splits: Splits, rows: np.ndarray, shape: Shape
) -> list[Branch]:
    """Greedy tree on the scores of `rows`: the rules of its leaves, the largest difference
    first."""
    least = _least(len(rows))

    def z(part: np.ndarray) -> np.ndarray:
        return splits.z(psi, part, least)

    return _divided(z, splits, rows, shape, (shape.first_z, LEAST_Z))


def explain(
    foreseen: np.ndarray, splits: Splits, rows: np.ndarray, shape: Shape
) -> list[Branch]:
    """Rules that tell most of what is foreseen for `rows`."""
    least = _least(len(rows))

    def told(part: np.ndarray) -> np.ndarray:
        return splits.explained(foreseen, part, least)

    return _divided(told, splits, rows, shape, (0.0, 0.0))


def _divided(
    worth: Callable[[np.ndarray], np.ndarray],
    splits: Splits,
    rows: np.ndarray,
    shape: Shape,
    bars: tuple[float, float],
) -> list[Branch]:
    """Groups divided where a split is worth most, as long as it reaches the bar: that of the
    first, that of the others."""
    leaves: list[tuple[Branch, np.ndarray]] = [((), rows)]
    found = [_best_split(worth, rows)]
    while len(leaves) < shape.leaves:
        open_worth = [
            best if len(rule) < shape.depth else 0.0
            for (rule, _), (best, _) in zip(leaves, found, strict=True)
        ]
        place = int(np.argmax(open_worth))
        bar = bars[0] if len(leaves) == 1 else bars[1]
        if open_worth[place] < bar or open_worth[place] == 0:
            break
        (rule, inside), (_, split) = leaves[place], found[place]
        first, second = splits.conditions[split]
        side = splits.sides[inside, split]
        halves = [((*rule, first), inside[side]), ((*rule, second), inside[~side])]
        best_halves = [_best_split(worth, part) for _, part in halves]
        leaves[place : place + 1] = halves
        found[place : place + 1] = best_halves
    return [rule for rule, _ in leaves]


def _best_split(
    worth: Callable[[np.ndarray], np.ndarray], rows: np.ndarray
) -> tuple[float, int]:
    of_splits = worth(rows)
    if not len(of_splits):
        return 0.0, 0
    return float(of_splits.max()), int(of_splits.argmax())


def assigned(rules: Sequence[Branch], features: pd.DataFrame) -> np.ndarray:
    """Each customer's leaf; shape (n,)."""
    out = np.zeros(len(features), dtype=int)
    for code, rule in enumerate(rules):
        inside = np.ones(len(features), dtype=bool)
        for condition in rule:
            inside &= np.asarray(condition.holds(features), dtype=bool)
        out[inside] = code
    return out
