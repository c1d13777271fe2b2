"""The base at a glance: what came in by month, how cohorts stay, how concentrated the revenue
is."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.customers.orders import (
    Returns,
    collect,
    customer_expression,
    per_order,
)
from segment_lab.texts import say
from segment_lab.window import ObservationWindow

Months = TypeVar("Months", pd.DataFrame, pd.Series)
QUARTERS = 8
#: Share of the customers whose part of the revenue is told.
TOP_SHARE = 0.2


def monthly(orders: ir.Table) -> pd.DataFrame:
    """Revenue, orders, active and new customers per calendar month, as the customer table counts
    them.

    Index ``month`` (first day), every month between the first and the last, 0 where nothing
    happened. New customers add up to the customers, orders to their orders, and revenue (by the
    day of the line) to theirs.
    """
    bought = _with_first(orders)
    bought = bought.mutate(month=_month(bought.order_date))
    lines = orders.semi_join(bought, "customer_id").mutate(
        month=_month(orders.order_date)
    )
    counts = bought.group_by("month").aggregate(
        orders=bought.count(),
        customers=bought.customer_id.nunique(),
        new_customers=bought.customer_id.nunique(
            where=_month(bought.first) == bought.month
        ),
    )
    parts = [
        lines.group_by("month").aggregate(revenue=lines.amount_minor.sum()),
        counts,
    ]
    frames = [
        part.to_pandas().assign(month=lambda f: _first_day(f["month"]))
        for part in parts
    ]
    frame = pd.concat([f.set_index("month") for f in frames], axis=1, sort=True).fillna(
        0
    )
    frame = frame.astype(
        dict.fromkeys(("orders", "customers", "new_customers"), "int64")
    )
    frame["revenue"] = frame["revenue"].astype("float64") / _scale(orders)
    every = pd.date_range(frame.index.min(), frame.index.max(), freq="MS", name="month")
    return frame.reindex(every, fill_value=0)


def orders_by_month(orders: ir.Table) -> pd.Series:
    """The ``orders`` of `monthly` alone, from the first month with an order to the last, for those
    who ask on many days."""
    bought = per_order(orders).filter(lambda t: t.is_order)
    months = bought.group_by(month=_month(bought.order_date))
    frame = months.aggregate(orders=bought.count()).to_pandas()
    counts = frame.set_index(_first_day(frame["month"]))["orders"].sort_index()
    if counts.empty:
        return counts
    every = pd.date_range(counts.index[0], counts.index[-1], freq="MS")
    return counts.reindex(every, fill_value=0).rename_axis("month").astype("int64")


def _month(day: ir.DateValue) -> ir.IntegerValue:
    """A calendar month as a number: a truncated date comes back from a server in its time zone."""
    return day.year() * 12 + day.month() - 1


def _first_day(months: pd.Series) -> pd.Series:
    """The first day of each numbered month."""
    parts = {"year": months // 12, "month": months % 12 + 1, "day": 1}
    return pd.to_datetime(pd.DataFrame(parts))


def _with_first(orders: ir.Table) -> ir.Table:
    """Every order (returns and cancelled orders are none) with the day of its customer's first."""
    bought = per_order(orders).filter(lambda t: t.is_order)
    return bought.mutate(first=bought.order_date.min().over(group_by="customer_id"))


def _scale(orders: ir.Table) -> int:
    """Minor units per unit of money, read off one line that has both."""
    line = orders.filter(orders.amount_minor != 0).limit(1)
    row = line.get_backend().to_pandas(line[["amount_minor", "amount"]])
    return (
        1
        if row.empty
        else round(float(row.amount_minor.iloc[0]) / float(row.amount.iloc[0]))
    )


def cohorts(orders: ir.Table, as_of: dt.date) -> pd.DataFrame:
    """Of the customers who first bought in a quarter: the share that bought in each later quarter.

    Index: quarter of the first order; ``customers``, then one column per quarters since (1, 2 …
    8), null where the quarter is not over.
    """
    active = _with_first(orders)
    active = active.mutate(
        start=_quarter(active.first),
        later=_quarter(active.order_date) - _quarter(active.first),
    )
    counts = active.group_by(["start", "later"]).aggregate(
        n=active.customer_id.nunique()
    )
    frame = counts.to_pandas()
    table = frame.pivot_table(
        index="start", columns="later", values="n", aggfunc="sum"
    ).sort_index()
    sizes = table[0]
    shares = table.reindex(columns=range(1, QUARTERS + 1)).fillna(0).div(sizes, axis=0)
    over = (
        np.add.outer(shares.index.to_numpy(), shares.columns.to_numpy())
        < as_of.year * 4 + (as_of.month - 1) // 3
    )
    shares = shares.where(over)
    shares.insert(0, "customers", sizes.astype("int64"))
    shares.index = pd.Index(
        [f"{q // 4} Q{q % 4 + 1}" for q in shares.index], name="first order in"
    )
    return shares.dropna(axis=1, how="all")


def _quarter(day: ir.DateValue) -> ir.IntegerValue:
    return day.year() * 4 + day.quarter() - 1


def largest(share: float) -> str:
    """What the row of `concentration` for that share of the customers is called."""
    return f"largest {share:.0%}"


def concentration(customers: pd.DataFrame) -> pd.DataFrame:
    """Share of revenue held by the largest 1, 5, 10, 20 and 50 % of customers; at least one
    customer each.

    As in the ABC, totals below zero count as nothing: money that went back is no share of what
    came in.
    """
    revenue = customers["revenue"].clip(lower=0).sort_values(ascending=False).to_numpy()
    total = revenue.sum()
    rows = {}
    for share in (0.01, 0.05, 0.10, TOP_SHARE, 0.50):
        best = revenue[: max(1, round(len(revenue) * share))]
        held = best.sum() / total if total > 0 else np.nan
        rows[largest(share)] = (len(best), best.sum(), held)
    columns = ["customers", "revenue", "revenue_share"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis(say("customers.top"))


def orders_per_customer(customers: pd.DataFrame) -> pd.Series:
    """Customers by number of orders, 1 to 10 and more."""
    counts = (
        customers["frequency"]
        .clip(upper=10)
        .value_counts()
        .reindex(range(1, 11), fill_value=0)
    )
    counts.index = pd.Index([*map(str, range(1, 10)), "10+"], name="orders")
    return counts.rename("customers")


def returns_effect(
    lines: ir.Table, window: ObservationWindow, decimals: int
) -> pd.DataFrame:
    """The customer base with returns netted and with returns left out, side by side."""
    rows = {}
    names: dict[Returns, str] = {"net": "returns netted", "drop": "returns left out"}
    for how, name in names.items():
        table, _ = collect(customer_expression(lines, window, how, decimals))
        top = concentration(table).revenue_share[largest(TOP_SHARE)]
        rows[name] = {
            "customers": len(table),
            "orders": table.frequency.sum(),
            "revenue": table.revenue.sum(),
            "customers without revenue": int((table.revenue <= 0).sum()),
            say("customers.top_share", share=TOP_SHARE): top,
        }
    return pd.DataFrame(rows).T.astype(
        {"customers": int, "orders": int, "customers without revenue": int}
    )


def rhythm(customers: pd.DataFrame, horizon_days: int) -> str:
    """Where nearly all buy within the horizon anyway, a shorter one to ask by; empty elsewhere.

    A base is that quick when nine of ten customers have ordered again and usually do so four times
    in a horizon.
    """
    gaps = customers["gap_days"].dropna()
    if len(gaps) < 0.9 * len(customers) or gaps.empty:
        return ""
    usual = float(gaps.quantile(0.9))
    if usual > horizon_days / 4:
        return ""
    days = max(round(usual), 7)
    return say("customers.rhythm", usual=usual, horizon=horizon_days, days=days)


def full_months(months: Months, window: ObservationWindow) -> Months:
    """The calendar months that lie wholly within the window; all of them where none does."""
    starts = pd.DatetimeIndex(months.index)
    whole = (starts >= pd.Timestamp(window.start)) & (
        starts.shift(1, freq="MS") <= pd.Timestamp(window.as_of)
    )
    return months.loc[whole] if whole.any() else months


def trend(months: pd.DataFrame, as_of: pd.Timestamp) -> tuple[float, float] | None:
    """Revenue of the last three full months against the same months a year before: ``(now,
    then)``, or None."""
    full = months[pd.DatetimeIndex(months.index).shift(1, freq="MS") <= as_of]
    if len(full) < 15:
        return None
    return float(full.revenue.iloc[-3:].sum()), float(full.revenue.iloc[-15:-12].sum())
