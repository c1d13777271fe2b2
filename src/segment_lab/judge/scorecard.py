"""The scorecard: sections of facts in one frozen object, each with intervals and what chance gives,
and no weighted total anywhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.errors import (
    ConfigError,
    DataError,
    Fault,
    NotEnoughDataError,
    nearest,
)
from segment_lab.judge.agreement import agreement, flow
from segment_lab.judge.baselines import Context, predictions
from segment_lab.judge.change import Change, movement
from segment_lab.judge.homogeneity import homogeneity
from segment_lab.judge.learning import (
    Outcome,
    Prediction,
    Training,
    learned_means,
    segment_sums,
)
from segment_lab.judge.measures import top_customers
from segment_lab.judge.stability import refit_stability
from segment_lab.judge.usability import actionability, ambiguity, tree_accuracy
from segment_lab.judge.validity import Lesson, judge, null_power
from segment_lab.judge.verdict import Verdict, verdict
from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.texts import say
from segment_lab.window import ObservationWindow, as_date

SECTIONS = (
    "trust",
    "differences",
    "misclassification",
    "homogeneity",
    "agreement",
    "movement",
    "stability",
    "ambiguity",
    "sufficiency",
    "actionability",
    "interpretability",
)


@dataclass(frozen=True)
class Background:
    """What is known beside labels and outcomes; every part opens a section.

    Parameters
    ----------
    customers : DataFrame, optional
        The customer table at t0: baselines, usability.
    training : Training, optional
        One horizon earlier. Without it a segment's worth is cross-fitted within the judged period.
    changes : mapping of str to Change, optional
        The schemes on two days: movement against drift of the cuts.
    segmenters, populations : mapping by scheme, optional
        Fitted segmenters (stability and ambiguity), and the table each reads where it is not
        `customers`.
    histories : mapping of str to DataFrame, optional
        `sufficiency.history` of the schemes: data sufficiency.
    status : mapping of str to Status, optional
        Whether each scheme may be acted on, as its own page says (`Study.status`).
    contacted : collection of customer_id
        Whom campaigns contacted in the judged period: who buys anyway is read from the others.
    window : ObservationWindow, optional
        ``as_of`` = t0, ``holdout_end`` = t0 + H (else ``outcomes.attrs["as_of"]``): a scheme that
        knows more than t0 is refused. Without either the scorecard says that nobody checked.
    """

    customers: pd.DataFrame | None = None
    training: Training | None = None
    changes: Mapping[str, Change] = field(default_factory=dict)
    segmenters: Mapping[str, Any] = field(default_factory=dict)
    populations: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    histories: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    status: Mapping[str, Status] = field(default_factory=dict)
    contacted: Collection[str] = ()
    window: ObservationWindow | None = None

    @property
    def days(self) -> int | None:
        """Length of the judged period, where it is known."""
        if self.window is None or self.window.holdout_end is None:
            return None
        return (self.window.holdout_end - self.window.as_of).days


@dataclass(frozen=True)
class Trial:
    """How the schemes were judged: what a reader must know to weigh the figures.

    Attributes
    ----------
    customers, bought_share, cap, days, draws
        Customers judged, the share that bought, where revenue was cut off, length of the period,
        bootstrap draws.
    crossed : bool
        Segments' worth was learned within the judged period, by cross-fitting.
    dated : bool
        It was checked that the segments were made before the period.
    left_out : mapping of str to int
        Customers of a scheme that could not be judged.
    drawn_from : int
        The size of the base where a sample of it was judged, else 0.
    """

    customers: int
    bought_share: float
    cap: float
    days: int | None
    draws: int
    crossed: bool
    dated: bool
    left_out: Mapping[str, int]
    drawn_from: int = 0


@dataclass(frozen=True, eq=False)
class Scorecard:
    """How far each segmentation can be trusted.

    `tables` holds a DataFrame per section (``card["trust"]``), `missing` the sections that need
    more than was given, `status` PROPER, FIXED or PRELIMINARY per scheme, `verdict` the answer as
    facts, `trial` how it was judged; `flows` and `matrices` are customers by segments of two
    schemes, and by segment before and after.
    """

    tables: Mapping[str, pd.DataFrame]
    missing: tuple[str, ...]
    status: Mapping[str, Status]
    verdict: Verdict
    trial: Trial
    flows: Mapping[tuple[str, str], pd.DataFrame]
    matrices: Mapping[str, pd.DataFrame]

    def __getitem__(self, section: str) -> pd.DataFrame:
        if section in self.missing:
            raise NotEnoughDataError(say(f"comparison.needs.{section}"))
        if section not in self.tables:
            help_ = nearest(section, SECTIONS)
            raise ConfigError(
                say("comparison.errors.no_section", name=section, help=help_)
            )
        return self.tables[section]

    @property
    def schemes(self) -> list[str]:
        """The compared schemes, without the baselines."""
        kinds = self.tables["trust"]["kind"]
        return [str(name) for name in kinds.index[kinds == "scheme"]]

    def __repr__(self) -> str:
        shown = self.tables["trust"][["kind", "ranking_power", "null_power"]]
        return f"Scorecard\n{shown.round(3)}"


def scorecard(
    segmentations: Mapping[str, Segmentation] | Iterable[Segmentation],
    outcomes: pd.DataFrame,
    background: Background | None = None,
    *,
    draws: int = 200,
    seed: int = 0,
    baselines: bool = True,
    refits: int = 20,
) -> Scorecard:
    """Compare segmentations made at t0 by what their customers did in [t0, t0 + H).

    Parameters
    ----------
    segmentations : mapping of str to Segmentation, or several Segmentations
        Labels at t0, made from what was known before t0. Judged on the customers all of them hold.
    outcomes : DataFrame by ``customer_id``
        ``future_revenue, future_orders`` in [t0, t0 + H).
    background : Background, optional
        Whatever else is known; each part opens a section.
    draws, seed, refits : int
        Paired bootstrap draws of the customers; bootstrap refits for the stability of segments.
    baselines : bool
        Whether the baselines are computed (they need the customer table).

    Raises
    ------
    DataError
        A leaked future, missing columns, or no customer in common; every fault is listed.
    NotEnoughDataError
        Nobody bought in the judged period, or only for nothing, or all spent the same.

    Examples
    --------
    >>> import pandas as pd
    >>> from segment_lab import Segmentation, scorecard
    >>> ids = [f"c{i}" for i in range(100)]
    >>> spent = pd.DataFrame({"future_revenue": [0.0, 5.0] * 50, "future_orders": [0, 1] * 50}, ids)
    >>> mine = Segmentation.from_labels(pd.Series(["rare", "often"] * 50, index=ids))
    >>> card = scorecard([mine], spent, draws=20)
    >>> float(card["trust"].loc["own", "ranking_power"])
    1.0
    """
    from threadpoolctl import threadpool_limits

    known = background or Background()
    named = _named(segmentations)
    t0 = _refuse(named, outcomes, known.training, known.window)
    judged, left_out = _common(named, outcomes)
    here = {
        n: s.replace(codes=s.codes.loc[judged.index], by_customer=None)
        for n, s in named.items()
    }
    customers = known.customers
    table = None if customers is None else next(iter(here.values())).align(customers)
    # Reports render side by side: threads that wait for each other cost more.
    with threadpool_limits(1):
        context = Context(
            table if table is not None else pd.DataFrame(index=judged.index),
            judged,
            known.training,
            here,
            known.days,
            seed,
            _crossed(here, known.training),
        )
        tables = _validity(context, draws, baselines and table is not None)
        tables["homogeneity"] = homogeneity(here, judged["future_revenue"], draws, seed)
        if len(here) > 1:
            tables["agreement"] = agreement(here, draws, seed)
        if known.changes:
            tables["movement"] = movement(known.changes)
        if table is not None:
            tables |= _of_customers(here, judged, table, known.contacted, seed)
            tables |= _of_segmenters(named, known, table, judged, refits, seed)
        if histories := {
            name: found for name, found in known.histories.items() if len(found)
        }:
            tables["sufficiency"] = pd.concat(histories, names=["scheme"])
    outcome = Outcome.of(judged)
    return Scorecard(
        {
            name: tables[name]
            for name in SECTIONS
            if name in tables and len(tables[name])
        },
        tuple(name for name in SECTIONS if name not in tables or not len(tables[name])),
        dict(known.status),
        verdict(tables),
        Trial(
            len(judged),
            float(outcome.bought.mean()),
            outcome.cap,
            known.days,
            draws,
            context.crossed,
            t0 is not None,
            left_out,
        ),
        {(a, b): flow(here[a], here[b]) for a in here for b in here if a != b},
        {name: found.flow() for name, found in known.changes.items()},
    )


def _crossed(named: Mapping[str, Segmentation], training: Training | None) -> bool:
    """Whether all are cross-fitted: as soon as one of them has no labels in the lesson."""
    if training is None:
        return True
    return any(name not in training.segmentations for name in named)


def _named(
    segmentations: Mapping[str, Segmentation] | Iterable[Segmentation],
) -> dict[str, Segmentation]:
    if isinstance(segmentations, Mapping):
        several = list(segmentations.items())
    else:
        several = [(s.method, s) for s in segmentations]
    if not several:
        raise ConfigError(say("comparison.errors.nothing"))
    if len(dict(several)) < len(several):
        raise ConfigError(say("comparison.errors.same_name"))
    return dict(several)


def _refuse(
    named: Mapping[str, Segmentation],
    outcomes: pd.DataFrame,
    training: Training | None,
    window: ObservationWindow | None,
) -> dt.date | None:
    """Raise every fault of the input at once; the start of the judged period where it is known."""
    faults = []
    for column in ("future_revenue", "future_orders"):
        if column not in outcomes:
            faults.append(Fault(column, say("comparison.faults.missing")))
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
    named: Mapping[str, Segmentation], day: dt.date, cuts: dt.date, period: str
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


def _common(
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
    left = {name: len(s) - len(judged) for name, s in named.items()}
    return judged, {name: count for name, count in left.items() if count}


def _validity(context: Context, draws: int, baselines: bool) -> dict[str, pd.DataFrame]:
    """The trust table, all paired differences, and misclassification in customers and money."""
    judged = context.outcomes
    outcome = Outcome.of(judged)
    taught = context.taught
    every = []
    for name, segmentation in context.segmentations.items():
        seen = None if taught is None else taught.segmentations[name]
        every.append(context.learned(name, "scheme", segmentation, seen))
    if baselines:
        every += predictions(context)
    scored = [p for p in every if not p.note]
    result = judge(scored, outcome, draws, context.seed, _lesson(context))
    found = result.table()
    wrong = found[[c for c in found if str(c).startswith(("missed", "false"))]]
    top = top_customers(outcome.revenue)
    trust = _trust(every, found.drop(columns=wrong.columns))
    null = {p.name: null_power(_ranks(p, outcome), outcome.revenue) for p in scored}
    trust.insert(5, "null_power", pd.Series(null, dtype=float))
    return {
        "trust": trust,
        "differences": result.differences(),
        "misclassification": wrong.assign(
            missed_customers=wrong["missed_share"] * top.sum(),
            missed_money=wrong["missed_revenue_share"] * (top * outcome.revenue).sum(),
            false_customers=wrong["false_share"] * (len(top) - top.sum()),
        ),
    }


def _trust(every: list[Prediction], found: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for p in every:
        banded = (
            p.kind == "baseline"
            and p.segments is not None
            and p.name.endswith("spend bands")
        )
        rows.append(
            {
                "scheme": p.name,
                "kind": p.kind,
                "segments": p.segments,
                "learned": p.learned,
                "note": p.note,
                "band_count": p.segments if banded else 0,
            }
        )
    plain = pd.DataFrame(rows).set_index("scheme")
    trust = plain[["kind", "segments"]].join(found)
    return trust.join(plain[["learned", "note", "band_count"]])


def _lesson(context: Context) -> Lesson | None:
    """What the schemes learn from, with the places of its customers among the judged."""
    if context.taught is None:
        return None
    outcomes = context.taught.outcomes
    place = context.outcomes.index.get_indexer(outcomes.index)
    return Lesson(Outcome.of(outcomes), place)


def _ranks(prediction: Prediction, outcome: Outcome) -> np.ndarray:
    """Scores with the group sizes of a prediction, for what chance would reach with them."""
    if prediction.codes is None:
        assert prediction.score is not None
        return prediction.score
    amount, _ = learned_means(
        *segment_sums(prediction.codes, outcome, int(prediction.segments or 0))
    )
    return amount[prediction.codes]


def _of_customers(
    named: Mapping[str, Segmentation],
    judged: pd.DataFrame,
    customers: pd.DataFrame,
    contacted: Collection[str],
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Sections that read the customer table."""
    acting = {
        n: actionability(s, customers, judged, contacted) for n, s in named.items()
    }
    found = {n: tree_accuracy(s, customers, seed=seed) for n, s in named.items()}
    return {
        "actionability": pd.concat(acting, names=["scheme"]),
        "interpretability": _rows(found),
    }


def _of_segmenters(
    named: Mapping[str, Segmentation],
    known: Background,
    customers: pd.DataFrame,
    judged: pd.DataFrame,
    refits: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Sections that apply a segmenter again: to nudged customers, and to bootstrap samples."""
    unclear, stable = {}, {}
    for name, segmentation in named.items():
        if name not in known.segmenters:
            continue
        segmenter = known.segmenters[name]
        rows = known.populations.get(name, customers).loc[judged.index]
        unclear[name] = ambiguity(segmenter, rows, segmentation)
        spent = judged["future_revenue"]
        stable[name] = refit_stability(
            segmenter, rows, spent=spent, refits=refits, seed=seed
        )
    if not stable:
        return {}
    return {
        "ambiguity": _rows(unclear),
        "stability": pd.concat(stable, names=["scheme"]),
    }


def _rows(rows: Mapping[str, pd.Series]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(dict(rows), orient="index").rename_axis("scheme")
