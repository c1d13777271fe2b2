"""Does a scheme, learned before t0, tell who will buy after t0?

The figures are those of the registry. Their intervals come from drawing the customers again: all
draws of all schemes are sums per segment from one matrix product, and in every draw the schemes
learn their segments' worth anew, so that intervals speak of other customers and of other training
data alike. What a baseline learned stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segment_lab.customers.rates import Z975
from segment_lab.judge import measures
from segment_lab.judge.bootstrap import Bootstrap
from segment_lab.judge.judged import Judged
from segment_lab.judge.learning import (
    CROSS_FITTED,
    Lesson,
    Outcome,
    Prediction,
    folds,
    learned_means,
    segment_sums,
)
from segment_lab.judge.measures import MEASURES, Ranked
from segment_lab.judge.registry import METRICS
from segment_lab.judge.resampling import blocks


def judge(
    predictions: Sequence[Prediction],
    outcome: Outcome,
    draws: int = 200,
    seed: int = 0,
    lesson: Lesson | None = None,
) -> Judged:
    """Score predictions on the judged period, with `draws` paired draws of the customers.

    Where a scheme is cross-fitted, everything is measured within each fold and averaged: scores
    learned from different folds are never put into one order.
    """
    n = len(outcome.revenue)
    crossed = any(p.learned == CROSS_FITTED for p in predictions)
    parts = folds(n, seed) if crossed else [np.arange(n)]
    values = [_values(predictions, outcome, part, lesson) for part in parts]
    bootstrap = Bootstrap(predictions, outcome, parts, lesson)
    everybody = n if lesson is None else n + int((lesson.place < 0).sum())
    samples = [bootstrap.measured(counts) for counts in blocks(everybody, draws, seed)]
    return Judged(
        predictions=tuple(predictions),
        values=np.mean(values, axis=0),
        samples=np.concatenate(samples),
    )


def _values(
    predictions: Sequence[Prediction],
    outcome: Outcome,
    part: np.ndarray,
    lesson: Lesson | None,
) -> np.ndarray:
    """The measures of the registry on the customers of one part, shape (predictions, measures)."""
    revenue, bought = outcome.revenue[part], outcome.bought[part]
    rows = []
    for prediction in predictions:
        score, amount, chance = scores_of(prediction, outcome, part, lesson)
        given = {
            "auc": (score if chance is None else chance, bought),
            "brier": (chance, bought),
            "capped_r2": (amount, revenue),
        }
        row = []
        for name in MEASURES:
            said, happened = given.get(name, (score, revenue))
            measure = METRICS[name].function
            row.append(np.nan if said is None else measure(said, happened))
        rows.append(row)
    return np.array(rows, dtype=float)


def scores_of(
    prediction: Prediction,
    outcome: Outcome,
    part: np.ndarray,
    lesson: Lesson | None,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Score, amount and chance of the customers of a part: as brought, or the means that their
    segments had in the lesson or among the customers outside the part."""
    if prediction.codes is None:
        assert prediction.score is not None
        amount, chance = prediction.amount, prediction.probability
        return (
            prediction.score[part],
            None if amount is None else amount[part],
            None if chance is None else chance[part],
        )
    k = int(prediction.segments or 0)
    if prediction.taught is not None and lesson is not None:
        sums = segment_sums(prediction.taught, lesson.outcome, k + 1)
    else:
        everybody = np.arange(len(outcome.revenue))
        elsewhere = np.setdiff1d(everybody, part, assume_unique=True)
        taught = Outcome(outcome.revenue[elsewhere], outcome.bought[elsewhere])
        sums = segment_sums(prediction.codes[elsewhere], taught, k)
    amount, chance = learned_means(*sums)
    mine = prediction.codes[part]
    return amount[mine], amount[mine], chance[mine]


def null_power(score: np.ndarray, revenue: np.ndarray) -> float:
    """The ranking power that groups of the same sizes dealt at random exceed in one case of forty;
    their mean is 0.

    Exact standard deviation over all permutations (the captured area is linear in the revenues),
    normal quantile.
    """
    n = len(revenue)
    one = np.ones(n)
    size = Ranked(score).sums(one)
    place = 2 * (np.cumsum(size) - size / 2) / n - 1
    apart = revenue - revenue.mean()
    variance = (size @ place**2) * (apart**2).sum() / (n - 1)
    seldom = Z975 * np.sqrt(variance) / revenue.sum()
    truth = Ranked(revenue)
    best_first = measures.sorted_order()
    perfect = measures.captured_area(truth.sums(one), truth.sums(revenue), best_first)
    return float(measures.ratio(seldom, perfect))
