"""The scorecard: ten sections in one frozen object, each with intervals and nulls, and no weighted
total anywhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from segment_lab.errors import ConfigError, DataError, Fault, NotEnoughDataError, nearest
from segment_lab.judge.agreement import agreement, flow
from segment_lab.judge.baselines import Context, predictions
from segment_lab.judge.homogeneity import homogeneity
from segment_lab.judge.learning import (
    CAP_PERCENTILE,
    CROSS_FITTED,
    Outcome,
    Training,
    from_segments,
)
from segment_lab.judge.sections import SECTIONS, flow_table, shown
from segment_lab.judge.stability import Later, movement, refit_stability
from segment_lab.judge.usability import actionability, ambiguity, tree_accuracy
from segment_lab.judge.validity import judge, null_gini, top_customers
from segment_lab.judge.verdict import NAMES, sentence, title, verdict
from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.show.html import STANDING, Html, details, group, headline, note, table
from segment_lab.window import ObservationWindow, as_date


@dataclass(frozen=True, eq=False)
class Scorecard:
    """How far each segmentation can be trusted.

    `tables` holds a DataFrame per section (``card["trust"]``), `missing` why a section is not
    there, `status` PROPER or PRELIMINARY per scheme, `verdict` the answer in plain words, `notes`
    what the reader must know about how it was judged; `flows` and `matrices` are customers by
    segments of two schemes, and by segment before and after.
    """

    tables: Mapping[str, pd.DataFrame]
    missing: Mapping[str, str]
    status: Mapping[str, Status]
    verdict: tuple[str, ...]
    notes: tuple[str, ...]
    flows: Mapping[tuple[str, str], pd.DataFrame]
    matrices: Mapping[str, pd.DataFrame]

    def __getitem__(self, section: str) -> pd.DataFrame:
        if section in self.missing:
            raise NotEnoughDataError(f"{section}: {self.missing[section]}.")
        if section not in self.tables:
            raise ConfigError(f"No section {section!r}; {nearest(section, SECTIONS)}")
        return self.tables[section]

    @property
    def schemes(self) -> list[str]:
        """The compared schemes, without the baselines."""
        return [
            str(n) for n in self.tables["trust"].index[self.tables["trust"]["kind"] == "scheme"]
        ]

    def sentence(self, section: str) -> str:
        """The section in one plain sentence."""
        return sentence(section, self[section], self.schemes)

    def show(self, section: str) -> Html:
        """The section as a captioned table, or a note that says why it is not there."""
        caption, _ = SECTIONS[section]
        if section in self.missing:
            return note(f"{caption} Not shown: {self.missing[section]}.", "missing")
        return shown(section, self[section], self.schemes)

    def status_table(self) -> pd.DataFrame:
        """Status and reason per scheme; brought labels have none."""
        rows = {
            NAMES.get(n, n): {"status": s.kind, "reason": s.reason} for n, s in self.status.items()
        }
        return pd.DataFrame.from_dict(
            rows, orient="index", columns=["status", "reason"]
        ).rename_axis("scheme")

    def show_status(self) -> Html:
        """The status of every scheme in words a reader knows."""
        words = {kind: word for kind, (word, _) in STANDING.items()}
        return table(
            self.status_table().replace({"status": words}), "Which schemes may be acted on, and why"
        )

    def show_flows(self, scheme: str | None = None) -> Html:
        """Where the customers of a scheme's segments (the first's) are by every other scheme."""
        first = scheme or self.schemes[0]
        others = [b for a, b in self.flows if a == first]
        if not others:
            return note("One scheme only.")
        return details(
            f"Who is where: {title(first)} beside every other scheme",
            *(
                flow_table(
                    self.flows[first, other],
                    f"Where the customers of each {NAMES.get(first, first)} segment are by "
                    f"{NAMES.get(other, other)}; rows add up to 100%.",
                )
                for other in others
            ),
        )

    def show_moves(self) -> Html:
        """From which segment to which customers moved in the judged period, by the same cut
        points."""
        return details(
            "From segment to segment, scheme by scheme",
            *(
                flow_table(
                    moved,
                    f"{title(name)}: of each segment's customers at the beginning, where they are at the end by the "
                    "same cut points",
                )
                for name, moved in self.matrices.items()
            ),
        )

    def headline(self) -> Html:
        """The verdict, with the figures the index keeps."""
        gini = self["trust"].loc[self.schemes, "gini"].sort_values(ascending=False, kind="stable")
        return headline(
            *self.verdict,
            figures={f"Gini, {NAMES.get(str(n), n)}": float(v) for n, v in gini.items()},
        )

    def _repr_html_(self) -> str:
        return group(self.headline(), self.show("trust"))._repr_html_()


def scorecard(
    segmentations: Mapping[str, Segmentation] | Iterable[Segmentation],
    outcomes: pd.DataFrame,
    *,
    customers: pd.DataFrame | None = None,
    training: Training | None = None,
    later: Mapping[str, Later] | None = None,
    segmenters: Mapping[str, Any] | None = None,
    populations: Mapping[str, pd.DataFrame] | None = None,
    histories: Mapping[str, pd.DataFrame] | None = None,
    status: Mapping[str, Status] | None = None,
    contacted: Collection[str] = (),
    window: ObservationWindow | None = None,
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
    outcomes, customers : DataFrame by ``customer_id``
        ``future_revenue, future_orders`` in [t0, t0 + H); the customer table at t0 (baselines,
        usability).
    training : Training, optional
        One horizon earlier. Without it a segment's worth is cross-fitted within the judged period.
    later : mapping of str to Later, optional
        The schemes on a later day: movement against drift of the cuts.
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
    draws, seed, refits : int
        Paired bootstrap draws of the customers; bootstrap refits for the stability of segments.
    baselines : bool
        Whether the baselines are computed (they need `customers`).

    Raises
    ------
    DataError
        A leaked future, missing columns, or no customer in common; every fault is listed.
    NotEnoughDataError
        Nobody bought in the judged period, or only for nothing, or all spent the same.
    """
    from threadpoolctl import threadpool_limits

    named = _named(segmentations)
    t0 = _refuse(named, outcomes, training, window)
    days = (window.holdout_end - window.as_of).days if window and window.holdout_end else None
    judged, notes = _common(named, outcomes)
    here = {n: s.replace(codes=s.codes.loc[judged.index], details=None) for n, s in named.items()}
    table = None if customers is None else next(iter(here.values())).align(customers)
    with threadpool_limits(
        1
    ):  # Reports render side by side: threads that wait for each other cost more.
        tables = _validity(here, judged, table, training, days, draws, seed, baselines)
        tables["homogeneity"] = homogeneity(here, judged["future_revenue"], draws, seed)
        if len(here) > 1:
            tables["agreement"] = agreement(here, draws, seed)
        if later:
            tables["movement"] = movement(named, later)
        if table is not None:
            read = {
                n: (populations or {}).get(n, table).loc[judged.index]
                for n in here
                if n in (segmenters or {})
            }
            tables |= _of_customers(here, judged, table, contacted, seed)
            tables |= _of_segmenters(named, segmenters or {}, read, refits, seed)
        if known := {name: history for name, history in (histories or {}).items() if len(history)}:
            tables["sufficiency"] = pd.concat(known, names=["scheme"])
    words = verdict(tables, days)
    tables = {name: tables[name] for name in SECTIONS if name in tables and len(tables[name])}
    return Scorecard(
        tables,
        {n: needs for n, (_, needs) in SECTIONS.items() if n not in tables},
        dict(status or {}),
        words,
        (*notes, *_notes(tables["trust"], Outcome.of(judged), t0, draws)),
        {(a, b): flow(here[a], here[b]) for a in here for b in here if a != b},
        {n: later[n].frozen.migration(s) for n, s in named.items() if later and n in later},
    )


def _named(
    segmentations: Mapping[str, Segmentation] | Iterable[Segmentation],
) -> dict[str, Segmentation]:
    several = list(
        segmentations.items()
        if isinstance(segmentations, Mapping)
        else ((s.method, s) for s in segmentations)
    )
    if not several:
        raise ConfigError("There is nothing to compare: pass at least one segmentation.")
    if len(dict(several)) < len(several):
        raise ConfigError(
            "Two segmentations have the same method name; pass a mapping from name to segmentation."
        )
    return dict(several)


def _refuse(
    named: Mapping[str, Segmentation],
    outcomes: pd.DataFrame,
    training: Training | None,
    window: ObservationWindow | None,
) -> dt.date | None:
    """Raise every fault of the input at once; the start of the judged period where it is known."""
    faults = [
        Fault(c, "is missing from the outcomes")
        for c in ("future_revenue", "future_orders")
        if c not in outcomes
    ]
    if not outcomes.index.is_unique:
        faults.append(
            Fault("outcomes", "hold a customer more than once", "Keep one row per customer_id")
        )
    start = window.as_of if window else outcomes.attrs.get("as_of")
    t0 = None if start is None else as_date(start)
    if t0 is not None:
        faults += _leaks(named, t0, t0, "the start of the judged period")
    if training is not None and training.window is not None:
        day, end = training.window.as_of, training.window.holdout_end or training.window.as_of
        # Their cuts may know [t0 − H, t0), which judges nothing; their customers may not.
        faults += _leaks(training.segmentations, day, t0 or day, "the start of the training period")
        if t0 is not None and end > t0:
            faults.append(
                Fault(
                    "training",
                    f"its outcomes reach to {end}, after {t0}",
                    "Learn what segments are worth from a period that ends at t0 or earlier",
                )
            )
    if faults:
        raise DataError("These segmentations cannot be judged by these outcomes", faults)
    return t0


def _leaks(
    named: Mapping[str, Segmentation], day: dt.date, cuts: dt.date, what: str
) -> list[Fault]:
    """Schemes that describe customers after `day`, or learned their cuts after `cuts`."""
    faults, remedy = [], "Make the segments from what was known by then (study.at(...))"
    for name, segmentation in named.items():
        if segmentation.window and segmentation.window.as_of > day:
            faults.append(
                Fault(
                    name,
                    f"knows the customers up to {segmentation.window.as_of}, after {day}, {what}",
                    remedy,
                )
            )
        fitted = segmentation.parameters.get("fitted_on")
        if fitted and as_date(fitted) > cuts:
            faults.append(Fault(name, f"has cuts learned on {fitted}, after {cuts}", remedy))
    return faults


def check_judgeable(judged: pd.DataFrame) -> None:
    """NotEnoughDataError where the outcomes prefer no order of the customers to another."""
    if not (judged["future_orders"] > 0).any():
        raise NotEnoughDataError(
            "Nobody bought in the judged period, so no scheme can be judged by it."
        )
    if not (judged["future_revenue"] > 0).any():
        raise NotEnoughDataError(
            "No purchase of the judged period has an amount above 0, so no scheme can be judged "
            "by what customers spend."
        )
    if judged["future_revenue"].clip(lower=0).nunique() < 2:
        raise NotEnoughDataError(
            "All customers spent the same in the judged period: no order of them is better than "
            "another, so no scheme can be judged by it."
        )


def _common(
    named: Mapping[str, Segmentation], outcomes: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """Outcomes of the customers that every scheme holds, and who is left out."""
    index = outcomes.index
    for segmentation in named.values():
        index = index.intersection(segmentation.codes.index)
    judged = outcomes.loc[index.sort_values()]
    if judged.empty:
        raise DataError(
            "No customer is in every segmentation and in the outcomes",
            [Fault("customer_id", "nothing in common", "Check that the ids are written alike")],
        )
    check_judgeable(judged)
    left = [
        f"{len(s) - len(judged):,} of {title(name)}"
        for name, s in named.items()
        if len(s) > len(judged)
    ]
    words = (
        f"Not judged, because another scheme or the outcomes do not hold them: {', '.join(left)}."
    )
    return judged, [words] if left else []


def _validity(
    named: Mapping[str, Segmentation],
    judged: pd.DataFrame,
    customers: pd.DataFrame | None,
    training: Training | None,
    days: int | None,
    draws: int,
    seed: int,
    baselines: bool,
) -> dict[str, pd.DataFrame]:
    """The trust table, all paired differences, and misclassification in customers and money."""
    outcome = Outcome.of(judged)
    every = [from_segments(name, "scheme", s, judged, training, seed) for name, s in named.items()]
    if baselines and customers is not None:
        every += predictions(Context(customers, judged, training, named, days, seed))
    scored = [p for p in every if p.score is not None]
    result = judge(scored, outcome, draws, seed)
    found, top = result.table(), top_customers(outcome.revenue)
    wrong = found[[c for c in found if str(c).startswith(("missed", "false"))]]
    trust = pd.DataFrame(
        [{"scheme": p.name, "kind": p.kind, "segments": p.segments} for p in every]
    )
    trust = trust.set_index("scheme").join(found.drop(columns=wrong.columns))
    trust.insert(
        5,
        "null_gini",
        pd.Series(
            [null_gini(p.score, outcome.revenue) for p in every if p.score is not None],
            index=[p.name for p in scored],
            dtype=float,
        ),
    )
    trust["learned"] = [p.note or p.learned for p in every]
    return {
        "trust": trust,
        "differences": result.differences(),
        "misclassification": wrong.assign(
            missed_customers=wrong["missed_share"] * top.sum(),
            missed_money=wrong["missed_revenue_share"] * (top * outcome.revenue).sum(),
            false_customers=wrong["false_share"] * (len(top) - top.sum()),
        ),
    }


def _of_customers(
    named: Mapping[str, Segmentation],
    judged: pd.DataFrame,
    customers: pd.DataFrame,
    contacted: Collection[str],
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Sections that read the customer table."""
    acting = {n: actionability(s, customers, judged, contacted) for n, s in named.items()}
    return {
        "actionability": pd.concat(acting, names=["scheme"]),
        "interpretability": _rows(
            {n: tree_accuracy(s, customers, seed=seed) for n, s in named.items()}
        ),
    }


def _of_segmenters(
    named: Mapping[str, Segmentation],
    segmenters: Mapping[str, Any],
    read: Mapping[str, pd.DataFrame],
    refits: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Sections that apply a segmenter again: to nudged customers, and to bootstrap samples."""
    if not read:
        return {}
    stable = {
        n: refit_stability(segmenters[n], rows, refits=refits, seed=seed)
        for n, rows in read.items()
    }
    return {
        "ambiguity": _rows(
            {n: ambiguity(segmenters[n], rows, named[n]) for n, rows in read.items()}
        ),
        "stability": pd.concat(stable, names=["scheme"]),
    }


def _rows(rows: Mapping[str, pd.Series]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(dict(rows), orient="index").rename_axis("scheme")


def _notes(trust: pd.DataFrame, outcome: Outcome, t0: dt.date | None, draws: int) -> list[str]:
    """What a reader must know to weigh the figures."""
    notes = [
        f"{len(outcome.revenue):,} customers judged, {outcome.bought.mean():.0%} of them bought again. Intervals: "
        f"{draws} bootstrap draws of the customers, the same for every scheme, with cuts and learned means held.",
        f"Revenue is capped at its {CAP_PERCENTILE:.0f}th percentile ({outcome.cap:,.0f}) for learned means and "
        "R²; returns above purchases count as nothing bought.",
        "What chance reaches: segments of the same sizes dealt at random exceed it in one case of forty.",
    ]
    if len(crossed := trust.index[trust["learned"] == CROSS_FITTED]):
        notes.append(
            f"What segments are worth was not learned before the period but within it, by cross-fitting, for "
            f"{', '.join(crossed)}: these figures flatter."
        )
    if t0 is None:
        notes.append(
            "No dates were given, so nobody checked that the segments were made before the judged period."
        )
    return notes
