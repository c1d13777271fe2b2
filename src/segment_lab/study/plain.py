"""Order lines to customers as one plain statement, for warehouses.

It is written out so that it means the same everywhere: days are whole numbers (the one expression
that every dialect has its own way for), money is whole minor units, medians and groups are spelled
out. The engine's own query is `customers.orders`; tests hold both to the same customers.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from segment_lab.customers.orders import Returns
from segment_lab.window import ObservationWindow

#: The day of a date, a timestamp or ISO text, counted from 1970-01-01.
DAY_NUMBER = {
    "duckdb": "DATE_DIFF('day', DATE '1970-01-01', CAST({0} AS DATE))",
    "postgres": "(CAST({0} AS DATE) - DATE '1970-01-01')",
    "sqlite": "CAST(JULIANDAY(DATE({0})) - JULIANDAY('1970-01-01') AS INTEGER)",
    "databricks": "DATEDIFF(CAST({0} AS DATE), DATE '1970-01-01')",
    "bigquery": "DATE_DIFF(CAST({0} AS DATE), DATE '1970-01-01', DAY)",
    "snowflake": "DATEDIFF(DAY, DATE '1970-01-01', CAST({0} AS DATE))",
    "clickhouse": "dateDiff('day', toDate('1970-01-01'), toDate({0}))",
    "mysql": "DATEDIFF(CAST({0} AS DATE), '1970-01-01')",
    "trino": "DATE_DIFF('day', DATE '1970-01-01', CAST({0} AS DATE))",
}
#: Columns that a rule may read, by the expression that makes them.
MEASURES = {
    "recency_days": "{as_of} - b.last_day",
    "t_x": "b.last_day - b.first_day",
    "tenure_days": "{as_of} - b.first_day",
    "frequency": "b.frequency",
    "repeat_frequency": "b.frequency - 1",
    "revenue": "CAST(b.revenue AS DOUBLE) / {scale}",
    "margin": "CAST(b.margin AS DOUBLE) / {scale}",
    "monetary_value": "CAST(b.revenue AS DOUBLE) / {scale} / CAST(b.frequency AS DOUBLE)",
    "gap_days": "g.gap_days",
    "return_share": "CAST(b.returned AS DOUBLE) "
    "/ NULLIF(CAST(b.revenue + b.returned AS DOUBLE), 0)",
    "first_order": "b.first_date",
    "last_order": "b.last_date",
}
DATES = ("first_order", "last_order")
LINES = """
lines AS (
  SELECT customer_id, {order_id} AS order_id, __day__ AS day, {date} AS date,
    CAST(ROUND(amount * {scale}) AS BIGINT) AS amount, {margin} AS margin
  FROM {table}
  WHERE customer_id IS NOT NULL AND order_date IS NOT NULL AND amount IS NOT NULL
),
inside AS (
  SELECT *, CASE WHEN order_id IS NULL THEN day END AS loose_day
  FROM lines WHERE day >= {start} AND day < {as_of}{no_returns}
),
orders_made AS (
  SELECT customer_id, MIN(day) AS day, MIN(date) AS date, SUM(amount) AS revenue,
    SUM(CASE WHEN amount < 0 THEN -amount ELSE 0 END) AS returned, SUM(margin) AS margin
  FROM inside GROUP BY customer_id, order_id, loose_day
),
orders_judged AS (
  SELECT *, CASE WHEN revenue > 0 OR (returned = 0 AND revenue = 0) THEN 1 ELSE 0 END AS bought
  FROM orders_made
),
buyers AS (
  SELECT customer_id, SUM(bought) AS frequency, SUM(revenue) AS revenue,
    SUM(returned) AS returned, SUM(margin) AS margin,
    MIN(CASE WHEN bought = 1 THEN day END) AS first_day,
    MAX(CASE WHEN bought = 1 THEN day END) AS last_day,
    MIN(CASE WHEN bought = 1 THEN date END) AS first_date,
    MAX(CASE WHEN bought = 1 THEN date END) AS last_date
  FROM orders_judged GROUP BY customer_id HAVING SUM(bought) > 0
)"""
#: The median is the mean of the one or two gaps in the middle.
GAPS = """,
gaps AS (
  SELECT customer_id, day - LAG(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
  FROM orders_judged WHERE bought = 1
),
gaps_placed AS (
  SELECT customer_id, gap, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY gap) AS place,
    COUNT(*) OVER (PARTITION BY customer_id) AS many
  FROM gaps WHERE gap > 0
),
gaps_middle AS (
  SELECT customer_id, AVG(CAST(gap AS DOUBLE)) AS gap_days
  FROM gaps_placed WHERE place * 2 >= many AND place * 2 <= many + 2 GROUP BY customer_id
)"""


@dataclass(frozen=True)
class OrdersStatement:
    """What the statement needs to know of a study.

    Parameters
    ----------
    table, accounts : str
        Names of the order lines and of the account columns in the warehouse.
    window, returns, decimals
        As for `customers.orders.customer_expression`.
    columns, account_columns, absent : tuple of str
        What the rule reads of the orders, of the accounts, and what only prospects have.
    order_ids : bool
        Whether the lines have an ``order_id``.
    day : str, optional
        The expression of the day that customers are described on, such as ``CURRENT_DATE``;
        `window.as_of` where none is given.
    days : int, optional
        Length of an observed period that moves along with `day`.
    """

    table: str
    accounts: str
    window: ObservationWindow
    returns: Returns
    decimals: int
    columns: tuple[str, ...]
    account_columns: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    order_ids: bool = True
    day: str | None = None
    days: int | None = None

    def sql(self, dialect: str) -> str:
        """``lines AS (…), …, people AS (…)``, to be opened by WITH; `people` holds the columns."""
        text = (
            f"WITH {self._lines()}{self._gaps()}, people AS ({self._people()}) SELECT 1"
        )
        [written] = sqlglot.transpile(
            text, "duckdb", dialect, identify=True, pretty=True
        )
        opening = written[: written.rindex("SELECT")].rstrip()
        date = exp.column("order_date", quoted=True).sql(dialect)
        days = {"__day__": date, "__as_of__": self.day or ""}
        for name, value in days.items():
            placeholder = exp.column(name, quoted=True).sql(dialect)
            opening = opening.replace(placeholder, DAY_NUMBER[dialect].format(value))
        return opening

    @property
    def _as_of(self) -> str:
        return "__as_of__" if self.day else _number(self.window.as_of)

    @property
    def _start(self) -> str:
        if self.day and self.days:
            return f"__as_of__ - {self.days}"
        return _number(self.window.start)

    def _lines(self) -> str:
        return LINES.format(
            table=_quoted(self.table),
            scale=10**self.decimals,
            start=self._start,
            as_of=self._as_of,
            order_id="order_id" if self.order_ids else "CAST(NULL AS VARCHAR)",
            date="CAST(order_date AS DATE)" if {*DATES} & {*self.columns} else "0",
            margin=f"CAST(ROUND(margin * {10**self.decimals}) AS BIGINT)"
            if "margin" in self.columns
            else "0",
            no_returns=" AND amount >= 0" if self.returns == "drop" else "",
        )

    def _gaps(self) -> str:
        return GAPS if "gap_days" in self.columns else ""

    def _people(self) -> str:
        facts = {"as_of": self._as_of, "scale": 10**self.decimals}
        columns = ["b.customer_id"]
        columns += [
            f"{MEASURES[name].format(**facts)} AS {name}" for name in self.columns
        ]
        columns += [f"a.{_quoted(name)}" for name in self.account_columns]
        for name in self.absent:
            kind = "BOOLEAN" if name == "offer" else "BIGINT"
            columns.append(f"CAST(NULL AS {kind}) AS {_quoted(name)}")
        joins = ""
        if "gap_days" in self.columns:
            joins += " LEFT JOIN gaps_middle AS g ON g.customer_id = b.customer_id"
        if self.account_columns:
            accounts = _quoted(self.accounts)
            joins += f" LEFT JOIN {accounts} AS a ON a.customer_id = b.customer_id"
        return f"SELECT {', '.join(columns)} FROM buyers AS b{joins}"


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql("duckdb")


def _number(day: dt.date) -> str:
    return str((day - dt.date(1970, 1, 1)).days)
