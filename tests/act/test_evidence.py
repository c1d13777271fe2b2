"""Evidence by hand: natural rates, money, returners, states."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segment_lab.act.evidence import (
    Happened,
    _alike,
    _natural,
    evidence,
    returners,
    state_shares,
)
from segment_lab.customers.rates import next_period
from segment_lab.data import embedded
from segment_lab.segments.segmentation import Segmentation

NAMES = ("A", "B", "C")


def people(n=120, margin=True):
    index = pd.Index([f"C{i:03d}" for i in range(n)], name="customer_id")
    frame = pd.DataFrame(
        {
            "revenue": 100.0,
            "frequency": 2,
            "recency_days": 10,
            "monetary_value": 50.0,
            "gap_days": 30.0,
        },
        index=index,
    )
    return frame.assign(margin=40.0) if margin else frame


def segments(index, split=(60, 40, 20)):
    return Segmentation(
        pd.Series(np.repeat(range(3), split), index=index), NAMES, "abc"
    )


@pytest.fixture(scope="module")
def facts():
    table = people()
    # In A 30 of 60 bought for 80, in B 4 of 40, in C nobody; ten treated buyers of A are left out.
    orders = pd.Series(0, table.index)
    orders.iloc[:30], orders.iloc[60:64] = 1, 2
    outcomes = pd.DataFrame({"future_orders": orders, "future_revenue": orders * 80.0})
    happened = Happened(
        segments(table.index, (40, 40, 40)), outcomes.iloc[:100], table.index[:10]
    )
    effort = pd.Series(10.0, index=table.index[60:100])
    return evidence(segments(table.index), table, happened, effort=effort)


def test_evidence_by_hand(facts):
    assert facts["customers"].tolist() == [60, 40, 20]
    assert facts["revenue_share"].tolist() == pytest.approx([0.5, 1 / 3, 1 / 6])
    # 20 of 30 bought; among the 60 of today chance comes on top.
    assert facts.loc[
        "A", ["next_rate_low", "next_rate_high"]
    ].tolist() == pytest.approx(next_period(20, 30, 60))
    assert facts.loc["A", "next_rate_low"] < facts.loc["A", "natural_rate_low"]
    # Earlier A: customers 0–39, 10 of them contacted, 20 of the other 30 bought.
    assert facts.loc["A", ["natural_n", "natural_rate"]].tolist() == pytest.approx(
        [30, 20 / 30]
    )
    assert facts.loc["A", "margin_per_conversion"] == pytest.approx(80 * 0.4)
    assert facts.loc["A", "planning_rate"] == pytest.approx(22 / 34)
    assert facts.loc["B", ["natural_n", "natural_rate"]].tolist() == pytest.approx(
        [40, 0.1]
    )
    # Only 4 bought in B: one order of its own stands in; in C nobody did.
    assert facts.loc["B", "margin_per_conversion"] == pytest.approx(50 * 0.4)
    assert facts.loc["C", ["natural_rate", "natural_rate_low"]].tolist() == [0, 0]
    assert facts.loc["C", "natural_rate_high"] == pytest.approx(0.088, abs=0.001)
    assert facts["effort_share"].tolist() == [0, 1, 0]
    assert facts["margin_basis"].tolist() == ["buyers", "one_order", "one_order"]
    assert not facts["lapsed"].any()


def test_contacted_buyers_teach_the_margin_before_one_order_does():
    table = people()
    seg = segments(table.index)
    outcomes = pd.DataFrame({"orders": 3, "revenue": 150.0}, index=table.index)
    row = evidence(seg, table, Happened(seg, outcomes, table.index[100:117])).loc["C"]
    assert row[["natural_n", "natural_source"]].tolist() == [103, "base"]
    assert row["margin_per_conversion"] == pytest.approx(150 * 0.4)
    assert row["margin_basis"] == "all_buyers"


def test_margin_is_declared_or_unknown_never_invented():
    table = people(margin=False)
    seg = segments(table.index)
    outcomes = pd.DataFrame(
        {"future_orders": 1, "future_revenue": 80.0}, index=table.index
    )
    declared = evidence(seg, table, Happened(seg, outcomes), margin_rate=0.3)
    assert declared["margin_per_conversion"].tolist() == pytest.approx([24, 24, 24])
    assert set(declared["margin_source"]) == {"declared"}
    unknown = evidence(seg, table, Happened(seg, outcomes))
    assert unknown["margin_per_conversion"].isna().all()
    assert set(unknown["margin_source"]) == {"unknown"}


def test_states_come_from_the_customers_or_from_the_usual_gap():
    table = people(4).assign(
        segment=["A", "A", "A", "B"],
        recency_days=[10, 40, 300, 5],
        frequency=[2, 2, 2, 1],
    )
    table["gap_days"] = [
        30.0,
        30,
        30,
        100,
    ]  # the usual one is 30, nine of ten lie within 79
    shares = state_shares(table, pd.Index(["A", "B"]))
    assert shares.loc["A"].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert shares.loc["B", "new_share"] == 1
    given = state_shares(table.assign(state="slowing"), pd.Index(["A", "B"]))
    assert given["slowing_share"].tolist() == [1, 1]


def test_returners_are_worth_what_they_spent_in_the_year_after():
    rows = pd.DataFrame(
        [
            ("a", "2020-01-01", 100),
            ("a", "2020-01-11", 300),
            ("a", "2021-01-01", 500),  # back after 356 days
            ("a", "2021-05-01", 40),
            ("a", "2021-09-01", 20),
            ("a", "2021-12-31", 10),  # day 364: counts
            ("a", "2022-01-01", 900),  # day 365: the next year
            ("b", "2020-01-01", 100),
            ("b", "2020-02-01", 100),  # no silence
            ("c", "2020-01-01", 100),
            ("c", "2023-06-01", 100),  # back, but the year is not over
        ],
        columns=["customer_id", "order_date", "amount_minor"],
    )
    rows["order_date"] = pd.to_datetime(rows["order_date"])
    lines = embedded.shared().create_table(
        "returner_lines", rows, temp=True, overwrite=True
    )
    found = returners(lines, "2023-12-31", 180)
    assert found["customer_id"].tolist() == ["a"]
    assert found.iloc[0][["silent_days", "usual_order", "year_revenue"]].tolist() == [
        356,
        200,
        570,
    ]


def test_a_returner_of_a_lapsed_segment_brings_a_year_not_an_order():
    table = people().assign(recency_days=400)
    seg = segments(table.index)
    outcomes = pd.DataFrame({"orders": 0, "revenue": 0.0}, index=table.index)
    returns = pd.DataFrame(
        {"silent_days": 500, "usual_order": 10.0, "year_revenue": 30.0}, index=range(60)
    )
    known = evidence(seg, table, Happened(seg, outcomes), returns=returns)
    assert known["lapsed"].all()
    # Three usual orders of 50 at a margin of 40 %.
    assert known["margin_per_conversion"].tolist() == pytest.approx([60, 60, 60])
    assert set(known["margin_basis"]) == {"returners"}
    # Within the horizon it is one usual order.
    assert known["margin_in_horizon"].tolist() == pytest.approx([20, 20, 20])
    few = evidence(seg, table, Happened(seg, outcomes), returns=returns.head(5))
    assert set(few["margin_basis"]) == {"one_order"}
    # Twenty were away as long; the forty longest away count: (20·30 + 20·10)/(40·10) = 2 orders.
    waits = pd.DataFrame(
        {
            "silent_days": [500] * 20 + [300] * 20 + [200] * 60,
            "usual_order": 10.0,
            "year_revenue": [30.0] * 20 + [10.0] * 20 + [0.0] * 60,
        }
    )
    longest = evidence(seg, table, Happened(seg, outcomes), returns=waits)
    assert longest["margin_per_conversion"].tolist() == pytest.approx([40, 40, 40])


def test_a_rolled_out_segment_is_judged_by_its_own_control_groups_and_then_by_its_like():
    states = pd.DataFrame(
        {
            "lapsed_share": [0.9, 0.8, 0.1],
            "active_share": [0.1, 0.2, 0.9],
            "new_share": 0.0,
            "slowing_share": 0.0,
        },
        index=["gone", "lost", "good"],
    )
    rows = pd.DataFrame(
        {
            "segment": ["gone"] * 3 + ["lost"] * 100 + ["good"] * 100,
            "orders": [0.0] * 3 + [1.0] * 4 + [0.0] * 96 + [1.0] * 60 + [0.0] * 40,
            "alone": True,
        }
    )
    held = pd.DataFrame({"customers": [106], "buyers": [4]}, index=["gone"])
    alike = _alike(states, "gone")
    assert alike == ["gone", "lost"]
    own = _natural(rows, "gone", held, alike)
    assert (own["natural_source"], own["natural_n"]) == ("held_out", 106)
    like = _natural(rows, "gone", None, alike)
    assert (like["natural_source"], like["natural_n"]) == ("alike", 103)
    assert like["natural_rate"] == pytest.approx(4 / 103)
    whole = _natural(rows, "gone", None, [])
    assert (whole["natural_source"], whole["natural_n"]) == ("base", 203)


@pytest.mark.parametrize(("n", "source"), [(19, "base"), (20, "own")])
def test_from_twenty_customers_on_a_segment_speaks_for_itself(n, source):
    rows = pd.DataFrame(
        {"segment": ["few"] * n + ["many"] * 100, "orders": 0.0, "alone": True}
    )
    assert _natural(rows, "few", None, [])["natural_source"] == source
