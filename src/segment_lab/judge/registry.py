"""The metrics by name: what each means in one plain sentence, its range, and which end is good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

Function = Callable[..., float]


@dataclass(frozen=True)
class Metric:
    """One figure of the scorecard.

    `section` says what `function` takes: ``agreement`` two arrays of codes; ``homogeneity`` codes
    and an outcome; ``validity`` a score (higher = better customer) and an outcome; ``migration``
    codes before and after.
    """

    name: str
    title: str
    meaning: str
    section: str
    low: float
    high: float
    higher_is_better: bool | None
    function: Function


METRICS: dict[str, Metric] = {}


def metric(
    section: str,
    title: str,
    meaning: str,
    *,
    low: float = 0.0,
    high: float = 1.0,
    higher_is_better: bool | None = True,
) -> Callable[[Function], Function]:
    """Register a function under its own name."""

    def register(function: Function) -> Function:
        name = function.__name__
        METRICS[name] = Metric(name, title, meaning, section, low, high, higher_is_better, function)
        return function

    return register


def glossary() -> pd.DataFrame:
    """Every metric with its meaning and range, for the foot of a report."""
    better = {True: "higher", False: "lower", None: "neither"}
    rows = [
        {
            "metric": m.title,
            "meaning": m.meaning,
            "from": m.low,
            "to": m.high,
            "better": better[m.higher_is_better],
        }
        for m in METRICS.values()
    ]
    return pd.DataFrame(rows).set_index("metric")
