"""The receivables book of a day: what the report asks of the ledger, computed when asked and
kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables import (
    aging,
    alerts,
    collection,
    payment_check,
    payment_day,
    payment_model,
    plans,
    provision,
    rollrates,
)
from segment_lab.receivables.ledger import Ledger
from segment_lab.receivables.payments import receivables_table
from segment_lab.texts import say


@dataclass
class Book:
    """A ledger seen on one day.

    Parameters
    ----------
    ledger : Ledger
    as_of : date
        Only what happened before it is known.
    months, loss_days : int
        Month ends behind the roll rates and the back-test; days overdue from which debt counts as
        lost.
    """

    ledger: Ledger
    as_of: dt.date
    months: int = 24
    loss_days: int = 365

    @cached_property
    def items(self) -> pd.DataFrame:
        return self.ledger.open_items(self.as_of)

    @cached_property
    def customers(self) -> pd.DataFrame:
        return receivables_table(self.ledger, self.as_of)

    @cached_property
    def rates(self) -> rollrates.RollRates:
        return rollrates.roll_rates(
            self.ledger, self.as_of, months=self.months, loss_days=self.loss_days
        )

    @cached_property
    def provision(self) -> pd.DataFrame:
        return provision.provision_matrix(self.items, self.rates)

    @cached_property
    def causes(self) -> pd.DataFrame:
        return collection.causes(self.items, self.customers)

    def reconcile(self) -> pd.DataFrame:
        """`ledger.reconcile` as a table of amounts."""
        found = self.ledger.reconcile(self.as_of)
        return found.rename_axis("what").to_frame("amount")

    def aging(self) -> pd.DataFrame:
        """`aging.aging_matrix` of this day."""
        return aging.aging_matrix(self.items)

    @cached_property
    def dso(self) -> pd.DataFrame:
        """`aging.dso` at the month ends of the last two years."""
        self.ledger.need_payments()
        days = self.ledger.month_starts(self.as_of, 24)
        if not days:
            raise NotEnoughDataError(say("receivables.errors.no_month"))
        return aging.dso(self.ledger, days)

    def rules(
        self, min_days: int = 30, min_amount: float | None = None
    ) -> alerts.AlertRules:
        """When to raise an alert; without an amount, one debtor in ten owes enough."""
        return alerts.AlertRules.from_items(self.items, min_days, min_amount)

    def checklist(self) -> pd.DataFrame:
        """`collection.checklist` of this day."""
        return collection.checklist(self.items)

    def suggestion_check(self) -> pd.Series:
        """`collection.suggestion_check` of this day."""
        return collection.suggestion_check(self.items, self.customers)

    def pools(self) -> pd.DataFrame:
        """`provision.pools` of this day."""
        return provision.pools(self.items, self.rates)

    def write_off_list(self) -> pd.DataFrame:
        """`provision.write_off_list` of this day."""
        return provision.write_off_list(self.items, self.loss_days)

    def pools_check(self) -> pd.DataFrame:
        """`provision.pools_check` of this day."""
        return provision.pools_check(
            self.ledger, self.as_of, loss_days=self.loss_days, months=self.months
        )

    def backtest(self, rules: alerts.AlertRules, days: int = 30) -> pd.DataFrame:
        """`alerts.backtest` up to this day."""

        def made() -> pd.DataFrame:
            return alerts.backtest(self.ledger, self.as_of, rules, days, self.months)

        options = (self.as_of.isoformat(), rules, days, self.months)
        return self.ledger.keep("alerts-before", options, made).copy()

    def exposure_check(self, horizon_days: int = 90) -> pd.Series:
        """`collection.exposure_check` up to this day."""
        return collection.exposure_check(self.ledger, self.as_of, horizon_days)

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
            self.customers,
            self.debtors().index.intersection(best),
            horizon_days=horizon_days,
        )

    def by_value(self, value: pd.Series, payment: pd.Series) -> pd.DataFrame:
        """`collection.value_payment` of this day's overdue money."""
        return collection.value_payment(
            value, payment, self.customers["overdue_amount"]
        )

    @cached_property
    def history(self) -> pd.DataFrame:
        """`payment_model.payment_history` up to this day."""
        return payment_model.payment_history(self.ledger, self.as_of)

    @cached_property
    def payment_model(self) -> payment_model.PaymentDays:
        """What the paid invoices teach about the payment day."""
        return payment_model.learn(
            self.history, self.as_of, loss_days=self.loss_days, months=self.months
        )

    @property
    def unpaid(self) -> pd.DataFrame:
        """The open invoices of `history`."""
        return self.history[self.history["open_amount"] > 0]

    @cached_property
    def payment_days(self) -> pd.DataFrame:
        """`payment_day.payment_days` of the open invoices, as far as a day can be told."""

        def made() -> pd.DataFrame:
            found = payment_day.payment_days(self.payment_model, self.unpaid)
            return payment_day.told(found)

        options = (self.as_of.isoformat(), self.months, self.loss_days)
        return self.ledger.keep("payment-days", options, made)

    def cash_calendar(self, weeks: int = 8) -> pd.DataFrame:
        """`payment_day.cash_calendar` of the open invoices."""
        return payment_day.cash_calendar(self.payment_model, self.unpaid, weeks)

    def payment_check(self) -> pd.DataFrame:
        """`payment_check.payment_check` up to this day."""
        return payment_check.payment_check(
            self.history, self.as_of, loss_days=self.loss_days, months=self.months
        )

    def plans(self, owners: pd.Series | None = None) -> pd.DataFrame:
        """`plans.debtor_plans` of this day: one row and one plan per debtor."""
        try:
            calls = payment_day.call_order(self.payment_days, self.as_of)
        except NotEnoughDataError:
            calls = None
        return plans.debtor_plans(
            self.items,
            self.customers,
            self.causes,
            self.checklist(),
            calls=calls,
            owners=owners,
            loss_days=self.loss_days,
        )

    def instalments(self) -> pd.DataFrame:
        """`plans.instalments` of the debtors whose plan they are."""
        return plans.instalments(self.plans(), self.as_of)
