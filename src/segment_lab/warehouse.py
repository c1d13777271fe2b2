"""Segments where the data are: one SQL statement for a warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from segment_lab.errors import ConfigError
from segment_lab.features.customers import COLUMNS, buyers_expression

if TYPE_CHECKING:
    from segment_lab.study import Study

# Ibis knows no exact median there, so it is counted out.
WITHOUT_MEDIAN = ("bigquery", "trino", "mysql", "mssql")


def statement(study: Study, method: str, dialect: str, source: str, table: str | None, accounts: str) -> str:
    """See `Study.to_sql`."""
    fitted = study.fitted(method)
    if source == "customers":
        return str(fitted.to_sql(table or source, dialect, window=study.window))
    lines = order_lines(study, table or source, ("amount", "margin") if "margin" in fitted.reads else ("amount",))
    people = buyers_expression(lines, study.window, study.config.returns, study.intake("orders").reading.decimals,
                               fitted.reads & {*COLUMNS}, dialect not in WITHOUT_MEDIAN)
    return str(fitted.to_sql(with_accounts(study, fitted, method, people, accounts), dialect, window=study.window))


def order_lines(study: Study, name: str, money: tuple[str, ...]) -> ir.Table:
    """The canonical order table of a warehouse, as it would be typed there; amounts in whole minor units."""
    intake = study.intake("orders")
    # Declared as timestamps, days are cast on the spot: a date, a timestamp and ISO text all become a day.
    schema = {"customer_id": "string", "order_date": "timestamp", **dict.fromkeys(money, "float64")}
    if "order_id" in intake.lines.columns:
        schema["order_id"] = "string"
    raw = ibis.table(schema, name=name)
    raw = raw.filter(raw.customer_id.notnull(), raw.order_date.notnull(), raw.amount.notnull())
    minor = {f"{m}_minor": (raw[m] * 10**intake.reading.decimals).round().cast("int64") for m in money}
    return raw.mutate(order_date=raw.order_date.cast("date"), **minor).drop(*money)


def with_accounts(study: Study, fitted: Any, method: str, people: ir.Table, accounts: str) -> ir.Table:
    """Buyers with the account columns that the rule reads; what only prospects have is null.

    Raises
    ------
    ConfigError
        The rule reads columns that neither orders nor accounts hold.
    """
    known = study.table("customers").schema() if study.has("customers") else {}
    wanted = fitted.reads - {*people.columns}
    joined = [column for column in sorted(wanted) if column in known]
    lacking = wanted - {*joined, *fitted.optional_columns}
    if lacking:
        raise ConfigError(f"{method} reads {', '.join(sorted(lacking))}, which order lines do not hold. Start from a "
                          f"customer table that does: source='customers'.")
    if joined:
        right = ibis.table({"customer_id": "string", **{c: known[c] for c in joined}}, name=accounts)
        people = people.left_join(right, "customer_id").drop("customer_id_right")
    return people.mutate(**{c: ibis.null("boolean") if c == "offer" else ibis.null("int64")
                            for c in sorted(wanted - {*joined})})
