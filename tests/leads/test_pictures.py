"""The pictures of leads and contacts show the figures they are given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from segment_lab.leads import pictures as leads


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def words(ax: plt.Axes) -> list[str]:
    return [text.get_text().strip() for text in ax.texts]


def said(ax: plt.Axes) -> str:
    return ax.figure.get_label()


def test_the_funnel_names_stages_counts_and_shares():
    stages = pd.DataFrame(
        {"entered": [800, 200], "conversion": [0.25, np.nan], "stuck": [16, 0]},
        index=["new", "won"],
    )
    ax = leads.funnel(stages)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["new", "won"]
    assert words(ax) == ["800", "↓ 25% go on", "200"]
    assert said(ax) == "Leads that entered each stage: new 800 (25% go on), won 200."
    assert [bar.get_width() for bar in ax.patches] == [800, 200, 16, 0]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first stage is on top


def test_reliability_and_the_price_of_ignoring():
    groups = pd.DataFrame(
        {
            "predicted": [0.1, 0.6],
            "observed": [0.2, 0.5],
            "observed_low": [0.1, 0.4],
            "observed_high": [0.3, 0.6],
        }
    )
    ax = leads.reliability(groups)
    assert [list(line.get_ydata()) for line in ax.lines if len(line.get_xdata()) == 2][
        1
    ] == [
        0.2,
        0.5,
    ]
    assert (
        said(ax)
        == "Predicted and actual share of wins by group: 10% and 20%; 60% and 50%."
    )
    costs = pd.DataFrame(
        {
            "ignored_below": [0.1, 0.2],
            "leads_ignored_share": [0.3, 0.5],
            "wins_lost_share": [0.0, 0.1],
            "wins_lost_share_low": [0.0, 0.05],
            "wins_lost_share_high": [0.02, 0.2],
        }
    )
    ax = leads.ignoring(costs)
    assert [list(line.get_ydata()) for line in ax.lines] == [[0.3, 0.5], [0.0, 0.1]]
    assert "; 20% spares 50% of the leads and loses 10% of the wins." in said(ax)
