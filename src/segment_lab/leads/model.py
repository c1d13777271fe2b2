"""Hot, warm and cold leads: a calibrated chance of winning, and what ignoring the cold ones would
lose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.errors import ConfigError, NotEnoughDataError, nearest
from segment_lab.leads import funnel as funnels
from segment_lab.leads.analysis import LeadAnalysis
from segment_lab.leads.leakage import leakage, level_rates, levels
from segment_lab.segments.base import Segmenter
from segment_lab.window import as_date

MIN_EVENTS, MIN_TEST_EVENTS = 50, 20
TREES_FROM = (
    2000  # decided leads; with fewer, logistic regression ranks and calibrates at least as well
)
ISOTONIC_FROM = 1000  # wins; with fewer, isotonic calibration overfits and a sigmoid is used
MATURE = 0.9  # quantile of the days to a decision after which a cohort of leads counts as decided

Share = Annotated[float, Field(gt=0, lt=1)]
Splits = list[tuple[np.ndarray, np.ndarray]]


class LeadModel(Segmenter):
    """Bands of leads by their probability of winning, and the model that estimates it.

    The rule itself reads one column, ``win_probability``; `analyse` makes it from the leads.

    Parameters
    ----------
    hot, cold : float
        A lead is hot from `hot` upwards, cold below `cold`, warm between.
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
        Share of the decided leads, the latest ones, that judge the model where dates exist; folds
        of the cross-validation where none do.
    seed : int
        Deals the folds and the bootstrap.
    """

    method = "leads"

    def __init__(
        self,
        hot: Share = 0.5,
        cold: Share = 0.1,
        model: Literal["auto", "boosting", "logistic"] = "auto",
        leaky: Sequence[str] = (),
        trusted: Sequence[str] = (),
        won: Sequence[str] = funnels.WON,
        lost: Sequence[str] = funnels.LOST,
        stages: Sequence[str] = (),
        test_share: Share = 0.3,
        folds: Annotated[int, Field(ge=2, le=20)] = 5,
        seed: int = 0,
    ):
        self.hot, self.cold, self.model, self.leaky, self.trusted = hot, cold, model, leaky, trusted
        self.won, self.lost, self.stages = won, lost, stages
        self.test_share, self.folds, self.seed = test_share, folds, seed

    @property
    def columns(self) -> tuple[str, ...]:
        return ("win_probability",)

    def _fit(self, rows: pd.DataFrame) -> None:
        if self.cold >= self.hot:
            raise ConfigError(f"cold ({self.cold}) must be below hot ({self.hot}).")
        self.segment_names_ = ("Hot", "Warm", "Cold")

    def branches(self, table: ir.Table) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int]:
        chance = table["win_probability"]
        return [(chance >= self.hot, 0), (chance >= self.cold, 1)], 2

    def analyse(
        self, leads: ir.Table, stages: ir.Table | None = None, as_of: dt.date | str | None = None
    ) -> LeadAnalysis:
        """The leads as of a day, their columns checked for leakage. The model is made when first
        asked for."""
        self._check_parameters()
        rows = funnels.lead_table(leads, stages, as_of, won=self.won, lost=self.lost)
        order = (
            funnels.stage_order(stages, won=self.won, lost=self.lost) if stages is not None else []
        )
        if unknown := [name for name in self.stages if name not in order]:
            raise ConfigError(
                f"stages: {'; '.join(f'{n!r}: {nearest(n, order)}' for n in unknown)}."
            )
        checks = leakage(rows, leaky=self.leaky, trusted=self.trusted, seed=self.seed)
        return LeadAnalysis(self, rows, stages, tuple(self.stages or order), as_of, checks)

    def estimate(
        self, rows: pd.DataFrame, checks: pd.DataFrame, as_of: dt.date | str | None
    ) -> tuple[pd.DataFrame, pd.Series, str]:
        """Probabilities of decided leads by models that had not seen them, of open leads, and how
        it was done."""
        used = checks.index[checks["verdict"] == "used"]
        decided, wait = _mature(rows[rows["won"].notna()], as_of)
        won = decided["won"].astype(bool).to_numpy()
        if min(won.sum(), (~won).sum()) < MIN_EVENTS or used.empty:
            raise NotEnoughDataError(
                f"{won.sum()} won and {(~won).sum()} lost leads with {len(used)} usable columns: a win "
                f"probability needs at least {MIN_EVENTS} of each and one column."
            )
        frame, best = _model_frame(rows[used]), levels(decided[used[0]])
        past, waiting = frame.loc[decided.index], frame[rows["won"].isna()]
        splits, how = self._splits(decided, won, wait)
        parts = []
        for train, test in splits:
            known = np.isin(np.arange(len(won)), train)
            parts.append(
                pd.DataFrame(
                    {
                        "win_probability": self._chances(
                            past.iloc[train], won[train], past.iloc[test]
                        ),
                        "won": won[test],
                        "base_rate": won[train].mean(),
                        "best_column": level_rates(best, won, known)[test],
                    },
                    past.index[test],
                )
            )
        chances = pd.Series(
            self._chances(past, won, waiting), waiting.index, name="win_probability"
        )
        return pd.concat(parts).sort_index(), chances, how

    def _splits(
        self, decided: pd.DataFrame, won: np.ndarray, wait: pd.Timedelta
    ) -> tuple[Splits, str]:
        """Earlier leads against later ones where dates allow, else folds; and how to say so."""
        young = (
            f" Leads younger than {wait.days} days are left out: most are not decided yet."
            if wait
            else ""
        )
        if "created_on" in decided and decided["created_on"].notna().mean() > 0.95:
            cut = pd.Timestamp(decided["created_on"].quantile(1 - self.test_share)).normalize()  # type: ignore[arg-type]
            # What was decided after the cut, or too young then to be decided, could not have
            # taught the model.
            known = decided["decided_on"] if "decided_on" in decided else decided["created_on"]
            train = np.flatnonzero((decided["created_on"] < cut - wait) & (known < cut))
            test = np.flatnonzero(decided["created_on"] >= cut)
            events = [min(won[part].sum(), (~won[part]).sum()) for part in (train, test)]
            if events[0] >= MIN_EVENTS and events[1] >= MIN_TEST_EVENTS:
                return [(train, test)], (
                    f"Tested out of time: learned from {len(train):,} leads decided before "
                    f"{cut:%Y-%m-%d}, tested on {len(test):,} created since.{young}"
                )
        from sklearn.model_selection import StratifiedKFold

        folds = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        return list(folds.split(won, won)), (
            f"Tested by {self.folds}-fold cross-validation on {len(won):,} leads, each judged by a model that had "
            f"not seen it; there are not enough dated leads to test on later ones.{young}"
        )

    def _chances(self, past: pd.DataFrame, won: np.ndarray, new: pd.DataFrame) -> np.ndarray:
        """Calibrated win probabilities of `new` leads, learned from `past` ones."""
        if new.empty:
            return np.empty(0)
        from sklearn.calibration import CalibratedClassifierCV
        from threadpoolctl import threadpool_limits

        method = "isotonic" if won.sum() >= ISOTONIC_FROM else "sigmoid"
        # On tables this small threads only wait for each other: 4 s became 116 s on two busy cores.
        with threadpool_limits(1):
            model = CalibratedClassifierCV(self._pipeline(past), cv=3, method=method).fit(past, won)
            return model.predict_proba(new)[:, 1]

    def _pipeline(self, frame: pd.DataFrame) -> Any:
        from sklearn.compose import make_column_transformer
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

        numbers = [c for c in frame if frame[c].dtype.kind == "f"]
        words = [c for c in frame if c not in numbers]
        if self.model == "logistic" or (self.model == "auto" and len(frame) < TREES_FROM):
            scaled = make_pipeline(
                SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
            )
            one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10)
            return make_pipeline(
                make_column_transformer((scaled, numbers), (one_hot, words)),
                LogisticRegression(max_iter=2000),
            )
        codes = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, max_categories=200
        )
        trees = HistGradientBoostingClassifier(
            max_iter=80,
            learning_rate=0.08,
            max_leaf_nodes=15,
            categorical_features=range(len(words)),
            random_state=self.seed,
        )
        return make_pipeline(
            make_column_transformer((codes, words), remainder="passthrough"), trees
        )


def _mature(
    decided: pd.DataFrame, as_of: dt.date | str | None
) -> tuple[pd.DataFrame, pd.Timedelta]:
    """Decided leads of cohorts old enough to be decided, and that age.

    Of the young leads only the quick ones are decided, and quick decisions are mostly losses: a
    model that learned from them, or was tested on them, would be wrong about both.
    """
    if (
        not {"created_on", "decided_on"} <= set(decided.columns)
        or decided["decided_on"].isna().all()
    ):
        return decided, pd.Timedelta(0)
    days = (decided["decided_on"] - decided["created_on"]).dt.days
    wait = pd.Timedelta(days=int(np.ceil(days.quantile(MATURE))))
    latest = pd.Timestamp(as_date(as_of)) if as_of is not None else decided["decided_on"].max()
    return decided[~(decided["created_on"] >= latest - wait)], wait


def _model_frame(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers as floats; everything else as text, with a word of its own for what is not given."""
    out: dict[Any, pd.Series] = {}
    for name, values in rows.items():
        if values.dtype.kind in "iufb":
            out[name] = values.astype(float)
        else:
            out[name] = values.astype(object).where(values.notna(), funnels.UNKNOWN).astype(str)
    return pd.DataFrame(out, index=rows.index)
