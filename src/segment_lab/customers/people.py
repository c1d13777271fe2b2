"""Who the customers are beside what they bought: accounts, and prospects who never ordered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import ibis
import ibis.expr.types as ir
import pandas as pd

from segment_lab.customers.merging import one_row_each
from segment_lab.data import spellings
from segment_lab.data.contracts import MEASURES
from segment_lab.errors import ConfigError, nearest
from segment_lab.texts import say


def accounts(customers: ir.Table) -> pd.DataFrame:
    """The account columns of the customers table, one row per ``customer_id`` (the index)."""
    table = customers.drop(
        *(c for c in customers.columns if c.endswith("_minor") or c in MEASURES)
    )
    frame = table.to_pandas()
    return one_row_each(frame)


def with_accounts(buyers: pd.DataFrame, known: pd.DataFrame | None) -> pd.DataFrame:
    """The customer table with what the accounts say beside it; the accounts' own columns win over
    those that came with customers summed up."""
    if known is None:
        return buyers
    twice = [name for name in known if name in buyers]
    return buyers.drop(columns=twice).join(known, how="left")


def consented(customers: pd.DataFrame) -> pd.Series:
    """Who may be written to, from the column ``consent``: only a recorded yes counts."""
    return customers["consent"].astype("boolean").fillna(False).astype(bool)


def with_prospects(
    buyers: pd.DataFrame,
    known: pd.DataFrame | None,
    touches: ir.Table | None,
    leads: pd.DataFrame,
    as_of: dt.date,
    later: Collection[str] = (),
) -> pd.DataFrame:
    """Buyers and everybody else who was known before `as_of`.

    Parameters
    ----------
    buyers : DataFrame
        The customer table with its account columns.
    known : DataFrame, optional
        `accounts`; ``created_on`` on or after `as_of` leaves a prospect out.
    touches : ibis Table, optional
        Contacts.
    leads : DataFrame
        `lead_days`.
    as_of : date
        Only what was known before this day counts.
    later : collection of str, optional
        Customers who first ordered on or after `as_of` (`ordered_later`): they were known before
        only by an account created earlier, a contact or a lead.

    Returns
    -------
    DataFrame
        The columns of `buyers`, ``touches`` (contacts before `as_of`) and ``offer`` (a lead
        reached an offer). Without orders, frequency and revenue are 0 and the rest is null.
    """
    counts = _touch_counts(touches, as_of)
    day = pd.Timestamp(as_of)
    offers = leads.index[leads["offered_on"] < day]
    ids = _known_on(
        known, as_of, set(later) - set(leads.index[leads["known_on"] < day])
    )
    others = ids.union(counts.index).union(offers).difference(buyers.index)
    everyone = _and_others(buyers, others, known).sort_index()
    touched = counts.reindex(everyone.index).fillna(0).astype("int64")
    return everyone.assign(touches=touched, offer=everyone.index.isin(offers))


def _and_others(
    buyers: pd.DataFrame, others: pd.Index, known: pd.DataFrame | None
) -> pd.DataFrame:
    """The columns of `buyers` for those who bought nothing as well."""
    if others.empty:
        return buyers
    zero = pd.DataFrame(
        {"frequency": 0, "repeat_frequency": 0, "revenue": 0.0},
        index=others.rename("customer_id"),
    )
    told = zero if known is None else zero.join(known)
    return pd.concat([buyers, told])[[*buyers.columns]]


def ordered_later(lines: ir.Table, as_of: dt.date) -> pd.Index:
    """Customers whose first order (of accepted `lines`) lies on or after `as_of`."""
    first = lines.group_by("customer_id").aggregate(first_order=lines.order_date.min())
    late = first.filter(first.first_order >= as_of).select("customer_id")
    ids = late.get_backend().to_pyarrow(late).to_pandas()["customer_id"]
    return pd.Index(ids, dtype="str")


def _known_on(
    known: pd.DataFrame | None,
    as_of: dt.date,
    later: Collection[str],
) -> pd.Index:
    """The accounts that existed on the day: by their own date, or else by what customers did."""
    if known is None:
        return pd.Index([], dtype="str")
    created = pd.Series(pd.NaT, index=known.index, dtype="datetime64[ns]")
    if "created_on" in known:
        created = pd.to_datetime(known["created_on"])
    existed = created < pd.Timestamp(as_of)
    undated = created.isna() & ~known.index.isin(list(later))
    return known.index[(existed | undated).to_numpy()]


def lead_days(
    leads: ir.Table | None,
    stages: ir.Table | None,
    offer_stages: Collection[str] = (),
) -> pd.DataFrame:
    """Since when each customer is known as a lead, and since when as one with an offer.

    Parameters
    ----------
    leads, stages : ibis Table, optional
        Leads (with ``customer_id``) and their stage history.
    offer_stages : collection of str, optional
        The stages in which a commercial offer is made; without them their names decide, in four
        languages (`spellings.offers`).

    Returns
    -------
    DataFrame, index customer_id
        ``known_on, offered_on`` (null: never).
    """
    if leads is None or "customer_id" not in leads.columns:
        never = pd.Series(dtype="datetime64[ns]", index=pd.Index([], dtype="str"))
        return pd.DataFrame({"known_on": never, "offered_on": never})
    never = ibis.null("timestamp")
    created = leads.created_on if "created_on" in leads.columns else never
    rows = leads.select("lead_id", "customer_id", created=created.cast("timestamp"))
    if stages is None:
        rows = rows.mutate(entered=never, offered=never)
    else:
        offered = stages.stage.isin(_offer_stages(stages, offer_stages))
        entered = stages.entered_on.cast("timestamp")
        visits = stages.group_by("lead_id").aggregate(
            entered=entered.min(), offered=entered.min(where=offered)
        )
        rows = rows.left_join(visits, "lead_id").drop("lead_id_right")
    rows = rows.filter(rows.customer_id.notnull())
    first = ibis.least(rows.created.min(), rows.entered.min())
    table = rows.group_by("customer_id").aggregate(
        known_on=first, offered_on=rows.offered.min()
    )
    return table.to_pandas().set_index("customer_id")


def _offer_stages(stages: ir.Table, named: Collection[str]) -> list[str]:
    """The stages in which an offer is made: those named, or else those whose names say so."""
    known = (
        stages.stage.name("stage").as_table().distinct().to_pandas()["stage"].dropna()
    )
    for name in named:
        if name not in set(known):
            hint = nearest(name, sorted(known))
            raise ConfigError(say("customers.no_stage", name=repr(name), hint=hint))
    return list(named) or list(spellings.offers(known))


def _touch_counts(touches: ir.Table | None, as_of: dt.date) -> pd.Series:
    if touches is None:
        return pd.Series(dtype="int64", index=pd.Index([], dtype="str"))
    counts = touches.filter(touches.touch_date < as_of).group_by("customer_id").count()
    return counts.to_pandas().set_index("customer_id").iloc[:, 0]
