"""How long a win and a loss take, and what that says of a lead that is still open.

Wins and losses take different times, so the leads that are decided today are not those that will
be: of young leads only the quick outcomes are known. The days to a win and to a loss are learned
from decided and open leads together (EM: an open lead is a win to come with the chance that its age
leaves it, and its day lies beyond today). Some leads are never decided: those count as lost. The
chance of an open lead then follows from its chance at
the start and its age (Bayes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDS = 200
#: A decided lead stands for at most so many that are not decided yet.
MOST_WEIGHT = 20.0


@dataclass(frozen=True, eq=False)
class Waits:
    """Days to one outcome: rising `days` and the share `open` that takes longer than each."""

    days: np.ndarray
    open: np.ndarray

    def longer(self, age: np.ndarray) -> np.ndarray:
        """Share that takes longer than `age` days."""
        place = np.searchsorted(self.days, age, side="right")
        return np.concatenate([[1.0], self.open])[place]


@dataclass(frozen=True, eq=False)
class Timing:
    """Days to a win and to a loss (or never), and the share of all leads that are won in the
    end."""

    won: Waits
    lost: Waits
    share: float

    def chance(self, start: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Chance of a win of a lead that is open at an age, from its chance at the start.

        0 where no lead was ever won that late.
        """
        win = start * self.won.longer(age)
        lose = (1 - start) * self.lost.longer(age)
        return _share(win, win + lose, otherwise=0.0)

    def decided(self, start: np.ndarray, within: np.ndarray) -> np.ndarray:
        """Chance that a lead decided within so many days was won."""
        win = start * (1 - self.won.longer(within))
        lose = (1 - start) * (1 - self.lost.longer(within))
        return _share(win, win + lose, otherwise=start)

    def won_by(
        self,
        start: np.ndarray,
        age: np.ndarray,
        days: np.ndarray,
    ) -> np.ndarray:
        """Chance that a lead open at an age is won within `days` from then."""
        left = self.won.longer(age)
        later = self.won.longer(age + days)
        soon = _share(left - later, left, otherwise=0.0)
        return self.chance(start, age) * soon

    def weights(self, won: np.ndarray, within: np.ndarray) -> np.ndarray:
        """How many leads of its age each decided lead stands for: 1 ÷ the chance that it is decided
        by now (inverse probability of censoring)."""
        open_still = np.where(won, self.won.longer(within), self.lost.longer(within))
        by_now = 1 - open_still
        return np.clip(1 / np.maximum(by_now, 1e-9), 1.0, MOST_WEIGHT)


def learn(days: np.ndarray, won: np.ndarray) -> Timing:
    """Timing from days to the decision, or the age of those still open, and the outcome (1, 0, or
    NaN while open).

    Examples
    --------
    >>> timing = learn(np.array([5.0, 5, 40, 40, 20]), np.array([0, 0, 1, 1, np.nan]))
    >>> timing.chance(np.array([0.5, 0.5]), np.array([0.0, 10.0])).tolist()
    [0.5, 1.0]
    """
    waiting = np.isnan(won)
    share = float(np.nanmean(won))
    win = np.where(waiting, share, won)
    for _ in range(ROUNDS):
        wins = _waits(days, won == 1, win)
        losses = _waits(days, won == 0, 1 - win, ends=False)
        timing = Timing(wins, losses, share)
        start = np.full(len(days), share)
        new = np.where(waiting, timing.chance(start, days), won)
        share = float(new.mean())
        if np.abs(new - win).max(initial=0) < 1e-6:
            break
        win = new
    return Timing(wins, losses, share)


def _waits(
    days: np.ndarray,
    ended: np.ndarray,
    weight: np.ndarray,
    *,
    ends: bool = True,
) -> Waits:
    """Weighted Kaplan–Meier; `ends` at the longest wait that was seen, or leaves a rest that is
    never decided."""
    order = np.argsort(days, kind="stable")
    weight = weight[order]
    at_risk = weight[::-1].cumsum()[::-1]
    events = np.where(ended[order], weight, 0.0)
    hazard = _share(events, at_risk, otherwise=0.0)
    left = np.cumprod(1 - np.minimum(hazard, 1.0))
    if ends and len(left) and left[-1] < 1:
        left = (left - left[-1]) / (1 - left[-1])
    return Waits(days[order], np.maximum(left, 0.0))


def _share(
    part: np.ndarray,
    whole: np.ndarray,
    otherwise: float | np.ndarray,
) -> np.ndarray:
    """part / whole, and `otherwise` where there is no whole."""
    known = whole > 0
    return np.where(known, part / np.where(known, whole, 1.0), otherwise)
