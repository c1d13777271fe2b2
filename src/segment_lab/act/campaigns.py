"""The loop: what campaigns did, against customers left alone.

A comparison of before and after is never an effect: some lapsed customers return without a
campaign, so everything here refuses to work without a control group.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import scipy

from segment_lab.act.arms import Traces, counted, one_row_each, reached, withheld
from segment_lab.act.experiment import HOLDOUT, RATIO_ALARM, TREATMENT
from segment_lab.segments.segmentation import Status
from segment_lab.window import as_date

DEFAULT_HORIZON = 90
#: The stratum of a campaign that has none.
NO_STRATUM = "–"


def scheduled(campaigns: pd.DataFrame, as_of: dt.date | str) -> pd.DataFrame:
    """The rows of campaigns drawn before `as_of`, in the words of this module.

    Every arm but the control is a ``treatment``; ``variant`` keeps its own name. The control is
    the arm ``holdout``, or the one that the column ``control`` declares. ``ends_on`` and
    ``finished`` say whether the horizon is over; a recorded ``outcome`` finishes a row.
    """
    day = pd.Timestamp(as_date(as_of))
    rows = campaigns.assign(assigned_on=pd.to_datetime(campaigns["assigned_on"]))
    rows = rows[rows["assigned_on"] < day].copy()
    arm = rows["arm"].astype(str)
    control = pd.Series(HOLDOUT, index=rows.index)
    if "control" in rows:
        control = rows["control"].fillna(HOLDOUT).astype(str)
    rows["variant"] = arm
    rows["arm"] = np.where(arm == control, HOLDOUT, TREATMENT)
    horizon = rows.get("horizon_days", np.nan)
    rows["horizon_days"] = pd.Series(horizon, index=rows.index).fillna(DEFAULT_HORIZON)
    rows["ends_on"] = rows["assigned_on"] + pd.to_timedelta(
        rows["horizon_days"], unit="D"
    )
    rows["finished"] = rows["ends_on"] <= day
    if "outcome" in rows:
        rows["finished"] |= rows["outcome"].notna()
    return rows


def results(
    campaigns: pd.DataFrame,
    orders: ir.Table | None,
    as_of: dt.date | str,
    *,
    known: Traces | None = None,
    touches: ir.Table | None = None,
) -> pd.DataFrame:
    """Everybody who was assigned, with what they did in ``assigned_on <= day < assigned_on +
    horizon_days``.

    Parameters
    ----------
    campaigns : DataFrame
        The table of that name; campaigns drawn on or after `as_of` are not seen.
    orders : ibis Table, optional
        Accepted order lines (``customer_id, order_date, amount``, optionally ``order_id,
        margin``), reduced in the engine; not needed where every row has an ``outcome``.
    as_of : date
        The day of the study.
    known : Traces, optional
        Who is in the data still; without it nobody counts as gone.
    touches : ibis Table, optional
        Contacts with the ``campaign_id`` they belong to: who of the control was contacted.

    Returns
    -------
    DataFrame
        A row per campaign and customer, the columns of `scheduled` with ``orders, revenue`` and
        ``margin`` where known, and the flags ``twice`` (several ids that are one customer now, in
        different arms or segments), ``gone`` (in no table any more) and ``reached`` (contacted in
        the name of the campaign). An order is what it is in the customer table: without an id all
        of a day, and none if its own returns cancelled it. A recorded ``outcome`` stands for both:
        above 0 counts as an order, times ``outcome_worth`` (1 by default) as money; ``priced`` is
        false where that worth is not recorded.
    """
    rows = one_row_each(scheduled(campaigns, as_of))
    rows["gone"] = False if known is None else known.lost(rows)
    rows["reached"] = reached(rows, touches)
    recorded = "outcome" in rows and rows["outcome"].notna().all()
    if orders is not None and not recorded:
        found = _bought(rows, orders)
        keys = ["campaign_id", "customer_id"]
        rows = rows.merge(found, on=keys, how="left", validate="one_to_one")
        money = [
            column for column in ("orders", "revenue", "margin") if column in found
        ]
        rows = rows.fillna(dict.fromkeys(money, 0.0))
    return _with_outcome(rows)


def _bought(rows: pd.DataFrame, orders: ir.Table) -> pd.DataFrame:
    """Orders, revenue and margin of each assigned customer within the horizon, in one query."""
    spans = ibis.memtable(
        rows[["campaign_id", "customer_id", "assigned_on", "ends_on"]]
    )
    lines = orders.inner_join(spans, "customer_id")
    ordered = lines.order_date.cast("date")
    begun = ordered >= lines.assigned_on.cast("date")
    lines = lines.filter(begun, ordered < lines.ends_on.cast("date"))
    order = lines.order_date.cast("date").cast("string")
    if "order_id" in lines.columns:
        order = ibis.coalesce(lines.order_id, "on " + order)
    earned = {"earned": lines.margin.sum()} if "margin" in lines.columns else {}
    single = lines.group_by("campaign_id", "customer_id", order=order).aggregate(
        paid=lines.amount.sum().round(6), least=lines.amount.min(), **earned
    )
    is_order = (single.paid > 0) | ((single.paid == 0) & (single.least >= 0))
    margin = {"margin": single.earned.sum().round(2)} if earned else {}
    bought = single.group_by("campaign_id", "customer_id").aggregate(
        orders=is_order.sum(), revenue=single.paid.sum().round(2), **margin
    )
    return orders.get_backend().to_pyarrow(bought).to_pandas()


def _with_outcome(rows: pd.DataFrame) -> pd.DataFrame:
    """Where an outcome was recorded it replaces what the orders say."""
    if "outcome" not in rows or rows["outcome"].isna().all():
        return rows
    out = rows.copy()
    known = out["outcome"].notna()
    told = out["outcome_worth"].notna() if "outcome_worth" in out else False
    out["priced"] = ~known | told
    worth = out["outcome_worth"].fillna(1.0) if "outcome_worth" in out else 1.0
    happened = (out["outcome"] > 0).astype("float64")
    money = out["outcome"] * worth
    for column, values in (("orders", happened), ("revenue", money), ("margin", money)):
        out[column] = out[column].where(~known, values) if column in out else values
    return out


def measurable(found: pd.DataFrame) -> pd.DataFrame:
    """The rows that count (`counted`) of finished campaigns that have both arms and lost as many
    customers in one as in the other."""
    done = counted(found[found["finished"]])
    both = done.groupby("campaign_id")["arm"].transform(
        lambda arms: {TREATMENT, HOLDOUT} <= set(arms)
    )
    fair = ~done["campaign_id"].isin(withheld(found))
    return done[both.astype(bool) & fair]


def left_alone(found: pd.DataFrame, horizon_days: float) -> pd.DataFrame:
    """Customers of all control groups of about that horizon, by segment: ``customers, buyers``.

    Who was contacted after all is no natural customer; who was held out several times counts each
    time.
    """
    held = _held_out(found)
    held = held[_about_as_long(held, horizon_days)]
    bought = (held["orders"] > 0).groupby(segment_of(held))
    return pd.DataFrame(
        {
            "customers": bought.size(),
            "buyers": bought.sum(),
        }
    )


def of_other_length(found: pd.DataFrame, horizon_days: float) -> pd.Series:
    """Customers whom `left_alone` cannot read, by the days of their campaigns: who buys within 60
    days says too little of 90."""
    held = _held_out(found)
    held = held[~_about_as_long(held, horizon_days)]
    if held.empty:
        return pd.Series(dtype="int64")
    return held.groupby(held["horizon_days"].astype(int)).size()


def _held_out(found: pd.DataFrame) -> pd.DataFrame:
    held = found[found["arm"] == HOLDOUT]
    return held[~held["reached"]] if "reached" in held else held


def _about_as_long(held: pd.DataFrame, horizon_days: float) -> pd.Series:
    if "horizon_days" not in held:
        return pd.Series(True, index=held.index)
    shortest, longest = period_of(horizon_days)
    return held["horizon_days"].between(shortest, longest)


def period_of(horizon_days: float) -> tuple[float, float]:
    """The shortest and longest campaign whose control groups speak for a horizon."""
    return horizon_days * 0.8, horizon_days * 1.25


def contacted_since(found: pd.DataFrame | None, day: dt.date | str) -> list[str]:
    """Customers whom a campaign (`scheduled`) that ran after `day` contacted: what they do then is
    not by themselves."""
    if found is None:
        return []
    running = (found["arm"] == TREATMENT) & (
        found["ends_on"] > pd.Timestamp(as_date(day))
    )
    return found.loc[running, "customer_id"].tolist()


def running_tests(rows: pd.DataFrame) -> pd.DataFrame:
    """Campaigns (`scheduled`) whose horizon is not over: ``campaign_id, action, assigned_on,
    measured_from`` (the day from which their effect can be told), ``treated, held``."""
    columns = [
        "campaign_id",
        "action",
        "assigned_on",
        "measured_from",
        "treated",
        "held",
    ]
    open_rows = rows[~rows["finished"]]
    found = []
    for campaign, part in open_rows.groupby("campaign_id", sort=True):
        treated = part["arm"] == TREATMENT
        actions: Any = part.loc[treated, "action"].dropna() if "action" in part else []
        found.append(
            {
                "campaign_id": campaign,
                "action": ", ".join(dict.fromkeys(map(str, actions))),
                "assigned_on": part["assigned_on"].min(),
                "measured_from": part["ends_on"].max(),
                "treated": int(treated.sum()),
                "held": int((~treated).sum()),
            }
        )
    return pd.DataFrame(found, columns=columns)


def running(campaigns: pd.DataFrame, as_of: dt.date | str) -> list[str]:
    """Customers of campaigns that are not finished on the day: they stay in their arms."""
    rows = scheduled(campaigns, as_of)
    return rows.loc[~rows["finished"], "customer_id"].unique().tolist()


def regroup(found: pd.DataFrame, segments: Mapping[str, pd.Series]) -> pd.DataFrame:
    """The same trials read by another scheme's segments, as they stood on the day of each draw.

    `segments` maps a campaign to its customers' segments on ``assigned_on`` (index customer_id).
    Known before the draw, any grouping is as good as the one drawn by, provided every stratum had
    the same chance of treatment, or the chances are known (``probability``): other campaigns whose
    strata differ (chi-square, p < .001) are left out.
    """
    parts = []
    for campaign, part in found.groupby("campaign_id", sort=False):
        counts = pd.crosstab(
            segment_of(part), part["variant"] if "variant" in part else part["arm"]
        )
        even = (
            min(counts.shape) < 2
            or scipy.stats.chi2_contingency(counts).pvalue >= RATIO_ALARM
        )
        known = "probability" in part and part["probability"].notna().all()
        if (even or known) and campaign in segments:
            labels = (
                segments[str(campaign)]
                .astype(object)
                .reindex(part["customer_id"])
                .to_numpy()
            )
            parts.append(part.assign(segment=labels)[pd.notna(labels)])
    return pd.concat(parts) if parts else found.head(0)


def segment_of(frame: pd.DataFrame) -> pd.Series:
    """The segment that each row was drawn in."""
    if "segment" not in frame:
        return pd.Series(NO_STRATUM, index=frame.index)
    return frame["segment"].fillna(NO_STRATUM).astype(str)


def stages(
    status: Status,
    *,
    customers: int,
    days: int,
    campaigns: pd.DataFrame | None = None,
    measured: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Where the study stands in the four stages: collect, segment, act on registered hypotheses,
    measure.

    Index ``stage`` (``collect, segment, act, measure``), ``state`` (``done, under_way,
    preliminary, not_started``) and the counts behind it.
    """
    drawn = 0 if campaigns is None else campaigns["campaign_id"].nunique()
    registered = 0
    if campaigns is not None and "predicted_uplift" in campaigns:
        registered = campaigns.dropna(subset="predicted_uplift")[
            "campaign_id"
        ].nunique()
    shown = 0 if measured is None else measured["campaign_id"].nunique()
    settled = status.kind == "PROPER"
    acted = "under_way" if drawn else "not_started"
    if registered:
        acted = "done"
    states = {
        "collect": "done" if settled else "under_way",
        "segment": "done" if settled else "preliminary",
        "act": acted,
        "measure": "done" if shown else "not_started",
    }
    counts = {
        "customers": customers,
        "days": days,
        "drawn": drawn,
        "registered": registered,
        "measured": shown,
    }
    return pd.DataFrame({"state": states}).rename_axis("stage").assign(**counts)
