"""Whether the words that describe a segment are true of its customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from segment_lab.customers.states import StateRule

#: Share of a segment's customers of whom a word must be true.
ENOUGH = 0.9
#: Word → of whom it is true, over a customer table with ``state``.
CLAIMS: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = {
    "lately": lambda table: table["state"].isin(["active", "new"]),
    "silent": lambda table: table["state"].isin(["slowing", "lapsed"]),
    "lapsed": lambda table: table["state"] == "lapsed",
    "often": lambda table: table["frequency"] >= 3,
    "few": lambda table: table["frequency"] <= 2,
    "rich": lambda table: table["revenue"] >= table["revenue"].median(),
    "small": lambda table: table["revenue"] <= table["revenue"].median(),
}


def truth(customers: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """The share of each segment's customers of whom each word of `CLAIMS` is true.

    Parameters
    ----------
    customers : DataFrame
        A customer table with ``recency_days, tenure_days, frequency, revenue``.
    labels : Series of category
        The segment of every customer, on the same index.

    Returns
    -------
    DataFrame
        One row per segment, one column per word; null for an empty segment.
    """
    states = StateRule.learn(customers).states(customers)["state"]
    table = customers.assign(state=states)
    held = pd.DataFrame({word: claim(table) for word, claim in CLAIMS.items()})
    return held.groupby(labels.array, observed=False).mean()
