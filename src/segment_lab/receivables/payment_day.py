"""What the payment days of open invoices say: the days themselves, whom to call, cash by week.

The model that they come from is `payment_model.learn`.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from segment_lab.receivables.payment_model import (
    POINTS,
    Outlook,
    PaymentDays,
    days_passed,
    design,
    outlook,
)
from segment_lab.window import as_date

DRAWS = 400
LEVEL = 0.9
CALL_DAYS = 30


def payment_days(model: PaymentDays, invoices: pd.DataFrame) -> pd.DataFrame:
    """When each open invoice will be paid, index as `invoices`.

    ``customer_id, open_amount, due_date``; ``expected_on`` (the middle day, if it is paid) with
    ``earliest_on`` and ``latest_on`` (90 % range); ``late_share`` (chance of a payment after the
    due date, or none; 1 once overdue), ``never_share`` and ``call_share`` (chance that it is still
    unpaid in 30 days).
    """
    seen = outlook(model, invoices, model.as_of)
    out = invoices[["customer_id", "open_amount", "due_date"]].copy()
    tail = (1 - LEVEL) / 2
    for name, level in (("expected", 0.5), ("earliest", tail), ("latest", 1 - tail)):
        wait = pd.to_timedelta(seen.quantile(level), unit="D")
        out[f"{name}_on"] = (invoices["issue_date"] + wait).dt.normalize()
    terms = (invoices["due_date"] - invoices["issue_date"]).dt.days.to_numpy()
    out["late_share"] = seen.beyond(terms)
    out["never_share"] = seen.never
    out["call_share"] = seen.beyond(days_passed(invoices, model.as_of) + CALL_DAYS)
    return out


def told(days: pd.DataFrame) -> pd.DataFrame:
    """`payment_days` with a day only for invoices that are more likely paid than not: what waited
    for longer than anybody has paid after would be expected today.

    Examples
    --------
    >>> day = pd.Timestamp("2026-07-01")
    >>> days = {"expected_on": day, "earliest_on": day, "latest_on": day, "never_share": [0.2, 0.9]}
    >>> told(pd.DataFrame(days))["expected_on"].notna().tolist()
    [True, False]
    """
    likely = days["never_share"] <= 0.5
    named = ("expected_on", "earliest_on", "latest_on")
    return days.assign(**{name: days[name].where(likely) for name in named})


def call_order(days: pd.DataFrame, as_of: dt.date | str) -> pd.DataFrame:
    """Whom the collector calls first: debtors by the overdue money that will not come by itself.

    `days` from `payment_days`. Per customer with overdue invoices: ``overdue_amount``,
    ``not_coming`` (overdue money expected to be still unpaid in 30 days without a call),
    ``never_amount`` (expected never to be paid), and ``expected_on`` of the largest overdue
    invoice of which a day is told.
    """
    late = days[days["due_date"] < pd.Timestamp(as_date(as_of)) - pd.Timedelta(days=1)]
    late = late.sort_values("open_amount", ascending=False, kind="stable")
    late = late.assign(
        not_coming=late["open_amount"] * late["call_share"],
        never_amount=late["open_amount"] * late["never_share"],
    )
    by = late.groupby("customer_id", sort=False)
    out = by.agg(
        overdue_amount=("open_amount", "sum"),
        not_coming=("not_coming", "sum"),
        never_amount=("never_amount", "sum"),
        expected_on=("expected_on", "first"),
    )
    return out.sort_values("not_coming", ascending=False, kind="stable")


def cash_calendar(
    model: PaymentDays, invoices: pd.DataFrame, weeks: int = 8, seed: int = 0
) -> pd.DataFrame:
    """Cash expected from the open invoices by week, index ``week`` (its first day).

    ``expected`` with its 90 % range ``expected_low, expected_high``. The range draws the habit of
    every customer once for all its invoices, and then each invoice's day. Invoices not yet issued
    are not in it.
    """
    starts = model.as_of + pd.to_timedelta(7 * np.arange(weeks), unit="D")
    money = invoices["open_amount"].to_numpy(dtype=float)
    expected = weekly(
        outlook(model, invoices, model.as_of), invoices, model.as_of, weeks
    )
    drawn = _drawn_weeks(model, invoices, weeks, money, np.random.default_rng(seed))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    out = {"expected": expected, "expected_low": low, "expected_high": high}
    return pd.DataFrame(out, index=pd.Index(starts, name="week"))


def weekly(
    seen: Outlook, invoices: pd.DataFrame, day: pd.Timestamp, weeks: int
) -> np.ndarray:
    week = (seen.days - days_passed(invoices, day)[:, None]) // 7
    money = invoices["open_amount"].to_numpy(dtype=float)
    paid = [
        (seen.weights * (week == number)).sum(axis=1) @ money for number in range(weeks)
    ]
    return np.array(paid)


def _drawn_weeks(
    model: PaymentDays,
    invoices: pd.DataFrame,
    weeks: int,
    money: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Cash by week in every draw, shape (DRAWS, weeks)."""
    fixed, own = design(invoices, model.as_of)
    habit, doubt = model.habits(invoices)
    codes, names = pd.factorize(invoices["customer_id"])
    first = np.unique(codes, return_index=True)[1]
    roots = np.linalg.cholesky(doubt[first] + 1e-9 * np.eye(2))
    passed = days_passed(invoices, model.as_of)
    seen = outlook(model, invoices, model.as_of)
    cash = np.zeros((DRAWS, weeks + 1))
    for draw in range(DRAWS):
        shift = (roots @ rng.standard_normal((len(names), 2, 1)))[:, :, 0]
        middle = fixed @ model.coefficients + (own * (habit + shift[codes])).sum(axis=1)
        # The residuals that are still possible are equally likely.
        start = np.searchsorted(model.residuals, passed - 0.5 - middle)
        left = np.maximum(POINTS - start, 1)
        pick = np.minimum(
            start + (rng.random(len(money)) * left).astype(int), POINTS - 1
        )
        days = np.maximum(np.round(middle + model.residuals[pick]), passed)
        week = np.clip((days - passed) // 7, 0, weeks).astype(int)
        week[rng.random(len(money)) < seen.never] = weeks
        cash[draw] = np.bincount(week, money, weeks + 1)
    return cash[:, :weeks]
