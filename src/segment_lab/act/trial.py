"""A randomised campaign as one trial: each customer's score ψ, whose mean over any group is the
group's effect.

An outcome model that never sees the arm takes out what can be foreseen (a control variate; Cochran
1977, chapter 7, and Athey & Wager 2021 for policies on such scores).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from segment_lab.act.experiment import HOLDOUT, TREATMENT
from segment_lab.data.columns import column_faults, index_faults
from segment_lab.errors import DataError, Fault, NotEnoughDataError
from segment_lab.texts import say

#: Outcomes above this share of all that are positive count as this much, in both arms alike.
CAP = 0.995
#: Folds of the outcome model and of the value.
FOLDS = 5
#: Bins of a column in the outcome model.
BINS = 255
#: Fewest customers of an arm.
LEAST_ARM = 100
#: Fewest customers of a segment.
LEAST_LEAF = 50


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
    values = numbers(features)
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


def numbers(features: pd.DataFrame) -> np.ndarray:
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
    trial: Trial,
    expected: np.ndarray,
    treated: np.ndarray | None = None,
) -> np.ndarray:
    """ψ = (t − e) / (e(1 − e)) · (y − m): its mean over a group is the group's effect; (n,)."""
    arm = trial.treated if treated is None else treated
    e = trial.probability
    return (arm - e) / (e * (1 - e)) * (trial.capped - expected)


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
    y = pd.DataFrame(
        {
            "treated": treated,
            "money": told[money],
            "probability": chance,
        }
    )
    mixed = (chance > 0) & (chance < 1)
    return customers.loc[known][mixed], y[mixed]


def checked_trial(rows: pd.DataFrame, y: Any) -> Trial:
    """What was seen of `rows`, faults refused: no arms, other customers, too few of an arm."""
    if not isinstance(y, pd.DataFrame) or not {"treated", "money"} <= set(y):
        raise DataError(say("campaigns.response.no_trial"))
    shown = [name for name in ("money", "probability") if name in y]
    faults = column_faults(y, shown, nullable=shown, numbers=shown)
    if not y["treated"].dropna().isin([0, 1]).all():
        faults.append(Fault("treated", say("campaigns.response.no_arm")))
    if not faults and "probability" in y and not y["probability"].between(0, 1).all():
        faults.append(Fault("probability", say("campaigns.response.no_chance")))
    faults += index_faults(y.index)
    if faults:
        raise DataError(say("campaigns.response.trial"), faults)
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


def taken(trial: Trial, order: np.ndarray) -> Trial:
    return Trial(*(part[order] for part in trial))
