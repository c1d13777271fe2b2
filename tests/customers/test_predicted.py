"""Predictions: the published fits, simulated truth, and customers at the edge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from datasets import dataset
from segment_lab.customers.predicted import OrderModel, SpendModel, _distinct, predict


def world(n: int = 4000, weeks: float = 52, ahead: float = 26, seed: int = 1):
    """Customers who order and leave as BG/NBD says, and their orders in the `ahead` weeks after."""
    rng = np.random.default_rng(seed)
    rate, leave = rng.gamma(1.2, 1 / 8, n), rng.beta(0.8, 3.0, n)
    known = rng.uniform(10, weeks, n)
    rows, future = [], []
    for lam, p, t in zip(rate, leave, known, strict=True):
        at, times, later = 0.0, [], 0
        while rng.uniform() > p or (not times and at == 0):
            at += rng.exponential(1 / lam)
            if at > t + ahead:
                break
            if at <= t:
                times.append(at)
            else:
                later += 1
        rows.append((len(times), times[-1] * 7 if times else 0.0, t * 7))
        future.append(later)
    table = pd.DataFrame(rows, columns=["repeat_frequency", "t_x", "tenure_days"])
    table = table.assign(frequency=table["repeat_frequency"] + 1, monetary_value=10.0)
    return table, pd.Series(future)


def test_the_published_fit_of_cdnow():
    """Fader, Hardie & Lee (2005): 2,357 customers, calibration to 1997-09-30."""
    rows = pd.read_csv(
        dataset("cdnow", "cdnow_customers_summary_with_transactions.csv")
    )
    table = pd.DataFrame(
        {
            "repeat_frequency": rows["x"],
            "t_x": rows["t_x"] * 7,
            "tenure_days": rows["T"] * 7,
        }
    )
    found = OrderModel.fit(table)
    assert [found.r, found.alpha, found.a, found.b] == pytest.approx(
        [0.2426, 4.4135, 0.7929, 2.4258], abs=2e-3
    )
    assert found.log_likelihood == pytest.approx(-9582.43, abs=0.05)
    repeat = rows[rows["x"] > 0]
    spend = SpendModel.fit(repeat["x"].to_numpy(), repeat["zbar"].to_numpy())
    assert [spend.p, spend.q, spend.gamma] == pytest.approx(
        [6.25, 3.74, 15.45], abs=0.02
    )


def test_what_came_is_what_was_expected_where_the_model_is_true():
    table, came = world()
    model = OrderModel.fit(table)
    expected = model.expected(table, days=26 * 7)
    assert expected.sum() / came.sum() == pytest.approx(1, abs=0.06)
    halves = pd.qcut(expected, 2, labels=False, duplicates="drop")
    ratio = pd.Series(expected).groupby(halves).sum() / came.groupby(halves).sum()
    assert ratio.to_numpy() == pytest.approx([1, 1], abs=0.15)


def test_silence_lowers_the_chance_and_first_orders_tell_nothing():
    model = OrderModel(0.25, 4.4, 0.8, 2.4)
    table = pd.DataFrame(
        {"repeat_frequency": [0, 5, 5, 5], "t_x": [0, 200, 100, 20], "tenure_days": 210}
    )
    chance = model.active(table)
    assert chance[0] == 1
    assert (np.diff(chance[1:]) < 0).all()
    assert (np.diff(model.expected(table, 90)[1:]) < 0).all()


def test_eager_buyers_and_long_horizons_stay_finite():
    table = pd.DataFrame(
        {
            "repeat_frequency": [0, 3, 900, 5000],
            "t_x": [0, 0, 360, 3600],
            "tenure_days": [0, 9, 365, 3650],
        }
    )
    for a in (0.4, 1.0, 3.0):
        found = OrderModel(0.25, 4.4, a, 2.4).expected(table, days=1095)
        assert np.isfinite(found).all()
        assert (found >= 0).all()
    slow = OrderModel(0.25, 4.4, 0.8, 2.4)
    weeks = [slow.expected(table, days)[2] for days in (7, 14, 28)]
    assert weeks[0] < weeks[1] < weeks[2] < 900


def test_a_few_orders_are_drawn_to_the_mean_of_all_and_many_are_not():
    rng = np.random.default_rng(0)
    orders = rng.integers(1, 8, 800)
    own = 40 / rng.gamma(4, 1 / 3, 800)
    mean = np.array(
        [rng.gamma(6 * n, m / (6 * n)) for n, m in zip(orders, own, strict=True)]
    )
    model = SpendModel.fit(orders, mean)
    few, many = model.expected(np.array([1, 200]), np.array([400.0, 400.0]))
    assert few < 0.8 * many
    assert many == pytest.approx(400, rel=0.02)
    assert model.expected(np.array([3, 3]), np.array([0.0, -5.0]))[0] > 0


def test_the_table_has_a_row_for_everybody_and_nothing_for_prospects():
    table, _ = world(n=300)
    prospects = table.head(2).assign(
        frequency=0, repeat_frequency=0, t_x=np.nan, tenure_days=np.nan
    )
    everybody = pd.concat([table, prospects.set_axis(["p", "q"])])
    found = predict(everybody, days=90)
    assert found.index.equals(everybody.index)
    assert found.loc[["p", "q"]].isna().all(axis=None)
    assert found.drop(index=["p", "q"]).notna().all(axis=None)
    once = table.assign(repeat_frequency=0, t_x=0.0, frequency=1)
    assert predict(once, days=90)["expected_orders"].between(0, 0.1).all()


def test_different_rows_and_how_often_they_come():
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 4, (500, 3)).astype(float)
    expected, times = np.unique(rows, axis=0, return_counts=True)
    found, counts = _distinct(rows)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(counts, times)
    assert len(_distinct(rows[:0])[0]) == 0
