"""What is known of one scheme's segments on one day: evidence, playbook, own campaigns, and what is
expected of every action."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from segment_lab.act import audiences, campaigns, claims
from segment_lab.act import beliefs as believing
from segment_lab.act import effects as measuring
from segment_lab.act.evidence import Happened, evidence
from segment_lab.act.limits import History
from segment_lab.act.playbook import Entry, Playbook
from segment_lab.act.rules import Rules
from segment_lab.act.tested import TrialAction
from segment_lab.data.keeping import Keeper, made_anew
from segment_lab.errors import NotEnoughDataError
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say


@dataclass
class Known:
    """What one scheme's decisions of a day go by.

    Parameters
    ----------
    now, people, earlier, outcomes
        As in `evidence.evidence`; both segmentations carry their window.
    playbook : str, optional
        Path of the company's own; the packaged one of the scheme otherwise.
    costs, found, effort, returns : optional
        The ``contact_costs`` table, campaigns with their results (`campaigns.results`), minutes
        per customer in the last year, and `evidence.returners`.
    exceptions : DataFrame, optional
        By customer_id any of ``running_test, dispute, debt, no_consent, no_address`` as flags.
    history : History, optional
        Contacts so far, for entries of the playbook that have a limit.
    segments_on : callable, optional
        A day to this scheme's segment of each customer on it; reads campaigns that were drawn by
        another scheme.
    budget, hours, holdout_share, margin_rate, seed
        Limits (None: none), share left alone (None: what is worth most), declared margin, seed of
        the draws behind a plan's survival.
    tested : TrialAction, optional
        For response segments: the action of their trial, which is then their advice.
    keep : `data.keeping.Keeper`, optional
        Where the findings are kept that several reports ask for.
    """

    now: Segmentation
    people: pd.DataFrame
    earlier: Segmentation
    outcomes: pd.DataFrame
    playbook: str | None = None
    costs: pd.DataFrame | None = None
    found: pd.DataFrame | None = None
    effort: pd.Series | None = None
    returns: pd.DataFrame | None = None
    exceptions: pd.DataFrame = field(default_factory=pd.DataFrame)
    history: History | None = None
    change: pd.Series | None = None
    segments_on: Callable[[dt.date], pd.Series] | None = None
    budget: float | None = None
    hours: float | None = None
    holdout_share: float | None = None
    margin_rate: float | None = None
    seed: int = 0
    tested: TrialAction | None = None
    keep: Keeper = made_anew

    @property
    def rules(self) -> Rules:
        """What the verdicts go by."""
        return Rules(holdout=self.holdout_share)

    @cached_property
    def known(self) -> pd.DataFrame:
        """The evidence per segment; customers of a campaign in the horizon do not count as
        natural."""
        return self.keep("known", (), self._evident).copy()

    def _evident(self) -> pd.DataFrame:
        contacted: list[str] = []
        if self.earlier.window is not None:
            contacted = campaigns.contacted_since(self.found, self.earlier.window.as_of)
        known = evidence(
            self.now,
            self.people,
            Happened(self.earlier, self.outcomes, contacted, self._left_alone),
            margin_rate=self.margin_rate,
            effort=self.effort,
            returns=self.returns,
        )
        changed = pd.Series(dtype="float64") if self.change is None else self.change
        return known.assign(change=changed.reindex(known.index))

    @cached_property
    def profile(self) -> pd.DataFrame:
        """What a playbook's ``when`` may ask of a segment."""
        profile = self.now.profile(self.people)
        known = self.known
        named = [
            "natural_rate",
            *known.filter(regex="^(new|active|slowing|lapsed)_share$"),
        ]
        profile = profile.join(known[named])
        by = self.now.labels.astype(str)
        rows = self.now.align(self.people)
        if "margin" in rows:
            profile["loss_making_share"] = (rows["margin"] < 0).groupby(by).mean()
        for reason in ("debt", "dispute"):
            flags = self._flags(reason)
            profile[f"{reason}_share"] = flags.groupby(by).mean()
        return profile

    def _flags(self, reason: str) -> pd.Series:
        if reason not in self.exceptions:
            return pd.Series(False, index=self.now.codes.index)
        return self.exceptions[reason].reindex(self.now.codes.index).eq(True)

    @cached_property
    def book(self) -> Playbook:
        """The playbook with the company's costs, checked against the segments."""
        if self.playbook:
            book = Playbook.from_yaml(self.playbook)
        elif self.tested is not None:
            book = self.tested.playbook()
        else:
            book = Playbook.general(self.now.method).completed(self.now.names)
            if self.found is not None:
                book = book.with_campaign_costs(self.found)
        if self.costs is not None:
            book = book.with_costs(self.costs)
        return book.check(self.now.names, self.profile)

    @cached_property
    def entries(self) -> dict[str, tuple[Entry, ...]]:
        """The playbook's entries per segment."""
        return self.book.options(self.profile)

    @cached_property
    def measured(self) -> pd.DataFrame:
        """What campaigns did, by the segments they were drawn by (NotEnoughDataError where there
        is nothing)."""
        if self.found is None:
            raise NotEnoughDataError(say("campaigns.no_table"))
        return measuring.measured(self.found)

    @cached_property
    def arms(self) -> pd.DataFrame:
        """The same campaigns read by this scheme's segments; empty where nothing was measured.

        ``certain`` is what holds with the campaigns' own segments judged beside these.
        """
        return self.keep("arms", (), self._read_again).copy()

    def _read_again(self) -> pd.DataFrame:
        again = self._by_segments
        if again.empty:
            return pd.DataFrame()
        arms = measuring.effects(again)
        arms = arms[arms["segment"] != measuring.ALL]
        judged = pd.concat([self.measured, arms], ignore_index=True)
        sure = claims.certain(judged["careful"], judged["se"], judged["freedom"])
        arms = arms.assign(certain=sure.to_numpy()[len(self.measured) :])
        return arms.assign(basket=arms["segment"].map(self._basket))

    @cached_property
    def _by_segments(self) -> pd.DataFrame:
        """Customers of measured campaigns under this scheme's segments on the day of each draw."""
        if self.found is None or self.segments_on is None:
            return pd.DataFrame()
        done = campaigns.measurable(self.found)
        days = done.groupby("campaign_id")["assigned_on"].first()
        then = {
            str(campaign): self.segments_on(day.date())
            for campaign, day in days.items()
        }
        return campaigns.regroup(done, then)

    @property
    def _left_alone(self) -> pd.DataFrame | None:
        """Own control groups by segment, of campaigns about as long as the horizon."""
        if self._period is None or self._by_segments.empty:
            return None
        return campaigns.left_alone(self._by_segments, self._period)

    @property
    def of_other_length(self) -> pd.Series:
        """Customers left alone by campaigns that are too short or too long for that, by days."""
        if self._period is None or self._by_segments.empty:
            return pd.Series(dtype="int64")
        return campaigns.of_other_length(self._by_segments, self._period)

    @property
    def _period(self) -> int | None:
        """Days of the period that the natural rates are about."""
        before, today = self.earlier.window, self.now.window
        if before is None or today is None:
            return None
        return (today.as_of - before.as_of).days

    @property
    def _basket(self) -> pd.Series:
        """What a natural buyer brings, in the money of the campaigns' results."""
        basket = self.known["margin_per_conversion"]
        of_orders = self.known["margin_basis"].isin(("buyers", "all_buyers"))
        if self.found is not None and "margin" not in self.found:
            basket = basket / self.known["margin_rate"]
        return basket.where(of_orders)

    @cached_property
    def beliefs(self) -> dict[Any, believing.Belief]:
        """What is expected of every kind of action, own campaigns included."""
        names = list(self.now.names)
        variation = float(self.known["basket_cv"].iloc[0])
        keys = {entry.belief for entries in self.entries.values() for entry in entries}
        learned = {}
        for kind, stated in sorted(keys, key=str):
            prior = None
            if stated is not None:
                prior = believing.Prior(
                    stated.mean, stated.sd, stated.sd, stated.source
                )
            belief = believing.learn(
                self.arms, names, kind=kind, basket_cv=variation, prior=prior
            )
            if self.tested is not None and kind == self.tested.kind:
                belief = self.tested.belief(belief, self.known)
            learned[kind, stated] = belief
        return learned

    @cached_property
    def members(self) -> pd.DataFrame:
        """The customers behind the segments, with their ``segment``."""
        labels = self.now.labels.astype(str).to_numpy()
        return self.now.align(self.people).assign(segment=labels)

    @cached_property
    def counted(self) -> pd.DataFrame:
        """Every action of the playbook with its audience (`audiences.counted`)."""
        return audiences.counted(
            self.entries, self.members, self.exceptions, self.history
        )

    def entry(self, segment: str, action: object) -> Entry | None:
        """The entry of a segment's action; None where the playbook has none of these words."""
        entries = self.entries.get(segment, ())
        return next((entry for entry in entries if entry.action == action), None)

    def eligible(self, segment: str, action: object) -> pd.DataFrame:
        """The segment's customers who may get one of its actions."""
        members = self.members[self.members["segment"] == segment]
        entry = self.entry(segment, action)
        if entry is None:
            return members.head(0)
        reason = audiences.audience(members, entry, self.exceptions, self.history)
        return members.loc[reason.index[reason == ""]]
