"""What a machine may lack: its tests are skipped, visibly, or fail where the machine is said to
have it."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(what: str, reason: str) -> NoReturn:
    """Skip the calling test; fail it where the variable ``SEGMENT_LAB_<WHAT>`` is "required"."""
    if os.environ.get(f"SEGMENT_LAB_{what.upper()}") == "required":
        pytest.fail(f"{what} is required here: {reason}", pytrace=False)
    pytest.skip(reason)
