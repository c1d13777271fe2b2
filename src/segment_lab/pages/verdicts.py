"""The decision page: what `90_strategy` shows, computed when asked for from plain frames and
kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.act import campaigns as ledger
from segment_lab.act import cards, market
from segment_lab.act.budget import BudgetPlan, plan_budget
from segment_lab.act.economics import Belief, detectable_effect
from segment_lab.act.playbook import Entry, Playbook
from segment_lab.errors import NotEnoughDataError
from segment_lab.segments.segmentation import Segmentation
from segment_lab.show.html import Html, card, details, group, table

#: The plan is solved again on so many draws to see how often its choices survive.
PLANS = 200
#: Shares of revenue that are tried where nobody knows what a sale leaves.
MARGINS = (0.1, 0.2, 0.3, 0.5)


@dataclass
class Page:
    """One scheme's decisions on one day.

    Parameters
    ----------
    now, people, earlier, outcomes
        As in `cards.evidence`; both segmentations carry their window.
    playbook : str, optional
        Path of the company's own; the packaged one of the scheme otherwise.
    costs, found, effort : optional
        The ``contact_costs`` table, campaigns with their results (`ledger.results`), minutes per
        customer.
    segments_on : callable, optional
        A day to this scheme's segment of each customer on it; reads campaigns that were drawn by
        another scheme.
    budget, hours, holdout_share, margin_rate, seed, currency
        Limits (None: none), share held out of a roll-out, declared margin, seed of the draws, unit
        of money.
    """

    now: Segmentation
    people: pd.DataFrame
    earlier: Segmentation
    outcomes: pd.DataFrame
    playbook: str | None = None
    costs: pd.DataFrame | None = None
    found: pd.DataFrame | None = None
    effort: pd.Series | None = None
    segments_on: Callable[[dt.date], pd.Series] | None = None
    budget: float | None = None
    hours: float | None = None
    holdout_share: float = 0.2
    margin_rate: float | None = None
    seed: int = 0
    currency: str = ""

    @cached_property
    def book(self) -> Playbook:
        """The playbook with the company's costs, checked against the segments."""
        book = (
            Playbook.from_yaml(self.playbook)
            if self.playbook
            else Playbook.packaged(self.now.method)
        )
        book = book if self.playbook else book.completed(self.now.names)
        book = book if self.costs is None else book.with_costs(self.costs)
        return book.check(self.now.names, self.now.profile(self.people))

    @cached_property
    def entries(self) -> dict[str, tuple[Entry, ...]]:
        """The playbook's entries per segment."""
        return self.book.options(self.now.profile(self.people))

    @cached_property
    def measured(self) -> pd.DataFrame:
        """What campaigns did, by the segments they were drawn by (NotEnoughDataError where there
        is nothing)."""
        if self.found is None:
            raise NotEnoughDataError(
                "The study has no table of campaigns, so nothing was measured yet."
            )
        return ledger.effects(ledger.measurable(self.found))

    @cached_property
    def beliefs(self) -> Mapping[tuple[str, str], Belief]:
        """What own campaigns teach about this scheme's segments; empty where nothing was
        measured."""
        if self.found is None or self.segments_on is None:
            return {}
        done = ledger.measurable(self.found)
        days = done.groupby("campaign_id")["assigned_on"].first()
        again = ledger.regroup(
            done, {str(c): self.segments_on(day.date()) for c, day in days.items()}
        )
        return ledger.learn(ledger.effects(again), self.entries) if len(again) else {}

    @cached_property
    def known(self) -> pd.DataFrame:
        """The evidence per segment; customers of a campaign in the horizon do not count as
        natural."""
        contacted = (
            ledger.contacted_since(self.found, self.earlier.window.as_of)
            if self.earlier.window is not None
            else []
        )
        return cards.evidence(
            self.now,
            self.people,
            earlier=self.earlier,
            outcomes=self.outcomes,
            effort=self.effort,
            margin_rate=self.margin_rate,
            contacted=contacted,
        )

    def decide(self, known: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """`cards.decide` with this page's playbook and beliefs."""
        return cards.decide(
            known,
            self.entries,
            beliefs=self.beliefs,
            holdout_share=self.holdout_share,
            seed=self.seed,
            currency=self.currency,
        )

    @cached_property
    def options(self) -> tuple[pd.DataFrame, np.ndarray]:
        """Every segment and action with its verdict, and the draws of their values."""
        return self.decide(self.known)

    @cached_property
    def plan(self) -> BudgetPlan:
        """What is funded under money and hours."""
        options, draws = self.options
        return plan_budget(options, money=self.budget, hours=self.hours, draws=draws[:, :PLANS])

    @cached_property
    def decided(self) -> pd.DataFrame:
        """The decision per segment with the figures of its verdict; where nothing is done, of the
        usual action."""
        decided, usual = (
            cards.decision(self.options[0], self.plan.chosen),
            self.options[0].drop_duplicates("segment"),
        )
        idle = decided.index[decided["decision"] == "do nothing"]
        same = [c for c in decided if c in usual and c not in ("contacts", "cost", "hours")]
        decided.loc[idle, same] = usual.set_index("segment").loc[idle, same]
        return decided

    @cached_property
    def saved(self) -> pd.DataFrame:
        """What we would not do, and what that saves."""
        return cards.not_doing(self.options[0])

    @property
    def sentences(self) -> list[str]:
        """The decision in plain words; by margin, where the data know none."""
        if not self.at_margins:
            return cards.sentences(self.decided, self.saved, self.currency)
        costs = (
            "" if self.costs is not None else " Costs of contacts are the playbook's assumptions."
        )
        return [
            "What pays depends on the margin of a sale, which these data do not tell.",
            self._margin_remark() + costs,
            "Map a margin column of the orders, or declare a margin_rate under strategy in the study file.",
        ]

    @cached_property
    def at_margins(self) -> dict[str, Page]:
        """This page at each of `MARGINS`, where the margin is unknown (and all else is not); else
        empty."""
        known = self.known
        if known["margin_per_conversion"].notna().any() or known["natural_rate"].isna().all():
            return {}
        return {f"{rate:.0%}": replace(self, margin_rate=rate) for rate in MARGINS}

    def by_margin(self) -> pd.DataFrame:
        """What each segment would get if a sale left so much of its price; no rows where the
        margin is known."""
        return pd.DataFrame(
            {rate: page.table()["what_to_do"] for rate, page in self.at_margins.items()}
        )

    def show_margins(self) -> Html:
        """`by_margin` as a table, where the margin is not known; else nothing."""
        if not self.at_margins:
            return group()
        return table(
            self.by_margin(),
            "What each segment would get, by the share of revenue that a sale leaves",
        )

    def _margin_remark(self) -> str:
        """From which margin on which segments are worth a campaign, at every higher margin too."""
        acts = pd.DataFrame(
            {
                rate: page.decided["decision"].isin((cards.ROLL_OUT, cards.PILOT))
                for rate, page in self.at_margins.items()
            }
        )
        lasting = acts.iloc[:, ::-1].cummin(axis=1).iloc[:, ::-1]
        if not lasting.to_numpy().any():
            return f"Even at {acts.columns[-1]} of revenue no action would pay."
        first, most = (
            lasting.idxmax(axis=1)[lasting.any(axis=1)],
            list(self.at_margins.values())[-1].decided,
        )
        return " ".join(
            f"From {rate} of revenue on, worth trying{' too' if i else ''}: "
            f"{cards.listed(most.loc[first.index[first == rate]])}."
            for i, rate in enumerate(r for r in acts if (first == r).any())
        )

    @property
    def figures(self) -> dict[str, float]:
        """What the index and the manifest keep."""
        full = self.decided[self.decided["decision"] == cards.ROLL_OUT]
        value = {"expected_value": round(float(full["ev"].sum()))} if len(full) else {}
        figures = {
            "customers_contacted": float(self.decided["contacts"].sum()),
            "cost": round(self.plan.spent),
            "hours": round(self.plan.hours),
            **value,
            "cost_not_spent": round(self.saved["money_saved"].sum()),
        }
        return {name: v for name, v in figures.items() if v or name == "customers_contacted"}

    def table(self) -> pd.DataFrame:
        """The decision table: what, for whom, at what cost; a value is expected only of what was
        measured."""
        d = self.decided
        kind = {cards.ROLL_OUT: "Roll out", cards.PILOT: "Pilot", "later": "Later"}
        value = {
            cards.ROLL_OUT: "{ev:,.0f} ({ev_low:,.0f} to {ev_high:,.0f})",
            cards.PILOT: "pilot first",
        }
        rows: list[dict[str, Any]] = d.to_dict("records")  # type: ignore[assignment]
        out = (
            d[["customers", "contacts", "cost", "hours"]]
            .where(d["contacts"] > 0)
            .assign(customers=d["customers"])
        )
        out = out.rename(columns={"contacts": "contacted"})
        out["expected_value"] = pd.Series(
            [value.get(r["decision"], "–").format(**r).replace("-", "−") for r in rows],
            index=d.index,
        )
        out.insert(
            0,
            "what_to_do",
            [
                f"{kind[r['decision']]}: {r['action']}"
                if r["decision"] in kind
                else "Not enough data"
                if r["decision"] == cards.UNKNOWN
                else r["do"]
                for r in rows
            ],
        )
        return out.join(self.known[["natural_rate", "natural_rate_low", "natural_rate_high"]])

    @property
    def priced(self) -> pd.DataFrame:
        """The decisions whose action has a price and a belief."""
        priced = self.decided.dropna(subset=["break_even", "uplift"])
        if priced.empty:
            raise NotEnoughDataError("Without a margin nobody can say what an action must achieve.")
        return priced

    def weighed(self) -> pd.DataFrame:
        """Every action of the playbook with what it costs, what it must add to pay and what is
        believed of it.

        ``break_even`` is null where even a buyer more for every contact could not pay for it.
        """
        shown = self.options[0][
            [
                "segment",
                "action",
                "verdict",
                "cost_per_contact",
                "cost_source",
                "margin_per_conversion",
                "break_even",
                "uplift",
                "uplift_source",
            ]
        ]
        return shown.assign(break_even=shown["break_even"].where(shown["break_even"] <= 1))

    def effects(self) -> pd.DataFrame:
        """What each campaign did to each segment, beside what was predicted."""
        return self.measured[
            [
                "campaign_id",
                "segment",
                "action",
                "treated",
                "held",
                "effect",
                "effect_low",
                "effect_high",
                "money_effect",
                "money_effect_low",
                "money_effect_high",
                "predicted",
                "as_predicted",
            ]
        ]

    def cards(self) -> Html:
        """A card per segment: the verdict, the sentence that decided it, and the evidence."""
        act: list[Html] = []
        leave: list[Html] = []
        known: list[dict[str, Any]] = self.known.to_dict("records")  # type: ignore[assignment]
        for (segment, row), facts in zip(self.decided.iterrows(), known, strict=True):
            if not facts["customers"]:
                continue
            figures = {
                "customers": facts["customers"],
                "change_in_customers": facts["change"],
                "share_of_revenue": facts["revenue_share"],
                "share_of_margin": facts["margin_share"],
                "share_of_contact_time": facts.get("effort_share"),
                "share_that_buys_anyway": facts["natural_rate"],
            }
            present = {k: v for k, v in figures.items() if v is not None and np.isfinite(v)}
            words: dict[str, Any] = {**present, "share_that_buys_anyway": _natural(facts)}
            if "change_in_customers" in words:
                words["change_in_customers"] = f"{facts['change']:+.0%}".replace("-", "−")
            pile = act if row["verdict"] in (cards.ROLL_OUT, cards.PILOT) else leave
            pile.append(
                card(
                    f"{segment}: {row['action']}", words, verdict=row["verdict"], body=row["reason"]
                )
            )
        if not act or not leave:
            return group(*act, *leave)
        folded = details(
            f"Left alone for now: {len(leave)} segment{'s' * (len(leave) > 1)}, and why",
            group(*leave),
        )
        return group(group(*act), folded)

    def saved_remark(self) -> str:
        """What is not spent, in a line."""
        money, hours = (self.saved[column].sum() for column in ("money_saved", "hours_saved"))
        return (
            f"Left out: {f'{money:,.0f} {self.currency}'.rstrip()} and {hours:,.0f} hours not spent"
        )

    def budget_remark(self) -> str:
        """Limits, what the plan takes of them, what more would earn, and the even spread beside
        it."""
        plan, unit = self.plan, f" {self.currency}".rstrip()
        limits = [
            f"{limit:,.0f}{name}"
            for limit, name in ((self.budget, unit), (self.hours, " hours"))
            if limit is not None
        ]
        out = [
            f"The plan takes {plan.spent:,.0f}{unit} and {plan.hours:,.0f} hours"
            + (f" of {' and '.join(limits)}." if limits else "; no limit was set.")
        ]
        if self.budget is not None:
            out.append(f"One more unit of money would earn {plan.price_of_money:,.2f}.")
        if self.hours is not None:
            out.append(f"One more hour would earn {plan.price_of_hour:,.2f}.")
        if plan.next_funded:
            out.append(f"Next in line is {plan.next_funded}.")
        if plan.spent > 0:
            out.append(
                f"Spent evenly on every segment's usual action, the same money and hours would be worth "
                f"{plan.regret:,.0f}{unit} less."
            )
        return " ".join(out)

    def calibration_remark(self) -> str:
        """How well the effects were predicted."""
        kept = ledger.calibration(self.measured)
        if not kept["hypotheses"]:
            return "No effect was predicted beforehand: write the expected uplift down when a campaign is drawn."
        said, came = (
            cards.per_hundred(kept[f"{what}_uplift"]) for what in ("predicted", "realised")
        )
        return (
            f"{kept['hypotheses']} effects were predicted beforehand; {kept['inside_share']:.0%} of the "
            f"predictions lie inside what was measured. Predicted on average {said} buyers per 100, realised "
            f"{came}."
        )

    def design(self) -> pd.DataFrame:
        """The experiment of the plan: who is contacted, who is held out, and what that can show.

        ``detectable_per_100`` is null where the arms alone can show no effect that is possible:
        more would have to buy than do not buy anyway.
        """
        rows = self.decided[self.decided["decision"].isin((cards.ROLL_OUT, cards.PILOT))]
        if rows.empty:
            raise NotEnoughDataError("Nothing is funded, so there is no experiment to draw.")
        held = rows["customers"] - rows["contacts"]
        shown = pd.Series(
            [
                detectable_effect(*r)
                for r in zip(rows["planning_rate"], rows["contacts"], held, strict=True)
            ],
            index=rows.index,
        )
        return pd.DataFrame(
            {
                "action": rows["action"],
                "contacted": rows["contacts"],
                "held_out": held,
                "detectable_per_100": 100 * shown.where(shown <= 1 - rows["planning_rate"]),
            }
        )

    def overturned(
        self, scenarios: Mapping[str, market.Scenario] = market.SCENARIOS
    ) -> pd.DataFrame:
        """Recommendations that a worse market changes (only customers and basket bear on a
        verdict)."""
        others = {
            name: cards.best(self.decide(market.worsened(self.known, s))[0])
            for name, s in scenarios.items()
            if s.customers or s.basket
        }
        return market.changed(cards.best(self.options[0]), others)


def _natural(facts: Mapping[str, Any]) -> str:
    """Who buys anyway, and of how many customers that is known: ``100% of 35 (90% to 100%)``."""
    rate, low, high = (facts[f"natural_rate{end}"] for end in ("", "_low", "_high"))
    whose = "" if facts["natural_source"] == cards.OWN else f", {facts['natural_source']}"
    return f"{rate:.0%} of {facts['natural_n']:,.0f} ({low:.0%} to {high:.0%}){whose}"
