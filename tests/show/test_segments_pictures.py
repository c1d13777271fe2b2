"""Pictures show the figures they were given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from segment_lab.errors import NotEnoughDataError
from segment_lab.segments.abc import lorenz_curve, pareto
from segment_lab.show.pictures import segments
from segment_lab.show.pictures.shapes import bars, heat_map


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def alt(ax) -> str:
    return ax.figure.get_label()


def test_scores_are_counted_with_the_latest_on_top_and_the_most_frequent_at_the_right():
    scores = pd.DataFrame({"r_score": [2, 2, 1], "f_score": [2, 2, 1]})
    ax = segments.score_heatmap(scores, 2)
    assert texts(ax) == ["0", "2", "1", "0"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["2", "1"]
    assert alt(ax).endswith(
        "the largest cell has 2 customers at recency 2 and frequency 2."
    )


def test_shares_are_paired_best_on_top_and_nothing_is_called_zero_that_is_not():
    profile = pd.DataFrame(
        {"customer_share": [0.2, 0.8], "revenue_share": [0.996, 0.004]},
        index=["Best", "Rest"],
    )
    ax = segments.shares(profile)
    assert texts(ax) == ["20%", "80%", "100%", "<1%"]
    assert [bar.get_width() for box in ax.containers for bar in box] == [
        0.2,
        0.8,
        0.996,
        0.004,
    ]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert (
        alt(ax) == "Share of customers and of revenue: Best 20%, 100%; Rest 80%, <1%."
    )


def test_the_curve_marks_the_best_fifth():
    curve = pd.DataFrame({"customer_share": [0, 0.2, 1], "value_share": [0, 0.75, 1]})
    ax = segments.lorenz(curve, money="margin")
    assert "hold 75%" in texts(ax)[0]
    assert (
        alt(ax)
        == "Share of margin held by the best customers: 10% 75%; 20% 75%; 50% 75%."
    )


def test_the_best_fifth_of_few_customers_is_a_whole_number_of_them():
    """Three of 13, as `pareto` counts: not the 2.6 between two points of the curve."""
    totals = np.arange(13.0, 0, -1)
    drawn = texts(segments.lorenz(lorenz_curve(totals)))[0]
    assert f"hold {pareto(totals):.0%}" in drawn
    assert pareto(totals) == pytest.approx(36 / 91)


def test_the_chosen_number_is_shaded():
    search = pd.DataFrame(
        {
            "jaccard": [0.9, 0.8],
            "jaccard_min": [0.8, 0.7],
            "silhouette": [0.4, np.nan],
            "stable": True,
            "chosen": [False, True],
        },
        index=pd.Index([2, 3], name="k"),
    )
    ax = segments.k_search(search)
    (band,) = ax.patches
    assert band.get_x() + band.get_width() / 2 == pytest.approx(3)
    assert [line.get_ydata().tolist()[0] for line in ax.lines[:3]] == [0.9, 0.8, 0.4]
    assert alt(ax).endswith("by number of segments: 2: 0.90 and 0.40; 3: 0.80 and –.")
    with pytest.raises(NotEnoughDataError, match="only one group"):
        segments.k_search(search.iloc[:0])


def test_profiles_show_values_and_colour_their_distance_from_the_typical_customer():
    medians = pd.DataFrame(
        {"frequency": [8.0, 1.0], "recency_days": [10.0, np.nan]}, index=["a", "b"]
    )
    ax = segments.profile_heatmap(
        medians, pd.Series({"frequency": 2.0, "recency_days": 10.0})
    )
    assert texts(ax) == ["8", "10", "1", "–"]
    assert (
        alt(ax)
        == "Typical orders, days since last order by segment: a: 8, 10; b: 1, –."
    )
    assert ax.collections[0].get_array().ravel().tolist() == pytest.approx(
        [2, 0, -1, 0]
    )


def test_overlaps_are_shaded_by_their_share_of_the_row():
    overlap = pd.DataFrame([[10, 5], [5, 20_000]], index=["x", "y"], columns=["x", "y"])
    ax = segments.overlap_heatmap(overlap)
    assert texts(ax) == ["10", "5", "5", "20k"]
    assert alt(ax) == "Customers who meet two rules: x and y 5."
    assert (
        alt(segments.overlap_heatmap(overlap * np.eye(2))) == "Nobody meets two rules."
    )
    assert ax.collections[0].get_array().ravel().tolist() == [1, 0.5, 5 / 20_000, 1]


def test_classes_show_value_beside_effort_and_rules_what_was_spent():
    classes = pd.DataFrame(
        {
            "customer_share": [0.2, 0.8],
            "margin_share": [0.9, 0.1],
            "effort_share": [0.5, 0.5],
        },
        index=["A", "B"],
    )
    ax = segments.value_and_effort(classes, "margin")
    assert texts(ax) == ["20%", "80%", "90%", "10%", "50%", "50%"]
    assert alt(ax).endswith(
        "of margin and of contact minutes: A 20%, 90%, 50%; B 80%, 10%, 50%."
    )
    ax = segments.spent(
        pd.Series({"last 30 days": 120.0, "silent": 2.0}), "Spent on average"
    )
    assert texts(ax) == ["120", "2"]
    assert alt(ax) == "Spent on average: last 30 days 120; silent 2."


def test_profiles_colour_good_and_bad_and_not_high_and_low():
    medians = pd.DataFrame({"frequency": [4.0], "recency_days": [20.0]}, index=["a"])
    ax = segments.profile_heatmap(
        medians, pd.Series({"frequency": 2.0, "recency_days": 10.0})
    )
    assert ax.collections[0].get_array().ravel().tolist() == pytest.approx([1, -1])


def test_bars_without_a_value_are_nothing_and_the_others_keep_their_place():
    shares = pd.DataFrame({"a": [0.7, np.nan], "b": [0.4, 0.6]}, index=["X", "Y"])
    ax = bars(shares, {"first": "a", "second": "b"})
    assert [text.get_text() for text in ax.texts] == ["70%", "", "40%", "60%"]
    middles = [
        bar.get_y() + bar.get_height() / 2 for group in ax.containers for bar in group
    ]
    assert middles == pytest.approx([-0.2, 0.8, 0.2, 1.2])


def test_numbers_stand_out_from_the_colour_of_their_cell():
    shares = pd.DataFrame({"a": [0.0], "b": [1.0], "c": [np.nan]}, index=["X"])
    light, dark = heat_map(shares, kind="percent", high=1).texts
    assert (light.get_color(), dark.get_color()) == (".15", "w")
