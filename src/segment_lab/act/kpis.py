"""Four figures that case studies quote (return of lapsed, upsell, lead conversion, lifetime
value), each with its definition, interval and something to compare with. They describe; none of
them is the effect of a campaign."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.customers.orders import per_order
from segment_lab.customers.rates import wilson
from segment_lab.errors import NotEnoughDataError
from segment_lab.window import as_date

#: Silent for so long counts as lapsed, unless the study says otherwise.
LAPSED_DAYS = 120
#: An order must be larger by this share to count as upsell; days of a recent lead, and of a
# customer's first year.
MORE, LEAD_DAYS, YEAR = 0.1, 180, 365
#: At least so many days at the beginning of a log, old customers look like new ones.
WARM_UP = 30


def _row(
    kpi: str,
    definition: str,
    value: float,
    interval: tuple[float, float],
    n: int,
    against: str,
    other: pd.Series,
) -> dict[str, Any]:
    return {
        "kpi": kpi,
        "value": value,
        "value_low": interval[0],
        "value_high": interval[1],
        "n": n,
        "compared_with": against,
        "comparison": float(other.mean()) if len(other) else np.nan,
        "definition": definition,
    }


def _share(
    kpi: str, definition: str, hits: pd.Series, against: str, other: pd.Series
) -> dict[str, Any]:
    return _row(
        kpi,
        definition,
        float(hits.mean()),
        wilson(int(hits.sum()), len(hits)),
        len(hits),
        against,
        other,
    )


def collect(*figures: Callable[[], dict[str, Any]]) -> tuple[pd.DataFrame, list[str]]:
    """The figures that the data allow as a table (index: kpi), and why the others are missing."""
    rows, reasons = [], []
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
        raise NotEnoughDataError(f"Nobody had been silent for more than {lapsed_days} days.")
    back = (
        outcomes.rename(columns=lambda c: c.removeprefix("future_"))["orders"]
        .reindex(lapsed)
        .fillna(0)
        > 0
    )
    alone = back[~lapsed.isin(list(contacted))]
    return _share(
        "Return of lapsed customers",
        f"silent for more than {lapsed_days} days, ordered in the next {days}",
        back,
        f"the {len(alone):,} of them that no campaign contacted",
        alone,
    )


def upsell(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Any]:
    """Share of customers ordering in both periods (`Study.bought`) whose revenue per order rose by
    more than `MORE`.

    Compared with the share it *fell* for: with no growth at all, about as many rise as fall by
    chance.
    """
    both = before.index[before["orders"] > 0].intersection(after.index[after["orders"] > 0])
    if not len(both):
        raise NotEnoughDataError("Nobody ordered in both periods.")
    then, now = (p.loc[both, "revenue"] / p.loc[both, "orders"] for p in (before, after))
    return _share(
        "Upsell",
        f"ordered in both periods, revenue per order up by more than {MORE:.0%}",
        now > then * (1 + MORE),
        "the share it fell for",
        now < then / (1 + MORE),
    )


def lead_conversion(leads: pd.DataFrame, as_of: dt.date | str) -> dict[str, Any]:
    """Won among the leads decided in the last `LEAD_DAYS`; compared with as many days before.

    Where the days of decision (``decided_on``) are not known, leads created in that time that are
    decided by now (among young leads these are the quick decisions, mostly losses), and all
    without any dates; the definition says which.
    """
    days, leads = LEAD_DAYS, leads[leads["status"].isin(("won", "lost"))]
    recent, earlier, what = leads, leads.head(0), "decided leads (all, no dates known)"
    dated = [
        (c, w)
        for c, w in (
            ("decided_on", f"leads decided in the last {days} days"),
            (
                "created_on",
                f"leads created in the last {days} days and decided by now (when is "
                "not known; young leads count only where quickly decided)",
            ),
        )
        if c in leads and leads[c].notna().any()
    ]
    if dated:
        column, what = dated[0]
        age = (pd.Timestamp(as_date(as_of)) - pd.to_datetime(leads[column])).dt.days
        recent, earlier = leads[age.between(1, days)], leads[age.between(days + 1, 2 * days)]
    if recent.empty:
        raise NotEnoughDataError(f"There are no {what}." if dated else "No lead is decided yet.")
    return _share(
        "Lead-to-sale conversion",
        f"won among {what}",
        recent["status"] == "won",
        f"the {days} days before",
        earlier["status"] == "won",
    )


def first_year(orders: ir.Table) -> pd.DataFrame:
    """Per customer the day of the first order and what they brought in the year from it (reduced
    in the engine).

    An order is what the customer table counts as one: cancelled ones are none, and returns are
    netted.
    """
    lines = orders.mutate(order_date=orders.order_date.cast("date"))
    bought = per_order(lines)
    first = bought.group_by("customer_id").aggregate(
        first_order=bought.order_date.min(where=bought.is_order)
    )
    lines = lines.join(first, "customer_id")
    lines = lines.filter(lines.order_date.delta(lines.first_order, unit="day").between(0, YEAR - 1))
    table = lines.group_by("customer_id", "first_order").aggregate(
        revenue=lines.amount.sum().round(2),
        **({"margin": lines.margin.sum().round(2)} if "margin" in lines.columns else {}),
    )
    frame = orders.get_backend().to_pyarrow(table.order_by("customer_id")).to_pandas()
    return frame.assign(first_order=pd.to_datetime(frame["first_order"]))


def warm_up(gaps: pd.Series) -> int:
    """Days from the beginning of the log within which a "first" order may be an old customer's
    next one.

    Nine of ten who buy again do so within them (`gaps`: the customer table's ``gap_days``); at
    least `WARM_UP`.
    """
    return max(WARM_UP, int(np.ceil(gaps.quantile(0.9)))) if gaps.notna().any() else WARM_UP


def lifetime_value(
    first: pd.DataFrame, as_of: dt.date | str, warm_up_days: int = WARM_UP
) -> dict[str, Any]:
    """Mean margin (else revenue) of a customer's first year (`first_year`), for the latest cohort
    that has it behind.

    The cohort first ordered between one and two years before `as_of`; compared with the cohort
    before it. Whoever first appears in the log's first `warm_up_days` may have bought before it
    began, and is no new customer. The interval is a bootstrap over customers.
    """
    age = (pd.Timestamp(as_date(as_of)) - first["first_order"]).dt.days
    age = age.where((first["first_order"] - first["first_order"].min()).dt.days >= warm_up_days)
    money = "margin" if "margin" in first and first["margin"].notna().any() else "revenue"
    cohort, earlier = (first.loc[age.between(k * YEAR, (k + 1) * YEAR - 1), money] for k in (1, 2))
    if len(cohort) < 2:
        raise NotEnoughDataError(
            f"No new customer's first year is whole: it takes first orders {YEAR} to {2 * YEAR} days ago, and those of "
            f"the log's first {warm_up_days} days may be old customers'."
        )
    values, rng = cohort.to_numpy(float), np.random.default_rng(0)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(1000)]
    low, high = np.quantile(means, (0.025, 0.975))
    return _row(
        "Lifetime value, first year",
        f"{money} per new customer in the {YEAR} days from the first order "
        f"(without who first appears in the log's first {warm_up_days} days)",
        float(cohort.mean()),
        (float(low), float(high)),
        len(cohort),
        "the cohort a year before",
        earlier,
    )


def readable(rows: pd.DataFrame) -> pd.DataFrame:
    """The figures as text (shares in percent, money rounded), because one column holds both."""

    def write(row: pd.Series, value: float) -> str:
        return (
            "–" if pd.isna(value) else f"{value:,.0f}" if abs(row["value"]) > 1 else f"{value:.1%}"
        )

    return pd.DataFrame(
        {
            "figure": [
                f"{write(r, r['value'])} ({write(r, r['value_low'])} to {write(r, r['value_high'])})"
                for _, r in rows.iterrows()
            ],
            "customers_or_leads": rows.get("n", []),
            "beside": [
                f"{write(r, r['comparison'])} ({r['compared_with']})" for _, r in rows.iterrows()
            ],
            "what_it_is": rows.get("definition", []),
        },
        index=rows.index.rename("case figure"),
    )
