"""Memory that a process no longer needs."""

from __future__ import annotations

import contextlib
import ctypes
import gc


def give_back() -> None:
    """Let the system have what was freed; the C library would keep most of it for later."""
    gc.collect()
    with contextlib.suppress(
        OSError, AttributeError, TypeError
    ):  # not every system's can
        ctypes.CDLL(None).malloc_trim(0)
