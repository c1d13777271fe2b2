"""Forecasts by the season, and by how the last one did: by hand and against simulated truth."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.customers.forecast import (
    FOLLOWS,
    LastTime,
    forecast,
    level,
    usual_errors,
)
from segment_lab.customers.states import StateRule

TODAY = dt.date(2026, 1, 1)
#: Nothing but the last quarter of the year counts much.
SEASON = (0.4,) * 9 + (2.0, 3.0, 3.4)


def customers(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    tenure = rng.integers(30, 700, n)
    table = pd.DataFrame({"tenure_days": tenure, "frequency": rng.geometric(0.2, n)})
    table["recency_days"] = np.where(
        table["frequency"] > 1, rng.uniform(0, tenure).round(), tenure
    )
    return table.assign(monetary_value=20.0)


def test_days_ahead_count_by_the_season():
    rule = StateRule(30.0, None, SEASON, TODAY)
    usual = 365.25 / sum(d * w for d, w in zip(MONTH_DAYS, SEASON, strict=True))
    assert rule.days_ahead(31) == pytest.approx(31 * 0.4 * usual, rel=0.01)
    summer = StateRule(30.0, None, SEASON, dt.date(2025, 10, 1))
    assert summer.days_ahead(92) > 5 * rule.days_ahead(90)
    assert StateRule(30.0).days_ahead(90) == 90


MONTH_DAYS = (31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def test_the_level_moves_half_of_the_way_and_not_on_few_orders():
    table = customers()
    rule = StateRule.learn(table)
    plain = forecast(table, rule, 90)
    expected = plain["expected_orders"].sum()
    last = LastTime(rule, table, 2 * expected)
    assert level(last, 90) == pytest.approx(2**FOLLOWS, rel=0.01)
    moved = forecast(table, rule, 90, last)
    for column in ("expected_orders", "expected_revenue"):
        ratio = (moved[column] / plain[column]).to_numpy()
        assert ratio == pytest.approx(2**FOLLOWS, rel=0.01)
    assert moved["p_active"].equals(plain["p_active"])
    few = table.head(8)
    assert level(LastTime(rule, few, 100.0), 90) == 1.0
    assert 0 < level(LastTime(rule, table, 0.0), 90) < 0.1


def test_prospects_have_no_forecast():
    table = customers(60)
    rule = StateRule.learn(table)
    table.loc[5, ["frequency", "recency_days", "tenure_days"]] = [0, np.nan, np.nan]
    found = forecast(table, rule, 90)
    assert found.loc[5].isna().all()
    assert found.drop(index=5).notna().all(axis=None)


def test_a_quiet_season_is_not_forecast_from_the_busy_one():
    """Everybody stays and orders by the season alone; the model that knows no calendar expects
    the months after the season to go on as before."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2023-01-01", "2026-03-31")
    weight = np.array([SEASON[day.month - 1] for day in days])
    rows = []
    for i in range(300):
        first = rng.integers(0, 700)
        often = rng.gamma(2.0, 0.01)
        bought = rng.random(len(days)) < often * weight
        bought[:first] = False
        bought[first] = True
        rows += [(f"c{i}", day, 20.0) for day in days[bought]]
    orders = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    study = sl.Study.from_frames({"orders": orders}, as_of="2026-04-01")
    then = study.at(TODAY)
    came = then.outcomes(90)["future_orders"].sum()
    expected = then.customers(predict=True)["expected_orders"].sum()
    assert 0.8 < expected / came < 1.25
    blind = StateRule.learn(then.customers())
    assert forecast(then.customers(), blind, 90)["expected_orders"].sum() > 1.5 * came


def test_earlier_forecasts_are_made_as_of_their_day_and_held_against_what_came():
    rng = np.random.default_rng(3)
    days = pd.date_range("2025-01-01", "2026-03-31")
    rows = [
        (f"c{i}", day, 20.0)
        for i in range(200)
        for day in days[rng.random(len(days)) < 0.02]
    ]
    orders = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    study = sl.Study.from_frames({"orders": orders}, as_of="2026-04-01")
    check = study.forecast_check()
    # A fifth day would leave less than a horizon before it.
    assert [str(day) for day in check.index] == [
        "2026-01-01",
        "2025-10-03",
        "2025-07-05",
        "2025-04-06",
    ]
    then = study.at("2025-10-03")
    expected = then.customers(predict=True)["expected_orders"].sum()
    assert check["expected_orders"].iloc[1] == expected
    came = orders[(orders["order_date"] >= "2025-10-03")]
    known = set(orders[orders["order_date"] < "2025-10-03"]["customer_id"])
    came = came[came["customer_id"].isin(known) & (came["order_date"] < "2026-01-01")]
    assert check["came_orders"].iloc[1] == len(came)
    assert usual_errors(check)["days"] == 4
    assert study.at("2025-06-01").forecast_check().empty


def test_the_usual_error_counts_too_much_and_too_little_alike():
    check = pd.DataFrame(
        {
            "expected_orders": [100.0, 100.0, 10.0],
            "came_orders": [125.0, 80.0, 90.0],
            "expected_revenue": [300.0, 100.0, 1.0],
            "came_revenue": [100.0, 300.0, 9.0],
        }
    )
    # The third forecast is too small to tell.
    found = usual_errors(check)
    assert found == pytest.approx({"days": 2, "orders": 0.25, "revenue": 2.0})
    assert usual_errors(check.tail(1)) == {}
