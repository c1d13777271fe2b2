"""Did it come as predicted? One reading of a back-test, by what matters to the reader.

A share of figures "inside the range" says little where each range is wide. What matters is how far
off the total was, in which direction, and whether the range that was promised held it. Where
nothing was predicted, or nobody was seen, there is nothing to confirm or refute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Off by less than this share of what was predicted is called as predicted.
CLOSE = 0.10


@dataclass(frozen=True)
class BackTest:
    """What was predicted and what came.

    Attributes
    ----------
    predicted, came : float
    reading : {"nothing_predicted", "nothing_seen", "as_predicted", "more", "less", "within_range"}
        ``within_range``: off by more than `CLOSE`, but inside the range that was promised.
        ``more`` and ``less``: outside that range, or off by more than `CLOSE` where none was given.
    off_share : float
        (came − predicted) / |predicted|; NaN where nothing was predicted.
    opposite : bool
        The sign is the other one: a gain was predicted and a loss came, or the reverse.
    """

    predicted: float
    came: float
    reading: str
    off_share: float
    opposite: bool


def back_test(
    predicted: float,
    came: float,
    low: float = np.nan,
    high: float = np.nan,
) -> BackTest:
    """Hold what came against what was predicted and its range.

    Examples
    --------
    >>> back_test(131_291, 205_090).reading, round(back_test(131_291, 205_090).off_share, 2)
    ('more', 0.56)
    >>> back_test(-6.8, 3.0, low=-9, high=-4).opposite
    True
    >>> back_test(float("nan"), 3.0).reading
    'nothing_predicted'
    """
    if not np.isfinite(predicted):
        return BackTest(predicted, came, "nothing_predicted", np.nan, False)
    if not np.isfinite(came):
        return BackTest(predicted, came, "nothing_seen", np.nan, False)
    opposite = bool(predicted * came < 0)
    off = (came - predicted) / abs(predicted) if predicted else np.nan
    ranged = np.isfinite(low) and np.isfinite(high)
    inside = bool(ranged and low <= came <= high)
    close = came == predicted or (np.isfinite(off) and abs(off) <= CLOSE)
    if close and (inside or not ranged):
        reading = "as_predicted"
    elif inside:
        reading = "within_range"
    else:
        reading = "more" if came > predicted else "less"
    return BackTest(predicted, came, reading, off, opposite)
