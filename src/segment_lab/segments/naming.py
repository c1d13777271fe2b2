"""What clusters are called: plain words for what is low or high in their medians."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd

from segment_lab.segments.claims import ENOUGH, Word
from segment_lab.texts import has, phrases, say

#: What a name says of a feature → the word that must be true of the cluster's customers.
CLAIMS: dict[tuple[str, str], Word] = {
    ("recency_days", "low"): "lately",
    ("recency_days", "high"): "silent",
    ("tenure_days", "low"): "young",
}


def untrue(truth: pd.DataFrame | None, k: int) -> list[set[tuple[str, str]]]:
    """Per cluster the levels of features that its name must not claim."""
    if truth is None:
        return [set() for _ in range(k)]
    found = []
    for _, shares in truth.iterrows():
        found.append({level for level, word in CLAIMS.items() if shares[word] < ENOUGH})
    return found


def cluster_names(
    profile: pd.DataFrame,
    features: pd.DataFrame,
    untrue: Sequence[Collection[tuple[str, str]]],
) -> list[str]:
    """Plain words for what is low or high in each cluster's medians against thirds of all
    customers, but nothing that is untrue of it; unique."""
    known = list(phrases("clusters.feature"))
    # Where all customers have the same value, nobody is high or low.
    varied = [f for f in profile.columns if features[f].min() < features[f].max()]
    order = [f for f in known if f in varied]
    order += [f for f in varied if f not in known]
    among = {feature: _thirds(features[feature]) for feature in order}
    names = []
    for (_, row), unsaid in zip(profile.iterrows(), untrue, strict=True):
        levels = [(feature, _level(row[feature], *among[feature])) for feature in order]
        words = []
        for feature, level in levels:
            if level and (feature, level) not in unsaid:
                words.append(_say(feature, level))
        names.append(", ".join(words).capitalize() or say("clusters.name.middling"))
    return _numbered(_told_apart(names, profile, features))


def _told_apart(
    names: Sequence[str],
    profile: pd.DataFrame,
    features: pd.DataFrame,
) -> list[str]:
    """Names that several clusters have, with the median in which these differ most."""
    apart = list(names)
    for name in {name for name in names if names.count(name) > 1}:
        alike = [i for i, other in enumerate(names) if other == name]
        spread = profile.iloc[alike].max() - profile.iloc[alike].min()
        widest = str((spread / features.std().replace(0, 1)).idxmax())
        for i in alike:
            apart[i] = f"{name} ({typical(widest, profile[widest].iloc[i])})"
    return apart


def _numbered(names: Sequence[str]) -> list[str]:
    """Names, each but the first of equal ones with its place."""
    unique = []
    for i, name in enumerate(names):
        first = names.index(name) == i
        unique.append(name if first else f"{name} {i + 1}")
    return unique


def _thirds(values: pd.Series) -> tuple[float, float, float]:
    """Where the lower, the middle and the upper third of all end."""
    low, high = values.quantile([1 / 3, 2 / 3])
    return low, high, values.max()


def _level(value: float, low: float, high: float, most: float) -> str:
    """Whether a value is ``low`` or ``high`` against thirds of all; empty in between."""
    if value <= low and value < most:
        return "low"
    return "high" if value <= low or value >= high else ""


def typical(feature: str, value: float) -> str:
    """The median of a feature in words."""
    return _say(feature, "typical", value=value)


def _say(feature: str, what: str, **facts: Any) -> str:
    known = has(f"clusters.feature.{feature}.{what}")
    place = feature if known else "other"
    return say(
        f"clusters.feature.{place}.{what}", feature=feature.replace("_", " "), **facts
    )
