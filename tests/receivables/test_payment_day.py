"""The payment day of an invoice: habits, disputes, censoring, never; and honest figures on public
data."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from datasets import dataset
from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables import payment_check, payment_day, payment_model
from segment_lab.receivables.ledger import Ledger

DAY = "2026-01-01"


def history(n: int = 2000, never: float = 0.05, seed: int = 0) -> pd.DataFrame:
    """Two kinds of customers, who pay 10 days before and 20 days after the due date on average;
    disputed invoices 15 days later; some are never paid. Known until `DAY`."""
    rng = np.random.default_rng(seed)
    customer = rng.integers(0, 40, n)
    issued = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        rng.integers(0, 730, n), unit="D"
    )
    disputed = rng.random(n) < 0.2
    took = 30 + np.where(customer % 2, 20, -10) + 15 * disputed + rng.normal(0, 4, n)
    closed = issued + pd.to_timedelta(took.round(), unit="D")
    unpaid = (closed >= pd.Timestamp(DAY)) | (rng.random(n) < never)
    amount = rng.lognormal(5, 1, n).round(2)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in customer],
            "issue_date": issued,
            "due_date": issued + pd.Timedelta(days=30),
            "amount": amount,
            "disputed": disputed,
            "closed_on": pd.Series(closed).where(~unpaid).to_numpy(),
            "open_amount": np.where(unpaid, amount, 0.0),
        },
        index=pd.Index([f"I{number}" for number in range(n)], name="invoice_id"),
    )


@pytest.fixture(scope="module")
def model() -> payment_model.PaymentDays:
    return payment_model.learn(history(), DAY)


def test_habits_disputes_and_never_are_learned(model):
    new = pd.DataFrame(
        {
            "customer_id": ["c1", "c2", "c2", "stranger"],
            "issue_date": pd.Timestamp(DAY),
            "due_date": pd.Timestamp(DAY) + pd.Timedelta(days=30),
            "amount": 150.0,
            "disputed": [False, False, True, False],
        }
    )
    middle = np.median(model.days(new), axis=1)
    assert middle[:3] == pytest.approx([50, 20, 35], abs=1.5)
    assert middle[1] < middle[3] < middle[0]
    spread = np.ptp(model.days(new), axis=1)
    assert spread[3] > spread[0]  # nobody knows the stranger
    assert model.never_overall == pytest.approx(0.05, abs=0.02)


def test_what_has_passed_without_payment_counts(model):
    rows = history()
    old = rows[(rows["open_amount"] > 0) & (rows["due_date"] < "2025-09-01")]
    seen = payment_model.outlook(model, old, DAY)
    assert (seen.never > 0.5).mean() > 0.9  # long past their customers' habits
    total = seen.weights.sum(axis=1) + seen.never
    assert total == pytest.approx(np.ones(len(old)))
    days = payment_day.payment_days(model, rows[rows["open_amount"] > 0])
    assert (days["expected_on"] >= pd.Timestamp(DAY)).all()
    assert (days["earliest_on"] <= days["expected_on"]).all()
    assert days["late_share"].between(0, 1 + 1e-9).all()


def test_the_future_teaches_nothing():
    rows = history()
    known = payment_model.learn(rows, "2025-07-01")
    changed = rows.assign(
        closed_on=rows["closed_on"].where(
            rows["closed_on"] < "2025-07-01", pd.Timestamp(DAY)
        )
    )
    again = payment_model.learn(changed, "2025-07-01")
    assert np.array_equal(known.residuals, again.residuals)


def test_the_calendar_adds_up_and_calls_follow_the_money(model):
    rows = history()
    unpaid = rows[rows["open_amount"] > 0]
    calendar = payment_day.cash_calendar(model, unpaid, weeks=60)
    never = payment_model.outlook(model, unpaid, DAY).never
    paid = (unpaid["open_amount"] * (1 - never)).sum()
    assert calendar["expected"].sum() == pytest.approx(paid, rel=0.01)
    assert (calendar["expected_low"] <= calendar["expected_high"]).all()
    calls = payment_day.call_order(payment_day.payment_days(model, unpaid), DAY)
    assert calls["not_coming"].is_monotonic_decreasing
    assert (calls["not_coming"] <= calls["overdue_amount"] + 1e-6).all()


def test_too_few_payments_are_said():
    with pytest.raises(NotEnoughDataError, match="50 paid invoices"):
        payment_model.learn(history(40), DAY)


def test_the_public_ledger_is_forecast_better_than_by_own_means():
    """2,466 invoices, judged week by week on what was known then."""
    path = dataset("accounts_receivable", "WA_Fn-UseC_-Accounts-Receivable.csv")
    raw = pd.read_csv(path)
    days = {
        name: pd.to_datetime(raw[column], format="%m/%d/%Y")
        for name, column in (
            ("issue_date", "InvoiceDate"),
            ("due_date", "DueDate"),
            ("settled_date", "SettledDate"),
        )
    }
    table = pd.DataFrame(
        {
            "invoice_id": raw["invoiceNumber"].astype("str"),
            "customer_id": raw["customerID"],
            "amount": raw["InvoiceAmount"],
            "disputed": raw["Disputed"] == "Yes",
            **days,
        }
    )
    known = payment_model.payment_history(Ledger(ibis.memtable(table)), "2014-06-01")
    found = payment_check.payment_check(known, "2013-12-30", stops=30)
    assert (
        found.loc["days_missed", "forecast"] < 5 < found.loc["days_missed", "own_mean"]
    )
    assert found.loc["late_auc", "forecast"] > 0.91
    assert 0.87 <= found.loc["inside", "forecast"] <= 0.93
    missed = found.loc["weekly_cash_missed"]
    assert missed["forecast"] < 0.75 * missed["own_mean"]
