"""The receivables page: it gathers the book of a study's day, and says what it found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from segment_lab.receivables import aging, alerts, pictures
from segment_lab.receivables.alerts import AlertRules
from segment_lab.receivables.answer import dso_caption, finding, rules_in_words
from segment_lab.receivables.book import Book
from segment_lab.receivables.ledger import AGE_CUTS
from segment_lab.receivables.notes import exposure_note, suggestion_note
from segment_lab.receivables.payment_day import CALL_DAYS, LEVEL
from segment_lab.segments.abc import ABCSegmenter
from segment_lab.segments.segmentation import Segmentation
from segment_lab.show.cards import details, group, headline, says_why
from segment_lab.show.figures import figure
from segment_lab.show.macros import Html
from segment_lab.show.tables import first_rows, table
from segment_lab.study.study import Study
from segment_lab.texts import phrases, say, speak

#: A table whose rest is folded below it opens with so many.
OPEN_ROWS = 10
PROFILE = [
    "customers",
    "customer_share",
    "revenue",
    "revenue_share",
    "median_recency_days",
    "median_frequency",
]
BACKTEST_DAYS = 30
PLAN_COLUMNS = (
    "owner",
    "what",
    "first_step",
    "overdue_amount",
    "net_overdue",
    "max_days_overdue",
    "not_coming",
    "expected_on",
)
#: Rows of a folded list, and the file of the run that holds all of them.
FOLDED_ROWS = 60
LIST = "debtors.xlsx"


@dataclass
class ReceivablesPage:
    """What the receivables report shows, piece by piece; `book` holds its plain tables.

    Parameters
    ----------
    study : Study
    months, loss_days : int
        As for `Book`.
    value_scheme : str
        The segmentation that says who is valuable; its first segment is the best.
    horizon_days : int
        How long shipping goes on in the exposure.
    """

    study: Study
    months: int = 24
    loss_days: int = 365
    value_scheme: str = "abc"
    horizon_days: int = 90

    def __post_init__(self) -> None:
        speak(currency=self.study.currency)

    @cached_property
    def book(self) -> Book:
        study = self.study
        return Book(study.ledger, study.window.as_of, self.months, self.loss_days)

    @cached_property
    def payment(self) -> Segmentation:
        """Customers by how they pay."""
        return self.study.segmentation("receivables")

    @cached_property
    def value(self) -> pd.Series:
        """Each customer's value class; without orders, by what was invoiced."""
        if not self.study.has("orders"):
            rows = self.study.population("receivables")
            return ABCSegmenter().fit(rows).segment(rows).labels
        return self.study.segmentation(self.value_scheme).labels

    @cached_property
    def conflict(self) -> pd.DataFrame:
        """The best customers with overdue debt."""
        return self.book.conflict(self.value, self.horizon_days)

    def headline(self) -> Html:
        found = finding(self.book, self.value)
        return headline(
            *found.sentences,
            figures=found.figures,
            status=self.payment.status,
            currency=self.study.currency,
        )

    def ages(self) -> Html:
        """Open debt by age, as bars."""
        matrix = self.book.aging()
        share = aging.oldest_share(matrix)
        caption = self._say(
            "ages.caption", share=share, days=AGE_CUTS[-1], as_of=self.book.as_of
        )
        return figure(pictures.aging(matrix), caption=caption)

    def ages_table(self) -> Html:
        matrix = self.book.aging().rename_axis("days_overdue")
        matrix = matrix.rename_axis(columns="size_of_item")
        return table(matrix, self._say("ages.table"), formats="money")

    def conflict_table(self) -> Html:
        """The best customers with overdue debt, and what they would owe if shipping goes on."""
        return first_rows(
            self.conflict,
            self._say("conflict.table", days=self.horizon_days),
            OPEN_ROWS,
            formats={"overdue_amount": "money", "open_amount": "money"},
            empty=say("receivables.conflict.empty"),
        )

    @says_why
    def exposure_check(self) -> Html:
        """How far the expected invoices can be trusted."""
        return exposure_note(
            self.book.exposure_check(self.horizon_days), self.horizon_days
        )

    def conflict_map(self) -> Html:
        """Customers by value and payment."""
        cells: Any = self.book.by_value(self.value, self.payment.labels)
        caption = say("receivables.conflict.matrix", count=len(self.conflict))
        return figure(pictures.conflict(cells["customers"]), caption=caption)

    def conflict_money(self) -> Html:
        """Overdue money by value and payment."""
        cells: Any = self.book.by_value(self.value, self.payment.labels)
        overdue = cells["overdue"].rename_axis(columns="overdue")
        return table(overdue, self._say("conflict.matrix_table"), formats="money")

    def promotions(self) -> Html:
        """Debtors, to be left out of promotions."""
        debtors = self.book.debtors()
        return details(
            say("receivables.conflict.promotions", count=len(debtors)),
            table(
                debtors,
                self._say("conflict.promotions_table"),
                empty=say("receivables.conflict.promotions_empty"),
                file=LIST,
            ),
        )

    def alerts(
        self,
        rules: AlertRules,
        *,
        folder: str | None = None,
        state: str | None = None,
        notify: bool = False,
    ) -> Html:
        """Today's alerts; written to `folder` and sent, where asked for."""
        owners = self.study.customers().get("owner")
        raised = alerts.alerts(
            self.book.items, rules, self.book.as_of, owners=owners, state=state
        )
        if folder:
            alerts.write(raised, folder)
        if notify:
            title = say(
                "receivables.alerts.title",
                study=self.study.title,
                as_of=str(self.book.as_of),
            )
            alerts.push(raised, title, self.study.currency, state)
        said = rules_in_words(rules)
        empty = say("receivables.alerts.empty", rules=said)
        rows = alerts.shown(raised)
        return first_rows(rows, said, OPEN_ROWS, index=False, empty=empty)

    @says_why
    def backtest(self, rules: AlertRules) -> Html:
        """The same rules in the past."""
        found = self.book.backtest(rules, BACKTEST_DAYS)
        caption = say(
            "receivables.alerts.backtest", months=self.months, days=BACKTEST_DAYS
        )
        return table(found, caption, note=say("receivables.alerts.backtest_note"))

    def plans(self, rows: int = 10) -> Html:
        """One plan per debtor, whom to call first on top; all of them folded."""
        plans = self.book.plans(self.study.customers().get("owner"))
        short = plans[[name for name in PLAN_COLUMNS if name in plans]]
        remark = (
            say("receivables.plans.note", days=CALL_DAYS)
            if "not_coming" in plans
            else ""
        )
        empty = say("receivables.plans.empty")
        first = table(
            short,
            self._say("plans.table"),
            rows=rows,
            note=remark,
            empty=empty,
            file=LIST,
        )
        if plans.empty:
            return first
        whole = say("receivables.plans.whole", count=len(plans))
        return group(
            first,
            details(
                whole,
                table(plans, whole, rows=FOLDED_ROWS, file=LIST),
            ),
        )

    def instalments(self) -> Html:
        """Instalments where they are the plan."""
        parts = self.book.instalments()
        by_month = parts.groupby(parts["due_on"].dt.to_period("M"))["amount"].sum()
        summary = say(
            "receivables.plans.instalments_summary",
            count=parts["customer_id"].nunique(),
            first=by_month.iloc[0] if len(by_month) else 0.0,
            total=parts["amount"].sum(),
        )
        rows = table(
            parts,
            self._say("plans.instalments_table"),
            index=False,
            empty=say("receivables.worth.write_off_empty"),
            file=LIST,
        )
        return details(summary, rows)

    @says_why
    def calendar(self) -> Html:
        """Cash expected by week, as a picture and a table."""
        calendar = self.book.cash_calendar()
        first = calendar["expected"].sum()
        owed = self.book.payment_days["open_amount"].sum()
        caption = say(
            "receivables.days.calendar",
            first=first,
            weeks=len(calendar),
            share=first / owed if owed else 0.0,
            level=LEVEL,
        )
        drawn = figure(pictures.calendar(calendar), caption=caption)
        return group(drawn, table(calendar, self._say("days.table")))

    @says_why
    def payment_days(self) -> Html:
        """Every open invoice with its expected day."""
        days = self.book.payment_days.sort_values("expected_on", kind="stable")
        listed = LIST if len(self.book.debtors()) else ""
        caption = self._say("days.invoices_table")
        rows = table(days, caption, rows=FOLDED_ROWS, file=listed)
        return details(say("receivables.days.invoices"), rows)

    @says_why
    def payment_check(self) -> Html:
        """How far the forecast can be trusted."""
        named = phrases("receivables.days.figures")
        check = self.book.payment_check().rename(index=named)
        remark = say("receivables.days.check_note", level=LEVEL)
        return table(
            check, say("receivables.days.check"), formats="number", note=remark
        )

    def causes(self) -> Html:
        """Overdue debt by cause."""
        from segment_lab.receivables.collection import by_cause

        empty = say("receivables.causes.empty")
        return table(
            by_cause(self.book.causes),
            self._say("causes.table"),
            empty=empty,
        )

    def suggestions(self) -> Html:
        """How far the suggested causes can be believed."""
        return suggestion_note(self.book.suggestion_check())

    def causes_list(self) -> Html:
        """Every overdue invoice with its cause."""
        empty = say("receivables.causes.empty")
        rows = table(
            self.book.causes,
            self._say("causes.list_table"),
            empty=empty,
            rows=FOLDED_ROWS,
            file=LIST,
        )
        return details(say("receivables.causes.list"), rows)

    def checklist(self) -> Html:
        """What must be in order before anything is collected."""
        todo = self.book.checklist()
        summary = say(
            "receivables.checklist.summary",
            ready=int(todo["ready"].sum()),
            count=len(todo),
        )
        rows = table(
            todo.drop(columns="ready"),
            say("receivables.checklist.table"),
            empty=say("receivables.causes.empty"),
            rows=FOLDED_ROWS,
            file=LIST,
        )
        return details(summary, rows)

    @says_why
    def provision(self) -> Html:
        """Expected loss by age."""
        caption = self._say("worth.provision")
        return table(
            self.book.provision, caption, note=say("receivables.worth.provision_note")
        )

    @says_why
    def pools(self) -> Html:
        """What becomes of overdue debt."""
        drawn = pictures.pools(self.book.pools())
        return figure(drawn, caption=say("receivables.worth.pools"))

    @says_why
    def pools_check(self) -> Html:
        """The same forecast a year ago."""
        return table(self.book.pools_check(), say("receivables.worth.pools_check"))

    def write_off(self) -> Html:
        """Debt to take off the books."""
        off = self.book.write_off_list()
        summary = say(
            "receivables.worth.write_off",
            count=len(off),
            amount=off["open_amount"].sum(),
            days=self.loss_days,
        )
        empty = say("receivables.worth.write_off_empty")
        return details(
            summary, table(off, self._say("worth.write_off_table"), empty=empty)
        )

    @says_why
    def dso(self) -> Html:
        """Days sales outstanding by month end."""
        return figure(pictures.dso(self.book.dso), caption=dso_caption(self.book.dso))

    @says_why
    def rolls(self) -> Html:
        """How much of the money is paid a month later, by age."""
        caption = say("receivables.rolls.caption", months=self.book.rates.months)
        return figure(pictures.roll_rates(self.book.rates.summary()), caption=caption)

    @says_why
    def rolls_table(self) -> Html:
        seen = self.book.rates.summary().query("customers_seen > 0")
        return table(seen, say("receivables.rolls.table"), formats={"paid": "share"})

    def sizes(self) -> Html:
        """Customers by how they pay, with the meaning of each segment."""
        profile = self.payment.profile(self.study.population("receivables"))
        profile = profile[[name for name in PROFILE if name in profile]].dropna(
            axis=1, how="all"
        )
        profile = profile.assign(meaning=self.study.fitted("receivables").meanings())
        return table(
            profile, self._say("data.sizes"), note=say("receivables.data.sizes_note")
        )

    def reconcile(self) -> Html:
        """The proof that nothing was lost."""
        return table(
            self.book.reconcile(),
            self._say("data.reconcile"),
            formats={"what": "words", "amount": "cents"},
            note=say("receivables.data.reconcile_note"),
        )

    def _say(self, key: str, **facts: Any) -> str:
        """A caption that names the currency."""
        return say(f"receivables.{key}", currency=self.study.currency, **facts)
