"""The data of a study taken in, while what checks its settings and shows its pages still loads."""

from __future__ import annotations

import contextlib
from pathlib import Path

from segment_lab.errors import SegmentLabError
from segment_lab.study.config import StudyConfig, validate, written
from segment_lab.study.tables import StudyTables


def take_in(config: str) -> None:
    """Read a study's files once, for `catalog.prepare` and every page to find their typed copies.

    What is accepted of them, and every fault, is said by `catalog.prepare`, with the faults of the
    settings. Rows of a database are left to it, for nothing of them is kept.
    """
    with contextlib.suppress(SegmentLabError):
        # Whether the methods are right is not asked: what checks them is not loaded yet.
        said = {**written(config), "methods": {}}
        study = StudyTables(validate(StudyConfig, said, config), Path(config).parent)
        for name, source in study.config.sources.items():
            if source.url is None:
                with contextlib.suppress(SegmentLabError):
                    study.intake(name)
