"""Bridges add up exactly, stress does what it says, and the reverse stress finds the edge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lab.act import market
from segment_lab.act.market import Scenario
from segment_lab.errors import ConfigError, NotEnoughDataError

PERIOD = st.lists(
    st.tuples(st.integers(0, 6), st.floats(-50, 500, allow_nan=False)),
    min_size=5,
    max_size=5,
)


def period(rows):
    frame = pd.DataFrame(rows, columns=["orders", "revenue"], index=list("abcde"))
    return frame[frame.ne(0).any(axis=1)]


def test_movement_by_hand():
    before = pd.DataFrame(
        {"orders": 1, "revenue": [10.0, 20.0, 30.0]}, index=["up", "down", "lost"]
    )
    after = pd.DataFrame(
        {"orders": 1, "revenue": [15.0, 12.0, 7.0, 9.0]},
        index=["up", "down", "new", "back"],
    )
    out = market.movement(before, after, pd.Index(["up", "down", "lost", "back"]))
    assert out["change"].to_dict() == {
        "new": 7,
        "reactivated": 9,
        "expanded": 5,
        "contracted": -8,
        "lost": -30,
    }
    assert out["customers"].tolist() == [1] * 5
    assert out["share_of_before"].sum() == pytest.approx(-17 / 60)


def test_bridge_by_hand():
    # 10 customers × 2 orders × 5 = 100 become 5 × 4 × 10 = 200: ln parts -ln2 : +ln2 : +ln2 of L =
    # 100 / ln 2.
    before = pd.DataFrame({"orders": 2, "revenue": 10.0}, index=range(10))
    after = pd.DataFrame({"orders": 4, "revenue": 40.0}, index=range(5))
    segments = pd.Series(pd.Categorical(["A"] * 10, ["A"]), index=range(10))
    row = market.bridge(before, after, segments, segments).loc["A"]
    assert row[
        ["customers", "orders_per_customer", "basket"]
    ].tolist() == pytest.approx([-100, 100, 100])


def test_each_period_is_told_by_who_was_in_the_segment_when_it_began():
    before = pd.DataFrame({"orders": 1, "revenue": [90.0, 10.0]}, index=["a", "b"])
    after = pd.DataFrame({"orders": 1, "revenue": [10.0, 80.0, 5.0]}, index=list("abc"))
    then = pd.Series(
        pd.Categorical(["Best", "Rest"], ["Best", "Rest"]), index=list("ab")
    )
    now = pd.Series(
        pd.Categorical(["Rest", "Best"], ["Best", "Rest"]), index=list("ab")
    )
    out = market.bridge(before, after, then, now)
    assert out["change"].to_dict() == {"Best": -10.0, "Rest": 0.0, "New customers": 5.0}


@given(PERIOD, PERIOD)
def test_bridge_and_movement_add_up_whatever_happens(one, two):
    before, after = period(one), period(two)
    segments = pd.Series(
        pd.Categorical(["A", "A", "B", "B"], ["A", "B", "Empty"]), index=list("abcd")
    )
    change = after["revenue"].sum() - before["revenue"].sum()
    later = segments.reindex(list("dcba")).set_axis(list("abcd"))
    out = market.bridge(before, after, segments, later)
    assert out[list(market.FACTORS)].sum(axis=1).to_numpy() == pytest.approx(
        out["change"].to_numpy(), abs=1e-8
    )
    assert out["change"].sum() == pytest.approx(change, abs=1e-8)
    assert list(out.index) == ["A", "B", "Empty", "New customers"]
    assert np.isfinite(out.to_numpy(float)).all()
    assert market.movement(before, after, before.index)[
        "change"
    ].sum() == pytest.approx(change, abs=1e-8)


def base(n=400):
    revenue = np.r_[2_000.0, 1_000.0, np.full(n - 2, 100.0)]
    return pd.DataFrame(
        {"revenue": revenue, "days_to_pay": 30.0, "loss_rate": 0.05}, index=range(n)
    )


def test_stress_medians_follow_the_arithmetic():
    out = market.stress(base(), draws=400)
    total = base()["revenue"].sum()
    now = out.loc["as_it_is"]
    assert now["revenue"] == pytest.approx(total, rel=0.04)
    assert now["revenue_low"] < now["revenue"] < now["revenue_high"]
    assert now["cash"] == pytest.approx(now["revenue"] * (2 / 3) * 0.95)
    assert out.loc["basket", "revenue"] == pytest.approx(0.85 * now["revenue"])
    assert out.loc["days_to_pay", "cash"] == pytest.approx(now["cash"] / 2)
    assert out.loc["roll_rates", "cash"] == pytest.approx(now["cash"] * 0.90 / 0.95)
    assert out.loc["largest", "revenue"] == pytest.approx(total - 2_000, rel=0.03)
    assert out.loc["five_largest", "revenue"] == pytest.approx(total - 3_300, rel=0.03)
    assert out.loc["customers", "revenue"] == pytest.approx(0.8 * total, rel=0.04)
    pd.testing.assert_frame_equal(out, market.stress(base(), draws=400))


def test_nothing_happens_in_the_scenario_of_nothing():
    flat = pd.DataFrame({"revenue": np.full(50, 10.0)})
    row = market.stress(flat, {"none": Scenario()}).iloc[0]
    assert row.tolist() == [500] * 6


def test_stress_needs_revenue_and_sane_scenarios():
    with pytest.raises(NotEnoughDataError):
        market.stress(pd.DataFrame({"revenue": [0.0, -5.0]}))
    with pytest.raises(ConfigError):
        Scenario(customers=1.2)


def test_concentration_by_hand():
    out = market.dependence(pd.Series([60.0, 30.0, 10.0, 0.0, -5.0]))
    assert out == pytest.approx(
        {
            "hhi": 0.46,
            "equal_customers": 1 / 0.46,
            "largest_share": 0.6,
            "top_5_share": 1,
        }
    )
    with pytest.raises(NotEnoughDataError):
        market.dependence(pd.Series([0.0, -5.0]))


def test_without_invoices_nobody_pays_late_and_nothing_is_a_bad_debt():
    till = base()[["revenue"]]
    out = market.stress(till, draws=50)
    assert set(market.SCENARIOS) - set(out.index) == {"days_to_pay", "roll_rates"}
    assert out["cash"].tolist() == pytest.approx(out["revenue"].tolist())
    levers = market.reverse_stress(till, 0.8 * till["revenue"].sum())
    assert levers.index.tolist() == [
        "customers",
        "basket",
        "largest",
    ]
    assert market.applicable(till)["everything"] == Scenario(0.2, 0.15, largest=1)
    assert market.applicable(base()) == dict(market.SCENARIOS)


def test_reverse_stress_finds_the_edge():
    cash = base()["revenue"].sum() * (2 / 3) * 0.95
    out = market.reverse_stress(base(), 0.8 * cash)["breaks_at"]
    assert out["customers"] == pytest.approx(20)
    assert out["basket"] == pytest.approx(20)
    assert out["days_to_pay"] == pytest.approx(12)
    assert out["roll_rates"] == pytest.approx(0.24 / 0.05)
    assert out["largest"] == 58
    assert market.reverse_stress(base(), -1)["breaks_at"].isna().all()


def test_payment_behaviour_by_hand():
    day = pd.Timestamp
    history = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "issue_date": [day("2026-01-01"), day("2026-01-01"), day("2026-01-01")],
            "due_date": [day("2026-01-31")] * 3,
            "closed_on": [day("2026-02-10"), None, None],
            "amount": [100.0, 300.0, 50.0],
            "open_amount": [0.0, 200.0, 50.0],
        }
    )
    history["closed_on"] = pd.to_datetime(history["closed_on"])
    out = market.payment(history, "2026-06-30")
    assert out["days_to_pay"].tolist()[0] == 40
    assert out["loss_rate"].tolist() == [0.5, 1]
    # In April nothing is gone yet, and what is open has waited until 31 March: 89 days, not the 40
    # of the paid one.
    april = market.payment(history, "2026-04-01")
    assert april["loss_rate"].tolist() == [0, 0]
    assert april["days_to_pay"].tolist() == [(40 + 89) / 2, 89]
    # Ninety days overdue on the balance day, 1 May, is not yet gone; a day later it is, and the
    # terms stand in.
    assert market.payment(history, "2026-05-02").loc["b"].tolist() == [120, 0]
    assert market.payment(history, "2026-05-03").loc["b"].tolist() == [30, 1]
    assert market.payment(history, "2026-01-20").loc["b", "days_to_pay"] == 30


def test_verdicts_that_a_worse_market_overturns():
    known = pd.DataFrame(
        {
            "margin_per_conversion": [50.0],
            "margin_se": [5.0],
            "natural_rate": [0.5],
            "planning_rate": [0.4],
        },
        index=["A"],
    )
    worse = market.worsened(known, Scenario(customers=0.2, basket=0.5))
    assert worse.iloc[0].tolist() == pytest.approx([25, 2.5, 0.4, 0.32])
    verdicts = {
        n: pd.DataFrame({"action": ["x", "y"], "verdict": v}, index=["A", "B"])
        for n, v in {
            "now": ["pilot", "pilot"],
            "worse": ["do not (uneconomic)", "pilot"],
        }.items()
    }
    out = market.changed(verdicts["now"], {"worse": verdicts["worse"]})
    assert out.to_dict("index") == {
        "A": {"action": "x", "verdict": "pilot", "worse": "do not (uneconomic)"}
    }
