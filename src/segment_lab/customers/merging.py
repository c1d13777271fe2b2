"""Records that are one customer, counted under one id: what `merge.csv` says, read back.

The file is a table of the study, ``merges``: ``customer_id`` is counted as ``merge_into``, in every
table that names a customer. Nothing is written to the sources.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from segment_lab.errors import ConfigError
from segment_lab.texts import say

#: The id of a row before merging, where it was another one.
BEFORE = "merged_id"


def targets(pairs: pd.DataFrame) -> pd.Series:
    """Into which record each id goes in the end, when one of them goes on into a third.

    Parameters
    ----------
    pairs : DataFrame
        ``customer_id, merge_into``, one row an id.

    Raises
    ------
    ConfigError
        An id goes into two others, or comes back to itself.

    Examples
    --------
    >>> chain = pd.DataFrame({"customer_id": ["a", "b"], "merge_into": ["b", "c"]})
    >>> targets(chain).to_dict()
    {'a': 'c', 'b': 'c'}
    """
    apart = pairs[pairs["customer_id"] != pairs["merge_into"]]
    apart = apart[["customer_id", "merge_into"]].drop_duplicates()
    twice = apart["customer_id"][apart["customer_id"].duplicated()]
    if len(twice):
        raise ConfigError(say("customers.merge.twice", customer=repr(twice.iloc[0])))
    step = dict(zip(apart["customer_id"], apart["merge_into"], strict=True))
    found = {}
    for first in step:
        seen = {first}
        last = step[first]
        while last in step:
            if last in seen:
                raise ConfigError(say("customers.merge.circle", customer=repr(first)))
            seen.add(last)
            last = step[last]
        found[first] = last
    return pd.Series(found, dtype="str", name="merge_into").rename_axis("customer_id")


def merged(lines: ir.Table, into: pd.Series, remember: bool = False) -> ir.Table:
    """Rows with the ids of the customers they belong to.

    Parameters
    ----------
    lines : ibis Table
        With ``customer_id``; without it nothing changes.
    into : Series
        From `targets`.
    remember : bool
        Keep the id that a row came with in the column `BEFORE`, where it was another one.
    """
    if "customer_id" not in lines.columns or into.empty:
        return lines
    pairs = ibis.memtable(
        pd.DataFrame(
            {
                BEFORE: into.index.astype(str),
                "merge_into": into.to_numpy(),
            }
        )
    )
    known = lines.mutate(customer_id=lines.customer_id.cast("string"))
    joined = known.left_join(pairs, known.customer_id == pairs[BEFORE])
    kept = ibis.coalesce(joined.merge_into, joined.customer_id)
    rows = joined.mutate(customer_id=kept).drop("merge_into")
    return rows if remember else rows.drop(BEFORE)


def summed(rows: pd.DataFrame) -> pd.DataFrame:
    """Customers summed up, one row each: what they bought is added up, the last order is the
    latest."""
    if BEFORE not in rows:
        return rows
    ordered = rows.sort_values(BEFORE, na_position="first", kind="stable")
    ordered = ordered.drop(columns=BEFORE)
    ways = dict.fromkeys(ordered.columns.drop("customer_id"), "first")
    known = {"orders": "sum", "revenue": "sum", "margin": "sum"}
    known |= {"last_order": "max", "first_order": "min"}
    ways |= {name: way for name, way in known.items() if name in ways}
    return ordered.groupby("customer_id", sort=False).agg(ways).reset_index()


def one_row_each(frame: pd.DataFrame) -> pd.DataFrame:
    """Accounts by ``customer_id`` (the index): what the kept record lacks is taken from those
    merged into it."""
    if BEFORE not in frame:
        return frame.drop_duplicates("customer_id").set_index("customer_id")
    ordered = frame.sort_values(BEFORE, na_position="first", kind="stable")
    first = ordered.drop(columns=BEFORE).groupby("customer_id", sort=False).first()
    return first.reindex(frame["customer_id"].unique())
