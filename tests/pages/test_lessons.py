"""What a response segment's own result says is to be done with it next time."""

from __future__ import annotations

import pytest

from segment_lab.pages.lessons import _by_cost


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (7.0, 20.0, "pays"),
        (-9.0, -1.0, "harms"),
        (1.0, 5.0, "loses"),
        (-2.0, 9.0, "unclear"),
    ],
)
def test_a_segment_is_judged_by_its_measured_money_beside_the_cost(low, high, said):
    assert _by_cost(low, high, cost=6.5) == said
