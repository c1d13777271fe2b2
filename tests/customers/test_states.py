"""States by the own rhythm: by hand, in SQL, over seasons, and against who came back."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import segment_lab as sl
from datasets import dataset
from segment_lab.customers.predicted import OrderModel
from segment_lab.customers.states import (
    StateRule,
    falls,
    return_rates,
    seasonal_weights,
)
from segment_lab.data import embedded

MODEL = OrderModel(0.5, 6.0, 0.6, 1.4, from_start=True)
RULE = StateRule(30.0, MODEL)
SEASON = (0.1, 0.1, 0.3, 0.8, 1.8, 2.2, 2.4, 2.2, 1.4, 0.5, 0.1, 0.1)


def customers(*rows: tuple[int, int, int]) -> pd.DataFrame:
    """From days since the first order, days since the last, and orders."""
    table = pd.DataFrame(rows, columns=["tenure_days", "recency_days", "frequency"])
    table["t_x"] = table["tenure_days"] - table["recency_days"]
    return table.assign(repeat_frequency=(table["frequency"] - 1).clip(lower=0))


def test_states_by_hand():
    # A rhythm of (3 · 30 + span) / (3 + repeats) days: 30 of one order, 10 of 180 days and 24.
    table = customers(
        (45, 45, 1), (46, 46, 1), (105, 105, 1), (106, 106, 1), (195, 15, 25)
    )
    table = pd.concat([table, customers((196, 16, 25), (215, 35, 25), (216, 36, 25))])
    found = RULE.states(table.reset_index(drop=True))
    assert found["rhythm_days"].tolist() == pytest.approx([30] * 4 + [10] * 4)
    assert found["state"].tolist() == [
        *("new", "slowing", "slowing", "lapsed"),
        *("active", "slowing", "slowing", "lapsed"),
    ]


def test_the_chance_is_the_model_s_and_prospects_have_none():
    table = customers(
        (200, 3, 12), (200, 150, 12), (200, 200, 1), (0, 0, 1), (90, 90, 0)
    )
    found = RULE.states(table)
    assert found["p_active"].to_numpy()[:4] == pytest.approx(MODEL.active(table)[:4])
    assert found.iloc[4].isna().all()


def test_sql_says_the_same():
    rng = np.random.default_rng(0)
    rows = [
        (int(t), int(rng.integers(0, t + 1)), int(n))
        for t, n in zip(
            rng.integers(1, 1500, 300), rng.geometric(0.3, 300), strict=True
        )
    ]
    table = customers(*rows)
    rule = StateRule(30.0, MODEL, SEASON, dt.date(2026, 2, 10))
    expected = rule.states(table)
    con = embedded.connect()
    con.create_table("warehouse", table.reset_index(names="customer_id"))
    source = con.table("warehouse")
    query = source.select(
        "customer_id", state=rule.state(source), p_active=rule.p_active(source)
    )
    found = (
        con.raw_sql(ibis.to_sql(query, dialect="duckdb")).df().set_index("customer_id")
    )
    assert found["state"].loc[table.index].tolist() == expected["state"].tolist()
    assert found["p_active"].loc[table.index].to_numpy() == pytest.approx(
        expected["p_active"]
    )


def test_a_year_counts_a_year_and_quiet_months_count_little():
    rule = StateRule(30.0, MODEL, SEASON, dt.date(2026, 2, 10))
    days = pd.DataFrame({"days": [0.0, 40.0, 365.25, 730.5]})
    found = embedded.evaluate(days, lambda table: rule.days(table.days).cast("float64"))
    assert found[[0, 2, 3]] == pytest.approx([0, 365.25, 730.5], abs=0.01)
    assert found[1] < 10
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("odd", [None, 0.5, -3.0, 1e7])
def test_days_looked_up_are_those_that_the_engine_counts(odd):
    """To the last bit, unknown days too; days that no calendar holds are left to the engine."""
    season = tuple(np.random.default_rng(3).uniform(0.2, 2, 12))
    rule = StateRule(40.0, None, season, dt.date(2025, 3, 17))
    tenure = np.append(np.arange(3000.0), np.nan)
    rows = pd.DataFrame({"recency_days": tenure // 3, "tenure_days": tenure})
    rows["frequency"] = 2.0
    if odd is not None:
        rows.loc[7, "recency_days"] = odd
    rules = {"silence": rule.silence, "known": rule.known, "rhythm": rule.rhythm}
    counted = embedded.evaluate_all(rows, rules, rule.clocked)
    timed = rule.timed(rows)
    assert ("_silence" in timed) == (odd is None)
    found = embedded.evaluate_all(timed, rules, rule.clocked)
    for name in rules:
        np.testing.assert_array_equal(found[name], counted[name])


def test_weights_follow_the_season_and_not_the_growth():
    months = pd.date_range("2022-01-01", periods=48, freq="MS")
    growth = 100 * 1.03 ** np.arange(48)
    wave = np.array([SEASON[month - 1] for month in months.month])
    assert seasonal_weights(pd.Series(growth, months)) == pytest.approx(
        [1] * 12, abs=0.03
    )
    assert seasonal_weights(pd.Series(growth * wave, months)) == pytest.approx(
        SEASON, abs=0.25
    )
    assert seasonal_weights(pd.Series(growth, months).head(23)) == ()


def seasonal_log(n: int = 600, years: int = 3, seed: int = 0) -> pd.DataFrame:
    """Everybody stays a customer and orders by the season alone, 8 to 20 times a year."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2023-02-01", periods=365 * years, freq="D")
    weight = np.array([SEASON[month - 1] for month in days.month])
    who, when = [], []
    for i, rate in enumerate(rng.uniform(8, 20, n)):
        bought = days[rng.uniform(size=len(days)) < rate * weight / 365.25]
        who += [f"c{i}"] * len(bought)
        when += list(bought)
    return pd.DataFrame({"customer_id": who, "order_date": when, "amount": 10.0})


def test_seasonal_buyers_are_not_called_lapsed_in_their_off_season():
    log = seasonal_log()
    as_of = dt.date(2026, 1, 25)
    table = sl.customer_table(log, as_of=as_of)
    counts = log.groupby(log["order_date"].dt.to_period("M").dt.to_timestamp()).size()
    season = seasonal_weights(counts.asfreq("MS", fill_value=0).iloc[:-1])
    found = StateRule.learn(table, season, as_of).states(table)["state"]
    assert (found == "lapsed").mean() <= 0.05
    # Without the season most of them would be.
    blind = StateRule.learn(table).states(table)["state"]
    assert (blind == "lapsed").mean() > 0.5


def test_whether_fewer_come_back_from_state_to_state_is_told_apart_from_chance():
    state = pd.Series(
        ["active"] * 100 + ["slowing"] * 100 + ["lapsed"] * 100 + ["new"] * 10
    )
    fewer = pd.Series([i % 100 < (50, 30, 10, 5)[i // 100] for i in range(310)])
    assert return_rates(state, fewer)["share"].round(2).tolist() == [0.5, 0.5, 0.3, 0.1]
    assert falls(state, fewer)
    assert not falls(state, ~fewer)
    assert not falls(state, pd.Series([i % 2 == 0 for i in range(310)]))
    assert not falls(state, pd.Series(False, state.index))
    rng = np.random.default_rng(0)
    chance = [falls(state, pd.Series(rng.random(310) < 0.3)) for _ in range(1_000)]
    assert 0.012 < np.mean(chance) < 0.042


@pytest.mark.slow
def test_on_the_log_of_the_r_package_nothing_in_the_past_tells_who_orders_again():
    """Its orders fall on days that have nothing to do with the customer: no rule could do better.

    Neither silence nor the number of orders nor the rate ranks those who came back better than
    chance, on any of six days; so the states' rates cannot fall there, and the page says so.
    """
    rows = pd.read_csv(
        dataset("rfm_orders", "rfm_data_orders.csv"), parse_dates=["order_date"]
    )
    rows = rows.rename(columns={"revenue": "amount"})
    areas = []
    for as_of in ("2005-01-01", "2005-07-01", "2006-01-01", "2006-04-01", "2006-07-01"):
        day = pd.Timestamp(as_of)
        table = sl.customer_table(
            rows[["customer_id", "order_date", "amount"]], as_of=as_of
        )
        later = rows[rows["order_date"].between(day, day + pd.Timedelta(days=89))]
        back = table.index.isin(later["customer_id"])
        rate = table["frequency"] / table["tenure_days"].clip(lower=90)
        for told in (-table["recency_days"], table["frequency"], rate):
            areas.append(roc_auc_score(back, told))
    assert np.abs(np.mean(areas) - 0.5) < 0.02
    assert np.abs(np.array(areas) - 0.5).max() < 0.08


@pytest.mark.slow
@pytest.mark.parametrize("as_of", ["1998-01-02", "1998-04-02"])
def test_on_cdnow_fewer_come_back_from_state_to_state(as_of):
    rows = pd.read_csv(
        dataset("cdnow", "CDNOW_master.txt"),
        sep=r"\s+",
        skiprows=1,
        names=["customer_id", "order_date", "cds", "amount"],
        dtype={"order_date": "str", "customer_id": "str"},
    )
    rows["order_date"] = pd.to_datetime(rows["order_date"])
    table = sl.customer_table(rows, as_of=as_of)
    day = pd.Timestamp(as_of)
    later = rows[
        (rows["order_date"] >= day) & (rows["order_date"] < day + pd.Timedelta(days=90))
    ]
    back = pd.Series(table.index.isin(later["customer_id"]), table.index)
    found = StateRule.learn(table).states(table)
    rates = back.groupby(found["state"]).mean()
    assert falls(found["state"], back)
    assert rates["active"] > rates["slowing"] + 0.1
    assert rates["slowing"] > rates["lapsed"] + 0.1
    chances = found.groupby("state")["p_active"].mean()
    assert chances["active"] > chances["slowing"] > chances["lapsed"]
