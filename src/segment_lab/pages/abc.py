"""The ABC page: how few customers make up the sales, and whether the time goes to them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from segment_lab import show
from segment_lab.contacts import events
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.serving import serving_table
from segment_lab.segments import abc
from segment_lab.segments.abc import (
    ABCSegmenter,
    against_reference,
    effort_gap,
    gini,
    pareto,
)
from segment_lab.segments.base import Finding
from segment_lab.segments.segmentation import Segmentation
from segment_lab.show import Html, says_why
from segment_lab.show.pictures import segments as pictures
from segment_lab.study.study import Study
from segment_lab.texts import say

TOP = 0.2


class ABCPage:
    """The classes of a study as tables, and the pieces that show them.

    Parameters
    ----------
    study : Study
        With the options of the method ``abc``.
    """

    def __init__(self, study: Study):
        self.study = study
        self.customers = study.customers()
        self.fitted: ABCSegmenter = study.fitted("abc")
        self.classes = study.segmentation("abc")
        self.value = self.fitted.value

    # The tables.

    @cached_property
    def shares(self) -> pd.DataFrame:
        """Customers and money by class beside the usual ranges (`against_reference`)."""
        return against_reference(self.classes, self.customers, self.value)

    @cached_property
    def effort(self) -> pd.DataFrame:
        """Contact minutes by class; NotEnoughDataError where nobody's minutes are known."""
        effort = events.effort(self.study.contacts(), self.classes.labels)
        if not effort["contact_minutes"].sum() > 0:
            raise NotEnoughDataError(say("abc.effort.unknown"))
        return effort

    # The page, from top to bottom.

    def headline(self) -> Html:
        """How few customers carry the business."""
        found = headline(self.classes, self.customers, self.value)
        return show.headline(
            *found.sentences,
            figures=found.figures,
            status=self.classes.status,
            currency=self.study.currency,
        )

    def value_and_effort(self) -> Html:
        """Share of customers, money and minutes by class; without minutes, of the first two."""
        try:
            both = self.shares.join(self.effort["effort_share"])
        except NotEnoughDataError:
            drawn = pictures.shares(self.shares, self.value)
            return show.figure(drawn, caption=say("abc.page.shares", value=self.value))
        drawn = pictures.value_and_effort(both, self.value)
        return show.figure(
            drawn, caption=say("abc.page.value_and_effort", value=self.value)
        )

    def strategies(self) -> Html:
        """The classes, and what the trade usually does with them."""
        sizes = self.shares[["customers", "customer_share", f"{self.value}_share"]]
        rows = sizes.join(self.fitted.meaning_table())
        usual = self.fitted.usual_strategies()
        if usual:
            rows["strategy"] = pd.Series(usual, dtype="str")
        return show.table(
            rows,
            say("abc.page.classes", value=self.value, window=self.study.window),
            labels={name: say(f"abc.page.{name}") for name in ("meaning", "strategy")},
            note=limits_remark(self.fitted),
        )

    def serving(self) -> Html:
        """What to do with each class."""
        return serving_table(self.study, "abc")

    def reference(self) -> Html:
        """Actual shares beside the usual ones."""
        beside = self.shares.drop(columns=["customers", self.value])
        return show.table(
            beside, say("abc.page.reference"), note=reference_remark(self.shares)
        )

    @says_why
    def lorenz(self) -> Html:
        """How concentrated the money is."""
        values = self.customers[self.value]
        told = concentration_remark(values, self.value)
        drawn = pictures.lorenz(abc.lorenz_curve(values), money=self.value)
        return show.figure(drawn, caption=say("abc.page.lorenz", told=told))

    def zero(self) -> Html:
        """Where the customers are who brought nothing."""
        return show.note(zero_remark(self.classes, self.customers, self.value))

    @says_why
    def best_fifth(self) -> Html:
        """Whether the best fifth gets a fair share of the contact time."""
        minutes = self.study.contacts()["contact_minutes"]
        return show.finding(effort_remark(self.customers.join(minutes), self.value))

    @says_why
    def other_money(self) -> Html:
        """The classes beside those by margin (or, where margin counts, by revenue)."""
        other = "margin" if self.value == "revenue" else "revenue"
        both = abc.other_money(self.classes, self.customers, self.fitted.cuts, other)
        return show.table(
            both,
            say(
                "abc.page.other",
                value=self.value,
                other=other,
            ),
        )


def headline(
    segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue"
) -> Finding:
    """How few customers carry the business."""
    table = against_reference(segmentation, customers, value)
    best, last = table.iloc[0], table.iloc[-1]
    top = pareto(customers[value], TOP)
    first = say(
        "abc.finding.best",
        customers=best.customers,
        everybody=len(segmentation),
        customer_share=best.customer_share,
        value_share=best[f"{value}_share"],
        value=value,
        name=table.index[0],
    )
    second = say(
        "abc.finding.last",
        customers=last.customers,
        customer_share=last.customer_share,
        value_share=last[f"{value}_share"],
        name=table.index[-1],
        top=top,
    )
    figures = {
        "class_A_customers": int(best.customers),
        "class_A_customer_share": float(best.customer_share),
        f"class_A_{value}_share": float(best[f"{value}_share"]),
        f"best_fifth_{value}_share": top,
        "gini": gini(customers[value]),
    }
    return Finding((first, second), figures)


def limits_remark(fitted: ABCSegmenter) -> str:
    """The least money of each class."""
    last = fitted.segment_names_[-1]
    if not fitted.thresholds_:
        return say("abc.limits.none", last=last)
    limits = list(zip(fitted.segment_names_, fitted.thresholds_, strict=False))
    return say("abc.limits.some", value=fitted.value, limits=limits, last=last)


def reference_remark(table: pd.DataFrame) -> str:
    """Which classes of `against_reference` lie outside the usual ranges."""
    if "customers_flag" not in table:
        return say("abc.reference.other_classes")
    outside = table[table["customers_flag"] != "inside"]
    if outside.empty:
        return say("abc.reference.inside")
    shown = outside[["customer_share", "customers_flag", "customers_expected"]]
    return say("abc.reference.outside", classes=list(shown.itertuples(name=None)))


def concentration_remark(values: pd.Series | np.ndarray, value: str = "revenue") -> str:
    """What the best fifth holds, and the Gini coefficient."""
    return say(
        "abc.concentration",
        top=TOP,
        held=pareto(values, TOP),
        gini=gini(values),
        value=value,
    )


def zero_remark(
    segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue"
) -> str:
    """Where the customers are who brought nothing, or cost money."""
    without = int((segmentation.align(customers)[value] <= 0).sum())
    if not without:
        return say("abc.zero.none")
    return say("abc.zero.some", customers=without, last=segmentation.names[-1])


def effort_remark(customers: pd.DataFrame, value: str = "revenue") -> str:
    """The effort gap of the best fifth."""
    return say("abc.effort.gap", value=value, **effort_gap(customers, value, TOP))
