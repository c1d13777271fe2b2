"""What each section of the comparison says in one sentence, from its table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.judge.measures import TOP_SHARE
from segment_lab.judge.usability import NUDGE_DAYS, NUDGE_SHARE
from segment_lab.segments.search import WEAKEST
from segment_lab.texts import phrases, say
from segment_lab.texts.names import told

NUDGE = {"nudge_days": NUDGE_DAYS, "nudge_share": NUDGE_SHARE}
#: An effect above so many points is called large.
LARGE = 0.05


def scheme_name(name: Any) -> str:
    """A scheme or baseline as a reader knows it."""
    return phrases("comparison.names").get(str(name)) or told(name)


def names_of(names: Iterable[Any]) -> list[str]:
    """Several of them."""
    return [scheme_name(name) for name in names]


def _span(values: pd.Series) -> str:
    """``5 % (ABC) to 31 % (RFM)``."""
    values = values.dropna()  # all spent the same, or too few customers
    if values.empty:
        return say("comparison.sentence.span_unknown")
    low, high = values.idxmin(), values.idxmax()
    facts = {
        "low": values.min(),
        "lowest": scheme_name(low),
    }
    if len(values) == 1:
        return say("comparison.sentence.span_one", **facts)
    facts |= {
        "high": values.max(),
        "highest": scheme_name(high),
    }
    return say("comparison.sentence.span", **facts)


def _trust(frame: pd.DataFrame, schemes: list[str]) -> str:
    best = frame.loc[schemes].sort_values("ranking_power").iloc[-1]
    return say(
        "comparison.sentence.trust",
        best=scheme_name(best.name),
        power=best["ranking_power"],
        low=best["ranking_power_low"],
        high=best["ranking_power_high"],
        chance=best["null_power"],
    )


def _differences(frame: pd.DataFrame, schemes: list[str]) -> str:
    rows = frame[frame["measure"] == "ranking_power"]
    rows = rows[rows["a"].isin(schemes) & rows["b"].isin(schemes)]
    return say(
        "comparison.sentence.differences",
        certain=int(rows["certain"].sum()),
        pairs=len(rows),
    )


def _misclassification(frame: pd.DataFrame, schemes: list[str]) -> str:
    rows = frame.loc[schemes]
    return say(
        "comparison.sentence.misclassification",
        missed=_span(rows["missed_share"]),
        money=_span(rows["missed_revenue_share"]),
        top=TOP_SHARE,
    )


def _homogeneity(frame: pd.DataFrame, schemes: list[str]) -> str:
    return say("comparison.sentence.homogeneity", explained=_span(frame["omega2"]))


def _agreement(frame: pd.DataFrame, schemes: list[str]) -> str:
    best = frame.sort_values("ari").iloc[-1]
    a, b = scheme_name(best["a"]), scheme_name(best["b"])
    return say("comparison.sentence.agreement", a=a, b=b, ari=best["ari"])


def _movement(frame: pd.DataFrame, schemes: list[str]) -> str:
    drift = frame["drift_share"].dropna()
    drifted = _span(drift) if len(drift) else ""
    return say(
        "comparison.sentence.movement", moved=_span(frame["moved_share"]), drift=drifted
    )


def _stability(frame: pd.DataFrame, schemes: list[str]) -> str:
    silent = frame.index[~frame["informative"]].get_level_values("scheme").unique()
    return say(
        "comparison.sentence.stability",
        weak=int((frame["jaccard"] < WEAKEST).sum()),
        segments=len(frame),
        empty=names_of(silent),
    )


def _ambiguity(frame: pd.DataFrame, schemes: list[str]) -> str:
    ambiguous = _span(frame["ambiguous_share"])
    return say("comparison.sentence.ambiguity", ambiguous=ambiguous, **NUDGE)


def _sufficiency(frame: pd.DataFrame, schemes: list[str]) -> str:
    last = frame.groupby(level="scheme", sort=False)["agreement"].last()
    return say(
        "comparison.sentence.sufficiency",
        low=last.min(),
        lowest=scheme_name(last.idxmin()),
        high=last.max(),
        highest=scheme_name(last.idxmax()),
    )


def _actionability(frame: pd.DataFrame, schemes: list[str]) -> str:
    filled = frame[(frame["customers"] > 0) & frame["smallest_uplift"].notna()]
    if filled.empty:
        return say("comparison.sentence.nobody_alone")
    uplift = filled["smallest_uplift"]
    return say(
        "comparison.sentence.actionability",
        large=int((uplift > LARGE).sum()),
        segments=len(filled),
        points=f"{100 * LARGE:g}",
        never=int(np.isinf(uplift).sum()),
    )


def _interpretability(frame: pd.DataFrame, schemes: list[str]) -> str:
    return say(
        "comparison.sentence.interpretability", accuracy=_span(frame["accuracy"])
    )


SENTENCES: dict[str, Callable[[pd.DataFrame, list[str]], str]] = {
    "trust": _trust,
    "differences": _differences,
    "misclassification": _misclassification,
    "homogeneity": _homogeneity,
    "agreement": _agreement,
    "movement": _movement,
    "stability": _stability,
    "ambiguity": _ambiguity,
    "sufficiency": _sufficiency,
    "actionability": _actionability,
    "interpretability": _interpretability,
}
