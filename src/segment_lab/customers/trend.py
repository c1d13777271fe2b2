"""How the base moved: rolling periods of equal length, and what each customer spent lately."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from segment_lab.customers.orders import per_order

#: Days of one step of a customer's recent history, and its steps: about a year.
STEP_DAYS = 30
STEPS = 12
YEAR = 365


def rolling(
    orders: ir.Table, as_of: dt.date, days: int, points: int = 13
) -> pd.DataFrame:
    """Revenue, active and new customers of the `days` before `as_of`, and before each month back.

    Parameters
    ----------
    orders : ibis Table
        Accepted order lines (`Study.orders`), the whole log: a first order is the first of all.
    as_of : date
        End of the last period; the period itself lies before it.
    days : int
        Length of every period.
    points : int
        Number of periods, each a month (a twelfth of a year) before the next.

    Returns
    -------
    DataFrame
        Index ``end`` (oldest first); ``revenue`` (money), ``customers`` and ``new_customers``.
        Periods that begin before the log does are left out.
    """
    months_back = reversed(range(points))
    ends = [as_of - dt.timedelta(days=round(YEAR * k / 12)) for k in months_back]
    made = per_order(orders)
    first = made.order_date.min(where=made.is_order).over(group_by="customer_id")
    made = made.mutate(first=first)
    periods = ibis.memtable(pd.DataFrame({"end": pd.to_datetime(ends)}))
    periods = periods.cast({"end": "date"})
    start = periods.end - ibis.interval(days=days)
    periods = periods.mutate(start=start.cast("date"))
    begun = made.order_date >= periods.start
    before_end = made.order_date < periods.end
    inside = made.join(periods, [begun, before_end], how="inner")
    bought = inside.is_order
    new = bought & (inside["first"] >= inside.start)
    query = inside.group_by("end").aggregate(
        revenue=inside.revenue.sum(),
        customers=inside.customer_id.nunique(where=bought),
        new_customers=inside.customer_id.nunique(where=new),
    )
    found = _frame(orders, query)
    found = found.assign(end=pd.to_datetime(found["end"])).set_index("end")
    log = _frame(orders, orders.aggregate(begin=orders.order_date.min()))
    begin = log["begin"].iloc[0]
    reached = [end for end in ends if end - dt.timedelta(days=days) >= begin]
    found = found.reindex(pd.to_datetime(reached), fill_value=0).rename_axis("end")
    found["revenue"] = found["revenue"].astype("float64") / money_scale(orders)
    return found.astype({"customers": "int64", "new_customers": "int64"})


def recent_steps(orders: ir.Table, as_of: dt.date) -> pd.DataFrame:
    """Net revenue of every customer in the last twelve times thirty days.

    Returns
    -------
    DataFrame
        Index ``customer_id``; columns 0 (the oldest thirty days) to 11 (the latest), money.
        Customers without a line in that time are absent.
    """
    start = as_of - dt.timedelta(days=STEP_DAYS * STEPS)
    inside = orders.filter((orders.order_date >= start) & (orders.order_date < as_of))
    past = inside.order_date.delta(ibis.literal(start), unit="day")
    inside = inside.mutate(step=(past / STEP_DAYS).floor().cast("int64"))
    by_step = inside.group_by(["customer_id", "step"])
    found = _frame(orders, by_step.aggregate(revenue=inside.amount_minor.sum()))
    found["revenue"] = found["revenue"].astype("float64") / money_scale(orders)
    table = found.pivot_table(
        index="customer_id", columns="step", values="revenue", aggfunc="sum"
    )
    return table.reindex(columns=range(STEPS)).fillna(0.0)


def last_active_year(orders: ir.Table) -> pd.Series:
    """What every customer spent in the year that ended with the last order: what is at stake.

    Returns
    -------
    Series
        By ``customer_id``, money, net of returns made in that year.
    """
    made = per_order(orders)
    last = made.order_date.max(where=made.is_order).over(group_by="customer_id")
    made = made.mutate(last=last)
    begin = made["last"] - ibis.interval(days=YEAR)
    within = (made.order_date > begin) & (made.order_date <= made["last"])
    year = made.filter(within)
    query = year.group_by("customer_id").aggregate(spent=year.revenue.sum())
    found = _frame(orders, query).set_index("customer_id")
    return found["spent"].astype("float64") / money_scale(orders)


def money_scale(orders: ir.Table) -> int:
    """Minor units per unit of money, read off one line that has both."""
    line = orders.filter(orders.amount_minor != 0).limit(1)
    rows = line.get_backend().to_pandas(line[["amount_minor", "amount"]])
    if rows.empty:
        return 1
    row = rows.iloc[0]
    return round(float(row["amount_minor"]) / float(row["amount"]))


def second_order_days(orders: ir.Table) -> pd.Series:
    """Days from the first to the second day of purchase, of customers who came a second time.

    Returns
    -------
    Series
        By ``customer_id``; whole days.
    """
    made = per_order(orders)
    days = made.filter(made.is_order).select("customer_id", "order_date").distinct()
    row = ibis.row_number().over(group_by="customer_id", order_by="order_date")
    ranked = days.mutate(place=row)
    first = ranked.filter(ranked.place == 0).select("customer_id", first="order_date")
    second = ranked.filter(ranked.place == 1).select("customer_id", second="order_date")
    both = first.join(second, "customer_id")
    between = both.second.delta(both["first"], unit="day")
    query = both.select("customer_id", days=between)
    found = _frame(orders, query).set_index("customer_id")
    return found["days"].astype("float64")


def _frame(orders: ir.Table, query: ir.Table) -> pd.DataFrame:
    return orders.get_backend().to_pyarrow(query).to_pandas()
