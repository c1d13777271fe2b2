"""Where the public datasets are, for tests that check against published results."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def datasets_folder() -> Path:
    """The folder of the public datasets: `SEGMENT_LAB_DATASETS`, or ``../shared/datasets``."""
    return Path(
        os.environ.get("SEGMENT_LAB_DATASETS") or ROOT.parent / "shared" / "datasets"
    )


def dataset(*parts: str) -> Path:
    """Path of one public file; the calling test is skipped where it is absent."""
    path = datasets_folder().joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"public dataset {'/'.join(parts)} is not here (set SEGMENT_LAB_DATASETS)"
        )
    return path
