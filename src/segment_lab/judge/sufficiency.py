"""Are there enough data yet? Settled, preliminary or fixed by rule, with the reason, for every
scheme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.judge.agreement import adjusted_rand, rand_of_tables
from segment_lab.judge.learning import (
    Outcome,
    from_segments,
    learned_means,
    segment_sums,
)
from segment_lab.judge.validity import judge, null_power
from segment_lab.segments.segmentation import Segmentation, Status

#: A settled scheme gains less ranking power than this by one month more, certainly.
GAIN = 0.02
#: A settled scheme's cuts move past at most this share of the customers each.
CUT_SHIFT = 0.02
#: So many months running, and never with fewer days or buyers than these.
MONTHS, MIN_DAYS, MIN_BUYERS = 2, 30, 500
POWER = ("ranking_power", "ranking_power_low", "ranking_power_high")


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


def agreement_needed(segments: int) -> float:
    """The agreement (ARI) of equal bands whose every cut has moved past `CUT_SHIFT` of the
    customers.

    More segments have more cuts, so the same steadiness of each gives a lower figure.

    Examples
    --------
    >>> [round(agreement_needed(k), 2) for k in (2, 4, 11)]
    [0.92, 0.85, 0.65]
    """
    if segments < 2:
        return 1.0
    size = 1 / segments
    stays = np.full(segments, size - CUT_SHIFT)
    stays[0] = size
    moves = np.full(segments - 1, CUT_SHIFT)
    customers = 1e6  # a large base, where pairs with oneself do not count
    table = (np.diag(stays) + np.diag(moves, k=-1)) * customers
    return float(rand_of_tables(np.clip(table, 0, None)[None])[0])


def history(steps: Sequence[Step], draws: int = 50) -> pd.DataFrame:
    """What one more month of data changed, by length of the window (days, the index).

    ``agreement`` compares the segments by today's cuts with those by the cuts of a month earlier,
    ``agreement_needed`` is the threshold for so many segments; ``ranking_power`` with its interval
    and ``null_power`` say whether they predict at all; ``gain`` is how much better today's cuts
    rank the same customers by what they bought in the same days after, with its paired 95 %
    interval. Worth is cross-fitted in those days (a short window has no earlier period to learn
    from).
    """
    rows = []
    for step in sorted(steps, key=lambda s: s.days):
        filled = int((step.segmentation.sizes() > 0).sum())
        row: dict[str, float] = {
            "days": step.days,
            "customers": len(step.segmentation),
            "segments": filled,
            "agreement": np.nan,
            "agreement_needed": agreement_needed(filled),
        }
        row |= dict.fromkeys(
            (*POWER, "null_power", "gain", "gain_low", "gain_high"), np.nan
        )
        if step.previous is not None:
            both = step.segmentation.codes.index.intersection(step.previous.codes.index)
            before, now = (
                s.codes.loc[both] for s in (step.previous, step.segmentation)
            )
            row["agreement"] = adjusted_rand(now, before)
        if step.outcomes is not None and len(step.outcomes):
            row |= _validity(step, step.outcomes, draws)
        rows.append(row)
    return pd.DataFrame(rows).set_index("days") if rows else pd.DataFrame()


def _validity(step: Step, outcomes: pd.DataFrame, draws: int) -> dict[str, float]:
    """Ranking power on the days after, what chance reaches, and the gain on the cuts of a month
    earlier."""
    cuts = [s for s in (step.segmentation, step.previous) if s is not None]
    outcome = Outcome.of(outcomes)
    predictions = [
        from_segments(str(i), "scheme", cut, outcomes.index)
        for i, cut in enumerate(cuts)
    ]
    judged = judge(predictions, outcome, draws, seed=0)
    now = judged.table().iloc[0]
    found = {name: float(now[name]) for name in POWER}
    codes = cuts[0].codes.loc[outcomes.index].to_numpy()
    amount, _ = learned_means(*segment_sums(codes, outcome, len(cuts[0].names)))
    found["null_power"] = null_power(amount[codes], outcome.revenue)
    if step.previous is not None:
        gain: Any = judged.differences().set_index("measure").loc["ranking_power"]
        for end in ("", "_low", "_high"):
            found[f"gain{end}"] = float(gain[f"difference{end}"])
    return found


def assess(table: pd.DataFrame, days: int, buyers: int) -> Status:
    """Whether a scheme may be acted on, from its `history`.

    PROPER takes stability and worth, for two months running: agreement with the cuts of a month
    earlier above the threshold for so many segments, the upper end of the gain below `GAIN`, and
    the lower end of the ranking power above what chance reaches. FIXED are rules that learn nothing
    from data: they cannot shift, and the reason says whether they predict. Under 30 days of data
    or 500 buyers everything is PRELIMINARY.
    """
    if days < MIN_DAYS:
        return _preliminary("few_days", days=days, needed=MIN_DAYS)
    if buyers < MIN_BUYERS:
        return _preliminary("few_buyers", buyers=buyers, needed=MIN_BUYERS)
    known = (
        table.dropna(subset=["agreement", "gain"]).tail(MONTHS) if len(table) else table
    )
    if len(known) < MONTHS:
        return _preliminary("few_months", months=MONTHS + 1)
    worth = (known["ranking_power_low"] - known["null_power"]).min()
    last = known.iloc[-1]
    shown = {
        "power": last["ranking_power"],
        "low": last["ranking_power_low"],
        "chance": last["null_power"],
    }
    agreements = table["agreement"].dropna()
    if (agreements == 1).all() and (known["gain"] == 0).all():
        predicts = {"predicts": bool(worth > 0)}
        return Status("FIXED", "comparison.status.fixed", shown | predicts)
    if not worth > 0:
        return _preliminary("no_worth", **shown)
    recent = table.dropna(subset=["agreement"]).tail(MONTHS)
    weakest_day: Any = (recent["agreement"] - recent["agreement_needed"]).idxmin()
    weakest = recent.loc[weakest_day]
    agreement, needed = weakest["agreement"], weakest["agreement_needed"]
    if agreement < needed:
        return _preliminary(
            "shifting", agreement=_below(agreement, needed), needed=f"{needed:.2f}"
        )
    gain = known["gain_high"].max()
    if gain >= GAIN:
        return _preliminary(
            "gaining",
            gain=known["gain"].max(),
            high=gain,
            limit=GAIN,
        )
    steady = {
        "months": MONTHS,
        "agreement": agreement,
        "needed": needed,
        "gain": max(gain, 0.0),
    }
    return Status("PROPER", "comparison.status.settled", shown | steady)


def _preliminary(key: str, **facts: object) -> Status:
    return Status("PRELIMINARY", f"comparison.status.{key}", facts)


def _below(value: float, limit: float) -> str:
    """`value` with so many digits that it reads as less than the limit beside it."""
    shown = float(f"{limit:.2f}")
    digits = next((d for d in range(2, 18) if round(value, d) < shown), 4)
    return f"{value:.{digits}f}"
