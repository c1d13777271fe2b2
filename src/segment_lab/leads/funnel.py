"""Leads and their funnel: who entered each stage, who went on, how long it took, and what is
stuck."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.customers.rates import with_interval
from segment_lab.errors import DataError, Fault, nearest
from segment_lab.window import as_date

# Words that end a lead; files that only say whether a lead converted write yes and no, or 1 and 0.
WON, LOST = ("won", "1", "true", "yes"), ("lost", "0", "false", "no")
UNKNOWN = "(not given)"
FEWEST = 5  # wins from which an interval of the mean time is shown
NOT_ATTRIBUTES = ("customer_id", "created_on", "status", "won", "decided_on", "days_to_win")


def lead_table(
    leads: ir.Table,
    stages: ir.Table | None = None,
    as_of: dt.date | str | None = None,
    *,
    won: Sequence[str] = WON,
    lost: Sequence[str] = LOST,
) -> pd.DataFrame:
    """One row per lead as it stood at `as_of`: what is known about it, and how it ended.

    A stage entered on or after `as_of` has not happened yet. A lead lost and taken up again is
    open; one once won stays won. Without a stage history the status column speaks, whatever its
    date.

    Parameters
    ----------
    leads, stages : Table
        ``lead_id`` and any of ``customer_id, created_on, source, owner, segment, value, status``,
        and more; ``lead_id, stage, entered_on``.
    as_of : date, optional
        Leads created on or after this day are left out.
    won, lost : sequence of str
        The words of ``status`` and ``stage`` that end a lead; every other status is open. Case is
        ignored.

    Returns
    -------
    DataFrame
        Index ``lead_id``, sorted: the columns of `leads` (text that is wholly numeric made
        numeric, columns without a value left out), ``won`` (true / false / null while open), and
        with a stage history ``decided_on`` and ``days_to_win``.
    """
    minor = [c for c in leads.columns if c.endswith("_minor")]
    frame = _typed(leads.drop(*minor).to_pandas().set_index("lead_id").sort_index())
    if "created_on" in frame and as_of is not None:
        frame = frame[~(frame["created_on"] >= pd.Timestamp(as_date(as_of)))]
    if frame.empty:
        raise DataError(
            "There are no leads to look at",
            [
                Fault(
                    "leads", "holds no row before as_of", "Check as_of and the source of the leads"
                )
            ],
        )
    status = (
        frame.get("status", pd.Series("", index=frame.index)).astype("str").str.strip().str.lower()
    )
    outcome = np.select([status.isin(_words(won)), status.isin(_words(lost))], [1.0, 0.0], np.nan)
    frame["won"] = pd.Series(outcome, frame.index).astype("boolean")
    return (
        frame if stages is None else _with_history(frame, stages, as_of, _words(won), _words(lost))
    )


def _words(words: Sequence[str]) -> list[str]:
    return [str(word).strip().lower() for word in words]


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    out = {}
    for name, values in frame.dropna(axis="columns", how="all").items():
        if name == "created_on":
            values = pd.to_datetime(values)
        elif values.dtype.kind not in "iufbM" and name not in ("customer_id", "status"):
            numbers = pd.to_numeric(values, errors="coerce")
            values = numbers if numbers.notna().sum() == values.notna().sum() else values
        out[name] = values
    return pd.DataFrame(out, index=frame.index)


def _with_history(
    frame: pd.DataFrame,
    stages: ir.Table,
    as_of: dt.date | str | None,
    won: list[str],
    lost: list[str],
) -> pd.DataFrame:
    day, word = stages.entered_on.cast("date"), stages.stage.strip().lower()
    known = ibis.literal(True) if as_of is None else day < as_date(as_of)
    closing = word.isin([*won, *lost])
    ends = (
        stages.group_by("lead_id")
        .aggregate(
            first_entry=day.min(where=known),
            won_on=day.min(where=known & word.isin(won)),
            lost_on=day.max(where=known & word.isin(lost)),
            alive_on=day.max(where=known & ~closing),
            closes_later=closing.any(where=~known),
        )
        .to_pandas()
        .set_index("lead_id")
        .reindex(frame.index)
    )
    begun, won_on, lost_on, alive_on = (
        pd.to_datetime(ends[c]) for c in ("first_entry", "won_on", "lost_on", "alive_on")
    )
    reopened, is_won = lost_on < alive_on, won_on.notna()
    is_lost = lost_on.notna() & ~reopened & ~is_won
    still_open = ends["closes_later"].eq(True) | reopened
    frame["won"] = frame["won"].mask(still_open, pd.NA).mask(is_lost, False).mask(is_won, True)
    frame["decided_on"] = won_on.where(is_won, lost_on.where(is_lost))
    start = frame["created_on"].fillna(begun) if "created_on" in frame else begun
    frame["days_to_win"] = (frame["decided_on"] - start).dt.days.where(is_won)
    return frame


def stage_order(
    stages: ir.Table, *, won: Sequence[str] = WON, lost: Sequence[str] = LOST
) -> list[str]:
    """Stage names from first to last, by the mean position at which leads enter them; won comes
    last."""
    firsts = stages.group_by("lead_id", "stage").aggregate(day=stages.entered_on.min())
    placed = firsts.mutate(place=ibis.rank().over(group_by="lead_id", order_by="day"))
    means = placed.group_by("stage").aggregate(mean=placed.place.mean()).order_by("mean", "stage")
    names = [
        name for name in means.to_pandas()["stage"] if name.strip().lower() not in _words(lost)
    ]
    return sorted(names, key=lambda name: name.strip().lower() in _words(won))


def funnel(
    leads: pd.DataFrame,
    stages: ir.Table | None = None,
    as_of: dt.date | str | None = None,
    *,
    order: Sequence[str] = (),
    by: str | None = None,
) -> pd.DataFrame:
    """Each stage of the funnel: who entered it, who went on, how long that took, and what is stuck.

    Parameters
    ----------
    leads, stages : DataFrame, Table
        From `lead_table`; the stage history. Without one there is a single stage, *Lead*, that
        leads to *Won*.
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
        Index ``stage`` (and `by`): ``entered``; ``converted`` (went on to a later stage, or won)
        and ``conversion`` with its 95 % Wilson interval, null for the last stage; ``median_days``
        and ``p75_days`` that converted leads took; ``waiting`` (open leads in it now); ``stuck``
        (of those, longer than the p75_days of all leads in the stage); ``value`` of all that
        entered and ``waiting_value`` of those in it now, where leads carry a value.
    """
    if by is not None and by not in leads:
        raise DataError(
            "The funnel cannot be split",
            [Fault(by, "is no column of the leads", nearest(by, map(str, leads.columns)))],
        )
    facts = pd.DataFrame(
        {
            "group": leads[by].astype("str").where(leads[by].notna(), UNKNOWN) if by else "all",
            "money": leads["value"].astype(float) if "value" in leads else 0.0,
            "open": leads["won"].isna(),
            "is_won": leads["won"].eq(True).fillna(False),
        }
    )
    names = (list(order) or stage_order(stages)) if stages is not None else ["Lead", "Won"]
    visits = _visits(stages, facts, names, as_of) if stages is not None else _one_stage(facts)
    usual = visits.group_by("stage").aggregate(
        usual=visits.days.quantile(0.75, where=visits.went_on)
    )
    rows = visits.left_join(usual, "stage")
    out = (
        rows.group_by("position", "stage", "group")
        .aggregate(
            entered=rows.count(),
            converted=rows.went_on.sum(),
            median_days=rows.days.median(where=rows.went_on),
            p75_days=rows.days.quantile(0.75, where=rows.went_on),
            waiting=rows.here.sum(),
            stuck=(rows.here & (rows.days > rows.usual)).sum(),
            value=rows.money.sum(),
            waiting_value=rows.money.sum(where=rows.here).fill_null(0),
        )
        .order_by("position", "group")
    )
    return _finished(out.to_pandas(), len(names), by, "value" in leads)


def _visits(
    stages: ir.Table, facts: pd.DataFrame, order: list[str], as_of: dt.date | str | None
) -> ir.Table:
    """One row per lead and stage entered: how long it stayed, whether it went on, whether it is
    there now."""
    places = ibis.memtable(pd.DataFrame({"stage": order, "position": range(len(order))}))
    leads = ibis.memtable(facts.rename_axis("lead_id").reset_index())
    known = stages.mutate(day=stages.entered_on.cast("date"))
    known = known if as_of is None else known.filter(known.day < as_date(as_of))
    until = as_date(as_of) if as_of is not None else known.day.max().as_scalar()
    first = known.group_by("lead_id", "stage").aggregate(day=known.day.min())
    rows = first.left_join(places, "stage").drop("stage_right").join(leads, "lead_id")
    rows = rows.mutate(place=rows.position.fill_null(len(order)))
    path = ibis.window(group_by="lead_id", order_by=[rows.day, rows.place, rows.stage])
    rows = rows.mutate(
        next_day=rows.day.lead().over(path),
        furthest=rows.position.max().over(ibis.window(group_by="lead_id")),
    )
    rows = rows.filter(rows.place < len(order))
    stay = ibis.coalesce(rows.next_day, until).delta(rows.day, unit="day")
    went_on = (rows.furthest > rows.position) | (rows.is_won & (rows.position < len(order) - 1))
    return rows.mutate(
        went_on=went_on, days=stay.cast("float64"), here=rows.open & rows.next_day.isnull()
    )


def _one_stage(facts: pd.DataFrame) -> ir.Table:
    entered = facts.assign(stage="Lead", position=0, went_on=facts["is_won"], here=facts["open"])
    won = facts[facts["is_won"]].assign(stage="Won", position=1, went_on=False, here=False)
    return ibis.memtable(pd.concat([entered, won]).assign(days=np.nan))


def _finished(out: pd.DataFrame, stages: int, by: str | None, valued: bool) -> pd.DataFrame:
    out = out.join(with_interval(out["converted"], out["entered"], "conversion"))
    out["converted"] = out["converted"].astype(float)
    shares = ["conversion", "conversion_low", "conversion_high"]
    out.loc[out["position"] == stages - 1, ["converted", *shares]] = np.nan
    timed = out["median_days"].notna().any()
    columns = [
        "entered",
        "converted",
        *shares,
        *(["median_days", "p75_days"] if timed else []),
        "waiting",
        *(["stuck"] if timed else []),
        *(["value", "waiting_value"] if valued else []),
    ]
    return out.rename(columns={"group": by or "group"}).set_index(["stage", by] if by else "stage")[
        columns
    ]


def deal_time(leads: pd.DataFrame, by: str | None = None, seed: int = 0) -> pd.DataFrame:
    """Days from creation to win: ``won``, ``mean_days`` with a 95 % interval (from `FEWEST` wins
    on), and quartiles.

    Open leads have not won yet, so the figure describes past wins, not the time a new lead will
    take. Empty where no lead has a dated win.
    """
    dated = leads if "days_to_win" in leads else leads.assign(days_to_win=np.nan)
    won = dated[dated["days_to_win"].notna()]
    groups = won[by].fillna(UNKNOWN) if by else pd.Series("All won leads", won.index)
    rng, rows = np.random.default_rng(seed), {}
    for name, days in won["days_to_win"].astype(float).groupby(groups, observed=True):
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
    drawn = rng.choice(days, size=(999, len(days)))
    error = drawn.std(axis=1, ddof=1) / np.sqrt(len(days))
    apart = (drawn.mean(axis=1) - days.mean())[error > 0] / error[error > 0]
    low, high = np.quantile(apart, [0.025, 0.975]) if len(apart) else (0.0, 0.0)
    spread = days.std(ddof=1) / np.sqrt(len(days))
    return max(float(days.mean() - high * spread), 0.0), float(days.mean() - low * spread)
