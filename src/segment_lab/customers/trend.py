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
    orders: ir.Table,
    as_of: dt.date,
    days: int,
    points: int = 13,
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
    first = made.order_date.min(where=made.is_order)
    made = made.mutate(first=first.over(group_by="customer_id"))
    inside = _in_periods(made, ends, days)
    new = inside.is_order & (inside["first"] >= inside.start)
    query = inside.group_by("end").aggregate(
        revenue=inside.revenue.sum(),
        customers=inside.customer_id.nunique(where=inside.is_order),
        new_customers=inside.customer_id.nunique(where=new),
    )
    found = _frame(orders, query)
    found.index = pd.to_datetime(found.pop("end"))
    log = _frame(orders, orders.aggregate(begin=orders.order_date.min()))
    begin = log["begin"].iloc[0]
    first_end = begin + dt.timedelta(days=days)
    reached = pd.to_datetime([end for end in ends if end >= first_end])
    found = found.reindex(reached, fill_value=0).rename_axis("end")
    found["revenue"] = _money(orders, found["revenue"])
    return found.astype({"customers": "int64", "new_customers": "int64"})


def _in_periods(made: ir.Table, ends: list[dt.date], days: int) -> ir.Table:
    """Orders beside every period that they lie in, with its ``start`` and ``end``."""
    days_of_end = pd.DataFrame({"end": pd.to_datetime(ends)})
    periods = ibis.memtable(days_of_end).cast({"end": "date"})
    start = periods.end - ibis.interval(days=days)
    periods = periods.mutate(start=start.cast("date"))
    begun = made.order_date >= periods.start
    before_end = made.order_date < periods.end
    return made.join(periods, [begun, before_end], how="inner")


def recent_steps(orders: ir.Table, as_of: dt.date) -> pd.DataFrame:
    """Net revenue of every customer in the last twelve times thirty days.

    Returns
    -------
    DataFrame
        Index ``customer_id``; columns 0 (the oldest thirty days) to 11 (the latest), money.
        Customers without a line in that time are absent.
    """
    start = as_of - dt.timedelta(days=STEP_DAYS * STEPS)
    begun = orders.order_date >= start
    before_end = orders.order_date < as_of
    inside = orders.filter(begun, before_end)
    past = inside.order_date.delta(ibis.literal(start), unit="day")
    step = (past / STEP_DAYS).floor()
    inside = inside.mutate(step=step.cast("int64"))
    by_step = inside.group_by(["customer_id", "step"])
    query = by_step.aggregate(revenue=inside.amount_minor.sum())
    found = _frame(orders, query)
    found["revenue"] = _money(orders, found["revenue"])
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
    last = made.order_date.max(where=made.is_order)
    made = made.mutate(last=last.over(group_by="customer_id"))
    begin = made["last"] - ibis.interval(days=YEAR)
    after_begin = made.order_date > begin
    until_last = made.order_date <= made["last"]
    year = made.filter(after_begin, until_last)
    query = year.group_by("customer_id").aggregate(spent=year.revenue.sum())
    found = _frame(orders, query).set_index("customer_id")
    return _money(orders, found["spent"])


def short_of_a_year(days: int) -> int | None:
    """The days of a log that does not hold the last year; None of one that does.

    Examples
    --------
    >>> short_of_a_year(29), short_of_a_year(1096)
    (29, None)
    """
    return days if days < STEP_DAYS * STEPS else None


def money_scale(orders: ir.Table) -> int:
    """Minor units per unit of money, read off one line that has both."""
    line = orders.filter(orders.amount_minor != 0).limit(1)
    rows = line.get_backend().to_pandas(line[["amount_minor", "amount"]])
    if rows.empty:
        return 1
    row = rows.iloc[0]
    minor, money = float(row["amount_minor"]), float(row["amount"])
    return round(minor / money)


def second_order_days(orders: ir.Table) -> pd.Series:
    """Days from the first to the second day of purchase, of customers who came a second time.

    Returns
    -------
    Series
        By ``customer_id``; whole days.
    """
    made = per_order(orders)
    bought = made.filter(made.is_order)
    days = bought.select("customer_id", "order_date").distinct()
    place = ibis.row_number().over(group_by="customer_id", order_by="order_date")
    ranked = days.mutate(place=place)
    first = ranked.filter(ranked.place == 0)
    first = first.select("customer_id", first="order_date")
    second = ranked.filter(ranked.place == 1)
    second = second.select("customer_id", second="order_date")
    both = first.join(second, "customer_id")
    between = both.second.delta(both["first"], unit="day")
    query = both.select("customer_id", days=between)
    found = _frame(orders, query).set_index("customer_id")
    return found["days"].astype("float64")


def _frame(orders: ir.Table, query: ir.Table) -> pd.DataFrame:
    return orders.get_backend().to_pyarrow(query).to_pandas()


def _money(orders: ir.Table, minor: pd.Series) -> pd.Series:
    """Minor units as money."""
    return minor.astype("float64") / money_scale(orders)
