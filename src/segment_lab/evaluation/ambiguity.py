"""Who sits so near a cut that a week or a few per cent would change the segment? Which rules overlap?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from segment_lab.features.proportions import with_interval
from segment_lab.segmentation import Segmentation

MONEY = ("revenue", "margin", "monetary_value")


def nudged(customers: pd.DataFrame, days: int, share: float) -> dict[str, pd.DataFrame]:
    """The customer table if everyone had been silent a little longer or less, or spent a little more or less."""
    tables = {}
    if "recency_days" in customers:
        recency = customers["recency_days"]
        tables[f"{days} days more"] = customers.assign(recency_days=recency + days)
        tables[f"{days} days less"] = customers.assign(recency_days=(recency - days).clip(lower=0))
    for word, factor in (("more", 1 + share), ("less", 1 - share)):
        money = {c: customers[c] * factor for c in MONEY if c in customers}
        tables[f"{100 * share:g}% money {word}"] = customers.assign(**money)
    return tables


def ambiguity(segmenter: Any, customers: pd.DataFrame, segmentation: Segmentation | None = None, days: int = 7,
              share: float = 0.05) -> pd.Series:
    """Share of customers whose segment changes under any nudge (with interval) and under each of them.

    `segmenter` is fitted and offers ``predict(customers)``; its cuts stay. Where ``segmentation.details`` holds the
    truth table of rules (boolean columns, one per rule), ``no_rule`` and ``several_rules`` count customers.
    """
    base = np.asarray(segmenter.predict(customers))
    changed = {name: np.asarray(segmenter.predict(table)) != base
               for name, table in nudged(customers, days, share).items()}
    hit = np.logical_or.reduce(list(changed.values()))
    out = pd.concat([with_interval([hit.sum()], [len(hit)], "ambiguous_share").iloc[0],
                     pd.Series({f"{name} share": c.mean() for name, c in changed.items()})])
    rules = pd.DataFrame() if segmentation is None or segmentation.details is None \
        else segmentation.details.select_dtypes("bool")
    if rules.shape[1] > 1:
        claims = rules.reindex(customers.index).sum(axis=1)
        out["no_rule"], out["several_rules"] = (claims == 0).sum(), (claims > 1).sum()
    return out
