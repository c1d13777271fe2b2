"""What finished campaigns did, against the customers of the same draw who were left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy

from segment_lab.act.arms import counted, withheld
from segment_lab.act.campaigns import measurable, segment_of
from segment_lab.act.claims import certain
from segment_lab.act.economics import (
    Arm,
    careful_difference,
    rate_difference,
    welch,
)
from segment_lab.act.experiment import HOLDOUT, TREATMENT
from segment_lab.customers.rates import Z975
from segment_lab.errors import NotEnoughDataError
from segment_lab.texts import say

#: The row that pools a campaign's segments.
ALL = "All"
#: With fewer buyers an arm cannot tell the spread of its own money.
FEW_BUYERS = 10


def measured(found: pd.DataFrame) -> pd.DataFrame:
    """`effects` of all campaigns that can be measured (`campaigns.measurable`).

    NotEnoughDataError where there is none: because none has finished, or because of what the arms
    of those that have lost.
    """
    rows = measurable(found)
    lost = withheld(found[found["finished"]])
    if rows.empty and lost:
        raise NotEnoughDataError(say("campaigns.withheld", campaigns=lost))
    return effects(rows)


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
        (fractions); ``careful`` and ``freedom``, by which many effects are judged together
        (`economics.careful_difference`); ``treated_buyers, treated_money`` and the same of
        ``held``, from which `beliefs.learn` learns; ``money_effect`` with interval (margin, or
        revenue, per assigned customer; Welch); ``cost_per_contact``; ``promised`` (money per
        contact that the plan expected); ``predicted`` and whether it lies in the interval;
        ``certain`` and ``net_certain``, whether the effect on buyers, and the money after its
        cost, is not chance, all rows judged together (`claims.certain`).

    Raises
    ------
    NotEnoughDataError
        A campaign has no control group, so that before and after is all there is; none has
        finished; or no segment holds customers of both arms.
    """
    done = counted(found[found["finished"]] if "finished" in found else found)
    if done.empty:
        raise NotEnoughDataError(say("campaigns.none_finished"))
    arms = done.groupby("campaign_id")["arm"].agg(set)
    lacking = arms.index[~arms.map({TREATMENT, HOLDOUT}.issubset)]
    if len(lacking):
        raise NotEnoughDataError(say("campaigns.no_control", campaigns=list(lacking)))
    done = done.assign(segment=segment_of(done))
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
    if not rows:
        raise NotEnoughDataError(say("campaigns.arms_apart"))
    out = pd.DataFrame(rows)
    net = out["money_effect"] - out["cost_per_contact"].fillna(0.0)
    return out.assign(
        certain=certain(out["careful"], out["se"], out["freedom"]),
        net_certain=certain(net, out["money_se"], out["money_freedom"]),
    )


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
    careful = careful_difference(one, other)
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
        "se": careful.se,
        "careful": careful.difference,
        "freedom": careful.freedom,
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
    treated: pd.DataFrame,
    held: pd.DataFrame,
    column: str | None,
) -> dict[str, float]:
    names = ("money_effect", "money_effect_low", "money_effect_high", "money_se")
    if column is None or min(len(treated), len(held)) < 2:
        return dict.fromkeys((*names, "money_freedom"), np.nan)
    if "probability" in treated:
        values = _weighted_money(treated, held, column)
    else:
        values = _plain_money(treated, held, column)
    values = _widened(values, treated, held, column)
    found = {name: float(value) for name, value in zip(names, values, strict=True)}
    arms = [(float(rows[column].var()), len(rows)) for rows in (treated, held)]
    parts = [variance / n for variance, n in arms]
    return found | {"money_freedom": welch(parts, [n - 1 for _, n in arms])}


def _plain_money(
    treated: pd.DataFrame, held: pd.DataFrame, column: str
) -> tuple[float, float, float, float]:
    one, other = treated[column], held[column]
    interval = scipy.stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    error = np.sqrt(one.var() / len(one) + other.var() / len(other))
    return one.mean() - other.mean(), interval.low, interval.high, error


def _widened(
    found: tuple[float, float, float, float],
    treated: pd.DataFrame,
    held: pd.DataFrame,
    column: str,
) -> tuple[float, float, float, float]:
    """The money effect with a range that is wide enough where an arm has few buyers.

    A control group in which nobody bought has no spread of its own, and what is chance would look
    certain. There the share that buys gets one buyer and one other added (Agresti & Caffo 2000),
    and the buyers of both arms tell how much a buyer brings.
    """
    both = pd.concat([treated, held])
    spent = both.loc[both["orders"] > 0, column]
    arms = [_arm(rows, column) for rows in (treated, held)]
    if spent.empty or all(arm.buyers >= FEW_BUYERS for arm in arms):
        return found
    effect, low, high, error = found
    variance = 0.0
    for rows, arm in zip((treated, held), arms, strict=True):
        own = float(rows[column].var() / arm.customers)
        share = (arm.buyers + 1) / (arm.customers + 2)
        least = share * (spent**2).mean() - (share * spent.mean()) ** 2
        few = arm.buyers < FEW_BUYERS
        variance += max(own, float(least) / (arm.customers + 2)) if few else own
    wide = max(error, float(np.sqrt(variance)))
    reach = Z975 * wide
    return effect, min(low, effect - reach), max(high, effect + reach), wide


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
        "careful",
        "predicted",
        "cost_per_contact",
        "promised",
    )
    mean = {
        column: float(np.average(frame[column], weights=size)) for column in averaged
    }
    error = _pooled_error(frame["se"], size)
    freedom = _pooled_freedom(frame["se"], frame["freedom"], size)
    known = frame["money_se"].notna().to_numpy()
    if known.any():
        money = float(np.average(frame["money_effect"][known], weights=size[known]))
        money_error = _pooled_error(frame["money_se"][known], size[known])
        mean |= {
            "money_effect": money,
            "money_effect_low": money - Z975 * money_error,
            "money_effect_high": money + Z975 * money_error,
            "money_se": money_error,
            "money_freedom": _pooled_freedom(
                frame["money_se"][known], frame["money_freedom"][known], size[known]
            ),
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
        "freedom": freedom,
        "effect_low": mean["effect"] - Z975 * error,
        "effect_high": mean["effect"] + Z975 * error,
        "as_predicted": abs(mean["predicted"] - mean["effect"]) <= Z975 * error,
    }


def _pooled_error(errors: pd.Series, size: np.ndarray) -> float:
    return float(np.sqrt((size / size.sum()) ** 2 @ errors.to_numpy(float) ** 2))


def _pooled_freedom(errors: pd.Series, freedom: pd.Series, size: np.ndarray) -> float:
    parts = (size * errors.to_numpy(float)) ** 2
    return welch(parts, freedom)


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
