"""Comparison pictures: every row is drawn, and what stands there is what the table says."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from segment_lab.show.pictures import comparison as plots

TRUST = pd.DataFrame(
    {
        "kind": ["scheme", "scheme", "baseline", "null", "baseline"],
        "ranking_power": [0.6, 0.5, 0.7, 0.01, np.nan],
        "ranking_power_low": [0.55, 0.02, 0.65, -0.05, np.nan],
        "ranking_power_high": [0.65, 0.7, 0.75, 0.07, np.nan],
        "null_power": [0.05, 0.05, 0.05, 0.05, np.nan],
    },
    index=["rfm", "wobbly", "past-spend rank", "random segments", "not installed"],
)
MOVES = pd.DataFrame(
    {
        "moved_share": [0.3, 0.1],
        "moved_share_low": [0.25, 0.08],
        "moved_share_high": [0.35, 0.12],
        "drift_share": [0.1, 0.05],
    },
    index=["rfm", "abc"],
)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def words(ax) -> list[str]:
    return [
        t.get_text() for t in [*ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]
    ]


def alt(ax) -> str:
    return ax.figure.get_label()


def test_forest_shows_every_known_row_best_on_top_and_chance_hollow():
    ax = plots.power_forest(TRUST)
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "random groups",
        "wobbly",
        "RFM",
        "sorted by past spend",
    ]
    dots = [
        line
        for line in ax.lines
        if line.get_marker() == "o" and len(line.get_xdata()) == 1
    ]
    assert [d.get_xdata()[0] for d in dots] == [0.01, 0.5, 0.6, 0.7]
    assert [d.get_markerfacecolor() == "white" for d in dots] == [
        True,
        True,
        False,
        False,
    ]
    assert alt(ax).startswith(
        "Ranking power, best first: sorted by past spend 0.70 (0.65 to 0.75); RFM 0.60"
    )


def test_agreement_is_a_lower_triangle_without_nan():
    table = pd.DataFrame(
        {"a": ["rfm", "rfm", "abc"], "b": ["abc", "own", "own"], "ari": [0.2, 0.3, 0.9]}
    )
    ax = plots.agreement_heatmap(table)
    found = words(ax)
    assert alt(ax) == "Agreement (ARI): RFM – ABC 0.20; RFM – own 0.30; ABC – own 0.90"
    assert {"0.20", "0.30", "0.90", "RFM", "ABC", "own"} <= set(found)
    assert "nan" not in found


def test_bars_carry_values_and_intervals():
    ax = plots.movement_bars(MOVES)
    assert sorted(p.get_width() for p in ax.patches) == [0.05, 0.1, 0.1, 0.3]
    assert alt(ax) == "Customers who moved: RFM 30%; ABC 10%."
    assert len(plots.movement_bars(MOVES.assign(drift_share=np.nan)).patches) == 2
    missed = pd.DataFrame(
        {
            "missed_revenue_share": [0.3, 0.5],
            "missed_revenue_share_low": [0.2, 0.4],
            "missed_revenue_share_high": [0.4, 0.6],
        },
        index=["abc", "rfm"],
    )
    ax = plots.missed_money(missed)
    assert ax.collections[-1].get_offsets()[:, 0].tolist() == [0.3, 0.5]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ABC", "RFM"]


def test_sufficiency_has_a_line_per_scheme_and_what_is_needed():
    table = pd.DataFrame(
        {
            "agreement": [np.nan, 0.8, 0.9, np.nan, 0.7, 0.95],
            "agreement_needed": [0.7] * 3 + [0.9] * 3,
        },
        index=pd.MultiIndex.from_product(
            [["rfm", "abc"], [30, 60, 90]], names=["scheme", "days"]
        ),
    )
    ax = plots.sufficiency_lines(table)
    assert [line.get_label() for line in ax.lines[:4:2]] == ["RFM", "ABC"]
    assert list(ax.lines[0].get_xdata()) == [60, 90]
    assert [line.get_ydata()[0] for line in ax.lines[1:4:2]] == [0.7, 0.9]


@pytest.mark.parametrize(
    "drawn",
    [
        lambda ax: plots.power_forest(TRUST, ax),
        lambda ax: plots.movement_bars(MOVES, ax),
    ],
)
def test_the_given_axes_are_used(drawn):
    _, ax = plt.subplots()
    assert drawn(ax) is ax
