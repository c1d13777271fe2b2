"""The whole comparison from plain callables: what to fit, on which day, judged by which period.

With `as_of` T and horizon H: t0 = T − H. Each scheme is drawn twice, as the company would have
done on those days: at t0 − H, where [t0 − H, t0) teaches what a segment of each name is worth, and
at t0, where [t0, T) judges it. It labels T once more with frozen and with new cuts (movement and
drift). Nothing from t0 on reaches a figure that judges. Whether there are enough data for a scheme
at T is asked apart from its trial: `history_of` refits it every 30 days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.judge import sufficiency
from segment_lab.judge.learning import Training
from segment_lab.judge.scorecard import Scorecard, check_judgeable, scorecard
from segment_lab.judge.stability import Later, matched, unfitted
from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.window import ObservationWindow

MONTH, MONTHS = 30, 6  # data sufficiency: a refit every 30 days, and how many of them it looks back
Fit = Callable[[str, dt.date], Any]
Population = Callable[[str, dt.date], pd.DataFrame]
Outcomes = Callable[[dt.date, int], pd.DataFrame]
WindowAt = Callable[[dt.date], ObservationWindow]


class _Timeline:
    """Schemes fitted on one day and applied on another, each made once."""

    def __init__(self, fit: Fit, population: Population, outcomes: Outcomes, window_at: WindowAt):
        self.fitted, self.table, self.outcomes, self.window_at = (
            cache(fit),
            cache(population),
            outcomes,
            window_at,
        )
        self.again = cache(self._again)

    def _again(self, method: str, like: dt.date, day: dt.date) -> Any:
        """Fitted on `day` with what a search chose on the day `like` (the number of clusters)."""
        return unfitted(self.fitted(method, like)).fit(self.table(method, day))

    def label(self, method: str, segmenter: Any, fitted_on: dt.date, day: dt.date) -> Segmentation:
        made = segmenter.segment(self.table(method, day), self.window_at(day))
        return made.replace(parameters={**made.parameters, "fitted_on": fitted_on.isoformat()})

    def earlier(self, method: str, now: Segmentation, t0: dt.date, before: dt.date) -> Segmentation:
        """The scheme as drawn at `before`, under the names it has at `t0`."""
        old = self.again(method, t0, before)
        names = matched(now, self.label(method, old, before, t0)).names
        return self.label(method, old, before, before).replace(names=names)

    def steps(self, method: str, today: dt.date, horizon_days: int) -> list[sufficiency.Step]:
        """The scheme every 30 days up to `today`; outcomes where the days after are over by
        then."""
        start = self.window_at(today).start
        days = [today - dt.timedelta(days=MONTH * m) for m in range(MONTHS, -1, -1)]
        days = [d for d in days if d > start and self.window_at(d).days >= sufficiency.MIN_DAYS]
        steps = []
        for before, day in zip([None, *days], days, strict=False):
            previous = (
                None
                if before is None
                else self.label(method, self.again(method, today, before), before, day)
            )
            over = day + dt.timedelta(days=horizon_days) <= today
            steps.append(
                sufficiency.Step(
                    (day - start).days,
                    self.label(method, self.again(method, today, day), day, day),
                    previous,
                    self.outcomes(day, horizon_days) if over else None,
                )
            )
        return steps


def history_of(
    method: str,
    window: ObservationWindow,
    *,
    fit: Fit,
    population: Population,
    outcomes: Outcomes,
    window_at: WindowAt | None = None,
    horizon_days: int = 90,
) -> pd.DataFrame:
    """`sufficiency.history` of one method up to ``window.as_of``; the callables are those of
    `compare`."""
    line = _Timeline(fit, population, outcomes, window_at or window.at)
    return sufficiency.history(line.steps(method, window.as_of, horizon_days))


def compare(
    methods: Sequence[str],
    window: ObservationWindow,
    *,
    fit: Fit,
    population: Population,
    customers: Callable[[dt.date], pd.DataFrame],
    outcomes: Outcomes,
    window_at: WindowAt | None = None,
    history: Callable[[str], pd.DataFrame] | None = None,
    status: Callable[[str], Status] | None = None,
    contacted: Callable[[dt.date], Collection[str]] | None = None,
    own: Mapping[str, Segmentation] | None = None,
    horizon_days: int = 90,
    **options: Any,
) -> Scorecard:
    """Score methods out of time.

    Parameters
    ----------
    methods, window
        Names that `fit` and `population` know; the start of the data and `as_of` T, the end of the
        judged period.
    fit, population, customers, outcomes, window_at : callable
        What was known before a day: the fitted segmenter and the table of a method, the buyers,
        what they did in so many days after it (``future_revenue, future_orders``), the window (the
        same start by default).
    history, status : callable, optional
        `history_of` a method, and whether it may be acted on at T. Both are the study's own
        answers, for the customers of T: a scheme must not be called settled on one page and
        preliminary on another.
    contacted : callable, optional
        Whom campaigns contacted from a day on: what they buy then says nothing of who buys anyway.
    own : mapping of str to Segmentation, optional
        Labels brought from elsewhere, made at t0 or earlier; their segments' worth is cross-fitted.
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
    today, horizon = window.as_of, dt.timedelta(days=horizon_days)
    t0, before = today - horizon, today - 2 * horizon
    seen_at = window_at or window.at
    line = _Timeline(fit, population, outcomes, seen_at)
    if not _long_enough(window, seen_at, t0):
        raise NotEnoughDataError(
            f"A judged period of {horizon_days} days leaves {max((t0 - window.start).days, 0)} days to make segments "
            f"from; at least {sufficiency.MIN_DAYS} are needed. A shorter one, in the study file: "
            "comparison: {horizon_days: …}."
        )
    judged = outcomes(t0, horizon_days)
    check_judgeable(judged)  # said before hours of work, not after them
    now = {m: line.label(m, line.fitted(m, t0), t0, t0) for m in methods}
    training = None
    if _long_enough(window, seen_at, before):
        training = Training(
            {m: line.earlier(m, now[m], t0, before) for m in methods},
            outcomes(before, horizon_days),
            customers(before),
            ObservationWindow(seen_at(before).start, before, t0),
        )
    later = {
        m: Later(
            line.label(m, line.fitted(m, t0), t0, today),
            line.label(m, line.fitted(m, today), today, today),
        )
        for m in methods
    }
    return scorecard(
        {**now, **(own or {})},
        judged,
        customers=customers(t0),
        training=training,
        later=later,
        segmenters={m: line.fitted(m, t0) for m in methods},
        populations={m: line.table(m, t0) for m in methods},
        histories={m: history(m) for m in methods} if history else None,
        status={m: status(m) for m in methods} if status else None,
        contacted=contacted(t0) if contacted else (),
        window=ObservationWindow(seen_at(t0).start, t0, today),
        **options,
    )


def _long_enough(window: ObservationWindow, seen_at: WindowAt, day: dt.date) -> bool:
    return day > window.start and seen_at(day).days >= sufficiency.MIN_DAYS
