"""How invoices were paid, and how each customer pays: the columns that `ReceivablesSegmenter`
reads."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.receivables.ledger import SCALE, Ledger
from segment_lab.window import as_date

# What counts as recent; the same time before it is compared with.
RECENT_DAYS = 90
#: What a list of open items alone cannot tell of a customer.
OF_PAYMENTS = (
    "mean_days_late",
    "late_share",
    "parts_share",
    "largest_paid",
    "late_recent",
    "late_before",
    "days_since_payment",
)


def invoice_history(ledger: Ledger, as_of: dt.date | str) -> pd.DataFrame:
    """How every invoice issued before `as_of` has been paid so far, index ``invoice_id``.

    ``customer_id, issue_date, due_date, amount, credited, paid, open_amount, payments`` (count),
    ``closed_on`` (the first day from which nothing was open; null while open) and ``days_late``:
    from the due date to the closing day, or to the balance day while open and overdue; 0 when in
    time, null when open and not yet due.
    """
    day = as_date(as_of)
    options = day.isoformat()
    found = ledger.keep("invoices-paid", options, lambda: _paid_so_far(ledger, day))
    return found.copy()


def _paid_so_far(ledger: Ledger, day: dt.date) -> pd.DataFrame:
    rows = ledger.rows.filter(~ibis._.credit & (ibis._.issue_date < day))
    sums = _sums(ledger.movements.filter(ibis._.day < day))
    frame = rows.select("invoice_id", "customer_id", "issue_date", "due_date").join(
        sums, "invoice_id"
    )
    frame = frame.order_by("invoice_id").execute().set_index("invoice_id")
    money = ["amount", "credited", "paid", "open_amount"]
    frame[money] = frame[money].fillna(0) / SCALE
    until = frame["closed_on"].fillna(pd.Timestamp(day) - pd.Timedelta(days=1))
    late = (until - frame["due_date"]).dt.days
    frame["days_late"] = late.clip(lower=0).where(
        frame["closed_on"].notna() | (late > 0)
    )
    return frame


def _sums(moves: ir.Table) -> ir.Table:
    """Per invoice: what was invoiced, credited, paid; the balance; and the day after which it was
    never positive."""
    daily = moves.group_by("invoice_id", "day").aggregate(
        units=ibis._.units.sum(),
        payments=(ibis._.kind == "payment").sum(),
        **{
            kind: ibis._.units.sum(where=ibis._.kind == kind)
            for kind in ("invoice", "credit", "payment")
        },
    )
    daily = daily.mutate(
        run=ibis._.units.sum().over(
            ibis.cumulative_window(group_by="invoice_id", order_by="day")
        )
    )
    last = ibis.ifelse(daily.run > 0, daily.day, ibis.null("date")).max()
    daily = daily.mutate(owed_on=last.over(group_by="invoice_id"))
    settled = daily.owed_on.isnull() | (daily.day > daily.owed_on)
    return daily.group_by("invoice_id").aggregate(
        amount=daily.invoice.sum(),
        credited=-daily.credit.sum(),
        paid=-daily.payment.sum(),
        payments=daily.payments.sum(),
        open_amount=daily.units.sum(),
        closed_on=daily.day.min(where=settled),
    )


def receivables_table(ledger: Ledger, as_of: dt.date | str) -> pd.DataFrame:
    """How each customer with an invoice or a credit before `as_of` pays; index ``customer_id``,
    sorted.

    What is open: ``open_amount, unallocated`` (credit not applied), ``overdue_amount,
    max_days_overdue, disputed_open``. History: ``invoices_n, mean_invoice, mean_days_late`` and
    ``late_share`` (of invoices whose outcome is known), ``parts_share`` (paid in parts),
    ``largest_paid, days_since_payment`` (null if never). Change, in the last `RECENT_DAYS` against
    as many before: ``invoices_recent, invoiced_recent, invoiced_before`` (by issue date),
    ``late_recent, late_before`` (mean days, by due date).
    """
    day = as_date(as_of)
    options = day.isoformat()
    return ledger.keep("receivables", options, lambda: _table(ledger, day)).copy()


def _table(ledger: Ledger, as_of: dt.date) -> pd.DataFrame:
    day = pd.Timestamp(as_of)
    rows = _by_period(invoice_history(ledger, as_of), day)
    history = rows.groupby("customer_id").agg(
        invoices_n=("amount", "size"),
        mean_invoice=("amount", "mean"),
        mean_days_late=("days_late", "mean"),
        late_share=("late", "mean"),
        parts_share=("in_parts", "mean"),
        largest_paid=("paid_off", "max"),
        last_paid=("closed_on", "max"),
        invoices_recent=("recent", "sum"),
        invoiced_recent=("invoiced_recent", "sum"),
        invoiced_before=("invoiced_before", "sum"),
        late_recent=("late_recent", "mean"),
        late_before=("late_before", "mean"),
    )
    history["days_since_payment"] = (day - history.pop("last_paid")).dt.days
    now = _now(ledger.open_items(as_of))
    if not ledger.knows_payments:
        history[list(OF_PAYMENTS)] = np.nan
    table = now.join(history, how="outer").rename_axis("customer_id").sort_index()
    zero = [*now, "invoices_n", "invoices_recent", "invoiced_recent", "invoiced_before"]
    return table.assign(**table[zero].fillna(0))


def debtors(
    customers: pd.DataFrame, debts: pd.DataFrame, everybody: bool
) -> pd.DataFrame:
    """The customer table with how each pays (`receivables_table`).

    With `everybody`, whoever has an invoice is a customer too; without any order, what was
    invoiced stands for what was bought.
    """
    rows = customers.join(debts, how="outer" if everybody else "left")
    if not everybody:
        return rows
    invoiced = (rows["mean_invoice"] * rows["invoices_n"]).fillna(0.0)
    return rows.assign(
        frequency=rows["frequency"].fillna(rows["invoices_n"]).astype("int64"),
        revenue=rows["revenue"].fillna(invoiced),
    )


def _now(items: pd.DataFrame) -> pd.DataFrame:
    """What each customer owes on the balance day."""
    owed, late = items["open_amount"].clip(lower=0), items["days_overdue"] > 0
    stock = pd.DataFrame(
        {
            "open_amount": owed,
            "unallocated": items["open_amount"].clip(upper=0).abs(),
            "overdue_amount": owed.where(late, 0),
            "max_days_overdue": items["days_overdue"].where(late & (owed > 0), 0),
            "disputed_open": owed.where(items["disputed"].eq(True), 0),
        }
    ).groupby(items["customer_id"])
    return stock.sum().assign(max_days_overdue=stock["max_days_overdue"].max())


def _by_period(history: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """The history with amounts and delays split into the last two periods, by issue and by due
    date."""
    ago, due = ((day - history[name]).dt.days for name in ("issue_date", "due_date"))
    amount, late, closed = (
        history["amount"],
        history["days_late"],
        history["closed_on"].notna(),
    )
    recently, before = (
        ago <= RECENT_DAYS,
        (ago > RECENT_DAYS) & (ago <= 2 * RECENT_DAYS),
    )
    return history.assign(
        late=(late > 0).where(late.notna()).astype("float"),
        paid_off=amount.where(closed),
        in_parts=(history["payments"] > 1) | (~closed & (history["payments"] > 0)),
        recent=recently,
        invoiced_recent=amount.where(recently, 0),
        invoiced_before=amount.where(before, 0),
        late_recent=late.where((due > 0) & (due <= RECENT_DAYS)),
        late_before=late.where((due > RECENT_DAYS) & (due <= 2 * RECENT_DAYS)),
    )
