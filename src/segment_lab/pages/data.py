"""The page of the data: what became of every line, and the base at a glance."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from segment_lab.customers import overview
from segment_lab.customers.quality import Quality, anonymous
from segment_lab.data.files import REJECTED
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.base import CustomerBase
from segment_lab.pages.choosing import scheme_name
from segment_lab.show.cards import details, group, headline, link, note, says_why
from segment_lab.show.figures import figure
from segment_lab.show.macros import Html
from segment_lab.show.pictures import overview as pictures
from segment_lab.show.tables import table
from segment_lab.study.study import Study
from segment_lab.texts import say

FIRST_ROWS = 10
#: The file of a run with a row per customer.
SEGMENTS = "segments.csv"


class DataPage:
    """A study's data as tables, and the pieces that show them.

    Parameters
    ----------
    study : Study
        Every fault of its files is raised at once.
    """

    def __init__(self, study: Study):
        study.check()
        self.study = study
        self.customers = study.customers()

    # The tables.

    @cached_property
    def account(self) -> pd.DataFrame:
        """Order lines by what became of them: ``lines, share, revenue``."""
        account = self.study.account()
        orders = self.study.intake("orders")
        if orders.left_out:
            reason = say("data_page.left_out", where=orders.reading.where)
            row = {
                "reason": [reason],
                "lines": [orders.left_out],
                "revenue": [float("nan")],
            }
            account = pd.concat([account, pd.DataFrame(row)], ignore_index=True)
        account["share"] = account["lines"] / account["lines"].sum()
        return account.set_index("reason")[["lines", "share", "revenue"]]

    @cached_property
    def tables(self) -> pd.DataFrame:
        """Rows of every table: ``file, rows read, accepted, left out, rejected``."""
        rows = {}
        for name in self.study.config.sources:
            intake = self.study.intake(name)
            kept, known = int(intake.counts["accepted"]), int(intake.counts.sum())
            rows[name] = {
                "file": intake.raw.label,
                "rows read": known + intake.left_out,
                "accepted": kept,
                "left out": intake.left_out,
                "rejected": known - kept,
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("table")

    @cached_property
    def returns(self) -> pd.DataFrame:
        """The customer base with returns netted, and with returns left out."""
        intake = self.study.intake("orders")
        return overview.returns_effect(
            intake.lines, self.study.window, intake.reading.decimals
        )

    @cached_property
    def months(self) -> pd.DataFrame:
        """Revenue, orders and customers by month."""
        return overview.monthly(self.study.orders())

    @cached_property
    def full_months(self) -> pd.DataFrame:
        """The months that the log holds from their first day to their last."""
        return overview.full_months(self.months, self.study.window)

    @cached_property
    def cohorts(self) -> pd.DataFrame:
        """Of each quarter's new customers, the share that bought in each quarter after."""
        return overview.cohorts(self.study.orders(), self.study.window.as_of)

    @cached_property
    def order_counts(self) -> pd.Series:
        """Customers by number of orders."""
        return overview.orders_per_customer(self.customers)

    @cached_property
    def concentration(self) -> pd.DataFrame:
        """Share of revenue of the customers who buy most."""
        return overview.concentration(self.customers)

    @cached_property
    def who(self) -> CustomerBase:
        """The customers table: its gaps, who can be reached, and who stands in it twice."""
        return CustomerBase(self.study)

    @property
    def base(self) -> Quality:
        """What is filled and valid in the customers table, and which records are one customer."""
        return self.who.quality

    # The page, from top to bottom.

    def headline(self) -> Html:
        """How many customers, orders and how much money, and whether it grows."""
        accepted, read = self.account["lines"].iloc[0], self.account["lines"].sum()
        top = self.concentration["revenue_share"][overview.largest(overview.TOP_SHARE)]
        known = {
            "customers": len(self.customers),
            "orders": int(self.customers["frequency"].sum()),
            "revenue": float(self.customers["revenue"].sum()),
        }
        once = (self.customers["frequency"] == 1).mean()
        facts = {"share": overview.TOP_SHARE, "top": top, "once": once}
        sentences = [say("data_page.lead", window=self.study.window, **known)]
        change = overview.trend(self.months, pd.Timestamp(self.study.window.as_of))
        if change and change[1] > 0:
            sentences.append(say("data_page.trend", change=change[0] / change[1] - 1))
        sentences.append(say("data_page.concentration", **facts))
        later = self._later
        read -= later
        sentences.append(say("data_page.usable", accepted=accepted, read=read))
        if later:
            sentences.append(say("data_page.later", later=later))
        shares = {
            "accepted_share": float(accepted / read),
            "revenue_share_of_the_largest_20%": float(top),
        }
        return headline(
            *sentences, figures=known | shares, currency=self.study.currency
        )

    @property
    def _later(self) -> int:
        """Order lines on or after the day of the report: sound, but not of its time."""
        reason = say("customers.set_aside.after", as_of=self.study.window.as_of)
        return int(self.account["lines"].get(reason, 0))

    def lines(self) -> Html:
        """What became of every order line."""
        rule = say(
            "data_page.rule",
            window=self.study.window,
            returns=self.study.config.returns,
            duplicates=self.study.intake("orders").source.duplicates,
        )
        labels = {"reason": say("data_page.captions.account_reason")}
        shown = table(
            self.account, say("data_page.captions.account"), labels=labels, note=rule
        )
        # What `where` leaves out was never asked for, and is not in the file.
        aside = (
            self.account["lines"].iloc[1:].sum() - self.study.intake("orders").left_out
        )
        if not aside:
            return shown
        return group(shown, link(REJECTED, say("data_page.rejected", file=REJECTED)))

    def sources(self) -> Html:
        """Every table with its rows."""
        return table(
            self.tables, say("data_page.captions.tables"), formats={"table": "words"}
        )

    def remarks(self) -> Html:
        """What looked odd in the files."""
        remarks = []
        for name in self.study.config.sources:
            for remark in self.study.intake(name).remarks():
                remarks.append(say("data_page.remark", table=name, remark=remark))
        horizon = self.study.config.strategy.horizon_days
        if quick := overview.rhythm(self.customers, horizon):
            remarks.append(say("data_page.remark", table="orders", remark=quick))
        if not remarks:
            return note(say("data_page.no_remark"))
        return group(*map(note, remarks))

    def returns_effect(self) -> Html:
        """What netting the returns changes."""
        caption = say("data_page.captions.returns", currency=self.study.currency)
        shares = dict.fromkeys(self.returns.columns[-1:], "share")
        return table(self.returns, caption, formats=shares)

    @says_why
    def revenue(self) -> Html:
        """Revenue by month."""
        money = self.full_months["revenue"]
        told = say(
            "data_page.revenue",
            best=money.idxmax(),
            highest=money.max(),
            worst=money.idxmin(),
            lowest=money.min(),
            months=len(self.months),
            full=len(money),
        )
        caption = say("data_page.captions.revenue", told=told)
        return figure(pictures.revenue_by_month, self.months, alt=told, caption=caption)

    @says_why
    def buyers(self) -> Html:
        """New and returning customers by month."""
        full = self.full_months
        told = say(
            "data_page.buyers",
            fewest=full["customers"].min(),
            most=full["customers"].max(),
            new=full["new_customers"].iloc[-1],
            last=full["customers"].iloc[-1],
            month=full.index[-1],
        )
        return figure(pictures.customers_by_month, self.months, alt=told, caption=told)

    def by_month(self) -> Html:
        """The figures by month, folded."""
        shown = table(self.months, say("data_page.captions.months"))
        return details(say("data_page.captions.months_folded"), shown)

    @says_why
    def coming_back(self) -> Html:
        """How many of each quarter's new customers bought again."""
        if 1 not in self.cohorts:
            raise NotEnoughDataError(say("data_page.no_cohorts"))
        first = self.cohorts.get(1, pd.Series(dtype=float)).dropna()
        told = say(
            "data_page.cohorts",
            cohorts=len(self.cohorts),
            low=first.min() if len(first) else None,
            high=first.max() if len(first) else None,
        )
        caption = say("data_page.captions.cohorts", told=told)
        return figure(pictures.cohort_map, self.cohorts, alt=told, caption=caption)

    @says_why
    def orders(self) -> Html:
        """Customers by number of orders."""
        counts = self.order_counts
        told = say(
            "data_page.orders",
            one=counts.iloc[0],
            two=counts.iloc[1],
            most=counts.iloc[-1],
            limit=counts.index[-1].removesuffix("+"),
        )
        return figure(pictures.orders_bar, counts, alt=told, caption=told)

    def largest(self) -> Html:
        """Share of revenue of the customers who buy most."""
        return table(self.concentration, say("data_page.captions.concentration"))

    @says_why
    def customer_base(self) -> Html:
        """How complete the customers table is, and how many customers stand behind its records."""
        records, customers = self.base.records, self.base.customers
        told = say("data_page.base", records=records, customers=customers)
        return table(self.base.completeness, say("data_page.captions.base"), note=told)

    @says_why
    def reach(self) -> Html:
        """Who cannot be reached, by segment."""
        shown = self.base.reach
        nowhere = round(float((shown["nowhere"] * shown["customers"]).sum()))
        customers = int(shown["customers"].sum())
        told = say("data_page.reach", nowhere=nowhere, customers=customers)
        shares = dict.fromkeys(shown.columns.drop("customers"), "share")
        scheme = scheme_name(self.who.scheme) if self.who.scheme else ""
        caption = say("data_page.captions.reach", scheme=scheme)
        return table(shown, caption, formats=shares, note=told)

    @says_why
    def would_move(self) -> Html:
        """Which segments change once the records of one customer are merged."""
        if self.base.customers == self.base.records:
            raise NotEnoughDataError(say("data_page.nothing_to_merge"))
        if self.who.moved.empty:
            return note(say("data_page.nobody_moves"))
        shown = self.who.moved.set_index("before")
        facts = {name: int(shown[name].sum()) for name in ("customers", "merged")}
        told = say("data_page.merge", **facts)
        return table(shown, say("data_page.captions.moved"), note=told)

    def first_rows(self) -> Html:
        """The first rows of the customer table, folded; who they are only where the study says
        so."""
        first = self.customers.head(FIRST_ROWS)
        if not self.study.config.personal:
            first = anonymous(first)
        rows = table(first, say("data_page.captions.first_rows"))
        told = {"customers": len(self.customers), "file": SEGMENTS}
        whole = link(SEGMENTS, say("data_page.all_customers", **told))
        return details(say("data_page.captions.first_rows_folded"), group(rows, whole))
