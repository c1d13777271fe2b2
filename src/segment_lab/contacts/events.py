"""What customers do with the contacts they get: mail delivered, opened and clicked, calls, chats
and visits.

Opens are weak evidence: mail clients that protect privacy open mail that nobody reads, and block
the sign of mail that is read. Clicks decide.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.act.economics import Arm, rate_difference
from segment_lab.act.limits import OUTBOUND
from segment_lab.customers.rates import with_interval
from segment_lab.data.spellings import in_person
from segment_lab.errors import NotEnoughDataError
from segment_lab.texts import say
from segment_lab.window import as_date

MAIL = ("delivered", "undelivered", "opened", "clicked")
TALKS = {"call": "calls", "chat": "chats", "visit": "visits"}
# What answers a customer, beside a visit at which people met.
SPOKEN = ("call", "chat")


def engagement_table(
    touches: ir.Table,
    as_of: dt.date | str,
    *,
    minutes: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """One row per customer with a contact before `as_of`.

    `minutes` are the usual ones by channel, for contacts the company made whose minutes are not
    recorded; 0 otherwise.

    Returns
    -------
    DataFrame
        Index ``customer_id``, sorted. Contacts: ``delivered, undelivered, opened, clicked, calls,
        chats, visits``; ``contact_minutes``; days since the last of each kind of mail event
        (``days_since_clicked`` …, null where there was none) and since any contact
        (``days_since_contact``); ``top_topic`` (most clicked, then by name).
    """
    rows = _known(touches, as_of)
    # A column of its own, even where both minutes are the same for all.
    rows = rows.mutate(
        spent=ibis.coalesce(_recorded(rows), _usual(rows, minutes or {}))
    )
    counted = {event: event for event in MAIL} | {
        name: event for event, name in TALKS.items()
    }
    figures = {name: (rows.event == event).sum() for name, event in counted.items()}
    lasts = {f"last_{event}": rows.day.max(where=rows.event == event) for event in MAIL}
    table = rows.group_by("customer_id").aggregate(
        **figures,
        **lasts,
        last_contact=rows.day.max(),
        contact_minutes=rows.spent.sum(),
    )
    frame = table.order_by("customer_id").to_pandas().set_index("customer_id")
    today = pd.Timestamp(as_date(as_of))
    for name in [*lasts, "last_contact"]:
        days = (today - pd.to_datetime(frame.pop(name))).dt.days
        frame[name.replace("last_", "days_since_")] = days.astype(float)
    topics = click_topics(touches, as_of)
    top = topics.idxmax(axis=1) if topics.shape[1] else pd.Series(dtype="str")
    return frame.assign(top_topic=top.reindex(frame.index).astype("str"))


def _recorded(rows: ir.Table) -> ir.Value:
    if "minutes" not in rows.columns:
        return ibis.null("float64")
    return rows.minutes.cast("float64")


def _usual(rows: ir.Table, minutes: Mapping[str, float]) -> ir.Value:
    """The usual minutes of contacts that the company made."""
    made = rows.event.isin(OUTBOUND)
    cases = [
        (made & (rows.channel == channel), float(m)) for channel, m in minutes.items()
    ]
    return ibis.cases(*cases, else_=0.0) if cases else ibis.literal(0.0)


def usual_minutes(contact_costs: ir.Table) -> dict[str, float]:
    """Mean minutes per contact of each channel, from the contact costs."""
    if not {"channel", "minutes_per_contact"} <= set(contact_costs.columns):
        return {}
    rows = contact_costs.group_by("channel").aggregate(
        minutes=contact_costs.minutes_per_contact.mean()
    )
    return rows.to_pandas().dropna().set_index("channel")["minutes"].to_dict()


def click_topics(touches: ir.Table, as_of: dt.date | str) -> pd.DataFrame:
    """Clicks per customer (rows, only those who clicked) and topic of the link (columns, by
    name)."""
    if "topic" not in touches.columns:
        return pd.DataFrame(
            index=pd.Index(
                [],
                name="customer_id",
                dtype="str",
            )
        )
    rows = _known(touches, as_of).filter(
        lambda t: (t.event == "clicked") & t.topic.notnull()
    )
    counts = (
        rows.group_by("customer_id", "topic").aggregate(clicks=rows.count()).to_pandas()
    )
    return counts.pivot_table(
        index="customer_id",
        columns="topic",
        values="clicks",
        aggfunc="sum",
        fill_value=0,
        observed=True,
    )


def _known(
    touches: ir.Table,
    as_of: dt.date | str,
    start: dt.date | None = None,
) -> ir.Table:
    rows = touches.mutate(
        day=touches.touch_date.cast("date"),
        event=touches.event.strip().lower(),
        channel=touches.channel.strip().lower(),
    )
    rows = rows.filter(rows.day < as_date(as_of))
    return rows if start is None else rows.filter(rows.day >= start)


def spoken_with(touches: ir.Table) -> ir.BooleanValue:
    """Whether somebody spoke with the customer: a call, a chat, or a visit in person."""
    event = touches.event.strip().lower()
    met = (event == "visit") & in_person(touches.channel)
    return event.isin(SPOKEN) | met


def unanswered(touches: ir.Table, as_of: dt.date | str) -> pd.Series:
    """Days since each customer's last click or visit to the web site, where nobody has spoken with
    them since.

    Returns
    -------
    Series
        By ``customer_id``; customers who were called, met or chatted with on that day or later
        are absent.
    """
    rows = _known(touches, as_of)
    answered = spoken_with(rows)
    clicked_or_came = rows.event.isin(("clicked", "visit")) & ~answered
    wanted = rows.day.max(where=clicked_or_came)
    spoken = rows.day.max(where=answered)
    last = rows.group_by("customer_id").aggregate(wanted=wanted, spoken=spoken)
    frame = last.to_pandas().set_index("customer_id").apply(pd.to_datetime)
    open_ones = frame["wanted"].notna() & ~(frame["spoken"] >= frame["wanted"])
    since = pd.Timestamp(as_date(as_of)) - frame.loc[open_ones, "wanted"]
    return since.dt.days.astype(float).sort_index()


def response(
    touches: ir.Table,
    buyers: Collection[str],
    segments: pd.Series,
    as_of: dt.date | str,
    *,
    days: int = 30,
    before: int = 30,
) -> pd.DataFrame:
    """Who bought in the `days` before `as_of`, among customers contacted just before them and
    among the others.

    The difference is no effect of the contact: companies contact those who are likely to buy
    anyway. The rate of the customers not contacted is their *natural* rate. Only a holdout group
    shows an effect.

    Parameters
    ----------
    touches : Table
        Contacts the company made: mail delivered, calls.
    buyers : collection of customer_id
        Who bought in the response period; an order that was cancelled or sent back is none
        (`Study.bought`).
    segments : Series, index customer_id
        Segment names as of the day the response period begins (``as_of - days``), so that no
        purchase in it decides the segment.
    as_of, days, before : date, int, int
        End (exclusive) and length of the response period, and length of the contact period before
        it.

    Returns
    -------
    DataFrame
        Index ``segment``: for ``contacted`` and ``not_contacted`` customers their number
        (``…_customers``) and the share that bought (``…_bought`` with its 95 % Wilson interval);
        ``difference`` of the two shares with its 95 % interval (Newcombe 1998).
    """
    start = as_date(as_of) - dt.timedelta(days=days)
    if segments.empty:
        raise NotEnoughDataError(say("contacts.nobody_then", day=start))
    sent = _known(touches, start, start - dt.timedelta(days=before))
    sent = sent.filter(sent.event.isin(OUTBOUND)).select("customer_id").distinct()
    contacted = pd.Series(
        segments.index.isin(sent.to_pandas()["customer_id"]), segments.index
    )
    bought = pd.Series(segments.index.isin(list(buyers)), segments.index)
    parts: list[pd.Series | pd.DataFrame] = []
    counts = []
    for name, among in (("contacted", contacted), ("not_contacted", ~contacted)):
        by = bought[among].groupby(segments[among], observed=False)
        hits, n = by.sum(), by.size()
        parts += [
            n.rename(f"{name}_customers"),
            with_interval(hits, n, f"{name}_bought"),
        ]
        counts += [hits, n]
    rates = pd.concat(parts, axis=1)
    rows = pd.concat(counts, axis=1).fillna(0).astype(int)
    differences = [_difference(*row) for row in rows.itertuples(index=False)]
    ends = ["difference", "difference_low", "difference_high"]
    return rates.join(pd.DataFrame(differences, rows.index, ends)).rename_axis(
        "segment"
    )


def _difference(
    buyers: int, contacted: int, others_buying: int, others: int
) -> tuple[float, float, float]:
    """How much more of the contacted bought; unknown where there was nobody on one side."""
    if contacted == 0 or others == 0:
        return (np.nan, np.nan, np.nan)
    return rate_difference(
        Arm(customers=contacted, buyers=buyers),
        Arm(customers=others, buyers=others_buying),
    )


def effort(
    table: pd.DataFrame,
    segments: pd.Series,
    revenue: pd.Series | None = None,
) -> pd.DataFrame:
    """Where the contact minutes go, and where the money comes from.

    Parameters
    ----------
    table : DataFrame
        Of `engagement_table`.
    segments : Series
        Segment names by customer_id.
    revenue : Series, optional
        Money by customer_id.

    Returns
    -------
    DataFrame
        Index ``segment``: ``customers, contact_minutes, customer_share, effort_share,
        minutes_per_customer``; with revenue also ``revenue_share``, and ``minutes_above_share``:
        the minutes beyond (below zero: short of) the segment's share of revenue.
    """
    by = segments.groupby(segments, observed=False)
    minutes = table["contact_minutes"].reindex(segments.index).fillna(0)
    spent = minutes.groupby(segments, observed=False).sum()
    total = spent.sum() or np.nan
    out = pd.DataFrame(
        {
            "customers": by.size(),
            "contact_minutes": spent,
        }
    )
    out["customer_share"] = out["customers"] / len(segments)
    out["effort_share"] = spent / total
    if revenue is not None:
        money = (
            revenue.reindex(segments.index)
            .fillna(0)
            .groupby(segments, observed=False)
            .sum()
        )
        out["revenue_share"] = money / (money.sum() or np.nan)
        out["minutes_above_share"] = spent - out["revenue_share"] * total
    out["minutes_per_customer"] = spent / out["customers"]
    return out.rename_axis("segment")


class Gap(NamedTuple):
    """Segments that take far more of the minutes than they bring of the money, most minutes first,
    and both shares."""

    segments: list[str]
    effort_share: float
    revenue_share: float


def gap(effort: pd.DataFrame, times: float = 2.0) -> Gap:
    """The segments whose share of the minutes is at least `times` their share of revenue.

    Examples
    --------
    >>> shares = {"effort_share": [0.6, 0.4], "revenue_share": [0.9, 0.1]}
    >>> gap(pd.DataFrame(shares, index=["Champions", "Lost"]))
    Gap(segments=['Lost'], effort_share=0.4, revenue_share=0.1)
    """
    over = effort[
        (effort["effort_share"] > 0)
        & (effort["effort_share"] >= times * effort["revenue_share"])
    ]
    over = over.sort_values("effort_share", ascending=False, kind="stable")
    shares = over[["effort_share", "revenue_share"]].sum()
    return Gap(list(map(str, over.index)), float(shares.iloc[0]), float(shares.iloc[1]))
