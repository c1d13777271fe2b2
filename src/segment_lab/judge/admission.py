"""What may be judged: schemes made before the period, on the customers that all of them hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import pandas as pd

from segment_lab.data.columns import column_faults
from segment_lab.data.given import of_kind
from segment_lab.errors import ConfigError, DataError, Fault, NotEnoughDataError
from segment_lab.judge.learning import Training
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say
from segment_lab.window import ObservationWindow, as_date


def named(
    segmentations: Mapping[str, Segmentation] | Iterable[Segmentation],
) -> dict[str, Segmentation]:
    """Schemes by name: as the mapping says, or by their methods."""
    of_kind("scorecard", segmentations=(segmentations, Iterable))
    if isinstance(segmentations, Segmentation):
        segmentations = [segmentations]
    if isinstance(segmentations, Mapping):
        several = list(segmentations.items())
    else:
        several = [(getattr(scheme, "method", ""), scheme) for scheme in segmentations]
    every = {str(name): (scheme, Segmentation) for name, scheme in several}
    of_kind("scorecard", **every)
    if not several:
        raise ConfigError(say("comparison.errors.nothing"))
    if len(dict(several)) < len(several):
        raise ConfigError(say("comparison.errors.same_name"))
    return dict(several)


def refuse(
    named: Mapping[str, Segmentation],
    outcomes: pd.DataFrame,
    training: Training | None,
    window: ObservationWindow | None,
) -> dt.date | None:
    """Raise every fault of the input at once; the start of the judged period where it is known."""
    figures = ("future_revenue", "future_orders")
    faults = column_faults(outcomes, figures, nullable=figures, numbers=figures)
    if not outcomes.index.is_unique:
        remedy = say("comparison.faults.twice_remedy")
        faults.append(Fault("outcomes", say("comparison.faults.twice"), remedy))
    start = window.as_of if window else outcomes.attrs.get("as_of")
    t0 = None if start is None else as_date(start)
    if t0 is not None:
        faults += _leaks(named, t0, t0, "judged")
    if training is not None and training.window is not None:
        day = training.window.as_of
        end = training.window.holdout_end or day
        # Their cuts may know [t0 − H, t0), which judges nothing; their customers may not.
        faults += _leaks(training.segmentations, day, t0 or day, "training")
        if t0 is not None and end > t0:
            what = say("comparison.faults.lesson", end=end, day=t0)
            faults.append(
                Fault("training", what, say("comparison.faults.lesson_remedy"))
            )
    if faults:
        raise DataError(say("comparison.faults.title"), faults)
    return t0


def _leaks(
    named: Mapping[str, Segmentation],
    day: dt.date,
    cuts: dt.date,
    period: str,
) -> list[Fault]:
    """Schemes that describe customers after `day`, or learned their cuts after `cuts`."""
    faults, remedy = [], say("comparison.faults.leak_remedy")
    for name, segmentation in named.items():
        window = segmentation.window
        if window and window.as_of > day:
            facts = {"known": window.as_of, "day": day, "period": period}
            faults.append(Fault(name, say("comparison.faults.knows", **facts), remedy))
        fitted = segmentation.parameters.get("fitted_on")
        if fitted and as_date(fitted) > cuts:
            what = say("comparison.faults.cuts", fitted=fitted, day=cuts)
            faults.append(Fault(name, what, remedy))
    return faults


def check_judgeable(judged: pd.DataFrame) -> None:
    """NotEnoughDataError where the outcomes prefer no order of the customers to another."""
    if not (judged["future_orders"] > 0).any():
        raise NotEnoughDataError(say("comparison.errors.nobody_bought"))
    if not (judged["future_revenue"] > 0).any():
        raise NotEnoughDataError(say("comparison.errors.no_money"))
    if judged["future_revenue"].clip(lower=0).nunique() < 2:
        raise NotEnoughDataError(say("comparison.errors.all_alike"))


def common(
    named: Mapping[str, Segmentation], outcomes: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Outcomes of the customers that every scheme holds, and how many of each are left out."""
    index = outcomes.index
    for segmentation in named.values():
        index = index.intersection(segmentation.codes.index)
    judged = outcomes.loc[index.sort_values()]
    if judged.empty:
        fault = Fault(
            "customer_id",
            say("comparison.faults.nothing_common"),
            say("comparison.faults.nothing_common_remedy"),
        )
        raise DataError(say("comparison.faults.no_customer"), [fault])
    check_judgeable(judged)
    left_out = {}
    for name, segmentation in named.items():
        if len(segmentation) > len(judged):
            left_out[name] = len(segmentation) - len(judged)
    return judged, left_out
