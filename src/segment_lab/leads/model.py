"""Hot, warm and cold leads: a calibrated chance of winning, from the start and given a lead's
age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.data.keeping import Keeper, made_anew
from segment_lab.errors import (
    ConfigError,
    DataError,
    Fault,
    NotEnoughDataError,
    nearest,
)
from segment_lab.leads import funnel as funnels
from segment_lab.leads import timing
from segment_lab.leads.analysis import Estimates, LeadAnalysis
from segment_lab.leads.leakage import leakage, level_rates, levels
from segment_lab.leads.table import LOST, UNKNOWN, WON, lead_table
from segment_lab.segments.base import Segmenter
from segment_lab.texts import say
from segment_lab.window import as_date

MIN_EVENTS, MIN_TEST_EVENTS = 50, 20
#: Decided leads; with fewer, logistic regression ranks and calibrates at least as well.
TREES_FROM = 2000
#: Wins; with fewer, isotonic calibration overfits and a sigmoid is used.
ISOTONIC_FROM = 1000
#: More are no stages but notes or numbers; a picture of them is taller than any format holds.
MOST_STAGES = 100

Share = Annotated[float, Field(gt=0, lt=1)]


class LeadModel(Segmenter):
    """Bands of leads by their chance of winning, and the model that estimates it.

    The rule itself reads one column, ``win_probability``; `analyse` makes it from the leads.

    Parameters
    ----------
    hot, cold : float
        A lead is hot when its odds of winning are at least `hot` times those of all leads, cold
        when they are under `cold` times those; warm between. At a usual chance of 20 % and the
        defaults: hot from 33 %, cold under 6 %.
    model : {"auto", "boosting", "logistic"}
        Gradient-boosted trees, or logistic regression on one-hot columns; trees from 2,000 decided
        leads on.
    leaky, trusted : list of str
        Columns known only after the outcome; columns whose name looks like that but that are known
        before.
    won, lost, stages : list of str
        Words of the status and of the stages that end a lead; the funnel from first to last
        (empty: as the history).
    test_share, folds : float, int
        Share of the leads, the latest ones, that judge the model where days of creation and
        decision exist; folds of the cross-validation where they do not.
    random_state : int
        Deals the folds and the bootstrap.

    Attributes
    ----------
    base_, hot_, cold_ : float
        The usual chance, and the chances from which and under which a lead is hot and cold.

    Examples
    --------
    >>> chances = pd.DataFrame({"win_probability": [0.1, 0.2, 0.6]}, index=["L1", "L2", "L3"])
    >>> LeadModel().fit(chances, y=[0, 0, 1]).segment(chances).labels.tolist()
    ['Cold', 'Warm', 'Hot']
    """

    method = "leads"
    numeric: ClassVar[bool] = False

    def __init__(  # noqa: PLR0913 (an estimator's parameters)
        self,
        hot: Annotated[float, Field(gt=1)] = 2.0,
        cold: Share = 0.25,
        model: Literal["auto", "boosting", "logistic"] = "auto",
        leaky: Sequence[str] = (),
        trusted: Sequence[str] = (),
        won: Sequence[str] = WON,
        lost: Sequence[str] = LOST,
        stages: Sequence[str] = (),
        test_share: Share = 0.3,
        folds: Annotated[int, Field(ge=2, le=20)] = 5,
        random_state: int = 0,
    ):
        self.hot, self.cold, self.model = hot, cold, model
        self.leaky, self.trusted = leaky, trusted
        self.won, self.lost, self.stages = won, lost, stages
        self.test_share, self.folds = test_share, folds
        self.random_state = random_state

    @property
    def columns(self) -> tuple[str, ...]:
        return ("win_probability",)

    def fit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        """Learn where hot begins and cold ends: from the usual chance, the mean of the outcomes `y`
        (won or not), or of the chances themselves without them."""
        self._outcomes = None if y is None else np.asarray(y, dtype=float)
        return super().fit(customers, y)

    def _fit(self, rows: pd.DataFrame) -> None:
        self.segment_names_ = ("Hot", "Warm", "Cold")
        outcomes = rows["win_probability"] if self._outcomes is None else self._outcomes
        # Sorted, so that the order of rows does not change the last digit.
        self.base_ = float(np.sort(np.asarray(outcomes, dtype=float)).mean())
        self.hot_ = _at_odds(self.base_, self.hot)
        self.cold_ = _at_odds(self.base_, self.cold)

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int]:
        chance = table["win_probability"]
        return [(chance >= self.hot_, 0), (chance >= self.cold_, 1)], 2

    def meanings(self) -> dict[str, str]:
        facts = {
            "Hot": {"times": self.hot, "limit": self.hot_},
            "Warm": {"limit": self.base_},
            "Cold": {"times": self.cold, "limit": self.cold_},
        }
        return {
            name: say(f"leads.segments.{name.lower()}", **of)
            for name, of in facts.items()
        }

    def describe(self) -> dict[str, Any]:
        return {
            **super().describe(),
            "hot_from": self.hot_,
            "cold_under": self.cold_,
        }

    def analyse(
        self,
        leads: ir.Table,
        stages: ir.Table | None = None,
        as_of: dt.date | str | None = None,
        keep: Keeper = made_anew,
    ) -> LeadAnalysis:
        """The leads as of a day, their columns checked for leakage. The model is made when first
        asked for, or found where somebody `keep`s it."""
        self._check_parameters()
        rows = lead_table(
            leads,
            stages,
            as_of,
            won=self.won,
            lost=self.lost,
        )
        order = []
        if stages is not None:
            order = funnels.stage_order(stages, won=self.won, lost=self.lost)
        _bounded(len(order), "lead_stages.stage")
        if stages is None and "status" in rows:
            _bounded(rows["status"].nunique(), "leads.status")
        if unknown := [name for name in self.stages if name not in order]:
            named = "; ".join(f"{name!r}: {nearest(name, order)}" for name in unknown)
            raise ConfigError(say("leads.errors.stages", named=named))
        checks = leakage(
            rows, leaky=self.leaky, trusted=self.trusted, seed=self.random_state
        )
        return LeadAnalysis(
            self, rows, stages, tuple(self.stages or order), as_of, checks, keep
        )

    def estimate(
        self,
        rows: pd.DataFrame,
        checks: pd.DataFrame,
        as_of: dt.date | str | None,
    ) -> Estimates:
        """Chances of decided leads by models that had not seen them, and of open leads given their
        age. NotEnoughDataError with too few decided leads."""
        used = checks.index[checks["verdict"] == "used"]
        decided = rows[rows["won"].notna()]
        won = decided["won"].astype(bool).to_numpy()
        if min(won.sum(), (~won).sum()) < MIN_EVENTS or used.empty:
            facts = {
                "won": won.sum(),
                "lost": (~won).sum(),
                "needed": MIN_EVENTS,
            }
            raise NotEnoughDataError(
                say("leads.errors.few", columns=len(used), **facts)
            )
        data = _Data(rows, _model_frame(rows[used]), levels(rows[used[0]]))
        day = _last_day(rows, as_of) if _dated(rows) else None
        later = self._tested_later(data, day) if day is not None else None
        tested, ahead, how = later or self._tested_by_folds(data)
        waits = _timing(rows, day) if day is not None else None
        waiting = rows[rows["won"].isna()]
        start = self._chances(
            data, rows.index[rows["won"].notna()], waiting.index, waits, day
        )
        chances = start
        if waits is not None and day is not None and len(waiting):
            chances = waits.chance(start, _age(waiting, day))
        found = pd.DataFrame(
            {"win_probability": chances, "at_start": start}, waiting.index
        )
        return Estimates(tested, ahead, found, how)

    def _tested_later(
        self, data: _Data, day: pd.Timestamp
    ) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]] | None:
        """Learned from what was decided before a day, judged on what was created since; None where
        that leaves too few."""
        rows = data.rows
        began: Any = rows["began_on"].quantile(1 - self.test_share)
        cut = pd.Timestamp(began).normalize()
        before, decided = rows["decided_on"] < cut, rows["won"].notna()
        past = rows.index[before]
        test = rows.index[decided & (rows["began_on"] >= cut)]
        won = rows["won"].eq(True).fillna(False).astype(bool)
        for part, needed in ((past, MIN_EVENTS), (test, MIN_TEST_EVENTS)):
            if min(won[part].sum(), (~won[part]).sum()) < needed:
                return None
        known = rows.assign(won=rows["won"].where(before))
        waits = _timing(known[known["began_on"] < cut], cut)
        start = pd.Series(self._chances(data, past, test, waits, cut), test)
        best = level_rates(data.best, won.to_numpy(dtype=float), rows.index.isin(past))
        tested = pd.DataFrame(
            {
                "win_probability": start,
                "expected": waits.decided(start.to_numpy(), _age(rows.loc[test], day)),
                "won": won[test],
                "base_rate": won[past].mean(),
                "best_column": pd.Series(best, rows.index)[test],
            }
        )
        # All that was open at the cut or came after it: wins to come until today.
        open_then = rows.index[~before & rows["began_on"].notna()]
        chance = self._chances(data, past, open_then, waits, cut)
        age = np.maximum(_age(rows.loc[open_then], cut), 0.0)
        span = np.minimum(_age(rows.loc[open_then], day), (day - cut).days)
        ahead = pd.DataFrame(
            {
                "expected": waits.won_by(chance, age, span),
                "won": won[open_then],
            },
            open_then,
        )
        how = {
            "way": "later",
            "past": len(past),
            "tested": len(test),
            "cut": cut,
        }
        return tested, ahead, how

    def _tested_by_folds(
        self, data: _Data
    ) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
        """Every decided lead judged by a model that had not seen it."""
        from sklearn.model_selection import StratifiedKFold

        decided = data.rows.index[data.rows["won"].notna()]
        won = data.rows.loc[decided, "won"].astype(bool)
        outcome = data.rows["won"].eq(True).fillna(False).to_numpy(dtype=float)
        folds = StratifiedKFold(
            self.folds, shuffle=True, random_state=self.random_state
        )
        parts = []
        for train, test in folds.split(decided, won):
            past, judged = decided[train], decided[test]
            chance = self._chances(data, past, judged, None, None)
            best = level_rates(data.best, outcome, data.rows.index.isin(past))
            part = {
                "win_probability": chance,
                "expected": chance,
                "won": won[judged],
                "base_rate": won[past].mean(),
                "best_column": pd.Series(best, data.rows.index)[judged],
            }
            parts.append(pd.DataFrame(part, judged))
        tested = pd.concat(parts).sort_index()
        how = {
            "way": "folds",
            "folds": self.folds,
            "tested": len(tested),
        }
        return tested, tested[["expected", "won"]], how

    def _chances(
        self,
        data: _Data,
        past: pd.Index,
        new: pd.Index,
        waits: timing.Timing | None,
        day: pd.Timestamp | None,
    ) -> np.ndarray:
        """Calibrated chances at the start of `new` leads, learned from the decided `past` ones.

        Where wins and losses take different times, each decided lead stands for those of its age
        that are not decided yet.
        """
        if new.empty:
            return np.empty(0)
        from sklearn.calibration import CalibratedClassifierCV
        from threadpoolctl import threadpool_limits

        frame = data.frame
        won = data.rows.loc[past, "won"].astype(bool).to_numpy()
        weight = np.ones(len(past))
        if waits is not None and day is not None:
            weight = waits.weights(won, _age(data.rows.loc[past], day))
        method = "isotonic" if won.sum() >= ISOTONIC_FROM else "sigmoid"
        prepare, estimator = self._estimator(frame, len(past))
        # On tables this small threads only wait for each other: 4 s became 116 s on two busy cores.
        with threadpool_limits(1):
            known = prepare.fit_transform(frame.loc[past])
            model = CalibratedClassifierCV(estimator, cv=3, method=method)
            model.fit(known, won, sample_weight=weight)
            return model.predict_proba(prepare.transform(frame.loc[new]))[:, 1]

    def _estimator(self, frame: pd.DataFrame, n: int) -> tuple[Any, Any]:
        """How the columns are prepared, and what learns from them."""
        from sklearn.compose import make_column_transformer
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

        numbers = [c for c in frame if frame[c].dtype.kind == "f"]
        words = [c for c in frame if c not in numbers]
        if self.model == "logistic" or (self.model == "auto" and n < TREES_FROM):
            scaled = make_pipeline(
                SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
            )
            one_hot = OneHotEncoder(
                handle_unknown="infrequent_if_exist", min_frequency=10
            )
            prepare = make_column_transformer((scaled, numbers), (one_hot, words))
            return prepare, LogisticRegression(max_iter=2000)
        codes = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, max_categories=200
        )
        trees = HistGradientBoostingClassifier(
            max_iter=80,
            learning_rate=0.08,
            max_leaf_nodes=15,
            categorical_features=range(len(words)),
            random_state=self.random_state,
        )
        return make_column_transformer((codes, words), remainder="passthrough"), trees


@dataclass(frozen=True, eq=False)
class _Data:
    """The leads, what the model reads of them, and the levels of the most telling column."""

    rows: pd.DataFrame
    frame: pd.DataFrame
    best: np.ndarray


def _at_odds(base: float, times: float) -> float:
    """The chance whose odds are so many times those of `base`."""
    if not 0 < base < 1:
        return min(max(base, 0.0), 1.0)
    odds = times * base / (1 - base)
    return odds / (1 + odds)


def _dated(rows: pd.DataFrame) -> bool:
    """Whether it is known when leads began and when they were decided."""
    if not {"began_on", "decided_on"} <= set(rows.columns):
        return False
    decided = rows["won"].notna()
    known = rows.loc[decided, ["began_on", "decided_on"]].notna().all(axis=1)
    return bool(known.mean() > 0.95 and rows["began_on"].notna().mean() > 0.95)


def _last_day(rows: pd.DataFrame, as_of: dt.date | str | None) -> pd.Timestamp | None:
    if as_of is not None:
        return pd.Timestamp(as_date(as_of))
    return rows["decided_on"].max() if "decided_on" in rows else None


def _age(rows: pd.DataFrame, day: pd.Timestamp) -> np.ndarray:
    """Days since each lead began; 0 where that is not known."""
    return (day - rows["began_on"]).dt.days.fillna(0).to_numpy(dtype=float)


def _timing(rows: pd.DataFrame, day: pd.Timestamp) -> timing.Timing:
    """Days to a win and a loss, from the leads whose days are known."""
    rows = rows[
        rows["began_on"].notna() & (rows["won"].isna() | rows["decided_on"].notna())
    ]
    days = (
        rows["decided_on"].where(rows["won"].notna(), day) - rows["began_on"]
    ).dt.days
    won = rows["won"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return timing.learn(days.to_numpy(dtype=float), won)


def _model_frame(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers as floats; everything else as text, with a word of its own for what is not given."""
    out: dict[Any, pd.Series] = {}
    for name, values in rows.items():
        if values.dtype.kind in "iufb":
            out[name] = values.astype(float)
        else:
            out[name] = values.astype(object).where(values.notna(), UNKNOWN).astype(str)
    return pd.DataFrame(out, index=rows.index)


def _bounded(stages: int, where: str) -> None:
    """Refuse what is no list of stages: each would be a bar, and pairs of them a table."""
    if stages <= MOST_STAGES:
        return
    problem = say("leads.errors.many_stages", stages=stages, limit=MOST_STAGES)
    fault = Fault(where, problem, say("leads.errors.many_stages_remedy"))
    raise DataError(say("leads.errors.many_stages_title"), [fault])
