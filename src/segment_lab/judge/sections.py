"""The sections of a scorecard, each from what it needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from segment_lab.judge.baselines import Context, predictions
from segment_lab.judge.card import Background
from segment_lab.judge.learning import (
    Outcome,
    Prediction,
    learned_means,
    segment_sums,
)
from segment_lab.judge.measures import top_customers
from segment_lab.judge.stability import refit_stability
from segment_lab.judge.usability import actionability, ambiguity, tree_accuracy
from segment_lab.judge.validity import Lesson, judge, null_power
from segment_lab.segments.segmentation import Segmentation


def validity(context: Context, draws: int, baselines: bool) -> dict[str, pd.DataFrame]:
    """The trust table, all paired differences, and misclassification in customers and money."""
    judged = context.outcomes
    outcome = Outcome.of(judged)
    taught = context.taught
    every = []
    for name, segmentation in context.segmentations.items():
        seen = None if taught is None else taught.segmentations[name]
        every.append(context.learned(name, "scheme", segmentation, seen))
    if baselines:
        every += predictions(context)
    scored = [prediction for prediction in every if not prediction.note]
    result = judge(scored, outcome, draws, context.seed, _lesson(context))
    found = result.table()
    mistakes = [name for name in found if str(name).startswith(("missed", "false"))]
    trust = _trust(every, found.drop(columns=mistakes))
    null = {
        prediction.name: null_power(_ranks(prediction, outcome), outcome.revenue)
        for prediction in scored
    }
    trust.insert(5, "null_power", pd.Series(null, dtype=float))
    return {
        "trust": trust,
        "differences": result.differences(),
        "misclassification": _counted(found[mistakes], outcome),
    }


def _counted(wrong: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """The shares of mistakes as customers and money."""
    top = top_customers(outcome.revenue)
    customers, money = top.sum(), (top * outcome.revenue).sum()
    return wrong.assign(
        missed_customers=wrong["missed_share"] * customers,
        missed_money=wrong["missed_revenue_share"] * money,
        false_customers=wrong["false_share"] * (len(top) - customers),
    )


def _trust(every: list[Prediction], found: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for prediction in every:
        bands = prediction.kind == "baseline" and prediction.name.endswith(
            "spend bands"
        )
        count = prediction.segments
        rows.append(
            {
                "scheme": prediction.name,
                "kind": prediction.kind,
                "segments": count,
                "learned": prediction.learned,
                "note": prediction.note,
                "band_count": count if bands and count is not None else 0,
            }
        )
    plain = pd.DataFrame(rows).set_index("scheme")
    trust = plain[["kind", "segments"]].join(found)
    return trust.join(plain[["learned", "note", "band_count"]])


def _lesson(context: Context) -> Lesson | None:
    """What the schemes learn from, with the places of its customers among the judged."""
    if context.taught is None:
        return None
    outcomes = context.taught.outcomes
    place = context.outcomes.index.get_indexer(outcomes.index)
    return Lesson(Outcome.of(outcomes), place)


def _ranks(prediction: Prediction, outcome: Outcome) -> np.ndarray:
    """Scores with the group sizes of a prediction, for what chance would reach with them."""
    if prediction.codes is None:
        assert prediction.score is not None
        return prediction.score
    count = int(prediction.segments or 0)
    amount, _ = learned_means(*segment_sums(prediction.codes, outcome, count))
    return amount[prediction.codes]


def of_customers(
    named: Mapping[str, Segmentation],
    judged: pd.DataFrame,
    customers: pd.DataFrame,
    contacted: Collection[str],
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Sections that read the customer table."""
    acting, found = {}, {}
    for name, segmentation in named.items():
        acting[name] = actionability(segmentation, customers, judged, contacted)
        found[name] = tree_accuracy(segmentation, customers, seed=seed)
    return {
        "actionability": pd.concat(acting, names=["scheme"]),
        "interpretability": _rows(found),
    }


def of_segmenters(
    named: Mapping[str, Segmentation],
    known: Background,
    customers: pd.DataFrame,
    judged: pd.DataFrame,
    refits: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Sections that apply a segmenter again: to nudged customers, and to bootstrap samples."""
    unclear, stable = {}, {}
    spent = judged["future_revenue"]
    for name, segmentation in named.items():
        if name not in known.segmenters:
            continue
        segmenter = known.segmenters[name]
        rows = known.populations.get(name, customers).loc[judged.index]
        unclear[name] = ambiguity(segmenter, rows, segmentation)
        stable[name] = refit_stability(
            segmenter, rows, spent=spent, refits=refits, seed=seed
        )
    if not stable:
        return {}
    return {
        "ambiguity": _rows(unclear),
        "stability": pd.concat(stable, names=["scheme"]),
    }


def of_histories(histories: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What each month of data changed, of the schemes that have a history."""
    told = {name: history for name, history in histories.items() if len(history)}
    return {"sufficiency": pd.concat(told, names=["scheme"])} if told else {}


def _rows(rows: Mapping[str, pd.Series]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(dict(rows), orient="index").rename_axis("scheme")
