"""The watch lists of a study: who is on them today, and what became of those on them a horizon
ago.

Lists of customers are rules of `act.watch`; debts above a limit and stuck deals come from the
books of their wings, which keep their own lists.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from segment_lab.act import watch
from segment_lab.contacts.events import unanswered
from segment_lab.customers import trend
from segment_lab.errors import NotEnoughDataError, SegmentLabError
from segment_lab.leads.funnel import stage_visits
from segment_lab.leads.model import LeadModel
from segment_lab.leads.table import lead_table
from segment_lab.receivables.ledger import overdue
from segment_lab.receivables.page import BACKTEST_DAYS, ReceivablesPage
from segment_lab.study.study import Study


@dataclass
class Watching:
    """The watch lists of one study on its day.

    Parameters
    ----------
    study : Study
    horizon_days : int
        How long the customers of the back-test had to buy.
    """

    study: Study
    horizon_days: int = 90

    @cached_property
    def facts(self) -> watch.Facts:
        """What the rules read today."""
        return facts_of(self.study)

    @cached_property
    def lists(self) -> dict[str, pd.DataFrame]:
        """Every list by its rule's name, the most at stake first; empty ones included."""
        return {name: rule(self.facts) for name, rule in watch.RULES.items()}

    @cached_property
    def back_tests(self) -> dict[str, watch.BackTest]:
        """What each list was worth a horizon ago; empty where the data do not reach back."""
        day = self.study.window.as_of - dt.timedelta(days=self.horizon_days)
        try:
            earlier = self.study.at(day)
            then, outcomes = facts_of(earlier), earlier.outcomes(self.horizon_days)
        except SegmentLabError:
            return {}
        return {name: watch.back_test(name, then, outcomes) for name in watch.RULES}


def debts(page: ReceivablesPage) -> tuple[dict[str, float], watch.BackTest | None]:
    """Debtors above the limits of the alerts, and how such alerts did before.

    Returns
    -------
    dict, BackTest or None
        ``named`` (debtors today), ``days`` and ``amount`` of the limits, ``horizon_days``; then
        the share of such debts that was paid in time without more ado, beside the others.
    """
    book = page.book
    rules = book.rules()
    late = overdue(book.items)
    old = late.loc[late["days_overdue"] >= rules.min_days, "customer_id"]
    sums = late.groupby("customer_id")["open_amount"].sum()
    named = set(old) | set(sums.index[sums >= rules.min_amount])
    facts = {
        "named": float(len(named)),
        "days": float(rules.min_days),
        "amount": rules.min_amount,
        "horizon_days": float(BACKTEST_DAYS),
    }
    try:
        rows = book.backtest(rules, BACKTEST_DAYS).fillna({"paid_share": 0.0})
    except NotEnoughDataError:
        return facts, None
    old_ones: Any = rows.loc["old"]
    test = watch.BackTest(
        int(old_ones["alerts"]),
        int(old_ones["paid"]),
        float(old_ones["paid_share"]),
        float(old_ones["paid_share_low"]),
        float(old_ones["paid_share_high"]),
        float(rows["paid_share"]["no alert"]),
    )
    return facts, test


def stuck_deals(study: Study, horizon_days: int) -> watch.BackTest | None:
    """Of the open leads a horizon ago, how many were won since: stuck ones beside the others.

    None without a history of stages, or where nothing was open then.
    """
    if not study.has("lead_stages"):
        return None
    leads, stages = study.table("leads"), study.table("lead_stages")
    day = study.window.as_of - dt.timedelta(days=horizon_days)
    model = LeadModel(**study.options("leads"))
    words = {"won": model.won, "lost": model.lost}
    then = lead_table(leads, stages, day, **words)
    if then.empty:
        return None
    visits = stage_visits(then, stages, day, order=model.stages)
    here = visits[visits["here"]].sort_values("position")
    open_then = here.drop_duplicates("lead_id", keep="last").set_index("lead_id")
    now = lead_table(leads, stages, study.window.as_of, **words)["won"]
    won = now.reindex(open_then.index).eq(True).fillna(False).astype(bool)
    if won.empty:
        return None
    return watch.counted(won, open_then["stuck"].to_numpy(dtype=bool))


def facts_of(study: Study) -> watch.Facts:
    """What the watch lists read of a study on its day."""
    orders = study.orders()
    day = study.window.as_of
    interest = pd.Series(dtype="float64")
    if study.has("touches"):
        interest = unanswered(study.table("touches"), day)
    return watch.Facts(
        study.customers(),
        trend.last_active_year(orders),
        trend.recent_steps(orders, day),
        trend.second_order_days(orders),
        interest,
        day,
    )
