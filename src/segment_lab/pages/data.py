"""What the data report shows: the account of every line, the base at a glance, and the sentences
that sum it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from segment_lab.customers import overview
from segment_lab.show.html import Html, group, note
from segment_lab.study.study import Study


@dataclass(frozen=True)
class DataReport:
    """Everything the notebook ``00_data`` shows, as plain tables, sentences and alt texts."""

    sentences: tuple[str, ...]
    figures: dict[str, Any]
    rule: str
    account: pd.DataFrame
    tables: pd.DataFrame
    remarks: Html
    returns: pd.DataFrame
    months: pd.DataFrame
    cohorts: pd.DataFrame
    orders: pd.Series
    concentration: pd.DataFrame
    alt: dict[str, str]


def data_report(study: Study) -> DataReport:
    """Read every table of a study and describe what came in."""
    study.check()
    orders, customers, intake = study.orders(), study.customers(), study.intake("orders")
    months = overview.monthly(orders)
    cohorts = overview.cohorts(orders, study.window.as_of)
    counts, top = overview.orders_per_customer(customers), overview.concentration(customers)
    account = _account(study)
    returns = overview.returns_effect(intake.lines, study.window, intake.reading.decimals)
    return DataReport(
        _sentences(study, customers, account, months, top),
        _figures(customers, account, top),
        f"Window: {study.window}. Returns: {study.config.returns}. Repeated rows: {intake.source.duplicates}.",
        account.set_index("reason"),
        _tables(study),
        _remarks(study),
        returns,
        months,
        cohorts,
        counts,
        top,
        _alt(months, overview.full_months(months, study.window), cohorts, counts),
    )


def _account(study: Study) -> pd.DataFrame:
    account, left_out = study.account(), study.intake("orders").left_out
    if left_out:
        rule = f"left out by where: {study.intake('orders').reading.where}"
        extra = pd.DataFrame({"reason": [rule], "lines": [left_out], "revenue": [float("nan")]})
        account = pd.concat([account, extra], ignore_index=True)
    account["share"] = account.lines / account.lines.sum()
    return account[["reason", "lines", "share", "revenue"]]


def _sentences(
    study: Study,
    customers: pd.DataFrame,
    account: pd.DataFrame,
    months: pd.DataFrame,
    top: pd.DataFrame,
) -> tuple[str, ...]:
    accepted, read = account.lines.iloc[0], account.lines.sum()
    money = f"{study.currency} {customers.revenue.sum():,.0f}".strip()
    once = (customers.frequency == 1).mean()
    sentences = [
        f"{accepted:,} of {read:,} order lines ({accepted / read:.1%}) could be used: {len(customers):,} customers, "
        f"{customers.frequency.sum():,} orders and {money} of revenue, {study.window}.",
        f"{once:.0%} of the customers bought only once; the largest 20% hold "
        f"{top.revenue_share['largest 20%']:.0%} of the revenue.",
    ]
    change = overview.trend(months, pd.Timestamp(study.window.as_of))
    if change and change[1] > 0:
        now, then = change
        word = "more" if now > then else "less"
        sentences.append(
            f"The last three full months brought {abs(now / then - 1):.0%} {word} revenue than the same "
            "months a year before."
        )
    return tuple(sentences)


def _figures(customers: pd.DataFrame, account: pd.DataFrame, top: pd.DataFrame) -> dict[str, Any]:
    return {
        "customers": len(customers),
        "orders": int(customers.frequency.sum()),
        "revenue": float(customers.revenue.sum()),
        "accepted_share": float(account.lines.iloc[0] / account.lines.sum()),
        "revenue_share_of_the_largest_20%": float(top.revenue_share["largest 20%"]),
    }


def _tables(study: Study) -> pd.DataFrame:
    rows = []
    for name in study.config.sources:
        intake = study.intake(name)
        read = int(intake.counts.sum()) + intake.left_out
        rows.append(
            (
                name,
                intake.raw.label,
                read,
                int(intake.counts["accepted"]),
                intake.left_out,
                int(intake.counts.sum() - intake.counts["accepted"]),
            )
        )
    columns = ["table", "file", "rows read", "accepted", "left out", "rejected"]
    return pd.DataFrame(rows, columns=columns).set_index("table")


def _remarks(study: Study) -> Html:
    notes = [
        note(f"{name}: {remark}.")
        for name in study.config.sources
        for remark in study.intake(name).remarks()
    ]
    if quick := overview.rhythm(study.customers(), study.config.strategy.horizon_days):
        notes.append(note(f"orders: {quick}."))
    return (
        group(*notes)
        if notes
        else note("Nothing odd was noticed: no repeated rows, no blanks around ids.")
    )


def _alt(
    months: pd.DataFrame, full: pd.DataFrame, cohorts: pd.DataFrame, counts: pd.Series
) -> dict[str, str]:
    """What the pictures tell; months that the log holds only in part are neither the best nor the
    worst."""
    best, worst = full.revenue.idxmax(), full.revenue.idxmin()
    whole = f", {len(full)} of them whole" if len(full) < len(months) else ""
    first = cohorts.iloc[:, 1].dropna() if cohorts.shape[1] > 1 else pd.Series(dtype=float)
    later = (
        f"between {first.min():.0%} and {first.max():.0%} of a quarter's new customers bought again in the next"
        if len(first)
        else "no later quarter is over yet"
    )
    return {
        "revenue": f"Revenue in {len(months)} months{whole}; highest in {best:%B %Y} ({full.revenue.max():,.0f}), "
        f"lowest in {worst:%B %Y} ({full.revenue.min():,.0f}).",
        "customers": f"Customers who bought per month, from {full.customers.min():,} to {full.customers.max():,}; "
        f"{full.new_customers.iloc[-1]:,} of {full.customers.iloc[-1]:,} in {full.index[-1]:%B %Y} were "
        "new.",
        "cohorts": f"{len(cohorts)} cohorts by quarter of the first order; {later}.",
        "orders": f"{counts.iloc[0]:,} customers placed one order, {counts.iloc[1]:,} two; {counts.iloc[-1]:,} placed "
        f"{counts.index[-1].replace('+', ' or more')}.",
    }
