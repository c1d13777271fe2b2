"""Reports in the shape of lists: headings above their rows, cells filled once per group, totals.

Office programs print a customer once and the documents below it. `shaped` writes the name on every
row, where a source says so; which rows are no data is said by `set_aside`.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from segment_lab.data.expressions import compile_expression
from segment_lab.data.sources import RawTable, Source
from segment_lab.errors import ConfigError, nearest
from segment_lab.texts import say

#: Reasons of rows that never were data: they are counted, but are no fault of the file.
TOTAL, HEADING = "total row", "heading row"
ASIDE = (TOTAL, HEADING, "broken line: footer")


def shaped(raw: RawTable, source: Source, where: str) -> RawTable:
    """The raw table with the columns that `groups` and `fill_down` fill.

    Rows must stand in the order of the file, so a table in a database is refused.
    """
    if not (source.groups or source.fill_down):
        return raw
    if raw.remote:
        raise ConfigError(say("shaping.no_order_of_rows", where=where))
    table = raw.table
    for name in (
        *source.fill_down,
        *(group.column for group in source.groups.values()),
    ):
        if name not in table.columns:
            known = nearest(name, table.columns)
            raise ConfigError(
                say("shaping.no_column", where=where, column=name, hint=known)
            )
    table = table.mutate(row__=ibis.row_number())
    for name, group in source.groups.items():
        heading = compile_expression(group.when, table, f"{where}.groups.{name}")
        title = ibis.ifelse(heading, table[group.column].strip(), ibis.null("string"))
        table = _filled(table.mutate(**{name: title}), name)
    for name in source.fill_down:
        within = _order(source, table, name)
        value = ibis.ifelse(table[name].strip() == "", ibis.null("string"), table[name])
        table = _filled(table.mutate(**{name: value}), name, within)
    return raw.over(table.drop("row__"))


def set_aside(source: Source) -> Mapping[str, str]:
    """Reason to SQL condition for rows that a source declares to be no data."""
    conditions = {}
    if source.groups:
        conditions[HEADING] = " OR ".join(
            f"({group.when})" for group in source.groups.values()
        )
    # A total below a group looks like a heading: the later reason holds.
    if source.totals:
        conditions[TOTAL] = source.totals
    return conditions


def _order(source: Source, table: ir.Table, name: str) -> str | None:
    """The order's column where a cell is filled within its order alone: an empty status of the
    next order is empty. A customer stands above several orders."""
    order = source.columns.get("order_id")
    whose = name in (source.columns.get("customer_id") or "")
    bounded = order in table.columns and order not in source.fill_down and not whose
    return order if bounded else None


def _filled(table: ir.Table, name: str, within: str | None = None) -> ir.Table:
    """Nulls of a column take the last value above them, `within` rows of the same value alone."""
    by = [within] if within else []
    above = ibis.window(
        group_by=by,
        order_by="row__",
        preceding=None,
        following=0,
    )
    table = table.mutate(block__=table[name].count().over(above))
    block = ibis.window(group_by=[*by, "block__"])
    return table.mutate(**{name: table[name].max().over(block)}).drop("block__")
