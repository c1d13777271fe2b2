"""How customers pay, as segments: prompt, slow, overdue, disputed, doubtful, no credit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.segments.base import Segmenter, shortest_cut
from segment_lab.texts import say

NAMES = ("Prompt", "Slow", "Overdue", "Disputed", "Doubtful", "No credit")


class ReceivablesSegmenter(Segmenter):
    """Segments by payment behaviour, from the columns of `receivables_table` joined to the
    customer table.

    The first that holds: *No credit* has no invoice that says how it pays (none at all, or none
    that fell due) · *Doubtful* has an item overdue for more than
    `doubtful_days` ·
    *Disputed* has an open item in dispute · *Overdue* has an item overdue for more than
    `grace_days` · *Slow* pays later on average than `slow_days` · *Prompt* is the rest.

    Parameters
    ----------
    grace_days, doubtful_days : int
        Days overdue that are still forgiven, and from which payment is in doubt.
    slow_days, slow_quantile : float
        Mean days late above which a payer is slow; learned as that quantile of customers with
        invoices when left out (``slow_days_``).
    prompt_days : float
        The most that `slow_days` is learned as: where everybody pays late, late is not prompt.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"max_days_overdue": [0, 45], "mean_days_late": [2.0, 30.0]})
    >>> table = table.assign(disputed_open=0, invoices_n=[4, 6])
    >>> list(ReceivablesSegmenter().fit(table).segment(table).labels)
    ['Prompt', 'Overdue']
    """

    method = "receivables"

    def __init__(
        self,
        grace_days: Annotated[int, Field(ge=0)] = 0,
        doubtful_days: Annotated[int, Field(ge=1)] = 90,
        slow_days: Annotated[float, Field(ge=0)] | None = None,
        slow_quantile: Annotated[float, Field(gt=0, lt=1)] = 0.75,
        prompt_days: Annotated[float, Field(ge=0)] = 10.0,
    ):
        self.grace_days = grace_days
        self.doubtful_days = doubtful_days
        self.slow_days = slow_days
        self.slow_quantile = slow_quantile
        self.prompt_days = prompt_days

    @property
    def columns(self) -> tuple[str, ...]:
        return ("invoices_n", "max_days_overdue", "disputed_open", "mean_days_late")

    def _more_columns(self) -> tuple[str, ...]:
        return self.columns

    def _fit(self, rows: pd.DataFrame) -> None:
        self.segment_names_ = NAMES
        late = rows["mean_days_late"].dropna().to_numpy(dtype=float)
        if self.slow_days is not None:
            self.slow_days_ = float(self.slow_days)
        elif len(late):
            usual = shortest_cut(float(np.quantile(late, self.slow_quantile)), late)
            self.slow_days_ = min(usual, float(self.prompt_days))
        else:
            self.slow_days_ = 0.0

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int]:
        value = {name: table[name].fill_null(0) for name in self.columns}
        # No invoice is paid or overdue yet, and none is disputed: nothing is known of payment.
        unknown = table["mean_days_late"].isnull() & (value["max_days_overdue"] <= 0)
        unknown = unknown & (value["disputed_open"] <= 0)
        return [
            ((value["invoices_n"] == 0) | unknown, NAMES.index("No credit")),
            (value["max_days_overdue"] > self.doubtful_days, NAMES.index("Doubtful")),
            (value["disputed_open"] > 0, NAMES.index("Disputed")),
            (value["max_days_overdue"] > self.grace_days, NAMES.index("Overdue")),
            (value["mean_days_late"] > self.slow_days_, NAMES.index("Slow")),
        ], NAMES.index("Prompt")

    def meanings(self) -> dict[str, str]:
        days = {
            "prompt": self.slow_days_,
            "slow": self.slow_days_,
            "overdue": self.grace_days,
            "doubtful": self.doubtful_days,
        }
        keys = {name: name.lower().replace(" ", "_") for name in NAMES}
        return {
            name: say(f"receivables.segments.{key}", days=days.get(key))
            for name, key in keys.items()
        }

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "slow_days": self.slow_days_}
