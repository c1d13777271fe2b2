"""The receivables ledger rebuilt as of any day: what was invoiced, credited and paid, and what is
still open.

A report for `as_of` describes the close of the day before it, the *balance day*: it knows
invoices, credit notes and payments dated strictly before `as_of`, and counts days overdue up to
the balance day (an invoice due on it is not late yet). Money is summed as integers, so the order
of rows does not matter. See decision 0030.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.config import packaged
from segment_lab.window import as_date

# The packaged judgements: age cuts, causes and treatments, signs, checklist, reference pools.
settings = partial(packaged, "receivables")
AGE_CUTS: tuple[int, ...] = tuple(settings()["age_cuts"])
UNALLOCATED = "unallocated"
# Whole ten-thousandths: exact for every currency, whatever its minor unit.
SCALE = 10_000
_OPTIONAL = {
    "kind": "string",
    "disputed": "boolean",
    "cause": "string",
    "consignment": "boolean",
    "settled_date": "date",
    "related_invoice_id": "string",
    "documents_sent": "boolean",
    "statement_sent": "boolean",
    "questions_open": "boolean",
}
_ATTRIBUTES = (
    "issue_date",
    "due_date",
    "disputed",
    "cause",
    "consignment",
    "documents_sent",
    "statement_sent",
    "questions_open",
)


def movements(invoices: ir.Table, payments: ir.Table | None = None) -> ir.Table:
    """Everything that changes what a customer owes, one row per change.

    A credit note with a known ``related_invoice_id`` reduces that invoice; any other keeps its own
    id and stays *unallocated*: applying it to the oldest debt would hide overdue items that the
    ledger still shows. A ``settled_date`` closes whatever the recorded payments and credit notes
    left open on that day.

    ``customer_id, invoice_id, day, kind`` (invoice / credit / payment) and ``units`` (signed
    ten-thousandths of the currency).
    """
    rows = canonical(invoices)
    home = rows.select("invoice_id", owner=rows.customer_id)
    moves = _issued(rows, home)
    if payments is not None:
        moves = ibis.union(moves, _paid(payments, home))
    return ibis.union(moves, _settled(rows, moves))


def balances(
    invoices: ir.Table,
    payments: ir.Table | None,
    days: Sequence[dt.date | str],
    *,
    cuts: Sequence[int] = AGE_CUTS,
) -> pd.DataFrame:
    """Every open item as it stood at each of `days` (read as `as_of`).

    One row per day and item: ``as_of, customer_id, invoice_id, open_amount, days_overdue, bucket``
    and the invoice's own columns. Negative items (unrelated credit notes, overpayments,
    prepayments) have the bucket ``unallocated``, so the sum is always invoiced − credited − paid.
    """
    moves = movements(invoices, payments)
    when = ibis.memtable({"as_of": [as_date(day) for day in days]}, schema={"as_of": "date"})
    left = (
        moves.join(when, moves.day < when.as_of)
        .group_by("as_of", "customer_id", "invoice_id")
        .aggregate(units=ibis._.units.sum())
        .filter(ibis._.units != 0)
    )
    items = left.left_join(canonical(invoices).select("invoice_id", *_ATTRIBUTES), "invoice_id")
    frame = items.drop("invoice_id_right").order_by("as_of", "customer_id", "invoice_id").execute()
    frame["open_amount"] = frame.pop("units") / SCALE
    frame["days_overdue"] = (frame["as_of"] - frame["due_date"]).dt.days - 1
    return frame.assign(bucket=age_buckets(frame, cuts))


def open_items(invoices: ir.Table, payments: ir.Table | None, as_of: dt.date | str) -> pd.DataFrame:
    """`balances` at one day, index ``invoice_id``."""
    return balances(invoices, payments, [as_of]).drop(columns="as_of").set_index("invoice_id")


def owed(items: pd.DataFrame) -> pd.DataFrame:
    """The items still to be paid: without unallocated credit, whose bucket is dropped."""
    rows = items[items["open_amount"] > 0]
    names = [name for name in rows["bucket"].cat.categories if name != UNALLOCATED]
    return rows.assign(bucket=rows["bucket"].cat.set_categories(names))


def overdue(items: pd.DataFrame) -> pd.DataFrame:
    """The items past their due day, largest first."""
    rows = owed(items)
    return rows[rows["days_overdue"] > 0].sort_values(
        ["open_amount", "customer_id"], ascending=[False, True]
    )


def age_buckets(items: pd.DataFrame, cuts: Sequence[int]) -> pd.Categorical:
    """The age bucket of each item by upper edges in days overdue; negative items are
    ``unallocated``."""
    names = np.array([*bucket_names(cuts), UNALLOCATED], dtype=object)
    place = np.searchsorted([0, *cuts], items["days_overdue"].to_numpy(), side="left")
    return pd.Categorical(
        names[np.where(items["open_amount"] < 0, -1, place)], categories=list(names), ordered=True
    )


def bucket_names(cuts: Sequence[int] = AGE_CUTS) -> list[str]:
    """``current, 1–30, 31–60 … 90+`` for the upper edges in days overdue."""
    edges = [0, *cuts]
    between = (f"{low + 1}–{high}" for low, high in zip(edges[:-1], cuts, strict=True))
    return ["current", *between, f"{edges[-1]}+"]


def month_starts(
    invoices: ir.Table, as_of: dt.date | str, months: int | None = None
) -> list[dt.date]:
    """First days of months after the first invoice, up to `as_of`: as `as_of`, each is a month
    end's close."""
    first = invoices.aggregate(day=invoices.issue_date.cast("date").min()).execute()["day"].iloc[0]
    if pd.isna(first):
        return []
    days = pd.date_range(pd.Timestamp(first) + pd.Timedelta(days=1), as_date(as_of), freq="MS")
    return [day.date() for day in days][-(months + 1) if months else 0 :]


def reconcile(invoices: ir.Table, payments: ir.Table | None, as_of: dt.date | str) -> pd.Series:
    """The proof that nothing was lost: ``invoiced − credited − paid = open − unallocated``, to the
    cent.

    ``paid_without_invoice`` is money paid towards invoices that the invoice table does not hold;
    it is no part of the identity.
    """
    day = as_date(as_of)
    moves = movements(invoices, payments).filter(ibis._.day < day)
    sums = (
        moves.group_by("kind")
        .aggregate(units=ibis._.units.sum())
        .execute()
        .set_index("kind")["units"]
    )
    sums = sums.reindex(["invoice", "credit", "payment"]).fillna(0).abs() / SCALE
    items = open_items(invoices, payments, as_of)["open_amount"]
    stray = 0.0
    if payments is not None:
        lost = payments.anti_join(invoices, "invoice_id").filter(
            ibis._.payment_date.cast("date") < day
        )
        stray = (
            float(
                lost.aggregate(units=_whole(lost.amount).sum()).execute()["units"].fillna(0).iloc[0]
            )
            / SCALE
        )
    found = {
        "invoiced": sums["invoice"],
        "credited": sums["credit"],
        "paid": sums["payment"],
        "open": round(float(items.clip(lower=0).sum()), 4),
        "unallocated": round(float(items.clip(upper=0).abs().sum()), 4),
        "paid_without_invoice": stray,
    }
    return pd.Series(found, dtype="float64")


def canonical(invoices: ir.Table) -> ir.Table:
    """The invoice table with every optional column, dates as dates, and signed whole ``units``."""
    rows = invoices.mutate(
        **{
            name: ibis.null(kind)
            for name, kind in _OPTIONAL.items()
            if name not in invoices.columns
        }
    )
    rows = rows.mutate(
        **{name: rows[name].cast("date") for name in ("issue_date", "due_date", "settled_date")}
    )
    rows = rows.mutate(
        due_date=ibis.coalesce(rows.due_date, rows.issue_date),
        units=_whole(rows.amount),
        credit=(rows.kind == "credit_note").fill_null(False) | (rows.amount < 0),
    )
    return rows.mutate(units=ibis.ifelse(rows.credit, -rows.units.abs(), rows.units))


def _whole(amount: ir.NumericValue) -> ir.IntegerValue:
    return (amount * SCALE).round().cast("int64")


def _issued(rows: ir.Table, home: ir.Table) -> ir.Table:
    target = home.select(target="invoice_id", target_owner="owner")
    # Equality alone, or the engine compares every invoice with every other.
    rows = rows.mutate(
        reduces=ibis.ifelse(rows.credit, rows.related_invoice_id, ibis.null("string"))
    )
    both = rows.left_join(target, rows.reduces == target.target)
    return both.select(
        customer_id=ibis.coalesce(both.target_owner, both.customer_id),
        invoice_id=ibis.coalesce(both.target, both.invoice_id),
        day=both.issue_date,
        kind=ibis.ifelse(both.credit, "credit", "invoice"),
        units=both.units,
    )


def _paid(payments: ir.Table, home: ir.Table) -> ir.Table:
    both = payments.join(home, "invoice_id")
    return both.select(
        customer_id="owner",
        invoice_id="invoice_id",
        day=both.payment_date.cast("date"),
        kind=ibis.literal("payment"),
        units=-_whole(both.amount),
    )


def _settled(rows: ir.Table, moves: ir.Table) -> ir.Table:
    """The part of a settled invoice that no recorded payment or credit note explains, paid on that
    day."""
    ends = rows.filter(~rows.credit).select("customer_id", "invoice_id", day=ibis._.settled_date)
    known = moves.select("invoice_id", "units", moved="day")
    left = (
        ends.join(known, [ends.invoice_id == known.invoice_id, known.moved <= ends.day])
        .group_by("customer_id", "invoice_id", "day")
        .aggregate(units=ibis._.units.sum())
    )
    return left.filter(left.units > 0).select(
        "customer_id", "invoice_id", "day", kind=ibis.literal("payment"), units=-left.units
    )
