"""Customers whom page one serves in another way than the rest of their segment."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd

from segment_lab.act.stance import PROTECT, WIN_BACK
from segment_lab.act.verdicts import HOUSE_RULE
from segment_lab.customers import trend
from segment_lab.pages.front.treatments import Treatment
from segment_lab.pages.lists import ActionList
from segment_lab.pages.verdicts import Page
from segment_lab.texts import phrases, say

#: Calls that take longer than so many days are not a matter of this week.
WEEK = 7


@dataclass(frozen=True)
class Exceptions:
    """The rows of page one that cut across segments.

    Parameters
    ----------
    page : Page
        The verdicts.
    flags : DataFrame
        Of each customer, whether a house rule holds (``debt``, ``dispute``).
    actions : ActionList
        The named actions.
    debtors : DataFrame
        Who is late, with ``overdue_amount``.
    steps : DataFrame
        What each customer paid in twelve times thirty days.
    owners : bool
        Whether the accounts name who looks after them.
    as_of : date
    """

    page: Page
    flags: pd.DataFrame
    actions: ActionList
    debtors: pd.DataFrame
    steps: pd.DataFrame
    owners: bool
    as_of: dt.date

    def rhythm(self) -> list[Treatment]:
        """Regulars off their rhythm who owe nothing: the first calls."""
        listed = self.actions.callable
        if listed.empty:
            return []
        money = listed["at_stake"].sum()
        days = trend.short_of_a_year(self.actions.study.window.days)
        stake = say("front.segments.stake_silent", money=money, days=days)
        ids = listed["customer_id"]
        return [
            self._row(
                "rhythm",
                ids,
                WIN_BACK,
                stake=stake,
                file="actions.xlsx",
            )
        ]

    def owing(self) -> list[Treatment]:
        """Customers whom credit control calls first."""
        rows = []
        flags = self.flags
        left_out = self.page.left_out.sum()
        for reason in ("debt", "dispute"):
            if not left_out.get(reason, 0):
                continue
            ids = flags.index[flags[reason].eq(True)].to_series()
            file, stake = "", ""
            if len(self.debtors):
                file = "debtors.xlsx"
                theirs = self.debtors["customer_id"].isin(ids)
                overdue = self.debtors.loc[theirs, "overdue_amount"].sum()
                stake = say("front.segments.stake_overdue", money=overdue)
            rows.append(
                self._row(
                    reason,
                    ids,
                    PROTECT,
                    stake=stake,
                    file=file,
                )
            )
        return rows

    def _callers(self) -> str:
        """Who calls those off their rhythm, and until when, if that takes more than a week."""
        last = pd.Timestamp(self.actions.callable["due"].max())
        week = pd.Timestamp(self.as_of) + pd.Timedelta(days=WEEK)
        key = "by" if self.owners else "by_sales"
        until = last if last > week else None
        return say(f"front.exceptions.rhythm.{key}", until=until)

    def _row(self, key: str, ids: pd.Series, stance: str, **more: Any) -> Treatment:
        words = phrases(f"front.exceptions.{key}")
        known = self.page.now.align(self.page.people)
        revenue = (
            known["revenue"].reindex(ids.to_numpy()).sum()
            if "revenue" in known
            else 0.0
        )
        total = self.page.known["revenue"].sum()
        steps = self.steps.reindex(ids.to_numpy()).sum()
        serve, by = words["serve"], words["by"]
        if key == "rhythm":
            serve, by = words["call"], self._callers()
        return Treatment(
            segment=words["name"],
            who=words["who"],
            customers=len(ids),
            reachable=len(ids),
            stance=stance,
            verdict=HOUSE_RULE,
            ground=HOUSE_RULE,
            serve=serve,
            by=by,
            why=words["why"],
            history=tuple(steps),
            share=revenue / total if total else float("nan"),
            **more,
        )
