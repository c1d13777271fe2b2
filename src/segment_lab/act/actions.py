"""Named actions: who is to do what with which customer by when, under an id that stays the same
from run to run."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping

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
#: A contact of these channels counts as having acted on a customer. A visit is none: it is the
# customer's, to the web site.
SPOKEN_WITH = frozenset({"call", "chat"})


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
    """The day an action should be done, never on a weekend."""
    day = as_of + dt.timedelta(days=DUE_DAYS.get(kind, 14))
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
        Contacts with ``customer_id, touch_date, channel``.
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
        calls = touches[touches["channel"].isin(list(SPOKEN_WITH))]
        spoken = _first_after(out["customer_id"], made, calls, "touch_date", as_of)
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
        {"customer_id": customers, "since": since, "row": range(len(customers))}
    )
    both = asked.merge(known[["customer_id", "day"]], on="customer_id")
    first = both[both["day"] >= both["since"]].groupby("row")["day"].min()
    found = first.reindex(range(len(customers)))
    return pd.Series(found.to_numpy(), index=customers.index)
