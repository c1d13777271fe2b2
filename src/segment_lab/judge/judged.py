"""Predictions judged: every measure with its range, and every pair of predictions compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from segment_lab.customers.rates import Z975
from segment_lab.judge.learning import NOTHING, Prediction
from segment_lab.judge.measures import MEASURES
from segment_lab.judge.resampling import deviation, interval
from segment_lab.judge.told_apart import joint_factor, told_apart

#: More than nothing: all that closed testing says of a difference.
SLIGHT = 1e-9
DIFFERENCES = (
    "measure",
    "a",
    "b",
    "difference",
    "difference_low",
    "difference_high",
    "joint_low",
    "joint_high",
)


@dataclass(frozen=True)
class Judged:
    """Figures of every prediction and of every bootstrap draw; draws are paired across
    predictions."""

    predictions: tuple[Prediction, ...]
    values: np.ndarray  # (predictions, measures)
    samples: np.ndarray  # (draws, predictions, measures)

    def table(self) -> pd.DataFrame:
        """One row per prediction: each measure with its 95 % interval (``_low``, ``_high``)."""
        low, high = interval(self.values, self.samples)
        columns = {}
        for m, name in enumerate(MEASURES):
            columns[name] = self.values[:, m]
            columns[f"{name}_low"] = low[:, m]
            columns[f"{name}_high"] = high[:, m]
        names = [prediction.name for prediction in self.predictions]
        return pd.DataFrame(columns, index=pd.Index(names, name="scheme"))

    def differences(self) -> pd.DataFrame:
        """a − b for every pair that was learned alike, and every measure.

        ``difference_low, difference_high`` is the paired 95 % interval of that pair alone;
        ``joint_low, joint_high`` holds for all pairs of its family at once (see `joint_factor`),
        and ``certain`` says that the joint interval leaves out 0. Of a pair that only
        `told_apart` finds to differ it begins or ends at 0: by how much is not said.
        """
        pairs = self.pairs()
        rows = []
        for m, name in enumerate(MEASURES):
            factors = self._factors(pairs, m)
            apart = self._told_apart(pairs, m)
            for a, b in pairs:
                factor = factors[self._family(a, b)]
                facts = self._difference(
                    a,
                    b,
                    m,
                    factor,
                    certain=(a, b) in apart,
                )
                rows.append((name, *facts))
        frame = pd.DataFrame(rows, columns=DIFFERENCES)
        certain = (frame["joint_low"] > 0) | (frame["joint_high"] < 0)
        return frame.assign(certain=certain)

    def _difference(
        self,
        a: int,
        b: int,
        m: int,
        factor: float,
        *,
        certain: bool,
    ) -> tuple[str | float, ...]:
        """One row of `differences`, from ``a`` on."""
        difference = self.values[a, m] - self.values[b, m]
        drawn = self.samples[:, a, m] - self.samples[:, b, m]
        spread = float(deviation(drawn))
        spread = 0.0 if spread < 1e-9 else spread
        alone, joint = Z975 * spread, factor * spread
        low, high = difference - joint, difference + joint
        if certain and difference > 0:
            low = max(low, SLIGHT)
        elif certain:
            high = min(high, -SLIGHT)
        return (
            self.predictions[a].name,
            self.predictions[b].name,
            difference,
            difference - alone,
            difference + alone,
            low,
            high,
        )

    def pairs(self) -> list[tuple[int, int]]:
        """Positions of the pairs that were learned alike; a rank with nothing to learn fits any."""
        found = []
        for a, b in combinations(range(len(self.predictions)), 2):
            ways = {self.predictions[a].learned, self.predictions[b].learned}
            if len(ways - {NOTHING}) < 2:
                found.append((a, b))
        return found

    def _family(self, a: int, b: int) -> str:
        """What one sentence compares: schemes among themselves, or schemes beside baselines; the
        rest is evidence only."""
        kinds = {self.predictions[a].kind, self.predictions[b].kind}
        if kinds == {"scheme"}:
            return "schemes"
        return "beside" if kinds == {"scheme", "baseline"} else "rest"

    def _told_apart(
        self,
        pairs: Sequence[tuple[int, int]],
        m: int,
    ) -> set[tuple[int, int]]:
        """Pairs of schemes that closed testing tells apart (`told_apart`)."""
        mine = [pair for pair in pairs if self._family(*pair) == "schemes"]
        found = told_apart(self.values[:, m], self.samples[:, :, m], mine)
        return {pair for pair, certain in zip(mine, found, strict=True) if certain}

    def _factors(self, pairs: Sequence[tuple[int, int]], m: int) -> dict[str, float]:
        found = {}
        for family in ("schemes", "beside", "rest"):
            mine = [pair for pair in pairs if self._family(*pair) == family]
            found[family] = joint_factor(self.samples[:, :, m], mine)
        return found
