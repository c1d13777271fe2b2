"""Evidence cards: what is known of a segment, what an action must achieve there, and the verdict
that follows.

The rules, in this order; the first that holds decides, and `reason` shows the figures it used and
no others:

1. *not enough data*: the margin of an extra buyer is unknown, or nobody's natural rate was
observed.
2. *roll out*: the company's own holdouts make it likely (`SURE`, 90 %) that a contact earns more
than it costs.
3. *do not (unmeasurable)*: nearly all (`NEARLY_ALL`) buy without any campaign, so hardly anybody
is left to win.
4. *do not (uneconomic)*: even a pilot is expected to cost more than what it teaches is worth.
5. *do not (unmeasurable)*: half against half, alone or read together with pilots of the same kind,
could not show
   even the largest uplift that is believable (the 90 % point of the belief, and never more than do
   not buy anyway).
6. *pilot* otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.act.economics import Belief, break_even, default_belief, pilot_worth, wilson
from segment_lab.act.experiment import pool
from segment_lab.act.playbook import NOTHING, Entry
from segment_lab.segments.segmentation import Segmentation

ROLL_OUT, PILOT, UNKNOWN = "roll out", "pilot", "not enough data"
UNECONOMIC, UNMEASURABLE = "do not (uneconomic)", "do not (unmeasurable)"
VERDICTS = (ROLL_OUT, PILOT, UNKNOWN, UNMEASURABLE, UNECONOMIC)
#: How likely an action must be to pay before everybody gets it, and the share of a belief held
# believable.
SURE = 0.9
#: Where more than this share buys anyway, a campaign cannot be judged by who buys.
NEARLY_ALL = 0.95
#: Whose natural rate it is.
OWN, BORROWED = "this segment", "the whole base, too few here"
#: Fewer buyers than this say too little about money; half as many again about a rate.
FEWEST = 10
DRAWS = 1000


def evidence(
    now: Segmentation,
    customers: pd.DataFrame,
    *,
    earlier: Segmentation,
    outcomes: pd.DataFrame,
    margin_rate: float | None = None,
    contacted: Iterable[str] = (),
    effort: pd.Series | None = None,
) -> pd.DataFrame:
    """What is known of each segment before anything is recommended.

    Parameters
    ----------
    now, customers : Segmentation, DataFrame
        The segments to act on and the customer table they were made from.
    earlier, outcomes : Segmentation, DataFrame
        The same scheme one horizon earlier, and what its customers did since (``future_orders,
        future_revenue``).
    margin_rate : float, optional
        Declared margin per unit of revenue; used only where the table has no ``margin``.
    contacted, effort : iterable of customer_id, Series by customer_id
        Customers of a treatment arm in that time (the natural rate leaves them out); minutes or
        number of contacts.

    Returns
    -------
    DataFrame, index segment
        ``customers, customer_share, revenue_share, margin_share, earlier_customers, change``; the
        natural rate with its interval, ``natural_n``, source, ``planning_rate`` (never exactly 0)
        and ``horizon_days``; ``margin_per_conversion`` with its standard error and source;
        ``effort_share``.
    """
    out = now.profile(customers).reindex(
        columns=[
            "customers",
            "customer_share",
            "revenue",
            "revenue_share",
            "margin",
            "margin_share",
        ]
    )
    out["earlier_customers"] = earlier.sizes().reindex(out.index, fill_value=0)
    out["change"] = out["customers"] / out["earlier_customers"].replace(0, np.nan) - 1
    rates, source = _margin_rates(out, margin_rate)
    happened = (
        outcomes.rename(columns=lambda c: c.removeprefix("future_"))
        .reindex(earlier.codes.index)
        .fillna(0.0)
    )
    rows = happened.assign(
        segment=earlier.labels.astype(str).to_numpy(), alone=~happened.index.isin(list(contacted))
    )
    orders = now.align(customers)["monetary_value"]
    facts = []
    for segment in out.index:
        own = orders[(now.labels == segment).to_numpy()].dropna()
        facts.append(
            _natural(
                rows,
                rows[rows["segment"] == segment],
                own if len(own) else orders.dropna(),
                float(rates[segment]),
                source,
            )
        )
    out = out.join(pd.DataFrame(facts, index=out.index))
    if now.window is not None and earlier.window is not None:
        out["horizon_days"] = (now.window.as_of - earlier.window.as_of).days
    if effort is not None and effort.sum() > 0:
        spent = (
            effort.reindex(now.codes.index)
            .fillna(0.0)
            .groupby(now.labels.to_numpy(), observed=False)
            .sum()
        )
        out["effort_share"] = (spent / spent.sum()).reindex(out.index).to_numpy()
    return out


def _margin_rates(profile: pd.DataFrame, declared: float | None) -> tuple[pd.Series, str]:
    """Margin per unit of revenue of each segment: measured, or else declared, or else unknown."""
    if profile["margin"].notna().any() and profile["revenue"].sum() > 0:
        overall = profile["margin"].sum() / profile["revenue"].sum()
        measured = profile["margin"] / profile["revenue"].where(profile["revenue"] > 0)
        return measured.astype("float64").fillna(float(overall)), "the order log's margin"
    rate = np.nan if declared is None else declared
    return pd.Series(
        rate, index=profile.index, dtype="float64"
    ), f"a declared margin of {rate:.0%} of revenue"


def _natural(
    base: pd.DataFrame, part: pd.DataFrame, orders: pd.Series, rate: float, source: str
) -> dict[str, Any]:
    """Who bought again with no campaign, and what an extra buyer brings.

    The whole base's rate stands in for a thin segment. Where too few bought by themselves, what
    the contacted buyers of the segment brought counts too, and only then one order of its own (or
    of the base, where it has none): a buyer of the period may well order several times.
    """
    own = part[part["alone"]]
    thin = len(own) < 2 * FEWEST
    seen = base[base["alone"]] if thin else own
    bought = int((seen["orders"] > 0).sum())
    low, high = wilson(bought, len(seen))
    buyers = part[part["orders"] > 0]
    choices = (
        (buyers.loc[buyers["alone"], "revenue"], "buyers of the period"),
        (buyers["revenue"], "buyers of the period, contacted ones too"),
    )
    spent, whose = next(
        (choice for choice in choices if len(choice[0]) >= FEWEST), (orders, "one typical order")
    )
    spent = spent * rate
    return {
        "natural_n": len(seen),
        "natural_rate": bought / len(seen) if len(seen) else np.nan,
        "natural_rate_low": low,
        "natural_rate_high": high,
        # Agresti & Coull's centre: a segment where nobody bought is not one where nobody ever
        # would.
        "planning_rate": (bought + 2) / (len(seen) + 4) if len(seen) else np.nan,
        "natural_source": BORROWED if thin else OWN,
        "margin_per_conversion": float(spent.mean()) if len(spent) else np.nan,
        "margin_se": float(spent.std(ddof=1) / np.sqrt(len(spent))) if len(spent) > 1 else 0.0,
        "margin_source": f"{source}, {whose}",
    }


def decide(
    known: pd.DataFrame,
    options: Mapping[str, Iterable[Entry]],
    *,
    beliefs: Mapping[tuple[str, str], Belief] | None = None,
    holdout_share: float = 0.2,
    seed: int = 0,
    currency: str = "",
) -> tuple[pd.DataFrame, np.ndarray]:
    """A verdict for every segment and action, with the figures behind it.

    Parameters
    ----------
    known, options : DataFrame, mapping
        From `evidence`, and from `Playbook.options`.
    beliefs : mapping, optional
        (segment, kind of action) to what own campaigns taught (`ledger.learn`); otherwise the
        entry's ``uplift``, or the weak default.
    holdout_share, seed : float, int
        Share not contacted in a roll-out (a pilot always contacts half); seed of the draws.
    currency : str
        Unit of money in the reasons.

    Returns
    -------
    options : DataFrame
        A row per segment and action, ready for `plan_budget`; ``ev`` is of a roll-out, with its 80
        % interval.
    draws : ndarray, shape (rows, DRAWS)
        Draws of ``value``, for the plan's survival.
    """
    rng = np.random.default_rng(seed)
    found = []
    for segment, facts in known.iterrows():
        for entry in options.get(str(segment), ()):
            belief = (beliefs or {}).get((str(segment), entry.kind)) or _prior(
                entry, facts["planning_rate"]
            )
            found.append(
                _option(
                    str(segment),
                    entry,
                    facts,
                    belief,
                    holdout_share,
                    rng.standard_normal((2, DRAWS)),
                )
            )
    if not found:
        return pd.DataFrame(), np.empty((0, DRAWS))
    frame = _with_measurability(pd.DataFrame([row for row, _ in found]))
    records: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    frame["verdict"] = [_verdict(row) for row in records]
    frame["reason"] = [
        reason({**row, "verdict": verdict}, currency)
        for row, verdict in zip(records, frame["verdict"], strict=True)
    ]
    frame["allowed"] = frame["verdict"].isin((ROLL_OUT, PILOT))
    pilots = (frame["verdict"] == PILOT).to_numpy()
    for column in ("contacts", "cost", "hours", "value"):
        frame[column] = np.where(pilots, frame.pop(f"pilot_{column}"), frame.pop(f"full_{column}"))
    return frame, np.stack([draws[int(p)] for p, (_, draws) in zip(pilots, found, strict=True)])


def _prior(entry: Entry, rate: float) -> Belief:
    if entry.uplift is None:
        return default_belief(rate if np.isfinite(rate) else 0.1)
    return Belief(entry.uplift.mean, entry.uplift.sd, f"assumption: {entry.uplift.source}")


def _option(
    segment: str,
    entry: Entry,
    facts: pd.Series,
    belief: Belief,
    holdout_share: float,
    normals: np.ndarray,
) -> tuple[dict[str, Any], np.ndarray]:
    """One row of `decide`, and draws of what it brings when rolled out and as a pilot (if the
    truth were the draw)."""
    n, rate, margin = (
        float(facts[c]) for c in ("customers", "planning_rate", "margin_per_conversion")
    )
    cost, hours = entry.cost_per_contact, entry.minutes_per_contact / 60
    full, half = n - np.floor(n * holdout_share + 0.5), np.floor(n / 2)
    profit = (belief.mean + belief.sd * normals[0]) * np.maximum(
        margin + facts["margin_se"] * normals[1], 0
    ) - cost
    row = {
        "segment": segment,
        "customers": n,
        **facts[["natural_rate", "planning_rate", "margin_per_conversion"]],
        "horizon_days": facts.get("horizon_days", np.nan),
        "natural_source": facts.get("natural_source", OWN),
        **entry.model_dump(exclude={"segment", "when", "uplift", "minutes_per_contact"}),
        "break_even": break_even(cost, margin),
        "uplift": belief.mean,
        "uplift_low": belief.quantile(1 - SURE),
        "uplift_high": belief.quantile(SURE),
        "uplift_source": belief.source,
        "measured": belief.measured,
        "p_pays": float(np.mean(profit > 0)) if np.isfinite(margin) else np.nan,
        "ev": full * (belief.mean * margin - cost),
        "ev_low": float(np.quantile(full * profit, 0.1)),
        "ev_high": float(np.quantile(full * profit, 0.9)),
        "pilot_worth": pilot_worth(n, belief, margin, cost, rate),
        "pilot_price": half * cost,
        "full_contacts": full,
        "full_cost": full * cost,
        "full_hours": full * hours,
        "pilot_contacts": half,
        "pilot_cost": half * cost,
        "pilot_hours": half * hours,
    }
    row |= {"full_value": row["ev"], "pilot_value": row["pilot_worth"]}
    return row, np.stack([full * profit, half * profit + n * np.maximum(profit, 0)])


def _with_measurability(frame: pd.DataFrame) -> pd.DataFrame:
    """Half against half; among the pilots that would pay, those of one kind may be read
    together."""
    pilots = frame[
        (frame["pilot_worth"] > 0)
        & (frame["natural_rate"] <= NEARLY_ALL)
        & ~(frame["measured"] & (frame["p_pays"] >= SURE))
    ]
    believable = pilots["uplift_high"].clip(upper=1 - pilots["planning_rate"])
    power = pool(pilots["customers"], pilots["planning_rate"], pilots["kind"], believable)
    return frame.join(power[["detectable", "reach", "limit", "measurable"]])


def _verdict(row: Mapping[str, Any]) -> str:
    if (
        row["customers"] < 2
        or not np.isfinite([row["margin_per_conversion"], row["natural_rate"]]).all()
    ):
        return UNKNOWN
    if row["measured"] and row["p_pays"] >= SURE:
        return ROLL_OUT
    if row["natural_rate"] > NEARLY_ALL:
        return UNMEASURABLE
    if not row["pilot_worth"] > 0:
        return UNECONOMIC
    return UNMEASURABLE if row["measurable"] == "no" else PILOT


def per_hundred(value: float) -> str:
    """An uplift in words: 0.012 as ``+1.2``, buyers per 100 contacted."""
    digits = 0 if round(value, 5) == 0 else 2 if abs(value) < 0.001 else 1
    return f"{100 * value:{'+' if digits else ''}.{digits}f}".replace("-", "−")


def reason(row: Mapping[str, Any], currency: str = "") -> str:
    """The sentence beside the verdict; every figure in it entered the rule that decided."""
    unit = f" {currency}".rstrip()
    pays = (
        f"A contact costs {row['cost_per_contact']:,.2f}{unit} and an extra buyer brings "
        f"{row['margin_per_conversion']:,.2f}{unit}"
    ).replace("-", "−")
    price = f"A pilot on half the segment costs {_money(row['pilot_price'])}{unit}"
    if row["verdict"] == UNKNOWN:
        if row["customers"] >= 2 and np.isnan(row["margin_per_conversion"]):
            return (
                "Margin unknown: without it nobody can say whether a contact pays. Map a margin column of the "
                "orders, or declare a margin_rate under strategy in the study file."
            )
        return (
            f"{row['customers']:.0f} customers are in this segment now."
            if row["customers"] < 2
            else "No natural rate was observed, so there is nothing to compare with."
        )
    if row["verdict"] == ROLL_OUT:
        return (
            f"{pays}. Measured against customers left alone: {per_hundred(row['uplift'])} buyers per 100 "
            f"contacted. Chance that it pays: {row['p_pays']:.0%} (needed: {SURE:.0%})."
        )
    if row["verdict"] == UNECONOMIC:
        if not row["margin_per_conversion"] > 0 or row["break_even"] > 1:
            return f"{pays}, so it can never pay, not even if every customer contacted bought because of it."
        return (
            f"{pays}, so it pays only from {per_hundred(row['break_even'])} buyers per 100; believed so far: "
            f"{per_hundred(row['uplift'])}. {price}; all told it is expected to lose "
            f"{_money(-row['pilot_worth'])}{unit}."
        )
    if row["verdict"] == UNMEASURABLE:
        return _too_full(row) if row["natural_rate"] > NEARLY_ALL else _too_few(row)
    return (
        f"{pays}, so it pays from {per_hundred(row['break_even'])} buyers per 100. {price}; with what it teaches "
        f"it is expected to be worth {_money(row['pilot_worth'])}{unit}. The result{_group(row)} can show "
        f"{per_hundred(row['reach'])} or more; up to {per_hundred(row['limit'])} is believable."
    )


def _group(row: Mapping[str, Any]) -> str:
    return (
        ""
        if row["measurable"] == "alone"
        else ", read together with the other segments that get the same,"
    )


def _too_full(row: Mapping[str, Any]) -> str:
    when = (
        f"within {days:.0f} days" if np.isfinite(days := row["horizon_days"]) else "in the period"
    )
    whose = "" if row["natural_source"] == OWN else f" of {row['natural_source']}"
    return (
        f"Nearly all ({row['natural_rate']:.0%}{whose}) buy anyway {when}, so hardly anybody is left whom a "
        "contact could make buy. To see what it does, shorten horizon_days under strategy in the study file, or "
        "compare money per customer instead of buyers."
    )


def _too_few(row: Mapping[str, Any]) -> str:
    half = f"Too few customers: even with half of them left alone for comparison, the result{_group(row)} could"
    shown = (
        f"{half} only show {per_hundred(row['reach'])} buyers per 100 or more, and at most "
        f"{per_hundred(row['limit'])} is believable"
        if row["reach"] <= 1 - row["planning_rate"]
        else f"{half} not show any effect that is possible"
    )
    return f"{shown}. Nobody would know whether it worked."


def _money(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.0f}"


def best(options: pd.DataFrame) -> pd.DataFrame:
    """One action per segment: the best verdict, then the highest value (index: segment, canonical
    order)."""
    ranked = options.assign(rank=options["verdict"].map({v: i for i, v in enumerate(VERDICTS)}))
    first = ranked.sort_values(
        ["rank", "value"], ascending=[True, False], kind="stable"
    ).drop_duplicates("segment")
    return first.set_index("segment").reindex(options["segment"].unique()).drop(columns="rank")


def not_doing(options: pd.DataFrame) -> pd.DataFrame:
    """What we would not do: where no action passed, the playbook's standard one, and what it would
    take."""
    allowed = options.groupby("segment")["allowed"].transform("any")
    no = options[~allowed & (options["verdict"] != UNKNOWN)].drop_duplicates("segment")
    return no.rename(columns={"cost": "money_saved", "hours": "hours_saved"}).set_index("segment")[
        ["action", "verdict", "money_saved", "hours_saved", "reason"]
    ]


def decision(options: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """What each segment gets (index: segment): the plan's choice or nothing, with the figures of
    its verdict.

    `chosen` is `BudgetPlan.chosen`. ``decision`` is ``roll out``, ``pilot``, ``later`` (worth it,
    beyond the budget), ``do nothing`` or ``not enough data``.
    """
    planned = options["segment"].map(chosen["action"]) == options["action"]
    out = best(
        pd.concat(
            [
                options[planned],
                options[~planned & ~options["segment"].isin(options["segment"][planned])],
            ]
        )
    )
    out = out.reindex(options["segment"].unique())
    funded = out.index.isin(options["segment"][planned])
    out["decision"] = np.select(
        [funded, out["allowed"].astype(bool), out["verdict"] == UNKNOWN],
        [out["verdict"], "later", UNKNOWN],
        "do nothing",
    )
    out.loc[~funded, ["contacts", "cost", "hours"]] = 0.0
    return out.assign(do=out["action"].where(funded, NOTHING))


def sentences(decided: pd.DataFrame, saved: pd.DataFrame, currency: str = "") -> list[str]:
    """The decision in one to four plain sentences: do, test, leave alone, and what that saves."""
    unit = f" {currency}".rstrip()
    full, tests, later, none, unknown = (
        decided[decided["decision"] == d] for d in (ROLL_OUT, PILOT, "later", "do nothing", UNKNOWN)
    )
    unknown = unknown[unknown["customers"] > 1]
    if len(unknown) and len(full) + len(tests) + len(later) + len(none) == 0:
        return ["No action can be recommended yet.", str(unknown["reason"].iloc[0])]
    out = []
    if len(full):
        # The segments' errors are taken to be independent, so their interval is narrower than the
        # sum of theirs.
        low, high = (
            full["ev"].sum() + sign * np.sqrt(((full["ev"] - full[end]) ** 2).sum())
            for sign, end in ((-1, "ev_low"), (1, "ev_high"))
        )
        value = f"{full['ev'].sum():,.0f}{unit} after costs, and 8 times of 10 between {low:,.0f} and {high:,.0f}"
        out.append(
            f"Do now: {listed(full)}. This costs {_takes(full['cost'].sum(), full['hours'].sum(), unit)} and "
            f"is expected to bring {value.replace('-', '−')}."
        )
    if len(tests):
        out.append(
            f"{'Test' if len(full) else 'Test first'}: {listed(tests)}. Half of them, drawn by lot, are "
            f"contacted: {_takes(tests['cost'].sum(), tests['hours'].sum(), unit)}."
        )
    if len(none):
        who = (
            "everybody else"
            if out and not len(later) and not len(unknown)
            else "any segment"
            if len(none) == len(decided)
            else ", ".join(none.index)
            if len(none) <= 4
            else f"{len(none)} of {len(decided)} segments"
        )
        money = _takes(saved["money_saved"].sum(), saved["hours_saved"].sum(), unit)
        out.append(
            f"{'Leave alone' if out else 'Start no campaign for'} {who} ({none['customers'].sum():,.0f} "
            f"customers): the usual actions would take {money}, and nothing shows that they pay."
            + _saturated(none)
        )
    if len(later):
        out.append(f"Next, when there is more money or time: {listed(later)}.")
    if len(unknown):
        out.append(f"No answer for {', '.join(unknown.index)}. {unknown['reason'].iloc[0]}")
    return out


def _saturated(none: pd.DataFrame) -> str:
    full = none[(none["customers"] > 1) & (none["natural_rate"] > NEARLY_ALL)]
    if full.empty:
        return ""
    who = ", ".join(map(str, full.index)) if len(full) <= 3 else f"{len(full)} segments"
    return f" In {who} nearly all buy anyway: a shorter horizon_days would tell more."


def _takes(cost: float, hours: float, unit: str) -> str:
    return f"{cost:,.0f}{unit}" + (f" and {hours:,.0f} hours" if hours >= 0.5 else "")


def listed(rows: pd.DataFrame) -> str:
    """Who gets what, by action or, where there are many, by its kind: ``gift for A (413
    customers); call for B (…)``."""
    same = rows.groupby("action" if rows["action"].nunique() <= 2 else "kind", sort=False)
    out = []
    for what, part in ((str(what).replace("email", "e-mail"), part) for what, part in same):
        names = ", ".join(map(str, part.index)) if len(part) <= 3 else f"{len(part)} segments"
        out.append(
            f"{what[:1].lower()}{what[1:]} for {names} ({part['customers'].sum():,.0f} customers)"
        )
    return "; ".join(out)
