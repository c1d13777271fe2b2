"""The metrics by name: what each takes, its range, and which end is good.

What a metric means in words stands in ``texts/``, under its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Function = Callable[..., float]


@dataclass(frozen=True)
class Metric:
    """One figure of the scorecard.

    `section` says what `function` takes: ``agreement`` two arrays of codes; ``homogeneity`` codes
    and an outcome; ``validity`` a score (higher = better customer) and an outcome; ``migration``
    codes before and after.
    """

    name: str
    section: str
    low: float
    high: float
    higher_is_better: bool | None
    function: Function


METRICS: dict[str, Metric] = {}


def metric(
    section: str,
    *,
    low: float = 0.0,
    high: float = 1.0,
    higher_is_better: bool | None = True,
) -> Callable[[Function], Function]:
    """Register a function under its own name."""

    def register(function: Function) -> Function:
        name = function.__name__
        METRICS[name] = Metric(name, section, low, high, higher_is_better, function)
        return function

    return register
