"""Shared set-up of the tests."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from segment_lab.texts import speaking

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("MPLBACKEND", "agg")
for name in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
):  # a process per core: threads would only wait
    os.environ.setdefault(name, "1")
# One cache for all workers of a test run, never the developer's own: copies are made once, nothing
# is stale. The first process names it, those that it starts inherit the name.
RUN = os.environ.setdefault("SEGMENT_LAB_TEST_RUN", str(os.getpid()))
CACHE = Path(tempfile.gettempdir()) / f"segment_lab_tests_{RUN}"
os.environ["SEGMENT_LAB_CACHE"] = str(CACHE)
# Where Python is told to keep no bytecode (images, some CI), every worker would rewrite all tests
# and every process that a test starts compile the whole package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# `make test` tries a few examples of each property, `make test-slow` three times as many.
HOUSE = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.too_slow],
}
settings.register_profile("repo", max_examples=10, **HOUSE)
settings.register_profile("thorough", max_examples=30, **HOUSE)
settings.load_profile("repo")


@pytest.fixture(autouse=True)
def _language_and_currency():
    """No study's language or currency outlives its test."""
    with speaking("en", ""):
        yield


# Folders whose files take long come first, so that short ones fill the gaps and all workers end
# together.
LONG = ("warehouse", "render", "reports", "pages", "judge")


def pytest_collection_modifyitems(items):
    def rank(item) -> int:
        folder = item.path.parent.name
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=rank)


def pytest_collection_finish():
    """What was imported stays: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session):
    """Take the cache away when the last process is done (workers leave it to the controller)."""
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(CACHE, ignore_errors=True)
