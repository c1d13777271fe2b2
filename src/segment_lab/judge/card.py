"""What a scorecard is made from and what it holds: frozen objects, no weighted total anywhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from segment_lab.errors import ConfigError, NotEnoughDataError, nearest
from segment_lab.judge.change import Change
from segment_lab.judge.learning import Training
from segment_lab.judge.verdict import Verdict
from segment_lab.segments.segmentation import Status
from segment_lab.texts import say
from segment_lab.window import ObservationWindow

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
