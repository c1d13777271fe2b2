"""Customers of a log that grew: what is kept of it, and how new orders change that.

Sums add up, because money is counted in whole minor units. Days of orders are kept one by one: an
order that spans two files may move, appear or disappear, and the usual gap between orders is a
median, which no sum can carry on.

What is kept lies in the embedded engine's own files, so the step from the old to the new is written
in its SQL.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from segment_lab.customers.orders import (
    Returns,
    as_purchases,
    by_customer,
    money_of,
    per_customer,
    per_order,
    with_gaps,
    with_reason,
)
from segment_lab.window import ObservationWindow

#: Orders of which new files hold lines, summed up by customer: what came, and the days of orders
#: that are new (`come`) or are none any more (`gone`). An order is told by `keys`, and found among
#: the kept ones by its number; `since` bounds those where a day and a customer are an order.
CHANGED = """
WITH fresh AS (FROM {came} WHERE reason IS NULL),
numbers AS MATERIALIZED (
    SELECT DISTINCT number FROM {orders} SEMI JOIN fresh USING (number) WHERE {since}
),
known AS (FROM {orders} SEMI JOIN numbers USING (number) WHERE reason IS NULL AND {since}),
lines_of_both AS (
    SELECT *, false AS old FROM fresh UNION ALL BY NAME SELECT *, true AS old FROM known
),
sums AS (
    SELECT {keys},
        min(order_date) FILTER (old) AS was_on, min(order_date) AS now_on,
        sum(revenue) FILTER (old) AS revenue_then, sum(returned) FILTER (old) AS returned_then,
        sum(revenue) AS revenue_now, sum(returned) AS returned_now,
        {added}
    FROM lines_of_both GROUP BY ALL
),
told AS (
    SELECT *,
        revenue_now > 0 OR (revenue_now = 0 AND returned_now = 0) AS now,
        coalesce(revenue_then > 0 OR (revenue_then = 0 AND returned_then = 0), false) AS was,
        now AND was AND was_on = now_on AS same
    FROM sums
)
SELECT customer_id,
    (count(*) FILTER (now) - count(*) FILTER (was))::BIGINT AS frequency,
    list(now_on) FILTER (now AND NOT same) AS come,
    list(was_on) FILTER (was AND NOT same) AS gone,
    {totals}
FROM told GROUP BY customer_id
"""

#: The kept customers with what changed. Whoever ordered again is counted anew: the days on which
#: more orders came than went, and the gaps between them.
GROWN = """
WITH together AS (
    SELECT new.customer_id, coalesce(old.frequency, 0) + new.frequency AS frequency,
        list_concat(old.days, new.come) AS days, list_concat(old.gone, new.gone) AS gone,
        {both}
    FROM {changed} AS new
    LEFT JOIN (FROM {customers} WHERE set_aside IS NULL) AS old USING (customer_id)
),
dated AS (
    SELECT *, list_sort(list_distinct(CASE WHEN len(gone) > 0
        THEN list_filter(days, lambda day: len(list_filter(days, lambda other: other = day))
                                         > len(list_filter(gone, lambda other: other = day)))
        ELSE days END)) AS on_days
    FROM together
)
SELECT {columns} FROM {customers} ANTI JOIN {changed} USING (customer_id)
WHERE set_aside IS NULL
UNION ALL BY NAME
SELECT customer_id, frequency, days, gone, {sums},
    on_days[1] AS first_order, on_days[-1] AS last_order,
    list_median(list_transform(
        list_zip(on_days[2:], on_days[:-2]), lambda pair: pair[1] - pair[2]
    )) AS gap_days
FROM dated
UNION ALL BY NAME
SELECT set_aside, 0 AS frequency, {totals} FROM (
    SELECT set_aside, {sums} FROM {customers} WHERE set_aside IS NOT NULL
    UNION ALL SELECT reason, {sums} FROM {came} WHERE reason IS NOT NULL
) GROUP BY set_aside
"""


def orders_to_keep(
    lines: ir.Table, window: ObservationWindow, returns: Returns
) -> ir.Table:
    """Orders of conformed lines, each with a ``number`` by which it is found again."""
    orders = per_order(with_reason(lines, window, returns))
    number = orders.customer_id.hash()
    if "order_id" in orders.columns:
        number = ibis.coalesce(orders.order_id.hash(), number)
    return _narrow(orders.drop("is_order").mutate(number=number))


def customers_to_keep(orders: ir.Table) -> ir.Table:
    """A row per customer before its measures, with the ``days`` of all orders and those that are
    ``gone``; and a row per reason for which lines were set aside."""
    orders = with_gaps(as_purchases(orders))
    days = orders.order_date.collect(where=orders.is_order)
    kept = {"gap_days": orders.gap.median(), "days": days}
    customers = per_customer(orders, by_customer(orders), **kept)
    return _narrow(customers.mutate(gone=ibis.null(customers.days.type())))


def changed_statement(orders: str, came: str, columns: Sequence[str]) -> str:
    """SQL of what new orders change.

    Parameters
    ----------
    orders, came : str
        Tables of what `orders_to_keep` gives, of the files before and of those that came. An order
        that came in several files stands in the first as often.
    columns : sequence of str
        Theirs.
    """
    sums = _sums(columns)
    keys, since = ["customer_id", "order_id", "day"], "true"
    if "order_id" not in columns:
        keys = ["customer_id", "order_date"]
        since = f"order_date >= (SELECT min(order_date) FROM {came})"
    added = [f"sum({name}) FILTER (NOT old) AS {name}" for name in sums]
    return CHANGED.format(
        orders=orders,
        came=came,
        keys=", ".join(keys),
        since=since,
        added=", ".join(added),
        totals=_totals(sums),
    )


def grown_statement(
    customers: str,
    changed: str,
    came: str,
    columns: Sequence[str],
) -> str:
    """SQL of `customers` as `customers_to_keep` would give them had all orders been there at once.

    Parameters
    ----------
    customers, changed, came : str
        Tables of what `customers_to_keep` gave, of the answer to `changed_statement`, and of the
        orders that came.
    columns : sequence of str
        Those of `customers`.
    """
    sums = _sums(columns)
    both = []
    for name in sums:
        # A margin may be unknown; what is known is added up.
        known = f"coalesce(old.{name}, new.{name}) IS NOT NULL"
        total = f"coalesce(old.{name}, 0) + coalesce(new.{name}, 0)"
        both.append(f"CASE WHEN {known} THEN {total} END AS {name}")
    return GROWN.format(
        customers=customers,
        changed=changed,
        came=came,
        both=", ".join(both),
        columns=", ".join(columns),
        sums=", ".join(sums),
        totals=_totals(sums),
    )


def _sums(columns: Sequence[str]) -> list[str]:
    """What adds up."""
    money = ("revenue", "returned", "margin")
    return ["lines", *(name for name in money if name in columns)]


def _totals(sums: Sequence[str]) -> str:
    return ", ".join(f"sum({name})::BIGINT AS {name}" for name in sums)


def _narrow(table: ir.Table) -> ir.Table:
    """Sums in 64 bits: the engine's have 128, which Ibis does not know and a file would keep as
    floats."""
    narrow = {}
    for name in ("lines", *money_of(table)):
        narrow[name] = table[name].cast("decimal(38, 0)").cast("int64")
    return table.mutate(**narrow)
