"""The whole comparison: what to fit, on which day, judged by which period.

With `as_of` T and horizon H: t0 = T − H. Each scheme is drawn twice, as the company would have
done on those days: at t0 − H, where [t0 − H, t0) teaches what a segment of each name is worth, and
at t0, where [t0, T) judges it. Nothing from t0 on reaches a figure that judges. Movement compares
t0 and T by the same cuts. Whether there are enough data for a scheme at T is asked apart from its
trial: `history_of` refits it every 30 days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.judge import sufficiency
from segment_lab.judge.admission import check_judgeable
from segment_lab.judge.card import Background, Scorecard
from segment_lab.judge.change import change
from segment_lab.judge.company import Company
from segment_lab.judge.learning import Training
from segment_lab.judge.scorecard import scorecard
from segment_lab.judge.stability import matched, refitted
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say
from segment_lab.window import ObservationWindow

#: Data sufficiency: a refit every 30 days, and how many of them it looks back.
MONTH, MONTHS = 30, 6


class _Timeline:
    """Schemes fitted on one day and applied on another, each made once."""

    def __init__(self, company: Company):
        self.company = company
        self.at = cache(company.at)
        self.again = cache(self._again)

    def fitted(self, method: str, day: dt.date) -> Any:
        return self.at(day).fitted(method)

    def table(self, method: str, day: dt.date) -> pd.DataFrame:
        return self.at(day).population(method)

    def _again(self, method: str, like: dt.date, day: dt.date) -> Any:
        """Fitted on `day` with what a search chose on the day `like` (the number of clusters)."""
        chosen = self.fitted(method, like)
        # Learned from what followed an earlier day.
        if getattr(chosen, "supervised", False):
            return self.fitted(method, day)
        return refitted(chosen, self.table(method, day))

    def label(
        self,
        method: str,
        segmenter: Any,
        fitted_on: dt.date,
        day: dt.date,
    ) -> Segmentation:
        made = segmenter.segment(self.table(method, day), self.at(day).window)
        return made.replace(
            parameters={**made.parameters, "fitted_on": fitted_on.isoformat()}
        )

    def drawn(self, method: str, day: dt.date) -> Segmentation:
        """The scheme as the company would have drawn it that day."""
        return self.label(method, self.fitted(method, day), day, day)

    def earlier(
        self,
        method: str,
        now: Segmentation,
        t0: dt.date,
        before: dt.date,
    ) -> Segmentation:
        """The scheme as drawn at `before`, under the names it has at `t0`."""
        old = self.again(method, t0, before)
        names = matched(now, self.label(method, old, before, t0)).names
        return self.label(method, old, before, before).replace(names=names)

    def long_enough(self, day: dt.date) -> bool:
        """Whether a scheme can be drawn on a day."""
        if day <= self.company.window.start:
            return False
        return self.at(day).window.days >= sufficiency.MIN_DAYS

    def steps(self, method: str, horizon_days: int) -> list[sufficiency.Step]:
        """The scheme every 30 days up to today; outcomes where the days after are over by then."""
        today, start = self.company.window.as_of, self.company.window.start
        days = [today - dt.timedelta(days=MONTH * m) for m in range(MONTHS, -1, -1)]
        days = [day for day in days if self.long_enough(day)]
        steps = []
        for before, day in zip([None, *days], days, strict=False):
            previous = None
            if before is not None:
                previous = self.label(
                    method, self.again(method, today, before), before, day
                )
            over = day + dt.timedelta(days=horizon_days) <= today
            outcomes = self.at(day).outcomes(horizon_days) if over else None
            now = self.label(method, self.again(method, today, day), day, day)
            steps.append(sufficiency.Step((day - start).days, now, previous, outcomes))
        return steps


def history_of(company: Company, method: str, horizon_days: int = 90) -> pd.DataFrame:
    """`sufficiency.history` of one method up to the company's ``as_of``."""
    return sufficiency.history(_Timeline(company).steps(method, horizon_days))


def compare(
    company: Company,
    methods: Sequence[str],
    *,
    whole: Company | None = None,
    own: Mapping[str, Segmentation] | None = None,
    horizon_days: int = 90,
    **options: Any,
) -> Scorecard:
    """Score methods out of time.

    Parameters
    ----------
    company, methods
        The company on the day T that ends the judged period, and names of schemes it knows.
    whole : Company, optional
        The company that `company` is a sample of. It answers for status and history: a scheme must
        not be called settled on one page and preliminary on another.
    own : mapping of str to Segmentation, optional
        Labels brought from elsewhere, made at t0 or earlier. With them everything is cross-fitted
        within the judged period, because only what was learned alike can be compared.
    horizon_days : int
        H.
    options
        Passed to `scorecard`: ``draws, seed, baselines, refits``.

    Raises
    ------
    NotEnoughDataError
        Less than 30 days lie before t0, or the judged period prefers no order of the customers to
        another.
    """
    whole = whole or company
    line = _Timeline(company)
    today, horizon = company.window.as_of, dt.timedelta(days=horizon_days)
    t0, before = today - horizon, today - 2 * horizon
    if not line.long_enough(t0):
        left = max((t0 - company.window.start).days, 0)
        facts = {"days": horizon_days, "left": left, "needed": sufficiency.MIN_DAYS}
        raise NotEnoughDataError(say("comparison.errors.horizon_too_long", **facts))
    judged = line.at(t0).outcomes(horizon_days)
    check_judgeable(judged)  # said before hours of work, not after them
    now = {method: line.drawn(method, t0) for method in methods}
    training = None
    if line.long_enough(before):
        earlier = line.at(before)
        training = Training(
            {
                method: line.earlier(method, now[method], t0, before)
                for method in methods
            },
            earlier.outcomes(horizon_days),
            earlier.customers(),
            ObservationWindow(earlier.window.start, before, t0),
        )
    background = Background(
        customers=line.at(t0).customers(),
        training=training,
        changes={method: change(company, method, horizon_days) for method in methods},
        segmenters={method: line.fitted(method, t0) for method in methods},
        populations={method: line.table(method, t0) for method in methods},
        histories={method: whole.history(method) for method in methods},
        status={method: whole.status(method) for method in methods},
        contacted=tuple(whole.contacted_since(t0)),
        window=ObservationWindow(line.at(t0).window.start, t0, today),
    )
    return scorecard(
        {**now, **(own or {})},
        judged,
        background,
        **options,
    )
