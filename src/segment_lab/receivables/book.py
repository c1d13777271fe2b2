"""The receivables book of a day: what the report asks of the ledger, computed when asked and
kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables import aging, alerts, collection, ledger, provision, rollrates
from segment_lab.receivables.payments import receivables_table
from segment_lab.show.html import Html


@dataclass
class Book:
    """Invoices and payments seen on one day.

    Parameters
    ----------
    invoices, payments : ibis Table
        Canonical; without payments, invoices are paid on their ``settled_date``.
    as_of : date
        Only what happened before it is known.
    months, loss_days : int
        Month ends behind the roll rates and the back-test; days overdue from which debt counts as
        lost.
    currency : str
        Unit of the money, for the sentences.
    """

    invoices: ir.Table
    payments: ir.Table | None
    as_of: dt.date
    months: int = 24
    loss_days: int = 365
    currency: str = ""

    @classmethod
    def of(cls, study: Any, **options: Any) -> Book:
        """The book of a study, at its as_of."""
        payments = study.table("payments") if study.has("payments") else None
        return cls(
            study.table("invoices"),
            payments,
            study.window.as_of,
            currency=study.currency,
            **options,
        )

    @cached_property
    def items(self) -> pd.DataFrame:
        return ledger.open_items(self.invoices, self.payments, self.as_of)

    @cached_property
    def customers(self) -> pd.DataFrame:
        return receivables_table(self.invoices, self.payments, self.as_of)

    @cached_property
    def rates(self) -> rollrates.RollRates:
        return rollrates.roll_rates(
            self.invoices, self.payments, self.as_of, months=self.months, loss_days=self.loss_days
        )

    @cached_property
    def provision(self) -> pd.DataFrame:
        return provision.provision_matrix(self.items, self.rates)

    @cached_property
    def causes(self) -> pd.DataFrame:
        return collection.causes(self.items, self.customers)

    def reconcile(self) -> pd.DataFrame:
        """`ledger.reconcile` as a table of amounts."""
        return (
            ledger.reconcile(self.invoices, self.payments, self.as_of)
            .rename_axis("what")
            .to_frame("amount")
        )

    def aging(self) -> pd.DataFrame:
        """`aging.aging_matrix` of this day."""
        return aging.aging_matrix(self.items)

    @cached_property
    def dso(self) -> pd.DataFrame:
        """`aging.dso` at the month ends of the last two years."""
        days = ledger.month_starts(self.invoices, self.as_of, 24)
        if not days:
            raise NotEnoughDataError(
                "No month has ended since the first invoice, so there is no DSO yet."
            )
        return aging.dso(self.invoices, self.payments, days)

    def rules(self, min_days: int = 30, min_amount: float | None = None) -> alerts.AlertRules:
        """When to raise an alert; without an amount, one debtor in ten owes enough."""
        return alerts.AlertRules.from_items(self.items, min_days, min_amount)

    def checklist(self) -> pd.DataFrame:
        """`collection.checklist` of this day."""
        return collection.checklist(self.items)

    def suggestions(self) -> Html:
        """How far the suggested causes can be believed."""
        return collection.suggestion_note(collection.suggestion_check(self.items, self.customers))

    def pools(self) -> pd.DataFrame:
        """`provision.pools` of this day."""
        return provision.pools(self.items, self.rates)

    def write_off_list(self) -> pd.DataFrame:
        """`provision.write_off_list` of this day."""
        return provision.write_off_list(self.items, self.loss_days)

    def pools_check(self) -> pd.DataFrame:
        return provision.pools_check(
            self.invoices, self.payments, self.as_of, loss_days=self.loss_days, months=self.months
        )

    def backtest(self, rules: alerts.AlertRules, days: int = 30) -> pd.DataFrame:
        return alerts.backtest(self.invoices, self.payments, self.as_of, rules, days, self.months)

    def exposure_remark(self, horizon_days: int = 90) -> str:
        """How well the expected invoices would have been foretold `horizon_days` ago."""
        check = collection.exposure_check(self.invoices, self.payments, self.as_of, horizon_days)
        return (
            f"The same expectation {horizon_days} days ago for {check['customers']:,.0f} customers: "
            f"{check['expected']:,.0f}{self._unit}; {check['happened']:,.0f} came. {check['inside']:.0%} of them "
            "stayed inside their interval."
        )

    def debtors(self) -> pd.DataFrame:
        """Customers with overdue debt, most first: to be left out of promotions until they have
        paid."""
        rows = self.customers.loc[
            self.customers["overdue_amount"] > 0,
            ["overdue_amount", "max_days_overdue", "open_amount"],
        ]
        return rows.sort_values("overdue_amount", ascending=False, kind="stable")

    def conflict(self, value: pd.Series, horizon_days: int = 90) -> pd.DataFrame:
        """`collection.exposure` of the best class of `value` (ordered categorical) that has
        overdue debt."""
        best = value.index[value == value.cat.categories[0]]
        return collection.exposure(
            self.customers, self.debtors().index.intersection(best), horizon_days=horizon_days
        )

    def by_value(self, value: pd.Series, payment: pd.Series) -> pd.DataFrame:
        """`collection.value_payment` of this day's overdue money."""
        return collection.value_payment(value, payment, self.customers["overdue_amount"])

    @property
    def _unit(self) -> str:
        return f" {self.currency}".rstrip()

    def finding(self, value: pd.Series) -> tuple[tuple[str, ...], dict[str, Any]]:
        """The report's answer and its figures: what is late, what will be lost, who is valuable
        and late."""
        total, late = (
            float(self.customers[name].sum()) for name in ("open_amount", "overdue_amount")
        )
        unit = self._unit
        first = f"Customers owe {total:,.0f}{unit}; {late:,.0f} of it is past its due day."
        cell = self.conflict(value)
        figures: dict[str, Any] = {
            "open_amount": total,
            "overdue_amount": late,
            "overdue_share": late / total if total else 0.0,
            "debtor_customers": len(self.debtors()),
            "conflict_customers": len(cell),
            "conflict_overdue_amount": cell["overdue_amount"].sum(),
        }
        try:
            loss = self.provision.loc["total"]
            figures |= {"expected_loss": loss["expected_loss"], "net_value": loss["net_value"]}
            second = (
                f"By this company's own history {loss['expected_loss']:,.0f}{unit} will not be paid "
                f"(allowing for chance, {loss['expected_loss_low']:,.0f} to {loss['expected_loss_high']:,.0f})."
            )
            if not loss["expected_loss"] > 0:
                second = (
                    f"Nothing was ever lost in this history; so few customers still allow a loss of up to "
                    f"{loss['expected_loss_high']:,.0f}{unit}."
                )
        except NotEnoughDataError:
            second = "How much of it will be lost cannot be said yet: the history is too short."
        third = (
            f"{len(cell):,} of the best customers owe {cell['overdue_amount'].sum():,.0f}{unit} overdue: talk to "
            "them before shipping goes on."
            if len(cell)
            else "None of the best customers is overdue."
        )
        return (first, second, third), figures
