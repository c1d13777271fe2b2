"""How raw rows become the canonical rows of a contract, or are set aside.

`conform` turns any Ibis table into the canonical columns of a contract plus ``reason``: null for
an accepted row, otherwise why it was rejected. Nothing is dropped here, so accepted + rejected =
read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from segment_lab.data.contracts import Column, Contract, renamed
from segment_lab.data.currencies import MONEY, currency_of_rows
from segment_lab.data.expressions import columns as columns_of
from segment_lab.data.expressions import compile_expression, condition
from segment_lab.data.reading import Reading, blank_to_null, flag, identity
from segment_lab.data.spellings import known_words, understood
from segment_lab.errors import ConfigError, DataError, Fault, nearest
from segment_lab.texts import say

# Days of what has happened: a year is enough for another clock, and before 1970 nobody kept a CRM.
HAPPENED = (
    "last_order",
    "order_date",
    "issue_date",
    "payment_date",
    "touch_date",
    "entered_on",
)
EMPTY = "empty row"
#: A further line of an invoice; its amount is counted on the first.
LINE = "invoice line"
INSTALMENT = "invoice line, due later"
#: A campaign that is drawn and has no date yet.
NOT_SENT = "not sent yet"


def resolve(
    contract: Contract,
    raw_columns: tuple[str, ...],
    reading: Reading,
) -> dict[str, str]:
    """Canonical name → raw column or expression.

    Raises
    ------
    DataError
        Every fault of the mapping at once.
    """
    mapping, faults = _extra_columns(contract, reading)
    for column in contract.columns:
        if column.name == "currency" and "currency" not in reading.columns:
            continue  # found below: it depends on what is added up
        wanted = reading.columns.get(column.name, column.name)
        if wanted is None and not column.required:
            continue
        if wanted in raw_columns:
            mapping[column.name] = wanted
        elif wanted is not None and column.name in reading.columns:
            mapping[column.name] = wanted
            faults += _unknown(contract, column.name, wanted, raw_columns)
        elif column.required:
            where = f"{contract.name}.{column.name}"
            remedy = say("data.columns.map_it", columns=", ".join(raw_columns))
            faults.append(Fault(where, say("data.columns.needed"), remedy))
    if faults:
        raise DataError(say("data.columns.title", table=contract.name), faults)
    return mapping | _currency(contract, raw_columns, reading, mapping)


def _extra_columns(
    contract: Contract, reading: Reading
) -> tuple[dict[str, str], list[Fault]]:
    """What the study file maps beyond the contract, and the faults where none may be added."""
    extra = {n: w for n, w in reading.columns.items() if n not in contract.names}
    if contract.extras:
        return {name: str(wanted) for name, wanted in extra.items() if wanted}, []
    problem = say("data.columns.not_of", table=contract.name)
    hints = {name: nearest(name, contract.names) for name in extra}
    return {}, [Fault(f"columns.{n}", problem, hint) for n, hint in hints.items()]


def _currency(
    contract: Contract,
    raw_columns: tuple[str, ...],
    reading: Reading,
    mapping: dict[str, str],
) -> dict[str, str]:
    """What names the currency, unless the study file says or nothing is added up."""
    money = mapping.get(MONEY.get(contract.name, "amount"))
    if "currency" not in contract.names or money is None:
        return {}
    found = currency_of_rows(contract.name, raw_columns, reading, money)
    return {"currency": found} if found else {}


def _unknown(
    contract: Contract,
    name: str,
    text: str,
    raw_columns: tuple[str, ...],
) -> list[Fault]:
    """What an expression names and the source does not have."""
    where = f"{contract.name}.{name}"
    try:
        missing = columns_of(text, where) - set(raw_columns)
    except ConfigError as error:
        remedy = say("data.columns.source_has", columns=", ".join(raw_columns))
        return [Fault(where, str(error), remedy)]
    faults = []
    for column in sorted(missing):
        problem = say("data.columns.unknown", column=repr(column))
        faults.append(Fault(where, problem, nearest(column, raw_columns)))
    return faults


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
        where = f"{contract.name}.where"
        raw = raw.filter(condition(reading.where, raw, where, reading.number))
    columns = [c for c in contract.columns if c.name in mapping]
    given = {
        c.name: _given(raw, mapping[c.name], contract, c.name, reading) for c in columns
    }
    extras = _extras(raw, mapping, contract, reading)
    before = {f"raw.{c}": raw[c] for c in raw.columns} if keep_raw else {}
    # In steps, each with a name: an engine computes a repeated expression again, and parsing is
    # what costs.
    rows = raw.select(
        **given,
        **extras,
        **before,
        **_aside(raw, contract, reading),
    )
    parsed = {}
    for column in columns:
        value = rows[column.name]
        whole_id = column.kind == "id" and value.type().is_integer()
        if not (whole_id and not text_ids):
            value = _read(value, column, reading)
        parsed[f"{column.name}__read"] = value
    rows = rows.mutate(**parsed)
    values: dict[str, ir.Value] = {}
    reason = ibis.null("string")
    # The first column that is at fault gives the reason.
    for column in reversed(columns):
        name = column.name
        value = _settled(rows[f"{name}__read"], column, reading)
        reason = _unreadable(rows[name], value, column, reason)
        # A campaign that declares its control may call its arms as it likes.
        free = (contract.name, name) == ("campaigns", "arm") and "control" in values
        if known_words(contract.name, name) and not free:
            strange = value.strip().lower()
            value = understood(value, contract.name, name)
            reason = ibis.ifelse(
                strange.notnull() & value.isnull(), f"unknown {name}", reason
            )
            value = ibis.coalesce(value, strange)
        if name in HAPPENED:
            reason = ibis.ifelse(_unlikely(value), f"unlikely {name}", reason)
        if column.required:
            waits = (contract.name, name) == ("campaigns", "assigned_on")
            lacking = NOT_SENT if waits else f"no {name}"
            reason = ibis.ifelse(rows[name].isnull(), lacking, reason)
        values[f"{name}_minor" if column.kind == "money" else name] = value
    if contract.name == "invoices":
        reason = ibis.ifelse(_undated(values), "no due_date", reason)
    nothing = ibis.and_(*(rows[column.name].isnull() for column in columns))
    reason = ibis.ifelse(nothing, EMPTY, reason)
    for why in reading.aside:
        reason = ibis.ifelse(rows[f"{why}__"], why, reason)
    in_order = {name: values[name] for name in reversed(values)}
    lines = rows.select(
        **in_order,
        **{name: rows[name] for name in extras},
        reason=reason,
        **{name: rows[name] for name in before},
    )
    return _counted_once(lines, contract, reading)


def _unlikely(day: ir.DateValue) -> ir.BooleanValue:
    """Whether what happened on this day is a typing error."""
    latest = dt.date.today() + dt.timedelta(days=366)
    return (day < ibis.literal(dt.date(1970, 1, 2))) | (day > ibis.literal(latest))


def _undated(values: Mapping[str, ir.Value]) -> ir.BooleanValue:
    """Whether an invoice lacks the day on which it is due; a credit needs none."""
    due = values.get("due_date", ibis.null("date"))
    dated = due.notnull() | (values["amount_minor"] < 0)
    if "kind" in values:
        dated |= (values["kind"] == "credit_note").fill_null(False)
    return ~dated


def _aside(raw: ir.Table, contract: Contract, reading: Reading) -> dict[str, ir.Value]:
    """Which rows a source declares to be no data, by reason."""
    conditions = {}
    for why, text in reading.aside.items():
        fits = condition(text, raw, f"{contract.name}.{why}", reading.number)
        conditions[f"{why}__"] = fits.fill_null(False)
    return conditions


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


def _counted_once(lines: ir.Table, contract: Contract, reading: Reading) -> ir.Table:
    if contract.name == "invoices":
        return _one_row_each(lines, reading.amount_per)
    return _once_per_order(lines) if reading.amount_per == "order" else lines


def _one_row_each(lines: ir.Table, amount_per: str) -> ir.Table:
    """An invoice of several lines is one document: one line holds what they sum up to, or, with
    the total repeated on each, that total; the others are set aside.

    Of instalments, which are due on several days, the first day stands for the document, and the
    others' reason says so.
    """
    usable = lines.reason.isnull() & lines.invoice_id.notnull()
    keys = [lines.invoice_id, lines.customer_id, usable]
    keys += [lines.kind] if "kind" in lines.columns else []
    invoice = ibis.window(group_by=keys)
    amount = lines.amount_minor
    whole = (amount.max() if amount_per == "order" else amount.sum()).over(invoice)
    in_order, aside = invoice, ibis.literal(LINE)
    if "due_date" in lines.columns:
        in_order = ibis.window(group_by=keys, order_by=lines.due_date)
        later = lines.due_date > lines.due_date.min().over(invoice)
        aside = ibis.ifelse(later, INSTALMENT, LINE)
    counted = lines.mutate(
        number__=ibis.row_number().over(in_order),
        whole__=whole,
        aside__=aside,
        usable__=usable,
    )
    further = counted.usable__ & (counted.number__ > 0)
    once = ibis.ifelse(counted.usable__, counted.whole__, counted.amount_minor)
    return counted.mutate(
        amount_minor=once.cast("int64"),
        reason=ibis.ifelse(further, counted.aside__, counted.reason),
    ).drop("number__", "whole__", "aside__", "usable__")


def _given(
    raw: ir.Table,
    source: str,
    contract: Contract,
    name: str,
    reading: Reading,
) -> ir.Value:
    def nothing(text: ir.StringValue) -> ir.Value:
        return blank_to_null(text, reading.nulls, reading.remote)

    if source in raw.columns:
        return nothing(raw[source])
    where = f"{contract.name}.{name}"
    return nothing(compile_expression(source, raw, where, reading.number, nothing))


def _extras(
    raw: ir.Table,
    mapping: Mapping[str, str],
    contract: Contract,
    reading: Reading,
) -> dict[str, ir.Value]:
    """The source's own columns beside the canonical ones, and those that the study file adds."""
    if not contract.extras:
        return {}
    added = [name for name in mapping if name not in contract.names]
    used = {source for name, source in mapping.items() if name in contract.names}
    extras = {}
    for name in [*raw.columns, *added]:
        if name in contract.names or (name in used and name not in mapping):
            continue
        value = _given(raw, mapping.get(name, name), contract, name, reading)
        if name in reading.casefold and value.type().is_string():
            value = value.lower()
        extras[renamed(name, contract)] = value
    return extras


def _read(value: ir.Value, column: Column, reading: Reading) -> ir.Value:
    """A given value as text, day, flag or number; null where it cannot be read."""
    if column.kind in ("id", "text"):
        text = identity(value)
        return text.strip().lower() if column.name in reading.casefold else text
    if column.kind == "date":
        return reading.day(value)
    if column.kind == "flag":
        return flag(value)
    return reading.number(value) if value.type().is_string() else value.cast("float64")


def _settled(value: ir.Value, column: Column, reading: Reading) -> ir.Value:
    """Numbers within bounds, money in whole minor units; NaN, which sorts last, and infinity are
    out of bounds."""
    if column.kind == "number":
        return ibis.ifelse(value.abs() < 1e300, value, ibis.null("float64"))
    if column.kind == "money":
        return reading.minor(value)
    if column.kind == "date":
        # Beyond these years a date is none: 20255, infinity.
        sensible = value.year().between(1900, 2199)
        return ibis.ifelse(sensible, value, ibis.null("date"))
    return value


def _unreadable(
    given: ir.Value,
    value: ir.Value,
    column: Column,
    otherwise: ir.Value,
) -> ir.Value:
    """The reason where something stands and nothing could be read.

    Typed columns cannot be unreadable, except floats that are no number, and days: numbers may
    be none, and the year 9999 is none.
    """
    kind = given.type()
    parsed_text = kind.is_string() and column.kind not in ("id", "text")
    if not (parsed_text or kind.is_floating() or column.kind == "date"):
        return otherwise
    return ibis.ifelse(
        given.notnull() & value.isnull(), f"unreadable {column.name}", otherwise
    )
