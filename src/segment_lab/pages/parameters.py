"""The parameters that stand in a notebook, as methods and pages take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segment_lab.schemes import with_options
from segment_lab.study.config import StudyConfig, options_model


def options(name: str, names: Mapping[str, Any]) -> dict[str, Any]:
    """What a notebook says of one method (``rfm``) or report (``strategy``).

    Parameters
    ----------
    name : str
        A method, or the report's part of the study file.
    names : mapping
        The names of the notebook with their values: ``vars()``.

    Examples
    --------
    >>> max_segments, sample, random_state = 6, 50_000, 0
    >>> options("tree", vars())
    {'max_segments': 6, 'sample': 50000, 'random_state': 0}
    """
    return {option: names[option] for option in _fields(name)}


def methods(name: str, names: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The options of one method for `Study.from_yaml`, which takes all others from the study file.

    Where a notebook leaves an option open that has no default (``rules = None``), the study file
    stands.
    """
    given = options(name, names)
    for option, field in _fields(name).items():
        if field.is_required() and given[option] is None:
            return {}
    return {name: given}


def _fields(name: str) -> Mapping[str, Any]:
    if name in with_options():
        return options_model(name).model_fields
    part: Any = StudyConfig.model_fields[name].annotation
    return part.model_fields
