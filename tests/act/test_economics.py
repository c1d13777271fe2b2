"""Formulas against published figures and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from segment_lab.act import economics as ec
from segment_lab.act.economics import Arm
from segment_lab.customers.rates import wilson


def test_wilson_reproduces_newcombe_1998():
    # Newcombe (1998), two proportions: 56/70 against 48/80; method 10 gives .0524 to .3339.
    assert ec.rate_difference(Arm(70, 56), Arm(80, 48)) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )
    # Newcombe (1998), single proportion 81/263, score method: .2553 to .3662.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_standard_error_is_never_zero():
    # Agresti & Caffo: (1/12)(11/12)/12 for each arm without a buyer of ten.
    expected = np.sqrt(2 * (1 / 12) * (11 / 12) / 12)
    found = ec.careful_difference(Arm(10, 0), Arm(10, 0))
    assert found == pytest.approx((0, expected, 18))
    one, other = ec.careful_difference(Arm(8, 7), Arm(1, 0))[::2]
    assert one == pytest.approx(8 / 10 - 1 / 3)
    assert 1 < other < 8
