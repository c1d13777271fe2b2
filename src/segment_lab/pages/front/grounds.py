"""Why each segment gets what it gets, as its row on page one says it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from segment_lab.act.evidence import RETURNERS
from segment_lab.act.stance import PROTECT, UNSTAFFED
from segment_lab.act.verdicts import JUDGEMENT
from segment_lab.pages.verdicts import PERSONAL, Page
from segment_lab.texts import say


@dataclass
class Grounds:
    """The grounds of the verdicts, and what would have to be known where there is none."""

    page: Page

    def why(self, name: str, row: pd.Series) -> str:
        """The ground, and where nothing is forecast why."""
        ground = say(f"decision.ground.{row['ground']}")
        if row["margin_basis"] == RETURNERS and row["contacts"] > 0:
            ground = say("front.segments.year_after", ground=ground)
        if row["verdict"] == "watch" and row["contacts"] > 0:
            facts = {
                "ground": ground,
                "contacts": row["contacts"],
                "held_out": row["held_out"],
            }
            return say("front.segments.watched", **facts)
        if row["verdict"] == "test":
            return say("front.segments.tested", ground=ground, contacts=row["contacts"])
        return self._judgement(name, row) if row["verdict"] == JUDGEMENT else ground

    def few(self, name: str, row: pd.Series) -> bool:
        """Whether a segment that bought has too few customers who can be reached to tell."""
        bought = self.page.known["revenue"][name] > 0
        return bool(bought and row["customers"] < self.page.rules.fewest)

    def _judgement(self, name: str, row: pd.Series) -> str:
        """Why a segment is left to judgement: no orders, too few, or no margin and from which one
        its action pays."""
        if not self.page.known["revenue"][name] > 0:
            return say("front.segments.no_orders")
        if self.few(name, row):
            chance = float(row["break_even"])
            one_in = int(1 / chance) if 0 < chance <= 1 else 0
            return say(
                "front.segments.too_few", customers=row["customers"], one_in=one_in
            )
        rate = self.pays_from.get(name, float("nan"))
        if pd.isna(rate):
            return say("front.segments.pays_unknown")
        facts = {
            "action": self.paying["action"][name],
            "rate": rate,
        }
        if rate < 1:
            return say("front.segments.pays_from", **facts)
        options = self.page.options.set_index(["segment", "action"])
        cost = float(options.loc[(name, facts["action"]), "cost_per_contact"])
        return say("front.segments.pays_beyond", cost=cost, sales=cost / rate, **facts)

    @cached_property
    def pays_from(self) -> pd.Series:
        """The share of revenue from which each segment's action is expected to pay (`paying`)."""
        return self.paying["rate"].astype("float64")

    @cached_property
    def paying(self) -> pd.DataFrame:
        """Where no margin is known, the ``action`` that each segment's row speaks of, and the share
        of revenue (``rate``) from which it is expected to pay; above 1 where the sale is too rare,
        infinite where there is none.

        What a contact brings is in proportion to the margin, so one trial rate tells it. Whom the
        page serves by mail alone it offers no call: then it is what pays first by mail.
        """
        tried = self.page.at_margins
        if not tried:
            return pd.DataFrame(columns=["action", "rate"])
        at = max(tried)
        options = tried[at].options
        brought = options["expected"] + options["cost_per_contact"]
        rates = at * options["cost_per_contact"] / brought
        options = options.assign(rate=rates.where(brought > 0, math.inf))
        found = {}
        chosen = self._first_worth_it
        for segment, rows in options.groupby("segment", observed=True):
            fitting = rows[rows["action"].isin(self._fitting(str(segment)))]
            preferred = fitting["action"] == chosen.get(segment)
            ranked = fitting.assign(other=~preferred).sort_values(["other", "rate"])
            if len(ranked):
                found[str(segment)] = ranked[["action", "rate"]].iloc[0]
        return pd.DataFrame.from_dict(
            found,
            orient="index",
            columns=["action", "rate"],
        )

    @property
    def _first_worth_it(self) -> dict[Any, str]:
        """By segment the action of the least margin at which the decision page contacts it; where
        it never does, the one that speaks for it."""
        least = self.page.worth_from()["margin_rate"]
        chosen = dict(self.page.decided["action"].astype(str))
        for rate, page in self.page.at_margins.items():
            first = least.index[least == rate]
            chosen |= dict(page.decided.loc[first, "action"].astype(str))
        return chosen

    def _fitting(self, segment: str) -> list[str]:
        """Actions of the playbook that do not go against how the segment is served."""
        entries = self.page.entries.get(segment, ())
        stance = self.page.treatments["stance"].get(segment, PROTECT)
        if stance not in UNSTAFFED:
            return [entry.action for entry in entries]
        return [entry.action for entry in entries if entry.channel not in PERSONAL]
