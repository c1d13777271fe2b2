"""What is learned before t0: which segment is worth how much, so that the judged period stays
unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from segment_lab.segments.segmentation import Segmentation
from segment_lab.window import ObservationWindow

CAP_PERCENTILE, FOLDS = 99.0, 5
#: Where the worth of a segment was learned.
BEFORE, CROSS_FITTED, NOTHING = "before", "cross_fitted", "nothing"


@dataclass(frozen=True)
class Training:
    """The same schemes one horizon earlier, with what their customers then bought up to t0.

    Parameters
    ----------
    segmentations : mapping of str to Segmentation
        Labels at t0 − H, under the names of the judged schemes. Where one scheme is not here, all
        are cross-fitted: only what was learned alike is compared.
    outcomes, customers : DataFrame by ``customer_id``
        ``future_revenue, future_orders`` in [t0 − H, t0); the table at t0 − H, from which the
        baselines learn.
    window : ObservationWindow, optional
        ``as_of`` t0 − H, ``holdout_end`` at most t0; checked when given.
    """

    segmentations: Mapping[str, Segmentation]
    outcomes: pd.DataFrame
    customers: pd.DataFrame | None = None
    window: ObservationWindow | None = None


@dataclass(frozen=True)
class Outcome:
    """The judged period as arrays, one entry per customer: money (never below 0) and whether they
    bought."""

    revenue: np.ndarray
    bought: np.ndarray
    cap: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "cap", float(np.percentile(self.revenue, CAP_PERCENTILE))
        )

    @classmethod
    def of(cls, outcomes: pd.DataFrame) -> Outcome:
        """From ``future_revenue, future_orders``."""
        revenue = outcomes["future_revenue"].clip(lower=0).to_numpy(float)
        return cls(revenue, (outcomes["future_orders"] > 0).to_numpy(float))

    @property
    def capped(self) -> np.ndarray:
        """Revenue cut off at the 99th percentile, so that one giant order does not decide a
        squared error."""
        return np.minimum(self.revenue, self.cap)


@dataclass(frozen=True)
class Lesson:
    """What customers did in the period before t0: `place` is the position of each among the judged
    customers, −1 for those who are not judged."""

    outcome: Outcome
    place: np.ndarray


@dataclass(frozen=True)
class Prediction:
    """What a scheme or a baseline says of every judged customer before the period begins.

    A baseline brings a `score` per customer (higher is better), perhaps an `amount` (capped
    revenue) and a `probability` to buy. A scheme brings the segment of every judged customer
    (`codes`), and of every customer of the lesson (`taught`, −1 where unknown): its scores are the
    means learned there, or in the other folds where there is no lesson. `note` says why a baseline
    has no score.
    """

    name: str
    kind: str
    score: np.ndarray | None = None
    amount: np.ndarray | None = None
    probability: np.ndarray | None = None
    learned: str = NOTHING
    note: str = ""
    segments: int | None = None
    codes: np.ndarray | None = None
    taught: np.ndarray | None = None


def learned_means(
    n: np.ndarray,
    capped: np.ndarray,
    buyers: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean capped revenue and share of buyers per segment, from sums per segment (last axis).

    Each mean is drawn towards the overall one with the weight of one customer: an empty segment
    gets the overall mean, and one lucky customer does not make a segment the best.
    """
    total = np.maximum(n.sum(axis=-1, keepdims=True), 1)
    amount = (capped + capped.sum(axis=-1, keepdims=True) / total) / (n + 1)
    chance = (buyers + buyers.sum(axis=-1, keepdims=True) / total) / (n + 1)
    return amount, chance


def segment_sums(
    codes: np.ndarray, outcome: Outcome, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customers, capped revenue and buyers per code, shape (k,) each; a code of −1 counts
    nowhere."""
    known = codes >= 0
    codes = codes[known]
    return (
        np.bincount(codes, minlength=k).astype(float),
        np.bincount(codes, outcome.capped[known], minlength=k),
        np.bincount(codes, outcome.bought[known], minlength=k),
    )


def from_segments(
    name: str,
    kind: str,
    now: Segmentation,
    judged: pd.Index,
    seen: Segmentation | None = None,
    lesson: pd.Index | None = None,
) -> Prediction:
    """A scheme as a prediction: its segments at t0, and those of the customers of the lesson.

    Segments of the two days meet by name. A name that exists no more has nobody to predict; a new
    one gets the overall mean. `lesson` holds the customers of the earlier period in their order.
    """
    codes, k = now.codes.loc[judged].to_numpy(), len(now.names)
    if seen is None or lesson is None:
        return Prediction(name, kind, learned=CROSS_FITTED, segments=k, codes=codes)
    position = {n: i for i, n in enumerate(now.names)}
    gone = k  # one place more, for segments that exist no more
    place = np.array([*(position.get(n, gone) for n in seen.names), -1])
    taught = place[seen.codes.reindex(lesson, fill_value=-1).to_numpy()]
    return Prediction(
        name, kind, learned=BEFORE, segments=k, codes=codes, taught=taught
    )


def folds(n: int, seed: int) -> list[np.ndarray]:
    """The positions of each of the folds within which cross-fitted schemes are measured."""
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    return [np.flatnonzero(fold == f) for f in range(FOLDS)]
