"""Four figures that case studies quote (return of lapsed, upsell, lead conversion, lifetime
value), each with its definition, interval and something to compare with. They describe; none of
them is the effect of a campaign."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.config.levels import TAILS
from segment_lab.customers.orders import money_of, per_order, summed
from segment_lab.customers.rates import wilson
from segment_lab.errors import NotEnoughDataError
from segment_lab.texts import say
from segment_lab.window import as_date

#: Silent for so long counts as lapsed, unless the study says otherwise.
LAPSED_DAYS = 120
#: An order must be larger by this share to count as upsell; days of a recent lead, and of a
# customer's first year.
MORE, LEAD_DAYS, YEAR = 0.1, 180, 365
#: At least so many days at the beginning of a log, old customers look like new ones.
WARM_UP = 30
#: Customers are drawn again so often for the interval of a mean.
DRAWS = 1000


def _row(
    kpi: str,
    value: float,
    interval: tuple[float, float],
    n: int,
    other: pd.Series,
    **facts: Any,
) -> dict[str, Any]:
    """One figure; its words are ``kpis.<kpi>``, filled with `facts`."""
    return {
        "kpi": kpi,
        "value": value,
        "value_low": interval[0],
        "value_high": interval[1],
        "n": n,
        "comparison": float(other.mean()) if len(other) else np.nan,
        "facts": facts,
    }


def _share(kpi: str, hits: pd.Series, other: pd.Series, **facts: Any) -> dict[str, Any]:
    interval = wilson(int(hits.sum()), len(hits))
    return _row(
        kpi,
        float(hits.mean()),
        interval,
        len(hits),
        other,
        **facts,
    )


def collect(*figures: Callable[[], dict[str, Any]]) -> tuple[pd.DataFrame, list[str]]:
    """The figures that the data allow as a table (index: kpi), and why the others are missing."""
    rows: list[dict[str, Any]] = []
    reasons: list[str] = []
    for figure in figures:
        try:
            rows.append(figure())
        except NotEnoughDataError as error:
            reasons.append(str(error))
    return pd.DataFrame(rows).set_index("kpi") if rows else pd.DataFrame(), reasons


def return_of_lapsed(
    customers: pd.DataFrame,
    outcomes: pd.DataFrame,
    *,
    days: int = 90,
    lapsed_days: int = LAPSED_DAYS,
    contacted: Iterable[str] = (),
) -> dict[str, Any]:
    """Share of the lapsed who ordered again; compared with those of them whom no campaign
    `contacted`.

    `customers` is the table `days` ago, `outcomes` what these customers did since
    (``future_orders``).
    """
    lapsed = customers.index[customers["recency_days"] > lapsed_days]
    if not len(lapsed):
        raise NotEnoughDataError(
            say("kpis.return_of_lapsed.nobody", lapsed_days=lapsed_days)
        )
    orders = outcomes["future_orders" if "future_orders" in outcomes else "orders"]
    back = orders.reindex(lapsed).fillna(0) > 0
    alone = back[~lapsed.isin(list(contacted))]
    facts = {
        "days": days,
        "lapsed_days": lapsed_days,
        "alone": len(alone),
    }
    return _share("return_of_lapsed", back, alone, **facts)


def upsell(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Any]:
    """Share of customers ordering in both periods (`Study.bought`) whose revenue per order rose by
    more than `MORE`.

    Compared with the share it *fell* for: with no growth at all, about as many rise as fall by
    chance.
    """
    both = before.index[before["orders"] > 0].intersection(
        after.index[after["orders"] > 0]
    )
    if not len(both):
        raise NotEnoughDataError(say("kpis.upsell.nobody"))
    then = before.loc[both, "revenue"] / before.loc[both, "orders"]
    now = after.loc[both, "revenue"] / after.loc[both, "orders"]
    rose = now > then * (1 + MORE)
    fell = now < then / (1 + MORE)
    return _share("upsell", rose, fell, more=MORE)


def lead_conversion(leads: pd.DataFrame, as_of: dt.date | str) -> dict[str, Any]:
    """Won among the leads decided in the last `LEAD_DAYS`; compared with as many days before.

    Where the days of decision (``decided_on``) are not known, leads created in that time that are
    decided by now (among young leads these are the quick decisions, mostly losses), and all
    without any dates; ``facts`` say which (``dated_by``).
    """
    decided = leads[leads["status"].isin(("won", "lost"))]
    dated_by = _dated_by(decided)
    recent, earlier = decided, decided.head(0)
    if dated_by:
        age = (pd.Timestamp(as_date(as_of)) - pd.to_datetime(decided[dated_by])).dt.days
        recent = decided[age.between(1, LEAD_DAYS)]
        earlier = decided[age.between(LEAD_DAYS + 1, 2 * LEAD_DAYS)]
    facts = {"dated_by": dated_by, "days": LEAD_DAYS}
    if recent.empty:
        raise NotEnoughDataError(say("kpis.lead_conversion.nobody", **facts))
    won, won_before = recent["status"] == "won", earlier["status"] == "won"
    return _share("lead_conversion", won, won_before, **facts)


def _dated_by(leads: pd.DataFrame) -> str:
    """The best column of days that is known; none where leads have no dates."""
    for column in ("decided_on", "created_on"):
        if column in leads and leads[column].notna().any():
            return column
    return ""


def first_year(orders: ir.Table, decimals: int = 2) -> pd.DataFrame:
    """Per customer the day of the first order and what they brought in the year from it (reduced
    in the engine).

    An order is what the customer table counts as one: cancelled ones are none, and returns are
    netted.

    Parameters
    ----------
    orders : ibis Table
        Accepted lines with ``amount_minor``, or what they add up to (`orders.by_day`).
    decimals : int, optional
        Of the currency: money comes in minor units and leaves in readable amounts.
    """
    first = per_order(orders).group_by("customer_id")
    first = first.aggregate(first_order=ibis._.order_date.min(where=ibis._.is_order))
    lines = orders.join(first, "customer_id")
    age = lines.order_date.delta(lines.first_order, unit="day")
    sums = summed(lines.filter(age.between(0, YEAR - 1)), "customer_id", "first_order")
    money = {
        name: sums[name].cast("float64") / 10**decimals
        for name in money_of(sums)
        if name != "returned"
    }
    table = sums.select(sums.customer_id.cast("string"), "first_order", **money)
    frame = orders.get_backend().to_pyarrow(table.order_by("customer_id")).to_pandas()
    return frame.assign(first_order=pd.to_datetime(frame["first_order"]))


def warm_up(gaps: pd.Series) -> int:
    """Days from the beginning of the log within which a "first" order may be an old customer's
    next one.

    Nine of ten who buy again do so within them (`gaps`: the customer table's ``gap_days``); at
    least `WARM_UP`.
    """
    return (
        max(WARM_UP, int(np.ceil(gaps.quantile(0.9))))
        if gaps.notna().any()
        else WARM_UP
    )


def lifetime_value(
    first: pd.DataFrame,
    as_of: dt.date | str,
    warm_up_days: int = WARM_UP,
) -> dict[str, Any]:
    """Mean margin (else revenue) of a customer's first year (`first_year`), for the latest cohort
    that has it behind.

    The cohort first ordered between one and two years before `as_of`; compared with the cohort
    before it. Whoever first appears in the log's first `warm_up_days` may have bought before it
    began, and is no new customer. The interval is a bootstrap over customers.
    """
    age = (pd.Timestamp(as_date(as_of)) - first["first_order"]).dt.days
    since_start = (first["first_order"] - first["first_order"].min()).dt.days
    age = age.where(since_start >= warm_up_days)
    money = (
        "margin" if "margin" in first and first["margin"].notna().any() else "revenue"
    )
    cohort = first.loc[age.between(YEAR, 2 * YEAR - 1), money]
    earlier = first.loc[age.between(2 * YEAR, 3 * YEAR - 1), money]
    facts = {"money": money, "year": YEAR, "warm_up_days": warm_up_days}
    if len(cohort) < 2:
        raise NotEnoughDataError(say("kpis.lifetime_value.nobody", **facts))
    interval = _mean_interval(cohort.to_numpy(float))
    mean = float(cohort.mean())
    return _row("lifetime_value", mean, interval, len(cohort), earlier, **facts)


def _mean_interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of the mean of customers drawn again."""
    rng = np.random.default_rng(0)
    means = []
    for _ in range(DRAWS):
        again = rng.integers(len(values), size=len(values))
        means.append(values[again].mean())
    low, high = np.quantile(means, TAILS)
    return float(low), float(high)
