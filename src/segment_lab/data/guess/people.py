"""One customer under several ids: what is written differently, and how it is mended."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from segment_lab.data.expressions import compile_expression
from segment_lab.data.guess.columns import Customer
from segment_lab.data.guess.vocabulary import is_guest
from segment_lab.data.quoting import literal, quoted


@dataclass(frozen=True)
class Mend:
    """A way ids are written differently, and the expression that makes them one.

    `ids` become fewer by `merged`; `share` of the rows belong to the ids that become one.
    """

    key: str
    expression: str
    merged: int
    share: float
    examples: tuple[str, ...]


def mends(table: ir.Table, buyer: Customer, phones: bool) -> list[Mend]:
    """What would make several ids one, most certain first; `phones`: the ids are telephone
    numbers."""
    if buyer.expression not in table.columns:
        return []
    name = buyer.columns[0]
    value = table[name].cast("string").strip()
    rows = table.select(id=table[name].cast("string"), bare=value)
    rows = rows.filter(rows.bare.notnull() & (rows.bare != ""))
    inner = quoted(name) if buyer.expression == name else buyer.expression
    found = []
    for key, expression in _ways(inner, phones).items():
        mend = _tried(table, rows, name, key, expression)
        found += [mend] if mend else []
    return found


def _ways(inner: str, phones: bool) -> dict[str, str]:
    if phones:
        return {"phone": f"right(regexp_replace({inner}, '[^0-9]', ''), 10)"}
    return {"float": f"regexp_replace({inner}, '^([0-9]+)[.]0$', '\\1')"}


def _tried(
    table: ir.Table,
    rows: ir.Table,
    name: str,
    key: str,
    expression: str,
) -> Mend | None:
    made = compile_expression(expression, table, "init")
    pairs = table.select(id=table[name].cast("string"), one=made.cast("string"))
    pairs = (
        pairs.filter(pairs.id.strip() != "")
        .group_by(["one", "id"])
        .aggregate(n=ibis._.count())
    )
    together = pairs.group_by("one").aggregate(
        ids=ibis._.count(),
        rows=ibis._.n.sum(),
        first=ibis._.id.min(),
        last=ibis._.id.max(),
    )
    several = together.filter(together.ids > 1)
    answer = several.aggregate(
        merged=(several.ids - 1).sum(),
        rows=several.rows.sum(),
        first=several.first.min(),
    )
    row = answer.to_pandas().iloc[0].fillna(0)
    if not row["merged"]:
        return None
    pair = several.order_by(ibis.desc("rows"), "one").limit(1).to_pandas().iloc[0]
    share = float(row["rows"]) / max(1, int(rows.count().to_pandas()))
    return Mend(
        key, expression, int(row["merged"]), share, (pair["first"], pair["last"])
    )


def guests(table: ir.Table, buyer: Customer) -> tuple[str, int, int] | None:
    """The id that stands for unknown buyers: its rows, and those of the next."""
    name = buyer.columns[0]
    if name not in table.columns:
        return None
    rows = table.group_by(id=table[name].cast("string")).aggregate(n=table.count())
    rows = rows.filter(rows.id.strip() != "").order_by(ibis.desc("n"), "id").limit(6)
    top = rows.to_pandas()
    if len(top) < 2:
        return None
    for i in range(len(top)):
        if is_guest(str(top.id[i])) and top.n[i] > 1:
            return str(top.id[i]), int(top.n[i]), int(top.n[1 - min(i, 1)])
    if top.n[0] > 10 * top.n[1] and top.n[0] > 10:
        return str(top.id[0]), int(top.n[0]), int(top.n[1])
    return None


def without_guests(buyer: Customer, guest: str, mail: str) -> str:
    """Guests told apart by their e-mail address."""
    inner = (
        quoted(buyer.expression)
        if buyer.expression in buyer.columns
        else buyer.expression
    )
    return f"coalesce(nullif({inner}, {literal(guest)}), {quoted(mail)})"
