"""The watch lists of a study: who is on them today, and what became of those on them a horizon
ago."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from segment_lab.act import watch
from segment_lab.customers import trend
from segment_lab.errors import NotEnoughDataError, SegmentLabError
from segment_lab.study.study import Study


@dataclass
class Watching:
    """The watch lists of one study on its day.

    Parameters
    ----------
    study : Study
    horizon_days : int
        How long the customers of the back-test had to buy.
    """

    study: Study
    horizon_days: int = 90

    @cached_property
    def facts(self) -> watch.Facts:
        """What the rules read today."""
        return facts_of(self.study)

    @cached_property
    def lists(self) -> dict[str, pd.DataFrame]:
        """Every list by its rule's name, the most at stake first; empty ones included."""
        return {name: rule(self.facts) for name, rule in watch.RULES.items()}

    @cached_property
    def back_tests(self) -> dict[str, watch.BackTest]:
        """What each list was worth a horizon ago; empty where the data do not reach back."""
        day = self.study.window.as_of - dt.timedelta(days=self.horizon_days)
        try:
            earlier = self.study.at(day)
            then, outcomes = facts_of(earlier), earlier.outcomes(self.horizon_days)
        except (NotEnoughDataError, SegmentLabError):
            return {}
        return {name: watch.back_test(name, then, outcomes) for name in watch.RULES}


def facts_of(study: Study) -> watch.Facts:
    """What the watch lists read of a study on its day."""
    orders = study.orders()
    return watch.Facts(
        study.customers(),
        trend.last_active_year(orders),
        trend.recent_steps(orders, study.window.as_of),
        trend.second_order_days(orders),
    )
