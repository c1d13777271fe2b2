"""What the wings of a study know of its customers: debts, contacts, and campaigns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from segment_lab.errors import DataError, NotEnoughDataError
from segment_lab.schemes import scheme
from segment_lab.study.memory import copied
from segment_lab.study.people import StudyCustomers
from segment_lab.texts import say

if TYPE_CHECKING:
    from segment_lab.receivables.ledger import Ledger


class StudyWings(StudyCustomers):
    """The rows that each scheme segments, with what a wing adds to a customer."""

    def lacking(self, tables: Sequence[str], from_summary: bool = False) -> list[str]:
        """Which of these tables are not here; customers summed up may stand for orders."""
        gone = [table for table in tables if not self.has(table)]
        if from_summary and self.has("customer_summary"):
            return [table for table in gone if table != "orders"]
        return gone

    def population(self, method: str) -> pd.DataFrame:
        """The rows a scheme segments: buyers, with the columns that scheme reads."""
        population = scheme(method).population
        if population in ("buyers", "everybody"):
            return self.customers(prospects=population == "everybody")

        def made() -> pd.DataFrame:
            return self._population(population)

        return copied(self.shared("population", population, made))

    def _population(self, population: str) -> pd.DataFrame:
        """Customers with what a wing knows of them."""
        as_of = self.window.as_of
        if population == "debtors":
            from segment_lab.receivables.payments import debtors, receivables_table

            debts = receivables_table(self.ledger, as_of)
            return debtors(self.customers(), debts, everybody=not self.has("orders"))
        from segment_lab.contacts.events import engagement_table

        people = self.customers(prospects=True).drop(columns=["touches"])
        return people.join(engagement_table(self.table("touches"), as_of), how="left")

    @property
    def ledger(self) -> Ledger:
        """Invoices and payments, one ledger for all days of the study."""
        from segment_lab.receivables.ledger import Ledger

        def opened() -> Ledger:
            if faults := self._payments_unlike_invoices():
                raise DataError(say("study.tables.unusable", name=self.name), faults)
            payments = self._optional("payments")
            return Ledger(self.table("invoices"), payments, home.shared)

        home = self._parent or self
        return home._keep("ledger", opened)

    def contacts(self) -> pd.DataFrame:
        """Every customer's contacts so far, with the minutes they took: as recorded, else usual
        for the channel.

        One row per customer, as in `contacts.events.engagement_table`.
        """
        from segment_lab.contacts.events import engagement_table, usual_minutes

        if not self.has("touches"):
            raise NotEnoughDataError(say("study.no_contacts"))
        costs = self._optional("contact_costs")
        usual = None if costs is None else usual_minutes(costs)

        def told() -> pd.DataFrame:
            touches = self.table("touches")
            return engagement_table(touches, self.window.as_of, minutes=usual)

        return self.shared("contacts", (), told)

    def trial(self, campaign: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
        """A measured campaign's customers as they stood when it was drawn, and their arm and money.

        Parameters
        ----------
        campaign : str, optional
            The one with most customers by default.
        """
        from segment_lab.act import campaigns, trial

        found = self.campaign_results()
        if not self.has("orders"):
            raise NotEnoughDataError(say("campaigns.not_described"))
        part = trial.campaign_of(campaigns.measurable(found), campaign)
        day = part["assigned_on"].iloc[0].date()
        return trial.trial_of(part, self.at(day).customers())

    def campaign_results(self) -> pd.DataFrame:
        """Everybody whom a campaign drew before this day, with what they did
        (`act.campaigns.results`); whoever is in no table any more is marked.

        NotEnoughDataError where the study has no campaigns.
        """
        from segment_lab.act import arms, campaigns

        if not self.has("campaigns"):
            raise NotEnoughDataError(say("campaigns.no_table"))

        def found() -> pd.DataFrame:
            table = self.table("campaigns").to_pandas()
            orders = self.orders(all_time=True) if self.has("orders") else None
            touches = self._optional("touches")
            dated = []
            for log, day in ((orders, "order_date"), (touches, "touch_date")):
                if log is not None:
                    dated.append((log, day))
            listing = []
            for name in ("customers", "leads"):
                people = self._optional(name)
                if people is not None and "customer_id" in people.columns:
                    listing.append(people)
            known = arms.traces(table[["customer_id"]], listing, dated)
            as_of = self.window.as_of
            return campaigns.results(table, orders, as_of, known=known, touches=touches)

        return copied(self.shared("campaign_results", (), found))

    def contacted_since(self, day: dt.date) -> list[str]:
        """Whom a campaign that ran after `day` contacted before as_of: what they did then is not
        by themselves."""
        from segment_lab.act.campaigns import contacted_since, scheduled

        if not self.has("campaigns"):
            return []
        campaigns = self.table("campaigns").to_pandas()
        return contacted_since(scheduled(campaigns, self.window.as_of), day)
