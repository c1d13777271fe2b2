"""ABC against published counts, by hand, and with totals that break careless programs."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from bases import base
from hypothesis import given
from hypothesis import strategies as st

from datasets import dataset
from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.pages import abc as page
from segment_lab.segments.abc import (
    ABCSegmenter,
    against_reference,
    effort_gap,
    gini,
    lorenz_curve,
    other_money,
    pareto,
)
from segment_lab.texts import speaking


def customers(*revenue: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"revenue": np.array(revenue, dtype="float64")},
        index=pd.Index([f"c{i}" for i in range(len(revenue))], name="customer_id"),
    )


def classes(*revenue: float, **options) -> str:
    table = customers(*revenue)
    return "".join(ABCSegmenter(**options).fit(table).segment(table).labels)


@pytest.mark.parametrize(
    ("revenue", "expected"),
    [
        (
            (50, 30, 10, 5, 5),
            "AABBB",
        ),  # .5 .8 | .9 .95, and the second five is as good as the first
        ((900, 50, 50), "ABB"),  # one customer above the cut is A all the same
        ((5,), "A"),
        ((10, 10, 10, 10, 10), "AAAAA"),  # equals share a class
        (
            (80, 15, 5, 0, -40),
            "ABCCC",
        ),  # nothing and less than nothing is C, and does not shift the cuts
        ((0, 0, -5), "CCC"),  # nobody has a positive total
    ],
)
def test_by_hand(revenue, expected):
    assert classes(*revenue) == expected


def test_the_shares_are_those_by_which_the_classes_were_cut():
    table = customers(80, 15, 5, 0, -40)
    shares = against_reference(ABCSegmenter().fit(table).segment(table), table)[
        "revenue_share"
    ]
    assert shares.tolist() == pytest.approx([0.8, 0.15, 0.05])


def test_any_number_of_cuts():
    assert classes(40, 30, 20, 10, cuts=(0.4, 0.7, 0.9)) == "ABCD"
    with pytest.raises(ConfigError, match="must ascend"):
        ABCSegmenter(cuts=(0.9, 0.8)).fit(customers(1, 2))
    with pytest.raises(ConfigError, match="less than 1"):
        ABCSegmenter(cuts=(0.8, 95)).fit(customers(1, 2))


@given(st.lists(st.integers(-1000, 100_000), min_size=1, max_size=80))
def test_published_classes_end_at_the_cut(cents):
    table = customers(*(c / 100 for c in cents))
    fitted = ABCSegmenter(crossing="down").fit(table)
    codes = fitted.segment(table).codes.to_numpy()
    values = np.array(cents)
    positive = values[values > 0]
    assert (codes[values <= 0] == 2).all()
    if len(positive) == 0:
        return
    assert (codes == 0).any()
    for code, cut in enumerate(fitted.cuts):
        inside = codes <= code
        smallest = values[inside].min()
        # Without the last group of equals the class is within its cut (A may be one customer
        # beyond it) …
        without = values[values > smallest].sum()
        assert without <= cut * positive.sum() + 1e-6 or (values > smallest).sum() == 0
        # … and the next customer would not have been.
        below = values[(values < smallest) & (values > 0)]
        if len(below):
            assert (
                values[values >= smallest].sum() + below.max()
                > cut * positive.sum() - 1e-6
            )
        assert values[inside].min() > max(values[~inside], default=-np.inf)


@given(st.lists(st.integers(-1000, 100_000), min_size=1, max_size=80))
def test_the_customer_who_crosses_a_cut_belongs_above_it(cents):
    table = customers(*(c / 100 for c in cents))
    fitted = ABCSegmenter().fit(table)
    codes = fitted.segment(table).codes.to_numpy()
    values = np.array(cents)
    total = values[values > 0].sum()
    assert (codes[values <= 0] == 2).all()
    assert all(least > 0 for least in fitted.thresholds_)
    for code, cut in enumerate(fitted.cuts if total else ()):
        smallest = values[codes <= code].min()
        assert values[values > smallest].sum() < cut * total * (1 + 1e-9)
        assert values[values >= smallest].sum() > cut * total * (1 - 1e-9)
        # Nobody is below the class that the own share warrants.
        assert (codes[values > (1 - cut) * total * (1 + 1e-9)] <= code).all()


def test_by_hand_on_either_side_of_a_cut():
    assert classes(70, 20, 7, 3) == "AABC"
    assert classes(70, 20, 7, 3, crossing="down") == "ABCC"
    alone = ABCSegmenter().fit(customers(5))
    assert list(alone.segment(customers(5, 0, -1)).labels) == ["A", "C", "C"]


def test_the_published_classes_of_online_retail_are_reproduced():
    path = dataset("online_retail", "online_retail.csv.gz")
    table = (
        duckdb.sql(
            f"SELECT CustomerID AS customer_id, sum(Quantity * UnitPrice) AS revenue FROM read_csv('{path}', types="
            "{'CustomerID': 'VARCHAR'}) WHERE Quantity > 0 AND UnitPrice > 0 AND CustomerID IS NOT NULL GROUP BY 1"
        )
        .df()
        .set_index("customer_id")
    )
    result = ABCSegmenter(crossing="down").fit(table).segment(table)
    assert result.sizes().tolist() == [1132, 1469, 1737]
    assert ABCSegmenter().fit(table).segment(table).sizes().tolist() == [
        1133,
        1469,
        1736,
    ]
    assert pareto(table["revenue"]) == pytest.approx(0.746, abs=0.0005)
    flags = against_reference(result, table)
    assert flags["customers_flag"].tolist() == ["above", "above", "below"]
    assert (
        "A has 26% of the customers (above the usual 15% to 20%)"
        in page.reference_remark(flags)
    )
    assert flags["sales_flag"].tolist() == ["inside"] * 3
    finding = page.headline(result, table)
    assert finding.sentences[0].startswith(
        "1,132 of 4,338 customers (26%) bring 80% of the revenue"
    )


def test_reference_ranges_belong_to_three_classes():
    table = customers(4, 3, 2, 1)
    result = ABCSegmenter(cuts=(0.5,)).fit(table).segment(table)
    assert "customers_expected" not in against_reference(result, table)
    three = against_reference(ABCSegmenter().fit(table).segment(table), table)
    assert list(three) == [
        "customers",
        "customer_share",
        "customers_expected",
        "customers_flag",
        "revenue",
        "revenue_share",
        "sales_expected",
        "sales_flag",
    ]
    two = ABCSegmenter(cuts=(0.5,)).fit(table)
    assert list(two.meanings()) == ["A", "B"]
    assert two.usual_strategies() == {}
    assert list(ABCSegmenter().fit(table).usual_strategies()) == ["A", "B", "C"]
    assert (
        page.headline(result, table).sentences[0].startswith("2 of 4 customers (50%)")
    )


def test_gini_and_lorenz_by_hand():
    assert gini(np.array([1, 1, 1, 1])) == pytest.approx(0)
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(0.75)  # (n - 1)/n
    assert gini(np.array([1, 2, 3, 4])) == pytest.approx(0.25)
    curve = lorenz_curve(np.array([1, 3, 4, -9]))
    assert curve["customer_share"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve["value_share"].tolist() == [0, 0.5, 0.875, 1, 1]
    with pytest.raises(NotEnoughDataError, match="positive total"):
        gini(np.array([0, -1]))


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=200))
def test_gini_is_the_mean_difference_and_the_area_under_the_curve(values):
    data = np.array(values, dtype="float64")
    assert gini(data) == pytest.approx(
        np.abs(data[:, None] - data).mean() / (2 * data.mean()), abs=1e-9
    )
    curve = lorenz_curve(data)
    area = np.trapezoid(curve["value_share"], curve["customer_share"])
    assert 2 * area - 1 == pytest.approx(gini(data), abs=1e-9)
    assert len(lorenz_curve(np.ones(100_000))) == 201


def test_effort_gap_shares_the_places_of_equals_whatever_the_row_order():
    table = customers(60, 10, 10, 10, 10).assign(contact_minutes=[0, 40, 0, 0, 0])
    for rows in (table, table.iloc[::-1]):
        found = effort_gap(
            rows, top=0.4
        )  # two places: the first, and a quarter of each of the four equals
        assert found == pytest.approx(
            {"value_share": 0.7, "effort_share": 0.25, "gap": 0.45}
        )
    assert page.effort_remark(table) == (
        "The best fifth of the customers bring 60% of the revenue and get 0% of the "
        "contact time, 60 points less."
    )
    with pytest.raises(NotEnoughDataError, match="No contact minutes"):
        effort_gap(base(10))


def test_classes_by_another_money_are_set_beside():
    table = customers(80, 15, 5).assign(margin=[5.0, 80.0, 15.0])
    result = ABCSegmenter().fit(table).segment(table)
    beside = other_money(result, table, (0.8, 0.95), "margin")
    assert beside.loc["A"].tolist() == [0, 0, 1]
    assert beside.loc["B"].tolist() == [1, 0, 0]
    assert (beside.index.name, beside.columns.name) == ("by revenue", "by margin")
    with pytest.raises(NotEnoughDataError, match="margin is not known"):
        other_money(result, table.drop(columns="margin"), (0.8, 0.95), "margin")


def test_remarks_on_limits_concentration_and_empty_totals():
    table = customers(80, 15, 5, 0, -3)
    fitted = ABCSegmenter().fit(table)
    with speaking(currency="EUR"):
        assert "window: A from EUR 80.00" in page.limits_remark(fitted)
    assert page.limits_remark(fitted).startswith("By revenue in the window: A from")
    assert "; C below. Equal customers share a class." in page.limits_remark(fitted)
    assert (
        page.limits_remark(ABCSegmenter().fit(customers(0, -1)))
        == "Nobody has a positive total, so all are in class C."
    )
    assert page.zero_remark(fitted.segment(table), table).startswith(
        "2 customers with a total of zero or less are in class"
    )
    one = table.iloc[:4]
    assert page.zero_remark(fitted.segment(one), one).startswith(
        "One customer with a total of zero or less is in class C"
    )
    assert (
        page.zero_remark(fitted.segment(table.iloc[:3]), table.iloc[:3])
        == "Every customer has a positive total."
    )
    assert page.concentration_remark(np.array([6, 1, 1, 1, 1]), "margin") == (
        "The best 20% of the customers hold 60% of the margin. Gini 0.40 (0: all equal, 1: one has everything)."
    )
