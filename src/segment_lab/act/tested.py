"""The advice of response segments: the very action of the trial they were learned from, by what a
contact brought in each of them.

What was measured in money is taken as it was measured, not worked out again from buyers and
baskets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from segment_lab.act.beliefs import Belief, Pooled
from segment_lab.act.experiment import TREATMENT
from segment_lab.act.playbook import Playbook
from segment_lab.customers.rates import Z975
from segment_lab.texts import say

#: Before the trial nothing was known: a variance beyond any effect.
NOTHING_KNOWN = 1e6


@dataclass(frozen=True)
class TrialAction:
    """The action of a trial, and what a contact brought in each response segment.

    Attributes
    ----------
    campaign, kind : str
    cost : float
        Of a contact; null where the campaign does not say.
    effects : DataFrame, index segment
        ``shrunk, shrunk_se``: money per contact before its cost (`ResponseSegmenter.effects_`).
    of_revenue : bool
        The money is revenue: a margin rate is still to be taken.
    """

    campaign: str
    kind: str
    cost: float
    effects: pd.DataFrame
    of_revenue: bool = False

    @classmethod
    def of(cls, rows: pd.DataFrame, effects: pd.DataFrame) -> TrialAction:
        """From the campaign's rows (`trial.campaign_of`) and its effects by segment."""
        treated = rows[rows["arm"] == TREATMENT]
        first = treated.iloc[0]
        costs = treated.get("cost_per_contact", pd.Series(dtype="float64"))
        return cls(
            str(first["campaign_id"]),
            str(first["action"]),
            float(costs.mean()),
            effects,
            "margin" not in rows,
        )

    def playbook(self) -> Playbook:
        """One entry per segment: the tested action, in the words of a packaged one of its kind."""
        general = Playbook.general("response").entries
        alike = [entry for entry in general if entry.kind == self.kind]
        pattern = alike[0] if alike else general[-1]
        channel = pattern.channel if alike else self.kind
        name = say("campaigns.tested.action", kind=self.kind, campaign=self.campaign)
        cost = pattern.cost_per_contact if np.isnan(self.cost) else self.cost
        entries = []
        for segment, row in self.effects.iterrows():
            effect, reach = row["shrunk"], Z975 * row["shrunk_se"]
            facts = {
                "effect": effect,
                "low": effect - reach,
                "high": effect + reach,
            }
            why = say("campaigns.tested.why", campaign=self.campaign, **facts)
            changed = {
                "segment": str(segment),
                "when": None,
                "action": name,
                "kind": self.kind,
                "channel": channel,
                "cost_per_contact": cost,
                "rationale": why,
                "source": self.campaign,
                "assumption": say("campaigns.tested.assumption"),
            }
            entries.append(pattern.model_copy(update=changed))
        return Playbook(tuple(entries), "response")

    def belief(self, learned: Belief, known: pd.DataFrame) -> Measured:
        """What is expected of the action: the money that was measured, and the buyers of
        `learned`.

        Parameters
        ----------
        learned : Belief
            From the campaign's arms.
        known : DataFrame, index segment
            ``margin_per_conversion, margin_rate``: the measured money is told in what a natural
            buyer brings, as every belief is.
        """
        facts = known.reindex(list(learned.segments))
        unit = facts["margin_per_conversion"].where(lambda margin: margin > 0)
        rate = facts["margin_rate"] if self.of_revenue else 1.0
        scale = rate / unit
        shown = self.effects.reindex(list(learned.segments))
        mean = (shown["shrunk"] * scale).to_numpy(float)
        error = (shown["shrunk_se"] * scale).to_numpy(float)
        before = Pooled(np.zeros(len(mean)), np.eye(len(mean)) * NOTHING_KNOWN)
        tests = dict.fromkeys(self.effects.index.astype(str), (self.campaign,))
        parts = (learned.segments, learned.buyers, learned.basket)
        untested = Measured(*parts, worth=before)
        return Measured(
            *parts,
            untested,
            tests,
            worth=Pooled(mean, np.diag(error**2)),
        )


@dataclass(frozen=True)
class Measured(Belief):
    """A belief whose money was measured itself."""

    worth: Pooled = field(default_factory=lambda: Pooled(np.zeros(0), np.eye(0)))

    def money(self, rate: np.ndarray) -> Pooled:
        """The measured effect per contact, whatever the natural `rate`."""
        return self.worth
