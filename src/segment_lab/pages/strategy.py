"""The page of the decision: who is served how, what is worth its money, and how we will know."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

import pandas as pd

from segment_lab.act import market, profiles, verdicts
from segment_lab.pages import advice, decision_tables, trials
from segment_lab.pages.choosing import chosen, said
from segment_lab.pages.decision import DecisionReport
from segment_lab.pages.front.links import card_links
from segment_lab.pages.traits import spoken
from segment_lab.pages.verdicts import PLANS, Page
from segment_lab.segments.segmentation import Status
from segment_lab.show.cards import (
    details,
    finding,
    group,
    headline,
    note,
    points,
    says_why,
)
from segment_lab.show.figures import figure
from segment_lab.show.macros import Html
from segment_lab.show.pictures import decision as pictures
from segment_lab.show.tables import table
from segment_lab.study.study import Study
from segment_lab.texts import say

#: The share of the cash whose loss is looked for.
BREAKS = 0.2
PRODUCTS, EXAMPLES = 3, 10
#: Columns of a plan that are shown under another name, or not at all.
PLAN_NAMES = {"value": "worth"}


class StrategyPage:
    """The decisions for the segments of a scheme, and the pieces that show them.

    Parameters
    ----------
    study : Study
    scheme : str, optional
        Whose segments are acted on; the settled one that ranks best by default.
    horizon_days : int
        How long a customer has to buy.
    seed : int
        Of every draw.
    **limits
        ``playbook, budget, hours, holdout_share, margin_rate``, as `DecisionReport.page` takes
        them.

    Attributes
    ----------
    report : DecisionReport
        The market and the case figures.
    decision : Page
        The verdicts: ``options, treatments, known, plan``.
    """

    def __init__(
        self,
        study: Study,
        scheme: str | None = None,
        horizon_days: int = 90,
        seed: int = 0,
        **limits: Any,
    ):
        self.study = study
        self.days = horizon_days
        self.choice = chosen(study, scheme)
        self.report = DecisionReport(study, self.choice.scheme, horizon_days, seed)
        self.decision: Page = self.report.page(**limits)

    @property
    def money(self) -> str:
        """What money is counted in."""
        return self.study.currency or say("decision.money")

    # What each segment gets.

    def headline(self) -> Html:
        """Whom to do what, what it costs, what money is at stake."""
        sentences = advice.opening(self.decision)
        status = self.report.now.status
        return headline(*sentences, figures=self.decision.figures, status=status)

    def particulars(self) -> Html:
        """Who does it by when, which action for whom, and what waits."""
        return points(*advice.particulars(self.decision))

    def which_scheme(self) -> Html:
        """Whose segments are acted on, and why."""
        return finding(said(self.choice))

    @says_why
    def decisions(self) -> Html:
        """The stance and the campaign of every segment."""
        caption = say("decision.captions.decisions", money=self.money)
        remark = say("decision.captions.decisions_note")
        rows = decision_tables.decision_table(self.decision)
        return table(rows, caption, note=remark, links=self.cards_linked)

    @cached_property
    def cards_linked(self) -> dict[str, str]:
        """Where the card of each segment is."""
        return card_links(self.decision.known["customers"])

    def margins(self) -> Html:
        """The verdicts by margin, where the data do not tell it."""
        return decision_tables.show_margins(self.decision)

    @says_why
    def stances(self) -> Html:
        """How every segment is served."""
        return table(
            decision_tables.stance_table(self.decision),
            say("decision.captions.stances"),
            links=self.cards_linked,
        )

    @says_why
    def effort(self) -> Html:
        """Hours freed and where they go."""
        return finding(advice.effort_remark(self.decision))

    def house_rules(self) -> Html:
        """Customers who are no part of any campaign, and the campaigns that still run."""
        caption = say("decision.captions.house_rules")
        empty = say("decision.captions.house_rules_empty")
        left_out = table(
            decision_tables.house_rules(self.decision),
            caption,
            empty=empty,
            links=self.cards_linked,
        )
        if not self.study.has("campaigns"):
            return left_out
        running = self.report.running_tests
        return group(
            left_out,
            table(
                running,
                say("trials.running"),
                index=False,
                empty=say("trials.none_running"),
            ),
        )

    # Why.

    def rules(self) -> Html:
        """The rule behind each verdict, in the order in which they are asked."""
        rules = self.decision.rules
        facts = {"fewest": rules.fewest, "sure": rules.sure}
        order = (
            verdicts.HOUSE_RULE,
            verdicts.JUDGEMENT,
            verdicts.DO,
            verdicts.STOP,
            verdicts.WATCH,
            verdicts.TEST,
            verdicts.NOT_WORTH,
        )
        rows = {
            say(f"decision.verdict.{key}"): say(f"decision.rule.{key}", **facts)
            for key in order
        }
        frame = pd.DataFrame({"when": rows}).rename_axis("verdict")
        return details(
            say("decision.captions.rules_folded"),
            table(frame, say("decision.captions.rules")),
        )

    @says_why
    def cards(self) -> Html:
        """A card per segment."""
        return advice.cards(self.decision)

    @says_why
    def expected(self) -> Html:
        """What a contact is expected to bring, beside its cost."""
        caption = say("decision.captions.expected")
        named = advice.with_kinds(self.decision.options, "kind")
        return figure(pictures.expected, named, caption=caption)

    @says_why
    def natural(self) -> Html:
        """How many buy again by themselves."""
        caption = say("decision.captions.natural", days=self.days)
        drawn = figure(pictures.natural_rates, self.decision.known, caption=caption)
        shown = decision_tables.natural_table(self.decision)
        rows = table(shown, caption, links=self.cards_linked)
        folded = details(say("campaigns.captions.folded"), rows)
        unread = trials.of_other_length(self.decision.of_other_length, self.days)
        return group(drawn, *(note(text) for text in unread), folded)

    @says_why
    def weighed(self) -> Html:
        """Every action of the playbook, folded."""
        rows = table(
            decision_tables.weighed(self.decision),
            say("decision.captions.weighed"),
            index=False,
            note=say("decision.captions.weighed_note"),
        )
        return details(say("decision.captions.weighed_folded"), rows)

    # The budget and the experiment.

    @says_why
    def budget(self) -> Html:
        """What the plan takes, and what more would earn."""
        return finding(advice.budget_remark(self.decision))

    @says_why
    def rivals(self) -> Html:
        """Simpler ways of spending beside the plan."""
        caption = say("decision.captions.rivals", money=self.money)
        return table(decision_tables.rivals(self.decision), caption)

    @says_why
    def plan(self) -> Html:
        """The plan, and how firm it is."""
        chosen = self.decision.plan.chosen.rename(columns=PLAN_NAMES).drop(
            columns="segment"
        )
        remark = say(
            "decision.captions.plan_note", campaigns=self.decision.rules.campaigns_ahead
        )
        rows = table(chosen, say("decision.captions.plan", draws=PLANS), note=remark)
        return details(say("decision.captions.plan_folded"), rows)

    def design(self) -> Html:
        """Who is contacted, who is left alone, and what that shows."""
        kinds = map(advice.kind_name, self.decision.read_together)
        remark = say("decision.captions.design_note", together=list(kinds))
        return table(self.decision.design, say("decision.captions.design"), note=remark)

    @says_why
    def effects(self) -> Html:
        """What past campaigns did."""
        measured = self.decision.measured
        remark = advice.calibration_remark(self.decision)
        caption = say("decision.captions.effects", calibration=remark)
        named = advice.with_kinds(measured, "action")
        return figure(pictures.effects, named, caption=caption)

    def effects_table(self) -> Html:
        """The same as figures, folded, and whether the arms of each campaign can be compared."""
        if self.report.found is None or self.report.found.empty:
            return self._effects()
        return group(self._effects(), trials.checks(self.report.found))

    @says_why
    def _effects(self) -> Html:
        caption = say("decision.captions.effects_table", money=self.money)
        told = decision_tables.told_effects(self.decision)
        rows = table(told, caption, index=False, formats={"segment": "name"})
        return details(say("decision.captions.effects_folded"), rows)

    @says_why
    def stages(self) -> Html:
        """Where the study stands in the four stages."""
        found = self.report.stages(self.decision)
        rows = decision_tables.stages(
            found, cast(Status, self.report.now.status).reason
        )
        return table(rows, say("decision.captions.stages"))

    # If the market turns.

    @says_why
    def change(self) -> Html:
        """Where the last change of revenue came from."""
        report = self.report
        steps = report.moves()["change"]
        before = report.before["revenue"].sum()
        facts = {
            "change": report.change,
            "periods": report.periods,
            "money": self.money,
        }
        caption = say("market.captions.change", **facts)
        return figure(pictures.waterfall, steps, before, caption=caption)

    @says_why
    def bridge(self) -> Html:
        """The change by segment, folded."""
        caption = say(
            "market.captions.bridge", periods=self.report.periods, money=self.money
        )
        formats = dict.fromkeys(("before", "after", "change"), "money")
        rows = table(self.report.bridge(), caption, formats=formats)
        return details(say("market.captions.bridge_folded"), rows)

    @says_why
    def stress(self) -> Html:
        """Revenue and cash in a worse market."""
        middle = market.ENDS[1] - market.ENDS[0]
        facts = {
            "days": self.days,
            "money": self.money,
            "middle": middle,
        }
        stressed = self.report.stressed.rename(index=decision_tables.scenario_names())
        return figure(
            pictures.stress, stressed, caption=say("market.captions.stress", **facts)
        )

    @says_why
    def breaking(self) -> Html:
        """What takes a share of the cash away."""
        found = self.report.breaking(BREAKS)
        levers = {key: say(f"market.lever.{key}") for key in found.index}
        caption = say("market.captions.breaking", share=BREAKS)
        remark = say("market.captions.breaking_note")
        return table(found.rename(index=levers), caption, note=remark)

    @says_why
    def dependence(self) -> Html:
        """How much hangs on the largest customers."""
        return finding(self.report.dependence())

    @says_why
    def overturned(self) -> Html:
        """Recommendations that a worse market would change."""
        worse = market.SCENARIOS
        facts = {
            "customers": worse["customers"].customers,
            "basket": worse["basket"].basket,
        }
        empty = say("market.captions.overturned_empty", **facts)
        rows = decision_tables.overturned(self.decision)
        return table(rows, say("market.captions.overturned"), empty=empty)

    # Figures often quoted.

    @says_why
    def case_figures(self) -> Html:
        """Four figures with intervals; a note for each that the data do not allow."""
        rows, reasons = self.report.case_figures()
        missing = [note(reason, "missing") for reason in reasons]
        return group(
            table(decision_tables.case_rows(rows), say("kpis.caption")), *missing
        )

    # The people.

    @says_why
    def who(self) -> Html:
        """What is typical of each segment."""
        found = profiles.who(self.report.now, self.report.people)
        return table(
            found.assign(value=found["value"].map(spoken)),
            say("decision.captions.who"),
            index=False,
            labels={"column": say("decision.captions.who_column")},
            formats={"column": "words"},
            empty=say("decision.captions.who_empty"),
        )

    @says_why
    def what(self) -> Html:
        """What each segment buys, folded."""
        now = self.report.now
        bought = profiles.purchases(now, self.study.orders())
        rows = table(
            profiles.what(bought, now.names, top=PRODUCTS),
            say("decision.captions.what", products=PRODUCTS),
            index=False,
            empty=say("decision.captions.what_empty"),
        )
        return details(say("decision.captions.what_folded"), rows)

    @says_why
    def moved(self) -> Html:
        """How customers moved between segments, folded."""
        found = profiles.moved(self.report.now, self.report.earlier)
        rows = table(found, say("decision.captions.moved"))
        return details(say("decision.captions.moved_folded", days=self.days), rows)

    @says_why
    def examples(self) -> Html:
        """Some customers of each segment, folded; with names and addresses where the study file
        says ``personal``."""
        personal = self.study.config.personal
        now, people = self.report.now, self.report.people
        pieces = []
        for segment, size in now.sizes().items():
            if size:
                name = str(segment)
                rows = profiles.examples(
                    now, people, name, n=EXAMPLES, personal=personal
                )
                pieces.append(
                    table(rows, say("decision.captions.examples", segment=name))
                )
        return details(
            say("decision.captions.examples_folded", customers=EXAMPLES), *pieces
        )
