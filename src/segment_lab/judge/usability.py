"""Can a segmentation be used: are its cuts clear, its segments large enough to act on, its names
easy to find?"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.customers.people import consented
from segment_lab.customers.rates import (
    FEWEST_FOR_A_RATE,
    detectable_effect,
    with_interval,
)
from segment_lab.judge.baselines import features
from segment_lab.segments.segmentation import Segmentation

MONEY = ("revenue", "margin", "monetary_value")
#: What counts as a little more or less.
NUDGE_DAYS, NUDGE_SHARE = 7, 0.05
#: The share that a campaign holds out, and the customers a tree is judged on.
HOLDOUT, SAMPLE = 0.2, 20_000


def actionability(
    segmentation: Segmentation,
    customers: pd.DataFrame,
    outcomes: pd.DataFrame,
    contacted: Collection[str] = (),
) -> pd.DataFrame:
    """Per segment: size, revenue share, reachable share, natural rate of buying again, smallest
    detectable effect.

    Reachable are those who consented (NaN where the table has no ``consent``; then all are
    counted). The natural rate leaves out whom campaigns `contacted` in the judged period, and is
    that of all segments where too few are left, as on the decision page. The effect is reckoned
    from (buyers + ½) / (n + 1), so that 0 of 7 is not taken for "never"; one that would take it
    past 1 is infinite: no campaign can show it.
    """
    rows = segmentation.align(customers)
    labels = segmentation.labels
    spent = rows["revenue"].clip(lower=0)
    revenue = spent.groupby(labels, observed=False).sum()
    customers_each = labels.groupby(labels, observed=False).size()
    out = pd.DataFrame({"customers": customers_each})
    out["customer_share"] = customers_each / len(labels)
    out["revenue_share"] = revenue / revenue.sum() if revenue.sum() else np.nan
    reach = customers_each.astype(float)
    out["reachable_share"] = np.nan
    if "consent" in rows:
        agreed = consented(rows).groupby(labels, observed=False)
        reach = agreed.sum().astype(float)
        out["reachable_share"] = reach / customers_each.where(customers_each > 0)
    n, buyers = _bought_alone(labels, outcomes, contacted)
    out["natural_rate"] = buyers / n.replace(0, np.nan)
    planned = (buyers + 0.5) / (n + 1)
    uplift = detectable_effect(planned, reach * (1 - HOLDOUT), reach * HOLDOUT)
    # More than all cannot buy: such an uplift is out of reach, however many are contacted.
    out["smallest_uplift"] = np.where(planned + uplift <= 1, uplift, np.inf)
    out.loc[n == 0, "smallest_uplift"] = np.nan
    return out.reindex(list(segmentation.names)).rename_axis("segment")


def _bought_alone(
    labels: pd.Series,
    outcomes: pd.DataFrame,
    contacted: Collection[str],
) -> tuple[pd.Series, pd.Series]:
    """Customers nobody contacted and how many of them bought, per segment; those of the whole base
    where a segment has too few."""
    alone = labels[~labels.index.isin(list(contacted))]
    bought = outcomes["future_orders"].reindex(alone.index) > 0
    by_segment = bought.groupby(alone, observed=False)
    n, buyers = by_segment.size().astype(float), by_segment.sum().astype(float)
    thin = n < FEWEST_FOR_A_RATE
    return n.mask(thin, n.sum()), buyers.mask(thin, buyers.sum())


def nudged(customers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The customer table if everyone had ordered a little longer ago or more lately, or spent a
    little more or less."""
    tables = {}
    if "recency_days" in customers:
        recency = customers["recency_days"]
        later = recency + NUDGE_DAYS
        sooner = (recency - NUDGE_DAYS).clip(lower=0)
        tables["later"] = customers.assign(recency_days=later)
        tables["sooner"] = customers.assign(recency_days=sooner)
    for word, factor in (("richer", 1 + NUDGE_SHARE), ("poorer", 1 - NUDGE_SHARE)):
        money = {c: customers[c] * factor for c in MONEY if c in customers}
        tables[word] = customers.assign(**money)
    return tables


def ambiguity(
    segmenter: Any,
    customers: pd.DataFrame,
    segmentation: Segmentation | None = None,
) -> pd.Series:
    """Share of customers whose segment changes under any nudge (with interval) and under each of
    them (``later_share`` …).

    `segmenter` is fitted and offers ``predict(customers)``; its cuts stay. Where
    ``segmentation.by_customer`` holds the truth table of rules (boolean columns, one per rule),
    ``no_rule`` and ``several_rules`` count customers.
    """
    base = np.asarray(segmenter.predict(customers))
    changed = {}
    for name, table in nudged(customers).items():
        changed[f"{name}_share"] = np.asarray(segmenter.predict(table)) != base
    hit = np.logical_or.reduce(list(changed.values()))
    whole = with_interval([hit.sum()], [len(hit)], "ambiguous_share").iloc[0]
    each = pd.Series({name: moved.mean() for name, moved in changed.items()})
    out = pd.concat([whole, each])
    kept = None if segmentation is None else segmentation.by_customer
    if kept is None:
        return out
    rules = kept.select_dtypes("bool")
    if rules.shape[1] > 1:
        claims = rules.reindex(customers.index).sum(axis=1)
        out["no_rule"] = (claims == 0).sum()
        out["several_rules"] = (claims > 1).sum()
    return out


def tree_accuracy(
    segmentation: Segmentation,
    customers: pd.DataFrame,
    *,
    sample: int = SAMPLE,
    seed: int = 0,
) -> pd.Series:
    """Could a person say in three questions who belongs where? Cross-validated ``accuracy`` of a
    tree of depth 3.

    Beside it ``majority_accuracy``, that of always naming the largest segment. Above `sample`
    customers a fixed random sample is used (``customers`` says how many).
    """
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    rows = features(segmentation.align(customers))
    if len(rows) > sample:
        rows = rows.sample(sample, random_state=seed)
    codes = segmentation.codes.loc[rows.index].to_numpy()
    n = len(rows)
    right = np.full(n, np.nan)
    if n >= 10:
        tree = DecisionTreeClassifier(max_depth=3, random_state=seed)
        folds = KFold(5, shuffle=True, random_state=seed)
        values = rows.to_numpy("float32")  # as the tree takes them, once
        guessed = cross_val_predict(tree, values, codes, cv=folds)
        right = guessed == codes
    accuracy = with_interval([right.sum()], [n], "accuracy").iloc[0]
    largest = np.bincount(codes).max() / n
    majority = pd.Series({"majority_accuracy": largest})
    return pd.concat([pd.Series({"customers": n}), accuracy, majority])
