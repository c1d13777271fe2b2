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
    ends = [
        as_of - dt.timedelta(days=round(YEAR * k / 12)) for k in reversed(range(points))
    ]
    made = per_order(orders)
    first = made.order_date.min(where=made.is_order).over(group_by="customer_id")
    made = made.mutate(first=first)
    periods = ibis.memtable(pd.DataFrame({"end": pd.to_datetime(ends)})).cast(
        {"end": "date"}
    )
    start = periods.end - ibis.interval(days=days)
    periods = periods.mutate(start=start.cast("date"))
    inside = made.join(
        periods,
        [made.order_date >= periods.start, made.order_date < periods.end],
        how="inner",
    )
    query = inside.group_by("end").aggregate(
        revenue=inside.revenue.sum(),
        customers=inside.customer_id.nunique(where=inside.is_order),
        new_customers=inside.customer_id.nunique(
            where=inside.is_order & (inside["first"] >= inside.start)
        ),
    )
    backend = orders.get_backend()
    found = backend.to_pyarrow(query).to_pandas()
    found = found.assign(end=pd.to_datetime(found["end"])).set_index("end")
    begin = backend.to_pyarrow(
        orders.aggregate(first=orders.order_date.min())
    ).to_pandas()
    reached = [
        end for end in ends if end - dt.timedelta(days=days) >= begin["first"].iloc[0]
    ]
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
    query = inside.group_by(["customer_id", "step"]).aggregate(
        revenue=inside.amount_minor.sum()
    )
    found = orders.get_backend().to_pyarrow(query).to_pandas()
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
    within = made.order_date > made["last"] - ibis.interval(days=YEAR)
    query = made.filter(within & (made.order_date <= made["last"]))
    query = query.group_by("customer_id").aggregate(spent=query.revenue.sum())
    found = orders.get_backend().to_pyarrow(query).to_pandas().set_index("customer_id")
    return found["spent"].astype("float64") / money_scale(orders)


def money_scale(orders: ir.Table) -> int:
    """Minor units per unit of money, read off one line that has both."""
    line = orders.filter(orders.amount_minor != 0).limit(1)
    row = line.get_backend().to_pandas(line[["amount_minor", "amount"]])
    if row.empty:
        return 1
    return round(float(row.amount_minor.iloc[0]) / float(row.amount.iloc[0]))


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
    query = both.select(
        "customer_id", days=both.second.delta(both["first"], unit="day")
    )
    found = orders.get_backend().to_pyarrow(query).to_pandas().set_index("customer_id")
    return found["days"].astype("float64")
