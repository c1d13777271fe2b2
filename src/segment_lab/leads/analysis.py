"""What a lead model found: the funnel, how far its chances can be believed, and the price of
ignoring leads."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.config.levels import TAILS
from segment_lab.customers.rates import Z975, with_interval
from segment_lab.data.keeping import Keeper, made_anew
from segment_lab.errors import NotEnoughDataError
from segment_lab.judge.measures import Ranked, area_under_roc, sorted_order
from segment_lab.judge.resampling import blocks
from segment_lab.leads import funnel as funnels
from segment_lab.leads.table import UNKNOWN
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say

#: Upper edges in days of the ages on the board.
AGES = (30, 60, 90, 180)
IGNORED_BELOW = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
KNOWN_COLUMNS = ("customer_id", "source", "owner", "segment", "value")


@dataclass(frozen=True, eq=False)
class Estimates:
    """What the model says of the leads.

    `tested`: decided leads by models that had not seen them: ``win_probability`` at the start,
    ``expected`` (given that they are decided by now), ``won``, and the baselines ``base_rate`` and
    ``best_column``. `ahead`: every lead not decided at the day of the test: ``expected`` to be won
    by now, ``won``. `waiting`: open leads: ``win_probability`` given their age, ``at_start``.
    `how`: the way of the test and its sizes.
    """

    tested: pd.DataFrame
    ahead: pd.DataFrame
    waiting: pd.DataFrame
    how: dict[str, Any]


@dataclass(frozen=True)
class LeadAnalysis:
    """What `model`, a `LeadModel`, found. Everything about chances needs 50 leads won and 50 lost.

    `leads` come from `funnel.lead_table`, `checks` of their columns from `leakage.leakage`.
    """

    model: Any
    leads: pd.DataFrame
    stages: ir.Table | None
    order: tuple[str, ...]
    as_of: dt.date | str | None
    checks: pd.DataFrame
    keep: Keeper = made_anew

    @cached_property
    def estimates(self) -> Estimates:
        """Chances, tested and open; NotEnoughDataError with too few decided leads."""

        def made() -> Estimates:
            return self.model.estimate(self.leads, self.checks, self.as_of)

        # As a notebook's parameters come: there a tuple is a list.
        parameters = json.dumps(self.model.get_params(), sort_keys=True, default=str)
        return self.keep("lead-chances", (str(self.as_of), parameters), made)

    @property
    def tested(self) -> pd.DataFrame:
        """`Estimates.tested`."""
        return self.estimates.tested

    @cached_property
    def chances(self) -> pd.Series:
        """``win_probability`` of every open lead, given its age. NotEnoughDataError where the model
        does not rank better than chance: then it ranks nothing."""
        if not self.ranks:
            low, high = self._auc_range
            raise NotEnoughDataError(say("leads.errors.no_better", low=low, high=high))
        return self.estimates.waiting["win_probability"]

    @property
    def ranks(self) -> bool:
        """Whether the model is certainly better than chance."""
        return self._auc_range[0] > 0.5

    @cached_property
    def _auc_range(self) -> tuple[float, float]:
        row: Any = self.measures().loc["AUC"]
        return float(row["value_low"]), float(row["value_high"])

    @cached_property
    def _funnels(self) -> dict[str | None, pd.DataFrame]:
        return {}

    def funnel(self, by: str | None = None) -> pd.DataFrame:
        """`funnel.funnel` of these leads."""
        if by not in self._funnels:
            self._funnels[by] = funnels.funnel(
                self.leads, self.stages, self.as_of, order=self.order, by=by
            )
        return self._funnels[by].copy()

    def deal_time(self, by: str | None = None) -> pd.DataFrame:
        """`funnel.deal_time` of these leads."""
        return funnels.deal_time(self.leads, by, seed=self.model.random_state)

    @property
    def splits(self) -> list[str]:
        """The columns by which the funnel can be told apart: known before a lead is decided."""
        names = [name for name in ("source", "owner", "segment") if name in self.leads]
        return [name for name in names if self.checks["verdict"].get(name) != "refused"]

    @property
    def refused(self) -> pd.DataFrame:
        """Columns that the model may not read, why, and what gave them away."""
        rows = self.checks[self.checks["verdict"] == "refused"]
        return rows[["reason", "auc_alone", "decided_share"]]

    @property
    def admitted(self) -> pd.DataFrame:
        """The other columns: used or ignored, and how well each ranks the leads alone."""
        rows = self.checks[self.checks["verdict"] != "refused"]
        return rows[["verdict", "reason", "auc_alone"]]

    @cached_property
    def bander(self) -> Any:
        """The model with its bands set by the usual chance of the tested leads."""
        return self.model.fit(self.tested[["win_probability"]], self.tested["won"])

    def segmentation(self) -> Segmentation:
        """The open leads by band; the index holds lead ids."""
        chances = self.chances.to_frame()
        return self.bander.segment(chances).replace(by_customer=chances)

    @cached_property
    def places(self) -> pd.DataFrame:
        """Where every open lead stands: ``stage, days_waiting`` in it and ``stuck``."""
        visits = funnels.stage_visits(
            self.leads, self.stages, self.as_of, order=self.order
        )
        here = (
            visits[visits["here"]]
            .sort_values("position")
            .drop_duplicates("lead_id", keep="last")
        )
        here = here.set_index("lead_id").rename(columns={"days": "days_waiting"})
        return here[["stage", "days_waiting", "stuck"]]

    def waiting(self) -> pd.DataFrame:
        """Every open lead, the most worth first: one row each.

        Who it is (as far as known ``customer_id, source, owner, segment, value``), ``stage,
        days_waiting, stuck``, ``age_days``; where the model ranks, ``band``, ``chance_share`` given
        the age, and ``expected_value`` = chance × value. Without a ranking, the largest first.
        """
        return self._waiting.copy()

    @cached_property
    def _waiting(self) -> pd.DataFrame:
        rows = self.leads[self.leads["won"].isna()]
        known = [name for name in KNOWN_COLUMNS if name in rows]
        out = rows[known].join(self.places)
        if "began_on" in rows and self._day is not None:
            out["age_days"] = (self._day - rows["began_on"]).dt.days
        try:
            chances = self.chances
        except NotEnoughDataError:
            order = [name for name in ("value", "days_waiting") if name in out]
            return (
                out.sort_values(order, ascending=False, kind="stable") if order else out
            )
        out["chance_share"] = chances
        out["band"] = self.segmentation().labels if len(out) else None
        by = "chance_share"
        if "value" in out:
            out["expected_value"] = out["chance_share"] * out["value"].astype(float)
            by = "expected_value"
        return out.sort_values(by, ascending=False, kind="stable", na_position="last")

    @property
    def _day(self) -> pd.Timestamp | None:
        if self.as_of is not None:
            return pd.Timestamp(str(self.as_of))
        return self.leads["decided_on"].max() if "decided_on" in self.leads else None

    def board(self) -> pd.DataFrame:
        """Open leads by stage (rows, in order) and by days since they began (columns)."""
        rows = self.waiting()
        names = [name for name in self.order if name in set(rows["stage"])] or ["Lead"]
        stage = pd.Categorical(rows["stage"], names, ordered=True)
        edges = [*AGES, np.inf]
        lows = [0, *(edge + 1 for edge in AGES)]
        labels = [f"{low}–{high}" for low, high in zip(lows, AGES, strict=False)]
        labels.append(f"{AGES[-1]}+")
        days = rows.get("age_days", rows["days_waiting"])
        age = pd.cut(
            days,
            [-np.inf, *edges],
            labels=labels,
        )
        return pd.crosstab(stage, age, dropna=False).reindex(
            index=names, columns=labels, fill_value=0
        )

    def slices(self, by: str) -> pd.DataFrame:
        """Share that goes on from each stage (columns) for each value of a column (rows), the most
        common ten."""
        table = self.funnel(by)["conversion"].unstack("stage")
        order = [name for name in self.order if name in table] or list(table.columns)
        common = self.leads[by].fillna(UNKNOWN).astype("str").value_counts().index[:10]
        table = table.reindex(index=common, columns=order)
        return table.loc[:, table.notna().any()]

    def measures(self, draws: int = 300) -> pd.DataFrame:
        """How well the model ranks (AUC) and how far off its probabilities are (Brier score), with
        baselines.

        Each with a 95 % bootstrap interval. The AUC stands beside .5 (chance) and the best single
        column, the Brier score beside the base rate; a gain is the paired difference in the
        model's favour.
        """
        scores, size = Scores(self.tested), len(self.tested)
        drawn = pd.concat(
            [
                scores.of(counts)
                for counts in blocks(size, draws, self.model.random_state)
            ]
        )
        out = pd.DataFrame({"value": scores.of(np.ones((1, size))).iloc[0]})
        bounds = {
            "value_low": drawn.quantile(TAILS[0]),
            "value_high": drawn.quantile(TAILS[1]),
        }
        return out.assign(**bounds).rename_axis("measure")

    def reliability(self, bins: int | None = None) -> pd.DataFrame:
        """Tested leads in groups of equal size by probability: predicted and observed share of
        wins.

        There are 10 groups, or 5 of fewer than 1,000 leads.
        """
        bins = bins or (10 if len(self.tested) >= 1000 else 5)
        part = pd.qcut(
            self.tested["expected"].rank(method="first"),
            bins,
            labels=False,
        )
        by = self.tested.groupby(part.to_numpy() + 1)
        out = pd.DataFrame(
            {
                "leads": by.size(),
                "predicted": by["expected"].mean(),
            }
        )
        return out.join(
            with_interval(by["won"].sum(), out["leads"], "observed")
        ).rename_axis("group")

    def expected_wins(self) -> dict[str, float]:
        """Wins expected until now among the leads that were not decided at the day of the test (or
        among the tested ones, without days), the 95 % range of chance, and the wins that came."""
        ahead = self.estimates.ahead
        chance = ahead["expected"].to_numpy()
        spread = Z975 * np.sqrt((chance * (1 - chance)).sum())
        return {
            "expected": float(chance.sum()),
            "low": float(chance.sum() - spread),
            "high": float(chance.sum() + spread),
            "came": float(ahead["won"].sum()),
        }

    def bands(self) -> pd.DataFrame:
        """The tested leads by band: how many, how many won, and the share of all wins each band
        holds.

        The cold row is the price of ignoring cold leads: ``wins`` lost and ``win_share`` of all
        wins. ``open_leads`` are banded by their chance given their age.
        """
        labels = self.bander.segment(self.tested[["win_probability"]]).labels
        by = self.tested["won"].groupby(labels, observed=False)
        out = pd.DataFrame(
            {
                "leads": by.size(),
                "lead_share": by.size() / len(labels),
                "wins": by.sum(),
            }
        )
        total = np.repeat(out["wins"].sum(), len(out))
        out = out.join(with_interval(out["wins"], out["leads"], "win_rate"))
        out = out.join(with_interval(out["wins"], total, "win_share"))
        open_now = self.segmentation().sizes() if len(self.chances) else 0
        return out.assign(open_leads=open_now).rename_axis("band")

    def cost_of_ignoring(self) -> pd.DataFrame:
        """If every tested lead below a probability were ignored: leads spared, wins lost, with
        interval."""
        chance, won = self.tested["win_probability"], self.tested["won"]
        rows = [
            (limit, (chance < limit).sum(), (won & (chance < limit)).sum())
            for limit in IGNORED_BELOW
        ]
        out = pd.DataFrame(
            rows, columns=["ignored_below", "leads_ignored", "wins_lost"]
        )
        out["leads_ignored_share"] = out["leads_ignored"] / len(self.tested)
        total = np.repeat(self.tested["won"].sum(), len(out))
        return out.join(with_interval(out["wins_lost"], total, "wins_lost_share"))


class Scores:
    """The measures of tested leads, on whole blocks of draws."""

    def __init__(self, tested: pd.DataFrame):
        self.won = tested["won"].to_numpy(float)
        self.ranked = Ranked(tested["win_probability"].to_numpy())
        self.alone = Ranked(tested["best_column"].to_numpy())
        self.errors = {
            name: (tested[name].to_numpy(float) - self.won) ** 2
            for name in ("expected", "base_rate")
        }

    def of(self, counts: np.ndarray) -> pd.DataFrame:
        """A row of measures for every row of `counts`: how often each lead was drawn."""
        total = counts.sum(axis=1)
        ranks, ranks_alone = (
            self._auc(self.ranked, counts),
            self._auc(self.alone, counts),
        )
        brier, base = (
            counts @ self.errors[name] / total for name in ("expected", "base_rate")
        )
        return pd.DataFrame(
            {
                "AUC": ranks,
                "AUC, best column": ranks_alone,
                "AUC gain": ranks - ranks_alone,
                "Brier score": brier,
                "Brier score, base rate": base,
                "Brier gain": base - brier,
            }
        )

    def _auc(self, ranked: Ranked, counts: np.ndarray) -> np.ndarray:
        return area_under_roc(
            ranked.sums(counts), ranked.sums(counts * self.won), sorted_order()
        )
