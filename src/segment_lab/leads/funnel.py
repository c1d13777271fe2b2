"""The funnel of leads: who entered each stage, how many go on, how long it takes, and what is
stuck."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.config.levels import TAILS
from segment_lab.customers.rates import with_interval
from segment_lab.errors import DataError, Fault, nearest
from segment_lab.leads.table import LOST, UNKNOWN, WON, spelled
from segment_lab.texts import say
from segment_lab.window import as_date

#: Wins from which an interval of the mean time is shown.
FEWEST = 5


def stage_order(
    stages: ir.Table,
    *,
    won: Sequence[str] = WON,
    lost: Sequence[str] = LOST,
) -> list[str]:
    """Stage names from first to last, by the mean position at which leads enter them; won comes
    last."""
    firsts = stages.group_by("lead_id", "stage").aggregate(day=stages.entered_on.min())
    placed = firsts.mutate(place=ibis.rank().over(group_by="lead_id", order_by="day"))
    means = placed.group_by("stage").aggregate(mean=placed.place.mean())
    first_to_last = means.order_by("mean", "stage").to_pandas()["stage"]
    between, wins = [], []
    for name in first_to_last:
        word = name.strip().lower()
        if word in spelled(lost):
            continue
        if word in spelled(won):
            wins.append(name)
        else:
            between.append(name)
    return [*between, *wins]


def funnel(
    leads: pd.DataFrame,
    stages: ir.Table | None = None,
    as_of: dt.date | str | None = None,
    *,
    order: Sequence[str] = (),
    by: str | None = None,
) -> pd.DataFrame:
    """Each stage of the funnel: who entered it, how many go on, how long that takes, and what is
    stuck.

    Parameters
    ----------
    leads, stages : DataFrame, Table
        From `lead_table`; the stage history. Without one there is a single stage, *Lead*, that
        leads to *Won*. Leads that the history does not hold stand in the first stage.
    as_of : date, optional
        The day of the picture; by default the last day of the history.
    order : sequence of str, optional
        Stage names from first to last, by default from `stage_order`. A stage left out ends the
        one before.
    by : str, optional
        A column of `leads` (source, owner, segment …): the funnel of each of its values.

    Returns
    -------
    DataFrame
        Index ``stage`` (and `by`): ``entered``; ``converted`` (went on to a later stage, or won so
        far); ``conversion``, the share that goes on in the end, with its 95 % interval, null for
        the last stage: leads still waiting may go on yet, so it is the cumulative incidence of
        going on beside that of ending there (Aalen & Johansen 1978); ``median_days`` and
        ``p75_days`` that converted leads took; ``waiting`` (open leads in it now); ``stuck`` (of
        those, longer than the p75_days of all leads in the stage); ``value`` of all that entered
        and ``waiting_value`` of those in it now, where leads carry a value.
    """
    if by is not None and by not in leads:
        advice = nearest(by, map(str, leads.columns))
        fault = Fault(by, say("leads.errors.column"), advice)
        raise DataError(say("leads.errors.split"), [fault])
    visits = stage_visits(leads, stages, as_of, order=order)
    visits["group"] = "all"
    if by:
        values = leads[by].astype("str").where(leads[by].notna(), UNKNOWN)
        visits["group"] = visits["lead_id"].map(values)
    rows = {}
    last = visits.attrs["stages"] - 1
    by_stage = visits.groupby(
        ["position", "stage", "group"],
        observed=True,
        sort=True,
    )
    for (position, stage, group), part in by_stage:
        rows[stage, group] = _stage_facts(part, last=position == last)
    out = pd.DataFrame.from_dict(rows, orient="index")
    out.index = pd.MultiIndex.from_tuples(out.index, names=["stage", by or "group"])
    timed = out["median_days"].notna().any()
    left_out = [] if timed else ["median_days", "p75_days", "stuck"]
    if "value" not in leads:
        left_out += ["value", "waiting_value"]
    out = out.drop(columns=left_out)
    return out if by else out.droplevel("group")


def stage_visits(
    leads: pd.DataFrame,
    stages: ir.Table | None = None,
    as_of: dt.date | str | None = None,
    *,
    order: Sequence[str] = (),
) -> pd.DataFrame:
    """One row per lead and stage entered.

    ``lead_id, stage, position, days`` (spent in it, until now while it is there), ``went_on``,
    ``here`` (open, and in it now), ``stuck`` (here for longer than three quarters of those that
    went on) and ``money``. ``attrs["stages"]`` is the number of stages.
    """
    won = leads["won"]
    facts = pd.DataFrame(index=leads.index.rename("lead_id"))
    facts["money"] = leads["value"].astype(float) if "value" in leads else 0.0
    facts["open"] = won.isna()
    facts["is_won"] = won.eq(True).fillna(False).astype(bool)
    names = [] if stages is None else list(order) or stage_order(stages)
    if stages is None or len(names) < 2:
        # Without a history, or with one that holds the last stage alone.
        rows, names = _one_stage(leads, facts, as_of), ["Lead", "Won"]
    else:
        rows = _visits(leads, stages, facts, names, as_of)
    usual = rows[rows["went_on"]].groupby("stage")["days"].quantile(0.75)
    rows["stuck"] = rows["here"] & (rows["days"] > rows["stage"].map(usual))
    rows.attrs["stages"] = len(names)
    return rows


def _visits(
    leads: pd.DataFrame,
    stages: ir.Table,
    facts: pd.DataFrame,
    names: list[str],
    as_of: dt.date | str | None,
) -> pd.DataFrame:
    known = stages.mutate(day=stages.entered_on.cast("date"))
    if as_of is not None:
        known = known.filter(known.day < as_date(as_of))
    entered = known.group_by("lead_id", "stage").aggregate(day=known.day.min())
    first = entered.to_pandas()
    first["day"] = pd.to_datetime(first["day"])
    until = pd.Timestamp(as_date(as_of)) if as_of is not None else first["day"].max()
    absent = leads.index.difference(first["lead_id"])
    created = leads.get("created_on", pd.Series(pd.NaT, leads.index))
    unseen = pd.DataFrame(
        {
            "lead_id": absent,
            "stage": names[0],
        }
    )
    unseen["day"] = created.reindex(absent).to_numpy()
    unseen = unseen.astype({"day": first["day"].dtype})
    rows = pd.concat([first, unseen], ignore_index=True)
    rows = rows[rows["lead_id"].isin(leads.index)].join(facts, on="lead_id")
    places = {name: place for place, name in enumerate(names)}
    # A stage out of the order, such as a loss, ends the one before and is no row itself.
    rows["position"] = rows["stage"].map(places)
    rows["place"] = rows["position"].fillna(len(names))
    rows = rows.sort_values(["lead_id", "day", "place", "stage"], ignore_index=True)
    by_lead = rows.groupby("lead_id")
    next_day = by_lead["day"].shift(-1)
    furthest = by_lead["position"].transform("max")
    last = len(names) - 1
    further = furthest > rows["position"]
    won_later = rows["is_won"] & (rows["position"] < last)
    rows["went_on"] = further | won_later
    rows["here"] = rows["open"] & next_day.isna()
    spent = next_day.fillna(until) - rows["day"]
    rows["days"] = spent.dt.days.astype(float)
    return rows[rows["position"].notna()].astype({"position": int})


def _one_stage(
    leads: pd.DataFrame,
    facts: pd.DataFrame,
    as_of: dt.date | str | None,
) -> pd.DataFrame:
    rows = facts.reset_index()
    days = pd.Series(np.nan, leads.index)
    if "decided_on" in leads and as_of is not None:
        end = leads["decided_on"].fillna(pd.Timestamp(as_date(as_of)))
        days = (end - leads["began_on"]).dt.days.astype(float)
    entered = rows.assign(stage="Lead", position=0)
    entered["went_on"] = rows["is_won"]
    entered["here"] = rows["open"]
    entered["days"] = days.to_numpy()
    won = rows[rows["is_won"]].assign(stage="Won", position=1)
    won = won.assign(went_on=False, here=False, days=np.nan)
    return pd.concat([entered, won], ignore_index=True)


def _stage_facts(visits: pd.DataFrame, last: bool) -> dict[str, float]:
    """The figures of one stage from its visits."""
    went = visits["days"][visits["went_on"]]
    facts: dict[str, Any] = {
        "entered": len(visits),
        "converted": np.nan if last else float(visits["went_on"].sum()),
        "conversion": np.nan,
        "conversion_low": np.nan,
        "conversion_high": np.nan,
        "median_days": went.median(),
        "p75_days": went.quantile(0.75),
        "waiting": int(visits["here"].sum()),
        "stuck": int(visits["stuck"].sum()),
        "value": visits["money"].sum(),
        "waiting_value": visits["money"][visits["here"]].sum(),
    }
    left = ~visits["here"]
    if not last and left.any():
        count = left.sum()
        on = goes_on(visits) * count
        interval: Any = with_interval([on], [count], "conversion").iloc[0]
        facts |= interval.to_dict()
    return facts


def goes_on(visits: pd.DataFrame) -> float:
    """Share of the leads in a stage that go on in the end, those still waiting included.

    The cumulative incidence of going on, where leaving for good competes (Aalen & Johansen); the
    plain share of those that left, where days are not known.

    Examples
    --------
    >>> stay = {"days": [1.0, 1, 9], "went_on": [False, False, True], "here": [False, False, False]}
    >>> round(goes_on(pd.DataFrame(stay)), 3)
    0.333
    >>> waits = {"days": [5.0], "went_on": [False], "here": [True]}
    >>> round(goes_on(pd.concat([pd.DataFrame(stay), pd.DataFrame(waits)])), 3)
    0.5
    """
    left = visits[~visits["here"]]
    if visits["days"].isna().any() or visits["here"].sum() == 0:
        return float(left["went_on"].mean())
    rows = visits.sort_values("days", kind="stable")
    by_day = rows.groupby("days")
    went, waits = by_day["went_on"].sum(), by_day["here"].sum()
    leads = by_day.size()
    at_risk = leads[::-1].cumsum()[::-1]
    ended = leads - waits
    still = (1 - ended / at_risk).cumprod()
    before = still.shift(1, fill_value=1.0)
    on = (before * went / at_risk).sum()
    out = (before * (ended - went) / at_risk).sum()
    if on + out == 0:
        return 0.0
    return float(on / (on + out))


def deal_time(
    leads: pd.DataFrame,
    by: str | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Days from creation to win: ``won``, ``mean_days`` with a 95 % interval (from `FEWEST` wins
    on), and quartiles.

    Open leads have not won yet, so the figure describes past wins, not the time a new lead will
    take. Empty where no lead has a dated win.
    """
    dated = leads if "days_to_win" in leads else leads.assign(days_to_win=np.nan)
    won = dated[dated["days_to_win"].notna()]
    together = pd.Series(say("leads.all_won"), won.index)
    groups = won[by].fillna(UNKNOWN) if by else together
    rng = np.random.default_rng(seed)
    rows = {}
    waits = won["days_to_win"].astype(float)
    for name, days in waits.groupby(groups, observed=True):
        low, high = _mean_interval(days.to_numpy(), rng)
        p25, median, p75 = np.percentile(days, [25, 50, 75])
        rows[name] = {
            "won": len(days),
            "mean_days": days.mean(),
            "mean_days_low": low,
            "mean_days_high": high,
            "p25_days": p25,
            "median_days": median,
            "p75_days": p75,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(by or "group")


def _mean_interval(days: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """95 % bootstrap-t interval of a mean (Efron 1981); null under `FEWEST` values.

    Days are skewed and groups small: of ten gamma-distributed values the percentile bootstrap
    holds the mean 87 times of 100 instead of 95, of five 80 times; this one 94 times.
    """
    if len(days) < FEWEST:
        return np.nan, np.nan
    root, mean = np.sqrt(len(days)), days.mean()
    drawn = rng.choice(days, size=(999, len(days)))
    error = drawn.std(axis=1, ddof=1) / root
    off = drawn.mean(axis=1) - mean
    varied = error > 0
    low, high = 0.0, 0.0
    if varied.any():
        low, high = np.quantile(off[varied] / error[varied], TAILS)
    spread = days.std(ddof=1) / root
    return max(float(mean - high * spread), 0.0), float(mean - low * spread)
