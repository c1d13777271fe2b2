"""Learned: a few readable rules in days, orders and money that predict what customers spend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, Self

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.errors import DataError, NotEnoughDataError
from segment_lab.segments.base import Segmenter, shortest_cut
from segment_lab.texts import DEFAULT, say, speaking

#: What a rule may ask, and the direction in which more must not mean less: silence down, orders
#: and money up.
DIRECTIONS = {"recency_days": -1, "frequency": 1, "revenue": 1}
#: Fewest customers a tree is learned from, and of a segment (or this share, if that is more).
LEAST, LEAST_LEAF, LEAF_SHARE = 100, 20, 0.01
#: Amounts above this share of all count as this much: one giant must not draw the rules.
CAP = 0.99
#: Share of the customers who may change side where a cut point is rounded.
ROUNDING = 0.005
Box = dict[str, tuple[float, float]]


class Leaf(NamedTuple):
    """One rule: bounds ``low < value <= high`` per column, its customers, and its rank value."""

    box: Box
    rows: np.ndarray
    value: float


class TreeSegmenter(Segmenter):
    """Rules learned from what customers of an earlier day spent afterwards.

    Gradient boosting that must respect `DIRECTIONS` learns the expected spend, a tree of at most
    `max_segments` leaves in the same directions explains it, and its cut points are rounded where
    next to nobody changes side. Spend is capped at its 99 % point and enters the tree as a square
    root. The segments are in the order of what they are expected to spend and named by their
    rules.

    Parameters
    ----------
    max_segments : int
        Most rules.
    sample : int
        Customers that the rules are learned from at most.
    random_state : int
        Start of the random numbers that draw the sample.

    Attributes
    ----------
    leaves_ : list of dict
        Per segment the bounds by column: more than the first number, at most the second.
    spent_, learned_on_ : list of float, list of int
        Mean spend of each segment's customers in the period learned from, and their number.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> orders = rng.integers(1, 9, 500)
    >>> then = pd.DataFrame({"recency_days": 10, "frequency": orders, "revenue": 50.0})
    >>> fitted = TreeSegmenter(max_segments=2).fit(then, pd.Series(100.0 * (orders > 4)))
    >>> fitted.segment_names_
    ('5+ orders', 'Up to 4 orders')
    """

    method = "tree"
    supervised = True

    def __init__(
        self,
        max_segments: Annotated[int, Field(ge=2, le=12)] = 12,
        sample: Annotated[int, Field(ge=500)] = 50_000,
        random_state: Annotated[int, Field(ge=0)] = 0,
    ):
        self.max_segments = max_segments
        self.sample = sample
        self.random_state = random_state

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(DIRECTIONS)

    def fit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        """Learn from a customer table of an earlier day and what was spent since.

        Parameters
        ----------
        customers : DataFrame
            One row per ``customer_id`` (the index), as it stood at the beginning of the period.
        y : Series or array of float
            Spend in the period, by customer; negative totals count as 0.

        Raises
        ------
        NotEnoughDataError
            There is no `y`.
        DataError
            The table is not what it must be, or `y` lacks customers.
        """
        self._check_parameters()
        rows = self._checked(customers, self.columns)
        if y is None:
            raise NotEnoughDataError(say("tree.errors.no_outcomes"))
        spent = (
            pd.Series(y)
            if isinstance(y, pd.Series)
            else pd.Series(np.asarray(y), rows.index)
        )
        spent = spent.reindex(rows.index).astype("float64")
        if missing := int(spent.isna().sum()):
            raise DataError(say("tree.errors.other_customers", missing=missing))
        self.columns_ = tuple(rows.columns)
        # Sorted by value, so that neither row order nor ids change the result.
        table = rows.astype("float64").assign(spent=spent.clip(lower=0))
        table = table.sort_values(list(table.columns), kind="stable")
        self._learn(table[list(self.columns)], table["spent"].to_numpy())
        return self

    def _fit(self, rows: pd.DataFrame) -> None:  # `fit` learns here: it needs y
        raise NotImplementedError

    def _learn(self, rows: pd.DataFrame, spent: np.ndarray) -> None:
        everybody = np.arange(len(rows))
        whole = dict.fromkeys(self.columns, (-np.inf, np.inf))
        leaves = [Leaf(whole, everybody, 0.0)]
        if len(rows) >= LEAST and spent.max() > 0:
            leaves = self._grow(rows, spent, whole)
        leaves = sorted(leaves, key=lambda leaf: -leaf.value)
        self.leaves_ = [leaf.box for leaf in leaves]
        self.spent_ = [float(spent[leaf.rows].mean()) for leaf in leaves]
        self.learned_on_ = [len(leaf.rows) for leaf in leaves]
        # Keys in data and SQL; pages show them in their own language.
        with speaking(DEFAULT):
            self.segment_names_ = tuple(_name(box) for box in self.leaves_)

    def _grow(self, rows: pd.DataFrame, spent: np.ndarray, whole: Box) -> list[Leaf]:
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.tree import DecisionTreeRegressor
        from threadpoolctl import threadpool_limits

        rng = np.random.default_rng(self.random_state)
        drawn = np.sort(rng.permutation(len(rows))[: self.sample])
        few, capped = rows.iloc[drawn], spent[drawn]
        cap = np.quantile(capped, CAP)
        capped = capped.clip(max=cap) if cap > 0 else capped
        directions = list(DIRECTIONS.values())
        teacher = HistGradientBoostingRegressor(
            loss="poisson",
            max_iter=150,
            learning_rate=0.05,
            min_samples_leaf=2 * LEAST_LEAF,
            monotonic_cst=directions,
            random_state=self.random_state,
        )
        least = max(LEAST_LEAF, int(LEAF_SHARE * len(few)))
        tree = DecisionTreeRegressor(
            max_leaf_nodes=self.max_segments,
            min_samples_leaf=least,
            monotonic_cst=directions,
            random_state=self.random_state,
        )
        with threadpool_limits(1):
            expected = teacher.fit(few.to_numpy(), capped).predict(few.to_numpy())
            tree.fit(few.to_numpy(), np.sqrt(expected))
        return _leaves(tree.tree_, rows, whole)

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        branches = []
        for code, box in enumerate(self.leaves_):
            tests = [
                table[column].notnull() for column in box if len(self.leaves_) == 1
            ]
            for column, (low, high) in box.items():
                if low > -np.inf:
                    tests.append(table[column] > low)
                if high < np.inf:
                    tests.append(table[column] <= high)
            branches.append((ibis.and_(*tests), code))
        return branches, None

    def meanings(self) -> dict[str, str]:
        facts = zip(self.segment_names_, self.spent_, self.learned_on_, strict=True)
        return {
            name: say("tree.meaning", spent=spent, customers=customers)
            for name, spent, customers in facts
        }

    def describe(self) -> dict[str, Any]:
        rules = dict(zip(self.segment_names_, self.leaves_, strict=True))
        return {**super().describe(), "rules": rules, "spent": self.spent_}


def _leaves(tree: Any, rows: pd.DataFrame, whole: Box) -> list[Leaf]:
    """The leaves of a scikit-learn tree with rounded cut points; a cut that no longer divides its
    customers falls away, so that no rule is empty."""
    columns = list(rows.columns)
    values = rows.to_numpy()

    def walk(node: int, box: Box, inside: np.ndarray) -> list[Leaf]:
        left, right = tree.children_left[node], tree.children_right[node]
        if left == right:
            return [Leaf(box, inside, float(tree.value[node].ravel()[0]))]
        place = tree.feature[node]
        cut = rounded_cut(float(tree.threshold[node]), values[:, place])
        below = values[inside, place] <= cut
        if below.all() or not below.any():
            return walk(left if below.all() else right, box, inside)
        low, high = box[columns[place]]
        under = {**box, columns[place]: (low, cut)}
        over = {**box, columns[place]: (cut, high)}
        return walk(left, under, inside[below]) + walk(right, over, inside[~below])

    return walk(0, whole, np.arange(len(rows)))


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


def _name(box: Box) -> str:
    facts: dict[str, Any] = {}
    for column, word in zip(DIRECTIONS, ("days", "orders", "money"), strict=True):
        low, high = box[column]
        facts[f"{word}_over"] = None if low == -np.inf else low
        facts[f"{word}_to"] = None if high == np.inf else high
    if all(bound is None for bound in facts.values()):
        return say("tree.name.everybody")
    for bound in ("money_over", "money_to"):
        facts[f"{bound}_text"] = "" if facts[bound] is None else f"{facts[bound]:,.10g}"
    name = say("tree.name.rule", **facts)
    return name[:1].upper() + name[1:]
