"""Watch lists: named customers whom a plain rule says to look at now, and how such a list did
before.

A rule reads the customer table of a day and what its customers spent lately, so that it can be
applied to an earlier day too: what became of those it would have named then is its back-test.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from segment_lab.customers.rates import wilson

#: Usual gaps of silence after which a regular customer has broken the rhythm, and the orders a
# rhythm takes.
BROKEN_AFTER_GAPS = 3.0
RHYTHM_ORDERS = 3
#: Who has been silent for longer has lapsed: another matter than a broken rhythm.
LAPSED_AFTER_DAYS = 365
#: Half a year against the half year before it: growth that is worth a call.
GROWTH = 1.5
#: The second order is late once this share of those who made one had made it.
LATE_SHARE = 0.75
#: Large is who is among this share of the base by revenue.
LARGE_SHARE = 0.2
#: Interest that nobody answered is worth a call for so many days.
FRESH_DAYS = 14
#: Account columns that may hold the day of a birthday or anniversary, and how many days ahead
# one is listed.
BIRTHDAYS = ("birthday", "birth_date", "anniversary")
AHEAD_DAYS = 14


@dataclass(frozen=True)
class Facts:
    """What the rules read of one day.

    Parameters
    ----------
    customers : DataFrame
        The customer table.
    at_stake : Series
        Money each customer spent in the year that ended with the last order
        (`trend.last_active_year`).
    steps : DataFrame
        Revenue in twelve times thirty days (`trend.recent_steps`).
    second_order_days : Series
        Days from first to second order of customers who made one.
    interest_days : Series
        Days since a click or visit that nobody answered (`contacts.events.unanswered`); empty
        without a log of contacts.
    as_of : date, optional
        The day; birthdays need it.
    """

    customers: pd.DataFrame
    at_stake: pd.Series
    steps: pd.DataFrame
    second_order_days: pd.Series
    interest_days: pd.Series = field(default_factory=lambda: pd.Series(dtype="float64"))
    as_of: dt.date | None = None


def broke_rhythm(facts: Facts) -> pd.DataFrame:
    """Regular customers silent for several of their own usual gaps, though for less than a year."""
    people = facts.customers
    gap = people["gap_days"]
    regular = (people["frequency"] >= RHYTHM_ORDERS) & gap.notna()
    silent = people["recency_days"] > BROKEN_AFTER_GAPS * gap
    lately = people["recency_days"] <= LAPSED_AFTER_DAYS
    return _ranked(facts, regular & silent & lately)


def growing(facts: Facts) -> pd.DataFrame:
    """Customers who spent half as much again in the last half year as in the half year before."""
    half = facts.steps.shape[1] // 2
    steps = facts.steps.reindex(facts.customers.index).fillna(0.0)
    before = steps.iloc[:, :half].sum(axis=1)
    after = steps.iloc[:, half:].sum(axis=1)
    enough = facts.customers["frequency"] >= RHYTHM_ORDERS
    more = (before > 0) & (after >= GROWTH * before)
    rows = _ranked(facts, enough & more)
    rows["before"] = before.reindex(rows.index)
    rows["after"] = after.reindex(rows.index)
    return rows.sort_values("after", ascending=False, kind="stable")


def one_order(facts: Facts) -> pd.DataFrame:
    """Customers of one order whose second is late, though not yet unlikely."""
    people = facts.customers
    waits = facts.second_order_days.dropna()
    if waits.empty:
        return _ranked(facts, pd.Series(False, index=people.index))
    late = max(float(waits.quantile(LATE_SHARE)), 1.0)
    waiting = people["recency_days"].between(late, 2 * late)
    return _ranked(facts, (people["frequency"] == 1) & waiting)


def loss_making(facts: Facts) -> pd.DataFrame:
    """Large customers whose orders brought less than they cost, over all that is known of them."""
    people = facts.customers
    if "margin" not in people or people["margin"].isna().all():
        return _ranked(facts, pd.Series(False, index=people.index))
    large = people["revenue"] >= people["revenue"].quantile(1 - LARGE_SHARE)
    rows = _ranked(facts, large & (people["margin"] < 0))
    rows["margin"] = people["margin"].reindex(rows.index)
    return rows.sort_values("margin", kind="stable")


def unanswered(facts: Facts) -> pd.DataFrame:
    """Customers who showed interest lately, were not spoken with since and have not bought."""
    people = facts.customers
    days = facts.interest_days.reindex(people.index).astype(float)
    waiting = (days <= FRESH_DAYS) & (people["recency_days"] > days)
    rows = _ranked(facts, waiting)
    rows["interest_days"] = days.reindex(rows.index)
    return rows


def birthday(facts: Facts) -> pd.DataFrame:
    """Customers whose birthday or anniversary comes in the next two weeks, where it is known."""
    people = facts.customers
    column = next((name for name in BIRTHDAYS if name in people), None)
    if column is None or facts.as_of is None:
        return _ranked(facts, pd.Series(False, index=people.index))
    days = pd.to_datetime(people[column], errors="coerce")
    coming = [facts.as_of + dt.timedelta(days=ahead) for ahead in range(AHEAD_DAYS)]
    near = pd.Series(False, index=people.index)
    for day in coming:
        near |= (days.dt.month == day.month) & (days.dt.day == day.day)
    rows = _ranked(facts, near)
    rows["birthday"] = days.reindex(rows.index)
    return rows


RULES: Mapping[str, Callable[[Facts], pd.DataFrame]] = {
    "broke_rhythm": broke_rhythm,
    "growing": growing,
    "one_order": one_order,
    "loss_making": loss_making,
    "unanswered": unanswered,
    "birthday": birthday,
}


def _ranked(facts: Facts, chosen: pd.Series) -> pd.DataFrame:
    """The chosen customers with what a caller must know, the most money at stake first."""
    people = facts.customers[chosen.fillna(False).to_numpy(dtype=bool)]
    rows = pd.DataFrame(
        {
            "at_stake": facts.at_stake.reindex(people.index).fillna(0.0),
            "usual_days": people["gap_days"],
            "silent_days": people["recency_days"],
            "orders": people["frequency"],
            "revenue": people["revenue"],
        }
    )
    return rows.sort_values("at_stake", ascending=False, kind="stable")


@dataclass(frozen=True)
class BackTest:
    """What became of those a list would have named at the beginning of the horizon.

    Attributes
    ----------
    named, bought : int
        Customers on the list then, and how many of them bought within the horizon.
    share, low, high : float
        That share with its 95 % interval; null where nobody was named.
    others_share : float
        The share of all other customers who bought: the baseline.
    """

    named: int
    bought: int
    share: float
    low: float
    high: float
    others_share: float


def back_test(rule: str, then: Facts, outcomes: pd.DataFrame) -> BackTest:
    """Apply a rule to an earlier day and count who bought since.

    Parameters
    ----------
    rule : str
        One of `RULES`.
    then : Facts
        As of the beginning of the horizon.
    outcomes : DataFrame
        What those customers did since (`Study.outcomes`).
    """
    listed = RULES[rule](then).index
    bought = (outcomes["future_orders"] > 0).reindex(
        then.customers.index, fill_value=False
    )
    on_list = bought.index.isin(listed)
    return counted(bought, on_list)


def counted(happened: pd.Series, on_list: np.ndarray) -> BackTest:
    """How often something happened to those on a list, beside all others.

    Parameters
    ----------
    happened : Series of bool
        Whether it happened, for everybody who could have been named.
    on_list : array of bool
        Who was named.
    """
    named = int(on_list.sum())
    came = int(happened[on_list].sum())
    low, high = wilson(came, named)
    others = happened[~on_list]
    return BackTest(
        named,
        came,
        came / named if named else np.nan,
        low,
        high,
        float(others.mean()) if len(others) else np.nan,
    )
