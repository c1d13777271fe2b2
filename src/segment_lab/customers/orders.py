"""Order lines become the customer table: one engine query, two GROUP BYs, every line accounted
for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Literal

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from segment_lab.texts import say
from segment_lab.window import ObservationWindow

Returns = Literal["net", "drop"]


def customer_expression(
    lines: ir.Table,
    window: ObservationWindow,
    returns: Returns = "net",
    decimals: int = 2,
) -> ir.Table:
    """The customer table as one Ibis expression over conformed order lines.

    Parameters
    ----------
    lines : ibis Table
        What `conforming.conform` returns for orders: canonical columns, ``amount_minor`` and
        ``reason``.
    window : ObservationWindow
        Only ``start <= order_date < as_of`` counts; other lines become rejects with that reason.
    returns : {"net", "drop"}
        Lines below zero reduce revenue (and are no orders), or are left out.
    decimals : int
        Digits of money: sums are made in whole minor units and divided once at the end.

    Returns
    -------
    ibis Table
        A row per customer, and a row with null ``customer_id`` per reason for which
        lines were set aside (``set_aside``, ``lines``), so that one scan yields table and account.
    """
    orders = with_gaps(per_order(with_reason(lines, window, returns)))
    customers = per_customer(
        orders,
        by_customer(orders),
        gap_days=orders.gap.median(),
    )
    return measured(customers, window, decimals)


def buyers_expression(
    lines: ir.Table,
    window: ObservationWindow,
    returns: Returns = "net",
    decimals: int = 2,
    columns: Collection[str] | None = None,
) -> ir.Table:
    """The customer table without the account of what was set aside, for customers who never leave
    the engine.

    Parameters
    ----------
    lines, window, returns, decimals
        As for `customer_expression`; without a ``reason`` all lines are accepted ones.
    columns : collection of str, optional
        Which of `COLUMNS` are wanted; all by default. The median gap costs a window over all
        orders.
    """
    inside = (lines.order_date >= ibis.literal(window.start)) & (
        lines.order_date < ibis.literal(window.as_of)
    )
    if "reason" in lines.columns:
        inside &= lines.reason.isnull()
    if returns == "drop":
        inside &= lines.amount_minor >= 0
    orders = per_order(lines.filter(inside).drop(*{"reason"} & {*lines.columns}))
    gaps: dict[str, ir.Value] = {}
    if "gap_days" in (columns or COLUMNS):
        orders = with_gaps(orders)
        gaps = {"gap_days": orders.gap.median()}
    table = per_customer(orders, {"customer_id": orders.customer_id}, **gaps)
    table = measured(table.filter(table.frequency > 0), window, decimals)
    return table.select(
        "customer_id",
        *(c for c in COLUMNS if c in table.columns and c in (columns or COLUMNS)),
    )


def by_customer(orders: ir.Table) -> dict[str, ir.Value]:
    """What parts customers, and the lines that were set aside by reason."""
    nobody = ibis.null(orders.customer_id.type())
    return {
        "customer_id": ibis.ifelse(orders.reason.isnull(), orders.customer_id, nobody),
        "set_aside": orders.reason,
    }


def with_gaps(orders: ir.Table) -> ir.Table:
    """Days since the customer's order before. Cancelled orders and rejects stay, but are never
    "the order before"."""
    buying = ibis.window(group_by=["customer_id", "is_order"], order_by="order_date")
    gap = orders.order_date.delta(
        orders.order_date.lag().over(buying), unit="day"
    ).nullif(0)
    return orders.mutate(gap=ibis.ifelse(orders.is_order, gap, ibis.null("int64")))


def per_customer(
    orders: ir.Table,
    by: Mapping[str, ir.Value],
    **gaps: ir.Value,
) -> ir.Table:
    """Orders to customers, before `measured`; `gaps` are further columns."""
    bought = orders.is_order
    return orders.group_by(**by).aggregate(
        first_order=orders.order_date.min(where=bought),
        last_order=orders.order_date.max(where=bought),
        frequency=orders.count(where=bought),
        lines=orders.lines.sum(),
        **gaps,
        **{name: orders[name].sum() for name in money_of(orders)},
    )


def with_reason(
    lines: ir.Table, window: ObservationWindow, returns: Returns
) -> ir.Table:
    """Lines outside the window, and returns where they are dropped, get their reason too."""
    before = say("customers.set_aside.before", start=window.start)
    after = say("customers.set_aside.after", as_of=window.as_of)
    cases = [
        (lines.reason.notnull(), lines.reason),
        (lines.order_date < ibis.literal(window.start), before),
        (lines.order_date >= ibis.literal(window.as_of), after),
    ]
    if returns == "drop":
        cases.append((lines.amount_minor < 0, say("customers.set_aside.a_return")))
    return lines.mutate(reason=ibis.cases(*cases, else_=ibis.null("string")))


def per_order(lines: ir.Table) -> ir.Table:
    """Lines to orders. Without an order id, everything a customer bought on one day is one
    order."""
    keys: dict[str, ir.Value] = {"order_date": lines.order_date}
    dates = {}
    if "order_id" in lines.columns:
        keys = {
            "order_id": lines.order_id,
            "day": ibis.ifelse(
                lines.order_id.isnull(), lines.order_date, ibis.null("date")
            ),
        }
        dates = {"order_date": lines.order_date.min()}
    # Rejected lines keep their own keys (rewriting keys per line would double the query's time);
    # `reason` parts them.
    parts = [c for c in ("customer_id", "reason") if c in lines.columns]
    return as_purchases(
        lines.group_by(*parts, **keys).aggregate(**dates, **_sums(lines))
    )


def by_day(lines: ir.Table) -> ir.Table:
    """What the lines of every order add up to on every day: `per_order` of them, in any window, is
    that of the lines."""
    parts = ("customer_id", "order_id", "order_date", "reason")
    return summed(lines, *(c for c in parts if c in lines.columns))


def summed(lines: ir.Table, *parts: str) -> ir.Table:
    """What lines, or rows of `by_day`, add up to by `parts`: ``lines`` and money in minor units."""
    return lines.group_by(*parts).aggregate(**_sums(lines))


def _sums(lines: ir.Table) -> dict[str, ir.Value]:
    """What lines, or rows of `by_day`, add up to."""
    if "amount_minor" not in lines.columns:
        names = ("lines", *money_of(lines))
        return {name: lines[name].sum().cast("int64") for name in names}
    sums = {
        "lines": lines.count(),
        "revenue": lines.amount_minor.sum().cast("int64"),
        "returned": -(ibis.least(lines.amount_minor, 0).sum().cast("int64")),
    }
    if "margin_minor" in lines.columns:
        sums["margin"] = lines.margin_minor.sum().cast("int64")
    return sums


def as_purchases(orders: ir.Table) -> ir.Table:
    """Orders with ``is_order``: one that its own returns cancelled is none; one that cost nothing
    still is."""
    bought = (orders.revenue > 0) | ((orders.returned == 0) & (orders.revenue == 0))
    if "reason" in orders.columns:
        bought = bought.fill_null(False) & orders.reason.isnull()
    return orders.mutate(is_order=bought)


def money_of(table: ir.Table) -> list[str]:
    """Which columns of money a table of orders or customers has."""
    return [name for name in ("revenue", "returned", "margin") if name in table.columns]


def measured(customers: ir.Table, window: ObservationWindow, decimals: int) -> ir.Table:
    """What is told of a customer on a day; minor units become readable money."""
    as_of, c = ibis.literal(window.as_of), customers
    readable = {name: c[name].cast("float64") / 10**decimals for name in money_of(c)}
    return c.mutate(
        customer_id=c.customer_id.cast("string"),
        recency_days=as_of.delta(c.last_order, unit="day"),
        tenure_days=as_of.delta(c.first_order, unit="day"),
        t_x=c.last_order.delta(c.first_order, unit="day"),
        repeat_frequency=ibis.greatest(c.frequency - 1, 0),
        return_share=c.returned.cast("float64")
        / (c.revenue + c.returned).cast("float64").nullif(0),
        monetary_value=readable["revenue"] / c.frequency.cast("float64").nullif(0),
        **readable,
    )


#: The columns of the customer table that are numbers, and those that are days.
MEASURED = (
    "recency_days",
    "t_x",
    "tenure_days",
    "frequency",
    "repeat_frequency",
    "revenue",
    "margin",
    "monetary_value",
    "gap_days",
    "return_share",
)
DAYS = ("first_order", "last_order")
COLUMNS = (*MEASURED, *DAYS)
WHOLE = frozenset(
    {"recency_days", "t_x", "tenure_days", "frequency", "repeat_frequency"}
)


def collect(expression: ir.Table) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run the query; the customer table (index ``customer_id``, sorted) and what was set aside.

    Customers who only returned things in the window bought nothing there: they are set aside, with
    their money.

    Returns
    -------
    customers : DataFrame
        Columns of `COLUMNS`; money as floats exact to the last minor unit.
    set_aside : DataFrame
        ``reason, lines, revenue`` and a first row ``accepted``; lines add up to the rows read.
    """
    buyers, others = [], []
    reader = expression.get_backend().to_pyarrow_batches(
        expression.order_by("customer_id")
    )
    # In pieces, as they come: a result fetched whole stands in memory twice, in the engine and
    # outside.
    for batch in reader:
        rows = pa.Table.from_batches([batch])
        buys = pc.and_(
            pc.is_valid(rows["customer_id"]), pc.greater(rows["frequency"], 0)
        )
        buyers.append(rows.filter(buys).drop_columns("set_aside"))
        others.append(
            rows.filter(pc.invert(buys)).select(
                ["customer_id", "set_aside", "lines", "revenue"]
            )
        )
    if not buyers:  # an empty log comes in no piece at all
        buyers = others = [reader.schema.empty_table()]
    bought = pa.concat_tables(buyers)
    accepted = {
        "reason": "accepted",
        "lines": int(pc.sum(bought["lines"]).as_py() or 0),
        "revenue": pc.sum(bought["revenue"]).as_py() or 0.0,
    }
    rest = pa.concat_tables(others).to_pandas()
    returns_only = say("customers.set_aside.returns_only")
    rest["reason"] = rest["set_aside"].where(rest["customer_id"].isna(), returns_only)
    account = pd.concat(
        [
            pd.DataFrame([accepted]),
            rest.groupby("reason")[["lines", "revenue"]].sum().reset_index(),
        ]
    )
    account = (
        account.astype({"lines": "int64", "revenue": "float64"})
        .round(6)
        .reset_index(drop=True)
    )
    del bought
    return as_frame(buyers), account


def _kind(column: str) -> pa.DataType:
    """What a column of the customer table holds: whole numbers, days or money."""
    if column in WHOLE:
        return pa.int64()
    return pa.timestamp("s") if column in DAYS else pa.float64()


def as_frame(parts: list[pa.Table]) -> pd.DataFrame:
    """Buyers as the customer table is promised: index ``customer_id``, sorted; days and counts
    whole, money floats.

    The list is emptied: each column is given up once it is converted, for a large base would not
    fit twice.
    """
    names = set(parts[0].column_names)
    kinds = {"customer_id": pa.string()}
    for column in COLUMNS:
        if column in names:
            kinds[column] = _kind(column)
    rows = pa.concat_tables(
        [
            part.select(list(kinds)).cast(pa.schema(list(kinds.items())))
            for part in parts
        ]
    )
    parts.clear()
    ids = rows["customer_id"]
    # A server may sort text by the rules of a language.
    if not pc.all(pc.less(ids[:-1], ids[1:])).as_py():
        rows = rows.sort_by("customer_id")
    del ids
    return rows.to_pandas(split_blocks=True, self_destruct=True).set_index(
        "customer_id"
    )


def outcomes_expression(
    lines: ir.Table,
    start: dt.date,
    days: int,
    returns: Returns = "net",
) -> ir.Table:
    """Per customer what happened in ``start <= day < start + days``: orders and money (minor
    units)."""
    window = ObservationWindow(start, start + dt.timedelta(days=days))
    orders = per_order(with_reason(lines, window, returns))
    orders = orders.filter(orders.reason.isnull())
    by = {"customer_id": orders.customer_id.cast("string")}
    return orders.group_by(**by).aggregate(
        future_orders=orders.count(where=orders.is_order),
        future_revenue=orders.revenue.sum(),
        **(
            {"future_margin": orders.margin.sum()} if "margin" in orders.columns else {}
        ),
    )
