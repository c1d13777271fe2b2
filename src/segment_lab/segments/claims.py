"""The words that describe a segment, and of whom they are true: guards of a grid, and their
check."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from segment_lab.customers.states import LAPSE, SLOW, StateRule
from segment_lab.data import embedded

Word = Literal[
    "lately", "slowing", "silent", "lapsed", "often", "few", "rich", "small", "young"
]
#: Share of a segment's customers of whom a word must be true.
ENOUGH = 0.9
#: From so many orders on a customer orders often; below, there are few.
OFTEN = 3
#: How long a customer has been silent → the words that are true then. One of them is, always.
SILENCES: dict[Word, frozenset[Word]] = {
    "lapsed": frozenset[Word](["lapsed", "silent"]),
    "slowing": frozenset[Word](["slowing", "silent"]),
    "lately": frozenset[Word](["lately"]),
}
#: The words that say how long a customer has been silent.
SILENCE_WORDS: frozenset[Word] = frozenset().union(*SILENCES.values())


@dataclass(frozen=True)
class Words:
    """What the words mean on one base, fixed once learned; the same in pandas and in SQL.

    Parameters
    ----------
    states : StateRule
        Tells silence by a customer's own rhythm, and the base's typical gap.
    middle : float
        Median revenue.
    """

    states: StateRule
    middle: float

    @classmethod
    def learn(
        cls,
        customers: pd.DataFrame,
        season: Sequence[float] = (),
        as_of: dt.date | None = None,
    ) -> Words:
        """Learn from ``recency_days, tenure_days, frequency, revenue``; season as `StateRule`."""
        middle = round(float(customers["revenue"].median()), 2)
        return cls(StateRule.learn(customers, season, as_of, chances=False), middle)

    @property
    def young_days(self) -> float:
        """The longest tenure that is young."""
        return round(LAPSE * self.states.typical_gap, 2)

    def silences(self, table: ir.Table) -> dict[Word, ir.BooleanValue]:
        """The words of `SILENCES` in the order in which they are asked; the first that holds."""
        silence, rhythm = self.states.silence(table), self.states.rhythm(table)
        return {
            "lapsed": silence > rhythm * LAPSE,
            "slowing": silence > rhythm * SLOW,
            "lately": silence <= rhythm * SLOW,
        }

    def _state(self, table: ir.Table) -> ir.StringValue:
        """The state of a buyer; nobody else has one."""
        return ibis.ifelse(table.frequency > 0, self.states.state(table), None)

    def _plain_rule(self, word: Any) -> Callable[[ir.Table], ir.BooleanValue]:
        return lambda table: self.plain(table)[word]

    def plain(self, table: ir.Table) -> dict[Word, ir.BooleanValue]:
        """The words that do not speak of silence."""
        return {
            "often": table.frequency >= OFTEN,
            "few": table.frequency < OFTEN,
            "rich": table.revenue >= self.middle,
            "small": table.revenue <= self.middle,
            "young": self.states.known(table) <= self.young_days,
        }

    def truth(self, customers: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
        """The share of each segment's customers of whom each word is true.

        Parameters
        ----------
        customers : DataFrame
            A customer table with ``recency_days, tenure_days, frequency, revenue``.
        labels : Series of category
            The segment of every customer, in the same order.

        Returns
        -------
        DataFrame
            One row per segment, one column per word; null for an empty segment.
        """
        rows = customers[
            ["recency_days", "tenure_days", "frequency", "revenue"]
        ].astype("float64")
        words = ("often", "few", "rich", "small", "young")
        rules = {
            "state": self._state,
            **{word: self._plain_rule(word) for word in words},
        }
        found = embedded.evaluate_all(
            self.states.timed(rows), rules, self.states.clocked
        )
        state = pd.Series(found.pop("state"), index=customers.index)
        held: dict[str, Any] = {
            "lately": state.isin(["active", "new"]),
            "slowing": state == "slowing",
            "silent": state.isin(["slowing", "lapsed"]),
            "lapsed": state == "lapsed",
        }
        shares = pd.DataFrame(
            {
                **held,
                **found,
            },
            index=customers.index,
        ).astype("float64")
        return shares.groupby(labels.array, observed=False).mean()


def profiles() -> list[frozenset[Word]]:
    """Every set of words that can be true of one customer."""
    orders: list[set[Word]] = [{"often"}, {"few"}]
    money: list[set[Word]] = [{"rich"}, {"small"}, {"rich", "small"}]
    tenure: list[set[Word]] = [{"young"}, set()]
    return [
        silence.union(*others)
        for silence, *others in product(SILENCES.values(), orders, money, tenure)
    ]
