"""What customers do with the contacts they get: mail delivered, opened and clicked, calls, chats
and visits.

Opens are weak evidence: mail clients that protect privacy open mail that nobody reads, and block
the sign of mail that is read. Clicks decide.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.customers.rates import with_interval
from segment_lab.errors import NotEnoughDataError
from segment_lab.window import as_date

MAIL = ("delivered", "undelivered", "opened", "clicked")
TALKS = {"call": "calls", "chat": "chats", "visit": "visits"}
# What a company does to a customer; the rest is what the customer does.
OUTBOUND = ("delivered", "call")


def engagement_table(
    touches: ir.Table, as_of: dt.date | str, *, minutes: Mapping[str, float] | None = None
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
    made = rows.event.isin(OUTBOUND)
    usual = (
        ibis.cases(*((made & (rows.channel == c), float(m)) for c, m in minutes.items()), else_=0.0)
        if minutes
        else ibis.literal(0.0)
    )
    recorded = rows.minutes.cast("float64") if "minutes" in rows.columns else ibis.null("float64")
    rows = rows.mutate(
        spent=ibis.coalesce(recorded, usual)
    )  # a column, even where both are the same for all
    ago = rows.day.max
    figures = {event: (rows.event == event).sum() for event in MAIL}
    figures |= {name: (rows.event == event).sum() for event, name in TALKS.items()}
    figures |= {f"last_{event}": ago(where=rows.event == event) for event in MAIL}
    table = rows.group_by("customer_id").aggregate(
        **figures, last_contact=ago(), contact_minutes=rows.spent.sum()
    )
    frame = table.order_by("customer_id").to_pandas().set_index("customer_id")
    for name in [c for c in frame if c.startswith("last_")]:
        days = (pd.Timestamp(as_date(as_of)) - pd.to_datetime(frame.pop(name))).dt.days
        frame[name.replace("last_", "days_since_")] = days.astype(float)
    topics = click_topics(touches, as_of)
    top = topics.idxmax(axis=1) if topics.shape[1] else pd.Series(dtype="str")
    return frame.assign(top_topic=top.reindex(frame.index).astype("str"))


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
        return pd.DataFrame(index=pd.Index([], name="customer_id", dtype="str"))
    rows = _known(touches, as_of).filter(lambda t: (t.event == "clicked") & t.topic.notnull())
    counts = rows.group_by("customer_id", "topic").aggregate(clicks=rows.count()).to_pandas()
    return counts.pivot_table(
        index="customer_id",
        columns="topic",
        values="clicks",
        aggfunc="sum",
        fill_value=0,
        observed=True,
    )


def _known(touches: ir.Table, as_of: dt.date | str, start: dt.date | None = None) -> ir.Table:
    rows = touches.mutate(
        day=touches.touch_date.cast("date"),
        event=touches.event.strip().lower(),
        channel=touches.channel.strip().lower(),
    )
    rows = rows.filter(rows.day < as_date(as_of))
    return rows if start is None else rows.filter(rows.day >= start)


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
        (``…_customers``) and the share that bought (``…_bought`` with its 95 % Wilson interval).
    """
    start = as_date(as_of) - dt.timedelta(days=days)
    if segments.empty:
        raise NotEnoughDataError(f"There is no customer to look at on {start}.")
    sent = _known(touches, start, start - dt.timedelta(days=before))
    contacted = (
        sent.filter(sent.event.isin(OUTBOUND))
        .select("customer_id")
        .distinct()
        .to_pandas()["customer_id"]
    )
    frame = pd.DataFrame(
        {
            "segment": segments,
            "contacted": segments.index.isin(contacted),
            "bought": segments.index.isin(list(buyers)),
        },
        index=segments.index,
    )
    parts: list[pd.Series | pd.DataFrame] = []
    for name, rows in (
        ("contacted", frame[frame["contacted"]]),
        ("not_contacted", frame[~frame["contacted"]]),
    ):
        by = rows.groupby("segment", observed=False)["bought"]
        n = by.size()
        parts += [n.rename(f"{name}_customers"), with_interval(by.sum(), n, f"{name}_bought")]
    return pd.concat(parts, axis=1)


def effort(
    table: pd.DataFrame, segments: pd.Series, revenue: pd.Series | None = None
) -> pd.DataFrame:
    """Contact minutes (`engagement_table`) by segment beside its share of customers and, where
    given, of revenue."""
    minutes = table["contact_minutes"].reindex(segments.index).fillna(0)
    by = segments.groupby(segments, observed=False)
    out = pd.DataFrame(
        {"customers": by.size(), "contact_minutes": minutes.groupby(segments, observed=False).sum()}
    )
    out["customer_share"] = out["customers"] / len(segments)
    out["effort_share"] = out["contact_minutes"] / (out["contact_minutes"].sum() or np.nan)
    if revenue is not None:
        money = revenue.reindex(segments.index).fillna(0).groupby(segments, observed=False).sum()
        out["revenue_share"] = money / (money.sum() or np.nan)
    return out.assign(minutes_per_customer=out["contact_minutes"] / out["customers"]).rename_axis(
        "segment"
    )
