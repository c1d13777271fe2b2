"""Are there enough data yet? PROPER or PRELIMINARY, with the reason, for every scheme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segment_lab.judge.agreement import adjusted_rand
from segment_lab.judge.learning import Outcome, from_segments
from segment_lab.judge.validity import judge
from segment_lab.segments.segmentation import Segmentation, Status

AGREEMENT, GAIN, MONTHS, MIN_DAYS, MIN_BUYERS = 0.85, 0.02, 2, 30, 500


@dataclass(frozen=True)
class Step:
    """A scheme as it stood after so many days of data.

    Parameters
    ----------
    days : int
        Length of the observed window.
    segmentation : Segmentation
        Cuts learned on that day.
    previous : Segmentation, optional
        The same customers on the same day by the cuts of a month earlier: has one more month
        changed the rule?
    outcomes : DataFrame, optional
        What these customers bought after that day.
    """

    days: int
    segmentation: Segmentation
    previous: Segmentation | None = None
    outcomes: pd.DataFrame | None = None


def history(steps: Sequence[Step], draws: int = 50) -> pd.DataFrame:
    """What one more month of data changed, by length of the window (days, the index).

    ``agreement`` compares the segments by today's cuts with those by the cuts of a month earlier;
    ``gain`` is how much better today's rank the same customers by what they bought in the same
    days after, with its paired 95 % interval. The Gini is cross-fitted in those days (a short
    window has no earlier period to learn from).
    """
    rows = []
    for step in sorted(steps, key=lambda s: s.days):
        row = {
            "days": step.days,
            "customers": len(step.segmentation),
            "agreement": np.nan,
        } | dict.fromkeys(
            ("gini", "gini_low", "gini_high", "gain", "gain_low", "gain_high"), np.nan
        )
        if step.previous is not None:
            both = step.segmentation.codes.index.intersection(step.previous.codes.index)
            row["agreement"] = adjusted_rand(
                step.segmentation.codes.loc[both], step.previous.codes.loc[both]
            )
        if step.outcomes is not None and len(step.outcomes):
            row |= _validity(step, step.outcomes, draws)
        rows.append(row)
    return pd.DataFrame(rows).set_index("days") if rows else pd.DataFrame()


def _validity(step: Step, outcomes: pd.DataFrame, draws: int) -> dict[str, float]:
    """The Gini on the days after, and what it gained on the cuts of a month earlier."""
    cuts = [step.segmentation] if step.previous is None else [step.segmentation, step.previous]
    judged = judge(
        [from_segments(str(i), "scheme", s, outcomes, None) for i, s in enumerate(cuts)],
        Outcome.of(outcomes),
        draws,
        seed=0,
    )
    now = dict(judged.table().iloc[0])
    found = {name: float(now[name]) for name in ("gini", "gini_low", "gini_high")}
    if step.previous is not None:
        gain = dict(judged.differences().set_index("measure").loc["gini"])
        found |= {f"gain{end}": float(gain[f"difference{end}"]) for end in ("", "_low", "_high")}
    return found


def assess(table: pd.DataFrame, days: int, buyers: int) -> Status:
    """PROPER when the cuts have settled: for two months running agreement ≥ .85 and a gain in Gini
    < .02.

    Under 30 days of data or 500 buyers it is PRELIMINARY whatever the figures say.
    """
    if days < MIN_DAYS:
        return Status("PRELIMINARY", f"less than {MIN_DAYS} days of data ({days})")
    if buyers < MIN_BUYERS:
        return Status("PRELIMINARY", f"only {buyers:,} buyers; at least {MIN_BUYERS} are needed")
    agreed, gained = table["agreement"].dropna().tail(MONTHS), table["gain"].dropna().tail(MONTHS)
    if min(len(agreed), len(gained)) < MONTHS:
        return Status(
            "PRELIMINARY",
            f"fewer than {MONTHS + 1} months can be compared, so nobody knows yet whether "
            "one more month would change the segments",
        )
    agreement, gain = agreed.min(), gained.max()
    if agreement < AGREEMENT:
        digits = next(
            d for d in range(2, 18) if round(agreement, d) < AGREEMENT
        )  # so many that it reads as less
        return Status(
            "PRELIMINARY",
            f"cut points learned a month earlier give other segments (agreement "
            f"{agreement:.{digits}f}, needed {AGREEMENT})",
        )
    if gain >= GAIN:
        return Status(
            "PRELIMINARY",
            f"cut points from one more month of data still ranked the same customers "
            f"better (Gini +{gain:.3f}, settled below +{GAIN})",
        )
    return Status(
        "PROPER",
        f"for {MONTHS} months running the segments stayed the same when learned anew "
        f"(agreement at least {agreement:.2f}) and more data no longer improved them",
    )
