"""The whole comparison from plain callables: what to fit, on which day, judged by which period.

With `as_of` T and horizon H: t0 = T − H. Each scheme is drawn twice, as the company would have done on those days: at
t0 − H, where [t0 − H, t0) teaches what a segment of each name is worth, and at t0, where [t0, T) judges it. It labels
T once more with frozen and with new cuts (movement and drift), and is refitted every 30 days up to t0 (data
sufficiency). Nothing from t0 on reaches a figure that judges.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.evaluation.learning import Training
from segment_lab.evaluation.migration import Later, matched
from segment_lab.evaluation.scorecard import Scorecard, scorecard
from segment_lab.evaluation.stability import unfitted
from segment_lab.evaluation.sufficiency import MIN_DAYS, Step, assess, history
from segment_lab.segmentation import Segmentation, Status
from segment_lab.window import ObservationWindow

MONTH = 30


def compare(methods: Sequence[str], window: ObservationWindow, *, fit: Callable[[str, dt.date], Any],
            population: Callable[[str, dt.date], pd.DataFrame], customers: Callable[[dt.date], pd.DataFrame],
            outcomes: Callable[[dt.date, int], pd.DataFrame], own: Mapping[str, Segmentation] | None = None,
            horizon_days: int = 90, months: int = 6, **options: Any) -> Scorecard:
    """Score methods out of time.

    Parameters
    ----------
    methods : sequence of str
        Names that `fit` and `population` know.
    window : ObservationWindow
        Start of the data, and `as_of` T, the end of the judged period.
    fit : callable
        Method and day to the segmenter fitted on what was known before that day.
    population : callable
        Method and day to the table the method segments.
    customers : callable
        Day to customer table (buyers).
    outcomes : callable
        Day and length in days to ``future_revenue, future_orders`` of the customers known on that day.
    own : mapping of str to Segmentation, optional
        Labels brought from elsewhere, made at t0 or earlier; their segments' worth is cross-fitted.
    horizon_days : int
        H, the length of the judged period.
    months : int
        How many months back data sufficiency looks; a search (the number of clusters) is not repeated there.
    options
        Passed to `scorecard`: ``draws, seed, baselines, refits``.

    Raises
    ------
    NotEnoughDataError
        Less than 30 days lie before t0.
    """
    start, today = window.start, window.as_of
    t0, before = today - dt.timedelta(days=horizon_days), today - dt.timedelta(days=2 * horizon_days)
    if (t0 - start).days < MIN_DAYS:
        raise NotEnoughDataError(f"A judged period of {horizon_days} days leaves {max((t0 - start).days, 0)} days to "
                                 f"make segments from; at least {MIN_DAYS} are needed.")
    table, fitted = cache(population), cache(fit)
    refitted, label = _drawing(start, t0, fitted, table)

    def earlier(method: str) -> Segmentation:
        old = refitted(method, before)
        names = matched(now[method], label(method, old, before, t0)).names
        return label(method, old, before, before).replace(names=names)

    now = {m: label(m, fitted(m, t0), t0, t0) for m in methods}
    training = None
    if (before - start).days >= MIN_DAYS:
        training = Training({m: earlier(m) for m in methods}, outcomes(before, horizon_days), customers(before),
                            ObservationWindow(start, before, t0))
    later = {m: Later(label(m, fitted(m, t0), t0, today), label(m, fitted(m, today), today, today)) for m in methods}
    return scorecard({**now, **(own or {})}, outcomes(t0, horizon_days), customers=customers(t0), training=training,
                     later=later, segmenters={m: fitted(m, t0) for m in methods},
                     populations={m: table(m, t0) for m in methods},
                     steps={m: _steps(m, start, t0, months, refitted, label, outcomes, horizon_days)
                            for m in methods},
                     window=ObservationWindow(start, t0, today), **options)


def sufficiency_of(method: str, window: ObservationWindow, *, fit: Callable[[str, dt.date], Any],
                   population: Callable[[str, dt.date], pd.DataFrame],
                   outcomes: Callable[[dt.date, int], pd.DataFrame], horizon_days: int = 90,
                   months: int = 6) -> Status:
    """PROPER or PRELIMINARY for one method, by the same steps as `compare` and nothing else of it."""
    start, t0 = window.start, window.as_of - dt.timedelta(days=horizon_days)
    if (t0 - start).days < MIN_DAYS:
        return assess(history([]), window.days, 0) if window.days < MIN_DAYS else Status(
            "PRELIMINARY", f"{window.days} days of data leave too few to judge by the {horizon_days} days after them")
    refitted, label = _drawing(start, t0, cache(fit), cache(population))
    table = history(_steps(method, start, t0, months, refitted, label, outcomes, horizon_days))
    return assess(table, int(table.index.max()), int(table["customers"].iloc[-1]))


def _drawing(start: dt.date, t0: dt.date, fitted: Callable[[str, dt.date], Any],
             table: Callable[[str, dt.date], pd.DataFrame]) -> tuple[Callable[..., Any], Callable[..., Segmentation]]:
    """A method refitted as of a day (what was searched at t0 is kept), and its labels on a day."""
    refitted = cache(lambda method, day: unfitted(fitted(method, t0)).fit(table(method, day)))

    def label(method: str, segmenter: Any, fitted_on: dt.date, day: dt.date) -> Segmentation:
        made = segmenter.segment(table(method, day), ObservationWindow(start, day))
        return made.replace(parameters={**made.parameters, "fitted_on": fitted_on.isoformat()})

    return refitted, label


def _steps(method: str, start: dt.date, t0: dt.date, months: int, refitted: Callable[..., Any],
           label: Callable[..., Segmentation], outcomes: Callable[[dt.date, int], pd.DataFrame],
           horizon_days: int) -> list[Step]:
    days = [t0 - dt.timedelta(days=MONTH * m) for m in range(months, -1, -1)]
    days = [d for d in days if (d - start).days >= MIN_DAYS]

    def step(day: dt.date, earlier: dt.date | None) -> Step:
        previous = None if earlier is None else label(method, refitted(method, earlier), earlier, day)
        return Step((day - start).days, label(method, refitted(method, day), day, day), previous,
                    outcomes(day, horizon_days))

    return [step(day, earlier) for earlier, day in zip([None, *days], days, strict=False)]
