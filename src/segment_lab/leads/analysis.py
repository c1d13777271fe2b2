"""What a lead model found: the funnel, how far its chances can be believed, and the price of
ignoring leads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.customers.rates import with_interval
from segment_lab.errors import NotEnoughDataError
from segment_lab.leads import funnel as funnels
from segment_lab.leads.leakage import auc
from segment_lab.segments.base import Finding
from segment_lab.segments.segmentation import Segmentation
from segment_lab.show.html import Html, note


@dataclass(frozen=True)
class LeadAnalysis:
    """What `model`, a `LeadModel`, found. Everything about probabilities needs 50 leads won and 50
    lost.

    `leads` come from `features.leads.lead_table`, `checks` of their columns from
    `features.leakage.leakage`.
    """

    model: Any
    leads: pd.DataFrame
    stages: ir.Table | None
    order: tuple[str, ...]
    as_of: dt.date | str | None
    checks: pd.DataFrame

    @cached_property
    def _estimated(self) -> tuple[pd.DataFrame, pd.Series, str]:
        return self.model.estimate(self.leads, self.checks, self.as_of)

    @property
    def tested(self) -> pd.DataFrame:
        """Decided leads, judged by models that had not seen them.

        Columns ``win_probability``, ``won``, and the baselines ``base_rate`` and ``best_column``
        (the win rate by the most telling column alone).
        """
        return self._estimated[0]

    @property
    def chances(self) -> pd.Series:
        """``win_probability`` of every open lead."""
        return self._estimated[1]

    @property
    def how(self) -> str:
        """How the model was tested, in words."""
        return self._estimated[2]

    def funnel(self, by: str | None = None) -> pd.DataFrame:
        return funnels.funnel(self.leads, self.stages, self.as_of, order=self.order, by=by)

    def deal_time(self, by: str | None = None) -> pd.DataFrame:
        return funnels.deal_time(self.leads, by, seed=self.model.seed)

    @property
    def splits(self) -> list[str]:
        """The columns by which funnel and deal time can be told apart."""
        return [name for name in ("source", "owner", "segment") if name in self.leads]

    def funnel_remark(self) -> str:
        """How many of the leads came through, in words."""
        entered = self.funnel()["entered"]
        return f"Of {entered.iloc[0]:,} leads {entered.iloc[-1]:,} came to “{entered.index[-1]}”."

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

    def segmentation(self) -> Segmentation:
        """The open leads by band; the index holds lead ids."""
        chances = self.chances.to_frame()
        return self.model.fit(chances).segment(chances).replace(details=chances)

    def waiting(self) -> pd.DataFrame:
        """The open leads, the most promising first: who they are, their chance and band."""
        chances = self.chances.sort_values(ascending=False, kind="stable")
        known = [
            c for c in ("customer_id", "source", "owner", "segment", "value") if c in self.leads
        ]
        bands = self.segmentation().labels if len(chances) else None
        return self.leads.loc[chances.index, known].assign(band=bands, chance_share=chances)

    def measures(self, draws: int = 300) -> pd.DataFrame:
        """How well the model ranks (AUC) and how far off its probabilities are (Brier score), with
        baselines.

        Each with a 95 % bootstrap interval. The AUC stands beside .5 (chance) and the best single
        column, the Brier score beside the base rate; a gain is the paired difference in the
        model's favour.
        """
        rng = np.random.default_rng(self.model.seed)
        drawn = pd.DataFrame(
            [
                _scores(self.tested.iloc[rng.integers(len(self.tested), size=len(self.tested))])
                for _ in range(draws)
            ]
        )
        out = pd.DataFrame({"value": _scores(self.tested)})
        bounds = {"value_low": drawn.quantile(0.025), "value_high": drawn.quantile(0.975)}
        return out.assign(**bounds).rename_axis("measure")

    def reliability(self, bins: int | None = None) -> pd.DataFrame:
        """Tested leads in groups of equal size by probability: predicted and observed share of
        wins.

        There are 10 groups, or 5 of fewer than 1,000 leads.
        """
        bins = bins or (10 if len(self.tested) >= 1000 else 5)
        part = pd.qcut(self.tested["win_probability"].rank(method="first"), bins, labels=False)
        by = self.tested.groupby(part.to_numpy() + 1)
        out = pd.DataFrame({"leads": by.size(), "predicted": by["win_probability"].mean()})
        return out.join(with_interval(by["won"].sum(), out["leads"], "observed")).rename_axis(
            "group"
        )

    def expected_wins(self) -> dict[str, float]:
        """Wins expected among the tested leads, the range that chance explains (95 %), and the
        wins that came."""
        chance = self.tested["win_probability"].to_numpy()
        spread = 1.96 * np.sqrt((chance * (1 - chance)).sum())
        return {
            "expected": float(chance.sum()),
            "low": chance.sum() - spread,
            "high": chance.sum() + spread,
            "came": float(self.tested["won"].sum()),
        }

    def fairness(self) -> Html:
        """`expected_wins` in words: whether the chances are right on the whole, or only their
        order may be."""
        wins = self.expected_wins()
        text = f"Of the tested leads, {wins['expected']:,.0f} were expected to be won; {wins['came']:,.0f} were."
        if wins["low"] <= wins["came"] <= wins["high"]:
            return note(f"{text} Chance explains the difference.")
        trend = "less" if wins["came"] < wins["low"] else "more"
        return note(
            f"{text} Chance does not explain the difference: leads are won {trend} often than they used to "
            "be. Go by the order of the leads, not by the chances themselves.",
            "warning",
        )

    def bands(self) -> pd.DataFrame:
        """The tested leads by band: how many, how many won, and the share of all wins each band
        holds.

        The cold row is the price of ignoring cold leads: ``wins`` lost and ``win_share`` of all
        wins.
        """
        chances = self.tested[["win_probability"]]
        labels = self.model.fit(chances).segment(chances).labels
        by = self.tested["won"].groupby(labels, observed=False)
        out = pd.DataFrame(
            {"leads": by.size(), "lead_share": by.size() / len(labels), "wins": by.sum()}
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
            for limit in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
        ]
        out = pd.DataFrame(rows, columns=["ignored_below", "leads_ignored", "wins_lost"])
        out["leads_ignored_share"] = out["leads_ignored"] / len(self.tested)
        total = np.repeat(self.tested["won"].sum(), len(out))
        return out.join(with_interval(out["wins_lost"], total, "wins_lost_share"))


def _scores(tested: pd.DataFrame) -> dict[str, float]:
    won, chance = tested["won"].to_numpy(), tested["win_probability"].to_numpy()
    alone = tested["best_column"].to_numpy()
    brier, base = ((chance - won) ** 2).mean(), ((tested["base_rate"].to_numpy() - won) ** 2).mean()
    ranks, ranks_alone = auc(won, chance), auc(won, alone)
    return {
        "AUC": ranks,
        "AUC of the best single column": ranks_alone,
        "AUC gain": ranks - ranks_alone,
        "Brier score": brier,
        "Brier score of the base rate": base,
        "Brier gain": base - brier,
    }


def leads_finding(analysis: LeadAnalysis) -> Finding:
    """The answer of the leads report: how many are won, where most are lost, and the price of
    ignoring the cold."""
    decided = analysis.leads["won"].dropna()
    share, low, high = with_interval([decided.sum()], [len(decided)], "won").iloc[0]
    won = (
        f"{decided.sum():,} of {len(decided):,} decided leads were won: {share:.1%} "
        f"(allowing for chance, {low:.1%} to {high:.1%})."
    )
    steps = analysis.funnel().dropna(subset="conversion").sort_values("conversion")
    if len(steps) > 1 and steps["conversion_high"].iloc[0] < steps["conversion_low"].iloc[1:].min():
        won += f" The narrowest step is after {steps.index[0]}: {steps['conversion'].iloc[0]:.0%} went on from it."
    elif len(steps) > 1:
        won += (
            f" No stage stands out: from each, {steps['conversion'].iloc[0]:.0%} to "
            f"{steps['conversion'].iloc[-1]:.0%} went on."
        )
    figures = {
        "leads": len(analysis.leads),
        "leads_won": int(decided.sum()),
        "win_rate": float(share),
    }
    try:
        bands, figures["AUC"] = analysis.bands(), float(analysis.measures()["value"]["AUC"])
    except NotEnoughDataError as reason:
        return Finding(
            (won, f"Which open leads are worth the time cannot be said yet: {reason}"), figures
        )
    cold = bands.T["Cold"].to_dict()
    second = (
        f"Ignoring the {cold['lead_share']:.0%} of leads with a chance under {analysis.model.cold:.0%} would "
        f"have lost {cold['wins']:,.0f} of {bands['wins'].sum():,.0f} wins: {cold['win_share']:.1%} (allowing "
        f"for chance, {cold['win_share_low']:.1%} to {cold['win_share_high']:.1%})."
    )
    hot, waiting = bands.T["Hot"]["open_leads"], bands["open_leads"].sum()
    start = (f"{waiting:,} leads are open; start with the {hot:,.0f} that are hot.",) if hot else ()
    return Finding(
        (*start, won, second),
        figures
        | {"cold_leads_share": cold["lead_share"], "cold_wins_lost_share": cold["win_share"]},
    )
