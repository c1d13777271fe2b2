"""Who the customers are beside what they bought: accounts, and prospects who never ordered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

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
    leads: ir.Table | None,
    stages: ir.Table | None,
    as_of: dt.date,
    offer_stages: Collection[str] = (),
    later: Collection[str] = (),
) -> pd.DataFrame:
    """Buyers and everybody else who was known before `as_of`.

    Parameters
    ----------
    buyers : DataFrame
        The customer table with its account columns.
    known : DataFrame, optional
        `accounts`; ``created_on`` on or after `as_of` leaves a prospect out.
    touches, leads, stages : ibis Table, optional
        Contacts, leads (with ``customer_id``) and their stage history.
    as_of : date
        Only what was known before this day counts.
    offer_stages : collection of str, optional
        The stages in which a commercial offer is made; without them their names decide, in four
        languages (`spellings.offers`).
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
    offers = _offers(leads, stages, as_of, offer_stages)
    ids = _known_on(known, as_of, set(later) - set(_lead_ids(leads, stages, as_of)))
    others = ids.union(counts.index).union(offers).difference(buyers.index)
    zero = pd.DataFrame(
        {"frequency": 0, "repeat_frequency": 0, "revenue": 0.0},
        index=others.rename("customer_id"),
    )
    everyone = pd.concat(
        [buyers, zero.join(known) if known is not None else zero]
    ).sort_index()
    everyone["touches"] = counts.reindex(everyone.index).fillna(0).astype("int64")
    everyone["offer"] = everyone.index.isin(offers)
    return everyone[[*buyers.columns, "touches", "offer"]]


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


def _lead_ids(
    leads: ir.Table | None,
    stages: ir.Table | None,
    as_of: dt.date,
) -> pd.Index:
    """Customers of leads that existed before the day."""
    if leads is None or "customer_id" not in leads.columns:
        return pd.Index([], dtype="str")
    found = []
    if "created_on" in leads.columns:
        found.append(leads.filter(leads.created_on < as_of))
    if stages is not None:
        found.append(
            leads.semi_join(stages.filter(stages.entered_on < as_of), "lead_id")
        )
    ids = [part.customer_id.to_pandas().dropna() for part in found]
    return pd.Index(pd.concat(ids).unique() if ids else [], dtype="str")


def _touch_counts(touches: ir.Table | None, as_of: dt.date) -> pd.Series:
    if touches is None:
        return pd.Series(dtype="int64", index=pd.Index([], dtype="str"))
    counts = touches.filter(touches.touch_date < as_of).group_by("customer_id").count()
    return counts.to_pandas().set_index("customer_id").iloc[:, 0]


def _offers(
    leads: ir.Table | None,
    stages: ir.Table | None,
    as_of: dt.date,
    named: Collection[str],
) -> pd.Index:
    if leads is None or stages is None or "customer_id" not in leads.columns:
        return pd.Index([], dtype="str")
    known = (
        stages.stage.name("stage").as_table().distinct().to_pandas()["stage"].dropna()
    )
    for name in named:
        if name not in set(known):
            hint = nearest(name, sorted(known))
            raise ConfigError(say("customers.no_stage", name=repr(name), hint=hint))
    offered = list(named) or spellings.offers(known)
    made = stages.filter((stages.entered_on < as_of) & stages.stage.isin(offered))
    reached = leads.semi_join(made, "lead_id")
    ids = reached.filter(reached.customer_id.notnull()).select("customer_id").distinct()
    return pd.Index(ids.to_pandas().iloc[:, 0], dtype="str")
