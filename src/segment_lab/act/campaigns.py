"""The loop: what campaigns did, against customers held out, and what that teaches the next plan.

A comparison of before and after is never an effect: customers picked because they were silent come
back by themselves (regression to the mean), so everything here refuses to work without a holdout
arm.
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

from segment_lab.act.economics import Belief, default_belief, rate_difference, rate_difference_se
from segment_lab.act.experiment import HOLDOUT, RATIO_ALARM, TREATMENT
from segment_lab.act.playbook import Entry
from segment_lab.customers.rates import Z975
from segment_lab.errors import DataError, Fault, NotEnoughDataError
from segment_lab.segments.segmentation import Status
from segment_lab.window import as_date

DEFAULT_HORIZON = 90


def scheduled(campaigns: pd.DataFrame, as_of: dt.date | str) -> pd.DataFrame:
    """The rows of campaigns drawn before `as_of`, with the day on which each ends and whether it
    is ``finished``."""
    rows, day = (
        campaigns.assign(assigned_on=pd.to_datetime(campaigns["assigned_on"])),
        pd.Timestamp(as_date(as_of)),
    )
    rows = rows[rows["assigned_on"] < day]
    rows["horizon_days"] = rows.get("horizon_days", pd.Series(np.nan, index=rows.index)).fillna(
        DEFAULT_HORIZON
    )
    rows["ends_on"] = rows["assigned_on"] + pd.to_timedelta(rows["horizon_days"], unit="D")
    rows["finished"] = rows["ends_on"] <= day
    return rows


def results(campaigns: pd.DataFrame, orders: ir.Table, as_of: dt.date | str) -> pd.DataFrame:
    """Everybody who was assigned, with what they bought in ``assigned_on <= day < assigned_on +
    horizon_days``.

    `campaigns` is that table, `orders` are accepted order lines (``customer_id, order_date,
    amount``, optionally ``order_id, margin``), reduced in the engine. Campaigns drawn on or after
    `as_of` are not seen; those whose horizon ends later are not ``finished``. The campaigns' rows
    come back with ``orders, revenue``, ``margin`` where known. An order is what it is in the
    customer table: without an id all of a day, and none if its own returns cancelled it.
    """
    rows = scheduled(campaigns, as_of)
    if (twice := rows.duplicated(["campaign_id", "customer_id"])).any():
        raise DataError(
            "The effects of campaigns cannot be measured",
            [
                Fault(
                    "campaigns",
                    "assigns a customer to one campaign more than once",
                    "Keep one arm per customer and campaign",
                    int(twice.sum()),
                    tuple(rows.loc[twice, "customer_id"].astype(str).unique()[:3]),
                )
            ],
        )
    spans = ibis.memtable(rows[["campaign_id", "customer_id", "assigned_on", "ends_on"]])
    lines = orders.inner_join(spans, "customer_id")
    ordered = lines.order_date.cast("date")
    lines = lines.filter(
        ordered >= lines.assigned_on.cast("date"), ordered < lines.ends_on.cast("date")
    )
    day_order = lines.order_date.cast("date").cast("string")
    order = (
        ibis.coalesce(lines.order_id, "on " + day_order)
        if "order_id" in lines.columns
        else day_order
    )
    single = lines.group_by("campaign_id", "customer_id", order=order).aggregate(
        paid=lines.amount.sum().round(6),
        least=lines.amount.min(),
        **({"earned": lines.margin.sum()} if "margin" in lines.columns else {}),
    )
    bought = single.group_by("campaign_id", "customer_id").aggregate(
        orders=((single.paid > 0) | ((single.paid == 0) & (single.least >= 0))).sum(),
        revenue=single.paid.sum().round(2),
        **({"margin": single.earned.sum().round(2)} if "earned" in single.columns else {}),
    )
    found = orders.get_backend().to_pyarrow(bought).to_pandas()
    out = rows.merge(found, on=["campaign_id", "customer_id"], how="left", validate="one_to_one")
    return out.fillna({c: 0.0 for c in ("orders", "revenue", "margin") if c in found})


def measurable(found: pd.DataFrame) -> pd.DataFrame:
    """The rows of finished campaigns that have both arms."""
    done = found[found["finished"]]
    both = done.groupby("campaign_id")["arm"].transform(
        lambda arms: {TREATMENT, HOLDOUT} <= set(arms)
    )
    return done[both.astype(bool)]


def contacted_since(found: pd.DataFrame | None, day: dt.date | str) -> list[str]:
    """Customers whom a campaign (`scheduled`) that ran after `day` contacted: what they do then is
    not by themselves."""
    if found is None:
        return []
    running = (found["arm"] == TREATMENT) & (found["ends_on"] > pd.Timestamp(as_date(day)))
    return found.loc[running, "customer_id"].tolist()


def regroup(found: pd.DataFrame, segments: Mapping[str, pd.Series]) -> pd.DataFrame:
    """The same trials read by another scheme's segments, as they stood on the day of each draw.

    `segments` maps a campaign to its customers' segments on ``assigned_on`` (index customer_id).
    Known before the draw, any grouping is as good as the one drawn by, provided every stratum had
    the same chance of treatment: campaigns whose strata had not (chi-square, p < .001) are left
    out.
    """
    parts = []
    for campaign, part in found.groupby("campaign_id", sort=False):
        counts = pd.crosstab(_segment(part), part["arm"])
        even = min(counts.shape) < 2 or stats.chi2_contingency(counts).pvalue >= RATIO_ALARM
        if even and campaign in segments:
            labels = segments[str(campaign)].astype(object).reindex(part["customer_id"]).to_numpy()
            parts.append(part.assign(segment=labels)[pd.notna(labels)])
    return pd.concat(parts) if parts else found.head(0)


def _segment(frame: pd.DataFrame) -> pd.Series:
    return (
        frame["segment"].fillna("–").astype(str)
        if "segment" in frame
        else pd.Series("–", index=frame.index)
    )


def effects(found: pd.DataFrame) -> pd.DataFrame:
    """Intention-to-treat effect of every finished campaign (`results`), per segment and overall.

    Everybody counts in the arm they were assigned to, reached or not. Conversion is "ordered
    within the horizon".

    Returns
    -------
    DataFrame
        A row per campaign and segment (``All`` pools a campaign's segments by their size):
        ``treated, held, treated_rate, holdout_rate, effect, effect_low, effect_high, se``
        (fractions); ``money_effect`` with interval (margin, or revenue, per assigned customer;
        Welch); ``predicted`` and whether it lies in the interval.

    Raises
    ------
    NotEnoughDataError
        A campaign has no holdout arm, so that before and after is all there is; or none has
        finished.
    """
    done = found[found["finished"]] if "finished" in found else found
    if done.empty:
        raise NotEnoughDataError(
            "No campaign that held customers back (arm: holdout) has reached the end of its "
            "horizon yet, so there is no effect to show. Before against after is none."
        )
    arms = done.groupby("campaign_id")["arm"].agg(set)
    if len(lacking := arms.index[~arms.map({TREATMENT, HOLDOUT}.issubset)]):
        raise NotEnoughDataError(
            f"No effect can be shown for {', '.join(map(str, lacking))}: a treatment and a "
            "holdout arm are needed. Before against after is not an effect. Use `measurable` to "
            "leave these campaigns out."
        )
    rows: list[dict[str, Any]] = []
    for campaign, part in done.assign(segment=_segment(done)).groupby("campaign_id", sort=True):
        strata = [
            {"campaign_id": campaign, "segment": s, **_effect(p)}
            for s, p in part.groupby("segment", observed=True)
            if p["arm"].nunique() == 2
        ]
        rows += [*strata, *([_pooled(strata)] if strata else [])]
    return pd.DataFrame(rows)


def _effect(part: pd.DataFrame) -> dict[str, Any]:
    treated, held = (part[part["arm"] == arm] for arm in (TREATMENT, HOLDOUT))
    counts = (
        int((treated["orders"] > 0).sum()),
        len(treated),
        int((held["orders"] > 0).sum()),
        len(held),
    )
    effect, low, high = rate_difference(*counts)
    first = part.iloc[0]
    predicted = float(first.get("predicted_uplift", np.nan))
    return {
        "action": str(first.get("action", "")),
        "assigned_on": first.get("assigned_on"),
        "treated": len(treated),
        "held": len(held),
        "treated_rate": counts[0] / counts[1],
        "holdout_rate": counts[2] / counts[3],
        "effect": effect,
        "effect_low": low,
        "effect_high": high,
        "se": rate_difference_se(*counts),
        **_money(part),
        "predicted": predicted,
        "as_predicted": low <= predicted <= high,
    }


def _money(part: pd.DataFrame) -> dict[str, float]:
    column = next((c for c in ("margin", "revenue") if c in part), None)
    treated, held = (part[part["arm"] == arm] for arm in (TREATMENT, HOLDOUT))
    if column is None or min(len(treated), len(held)) < 2:
        return dict.fromkeys(
            ("money_effect", "money_effect_low", "money_effect_high", "money_se"), np.nan
        )
    test = stats.ttest_ind(treated[column], held[column], equal_var=False).confidence_interval()
    return {
        "money_effect": float(treated[column].mean() - held[column].mean()),
        "money_effect_low": float(test.low),
        "money_effect_high": float(test.high),
        "money_se": float(
            np.sqrt(treated[column].var() / len(treated) + held[column].var() / len(held))
        ),
    }


def _pooled(strata: list[dict[str, Any]]) -> dict[str, Any]:
    """All segments of a campaign, each weighted by its customers, so unequal holdout shares cannot
    mislead."""
    frame = pd.DataFrame(strata)
    n = (frame["treated"] + frame["held"]).to_numpy(float)
    mean = {
        c: float(np.average(frame[c], weights=n))
        for c in ("treated_rate", "holdout_rate", "effect", "predicted")
    }
    se = float(np.sqrt((n / n.sum()) ** 2 @ frame["se"] ** 2))
    reach, known = Z975 * se, frame["money_se"].notna()
    if known.any():
        money = float(np.average(frame["money_effect"][known], weights=n[known]))
        money_se = float(np.sqrt((n[known] / n[known].sum()) ** 2 @ frame["money_se"][known] ** 2))
        mean |= {
            "money_effect": money,
            "money_effect_low": money - Z975 * money_se,
            "money_effect_high": money + Z975 * money_se,
            "money_se": money_se,
        }
    return {
        **strata[0],
        "segment": "All",
        **frame[["treated", "held"]].sum(),
        **mean,
        "se": se,
        "effect_low": mean["effect"] - reach,
        "effect_high": mean["effect"] + reach,
        "as_predicted": abs(mean["predicted"] - mean["effect"]) <= reach,
    }


def learn(
    measured: pd.DataFrame, options: Mapping[str, tuple[Entry, ...]]
) -> dict[tuple[str, str], Belief]:
    """What own campaigns teach about each (segment, kind of action).

    What a kind did in the *other* segments (random-effects mean and spread, DerSimonian & Laird
    1986) moves the prior of a segment; its own measured effects update that, normal-normal, oldest
    first. The prior is the playbook's ``uplift``, otherwise the weak default. Only a segment's own
    effects make a belief `measured`.
    """
    rows = measured[measured["segment"] != "All"].sort_values("assigned_on")
    out: dict[tuple[str, str], Belief] = {}
    for kind, part in rows.groupby("action", sort=True):
        for segment, entries in options.items():
            own, others = (part[(part["segment"] == segment) == same] for same in (True, False))
            stated = next((e.uplift for e in entries if e.kind == kind and e.uplift), None)
            belief = (
                Belief(stated.mean, stated.sd, stated.source)
                if stated
                else default_belief(float((own if len(own) else part)["holdout_rate"].mean()))
            )
            if len(others):
                mean, se, spread = _random_effects(
                    others["effect"].to_numpy(), others["se"].to_numpy()
                )
                # Segments differ: what others showed counts at most as much as the prior itself.
                belief = belief.update(
                    mean,
                    float(np.hypot(se, max(spread, belief.sd))),
                    measured=False,
                    source=f"other segments in {', '.join(others['campaign_id'].unique())}",
                )
            for campaign, effect, se in zip(
                own["campaign_id"], own["effect"], own["se"], strict=True
            ):
                belief = belief.update(effect, se, f"own campaign {campaign}, {belief.source}")
            out[segment, str(kind)] = belief
    return out


def _random_effects(effect: np.ndarray, se: np.ndarray) -> tuple[float, float, float]:
    """Mean, its standard error, and the spread between segments (method of moments)."""
    weight = se**-2.0
    excess = weight @ (effect - weight @ effect / weight.sum()) ** 2 - (len(effect) - 1)
    scale = weight.sum() - weight @ weight / weight.sum()
    spread2 = max(excess / scale, 0.0) if len(effect) > 1 else 0.0
    weight = 1 / (se**2 + spread2)
    return (
        float(weight @ effect / weight.sum()),
        float(weight.sum() ** -0.5),
        float(np.sqrt(spread2)),
    )


def calibration(measured: pd.DataFrame) -> dict[str, float]:
    """Registered predictions against what was realised, over the segments that have both."""
    both = measured[(measured["segment"] != "All") & measured["predicted"].notna()]
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
    measure."""
    drawn = 0 if campaigns is None else campaigns["campaign_id"].nunique()
    registered = 0
    if campaigns is not None and "predicted_uplift" in campaigns:
        registered = campaigns.dropna(subset="predicted_uplift")["campaign_id"].nunique()
    shown = 0 if measured is None else measured["campaign_id"].nunique()
    proper = status.kind == "PROPER"
    rows = [
        (
            "1 Collect",
            "done" if proper else "under way",
            f"{customers:,} customers over {days:,} days",
        ),
        ("2 Segment", "done" if proper else "preliminary", status.reason),
        (
            "3 Act on hypotheses",
            "done" if registered else "under way" if drawn else "not started",
            f"{drawn} campaigns drawn, {registered} with the expected uplift written down beforehand",
        ),
        (
            "4 Measure and correct",
            "done" if shown else "not started",
            f"{shown} campaigns measured against a holdout",
        ),
    ]
    return pd.DataFrame(rows, columns=["stage", "state", "evidence"]).set_index("stage")
