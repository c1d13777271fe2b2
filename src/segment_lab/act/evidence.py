"""What is known of each segment before anything is recommended: who buys anyway, what a buyer
brings, and what it takes today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.customers.orders import per_order
from segment_lab.customers.rates import FEWEST_FOR_A_RATE, next_period, wilson
from segment_lab.segments.segmentation import Segmentation
from segment_lab.window import as_date

#: Fewer buyers than this say too little about money.
FEWEST = 10
#: Days after their return in which returners' purchases count.
YEAR = 365
#: Whose natural rate it is; where the margin comes from; whose money it is.
OWN, HELD_OUT, ALIKE, BORROWED = "own", "held_out", "alike", "base"
LOG, DECLARED, UNKNOWN = "log", "declared", "unknown"
BUYERS, ALL_BUYERS, RETURNERS, ONE_ORDER = (
    "buyers",
    "all_buyers",
    "returners",
    "one_order",
)
#: Where no better state is known, a customer is silent for too long beyond this quantile of the
#: base's own gaps between orders.
LAPSED_QUANTILE = 0.9
#: What a customer's own rhythm says of him.
STATES = ("new", "active", "slowing", "lapsed")


class Happened(NamedTuple):
    """What the customers of a day did since.

    Attributes
    ----------
    earlier : Segmentation
        The same scheme at the beginning of the horizon.
    outcomes : DataFrame
        ``orders, revenue`` (or ``future_orders, future_revenue``) by customer_id.
    contacted : iterable of customer_id
        Whom a campaign reached in that time: the natural rate leaves them out.
    held_out : DataFrame, index segment, optional
        ``customers, buyers`` of all own campaigns' control groups (`campaigns.left_alone`).
    """

    earlier: Segmentation
    outcomes: pd.DataFrame
    contacted: Iterable[str] = ()
    held_out: pd.DataFrame | None = None

    def rows(self) -> pd.DataFrame:
        """One row per customer of that day: ``orders, revenue, segment, alone``."""
        codes = self.earlier.codes
        found = self.outcomes.rename(columns=lambda name: name.removeprefix("future_"))
        found = found.reindex(codes.index).fillna(0.0)
        found["segment"] = self.earlier.labels.astype(str).to_numpy()
        found["alone"] = ~found.index.isin(list(self.contacted))
        return found


def evidence(
    now: Segmentation,
    customers: pd.DataFrame,
    happened: Happened,
    *,
    margin_rate: float | None = None,
    effort: pd.Series | None = None,
    returns: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What is known of each segment.

    Parameters
    ----------
    now, customers : Segmentation, DataFrame
        The segments to act on and the customer table they were made from.
    happened : Happened
        What the customers of an earlier day did since.
    margin_rate : float, optional
        Declared margin per unit of revenue; used only where the table has no ``margin``.
    effort : Series by customer_id, optional
        Minutes of contact.
    returns : DataFrame, optional
        From `returners`: what lapsed customers spent in the year after they came back.

    Returns
    -------
    DataFrame, index segment
        Sizes and shares; the natural rate with its own interval, which decides, and
        ``next_rate_low, next_rate_high``, between which the next period's share will lie (season
        apart); ``natural_n, natural_source`` and ``planning_rate`` (never exactly 0);
        ``margin_per_conversion`` with its standard error,
        ``margin_source`` and ``margin_basis``; ``margin_in_horizon`` (without the year after a
        return); ``order_value`` (mean money of an order);
        the shares by state (`state_shares`) and ``lapsed``; ``minutes, effort_share``;
        ``basket_cv``, the same for all.
    """
    shares = [
        "customers",
        "customer_share",
        "revenue",
        "revenue_share",
        "margin",
        "margin_share",
    ]
    out = now.profile(customers).reindex(columns=shares)

    rows = happened.rows()
    people = now.align(customers).assign(segment=now.labels.astype(str).to_numpy())
    rates, source = _margin_rates(out, margin_rate)
    out = out.join(state_shares(people, out.index))
    out["lapsed"] = out["lapsed_share"] > 0.5
    facts = []
    for segment in out.index:
        own = people[people["segment"] == segment]
        natural = _natural(
            rows, str(segment), happened.held_out, _alike(out, str(segment))
        )
        money = _worth(
            rows, str(segment), own if len(own) else people, float(rates[segment])
        )
        money["margin_in_horizon"] = money["margin_per_conversion"]
        if out.loc[segment, "lapsed"] and returns is not None and len(own):
            money |= _returner(returns, own, float(rates[segment]))
        facts.append(natural | _next_period(natural, len(own)) | money)
    out = out.join(pd.DataFrame(facts, index=out.index)).assign(margin_source=source)
    out["basket_cv"] = basket_variation(rows)

    if now.window is not None and happened.earlier.window is not None:
        out["horizon_days"] = (now.window.as_of - happened.earlier.window.as_of).days
    if effort is not None and effort.sum() > 0:
        spent = (
            effort.reindex(people.index).fillna(0.0).groupby(people["segment"]).sum()
        )
        out["minutes"] = spent.reindex(out.index, fill_value=0.0)
        out["effort_share"] = out["minutes"] / out["minutes"].sum()
    return out


def at_rate(known: pd.DataFrame, rate: float) -> pd.DataFrame:
    """Evidence that counts all revenue as margin (``margin_rate=1``), at another rate."""
    money = ["margin_per_conversion", "margin_se", "margin_in_horizon", "margin_rate"]
    return known.assign(**{name: known[name] * rate for name in money})


def _margin_rates(
    profile: pd.DataFrame, declared: float | None
) -> tuple[pd.Series, str]:
    """Margin per unit of revenue of each segment: measured, or else declared, or else unknown."""
    if profile["margin"].notna().any() and profile["revenue"].sum() > 0:
        overall = profile["margin"].sum() / profile["revenue"].sum()
        measured = profile["margin"] / profile["revenue"].where(profile["revenue"] > 0)
        return measured.astype("float64").fillna(float(overall)), LOG
    rate = np.nan if declared is None else declared
    source = UNKNOWN if declared is None else DECLARED
    return pd.Series(rate, index=profile.index, dtype="float64"), source


def state_shares(people: pd.DataFrame, names: pd.Index) -> pd.DataFrame:
    """Shares of each segment's customers by state: ``new_share, active_share, slowing_share,
    lapsed_share``.

    By the column ``state`` where the customer table has one; else by the base's own gaps between
    orders: active within the median, slowing within the `LAPSED_QUANTILE`, lapsed beyond.
    """
    if "state" in people:
        state = people["state"].astype(str)
    elif "gap_days" in people and people["gap_days"].notna().any():
        usual, limit = people["gap_days"].median(), silence_limit(people["gap_days"])
        silent = people["recency_days"]
        tier = np.select([silent <= usual, silent <= limit], STATES[1:3], STATES[3])
        single = (people["frequency"] == 1) & (silent <= limit)
        state = pd.Series(tier, index=people.index).mask(single, STATES[0])
    else:
        return pd.DataFrame(np.nan, index=names, columns=[f"{s}_share" for s in STATES])
    counts = pd.crosstab(people["segment"], state).reindex(columns=STATES, fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0).reindex(names)
    return shares.add_suffix("_share")


def silence_limit(gaps: pd.Series) -> float:
    """Days of silence beyond which a customer counts as lapsed (`gaps`: the table's
    ``gap_days``)."""
    return float(gaps.quantile(LAPSED_QUANTILE))


def _natural(
    rows: pd.DataFrame, segment: str, held_out: pd.DataFrame | None, alike: list[str]
) -> dict[str, Any]:
    """Who bought again with no campaign.

    Where too few of a segment were left alone in the period, all its own control groups are read
    together; where those are few too, segments alike stand in, and the whole base at the very last.
    """
    alone = rows[rows["alone"]]
    own = alone[alone["segment"] == segment]
    bought, n, source = _bought(own), len(own), OWN
    if n < FEWEST_FOR_A_RATE and held_out is not None and segment in held_out.index:
        held: Any = held_out.loc[segment]
        if held["customers"] >= max(FEWEST_FOR_A_RATE, n):
            bought, n, source = int(held["buyers"]), int(held["customers"]), HELD_OUT
    for whose, names in ((ALIKE, alike), (BORROWED, list(rows["segment"].unique()))):
        if n >= FEWEST_FOR_A_RATE:
            break
        others = alone[alone["segment"].isin(names)]
        bought, n, source = _bought(others), len(others), whose
    low, high = wilson(bought, n)
    return {
        "natural_n": n,
        "natural_rate": bought / n if n else np.nan,
        "natural_rate_low": low,
        "natural_rate_high": high,
        # Agresti & Coull's centre: a segment where nobody bought is not one where nobody would.
        "planning_rate": (bought + 2) / (n + 4) if n else np.nan,
        "natural_source": source,
    }


def _next_period(natural: Mapping[str, Any], customers: int) -> dict[str, float]:
    """The range of the share of so many customers that will buy in the next period."""
    n = natural["natural_n"]
    if not n:
        return {"next_rate_low": np.nan, "next_rate_high": np.nan}
    low, high = next_period(round(natural["natural_rate"] * n), n, customers or n)
    return {"next_rate_low": float(low), "next_rate_high": float(high)}


def _bought(rows: pd.DataFrame) -> int:
    return int((rows["orders"] > 0).sum())


def _alike(known: pd.DataFrame, segment: str) -> list[str]:
    """Segments most of whose customers are in the same state (new, active, slowing, lapsed)."""
    shares = known[[f"{state}_share" for state in STATES]]
    if shares.loc[segment].isna().any():
        return []
    usual = shares.dropna().idxmax(axis=1)
    alike = usual == usual[segment]
    return [] if alike.all() else [str(name) for name in usual.index[alike]]


def _worth(
    rows: pd.DataFrame, segment: str, people: pd.DataFrame, rate: float
) -> dict[str, Any]:
    """What a buyer of the period brings. Where too few bought by themselves contacted buyers count
    too, and only then one order: a buyer of the period may well order several times."""
    buyers = rows[(rows["segment"] == segment) & (rows["orders"] > 0)]
    orders = people["monetary_value"].dropna()
    choices = (
        (buyers.loc[buyers["alone"], "revenue"], BUYERS),
        (buyers["revenue"], ALL_BUYERS),
    )
    spent, basis = orders, ONE_ORDER
    for money, whose in choices:
        if len(money) >= FEWEST:
            spent, basis = money, whose
            break
    margin = spent * rate
    error = float(margin.std(ddof=1) / np.sqrt(len(margin))) if len(margin) > 1 else 0.0
    return {
        "margin_per_conversion": float(margin.mean()) if len(margin) else np.nan,
        "margin_se": error,
        "margin_basis": basis,
        "order_value": float(orders.mean()) if len(orders) else np.nan,
        "margin_rate": rate,
    }


def _returner(
    returns: pd.DataFrame, people: pd.DataFrame, rate: float
) -> dict[str, Any]:
    """What a returner of the segment brings in the year after: as many of his usual orders as
    those who came back after as long a silence (or after the longest, where those are too few)."""
    as_long = int(
        (returns["silent_days"] >= people["recency_days"].quantile(0.25)).sum()
    )
    like = returns.nlargest(max(as_long, 4 * FEWEST), "silent_days")
    usual = people["monetary_value"].mean()
    if (
        len(like) < FEWEST
        or not like["usual_order"].sum() > 0
        or not np.isfinite(usual)
    ):
        return {}
    orders = like["year_revenue"].sum() / like["usual_order"].sum()
    off = like["year_revenue"] - orders * like["usual_order"]
    error = float(off.std(ddof=1) / np.sqrt(len(like)) / like["usual_order"].mean())
    return {
        "margin_per_conversion": float(orders * usual * rate),
        "margin_se": error * float(usual) * rate,
        "margin_basis": RETURNERS,
        "returners_n": len(like),
        "returner_orders": float(orders),
    }


def basket_variation(rows: pd.DataFrame) -> float:
    """Coefficient of variation of what a buyer of the period brought; 1 where too few bought."""
    spent = rows.loc[rows["orders"] > 0, "revenue"]
    if len(spent) < FEWEST or not spent.mean() > 0:
        return 1.0
    return float(max(spent.std(ddof=1) / spent.mean(), 0.1))


def returners(orders: ir.Table, as_of: dt.date | str, silent_days: int) -> pd.DataFrame:
    """Customers who came back after a silence, and what they spent in the year from then.

    Parameters
    ----------
    orders : ibis Table
        Accepted lines with ``amount_minor``, or what they add up to (`orders.by_day`): reduced in
        the engine.
    as_of : date
        Only returns whose year is over count.
    silent_days : int
        The shortest silence that counts.

    Returns
    -------
    DataFrame
        ``customer_id, silent_days, usual_order`` (mean order before), ``year_revenue``; money in
        the units of the lines.
    """
    bought = per_order(orders)
    bought = bought.filter(bought.is_order).select(
        bought.customer_id.cast("string"),
        "revenue",
        day=bought.order_date.cast("date"),
    )
    past = ibis.window(group_by="customer_id", order_by="day", preceding=(None, 1))
    step = ibis.window(group_by="customer_id", order_by="day")
    dated = bought.mutate(
        usual_order=bought.revenue.mean().over(past),
        last_day=bought.day.lag(1).over(step),
    )
    dated = dated.mutate(silent_days=dated.day.delta(dated.last_day, unit="day"))
    latest = as_date(as_of) - dt.timedelta(days=YEAR)
    back = dated.filter(
        dated.silent_days >= silent_days, dated.day <= ibis.literal(latest)
    )
    back = back.select(
        "customer_id", "usual_order", "silent_days", returned_on=back.day
    )
    year = back.inner_join(bought, "customer_id")
    since = year.day.delta(year.returned_on, unit="day")
    year = year.filter(since.between(0, YEAR - 1))
    keys = ["customer_id", "returned_on", "silent_days", "usual_order"]
    table = year.group_by(keys).aggregate(year_revenue=year.revenue.sum())
    frame = orders.get_backend().to_pyarrow(
        table.order_by("customer_id", "returned_on")
    )
    return frame.to_pandas().astype(
        {"usual_order": "float64", "year_revenue": "float64"}
    )
