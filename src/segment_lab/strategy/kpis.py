"""Four figures that case studies quote (return of lapsed, upsell, lead conversion, lifetime value), each with its
definition, interval and something to compare with. They describe; none of them is the effect of a campaign."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.features.proportions import wilson
from segment_lab.window import as_date

#: Silent for so long counts as lapsed, unless the study says otherwise.
LAPSED_DAYS = 120
#: An order must be larger by this share to count as upsell; days of a recent lead, and of a customer's first year.
MORE, LEAD_DAYS, YEAR = 0.1, 180, 365


def _row(kpi: str, definition: str, value: float, interval: tuple[float, float], n: int, against: str,
         other: pd.Series) -> dict[str, Any]:
    return {"kpi": kpi, "value": value, "value_low": interval[0], "value_high": interval[1], "n": n,
            "compared_with": against, "comparison": float(other.mean()) if len(other) else np.nan,
            "definition": definition}


def _share(kpi: str, definition: str, hits: pd.Series, against: str, other: pd.Series) -> dict[str, Any]:
    return _row(kpi, definition, float(hits.mean()), wilson(int(hits.sum()), len(hits)), len(hits), against, other)


def collect(*figures: Callable[[], dict[str, Any]]) -> tuple[pd.DataFrame, list[str]]:
    """The figures that the data allow as a table (index: kpi), and why the others are missing."""
    rows, reasons = [], []
    for figure in figures:
        try:
            rows.append(figure())
        except NotEnoughDataError as error:
            reasons.append(str(error))
    return pd.DataFrame(rows).set_index("kpi") if rows else pd.DataFrame(), reasons


def return_of_lapsed(customers: pd.DataFrame, outcomes: pd.DataFrame, *, days: int = 90,
                     lapsed_days: int = LAPSED_DAYS, contacted: Iterable[str] = ()) -> dict[str, Any]:
    """Share of the lapsed who ordered again; compared with those of them whom no campaign `contacted`.

    `customers` is the table `days` ago, `outcomes` what these customers did since (``future_orders``).
    """
    lapsed = customers.index[customers["recency_days"] > lapsed_days]
    if not len(lapsed):
        raise NotEnoughDataError(f"Nobody had been silent for more than {lapsed_days} days.")
    back = outcomes.rename(columns=lambda c: c.removeprefix("future_"))["orders"].reindex(lapsed).fillna(0) > 0
    alone = back[~lapsed.isin(list(contacted))]
    return _share("Return of lapsed customers", f"silent for more than {lapsed_days} days, ordered in the next {days}",
                  back, f"the {len(alone):,} of them that no campaign contacted", alone)


def upsell(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Any]:
    """Share of customers ordering in both periods (`Study.bought`) whose revenue per order rose by more than `MORE`.

    Compared with the share it *fell* for: with no growth at all, about as many rise as fall by chance.
    """
    both = before.index[before["orders"] > 0].intersection(after.index[after["orders"] > 0])
    if not len(both):
        raise NotEnoughDataError("Nobody ordered in both periods.")
    then, now = (p.loc[both, "revenue"] / p.loc[both, "orders"] for p in (before, after))
    return _share("Upsell", f"ordered in both periods, revenue per order up by more than {MORE:.0%}",
                  now > then * (1 + MORE), "the share it fell for", now < then / (1 + MORE))


def lead_conversion(leads: pd.DataFrame, as_of: dt.date | str) -> dict[str, Any]:
    """Won among the decided leads of the last `LEAD_DAYS` (all, without dates); compared with as many days before."""
    days, leads = LEAD_DAYS, leads[leads["status"].isin(("won", "lost"))]
    recent, earlier, when = leads, leads.head(0), "all, no dates known"
    if "created_on" in leads and leads["created_on"].notna().any():
        age = (pd.Timestamp(as_date(as_of)) - pd.to_datetime(leads["created_on"])).dt.days
        recent, earlier = leads[age.between(1, days)], leads[age.between(days + 1, 2 * days)]
        when = f"created in the last {days} days"
    if recent.empty:
        raise NotEnoughDataError(f"No lead of the last {days} days is decided yet.")
    return _share("Lead-to-sale conversion", f"won among decided leads ({when})", recent["status"] == "won",
                  f"the {days} days before", earlier["status"] == "won")


def first_year(orders: ir.Table) -> pd.DataFrame:
    """Per customer the day of the first order and what they brought in the year from it (reduced in the engine)."""
    lines = orders.mutate(day=orders.order_date.cast("date"))
    first = lines.day.min(where=lines.amount > 0).over(ibis.window(group_by="customer_id"))
    lines = lines.mutate(first_order=first).filter(first.notnull(), lines.day.delta(first, unit="day") < YEAR)
    table = lines.group_by("customer_id", "first_order").aggregate(
        revenue=lines.amount.sum().round(2),
        **({"margin": lines.margin.sum().round(2)} if "margin" in lines.columns else {}))
    frame = orders.get_backend().to_pyarrow(table.order_by("customer_id")).to_pandas()
    return frame.assign(first_order=pd.to_datetime(frame["first_order"]))


def lifetime_value(first: pd.DataFrame, as_of: dt.date | str) -> dict[str, Any]:
    """Mean margin (else revenue) of a customer's first year (`first_year`), for the latest cohort that has it behind.

    The cohort first ordered between one and two years before `as_of`; compared with the cohort before it. The interval
    is a bootstrap over customers.
    """
    age = (pd.Timestamp(as_date(as_of)) - first["first_order"]).dt.days
    money = "margin" if "margin" in first and first["margin"].notna().any() else "revenue"
    cohort, earlier = (first.loc[age.between(k * YEAR, (k + 1) * YEAR - 1), money] for k in (1, 2))
    if len(cohort) < 2:
        raise NotEnoughDataError(f"Nobody's first order is {YEAR} to {2 * YEAR} days ago, so no first year is whole.")
    values, rng = cohort.to_numpy(float), np.random.default_rng(0)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(1000)]
    low, high = np.quantile(means, (0.025, 0.975))
    return _row("Lifetime value, first year", f"{money} per customer in the {YEAR} days from the first order",
                float(cohort.mean()), (float(low), float(high)), len(cohort), "the cohort a year before", earlier)


def readable(rows: pd.DataFrame) -> pd.DataFrame:
    """The figures as text (shares in percent, money rounded), because one column holds both."""
    def write(row: pd.Series, value: float) -> str:
        return "–" if pd.isna(value) else f"{value:,.0f}" if abs(row["value"]) > 1 else f"{value:.1%}"

    return pd.DataFrame({
        "figure": [f"{write(r, r['value'])} ({write(r, r['value_low'])} to {write(r, r['value_high'])})"
                   for _, r in rows.iterrows()], "customers_or_leads": rows.get("n", []),
        "beside": [f"{write(r, r['comparison'])} ({r['compared_with']})" for _, r in rows.iterrows()],
        "what_it_is": rows.get("definition", [])}, index=rows.index.rename("case figure"))
