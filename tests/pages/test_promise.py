"""What a plan promises, and what is left of it where those who are won order once."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from segment_lab.pages.promise import promise


def page(orders_a_buyer: float, tested: object = None) -> SimpleNamespace:
    """A plan of 100 contacts at a cost of 1, each of which is expected to bring 3 before it."""
    funded = pd.DataFrame(
        {"segment": ["A"], "contacts": [100.0], "cost_per_contact": [1.0]}, index=[7]
    )
    known = pd.DataFrame(
        {
            "order_value": [50.0],
            "margin_rate": [0.4],
            "margin_in_horizon": [20.0 * orders_a_buyer],
        },
        index=["A"],
    )
    promised = pd.Series([2.0], index=[7])
    return SimpleNamespace(
        funded=funded, known=known, in_horizon=promised, tested=tested
    )


@pytest.mark.parametrize(("orders", "single"), [(1.0, 200), (1.5, 100), (0.8, 200)])
def test_what_hangs_on_buying_as_often_as_the_segments_own_buyers(orders, single):
    found = promise(page(orders))
    assert found.money == 200
    assert found.single == pytest.approx(single)


def test_what_was_measured_in_money_assumes_nothing():
    assert promise(page(1.5, tested="trial")) == (200, 200)
