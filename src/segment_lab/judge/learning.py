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
BEFORE, CROSS_FITTED, NOTHING = (
    "the time before",
    "the judged period, cross-fitted",
    "nothing to learn",
)


@dataclass(frozen=True)
class Training:
    """The same schemes one horizon earlier, with what their customers then bought up to t0.

    Parameters
    ----------
    segmentations : mapping of str to Segmentation
        Labels at t0 − H, under the names of the judged schemes. A scheme that is not here is
        cross-fitted.
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
        object.__setattr__(self, "cap", float(np.percentile(self.revenue, CAP_PERCENTILE)))

    @classmethod
    def of(cls, outcomes: pd.DataFrame) -> Outcome:
        return cls(
            outcomes["future_revenue"].clip(lower=0).to_numpy(float),
            (outcomes["future_orders"] > 0).to_numpy(float),
        )

    @property
    def capped(self) -> np.ndarray:
        """Revenue cut off at the 99th percentile, so that one giant order does not decide a
        squared error."""
        return np.minimum(self.revenue, self.cap)


@dataclass(frozen=True)
class Prediction:
    """What a scheme or a baseline says of every judged customer before the period begins.

    `score` ranks (higher is better), `amount` predicts capped revenue, `probability` that they
    buy; the last two are None where a rule gives a rank only. `note` says why a baseline has no
    score.
    """

    name: str
    kind: str
    score: np.ndarray | None
    amount: np.ndarray | None = None
    probability: np.ndarray | None = None
    segments: int | None = None
    learned: str = NOTHING
    note: str = ""


def segment_means(codes: np.ndarray, outcome: Outcome, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean capped revenue and share of buyers per code, shape (k,) each.

    Each mean is drawn towards the overall one with the weight of one customer: an empty segment
    gets the overall mean, and one lucky customer does not make a segment the best.
    """
    n = np.bincount(codes, minlength=k)

    def shrunk(y: np.ndarray) -> np.ndarray:
        return (np.bincount(codes, weights=y, minlength=k) + y.mean()) / (n + 1)

    return shrunk(outcome.capped), shrunk(outcome.bought)


def from_segments(
    name: str,
    kind: str,
    now: Segmentation,
    outcomes: pd.DataFrame,
    training: Training | None,
    seed: int = 0,
    seen: Segmentation | None = None,
) -> Prediction:
    """The segment's mean as prediction: learned before t0 where the scheme has labels there, else
    cross-fitted."""
    codes, k = now.codes.loc[outcomes.index].to_numpy(), len(now.names)
    if seen is None and training is not None:
        seen = training.segmentations.get(name)
    if seen is not None and training is not None:
        known = seen.codes.index.intersection(training.outcomes.index)
        position = {n: i for i, n in enumerate(now.names)}
        # A name that exists no more has no customers to predict; a new one gets the overall mean.
        earlier = np.array([position.get(n, k) for n in seen.names])[
            seen.codes.loc[known].to_numpy()
        ]
        amount, chance = segment_means(earlier, Outcome.of(training.outcomes.loc[known]), k + 1)
        return Prediction(name, kind, amount[codes], amount[codes], chance[codes], k, BEFORE)
    amount, chance = cross_fitted(codes, Outcome.of(outcomes), k, seed)
    return Prediction(name, kind, amount, amount, chance, k, CROSS_FITTED)


def cross_fitted(
    codes: np.ndarray, outcome: Outcome, k: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Each customer's segment means learned from the other folds of the judged period itself.

    Nobody's own outcome is used for them, but the season is the same: kinder than a test out of
    time.
    """
    fold = np.random.default_rng(seed).permutation(len(codes)) % FOLDS
    amount, chance = np.empty(len(codes)), np.empty(len(codes))
    for f in range(FOLDS):
        rest, here = fold != f, fold == f
        learned = segment_means(
            codes[rest], Outcome(outcome.revenue[rest], outcome.bought[rest]), k
        )
        amount[here], chance[here] = learned[0][codes[here]], learned[1][codes[here]]
    return amount, chance
