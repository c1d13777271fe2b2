"""Who changes because of us: segments of customers who respond to a campaign alike, learned from a
randomised one, in money.

Each customer gets a score ψ whose mean over any group is the group's effect. An outcome model that
never sees the arm takes out what can be foreseen (a control variate; Cochran 1977, chapter 7, and
Athey & Wager 2021 for policies on such scores). A small tree divides the scores; a split counts
only where it is larger than nineteen of twenty that shuffled arms would show, otherwise the answer
is that no difference was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Self

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.act.experiment import HOLDOUT, TREATMENT
from segment_lab.customers.rates import Z975
from segment_lab.errors import DataError, NotEnoughDataError
from segment_lab.segments.base import Segmenter
from segment_lab.segments.tree import rounded_cut
from segment_lab.texts import DEFAULT, say, speaking
from segment_lab.texts.formats import decimal, words

#: What a rule may ask by default.
FEATURES = ("recency_days", "frequency", "revenue", "monetary_value", "tenure_days")
#: Outcomes above this share of all that are positive count as this much, in both arms alike.
CAP = 0.995
#: Cut points tried per column, folds of the outcome model and of the value, values per text column.
CUTS, FOLDS, MOST_VALUES = 15, 5, 12
#: Bins of a column in the outcome model.
BINS = 255
#: Fewest customers of an arm, and of a segment.
LEAST_ARM, LEAST_LEAF = 100, 50
#: The chance of a difference where there is none, and the smallest z that ever counts.
FALSE_ALARM, LEAST_Z = 0.05, 2.5


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
        return column == self.value if self.sign == "is" else column != self.value

    @property
    def text(self) -> str:
        value = self.value if isinstance(self.value, str) else decimal(self.value, 2)
        value = value.removesuffix(".00")
        signs = {"<=": "to", ">": "over", "is": "is", "is not": "is_not"}
        key = f"campaigns.response.{signs[self.sign]}"
        return say(key, column=words(self.column), value=value)


Branch = tuple[Condition, ...]


class Trial(NamedTuple):
    """A randomised campaign over customers in one order.

    Attributes
    ----------
    money : ndarray, shape (n,)
        What each brought within the horizon.
    treated : ndarray of bool
    probability : ndarray
        Chance of each customer to be treated.
    """

    money: np.ndarray
    treated: np.ndarray
    probability: np.ndarray

    @property
    def capped(self) -> np.ndarray:
        """Money with the largest amounts cut at a point common to both arms."""
        positive = self.money[self.money > 0]
        if len(positive) < LEAST_LEAF:
            return self.money
        return np.minimum(self.money, np.quantile(positive, CAP))


class Value(NamedTuple):
    """Money per customer of a way to choose whom to contact, with its 95 % range."""

    value: float
    low: float
    high: float
    contacted: float


def outcome_model(
    features: pd.DataFrame, trial: Trial, random_state: int = 0
) -> np.ndarray:
    """Expected money without knowing the arm, each customer's from a model of the others; (n,).

    Weighted by the odds of the other arm, which makes it the best control variate for any chance.
    """
    rng = np.random.default_rng(random_state)
    fold = rng.permutation(len(features)) % FOLDS
    e = trial.probability
    weight = np.where(trial.treated, (1 - e) / e, e / (1 - e))
    values = _numbers(features)
    out = np.zeros(len(values))
    for k in range(FOLDS):
        inside = fold != k
        cuts = [steps(column[inside], weight[inside]) for column in values.T]
        places = [np.searchsorted(*pair) for pair in zip(cuts, values.T, strict=True)]
        codes = np.column_stack(places).astype("float64")
        model = booster(random_state).fit(
            codes[inside], trial.capped[inside], weight[inside]
        )
        out[~inside] = model.predict(codes[~inside])
    return out


def steps(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Where a column is cut into at most `BINS` bins of equal weight, between its values.

    The boosting would cut it at the same places, but sorts the column anew for every single one.
    """
    distinct = np.unique(values)
    if len(distinct) <= BINS:
        return (distinct[1:] + distinct[:-1]) / 2
    order = np.argsort(values)
    ranked, reached = values[order], np.cumsum(weight[order])
    wanted = np.linspace(0, 100, BINS + 1)[1:-1] / 100 * reached[-1]
    place = np.searchsorted(reached, wanted).clip(max=len(values) - 1)
    after = (place + 1).clip(max=len(values) - 1)
    inside = reached[place] - wanted > np.finfo(float).eps
    return np.unique(
        np.where(inside, ranked[place], (ranked[place] + ranked[after]) / 2)
    )


def booster(random_state: int) -> Any:
    """The boosted trees that foresee money."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=60,
        learning_rate=0.08,
        max_leaf_nodes=8,
        min_samples_leaf=40,
        l2_regularization=5.0,
        random_state=random_state,
    )


def _numbers(features: pd.DataFrame) -> np.ndarray:
    """Features as numbers, texts by their place among the column's values."""
    columns = []
    for name in features:
        values = features[name]
        if not pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(
            values
        ):
            values = values.astype("category").cat.codes
        columns.append(values.astype("float64").to_numpy())
    return np.column_stack(columns)


def scores(
    trial: Trial, expected: np.ndarray, treated: np.ndarray | None = None
) -> np.ndarray:
    """ψ = (t − e) / (e(1 − e)) · (y − m): its mean over a group is the group's effect; (n,)."""
    arm = trial.treated if treated is None else treated
    e = trial.probability
    return (arm - e) / (e * (1 - e)) * (trial.capped - expected)


class Splits:
    """Every split that may be tried, as one matrix of who is on the first side."""

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

    def z(self, psi: np.ndarray, rows: np.ndarray, least: int) -> np.ndarray:
        """|z| of the difference between both sides for every split of `rows`; psi (n,) or (n, p)
        gives (splits,) or (splits, p). Sides smaller than `least` count 0."""
        side = self.sides[rows].astype("float64")
        score = psi[rows]
        first, n = side.sum(axis=0), len(rows)
        second = n - first
        if score.ndim > 1:
            first, second = first[:, None], second[:, None]
        total, squares = score.sum(axis=0), (score**2).sum(axis=0)
        sum1, square1 = side.T @ score, side.T @ score**2
        with np.errstate(divide="ignore", invalid="ignore"):
            mean1, mean2 = sum1 / first, (total - sum1) / second
            var1 = (square1 / first - mean1**2) / first
            var2 = ((squares - square1) / second - mean2**2) / second
            z = np.abs(mean1 - mean2) / np.sqrt(np.maximum(var1 + var2, 1e-12))
        small = (first < least) | (second < least)
        return np.where(small, 0.0, np.nan_to_num(z))


def _pairs(column: str, values: pd.Series) -> list[tuple[Condition, Condition]]:
    """A column's splits: rounded cut points of numbers, single values of texts."""
    if pd.api.types.is_bool_dtype(values):
        return [(Condition(column, "is", True), Condition(column, "is not", True))]
    if not pd.api.types.is_numeric_dtype(values):
        common = values.value_counts().index[:MOST_VALUES]
        return [
            (Condition(column, "is", v), Condition(column, "is not", v)) for v in common
        ]
    numbers = values.to_numpy(float)
    cuts = np.unique(np.quantile(numbers, np.linspace(0, 1, CUTS + 2)[1:-1]))
    rounded = sorted({rounded_cut(float(cut), numbers) for cut in cuts})
    return [
        (Condition(column, "<=", cut), Condition(column, ">", cut)) for cut in rounded
    ]


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
    chances = [
        np.flatnonzero(trial.probability == e) for e in np.unique(trial.probability)
    ]
    for start in range(0, shuffles, 25):
        block = range(start, min(start + 25, shuffles))
        shuffled = np.empty((len(everybody), len(block)), dtype=bool)
        for place in range(len(block)):
            for rows in chances:
                shuffled[rows, place] = rng.permutation(trial.treated[rows])
        e, off = trial.probability[:, None], (trial.capped - expected)[:, None]
        psi = (shuffled - e) / (e * (1 - e)) * off
        best[block.start : block.stop] = splits.z(psi, everybody, least).max(
            axis=0, initial=0
        )
    return max(float(np.quantile(best, 1 - FALSE_ALARM)), LEAST_Z)


def _least(n: int) -> int:
    return max(LEAST_LEAF, int(0.03 * n))


class Shape(NamedTuple):
    """How far a tree may grow."""

    leaves: int = 6
    depth: int = 3
    least_z: float = LEAST_Z


def grow(
    psi: np.ndarray, splits: Splits, rows: np.ndarray, shape: Shape
) -> list[Branch]:
    """Greedy tree on the scores of `rows`: the rules of its leaves, the largest difference
    first."""
    least = _least(len(rows))
    leaves: list[tuple[Branch, np.ndarray]] = [((), rows)]
    found = [_best_split(psi, splits, rows, least)]
    while len(leaves) < shape.leaves:
        open_z = [
            z if len(rule) < shape.depth else 0.0
            for (rule, _), (z, _) in zip(leaves, found, strict=True)
        ]
        place = int(np.argmax(open_z))
        if open_z[place] < shape.least_z:
            break
        (rule, inside), (_, split) = leaves[place], found[place]
        first, second = splits.conditions[split]
        side = splits.sides[inside, split]
        halves = [((*rule, first), inside[side]), ((*rule, second), inside[~side])]
        leaves[place : place + 1] = halves
        found[place : place + 1] = [
            _best_split(psi, splits, part, least) for _, part in halves
        ]
    return [rule for rule, _ in leaves]


def _best_split(
    psi: np.ndarray, splits: Splits, rows: np.ndarray, least: int
) -> tuple[float, int]:
    if not splits.conditions or len(rows) < 2 * least:
        return 0.0, 0
    z = splits.z(psi, rows, least)
    return float(z.max()), int(z.argmax())


def assigned(rules: Sequence[Branch], features: pd.DataFrame) -> np.ndarray:
    """Each customer's leaf; shape (n,)."""
    out = np.zeros(len(features), dtype=int)
    for code, rule in enumerate(rules):
        inside = np.ones(len(features), dtype=bool)
        for condition in rule:
            inside &= np.asarray(condition.holds(features), dtype=bool)
        out[inside] = code
    return out


def group_effects(psi: np.ndarray, groups: np.ndarray, k: int) -> pd.DataFrame:
    """Effect of each group (0 … k−1): ``customers, effect, se`` as measured, and ``shrunk,
    shrunk_se``: drawn to their common mean by as much as chance explains their differences
    (DerSimonian & Laird 1986)."""
    rows = []
    for code in range(k):
        part = psi[groups == code]
        error = part.std(ddof=1) / np.sqrt(len(part)) if len(part) > 1 else np.inf
        rows.append((len(part), part.mean() if len(part) else 0.0, max(error, 1e-9)))
    out = pd.DataFrame(rows, columns=["customers", "effect", "se"])
    weight: Any = out["se"] ** -2.0
    mean = float(weight @ out["effect"] / weight.sum())
    excess = float(weight @ (out["effect"] - mean) ** 2) - (k - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    spread2 = max(excess / scale, 0.0) if k > 1 and scale > 0 else 0.0
    weight = 1 / (out["se"] ** 2 + spread2)
    mean = float(weight @ out["effect"] / weight.sum())
    own = spread2 / (spread2 + out["se"] ** 2)
    out["shrunk"] = own * out["effect"] + (1 - own) * mean
    out["shrunk_se"] = np.sqrt(own * out["se"] ** 2 + (1 - own) ** 2 / weight.sum())
    return out


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
        The |z| that a split had to exceed.

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
        trial = _trial(rows, y)
        # Sorted by what was seen, so that row order changes nothing.
        order = np.lexsort([trial.treated, trial.money, *_numbers(rows).T])
        self._learn(rows.iloc[order].reset_index(drop=True), _taken(trial, order))
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
        rules = grow(psi, splits, np.arange(len(rows)), shape)
        effects = group_effects(psi, assigned(rules, rows), len(rules))
        order = np.argsort(-effects["shrunk"].to_numpy(), kind="stable")
        self.rules_ = [rules[place] for place in order]
        with speaking(
            DEFAULT
        ):  # keys in data and SQL; pages show them in their own language
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

    def value(
        self, cost: float, segments: pd.Series | np.ndarray | None = None
    ) -> pd.DataFrame:
        """What each way of choosing whom to contact is worth per customer, contacts paid.

        Every customer is judged by rules that were learned without him (cross-fitted).

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
        rows, _, psi, splits, shape, _ = self._seen
        rng = np.random.default_rng(self.random_state + 1)
        fold = rng.permutation(len(psi)) % FOLDS
        groups = None
        if segments is not None:
            groups = (
                pd.Series(np.asarray(segments)).astype("category").cat.codes.to_numpy()
            )
        by_rules, by_segments = np.zeros(len(psi)), np.zeros(len(psi))
        for k in range(FOLDS):
            inside = np.flatnonzero(fold != k)
            rules = grow(psi, splits, inside, shape)
            leaves = assigned(rules, rows)
            by_rules += (fold == k) * _contacts(psi, leaves, inside, len(rules), cost)
            if groups is not None:
                by_segments += (fold == k) * _contacts(
                    psi, groups, inside, groups.max() + 1, cost
                )
        ways = {
            "nobody": np.zeros(len(psi)),
            "everybody": np.ones(len(psi)),
            "rules": by_rules,
        }
        if groups is not None:
            ways["segments"] = by_segments
        found = {name: _value(chosen, psi, cost) for name, chosen in ways.items()}
        out = pd.DataFrame.from_dict(found, orient="index", columns=list(Value._fields))
        return out.rename(columns={"low": "value_low", "high": "value_high"})

    def ranked(self, customers: pd.DataFrame) -> pd.Series:
        """A number by which to contact a fixed number of customers, highest first: the expected
        effect by boosting, or what they are expected to bring where no difference was found."""
        rows, trial, psi, _, _, _ = self._seen
        target = psi if self.difference_found_ else trial.capped
        model = booster(self.random_state).fit(_numbers(rows), target)
        given = self._checked(customers)
        return pd.Series(
            model.predict(_numbers(given)), index=customers.index, name="rank_value"
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


def campaign_of(found: pd.DataFrame, campaign: str | None = None) -> pd.DataFrame:
    """The rows of one measured campaign (the one with most customers by default): its largest arm
    and its control."""
    if found.empty:
        raise NotEnoughDataError(say("campaigns.none_finished"))
    if campaign is None:
        campaign = str(found["campaign_id"].value_counts().index[0])
    rows = found[found["campaign_id"].astype(str) == campaign]
    if rows.empty:
        raise NotEnoughDataError(
            say("campaigns.response.no_campaign", campaign=campaign)
        )
    treated = rows[rows["arm"] == TREATMENT]
    arm = treated["variant"].value_counts().index[0]
    return rows[(rows["variant"] == arm) | (rows["arm"] == HOLDOUT)]


def trial_of(
    rows: pd.DataFrame, customers: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `ResponseSegmenter.fit` takes: the campaign's customers as they stood when it was
    drawn, and their arm, money and chance of treatment.

    The chance is the recorded one, else the share treated of the customer's stratum.
    """
    told = rows.set_index("customer_id")
    known = customers.index.intersection(told.index)
    told = told.loc[known]
    money = next(column for column in ("margin", "revenue") if column in told)
    treated = told["arm"] == TREATMENT
    strata = (
        told["segment"].fillna("") if "segment" in told else pd.Series("", index=known)
    )
    chance = treated.groupby(strata).transform("mean")
    if "probability" in told and told["probability"].notna().all():
        own = told["probability"]
        chance = own.where(treated, 1 - own)
    y = pd.DataFrame({"treated": treated, "money": told[money], "probability": chance})
    mixed = (chance > 0) & (chance < 1)
    return customers.loc[known][mixed], y[mixed]


def _trial(rows: pd.DataFrame, y: Any) -> Trial:
    if not isinstance(y, pd.DataFrame) or not {"treated", "money"} <= set(y):
        raise DataError(say("campaigns.response.no_trial"))
    told = y.reindex(rows.index)
    if missing := int(told[["treated", "money"]].isna().any(axis=1).sum()):
        raise DataError(say("campaigns.response.other_customers", missing=missing))
    treated = told["treated"].astype(bool).to_numpy()
    fewest = min(treated.sum(), (~treated).sum())
    if fewest < LEAST_ARM:
        raise NotEnoughDataError(
            say("campaigns.response.too_few", customers=fewest, needed=LEAST_ARM)
        )
    chance = np.full(len(told), treated.mean())
    if "probability" in told:
        chance = told["probability"].to_numpy(float).clip(0.01, 0.99)
    return Trial(told["money"].to_numpy(float), treated, chance)


def _taken(trial: Trial, order: np.ndarray) -> Trial:
    return Trial(*(part[order] for part in trial))


def _name(rule: Branch) -> str:
    """The rule in words; of several conditions of one kind on a column the narrowest."""
    last = {(condition.column, condition.sign): condition for condition in rule}
    if not last:
        return say("campaigns.response.everybody")
    text = ", ".join(condition.text for condition in last.values())
    return text[:1].upper() + text[1:]


def _contacts(
    psi: np.ndarray, groups: np.ndarray, inside: np.ndarray, k: int, cost: float
) -> np.ndarray:
    """Whom the groups' effects, measured on `inside` alone, would contact; (n,) of 0 and 1."""
    effects = group_effects(psi[inside], groups[inside], k)
    return (effects["shrunk"].to_numpy() > cost)[groups].astype(float)


def _value(chosen: np.ndarray, psi: np.ndarray, cost: float) -> Value:
    gains = chosen * (psi - cost)
    mean, error = float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains)))
    return Value(mean, mean - Z975 * error, mean + Z975 * error, float(chosen.mean()))
