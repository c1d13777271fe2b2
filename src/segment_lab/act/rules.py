"""What the verdicts go by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """How sure is sure, how few are too few, and what may be tested or left alone.

    Parameters
    ----------
    sure : float
        The chance that makes a measured action firm.
    fewest : int
        With fewer customers it is the company's own judgement.
    campaigns_ahead : int
        Over so many next campaigns what is learned is used.
    holdouts, tests : tuple of float
        Shares of a segment that may be left alone, or tested on.
    holdout : float, optional
        A share given by hand instead.
    most_tested : float
        The largest share of a segment that all tests may take together.
    """

    sure: float = 0.9
    fewest: int = 20
    campaigns_ahead: int = 3
    holdouts: tuple[float, ...] = (0.05, 0.1, 0.2, 0.3)
    tests: tuple[float, ...] = (0.05, 0.1, 0.2, 0.35, 0.5)
    holdout: float | None = None
    most_tested: float = 0.5

    @property
    def least_held(self) -> float:
        """The smallest share that a running action leaves alone."""
        return min(self.holdouts) if self.holdout is None else self.holdout


#: What holds where nothing else is said.
USUAL = Rules()
