"""The base at a glance: its figures add up to those of the customer table, whatever came back."""

from __future__ import annotations

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.customers import overview
from segment_lab.pages.data import DataPage
from segment_lab.segments.abc import pareto

# b's first line returns something bought before the window, order 4 is cancelled under its own
# number, c only returns.
LOG = pd.DataFrame(
    [
        ("a", "1", "2026-01-01", 10.0),
        ("a", "2", "2026-03-11", 20.0),
        ("b", "R0", "2026-01-05", -4.0),
        ("b", "3", "2026-02-20", 7.0),
        ("a", "4", "2026-02-01", 3.0),
        ("a", "4", "2026-02-01", -3.0),
        ("c", "R1", "2026-02-05", -1.0),
        ("d", "5", "2026-02-02", 9.0),
        ("d", "R5", "2026-03-03", -9.5),
    ],
    columns=["customer_id", "order_id", "order_date", "amount"],
)


@pytest.mark.parametrize("returns", ["net", "drop"])
def test_the_months_add_up_to_the_customer_table(returns):
    study = sl.Study.from_frames({"orders": LOG}, as_of="2026-04-01", returns=returns)
    months, customers = overview.monthly(study.orders()), study.customers()
    assert months["revenue"].sum() == pytest.approx(customers["revenue"].sum())
    assert months["orders"].sum() == customers["frequency"].sum()
    alone = overview.orders_by_month(study.orders())
    pd.testing.assert_series_equal(alone, months["orders"])
    assert months["new_customers"].sum() == len(customers) == 3
    assert months["customers"].tolist() == (
        [1, 2, 1] if returns == "net" else [1, 3, 1]
    )


@pytest.mark.parametrize(
    ("gaps", "words"),
    [
        ([7.0] * 9 + [14.0], "strategy: {horizon_days: 8}"),
        ([2.0] * 10, "strategy: {horizon_days: 7}"),
        ([40.0] * 10, ""),
        ([7.0] * 5 + [float("nan")] * 5, ""),
    ],
)
def test_where_all_buy_within_the_horizon_a_shorter_one_is_proposed(gaps, words):
    said = overview.rhythm(pd.DataFrame({"gap_days": gaps}), 90)
    assert words in said
    assert bool(said) == bool(words)


def test_months_held_in_part_are_neither_the_best_nor_the_worst():
    days = pd.date_range("2026-01-15", "2026-04-02")
    log = pd.DataFrame({"customer_id": "a", "order_date": days, "amount": 1.0})
    study = sl.Study.from_frames({"orders": log}, as_of="2026-04-03")
    months = overview.monthly(study.orders())
    assert overview.full_months(months, study.window).index.month.tolist() == [2, 3]
    assert "lowest in February 2026 (28)" in str(DataPage(study).revenue())
    assert len(overview.full_months(months.iloc[:1], study.window)) == 1


def test_cohorts_begin_with_the_first_order_that_was_kept():
    study = sl.Study.from_frames({"orders": LOG}, as_of="2026-10-01")
    assert overview.cohorts(study.orders(), study.window.as_of)[
        "customers"
    ].tolist() == [3]


def test_the_largest_fifth_holds_the_same_share_as_in_the_abc():
    customers = pd.DataFrame({"revenue": [50.0, 30, 20, 10, 10, 5, 5, 0, -10, -30]})
    assert overview.concentration(customers).loc[
        "largest 20%", "revenue_share"
    ] == pareto(customers["revenue"])


def test_dropped_returns_are_in_no_figure():
    study = sl.Study.from_frames({"orders": LOG}, as_of="2026-04-01", returns="drop")
    lines = study.orders().to_pandas()
    assert lines["amount"].min() > 0
    assert lines["amount"].sum() == pytest.approx(study.customers()["revenue"].sum())
