"""What the engagement report gathers from a study: contacts by customer, whom a mailing reaches,
who buys after one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd

from segment_lab.contacts import events as engagement
from segment_lab.contacts import mailing
from segment_lab.data.files import neutralised, replacing
from segment_lab.errors import NotEnoughDataError
from segment_lab.segments.segmentation import Segmentation
from segment_lab.study.study import Study


@dataclass
class EngagementReport:
    """The contacts of a study on its day, by the segments of a scheme.

    Parameters
    ----------
    study : Study
    scheme : str
        The segments by which answers, minutes and mailings are shown.
    response_days : int
        An order within so many days counts as a response.
    """

    study: Study
    scheme: str = "rfm"
    response_days: int = 30

    @cached_property
    def states(self) -> Segmentation:
        """Customers by their best answer to mail."""
        return self.study.segmentation("engagement")

    @cached_property
    def segments(self) -> Segmentation:
        """The segments of the scheme."""
        return self.study.segmentation(self.scheme)

    @property
    def contacts(self) -> pd.DataFrame:
        """Every customer's contacts, one row each (`Study.contacts`)."""
        return self.study.contacts()

    def answers(self) -> pd.DataFrame:
        """Customers per state, with what the state means."""
        sizes = self.states.sizes().to_frame()
        meanings = self.study.fitted("engagement").meanings()
        return sizes.assign(
            customer_share=sizes["customers"] / len(self.states), meaning=sizes.index.map(meanings)
        )

    def topics(self) -> pd.DataFrame:
        """What followed links were about: clicks and customers, the commonest first."""
        counts = _counted(engagement.click_topics(self._touches, self._day), "clicks")
        return counts.sort_values("clicks", ascending=False, kind="stable")

    def kinds(self) -> pd.DataFrame:
        """All contacts so far by kind, and the customers who had them."""
        kinds = [*engagement.MAIL, *engagement.TALKS.values()]
        return _counted(self.contacts[kinds], "contacts").rename_axis("kind")

    @cached_property
    def undelivered(self) -> pd.Index:
        """Customers whose mail does not arrive."""
        labels = self.states.labels
        return labels.index[labels == "Undelivered"]

    @cached_property
    def debtors(self) -> pd.Index:
        """Customers with overdue debt; nobody where the study has no invoices."""
        if self.study.missing("receivables"):
            return pd.Index([])
        late = self.study.population("receivables")["max_days_overdue"]
        return late.index[late > 0]

    def reachable(self) -> pd.DataFrame:
        """Who can be mailed, by segment, and why the others cannot
        (`strategy.mailing.reachable`)."""
        customers = self.study.customers()
        if "consent" not in customers:
            raise NotEnoughDataError(
                "The customer table has no column consent, so nobody may be mailed."
            )
        return mailing.reachable(
            self.segments, customers, undelivered=self.undelivered, debtors=self.debtors
        )

    def write_mailing(
        self, path: Path | str, segments: Sequence[str], *, personal: bool = False
    ) -> None:
        """Write the mailing list of some segments as CSV, spreadsheet formulas neutralised."""
        found = mailing.mailing(
            self.segments,
            self.study.customers(),
            list(segments),
            undelivered=self.undelivered,
            debtors=self.debtors,
            personal=personal,
        )
        with replacing(path) as draft:
            neutralised(found.recipients).to_csv(draft, index=False, lineterminator="\n")

    @cached_property
    def effort(self) -> pd.DataFrame:
        """Minutes, customers and revenue by segment."""
        if not self.contacts["contact_minutes"].sum() > 0:
            raise NotEnoughDataError(
                "Neither the contacts nor the table contact_costs say how many minutes they took."
            )
        return engagement.effort(
            self.contacts, self.segments.labels, self.study.customers()["revenue"]
        )

    @cached_property
    def since(self) -> dt.date:
        """The day from which an order counts as a response."""
        return self._day - dt.timedelta(days=self.response_days)

    @cached_property
    def responses(self) -> pd.DataFrame:
        """Who bought since then, among customers contacted in the 30 days before and among the
        others."""
        then = self.study.at(self.since).segmentation(self.scheme).labels
        done = self.study.bought(self.response_days)
        return engagement.response(
            self._touches, done.index[done["orders"] > 0], then, self._day, days=self.response_days
        )

    @property
    def _touches(self) -> ir.Table:
        return self.study.table("touches")

    @property
    def _day(self) -> dt.date:
        return self.study.window.as_of


def _counted(counts: pd.DataFrame, name: str) -> pd.DataFrame:
    """Per column of counts by customer: their sum, and how many customers have any."""
    return pd.DataFrame({name: counts.sum(), "customers": (counts > 0).sum()})
