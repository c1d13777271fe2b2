"""Periods of equal length and recent steps, counted by hand on a few orders."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.customers import trend

AS_OF = dt.date(2026, 1, 1)


def study(rows: list[tuple[str, str, str, float]]) -> sl.Study:
    frame = pd.DataFrame(
        rows, columns=["customer_id", "order_id", "order_date", "amount"]
    )
    return sl.Study.from_frames({"orders": frame}, as_of=AS_OF)


@pytest.fixture
def orders():
    return study(
        [
            ("a", "1", "2024-01-10", 10.0),
            ("a", "2", "2025-12-20", 30.5),
            ("a", "3", "2025-12-21", -0.5),
            ("b", "4", "2025-12-31", 5.0),
            ("b", "5", "2025-10-01", 7.0),
            ("c", "6", "2024-12-15", 100.0),
        ]
    ).orders()


def test_rolling_periods_end_before_their_day(orders):
    found = trend.rolling(orders, AS_OF, 30)
    last = found.iloc[-1]
    assert (last["revenue"], last["customers"], last["new_customers"]) == (35.0, 2, 0)
    year_before = found.loc["2025-01-01"]
    assert (
        year_before["revenue"],
        year_before["customers"],
        year_before["new_customers"],
    ) == (
        100.0,
        1,
        1,
    )
    assert len(found) == 13


def test_periods_before_the_log_are_left_out(orders):
    assert len(trend.rolling(orders, dt.date(2024, 4, 1), 60)) == 1


def test_a_first_order_is_the_first_of_all(orders):
    found = trend.rolling(orders, dt.date(2025, 10, 2), 30)
    assert found.iloc[-1]["new_customers"] == 1


def test_recent_steps_hold_the_last_year_by_thirty_days(orders):
    steps = trend.recent_steps(orders, AS_OF)
    assert steps.loc["a", 11] == 30.0
    assert steps.loc["b", 8] == 7.0
    assert steps.loc["b"].sum() == 12.0
    assert "c" not in steps.index


def test_the_last_active_year_ends_with_the_last_order(orders):
    spent = trend.last_active_year(orders)
    assert spent["c"] == 100.0
    assert spent["b"] == 12.0
    assert spent["a"] == 30.5  # the return of the day after is no part of it


def test_days_to_the_second_order_count_days_of_purchase(orders):
    assert trend.second_order_days(orders).to_dict() == {"a": 710.0, "b": 91.0}
