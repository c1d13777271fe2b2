"""The tables a study may read, their columns, and how raw rows become canonical ones or are set
aside.

`conform` turns any Ibis table into the canonical columns of a contract plus ``reason``: null for
an accepted row, otherwise why it was rejected. Nothing is dropped here, so accepted + rejected =
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from segment_lab.data.expressions import columns as columns_of
from segment_lab.data.expressions import compile_expression
from segment_lab.errors import ConfigError, DataError, Fault, nearest

Kind = Literal["id", "text", "date", "money", "number", "flag"]


@dataclass(frozen=True)
class Column:
    """One canonical column. A `required` column must be mapped, and a row without a value is
    rejected."""

    name: str
    kind: Kind
    required: bool = False
    doc: str = ""


@dataclass(frozen=True)
class Contract:
    """A table's columns. `key` must be unique where given; `extras` keeps columns beyond the named
    ones."""

    name: str
    columns: tuple[Column, ...]
    key: str | None = None
    extras: bool = False

    def column(self, name: str) -> Column:
        """The column called `name`."""
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical column names, in order."""
        return tuple(c.name for c in self.columns)


def _contract(name: str, spec: str, key: str | None = None, extras: bool = False) -> Contract:
    parts = (word.split(":") for word in spec.split())
    return Contract(
        name,
        tuple(Column(n.rstrip("!"), kind, n.endswith("!")) for n, kind in parts),  # type: ignore[arg-type]
        key,
        extras,
    )


CONTRACTS: Mapping[str, Contract] = {
    c.name: c
    for c in (
        _contract(
            "orders",
            "customer_id!:id order_id:id order_date!:date amount!:money margin:money product:text "
            "quantity:number",
        ),
        _contract(
            "customers",
            "customer_id!:id name:text email:text customer_type:text industry:text region:text "
            "owner:text consent:flag vip:flag created_on:date",
            "customer_id",
            extras=True,
        ),
        _contract(
            "invoices",
            "invoice_id!:id customer_id!:id issue_date!:date due_date!:date amount!:money kind:text "
            "disputed:flag cause:text consignment:flag settled_date:date related_invoice_id:id "
            "documents_sent:flag statement_sent:flag questions_open:flag",
            "invoice_id",
        ),
        _contract("payments", "payment_id:id invoice_id!:id payment_date!:date amount!:money"),
        _contract(
            "leads",
            "lead_id!:id customer_id:id created_on:date source:text owner:text segment:text value:money "
            "status:text",
            "lead_id",
            extras=True,
        ),
        _contract("lead_stages", "lead_id!:id stage!:text entered_on!:date"),
        _contract(
            "touches",
            "touch_id:id customer_id!:id touch_date!:date channel!:text event!:text topic:text "
            "campaign_id:id minutes:number",
        ),
        _contract(
            "campaigns",
            "campaign_id!:id customer_id!:id arm!:text assigned_on!:date horizon_days:number "
            "scheme:text segment:text action:text cost_per_contact:number predicted_uplift:number",
        ),
        _contract(
            "contact_costs",
            "action!:text channel:text cost_per_contact!:number minutes_per_contact:number",
            "action",
        ),
    )
}

# Words that decide what a row counts for; a row with another one would silently count for nothing.
WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("campaigns", "arm"): ("treatment", "holdout"),
    ("touches", "event"): (
        "delivered",
        "undelivered",
        "opened",
        "clicked",
        "call",
        "chat",
        "visit",
    ),
}


@dataclass(frozen=True)
class Reading:
    """How the values of one source are written.

    Parameters
    ----------
    columns : mapping
        Canonical name to raw column name or SQL expression over raw columns; same-named columns
        map themselves.
    where : str, optional
        SQL condition; other rows do not belong to the source and are counted as left out.
    date_formats : tuple of str
        strptime formats for text dates; empty means ISO.
    offsets : bool
        Text dates carry a UTC offset, to be compared in the study's zone.
    decimal, thousands : str
        Decimal mark of text numbers, and the mark between groups of three digits: a dot where
        decimals have a comma.
    decimals : int
        Digits of money behind the mark: 2 for cents.
    nulls : tuple of str
        Texts that mean "nothing" (empty text always does).
    casefold : tuple of str
        Text columns compared without regard to case.
    remote : bool
        The table stays in a database, which may sort text by the rules of a language.
    amount_per : {"line", "order"}
        Whether an order's lines have amounts of their own, or repeat the order's.
    aside : mapping
        Reason to SQL condition, for rows that are no data: totals, headings.
    """

    columns: Mapping[str, str | None] = field(default_factory=dict)
    where: str | None = None
    date_formats: tuple[str, ...] = ()
    offsets: bool = False
    decimal: str = "."
    decimals: int = 2
    nulls: tuple[str, ...] = ()
    casefold: tuple[str, ...] = ()
    remote: bool = False
    thousands: str | None = None
    amount_per: str = "line"
    aside: Mapping[str, str] = field(default_factory=dict)

    def number(self, text: ir.StringValue) -> ir.Value:
        """Text as a float; null where it is no number. Only what does not parse at once pays for
        tidying."""
        mark = self.thousands or ("." if self.decimal == "," else None)
        grouped = text.re_replace(rf"[{mark}](\d{{3}})\b", r"\1")
        plain = (
            ibis.ifelse(text.contains(mark), grouped, text) if mark else text
        )  # a look is cheaper than a pattern
        plain = plain.replace(self.decimal, ".") if self.decimal != "." else plain
        value = plain.try_cast("float64")  # skips blanks around a number
        if self.remote:
            return value
        for pattern, new in _TIDY:
            plain = plain.re_replace(pattern, new)
        return ibis.coalesce(value, plain.try_cast("float64"))


# Amounts as offices write them: "1 234,50 zł", "$5.00", "CHF 1'000.00", "(5.00)" and "5.00-" for a
# negative one.
CURRENCY_MARKS = (
    "[$€£¥₽₴₹₺₸₪]|EUR|USD|GBP|CHF|PLN|RUB|UAH|CZK|HUF|SEK|NOK|DKK|RON|BGN|TRY|CNY|JPY|INR|BRL|CAD|AUD|"
    r"zł|kr|Kč|Ft|лв|грн|руб|р|R\$|Rs"
)
_TIDY = (
    (rf"^[\s\p{{Z}}]*([-−(]?)[\s\p{{Z}}]*(?:(?:{CURRENCY_MARKS})\.?)?[\s\p{{Z}}]*", r"\1"),
    (rf"[\s\p{{Z}}]*(?:(?:{CURRENCY_MARKS})\.?)?[\s\p{{Z}}]*([-−)]?)[\s\p{{Z}}]*$", r"\1"),
    (r"[\p{Z}'’](\d{3})\b", r"\1"),
    (r"^\((.*)\)$|^(.*)[-−]$|^−(.*)$", r"-\1\2\3"),
)


@ibis.udf.scalar.builtin
def try_strptime(value: str, form: str) -> dt.timestamp:
    """DuckDB's parser of dated text; null where the text does not fit."""


def resolve(contract: Contract, raw_columns: tuple[str, ...], reading: Reading) -> dict[str, str]:
    """Canonical name → raw column or expression; every fault of the mapping raised at once."""
    faults, mapping = [], {}
    for name in reading.columns:
        if name not in contract.names and not contract.extras:
            faults.append(
                Fault(
                    f"columns.{name}",
                    f"is not a column of {contract.name}",
                    nearest(name, contract.names),
                )
            )
    for column in contract.columns:
        wanted = reading.columns.get(column.name, column.name)
        if wanted is None:
            continue
        if wanted in raw_columns:
            mapping[column.name] = wanted
        elif column.name in reading.columns:
            mapping[column.name] = wanted
            faults += _unknown(contract, column.name, wanted, raw_columns)
        elif column.required:
            faults.append(
                Fault(
                    f"{contract.name}.{column.name}",
                    "is needed, and the source has no such column",
                    f"Map it under columns. The source has: {', '.join(raw_columns)}",
                )
            )
    mapping |= {
        n: str(e)
        for n, e in reading.columns.items()
        if n not in contract.names and e and contract.extras
    }
    if faults:
        raise DataError(f"The columns of {contract.name} cannot be found", faults)
    return mapping


def _unknown(contract: Contract, name: str, text: str, raw_columns: tuple[str, ...]) -> list[Fault]:
    where = f"{contract.name}.{name}"
    try:
        missing = columns_of(text, where) - set(raw_columns)
    except ConfigError as error:
        return [Fault(where, str(error), f"The source has: {', '.join(raw_columns)}")]
    return [
        Fault(where, f"there is no column {m!r}", nearest(m, raw_columns)) for m in sorted(missing)
    ]


def conform(
    raw: ir.Table,
    contract: Contract,
    reading: Reading,
    *,
    keep_raw: bool = False,
    text_ids: bool = True,
) -> ir.Table:
    """Canonical columns and ``reason`` (null when accepted) for every raw row that `where` keeps.

    With `keep_raw` the source's own columns follow as ``raw.<name>``: what a rejected row looked
    like. Ids are text; without `text_ids` whole numbers stay numbers, which are cheaper to group
    by.

    Money becomes whole minor units in ``<name>_minor`` (64-bit integers), because float sums
    change with the order of threads; see docs/decisions/0002-engine.md.
    """
    mapping = resolve(contract, tuple(raw.columns), reading)
    if reading.where:
        raw = raw.filter(
            compile_expression(reading.where, raw, f"{contract.name}.where", reading.number)
        )
    columns = [c for c in contract.columns if c.name in mapping]
    given = {c.name: _given(raw, mapping[c.name], contract, c.name, reading) for c in columns}
    before = {f"raw.{c}": raw[c] for c in raw.columns} if keep_raw else {}
    extras = _extras(raw, mapping, contract, reading)
    # In steps, each with a name: an engine computes a repeated expression again, and parsing is
    # what costs.
    aside = {
        f"{why}__": compile_expression(
            text, raw, f"{contract.name}.{why}", reading.number
        ).fill_null(False)
        for why, text in reading.aside.items()
    }
    rows = raw.select(**given, **extras, **before, **aside)
    as_they_are = [
        c.name
        for c in columns
        if not text_ids and c.kind == "id" and rows[c.name].type().is_integer()
    ]
    rows = rows.mutate(
        **{
            f"{c.name}__read": rows[c.name]
            if c.name in as_they_are
            else _read(rows[c.name], c, reading)
            for c in columns
        }
    )
    values: dict[str, ir.Value] = {}
    reason = ibis.null("string")
    for column in reversed(columns):
        name, text = column.name, given[column.name]
        value = values[f"{name}_minor" if column.kind == "money" else name] = _settled(
            rows[f"{name}__read"], column, reading
        )
        # Typed columns cannot be unreadable, except floats that are no number.
        if (
            text.type().is_string() and column.kind not in ("id", "text")
        ) or text.type().is_floating():
            reason = ibis.ifelse(
                rows[name].notnull() & value.isnull(), f"unreadable {name}", reason
            )
        if known := WORDS.get((contract.name, name)):
            value = values[name] = value.strip().lower()
            reason = ibis.ifelse(value.notnull() & ~value.isin(known), f"unknown {name}", reason)
        if column.required:
            reason = ibis.ifelse(rows[name].isnull(), f"no {name}", reason)
    for why in reading.aside:
        reason = ibis.ifelse(rows[f"{why}__"], why, reason)
    kept = {name: rows[name] for name in (*extras, *before)}
    lines = rows.select(
        **{n: values[n] for n in reversed(values)},
        **{n: kept[n] for n in extras},
        reason=reason,
        **{n: kept[n] for n in before},
    )
    return _once_per_order(lines) if reading.amount_per == "order" else lines


def _once_per_order(lines: ir.Table) -> ir.Table:
    """Each different total of an order stays on one of its lines and is 0 on the others.

    A line without a total is a line of its order like any other, if one of the order's has it.
    """
    wanting = lines.reason == "no amount"
    usable = lines.reason.isnull() | wanting
    order = ibis.window(group_by=[lines.order_id, usable])
    total = lines.amount_minor.max().over(order)
    same = ibis.window(group_by=[lines.order_id, lines.amount_minor, usable])
    first = ibis.row_number().over(same) == 0
    inherits = lines.order_id.notnull() & wanting & total.notnull()
    repeated = lines.order_id.notnull() & usable & ~first
    return lines.mutate(
        amount_minor=ibis.ifelse(inherits | repeated, 0, lines.amount_minor),
        reason=ibis.ifelse(inherits, ibis.null("string"), lines.reason),
    )


def _given(raw: ir.Table, source: str, contract: Contract, name: str, reading: Reading) -> ir.Value:
    def nothing(text: ir.StringValue) -> ir.Value:
        return blank_to_null(text, reading.nulls, reading.remote)

    if source in raw.columns:
        return nothing(raw[source])
    where = f"{contract.name}.{name}"
    return nothing(compile_expression(source, raw, where, reading.number, nothing))


def _extras(
    raw: ir.Table, mapping: Mapping[str, str], contract: Contract, reading: Reading
) -> dict[str, ir.Value]:
    if not contract.extras:
        return {}
    used = {m for n, m in mapping.items() if n in contract.names}
    out = {}
    for name in [*raw.columns, *(n for n in mapping if n not in contract.names)]:
        source = mapping.get(name, name)
        if name in contract.names or (source in used and name not in mapping):
            continue
        value = _given(raw, source, contract, name, reading)
        out[name] = (
            value.lower() if name in reading.casefold and value.type().is_string() else value
        )
    return out


def blank_to_null(value: ir.Value, nulls: tuple[str, ...] = (), collated: bool = False) -> ir.Value:
    """Empty text, white space alone and the declared null words become null; other text stays as
    it is."""
    if not value.type().is_string():
        return value
    # White space sorts before '!': only such values pay for the trim, which on long logs is felt.
    blank = (
        value.strip() == "" if collated else ibis.ifelse(value < "!", value.strip() == "", False)
    )
    return ibis.ifelse(blank | value.isin(nulls) if nulls else blank, ibis.null("string"), value)


def _read(value: ir.Value, column: Column, reading: Reading) -> ir.Value:
    """A given value as text, day, flag or number; null where it cannot be read."""
    text = value.type().is_string()
    if column.kind in ("id", "text"):
        value = value if text else _whole(value).cast("string")
        return value.strip().lower() if column.name in reading.casefold else value
    if column.kind == "date":
        return _date(value, reading)
    if column.kind == "flag":
        return _flag(value) if text else value.cast("boolean")
    return reading.number(value) if text else value.cast("float64")


def _settled(value: ir.Value, column: Column, reading: Reading) -> ir.Value:
    """Numbers within bounds, money in whole minor units; NaN, which sorts last, and infinity are
    out of bounds."""
    if column.kind == "number":
        return ibis.ifelse(value.abs() < 1e300, value, ibis.null("float64"))
    if column.kind != "money":
        return value
    scaled = value * 10**reading.decimals
    # PostgreSQL rounds the halves of floats to even numbers; half a cent is rounded up everywhere.
    minor = (scaled.abs() + 0.5).floor() * scaled.sign() if reading.remote else scaled.round()
    return ibis.ifelse(scaled.abs() < 2**62, minor, None).cast("int64")


NUMBERED_DAYS = ("unix", "excel")  # seconds since 1970, days since 1899-12-30


def read_day(text: ir.StringValue, form: str) -> ir.DateValue:
    """The day a text means in one layout; null where it does not fit."""
    if form not in NUMBERED_DAYS:
        return try_strptime(text, form).date()
    number = text.try_cast("float64")
    seconds = number if form == "unix" else (number - 25569) * 86400
    return ibis.ifelse(seconds.abs() < 1e11, seconds, None).cast("int64").as_timestamp("s").date()


def _date(value: ir.Value, reading: Reading) -> ir.Value:
    if not value.type().is_string():
        if value.type().is_numeric():
            return read_day(
                value.cast("int64").cast("string"), (*reading.date_formats, "%Y%m%d")[0]
            )
        return value if value.type().is_date() else value.cast("date")
    if reading.date_formats:
        days = [read_day(value, form) for form in reading.date_formats]
        # %Y reads the year 23 where 2023 is meant: such a day is not read at all.
        days = [ibis.ifelse(day.year() < 1000, None, day) for day in days]
        return ibis.coalesce(*days) if len(days) > 1 else days[0]
    # With an offset the session's time zone (the study's) decides the day; without one the text is
    # the day.
    kind = dt.Timestamp(timezone="UTC") if reading.offsets else dt.timestamp
    # Only what does not parse pays for the trim.
    tidy = value.strip()
    if reading.offsets:  # "2026-01-31 10:00:00 +0100" parses without the blank
        tidy = tidy.re_replace(r" ([+-]\d{2}:?\d{2})$", r"\1")
    return ibis.coalesce(value.try_cast(kind), tidy.try_cast(kind)).cast("date")


def _whole(value: ir.Value) -> ir.Value:
    """A float id such as 17850.0 is what pandas made of 17850 in a column with gaps."""
    if not value.type().is_floating():
        return value
    return ibis.ifelse(
        value == value.floor(), value.cast("int64").cast("string"), value.cast("string")
    )


_TRUE = ("1", "true", "t", "yes", "y", "да", "tak", "ja")
_FALSE = ("0", "false", "f", "no", "n", "нет", "nie", "nein")


def _flag(value: ir.Value) -> ir.Value:
    word = value.strip().lower()
    return ibis.cases(
        (word.isin(_TRUE), True), (word.isin(_FALSE), False), else_=ibis.null("boolean")
    )


def money(table: ir.Table, decimals: int = 2) -> ir.Table:
    """Add the readable amount beside every ``_minor`` column (a float, exact to the last digit)."""
    names = [c.removesuffix("_minor") for c in table.columns if c.endswith("_minor")]
    return table.mutate(**{n: table[f"{n}_minor"].cast("float64") / 10**decimals for n in names})
