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
from scipy import stats

from segment_lab.act.arms import Traces, counted, one_row_each, reached, withheld
from segment_lab.act.claims import certain
from segment_lab.act.economics import Arm, rate_difference, rate_difference_se
from segment_lab.act.experiment import HOLDOUT, RATIO_ALARM, TREATMENT
from segment_lab.customers.rates import Z975
from segment_lab.errors import NotEnoughDataError
from segment_lab.segments.segmentation import Status
from segment_lab.texts import say
from segment_lab.window import as_date

DEFAULT_HORIZON = 90
#: The row that pools a campaign's segments, and the stratum of a campaign that has none.
ALL, NO_STRATUM = "All", "–"


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
        above 0 counts as an order, times ``outcome_worth`` (1 by default) as money.
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
    held = found[found["arm"] == HOLDOUT]
    if "reached" in held:
        held = held[~held["reached"]]
    if "horizon_days" in held:
        about = held["horizon_days"].between(horizon_days * 0.8, horizon_days * 1.25)
        held = held[about]
    bought = (held["orders"] > 0).groupby(_segment(held))
    return pd.DataFrame({"customers": bought.size(), "buyers": bought.sum()})


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
            _segment(part), part["variant"] if "variant" in part else part["arm"]
        )
        even = (
            min(counts.shape) < 2
            or stats.chi2_contingency(counts).pvalue >= RATIO_ALARM
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


def _segment(frame: pd.DataFrame) -> pd.Series:
    if "segment" not in frame:
        return pd.Series(NO_STRATUM, index=frame.index)
    return frame["segment"].fillna(NO_STRATUM).astype(str)


def effects(found: pd.DataFrame) -> pd.DataFrame:
    """Intention-to-treat effect of every finished campaign (`results`), per segment and overall.

    Everybody counts in the arm they were assigned to, reached or not. Conversion is "ordered
    within the horizon". Every variant is compared with the control of its own campaign and
    segment. Where the chance of the own arm is known (``probability``), customers count by its
    inverse.

    Returns
    -------
    DataFrame
        A row per campaign, variant and segment (``All`` pools a campaign's segments by their
        size): ``treated, held, treated_rate, holdout_rate, effect, effect_low, effect_high, se``
        (fractions); ``treated_buyers, treated_money`` and the same of ``held``, from which
        `beliefs.learn` learns; ``money_effect`` with interval (margin, or revenue, per assigned
        customer; Welch); ``cost_per_contact``; ``promised`` (money per contact that the plan
        expected); ``predicted`` and whether it lies in the interval; ``certain``, whether the effect
        on buyers is not chance, all rows judged together (`claims.certain`).

    Raises
    ------
    NotEnoughDataError
        A campaign has no control group, so that before and after is all there is; or none has
        finished.
    """
    done = counted(found[found["finished"]] if "finished" in found else found)
    if done.empty:
        raise NotEnoughDataError(say("campaigns.none_finished"))
    arms = done.groupby("campaign_id")["arm"].agg(set)
    lacking = arms.index[~arms.map({TREATMENT, HOLDOUT}.issubset)]
    if len(lacking):
        raise NotEnoughDataError(say("campaigns.no_control", campaigns=list(lacking)))
    done = done.assign(segment=_segment(done))
    if "variant" not in done:
        done["variant"] = done["arm"]
    rows: list[dict[str, Any]] = []
    for campaign, part in done.groupby("campaign_id", sort=True):
        held = part[part["arm"] == HOLDOUT]
        for variant, treated in part[part["arm"] == TREATMENT].groupby(
            "variant", sort=True
        ):
            strata = _strata(treated, held)
            named = [
                {"campaign_id": campaign, "variant": variant, **row} for row in strata
            ]
            rows += named
            rows += [_pooled(named)] if named else []
    out = pd.DataFrame(rows)
    return out.assign(certain=certain(out["effect"], out["se"])) if rows else out


def _strata(treated: pd.DataFrame, held: pd.DataFrame) -> list[dict[str, Any]]:
    """The effect in every segment that has both arms."""
    controls = dict(list(held.groupby("segment", observed=True)))
    return [
        {"segment": segment, **_effect(part, controls[segment])}
        for segment, part in treated.groupby("segment", observed=True)
        if segment in controls
    ]


def _effect(treated: pd.DataFrame, held: pd.DataFrame) -> dict[str, Any]:
    money = next(
        (column for column in ("margin", "revenue") if column in treated), None
    )
    one, other = _arm(treated, money), _arm(held, money)
    effect, low, high = rate_difference(one, other)
    first = treated.iloc[0]
    predicted = float(first.get("predicted_uplift", np.nan))
    action = first.get("action")
    return {
        "action": str(first["variant"]) if pd.isna(action) else str(action),
        "assigned_on": first.get("assigned_on"),
        "treated": len(treated),
        "held": len(held),
        "treated_rate": one.rate,
        "holdout_rate": other.rate,
        "effect": effect,
        "effect_low": low,
        "effect_high": high,
        "se": rate_difference_se(one, other),
        "treated_buyers": one.buyers,
        "held_buyers": other.buyers,
        "treated_money": one.money,
        "held_money": other.money,
        **_money(treated, held, money),
        "cost_per_contact": _cost(treated),
        "promised": float(first.get("promised", np.nan)),
        "predicted": predicted,
        "as_predicted": low <= predicted <= high,
    }


def _arm(rows: pd.DataFrame, money: str | None) -> Arm:
    """Customers, buyers and money of an arm, each customer weighted by the inverse of his chance
    to be in it (as many as he is worth: the weights' effective number)."""
    bought = (rows["orders"] > 0).to_numpy(float)
    spent = rows[money].to_numpy(float) if money else np.full(len(rows), np.nan)
    weight = _weights(rows)
    effective = weight.sum() ** 2 / (weight**2).sum()
    scale = effective / weight.sum()
    return Arm(effective, float(weight @ bought * scale), float(weight @ spent * scale))


def _weights(rows: pd.DataFrame) -> np.ndarray:
    if "probability" not in rows:
        return np.ones(len(rows))
    return 1 / rows["probability"].fillna(1.0).clip(lower=1e-6).to_numpy(float)


def _cost(treated: pd.DataFrame) -> float:
    if "cost_per_contact" not in treated:
        return np.nan
    return float(treated["cost_per_contact"].mean())


def _money(
    treated: pd.DataFrame, held: pd.DataFrame, column: str | None
) -> dict[str, float]:
    names = ("money_effect", "money_effect_low", "money_effect_high", "money_se")
    if column is None or min(len(treated), len(held)) < 2:
        return dict.fromkeys(names, np.nan)
    if "probability" in treated:
        return dict(zip(names, _weighted_money(treated, held, column), strict=True))
    one, other = treated[column], held[column]
    interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    error = np.sqrt(one.var() / len(one) + other.var() / len(other))
    values = (one.mean() - other.mean(), interval.low, interval.high, error)
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _weighted_money(
    treated: pd.DataFrame, held: pd.DataFrame, column: str
) -> tuple[float, float, float, float]:
    means, variances = [], []
    for rows in (treated, held):
        weight = _weights(rows)
        values = rows[column].to_numpy(float)
        mean = float(np.average(values, weights=weight))
        means.append(mean)
        variances.append(float((weight**2 @ (values - mean) ** 2) / weight.sum() ** 2))
    effect, error = means[0] - means[1], float(np.sqrt(sum(variances)))
    return effect, effect - Z975 * error, effect + Z975 * error, error


def _pooled(strata: list[dict[str, Any]]) -> dict[str, Any]:
    """All segments of a campaign, each weighted by its customers, so unequal holdout shares cannot
    mislead."""
    frame = pd.DataFrame(strata)
    size = (frame["treated"] + frame["held"]).to_numpy(float)
    averaged = (
        "treated_rate",
        "holdout_rate",
        "effect",
        "predicted",
        "cost_per_contact",
        "promised",
    )
    mean = {
        column: float(np.average(frame[column], weights=size)) for column in averaged
    }
    error = _pooled_error(frame["se"], size)
    known = frame["money_se"].notna().to_numpy()
    if known.any():
        money = float(np.average(frame["money_effect"][known], weights=size[known]))
        money_error = _pooled_error(frame["money_se"][known], size[known])
        mean |= {
            "money_effect": money,
            "money_effect_low": money - Z975 * money_error,
            "money_effect_high": money + Z975 * money_error,
            "money_se": money_error,
        }
    sums = [
        f"{arm}{what}"
        for arm in ("treated", "held")
        for what in ("", "_buyers", "_money")
    ]
    return {
        **strata[0],
        "action": ", ".join(dict.fromkeys(frame["action"])),
        "segment": ALL,
        **frame[sums].sum(),
        **mean,
        "se": error,
        "effect_low": mean["effect"] - Z975 * error,
        "effect_high": mean["effect"] + Z975 * error,
        "as_predicted": abs(mean["predicted"] - mean["effect"]) <= Z975 * error,
    }


def _pooled_error(errors: pd.Series, size: np.ndarray) -> float:
    return float(np.sqrt((size / size.sum()) ** 2 @ errors.to_numpy(float) ** 2))


def calibration(measured: pd.DataFrame) -> dict[str, float]:
    """Registered predictions against what was realised, over the segments that have both."""
    both = measured[(measured["segment"] != ALL) & measured["predicted"].notna()]
    if both.empty:
        return {"hypotheses": 0}
    return {
        "hypotheses": len(both),
        "inside_share": float(both["as_predicted"].astype(bool).mean()),
        "predicted_uplift": float(both["predicted"].mean()),
        "realised_uplift": float(both["effect"].mean()),
    }


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
    acted = "done" if registered else "under_way" if drawn else "not_started"
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
