"""Back-tests are read by what matters: how far off, which way, and whether anything was said."""

from __future__ import annotations

import numpy as np
import pytest

from segment_lab.judge.backtest import back_test
from segment_lab.texts import say


@pytest.mark.parametrize(
    ("predicted", "came", "low", "high", "reading"),
    [
        (131_291, 205_090, np.nan, np.nan, "more"),
        (131_291, 205_090, 90_000, 250_000, "within_range"),
        (100, 105, np.nan, np.nan, "as_predicted"),
        (100, 105, 101, 102, "more"),
        (100, 60, 80, 120, "less"),
        (-6.8, 3, -9, -4, "more"),
        (np.nan, 3, np.nan, np.nan, "nothing_predicted"),
        (5, np.nan, 1, 9, "nothing_seen"),
        (0, 0, np.nan, np.nan, "as_predicted"),
    ],
)
def test_reading(predicted, came, low, high, reading):
    found = back_test(predicted, came, low, high)
    assert found.reading == reading
    off = abs(found.off_share) if np.isfinite(found.off_share) else None
    facts = {"came": f"{came}", "predicted": f"{predicted}", "off": off}
    words = say(f"backtest.{reading}", what="Revenue", opposite=found.opposite, **facts)
    assert words.startswith("Revenue: ")
    assert words.endswith(".")


def test_a_loss_for_a_gain_is_named():
    assert back_test(6.8, -3, 4, 9).opposite
    assert not back_test(6.8, 3, 4, 9).opposite
