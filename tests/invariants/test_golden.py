"""What the comparison of recorded figures lets pass."""

from __future__ import annotations

import pytest

from invariants.golden import differences


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        ("0.92 -4.04538989 ci 1.99", "0.92 -4.04545781 ci 1.99", True),
        ("1.71678688", "1.91722699", False),
        ("1201 0.5", "1202 0.5", False),
        ("3677173.12", "3677173.13", False),
        ("Dead 0.5", "Warm 0.5", False),
        ("0.5", "0.5 0.5", False),
    ],
)
def test_only_the_last_digits_of_a_fraction_may_differ(then, now, same):
    assert (differences({"row": [now]}, {"row": [then]}) == []) == same
