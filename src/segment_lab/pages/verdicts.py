"""One scheme's decisions on one day, computed when asked for from plain frames and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.typing import NaTType

from segment_lab.act import audiences, market, verdicts
from segment_lab.act.budget import BudgetPlan, plan_budget
from segment_lab.act.evidence import at_rate
from segment_lab.act.stance import stances
from segment_lab.customers.rates import detectable_effect
from segment_lab.data.keeping import made_anew
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.known import Known
from segment_lab.texts import say, shown

#: The plan is solved again on so many draws to see how often its choices stay.
PLANS = 200
#: Shares of revenue that are tried where nobody knows what a sale leaves.
MARGINS = (0.1, 0.2, 0.3, 0.5)
#: Which of a segment's actions speaks for it: the funded ones first, then those that wait for
# money.
SPEAKS = ("main", "test", "later", *verdicts.VERDICTS)
#: A campaign starts so many days after the page, so that its arms can be drawn and its texts
# written.
START_DAYS = 14
#: Channels in which the account's owner acts himself.
PERSONAL = frozenset({"call", "visit"})


@dataclass
class Page(Known):
    """One scheme's decisions on one day, made of what is `Known`."""

    @cached_property
    def options(self) -> pd.DataFrame:
        """Every segment and action with its audience, its verdict and the figures behind it."""
        return self.keep("options", (), lambda: self.decide(self.known)).copy()

    def decide(self, known: pd.DataFrame) -> pd.DataFrame:
        """`verdicts.decide` with this page's playbook, audiences and beliefs."""
        offered = audiences.valued(self.counted, known)
        if self.tested is not None:
            # Money was measured as money: how sure we are of a margin adds nothing to its error.
            theirs = offered["kind"] == self.tested.kind
            offered.loc[theirs, "margin_se"] = 0.0
            offered.loc[theirs, "margin_in_horizon"] = offered["margin"]
        decided = verdicts.decide(offered, self.beliefs, self.rules)
        nobody = (decided["members"] > 0) & (decided["customers"] == 0)
        decided.loc[nobody, ["verdict", "ground"]] = verdicts.HOUSE_RULE
        decided["to_all"] = decided["customers"] * decided["expected"]
        decided["allowed"] = decided["role"] != verdicts.NONE
        tests = decided["role"] == verdicts.BESIDE
        decided["group"] = decided["segment"]
        named = decided["segment"].map(shown) + " · " + decided["action"].map(shown)
        decided.loc[tests, "group"] = named
        return decided

    @cached_property
    def plan(self) -> BudgetPlan:
        """What is funded under money and hours."""
        return self.keep("plan", (), self._planned)

    def _planned(self) -> BudgetPlan:
        drawn = verdicts.draws(self.options, self.beliefs, PLANS, self.seed)
        return plan_budget(
            self.options, money=self.budget, hours=self.hours, draws=drawn
        )

    @cached_property
    def decided(self) -> pd.DataFrame:
        """The action that speaks for each segment (index), with the figures of its verdict.

        ``status``: ``main`` and ``test`` are funded, ``later`` waits for money or hours; otherwise
        the verdict of an action that is not done.
        """
        options = self.options.copy()
        funded = self.plan.picked
        options["survival"] = options["group"].map(self.plan.chosen["survival"])
        options["status"] = options["verdict"]
        options.loc[options["allowed"], "status"] = "later"
        done = options["role"].isin((verdicts.MAIN, verdicts.SECOND))
        options.loc[funded & done, "status"] = "main"
        options.loc[funded & ~done, "status"] = "test"
        options.loc[~funded, ["contacts", "held_out", "cost", "hours"]] = 0.0
        options["rank"] = options["status"].map(SPEAKS.index)
        order = options.sort_values(
            ["rank", "expected"], ascending=[True, False], kind="stable"
        )
        first = order.drop_duplicates("segment").set_index("segment")
        return first.reindex(list(self.now.names)).drop(columns="rank")

    @cached_property
    def beside(self) -> pd.DataFrame:
        """Tests that run beside another action of their segment."""
        tests = self.options[
            self.plan.picked & (self.options["role"] == verdicts.BESIDE)
        ]
        speaks = (
            self.decided.loc[tests["segment"], "action"].to_numpy() == tests["action"]
        )
        return tests[~speaks].set_index("segment")

    @cached_property
    def treatments(self) -> pd.DataFrame:
        """How every segment is served: one row per segment, whatever its campaigns' verdicts.

        Returns
        -------
        DataFrame, index segment
            ``stance, worth_index`` · ``action, kind, channel, owner`` (null: marketing) · the
            audience: ``members, customers`` (who may get it) ``, running_test, dispute, debt,
            no_consent, no_address, limit_reached`` · ``contacts, held_out, cost, hours, worth,
            worth_low, worth_high`` (80 % range, null where nothing is done) · ``verdict, ground,
            status, survival`` · what would change it: ``break_even`` and ``expected_uplift``
            (shares), ``p_pays, margin`` · ``next_look`` (a day) · ``hours_now, hours_proposed,
            hours_freed, hours_gained`` (of a year's contacts). Words: ``say("stance.…", **row)``.
        """
        decided = self.decided
        acting = decided["verdict"].isin((verdicts.DO, verdicts.WATCH, verdicts.TEST))
        more_than_mail = acting & (decided["kind"] != "email")
        in_person = acting & decided["channel"].isin(PERSONAL)
        stance = stances(
            self.known,
            winnable=list(decided.index[more_than_mail]),
            called=list(decided.index[in_person]),
        )
        columns = [
            *(
                "action",
                "kind",
                "channel",
                "members",
                "customers",
                *audiences.EXCEPTIONS,
            ),
            *(
                "contacts",
                "held_out",
                "cost",
                "hours",
                "worth",
                "worth_low",
                "worth_high",
            ),
            *(
                "verdict",
                "ground",
                "status",
                "survival",
                "break_even",
                "p_pays",
                "margin",
                "margin_basis",
            ),
        ]
        out = stance[["stance", "worth_index"]].join(decided[columns])
        idle = out["contacts"].fillna(0) == 0
        out.loc[idle, ["worth", "worth_low", "worth_high"]] = np.nan
        out["expected_uplift"] = self._uplift(decided)
        out["owner"] = self._owners().where(out["channel"].isin(PERSONAL))
        out["next_look"] = self._after_horizon(0)
        return out.join(stance.drop(columns=["stance", "worth_index"]))

    def _uplift(self, decided: pd.DataFrame) -> pd.Series:
        """The expected change in the share that buys, of the action that speaks."""
        values = {}
        for segment, key in decided["belief"].dropna().items():
            belief = self.beliefs[key]
            values[segment] = belief.buyers.mean[belief.segments.index(str(segment))]
        return pd.Series(values, dtype="float64").reindex(decided.index)

    def _owners(self) -> pd.Series:
        """Who looks after most of a segment's customers; null where the accounts name nobody."""
        rows = self.now.align(self.people)
        if "owner" not in rows:
            return pd.Series(None, index=list(self.now.names), dtype="object")
        by: Any = rows["owner"].groupby(self.now.labels.astype(str).to_numpy())
        most = by.agg(
            lambda names: names.mode().iloc[0] if names.notna().any() else None
        )
        return most.reindex(list(self.now.names))

    @property
    def start(self) -> pd.Timestamp | NaTType:
        """The day campaigns start."""
        if self.now.window is None:
            return pd.NaT
        return pd.Timestamp(self.now.window.as_of) + pd.Timedelta(days=START_DAYS)

    @property
    def read_on(self) -> pd.Timestamp | NaTType:
        """The day the result of campaigns that start then can be read."""
        return self._after_horizon(START_DAYS)

    def _after_horizon(self, start_days: int) -> pd.Timestamp | NaTType:
        if self.now.window is None:
            return pd.NaT
        return pd.Timestamp(self.now.window.as_of) + pd.Timedelta(
            days=start_days + self.horizon
        )

    @property
    def horizon(self) -> int:
        """Days that a customer has to buy."""
        known = self.known
        return int(known["horizon_days"].iloc[0]) if "horizon_days" in known else 90

    @cached_property
    def left_out(self) -> pd.DataFrame:
        """Customers who are an exception, by segment and reason (a customer counts once, under
        the first reason; consent and address only where the action needs them)."""
        members = self.now.labels.astype(str)
        channel = members.map(self.decided["channel"])
        reason = self._over_limit.map({True: audiences.LIMIT, False: ""})
        for name in reversed(audiences.EXCEPTIONS[:-1]):
            flags = self._flags(name)
            if name in audiences.NEEDED_FOR:
                flags = flags & channel.isin(audiences.NEEDED_FOR[name])
            reason[flags] = name
        counts = pd.crosstab(members, reason).reindex(
            index=list(self.now.names), columns=list(audiences.EXCEPTIONS), fill_value=0
        )
        return counts.rename_axis(index="segment", columns=None)

    @property
    def _over_limit(self) -> pd.Series:
        """Who has had enough of the action that speaks for his segment."""
        full = pd.Series(False, index=self.now.codes.index)
        if self.history is None:
            return full
        for segment, action in self.decided["action"].items():
            entry = self.entry(str(segment), action)
            if entry is not None and entry.limit is not None:
                members = self.members[self.members["segment"] == segment]
                chosen = audiences.most_valuable(members, entry.top)
                full[chosen.index] = self.history.over(chosen, entry)
        return full

    @cached_property
    def stopped(self) -> pd.DataFrame:
        """Actions that own tests have shown to do harm or not to pay."""
        return self.options[self.options["verdict"] == verdicts.STOP].set_index(
            "segment"
        )

    @cached_property
    def expected(self) -> verdicts.Total:
        """What all that is done brings, with its 80 % range."""
        done = self.options[
            self.plan.picked & (self.options["role"] != verdicts.BESIDE)
        ]
        return verdicts.total(done, self.beliefs)

    @property
    def funded(self) -> pd.DataFrame:
        """The rows of `options` that the plan funds."""
        return self.options[self.plan.picked]

    @property
    def in_horizon(self) -> pd.Series:
        """What a contact of each funded row is expected to bring after its cost within the horizon:
        without what customers won back spend in the year after."""
        rows = self.funded
        share = (rows["margin_in_horizon"] / rows["margin"]).fillna(1.0)
        return rows["effect"] * share - rows["cost_per_contact"]

    @property
    def figures(self) -> dict[str, float]:
        """What the index and the manifest keep."""
        funded = self.funded
        figures = {"customers_contacted": float(funded["contacts"].sum())}
        if len(funded):
            figures |= {"cost": round(self.plan.spent), "hours": round(self.plan.hours)}
            figures["expected_value"] = round(self.expected.worth)
        return {
            name: value
            for name, value in figures.items()
            if value or name == "customers_contacted"
        }

    @cached_property
    def at_margins(self) -> dict[float, Page]:
        """This page at each of `MARGINS`, where the margin is unknown (and all else is not); else
        empty."""
        known = self.known
        if (
            known["margin_per_conversion"].notna().any()
            or known["natural_rate"].isna().all()
        ):
            return {}
        return {rate: self._at_margin(rate) for rate in MARGINS}

    def _at_margin(self, rate: float) -> Page:
        """This page at a margin: customers, and what campaigns did, stay as they are."""
        page = replace(self, margin_rate=rate, keep=made_anew)
        page.known = at_rate(self._in_revenue.known, rate)
        page.arms = self._in_revenue.arms
        page.members, page.counted = self.members, self.counted
        page.profile, page.entries = self.profile, self.entries
        return page

    @cached_property
    def _in_revenue(self) -> Page:
        """This page with all revenue counted as margin."""
        return replace(self, margin_rate=1.0, keep=made_anew)

    def worth_from(self) -> pd.DataFrame:
        """Where the margin is unknown: the least of `MARGINS` from which on a segment is worth a
        contact (null: at none), and its ``customers``."""
        acts = pd.DataFrame(
            {
                rate: page.decided["status"].isin(("main", "test"))
                for rate, page in self.at_margins.items()
            }
        )
        lasting = acts.iloc[:, ::-1].cummin(axis=1).iloc[:, ::-1]
        least = lasting.idxmax(axis=1).where(lasting.any(axis=1)).astype("float64")
        decided = next(iter(self.at_margins.values())).decided
        return pd.DataFrame({"margin_rate": least, "customers": decided["customers"]})

    def design(self) -> pd.DataFrame:
        """The experiments of the plan: who is contacted, who is left alone, and what that shows.

        ``detectable_per_100`` is null where no effect that is possible would show: more would have
        to buy than do not buy anyway.
        """
        rows = self.funded
        rows = rows[rows["held_out"] > 0].set_index("segment")
        if rows.empty:
            raise NotEnoughDataError(say("decision.no_experiment"))
        sizes = zip(
            rows["natural_rate"], rows["contacts"], rows["held_out"], strict=True
        )
        shown = pd.Series(
            [detectable_effect(*size) for size in sizes], index=rows.index
        )
        out = rows[["action", "contacts", "held_out"]].rename(
            columns={"contacts": "contacted"}
        )
        return out.assign(
            detectable_per_100=100 * shown.where(shown <= 1 - rows["natural_rate"])
        )

    @property
    def read_together(self) -> list[str]:
        """Kinds of action whose experiments share what is expected: of several segments, and not
        by the money of one trial."""
        rows = self.funded[self.funded["held_out"] > 0]
        segments = rows.groupby("belief", sort=False)["segment"].nunique()
        measured = self.tested.kind if self.tested is not None else None
        return [kind for kind, _ in segments.index[segments >= 2] if kind != measured]

    def overturned(
        self, scenarios: Mapping[str, market.Scenario] = market.SCENARIOS
    ) -> pd.DataFrame:
        """Recommendations that a worse market changes (only the basket bears on a verdict)."""
        others = {}
        for name, scenario in scenarios.items():
            if scenario.customers or scenario.basket:
                worse = self.decide(market.worsened(self.known, scenario))
                others[name] = speaking_rows(worse)
        return market.changed(speaking_rows(self.options), others)


def speaking_rows(options: pd.DataFrame) -> pd.DataFrame:
    """One action per segment without limits: the main one, else a test, else the firmest
    verdict."""
    rank = options["verdict"].map(verdicts.VERDICTS.index) + 2
    rank = rank.mask(options["role"] == verdicts.BESIDE, 1).mask(
        options["role"] == verdicts.MAIN, 0
    )
    order = options.assign(rank=rank).sort_values(
        ["rank", "expected"], ascending=[True, False], kind="stable"
    )
    first = order.drop_duplicates("segment").set_index("segment").drop(columns="rank")
    return first.reindex(options["segment"].unique())
