"""Forecasts by the season, and by how the last one did: by hand and against simulated truth."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.customers.forecast import FOLLOWS, LastTime, forecast, level
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
