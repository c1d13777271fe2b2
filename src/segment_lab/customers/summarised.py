"""Customers who come summed up, a row each: what many systems export instead of a log."""

from __future__ import annotations

import datetime as dt

import ibis.expr.types as ir
import pandas as pd

from segment_lab.customers.merging import summed
from segment_lab.errors import ConfigError
from segment_lab.texts import say

#: Columns of the table that become measures; what else it holds describes the customer.
MEASURED = (
    "customer_id",
    "orders",
    "revenue",
    "last_order",
    "first_order",
    "margin",
    "currency",
)


def summarised(summary: ir.Table, as_of: dt.date) -> pd.DataFrame:
    """The customer table of customers who are summed up already.

    Parameters
    ----------
    summary : ibis Table
        Accepted rows of ``customer_summary``: ``customer_id, orders, revenue, last_order`` and,
        where known, ``first_order, margin``; other columns are kept as they are.
    as_of : date
        The day the sums were taken on, after every last order.

    Returns
    -------
    DataFrame
        Index ``customer_id``, sorted: ``recency_days, frequency, repeat_frequency, revenue,
        monetary_value, last_order`` of everybody with an order; with the first order also
        ``t_x, tenure_days, first_order``.

    Raises
    ------
    ConfigError
        A last order lies on or after `as_of`: the sums hold what was not known then.
    """
    kept = summary.drop(*(name for name in summary.columns if name.endswith("_minor")))
    rows = summed(kept.to_pandas()).set_index("customer_id").sort_index()
    rows = rows[rows["orders"] > 0]
    day = pd.Timestamp(as_of)
    last = pd.to_datetime(rows["last_order"])
    if (last >= day).any():
        raise ConfigError(
            say(
                "summary.later",
                as_of=as_of,
                last=last.max().date(),
            )
        )
    orders = rows["orders"].round().astype("int64")
    revenue = rows["revenue"].astype("float64")
    table = pd.DataFrame({"recency_days": (day - last).dt.days}, index=rows.index)
    if "first_order" in rows and rows["first_order"].notna().all():
        first = pd.to_datetime(rows["first_order"])
        table["t_x"] = (last - first).dt.days
        table["tenure_days"] = (day - first).dt.days
        table["first_order"] = first
    table = table.assign(
        frequency=orders,
        repeat_frequency=orders - 1,
        revenue=revenue,
        monetary_value=revenue / orders,
        last_order=last,
    )
    if "margin" in rows:
        table["margin"] = rows["margin"].astype("float64")
    return table.join(rows[[name for name in rows if name not in {*MEASURED, *table}]])


def nobody() -> pd.DataFrame:
    """A customer table without a customer, for studies that know nobody's orders."""
    index = pd.Index([], name="customer_id", dtype="str")
    days = pd.Series([], index=index, dtype="float64")
    counts = days.astype("int64")
    return pd.DataFrame(
        {
            "recency_days": days,
            "frequency": counts,
            "repeat_frequency": counts,
            "revenue": days,
            "monetary_value": days,
        }
    )
