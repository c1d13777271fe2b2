"""A first study file from a data file: which table it is, which column is what, what is no sale.

Columns are told by name in four languages and by what they hold; what the file does not say is
asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from segment_lab.data.guess.columns import named
from segment_lab.data.guess.opening import Proposal
from segment_lab.data.guess.proposal import propose
from segment_lab.data.guess.study_file import study_name, study_text
from segment_lab.data.guess.vocabulary import normal
from segment_lab.data.quoting import quoted

__all__ = [
    "Proposal",
    "first_config",
    "named",
    "normal",
    "propose",
    "quoted",
    "study_name",
    "study_text",
]


def first_config(
    path: Path,
    target: Path,
    given: Mapping[str, str] | None = None,
) -> tuple[str, Proposal]:
    """The text of a study file for a data file, and what it was made from.

    Raises
    ------
    DataError
        A needed column cannot be told; the message lists what the file has.
    """
    proposal = propose(path, given)
    return study_text(path, target, proposal), proposal
