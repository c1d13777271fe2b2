"""Named actions: who is to do what with which customer by when, under an id that stays the same
from run to run."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

#: Days until an action is due, by the list it comes from.
DUE_DAYS: Mapping[str, int] = {
    "broke_rhythm": 7,
    "growing": 14,
    "one_order": 14,
    "loss_making": 30,
    "unanswered": 2,
    "birthday": 0,
}
#: How many actions an owner takes on a working day, where the study does not say.
A_DAY = 10


def action_id(study: str, customer: str, kind: str, trigger: object) -> str:
    """The same for the same customer, list and trigger, whatever the day of the run.

    The trigger is what put the customer on the list (the last order, the oldest invoice): as long
    as it stands, a later run means the same action.

    Examples
    --------
    >>> action_id("shop", "C1", "broke_rhythm", "2026-03-01")
    'broke_rhythm-4abc694c'
    """
    text = "|".join([study, str(customer), kind, str(trigger)])
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def due_on(kind: str, as_of: dt.date) -> dt.date:
    """The day until which an action should wait at most, never on a weekend."""
    return _working(as_of + dt.timedelta(days=DUE_DAYS.get(kind, 14)))


def spread(
    rows: pd.DataFrame,
    as_of: dt.date,
    a_day: int = A_DAY,
    kept: pd.Series | None = None,
) -> pd.Series:
    """The day on which each action has its turn: no owner gets more than `a_day` on a working day.

    The most urgent list goes first (`DUE_DAYS`), within a list the rows as they stand. Actions
    without an owner are spread as those of one more person.

    Parameters
    ----------
    rows : DataFrame
        ``kind, owner``.
    as_of : date
        The first day, if it is a working day.
    a_day : int
        At least 1.
    kept : Series, optional
        Days that an earlier run gave; they stay and take their place of the day.

    Examples
    --------
    >>> rows = pd.DataFrame({"kind": "growing", "owner": ["A", "A", "A", "B"]})
    >>> [str(day) for day in spread(rows, dt.date(2026, 1, 2), 1)]  # a Friday
    ['2026-01-02', '2026-01-05', '2026-01-06', '2026-01-02']
    """
    owners = rows["owner"].fillna("").astype(str).to_list()
    given: list[dt.date | None] = [None] * len(rows)
    if kept is not None:
        given = [None if pd.isna(day) else day for day in kept]
    taken = Counter(zip(owners, given, strict=True))
    turn: dict[str, dt.date] = {}
    waits = [DUE_DAYS.get(kind, 14) for kind in rows["kind"]]
    for row in np.argsort(waits, kind="stable"):
        if given[row] is not None:
            continue
        owner = owners[row]
        day = turn.get(owner, _working(as_of))
        while taken[owner, day] >= a_day:
            day = _working(day + dt.timedelta(days=1))
        taken[owner, day] += 1
        turn[owner] = given[row] = day
    return pd.Series(given, index=rows.index, dtype="object")


def affordable(hours: float, minutes: float, days: int, owners: int) -> int:
    """Actions an owner can take on a working day with the hours that all contacts may take.

    Examples
    --------
    >>> affordable(hours=390, minutes=30, days=91, owners=3)
    4
    """
    working_days = days * 5 / 7
    return max(int(hours * 60 / minutes / working_days / max(owners, 1)), 1)


def _working(day: dt.date) -> dt.date:
    """The day itself, or the Monday after a weekend."""
    while day.weekday() >= 5:
        day += dt.timedelta(days=1)
    return day


def closed_by(
    earlier: pd.DataFrame,
    touches: pd.DataFrame | None,
    orders: pd.DataFrame,
    as_of: dt.date,
) -> pd.DataFrame:
    """What became of the actions of an earlier run.

    Parameters
    ----------
    earlier : DataFrame
        ``action_id, customer_id, kind, made_on`` of an earlier run; optionally ``done`` (a
        person's mark).
    touches : DataFrame, optional
        Contacts at which somebody spoke with the customer: ``customer_id, touch_date``.
    orders : DataFrame
        ``customer_id, order_date`` of orders since the earlier run.
    as_of : date
        Only what happened before it counts.

    Returns
    -------
    DataFrame
        `earlier` with ``done`` (marked, or spoken with since), ``done_on`` (null for a mark
        without a day) and ``bought`` (ordered since).
    """
    out = earlier.copy()
    made = pd.to_datetime(out["made_on"])
    by_hand = (
        marked(out["done"]) if "done" in out else pd.Series(False, index=out.index)
    )
    spoken = pd.Series(pd.NaT, index=out.index)
    if touches is not None and len(touches):
        spoken = _first_after(out["customer_id"], made, touches, "touch_date", as_of)
    bought = _first_after(out["customer_id"], made, orders, "order_date", as_of)
    return out.assign(
        done=by_hand | spoken.notna(), done_on=spoken, bought=bought.notna()
    )


def marked(done: pd.Series) -> pd.Series:
    """Whether a cell of the column ``done`` holds a person's mark."""
    text = done.fillna("").astype(str).str.strip().str.lower()
    return ~text.isin(["", "nan", "none", "no", "false", "0", "<na>"])


def _first_after(
    customers: pd.Series,
    since: pd.Series,
    events: pd.DataFrame,
    column: str,
    as_of: dt.date,
) -> pd.Series:
    """The first event of each customer on or after a day of its own and before `as_of`."""
    days = pd.to_datetime(events[column])
    known = events.assign(day=days)[days < pd.Timestamp(as_of)]
    asked = pd.DataFrame(
        {
            "customer_id": customers,
            "since": since,
            "row": range(len(customers)),
        }
    )
    both = asked.merge(known[["customer_id", "day"]], on="customer_id")
    first = both[both["day"] >= both["since"]].groupby("row")["day"].min()
    found = first.reindex(range(len(customers)))
    return pd.Series(found.to_numpy(), index=customers.index)
