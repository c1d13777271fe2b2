"""Can a segmentation be used: are its cuts clear, its segments large enough to act on, its names
easy to find?"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.act.cards import FEWEST
from segment_lab.act.economics import detectable_effect
from segment_lab.customers.people import consented
from segment_lab.customers.rates import with_interval
from segment_lab.judge.baselines import features
from segment_lab.segments.segmentation import Segmentation

MONEY = ("revenue", "margin", "monetary_value")
# What counts as a little more or less, the share a campaign holds out, and the customers a tree is
# judged on.
NUDGE_DAYS, NUDGE_SHARE, HOLDOUT, SAMPLE = 7, 0.05, 0.2, 20_000


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
    labels, names = segmentation.labels, list(segmentation.names)
    by = pd.DataFrame({"segment": labels, "revenue": rows["revenue"].clip(lower=0)}).groupby(
        "segment", observed=False
    )
    out = pd.DataFrame({"customers": by.size(), "revenue": by["revenue"].sum()})
    out["customer_share"] = out["customers"] / len(labels)
    out["revenue_share"] = out["revenue"] / out["revenue"].sum() if out["revenue"].sum() else np.nan
    out["reachable_share"], reach = np.nan, out["customers"].astype(float)
    if "consent" in rows:
        reach = consented(rows).groupby(labels, observed=False).sum().astype(float)
        out["reachable_share"] = reach / out["customers"].replace(0, np.nan)
    alone = labels[~labels.index.isin(list(contacted))]
    bought = (outcomes["future_orders"].reindex(alone.index) > 0).groupby(alone, observed=False)
    thin = bought.size() < 2 * FEWEST
    n, buyers = (c.astype("float64").mask(thin, c.sum()) for c in (bought.size(), bought.sum()))
    out["natural_rate"], planned = buyers / n.replace(0, np.nan), (buyers + 0.5) / (n + 1)
    uplift = pd.Series(
        [
            detectable_effect(p, n * (1 - HOLDOUT), n * HOLDOUT)
            for p, n in zip(planned, reach, strict=True)
        ],
        index=out.index,
    )
    # More than all cannot buy: such an uplift is out of reach, however many are contacted.
    out["smallest_uplift"] = uplift.where(planned + uplift <= 1, np.inf).where(n > 0)
    return out.drop(columns="revenue").reindex(names).rename_axis("segment")


def nudged(customers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The customer table if everyone had been silent a little longer or less, or spent a little
    more or less."""
    tables = {}
    if "recency_days" in customers:
        recency = customers["recency_days"]
        tables[f"{NUDGE_DAYS} days more"] = customers.assign(recency_days=recency + NUDGE_DAYS)
        tables[f"{NUDGE_DAYS} days less"] = customers.assign(
            recency_days=(recency - NUDGE_DAYS).clip(lower=0)
        )
    for word, factor in (("more", 1 + NUDGE_SHARE), ("less", 1 - NUDGE_SHARE)):
        money = {c: customers[c] * factor for c in MONEY if c in customers}
        tables[f"{100 * NUDGE_SHARE:g}% money {word}"] = customers.assign(**money)
    return tables


def ambiguity(
    segmenter: Any, customers: pd.DataFrame, segmentation: Segmentation | None = None
) -> pd.Series:
    """Share of customers whose segment changes under any nudge (with interval) and under each of
    them.

    `segmenter` is fitted and offers ``predict(customers)``; its cuts stay. Where
    ``segmentation.details`` holds the truth table of rules (boolean columns, one per rule),
    ``no_rule`` and ``several_rules`` count customers.
    """
    base = np.asarray(segmenter.predict(customers))
    changed = {
        name: np.asarray(segmenter.predict(table)) != base
        for name, table in nudged(customers).items()
    }
    hit = np.logical_or.reduce(list(changed.values()))
    out = pd.concat(
        [
            with_interval([hit.sum()], [len(hit)], "ambiguous_share").iloc[0],
            pd.Series({f"{name} share": c.mean() for name, c in changed.items()}),
        ]
    )
    rules = (
        pd.DataFrame()
        if segmentation is None or segmentation.details is None
        else segmentation.details.select_dtypes("bool")
    )
    if rules.shape[1] > 1:
        claims = rules.reindex(customers.index).sum(axis=1)
        out["no_rule"], out["several_rules"] = (claims == 0).sum(), (claims > 1).sum()
    return out


def tree_accuracy(
    segmentation: Segmentation, customers: pd.DataFrame, *, sample: int = SAMPLE, seed: int = 0
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
    codes, n = segmentation.codes.loc[rows.index].to_numpy(), len(rows)
    right = np.full(n, np.nan)
    if n >= 10:
        tree, folds = (
            DecisionTreeClassifier(max_depth=3, random_state=seed),
            KFold(5, shuffle=True, random_state=seed),
        )
        right = cross_val_predict(tree, rows, codes, cv=folds) == codes
    return pd.concat(
        [
            pd.Series({"customers": n}),
            with_interval([right.sum()], [n], "accuracy").iloc[0],
            pd.Series({"majority_accuracy": np.bincount(codes).max() / n}),
        ]
    )
