"""Memory that a process can do without."""

from __future__ import annotations

import contextlib
import ctypes
import gc

import pandas as pd

#: pandas 3 copies a shared column when somebody writes into it; before, at once.
COPIES_LATER = int(pd.__version__.split(".")[0]) >= 3


def copied(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame for somebody who may change it, while its owner's stays as it is."""
    return frame.copy(deep=not COPIES_LATER)


def give_back() -> None:
    """Let the system have what was freed; the C library would keep most of it for later."""
    gc.collect()
    with contextlib.suppress(
        OSError, AttributeError, TypeError
    ):  # not every system's can
        ctypes.CDLL(None).malloc_trim(0)
