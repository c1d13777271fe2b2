"""Learned: a few readable rules in days of silence and money a month that predict what customers
spend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, Self

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.customers.predicted import predict
from segment_lab.data.columns import column_faults, index_faults
from segment_lab.data.given import of_kind
from segment_lab.errors import DataError, NotEnoughDataError
from segment_lab.segments.base import Segmenter
from segment_lab.texts import DEFAULT, say, speaking

#: What a rule may ask, and the direction in which more must not mean less: silence down, money up.
SILENCE, MONTHLY = "recency_days", "monthly_revenue"
DIRECTIONS = {SILENCE: -1, MONTHLY: 1}
#: Where rules may cut. Round numbers are easy to say, and on another sample of customers the same
#: ones are found again.
DAYS = (3, 7, 14, 30, 60, 90, 180, 365, 730, 1095)
MONTH = 30
#: What the teacher reads beside the columns of the rules.
TAUGHT_BY = ("recency_days", "frequency", "revenue")
#: Fewest customers a tree is learned from, and of a segment (or this share, if that is more).
LEAST, LEAST_LEAF, LEAF_SHARE = 100, 20, 0.01
#: Amounts above this share of all count as this much: one giant must not draw the rules.
CAP = 0.99
#: The tree explains this power of the expected spend: logarithms rank small customers better and
#: lose the large ones, plain money does the reverse.
POWER = 2 / 3
#: The horizon of the model that is part of the teacher: its length hardly changes the order.
HORIZON = 90
Box = dict[str, tuple[float, float]]


class Way(NamedTuple):
    """How money is asked for and followed.

    Attributes
    ----------
    known_days : int
        How long everybody counts as known at least, so that one order of yesterday is no monthly
        habit.
    money : tuple of float
        Where money a month may be cut.
    by_spend : float
        How much of the teacher is the plain order of past spend (0 to 1).
    """

    known_days: int
    money: tuple[float, ...]
    by_spend: float


def _round_money(*digits: float) -> tuple[float, ...]:
    """Hundredths to hundreds of millions, with these leading digits."""
    return tuple(
        float(f"{digit}e{power}") for power in range(-2, 9) for digit in digits
    )


#: The usual way; and the one for a base whose first order lies less than `A_YEAR` back: there money
#: a month says when a customer came, and the largest are told by their past spend.
HABITS = Way(90, _round_money(1, 2, 5), 0.0)
YOUNG = Way(180, _round_money(1, 1.5, 2, 3, 5, 7), 1 / 3)
A_YEAR = 365


class Leaf(NamedTuple):
    """One rule: bounds ``low < value <= high`` per question, its customers, and its rank value."""

    box: Box
    rows: np.ndarray
    value: float


class TreeSegmenter(Segmenter):
    """Rules learned from what customers of an earlier day spent afterwards.

    Two forecasts are averaged: BG/NBD with Gamma-Gamma, and gradient boosting that must respect
    the directions and knows what the model expects. A tree of at most `max_segments` leaves
    explains them by two questions: how long silent, and how much a month since the first order.
    It may cut only at round numbers, finer ones where the base is `YOUNG`. The segments are in the
    order of what they are expected to spend and named by their rules.

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
        Per segment the bounds by question: more than the first number, at most the second.
    way_ : Way
        How money is asked for.
    spent_, learned_on_ : list of float, list of int
        Mean spend of each segment's customers in the period learned from, and their number.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> days = rng.integers(1, 120, 500)
    >>> then = pd.DataFrame({"recency_days": days, "tenure_days": 400, "frequency": 3})
    >>> then["revenue"] = 150.0
    >>> fitted = TreeSegmenter(max_segments=2).fit(then, pd.Series(100.0 * (days <= 60)))
    >>> fitted.segment_names_
    ('Last 60 days', 'Last order 61+ days ago')
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
        return ("recency_days", "tenure_days", "revenue")

    def fit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        """Learn from a customer table of an earlier day and what was spent since.

        Parameters
        ----------
        customers : DataFrame
            One row per ``customer_id`` (the index), as it stood at the beginning of the period:
            `columns`, and ``frequency``.
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
        rows = self._checked(customers, (*self.columns, "frequency"))
        if y is None:
            raise NotEnoughDataError(say("tree.errors.no_outcomes"))
        spent = _spent(y, rows.index)
        self.columns_ = self.columns
        # Sorted by value, so that neither row order nor ids change the result.
        table = rows.astype("float64").assign(spent=spent.clip(lower=0))
        table = table.sort_values(list(table.columns), kind="stable")
        self._learn(table.drop(columns="spent"), table["spent"].to_numpy())
        return self

    def _fit(self, rows: pd.DataFrame) -> None:  # `fit` learns here: it needs y
        raise NotImplementedError

    def _learn(self, rows: pd.DataFrame, spent: np.ndarray) -> None:
        everybody = np.arange(len(rows))
        whole = dict.fromkeys(DIRECTIONS, (-np.inf, np.inf))
        leaves = [Leaf(whole, everybody, 0.0)]
        young = rows["tenure_days"].max() < A_YEAR
        self.way_ = YOUNG if young else HABITS
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
        from sklearn.tree import DecisionTreeRegressor

        rng = np.random.default_rng(self.random_state)
        drawn = np.sort(rng.permutation(len(rows))[: self.sample])
        expected = self._taught(rows.iloc[drawn], spent[drawn])
        tree = DecisionTreeRegressor(
            max_leaf_nodes=self.max_segments,
            min_samples_leaf=max(LEAST_LEAF, int(LEAF_SHARE * len(drawn))),
            monotonic_cst=list(DIRECTIONS.values()),
            random_state=self.random_state,
        )
        steps = _steps(rows, self.way_)
        tree.fit(steps[drawn], expected**POWER)
        return _leaves(tree.tree_, steps, self.way_, whole)

    def _taught(self, rows: pd.DataFrame, spent: np.ndarray) -> np.ndarray:
        """What every customer is expected to spend: the geometric mean of a model of buying and of
        boosting that has seen the period, and past spend as the way has it. The first is steady,
        the second knows this base."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        by_model = _by_model(rows)
        cap = np.quantile(spent, CAP)
        capped = spent.clip(max=cap) if cap > 0 else spent
        read = np.column_stack([rows[list(TAUGHT_BY)].to_numpy(), by_model])
        boosting = HistGradientBoostingRegressor(
            loss="poisson",
            max_iter=150,
            learning_rate=0.05,
            min_samples_leaf=2 * LEAST_LEAF,
            monotonic_cst=[-1, 1, 1, 1],
            # A held-out part is drawn by row, and what it stops at varies from draw to draw.
            early_stopping=False,
            random_state=self.random_state,
        )
        with threadpool_limits(1):
            by_boosting = boosting.fit(read, capped).predict(read)
        learned = np.sqrt(by_model * by_boosting)
        past, weight = rows["revenue"].to_numpy().clip(min=1e-9), self.way_.by_spend
        return learned ** (1 - weight) * past**weight

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        branches = []
        for code, box in enumerate(self.leaves_):
            tests = []
            if len(self.leaves_) == 1:
                tests = [table[column].notnull() for column in self.columns]
            for question, (low, high) in box.items():
                if low > -np.inf:
                    tests.append(_above(table, question, low, self.way_))
                if high < np.inf:
                    tests.append(~_above(table, question, high, self.way_))
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
        return {
            **super().describe(),
            "rules": rules,
            "spent": self.spent_,
        }


def _by_model(rows: pd.DataFrame) -> np.ndarray:
    """Expected revenue by BG/NBD and Gamma-Gamma; shape ``(n,)``, above 0."""
    frequency = rows["frequency"].clip(lower=1)
    table = pd.DataFrame(
        {
            "frequency": frequency,
            "repeat_frequency": frequency - 1,
            "t_x": (rows["tenure_days"] - rows["recency_days"]).clip(lower=0),
            "tenure_days": rows["tenure_days"],
            "monetary_value": rows["revenue"] / frequency,
        }
    )
    expected = predict(table, HORIZON)["expected_revenue"].to_numpy()
    return np.clip(np.nan_to_num(expected), 1e-9, None)


def _above(table: ir.Table, question: str, cut: float, way: Way) -> ir.BooleanValue:
    """Whether a customer is past a cut point of a question."""
    if question == SILENCE:
        return table.recency_days > cut
    known = ibis.greatest(table.tenure_days, float(way.known_days))
    # Multiplied on both sides: a quotient may differ in its last digit between warehouses.
    return table.revenue * MONTH > known * cut


def _steps(rows: pd.DataFrame, way: Way) -> np.ndarray:
    """How many of the possible cut points each customer is past, by question; shape
    ``(n, 2)``."""
    silence = np.searchsorted(
        DAYS,
        rows["recency_days"].to_numpy(),
        side="left",
    )
    known = np.maximum(rows["tenure_days"].to_numpy(), float(way.known_days))
    money = rows["revenue"].to_numpy() * MONTH
    monthly = np.zeros(len(rows))
    for cut in way.money:
        monthly += money > known * cut
    return np.column_stack([silence, monthly]).astype(float)


def _leaves(tree: Any, steps: np.ndarray, way: Way, whole: Box) -> list[Leaf]:
    """The leaves of a scikit-learn tree over `_steps`, their cut points in days and money."""
    questions = tuple(zip(DIRECTIONS, (DAYS, way.money), strict=True))

    def walk(node: int, box: Box, inside: np.ndarray) -> list[Leaf]:
        left, right = tree.children_left[node], tree.children_right[node]
        if left == right:
            return [Leaf(box, inside, float(tree.value[node].ravel()[0]))]
        place, step = tree.feature[node], int(tree.threshold[node])
        question, cuts = questions[place]
        below = steps[inside, place] <= step
        low, high = box[question]
        under = {
            **box,
            question: (low, float(cuts[step])),
        }
        over = {
            **box,
            question: (float(cuts[step]), high),
        }
        return walk(left, under, inside[below]) + walk(right, over, inside[~below])

    return walk(0, whole, np.arange(len(steps)))


def _spent(y: Any, customers: pd.Index) -> pd.Series:
    """What each customer spent, as `fit` takes it; every fault of it is refused."""
    of_kind("fit", y=(y, (pd.Series, np.ndarray, list, tuple)))
    by_customer = isinstance(y, pd.Series)
    values = y if by_customer else pd.Series(list(y))
    if not by_customer and len(values) != len(customers):
        missing = abs(len(customers) - len(values))
        raise DataError(say("tree.errors.other_customers", missing=missing))
    faults = column_faults(values.to_frame("y"), ["y"], nullable=["y"], numbers=["y"])
    faults += index_faults(values.index)
    if faults:
        raise DataError(say("tree.errors.outcomes"), faults)
    spent = values.reindex(customers) if by_customer else values.set_axis(customers)
    if missing := int(spent.isna().sum()):
        raise DataError(say("tree.errors.other_customers", missing=missing))
    return spent.astype("float64")


def _name(box: Box) -> str:
    facts: dict[str, Any] = {}
    for question, word in zip(DIRECTIONS, ("days", "money"), strict=True):
        low, high = box[question]
        facts[f"{word}_over"] = None if low == -np.inf else low
        facts[f"{word}_to"] = None if high == np.inf else high
    if all(bound is None for bound in facts.values()):
        return say("tree.name.everybody")
    for bound in ("money_over", "money_to"):
        facts[f"{bound}_text"] = "" if facts[bound] is None else f"{facts[bound]:,.10g}"
    name = say("tree.name.rule", **facts)
    return name[:1].upper() + name[1:]
