"""Who changes because of us: segments of customers who respond to a campaign alike, learned from a
randomised one, in money.

The scores come from `trial`, the groups from `response_tree`, their effects from
`response_effects`; where no split counts, the answer is that no difference was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.act.response_effects import group_effects
from segment_lab.act.response_tree import (
    Branch,
    Shape,
    Splits,
    assigned,
    learn,
    threshold,
)
from segment_lab.act.trial import (
    FOLDS,
    Trial,
    booster,
    checked_trial,
    numbers,
    outcome_model,
    scores,
    taken,
)
from segment_lab.customers.rates import Z975
from segment_lab.data.arguments import Amount, checked
from segment_lab.errors import ArgumentError
from segment_lab.segments.base import Segmenter
from segment_lab.texts import DEFAULT, say, speaking

#: What a rule may ask by default.
FEATURES = ("recency_days", "frequency", "revenue", "monetary_value", "tenure_days")


class Value(NamedTuple):
    """Money per customer of a way to choose whom to contact, with its 95 % range."""

    value: float
    low: float
    high: float
    contacted: float


class ResponseSegmenter(Segmenter):
    """Segments of customers who respond to a campaign alike, best first.

    Parameters
    ----------
    features : list of str, optional
        Columns that rules may ask: numbers, flags, or texts with few values.
    max_segments, depth : int
        Most segments, and most conditions of one.
    shuffles : int
        Shuffled arms behind the question whether there is a difference at all.
    random_state : int
        Start of the random numbers.

    Attributes
    ----------
    rules_ : list of tuple of Condition
    effects_ : DataFrame, index segment
        ``customers, effect, se, shrunk, shrunk_se``: money per contact, its cost not taken off.
    difference_found_ : bool
        False: everybody is one segment.
    threshold_ : float
        The |z| that the first split had to exceed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> people = pd.DataFrame({"frequency": rng.integers(1, 9, 4000)})
    >>> treated = rng.random(4000) < 0.5
    >>> money = rng.normal(20, 5, 4000) + np.where(people["frequency"] > 4, 4, -2) * treated
    >>> trial = pd.DataFrame({"treated": treated, "money": money})
    >>> fitted = ResponseSegmenter(["frequency"]).fit(people, trial)
    >>> fitted.segment_names_
    ('Orders over 4', 'Orders up to 4')
    """

    method = "response"
    supervised = True
    numeric: ClassVar[bool] = False

    def __init__(
        self,
        features: Sequence[str] | None = None,
        max_segments: Annotated[int, Field(ge=2, le=12)] = 6,
        depth: Annotated[int, Field(ge=1, le=5)] = 3,
        shuffles: Annotated[int, Field(ge=50)] = 200,
        random_state: Annotated[int, Field(ge=0)] = 0,
    ):
        self.features = features
        self.max_segments = max_segments
        self.depth = depth
        self.shuffles = shuffles
        self.random_state = random_state

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.features or FEATURES)

    def fit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        """Learn from a campaign.

        Parameters
        ----------
        customers : DataFrame, index customer_id
            As they stood when the campaign was drawn.
        y : DataFrame, index customer_id
            ``treated`` (flag), ``money`` brought within the horizon, and optionally
            ``probability`` of treatment (the share treated by default).

        Raises
        ------
        NotEnoughDataError
            An arm has fewer than `LEAST_ARM` customers.
        DataError
            The table or `y` lacks columns or customers.
        """
        self._check_parameters()
        rows = self._checked(customers, self.columns)
        self.columns_ = tuple(rows.columns)
        trial = checked_trial(rows, y)
        # Sorted by what was seen, so that row order changes nothing.
        order = np.lexsort([trial.treated, trial.money, *numbers(rows).T])
        self._learn(rows.iloc[order].reset_index(drop=True), taken(trial, order))
        return self

    def _fit(self, rows: pd.DataFrame) -> None:  # `fit` learns here: it needs y
        raise NotImplementedError

    def _learn(self, rows: pd.DataFrame, trial: Trial) -> None:
        expected = outcome_model(rows, trial, self.random_state)
        splits = Splits(rows)
        self.threshold_ = threshold(
            trial,
            expected,
            splits,
            shuffles=self.shuffles,
            random_state=self.random_state,
        )
        psi = scores(trial, expected)
        shape = Shape(self.max_segments, self.depth, self.threshold_)
        everybody = np.arange(len(rows))
        learned = learn(psi, splits, rows, everybody, shape)
        rules = learned.rules
        effects = learned.effects(psi, assigned(rules, rows), everybody)
        order = np.argsort(-effects["shrunk"].to_numpy(), kind="stable")
        self.rules_ = [rules[place] for place in order]
        # Keys in data and SQL; pages show them in their own language.
        with speaking(DEFAULT):
            self.segment_names_ = tuple(_name(rule) for rule in self.rules_)
        self.effects_ = effects.iloc[order].set_axis(list(self.segment_names_))
        self.difference_found_ = len(rules) > 1
        self._seen = (rows, trial, psi, splits, shape, expected)

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        branches = []
        for code, rule in enumerate(self.rules_):
            tests = [condition.holds(table) for condition in rule]
            whole = [table[column].notnull() for column in self.columns_[:1]]
            branches.append((ibis.and_(*(tests or whole)), code))
        return branches, None

    @property
    def _schema(self) -> dict[str, str]:
        rows = self._seen[0]
        kinds = dict.fromkeys(self.columns_, "float64")
        for column in self.columns_:
            if pd.api.types.is_bool_dtype(rows[column]):
                kinds[column] = "boolean"
            elif not pd.api.types.is_numeric_dtype(rows[column]):
                kinds[column] = "string"
        return kinds

    @checked
    def value(
        self, cost: Amount, segments: pd.Series | np.ndarray | None = None
    ) -> pd.DataFrame:
        """What each way of choosing whom to contact is worth per customer, contacts paid.

        Every customer is judged by rules that were learned without him (cross-fitted). The range is
        wider by the choice of the rules: what those of each fold would bring differs, as other
        customers would have taught other rules (decision 0164).

        Parameters
        ----------
        cost : float
            Of a contact.
        segments : Series, optional
            The present segments of the customers that were fitted, in their order: whoever is in
            a segment whose own effect exceeds the cost would be contacted.

        Returns
        -------
        DataFrame, index ``nobody, everybody, rules`` (and ``segments``)
            ``value`` with ``value_low, value_high`` (95 %), ``contacted`` (share).
        """
        self._check_fitted()
        rows, _, psi, splits, shape, _ = self._seen
        if segments is not None and len(segments) != len(rows):
            facts = {"given": len(segments), "fitted": len(rows)}
            raise ArgumentError(say("campaigns.response.other_segments", **facts))
        rng = np.random.default_rng(self.random_state + 1)
        fold = rng.permutation(len(psi)) % FOLDS
        groups = None
        if segments is not None:
            groups = (
                pd.Series(np.asarray(segments)).astype("category").cat.codes.to_numpy()
            )
        by_rules, by_segments = [], []
        for k in range(FOLDS):
            inside = np.flatnonzero(fold != k)
            learned = learn(psi, splits, rows, inside, shape)
            leaves = assigned(learned.rules, rows)
            effects = learned.effects(psi, leaves, inside)
            by_rules.append(_contacts(effects, leaves, cost))
            if groups is not None:
                count = groups.max() + 1
                effects = group_effects(psi[inside], groups[inside], count)
                by_segments.append(_contacts(effects, groups, cost))
        ways = {
            "nobody": [np.zeros(len(psi))] * FOLDS,
            "everybody": [np.ones(len(psi))] * FOLDS,
            "rules": by_rules,
        }
        if groups is not None:
            ways["segments"] = by_segments
        gains = psi - cost
        found = {name: _value(np.array(way), fold, gains) for name, way in ways.items()}
        out = pd.DataFrame.from_dict(found, orient="index", columns=list(Value._fields))
        return out.rename(columns={"low": "value_low", "high": "value_high"})

    def ranked(self, customers: pd.DataFrame) -> pd.Series:
        """A number by which to contact a fixed number of customers, highest first: the expected
        effect by boosting, or what they are expected to bring where no difference was found."""
        rows, trial, psi, _, _, _ = self._seen
        target = psi if self.difference_found_ else trial.capped
        model = booster(self.random_state).fit(numbers(rows), target)
        given = self._checked(customers)
        return pd.Series(
            model.predict(numbers(given)), index=customers.index, name="rank_value"
        )

    def meanings(self) -> dict[str, str]:
        facts: Mapping[Any, Any] = self.effects_.to_dict("index")
        return {
            str(name): say(
                "campaigns.response.meaning", **row, reach=Z975 * row["shrunk_se"]
            )
            for name, row in facts.items()
        }

    def describe(self) -> dict[str, Any]:
        rules = {
            name: [" ".join(map(str, condition)) for condition in rule]
            for name, rule in zip(self.segment_names_, self.rules_, strict=True)
        }
        return {
            **super().describe(),
            "rules": rules,
            "effects": self.effects_["shrunk"].tolist(),
        }


def _name(rule: Branch) -> str:
    """The rule in words; of several conditions of one kind on a column the narrowest."""
    last = {(condition.column, condition.sign): condition for condition in rule}
    if not last:
        return say("campaigns.response.everybody")
    text = ", ".join(condition.text for condition in last.values())
    return text[:1].upper() + text[1:]


def _contacts(effects: pd.DataFrame, groups: np.ndarray, cost: float) -> np.ndarray:
    """Whom the groups' effects would contact; (n,) of 0 and 1."""
    return (effects["shrunk"].to_numpy() > cost)[groups].astype(float)


def _value(chosen: np.ndarray, fold: np.ndarray, gains: np.ndarray) -> Value:
    """What customers bring who are chosen by the rules of their own fold; chosen (folds, n)."""
    own = chosen[fold, np.arange(len(fold))]
    brought = own * gains
    measured = brought.var(ddof=1) / len(fold)
    choice = (chosen @ gains / len(fold)).var(ddof=1)
    mean, error = float(brought.mean()), float(np.sqrt(measured + choice))
    return Value(mean, mean - Z975 * error, mean + Z975 * error, float(own.mean()))
