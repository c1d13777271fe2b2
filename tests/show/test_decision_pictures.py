"""The pictures draw what they are given, and say it in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from segment_lab.errors import NotEnoughDataError
from segment_lab.show import figure, style
from segment_lab.show.pictures import decision as plots

INTERVALS = pd.DataFrame(
    {
        "natural_rate": [0.5, 0.1, np.nan],
        "natural_rate_low": [0.4, 0.05, np.nan],
        "natural_rate_high": [0.6, 0.2, np.nan],
    },
    index=["A", "B", "Empty"],
)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def names(ax):
    return [t.get_text() for t in ax.get_yticklabels()]


def test_natural_rates_leave_out_what_is_unknown():
    ax = plots.natural_rates(INTERVALS)
    assert names(ax) == ["A", "B"]
    assert ax.collections[1].get_offsets()[:, 0].tolist() == [0.5, 0.1]


def test_a_cost_beyond_everything_expected_is_cut_and_marked():
    options = pd.DataFrame(
        {
            "segment": ["A", "B", "C"],
            "kind": "call",
            "effect": [2.0, 1.0, np.nan],
            "effect_sd": [1.0, 0.5, np.nan],
            "cost_per_contact": [1.0, 40.0, 1.0],
        }
    )
    ax = plots.expected(options)
    assert names(ax) == ["A · call", "B · call"]
    assert [t.get_text() for t in ax.texts] == ["40 →"]
    assert ax.patches[0].get_width() == 1
    assert ax.patches[1].get_width() < 40
    with pytest.raises(NotEnoughDataError):
        plots.expected(options.iloc[2:])


def test_effects_show_predictions_beside_results():
    measured = pd.DataFrame(
        {
            "campaign_id": "K1",
            "segment": ["A", "All"],
            "action": "call",
            "effect": [0.1, 0.1],
            "effect_low": [0.0, 0.0],
            "effect_high": [0.2, 0.2],
            "predicted": [0.05, 0.05],
        }
    )
    ax = plots.effects(measured)
    assert names(ax) == ["K1 call · A"]  # never the code alone
    assert [c.get_offsets()[0, 0] for c in ax.collections[1:3]] == [10, 5]


def test_waterfall_ends_where_it_must():
    ax = plots.waterfall(pd.Series({"new": 30.0, "lost": -50.0}), 100.0)
    assert names(ax) == ["Before", "New", "Lost", "After"]
    widths = {(p.get_x(), p.get_width()) for p in ax.patches}
    assert widths == {(0, 100), (0, 80), (100, 30), (130, -50)}


def test_stress_draws_both_moneys():
    columns = [
        f"{money}{end}"
        for money in ("revenue", "cash")
        for end in ("", "_low", "_high")
    ]
    table = pd.DataFrame(10.0, columns=columns, index=["As it is"])
    ax = plots.stress(table)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["revenue", "cash"]


def test_axes_are_used_when_given():
    _, ax = plt.subplots()
    assert plots.natural_rates(INTERVALS, ax=ax) is ax


def test_pictures_bring_their_alt_text():
    ax = plots.natural_rates(INTERVALS)
    assert ax.figure.get_label().startswith(
        "Share that bought again with no campaign: "
    )
    assert 'alt="Share that bought again' in str(figure(ax))
    _, bare = plt.subplots()
    with pytest.raises(ValueError, match="alt text"):
        figure(bare)


def test_alt_says_the_values():
    text = style.listed(
        "Rates", pd.Series({"A": 0.5, "B": np.nan, "C": 0.125}), "share"
    )
    assert text == "Rates: A 50%; C 12%."
    assert (
        style.listed("Uplift", pd.Series({"A": -0.015}), "uplift")
        == "Uplift: A −1.5 per 100."
    )
