"""The receivables ledger rebuilt as of any day: what was invoiced, credited and paid, and what is
still open.

A report for `as_of` describes the close of the day before it, the *balance day*: it knows
invoices, credit notes and payments dated strictly before `as_of`, and counts days overdue up to
the balance day (an invoice due on it is not late yet). Money is summed as integers, so the order
of rows does not matter. See decision 0030.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.config import packaged
from segment_lab.data.keeping import Keeper, made_anew
from segment_lab.errors import NotEnoughDataError
from segment_lab.texts import say
from segment_lab.window import as_date

# The packaged judgements: age cuts, causes and treatments, signs, checklist, reference pools.
settings = partial(packaged, "receivables")
AGE_CUTS: tuple[int, ...] = tuple(settings()["age_cuts"])
UNALLOCATED = "unallocated"
# Whole ten-thousandths: exact for every currency, whatever its minor unit.
SCALE = 10_000
_OPTIONAL = {
    "due_date": "date",
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


@dataclass(frozen=True)
class Ledger:
    """Invoices and the payments towards them.

    Parameters
    ----------
    invoices : ibis Table
        ``invoice_id, customer_id, issue_date, due_date, amount`` and any of the optional columns
        (``kind, disputed, cause, settled_date`` …). Without a due date the issue date stands in.
    payments : ibis Table, optional
        ``invoice_id, payment_date, amount``. Without it, invoices are paid on their
        ``settled_date``.
    keep : `data.keeping.Keeper`, optional
        Where answers are kept that several reports ask for.

    Examples
    --------
    >>> import ibis, pandas as pd
    >>> day = pd.Timestamp("2026-01-05")
    >>> rows = {"invoice_id": ["I1"], "customer_id": ["a"], "amount": [60.0]}
    >>> bills = ibis.memtable({**rows, "issue_date": [day], "due_date": [day]})
    >>> Ledger(bills).open_items("2026-01-16")[["open_amount", "days_overdue"]]
                open_amount  days_overdue
    invoice_id
    I1                 60.0            10
    """

    invoices: ir.Table
    payments: ir.Table | None = None
    keep: Keeper = made_anew

    @cached_property
    def knows_payments(self) -> bool:
        """Whether it is recorded when invoices are paid: a list of open items alone does not
        say."""
        if self.payments is not None:
            return True
        if "settled_date" not in self.invoices.columns:
            return False
        return bool(self.invoices.settled_date.notnull().any().execute())

    def need_payments(self) -> None:
        """NotEnoughDataError where it is not recorded when invoices are paid."""
        if not self.knows_payments:
            raise NotEnoughDataError(say("receivables.errors.no_payments"))

    @cached_property
    def rows(self) -> ir.Table:
        """The invoices with every optional column, dates as dates, and signed whole ``units``."""
        absent = {
            name: ibis.null(kind)
            for name, kind in _OPTIONAL.items()
            if name not in self.invoices.columns
        }
        rows = self.invoices.mutate(**absent)
        days = ("issue_date", "due_date", "settled_date")
        rows = rows.mutate(**{name: rows[name].cast("date") for name in days})
        rows = rows.mutate(
            due_date=ibis.coalesce(rows.due_date, rows.issue_date),
            units=_whole(rows.amount),
            credit=(rows.kind == "credit_note").fill_null(False) | (rows.amount < 0),
        )
        return rows.mutate(
            units=ibis.ifelse(rows.credit, -rows.units.abs(), rows.units)
        )

    @cached_property
    def movements(self) -> ir.Table:
        """Everything that changes what a customer owes, one row per change.

        A credit note with a known ``related_invoice_id`` reduces that invoice; any other keeps
        its own id and stays *unallocated*: applying it to the oldest debt would hide overdue items
        that the ledger still shows. A ``settled_date`` closes whatever the recorded payments and
        credit notes left open on that day.

        ``customer_id, invoice_id, day, kind`` (invoice / credit / payment) and ``units`` (signed
        ten-thousandths of the currency). Worked out once: a table in the engine.
        """
        moves = self.recorded()
        engine = moves.get_backend()
        # Named by what it holds: the questions asked of it are compiled once for all processes.
        query = engine.compile(moves)
        name = f"movements_{hashlib.sha256(query.encode()).hexdigest()[:16]}"
        return engine.create_table(name, moves, temp=True, overwrite=True)

    def recorded(self) -> ir.Table:
        """The query behind `movements`."""
        home = self.rows.select("invoice_id", owner=self.rows.customer_id)
        moves = _issued(self.rows, home)
        if self.payments is not None:
            moves = ibis.union(moves, _paid(self.payments, home))
        return ibis.union(moves, _settled(self.rows, moves))

    def balances(
        self,
        days: Sequence[dt.date | str],
        *,
        cuts: Sequence[int] = AGE_CUTS,
    ) -> pd.DataFrame:
        """Every open item as it stood at each of `days` (read as `as_of`).

        One row per day and item: ``as_of, customer_id, invoice_id, open_amount, days_overdue,
        bucket`` and the invoice's own columns. Negative items (unrelated credit notes,
        overpayments, prepayments) have the bucket ``unallocated``, so the sum is always invoiced −
        credited − paid.
        """
        frame = self._stood(tuple(as_date(day) for day in days))
        return frame.assign(bucket=age_buckets(frame, cuts))

    @cached_property
    def _known(self) -> dict[tuple[dt.date, ...], pd.DataFrame]:
        """What `_stood` has been asked before."""
        return {}

    def _stood(self, days: tuple[dt.date, ...]) -> pd.DataFrame:
        """`balances` without buckets, which depend on the cuts."""
        if days in self._known:
            return self._known[days]
        left = (
            self._known_by(days)
            .group_by("as_of", "customer_id", "invoice_id")
            .aggregate(units=ibis._.units.sum())
            .filter(ibis._.units != 0)
        )
        items = left.left_join(
            self.rows.select("invoice_id", *_ATTRIBUTES), "invoice_id"
        )
        items = items.drop("invoice_id_right").order_by(
            "as_of", "customer_id", "invoice_id"
        )
        frame = items.execute()
        frame["open_amount"] = frame.pop("units") / SCALE
        frame["days_overdue"] = (frame["as_of"] - frame["due_date"]).dt.days - 1
        self._known[days] = frame
        return frame

    def _known_by(self, days: Sequence[dt.date]) -> ir.Table:
        """Every movement beside each of the days (`as_of`) that it lies before."""
        moves = self.movements
        if len(days) == 1:  # a query that is compiled once for every day
            day = ibis.literal(days[0])
            return moves.filter(moves.day < day).mutate(as_of=day)
        # Literals, no frame in memory: such a query is remembered as well.
        when = ibis.array([ibis.literal(day) for day in days]).unnest()
        when = when.name("as_of").as_table()
        return moves.join(when, moves.day < when.as_of)

    def open_items(self, as_of: dt.date | str) -> pd.DataFrame:
        """`balances` at one day, index ``invoice_id``."""
        return self.balances([as_of]).drop(columns="as_of").set_index("invoice_id")

    def month_starts(
        self,
        as_of: dt.date | str,
        months: int | None = None,
    ) -> list[dt.date]:
        """First days of months after the first invoice, up to `as_of`: as `as_of`, each is a month
        end's close."""
        first = self.rows.issue_date.min().execute()
        if pd.isna(first):
            return []
        days = pd.date_range(
            pd.Timestamp(first) + pd.Timedelta(days=1), as_date(as_of), freq="MS"
        )
        return [day.date() for day in days][-(months + 1) if months else 0 :]

    def reconcile(self, as_of: dt.date | str) -> pd.Series:
        """The proof that nothing was lost: ``invoiced − credited − paid = open − unallocated``, to
        the cent.

        ``paid_without_invoice`` is money paid towards invoices that the invoice table does not
        hold; it is no part of the identity.
        """
        moves = self.movements.filter(ibis._.day < as_date(as_of))
        by_kind = moves.group_by("kind").aggregate(units=ibis._.units.sum()).execute()
        sums = by_kind.set_index("kind")["units"].reindex(
            ["invoice", "credit", "payment"]
        )
        sums = sums.fillna(0).abs() / SCALE
        items = self.open_items(as_of)["open_amount"]
        found = {
            "invoiced": sums["invoice"],
            "credited": sums["credit"],
            "paid": sums["payment"],
            "open": round(float(items.clip(lower=0).sum()), 4),
            "unallocated": round(float(items.clip(upper=0).abs().sum()), 4),
            "paid_without_invoice": self._stray(as_date(as_of)),
        }
        return pd.Series(found, dtype="float64")

    def _stray(self, day: dt.date) -> float:
        """Money paid before a day towards invoices that are not in the table."""
        if self.payments is None:
            return 0.0
        lost = self.payments.anti_join(self.invoices, "invoice_id")
        lost = lost.filter(lost.payment_date.cast("date") < day)
        units = (
            lost.aggregate(units=_whole(lost.amount).sum()).execute()["units"].iloc[0]
        )
        return 0.0 if pd.isna(units) else float(units) / SCALE


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
    place = np.searchsorted(
        [0, *cuts],
        items["days_overdue"].to_numpy(),
        side="left",
    )
    return pd.Categorical(
        names[np.where(items["open_amount"] < 0, -1, place)],
        categories=list(names),
        ordered=True,
    )


def bucket_names(cuts: Sequence[int] = AGE_CUTS) -> list[str]:
    """``current, 1–30, 31–60 … 90+`` for the upper edges in days overdue."""
    edges = [0, *cuts]
    between = (f"{low + 1}–{high}" for low, high in zip(edges[:-1], cuts, strict=True))
    return ["current", *between, f"{edges[-1]}+"]


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
    ends = rows.filter(~rows.credit).select(
        "customer_id", "invoice_id", day=ibis._.settled_date
    )
    known = moves.select("invoice_id", "units", moved="day")
    left = (
        ends.join(known, [ends.invoice_id == known.invoice_id, known.moved <= ends.day])
        .group_by("customer_id", "invoice_id", "day")
        .aggregate(units=ibis._.units.sum())
    )
    return left.filter(left.units > 0).select(
        "customer_id",
        "invoice_id",
        "day",
        kind=ibis.literal("payment"),
        units=-left.units,
    )
