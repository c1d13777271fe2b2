"""The scorecard: sections of facts in one frozen object, each with intervals and what chance gives,
and no weighted total anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import permutations
from typing import Annotated

import pandas as pd
from pydantic import Field, InstanceOf, SkipValidation

from segment_lab.data.arguments import Count, checked
from segment_lab.judge import sections
from segment_lab.judge.admission import common, named, refuse
from segment_lab.judge.agreement import agreement, flow
from segment_lab.judge.baselines import Context
from segment_lab.judge.card import SECTIONS, Background, Scorecard, Trial
from segment_lab.judge.change import movement
from segment_lab.judge.homogeneity import homogeneity
from segment_lab.judge.learning import Outcome
from segment_lab.judge.verdict import verdict
from segment_lab.segments.segmentation import Segmentation


@checked
def scorecard(
    segmentations: SkipValidation[Mapping[str, Segmentation] | Iterable[Segmentation]],
    outcomes: pd.DataFrame,
    background: InstanceOf[Background] | None = None,
    *,
    draws: Count = 200,
    seed: Annotated[int, Field(ge=0)] = 0,
    baselines: bool = True,
    refits: Annotated[int, Field(ge=0)] = 20,
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
    schemes = named(segmentations)
    t0 = refuse(schemes, outcomes, known.training, known.window)
    judged, left_out = common(schemes, outcomes)
    here = {name: _only(scheme, judged) for name, scheme in schemes.items()}
    context = _context(here, judged, known, seed)
    # Reports render side by side: threads that wait for each other cost more.
    with threadpool_limits(1):
        plain = baselines and known.customers is not None
        tables = sections.validity(context, draws, plain)
        tables["homogeneity"] = homogeneity(here, judged["future_revenue"], draws, seed)
        if len(here) > 1:
            tables["agreement"] = agreement(here, draws, seed)
        if known.changes:
            tables["movement"] = movement(known.changes)
        if known.customers is not None:
            table = context.customers
            tables |= sections.of_customers(here, judged, table, known.contacted, seed)
            tables |= sections.of_segmenters(
                schemes, known, table, judged, refits, seed
            )
    tables |= sections.of_histories(known.histories)
    filled = [name for name in SECTIONS if name in tables and len(tables[name])]
    outcome = Outcome.of(judged)
    return Scorecard(
        tables={name: tables[name] for name in filled},
        missing=tuple(name for name in SECTIONS if name not in filled),
        status=dict(known.status),
        verdict=verdict(tables),
        trial=Trial(
            customers=len(judged),
            bought_share=float(outcome.bought.mean()),
            cap=outcome.cap,
            days=known.days,
            draws=draws,
            crossed=context.crossed,
            dated=t0 is not None,
            left_out=left_out,
        ),
        flows={(a, b): flow(here[a], here[b]) for a, b in permutations(here, 2)},
        matrices={name: change.flow() for name, change in known.changes.items()},
    )


def _only(segmentation: Segmentation, judged: pd.DataFrame) -> Segmentation:
    """The segments of the judged customers alone."""
    codes = segmentation.codes.loc[judged.index]
    return segmentation.replace(codes=codes, by_customer=None)


def _context(
    here: Mapping[str, Segmentation],
    judged: pd.DataFrame,
    known: Background,
    seed: int,
) -> Context:
    table = pd.DataFrame(index=judged.index)
    if known.customers is not None:
        table = next(iter(here.values())).align(known.customers)
    training = known.training
    # As soon as one scheme has no labels in the lesson, all are cross-fitted.
    taught = training is not None and {*here} <= {*training.segmentations}
    return Context(table, judged, training, here, known.days, seed, not taught)
