"""The receivables pictures show the figures they are given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from segment_lab.receivables import pictures as plots


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(ax: plt.Axes) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


def said(ax: plt.Axes) -> str:
    return ax.figure.get_label()


def test_aging_shows_what_is_open_youngest_on_top():
    ages = pd.DataFrame(
        {"open_amount": [4300.0, 836.0, 0.0]}, index=["current", "1–30", "31–60"]
    )
    ax = plots.aging(ages)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1–30", "current"]
    assert texts(ax) == ["836", "4.3k"]
    assert said(ax) == "Open amount by days overdue: current 4,300; 1–30 836; 31–60 0."


def test_pools_stand_beside_the_thirds():
    pools = pd.DataFrame(
        {
            "share": [0.5, 0.2, 0.3],
            "share_low": [0.4, 0.1, 0.2],
            "share_high": [0.6, 0.3, 0.4],
            "reference": 0.333,
        },
        index=["being repaid", "recoverable within a year", "lost"],
    )
    ax = plots.pools(pools)
    assert [bar.get_width() for bar in ax.patches] == [0.3, 0.2, 0.5]
    assert any(list(line.get_xdata()) == [0.333, 0.333] for line in ax.lines)
    assert said(ax).startswith(
        "Overdue debt: being repaid 50% (40% to 60%); recoverable"
    )


def test_dso_draws_both_lines():
    frame = pd.DataFrame(
        {"dso": [30.0, 32.0], "best_possible": [20.0, 21.0]},
        index=pd.date_range("2026-01-01", periods=2, freq="MS"),
    )
    ax = plots.dso(frame)
    assert [list(line.get_ydata()) for line in ax.lines] == [[30, 32], [20, 21]]
    assert said(ax) == "DSO by month end, at last 32 days; 21 if nobody paid late."
    assert said(plots.dso(frame * float("nan"))) == "DSO by month end, not known yet."


def test_heat_maps_write_their_figures_and_frame_the_conflict():
    rates = pd.DataFrame(
        {
            "customers_seen": [3, 0],
            "paid": [0.8, None],
            "paid_low": [0.7, None],
            "paid_high": [0.9, None],
        },
        index=["current", "1–30"],
    )
    rolled = plots.roll_rates(rates)
    assert [bar.get_width() for bar in rolled.patches] == [0.8]
    assert said(rolled).endswith(
        "by days overdue now: current 80%."
    )  # where nothing was ever seen, nothing is said
    counts = pd.DataFrame(
        [[5, 2], [4, 0]], index=["A", "B"], columns=["Prompt", "Overdue"]
    )
    ax = plots.conflict(counts)
    assert texts(ax) == ["5", "2", "4"]
    assert (
        said(ax)
        == "Customers by value and by payment. A: Prompt 5, Overdue 2; B: Prompt 4."
    )
    frame = ax.patches[0]
    assert (frame.get_x(), frame.get_width()) == (1.02, 1)


def test_given_axes_are_used():
    _, ax = plt.subplots()
    assert (
        plots.conflict(pd.DataFrame([[1]], index=["A"], columns=["Prompt"]), ax) is ax
    )


def test_every_state_of_debt_lies_in_the_frame():
    names = ["Prompt", "Overdue", "Disputed", "Doubtful", "No credit"]
    ax = plots.conflict(pd.DataFrame([[1] * 5], index=["A"], columns=names))
    frame = ax.patches[0]
    assert (frame.get_x(), frame.get_width()) == (pytest.approx(1, abs=0.1), 3)
