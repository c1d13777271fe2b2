"""What is typical of a segment, in words: values of account columns as a reader says them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segment_lab.texts import say

#: Numbers from here on are said without decimals.
LARGE = 10


def spoken(value: object) -> object:
    """A yes, a no, or the ends of a band of numbers in words; any other value as it is.

    >>> spoken(True)
    'yes'
    >>> spoken(pd.Interval(120.0, 1300.0, closed="both"))
    '120 to 1,300'
    """
    if isinstance(value, bool | np.bool_):
        return say("segment_cards.says_yes") if value else say("segment_cards.says_no")
    if isinstance(value, pd.Interval):
        ends = {
            "low": float(value.left),
            "high": float(value.right),
        }
        whole = ends["high"] >= LARGE or all(end.is_integer() for end in ends.values())
        return say("segment_cards.says_band", whole=whole, **ends)
    return value
