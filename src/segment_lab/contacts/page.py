"""The page of contacts: where the minutes go, who answers mail, whom a mailing reaches, who buys
after a contact."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd

from segment_lab.contacts import events, mailing, pictures
from segment_lab.contacts.segmenter import engagement_finding
from segment_lab.data.files import neutralised, replacing
from segment_lab.errors import NotEnoughDataError
from segment_lab.segments.segmentation import Segmentation
from segment_lab.show.cards import details, finding, headline, note, says_why
from segment_lab.show.figures import figure
from segment_lab.show.macros import Html
from segment_lab.show.tables import first_rows, table
from segment_lab.study.study import Study
from segment_lab.texts import say

MOST_TOPICS = 25
#: A segment is named when its share of minutes is so many times its share of revenue.
TIMES = 2


class ContactsPage:
    """The contacts of a study on its day, by the segments of a scheme.

    Parameters
    ----------
    study : Study
        With a table of contacts.
    scheme : str
        The segments by which answers, minutes and mailings are shown.
    response_days : int
        An order within so many days counts as a response.
    """

    def __init__(self, study: Study, scheme: str = "rfm", response_days: int = 30):
        self.study = study
        self.scheme = scheme
        self.response_days = response_days

    # The tables.

    @cached_property
    def states(self) -> Segmentation:
        """Customers by their best answer to mail."""
        return self.study.segmentation("engagement")

    @cached_property
    def segments(self) -> Segmentation:
        """The segments of the scheme."""
        return self.study.segmentation(self.scheme)

    @cached_property
    def people(self) -> pd.DataFrame:
        """Everybody who may stand in a segment: some schemes hold prospects too."""
        return self.study.customers(prospects=True)

    @property
    def contacts(self) -> pd.DataFrame:
        """Every customer's contacts, one row each (`Study.contacts`)."""
        return self.study.contacts()

    @cached_property
    def effort(self) -> pd.DataFrame:
        """Minutes, customers, and revenue of the same time, by segment."""
        if not self.contacts["contact_minutes"].sum() > 0:
            raise NotEnoughDataError(say("contacts.no_minutes"))
        return events.effort(self.contacts, self.segments.labels, self._revenue)

    @property
    def _revenue(self) -> pd.Series:
        """Money of the time that the contacts cover: minutes of a year stand beside the revenue of
        that year."""
        first = pd.Timestamp(self._touches.touch_date.min().execute()).date()
        days = min((self._day - first).days, self.study.window.days)
        return self.study.bought(max(days, 1))["revenue"]

    @cached_property
    def answers(self) -> pd.DataFrame:
        """Customers per state, with what the state means."""
        sizes = self.states.sizes().to_frame()
        sizes["customer_share"] = sizes["customers"] / len(self.states)
        return sizes.join(self.study.fitted("engagement").meaning_table())

    @cached_property
    def topics(self) -> pd.DataFrame:
        """What followed links were about: clicks and customers, the commonest first."""
        counts = _counted(events.click_topics(self._touches, self._day), "clicks")
        return counts.sort_values("clicks", ascending=False, kind="stable")

    @cached_property
    def kinds(self) -> pd.DataFrame:
        """All contacts so far by kind, and the customers who had them."""
        kinds = [*events.MAIL, *events.TALKS.values()]
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

    @cached_property
    def reachable(self) -> pd.DataFrame:
        """Who can be mailed, by segment, and why the others cannot (`mailing.reachable`)."""
        customers = self.people
        if "consent" not in customers:
            raise NotEnoughDataError(say("contacts.no_consent"))
        return mailing.reachable(
            self.segments, customers, undelivered=self.undelivered, debtors=self.debtors
        )

    @cached_property
    def since(self) -> dt.date:
        """The day from which an order counts as a response."""
        return self._day - dt.timedelta(days=self.response_days)

    @cached_property
    def responses(self) -> pd.DataFrame:
        """Who bought since then, among customers contacted just before and among the others."""
        then = self.study.at(self.since).segmentation(self.scheme).labels
        done = self.study.bought(self.response_days)
        buyers = done.index[done["orders"] > 0]
        return events.response(
            self._touches, buyers, then, self._day, days=self.response_days
        )

    def write_mailing(
        self,
        path: Path | str,
        segments: Sequence[str],
        *,
        personal: bool = False,
    ) -> None:
        """Write the mailing list of some segments as CSV, spreadsheet formulas neutralised."""
        found = mailing.mailing(
            self.segments,
            self.people,
            list(segments),
            undelivered=self.undelivered,
            debtors=self.debtors,
            personal=personal,
        )
        with replacing(path) as draft:
            neutralised(found.recipients).to_csv(
                draft, index=False, lineterminator="\n"
            )

    # The page, from top to bottom.

    def headline(self) -> Html:
        """Whether the minutes go where the money is, and who answers mail."""
        delivery_known = bool(self.contacts["delivered"].sum())
        found = engagement_finding(self.states, delivery_known)
        figures, sentences = dict(found.figures), list(found.sentences)
        try:
            gap = events.gap(self.effort, TIMES)
        except NotEnoughDataError:
            gap = None
        if gap is not None:
            sentences.insert(
                0,
                say(
                    "contacts.gap",
                    times=TIMES,
                    **gap._asdict(),
                ),
            )
            if gap.segments:
                figures["overserved_effort_share"] = gap.effort_share
                figures["overserved_revenue_share"] = gap.revenue_share
        return headline(*sentences, figures=figures, status=self.states.status)

    @says_why
    def minutes(self) -> Html:
        """The gap between minutes and money, by segment."""
        caption = say("contacts.captions.minutes")
        return figure(pictures.effort_gap, self.effort, caption=caption)

    @says_why
    def minutes_table(self) -> Html:
        """How many minutes each segment takes beyond its share of revenue."""
        caption = say("contacts.captions.minutes_table", currency=self.study.currency)
        return table(self.effort, caption, note=say("contacts.minutes_note"))

    def mail(self) -> Html:
        """Customers by their best answer to mail."""
        days = self.states.parameters["days"]
        return table(self.answers, say("contacts.captions.states", days=days))

    def opens(self) -> Html:
        """Why an open alone is no reason to act."""
        return note(say("contacts.opens"), "warning")

    def links(self) -> Html:
        """What the followed links were about."""
        caption, empty = say("contacts.captions.topics"), say("contacts.no_topics")
        return first_rows(self.topics, caption, MOST_TOPICS, empty=empty)

    def by_kind(self) -> Html:
        """All contacts so far."""
        return table(self.kinds, say("contacts.captions.kinds"))

    @says_why
    def mailable(self) -> Html:
        """Whom a mailing reaches, by segment, and why not the others."""
        return table(self.reachable, say("contacts.captions.reachable"))

    @says_why
    def reached(self) -> Html:
        """How many customers a mailing reaches in all."""
        sums = self.reachable[["customers", "customers_reached"]].sum()
        return finding(
            say(
                "contacts.reached",
                reached=sums["customers_reached"],
                all=sums["customers"],
            )
        )

    @says_why
    def response(self) -> Html:
        """Who bought after a contact, and who bought without one."""
        caption = say("contacts.captions.response", days=self.response_days)
        return figure(pictures.responses, self.responses, caption=caption)

    @says_why
    def response_table(self) -> Html:
        """The same as figures, with the difference."""
        caption = say(
            "contacts.captions.response_table",
            since=self.since,
            days=self.response_days,
        )
        return details(say("contacts.captions.folded"), table(self.responses, caption))

    @property
    def _touches(self) -> ir.Table:
        return self.study.table("touches")

    @property
    def _day(self) -> dt.date:
        return self.study.window.as_of


def _counted(counts: pd.DataFrame, name: str) -> pd.DataFrame:
    """Per column of counts by customer: their sum, and how many customers have any."""
    return pd.DataFrame(
        {
            name: counts.sum(),
            "customers": (counts > 0).sum(),
        }
    )
