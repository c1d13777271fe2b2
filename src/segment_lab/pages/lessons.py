"""What our tests taught us: each campaign in one sentence, whom it moved, whom it harmed, and what
to do next time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from segment_lab.act import campaigns, effects
from segment_lab.act.campaigns import NO_STRATUM
from segment_lab.act.response import ResponseSegmenter
from segment_lab.act.trial import campaign_of
from segment_lab.customers.rates import Z975
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages import trials
from segment_lab.pages.advice import kind_name, with_kinds
from segment_lab.show.cards import details, finding, group, headline, note, says_why
from segment_lab.show.figures import figure
from segment_lab.show.macros import Html
from segment_lab.show.pictures import decision as pictures
from segment_lab.show.tables import table
from segment_lab.study.study import Study
from segment_lab.texts import say

PAYS, LOSES, UNCLEAR, HARMS = "pays", "loses", "unclear", "harms"
#: Of a campaign whose outcome has no worth in money.
WORKS, HINDERS = "works", "hinders"
RANGES = ("", "_low", "_high")
SHOWN = ("campaign_id", "segment", "action", "treated", "held")


@dataclass
class LessonsPage:
    """The measured campaigns of a study.

    Parameters
    ----------
    study : Study
    scheme : str
        Whose segments response segments are compared with.
    """

    study: Study
    scheme: str = "rfm"

    @cached_property
    def found(self) -> pd.DataFrame:
        """Customers of the measured campaigns with what they did in their arms."""
        return campaigns.measurable(self.study.campaign_results())

    @cached_property
    def effects(self) -> pd.DataFrame:
        """`effects.measured`, with money per contact after its cost (``net``) and its range."""
        out = _told_once(effects.measured(self.study.campaign_results()))
        for end in RANGES:
            out[f"net{end}"] = out[f"money_effect{end}"] - out[
                "cost_per_contact"
            ].fillna(0.0)
        return out

    @cached_property
    def lessons(self) -> pd.DataFrame:
        """A row per campaign and arm: the effect on buyers and money, what it ``verdict`` is
        (``pays, loses, unclear``; where the outcome has no worth, and so ``priced`` is false,
        ``works, hinders, unclear``), and the segments that were certainly ``moved`` or ``harmed``.
        Certain is what holds with all campaigns and segments judged together (`claims.certain`)."""
        rows = self.effects
        whole = rows[rows["segment"] == effects.ALL].copy()
        parts = rows[(rows["segment"] != effects.ALL) & rows["certain"]]
        whole["priced"] = ~whole["campaign_id"].isin(self._counted)
        whole["verdict"] = [_verdict(row) for row in whole.to_dict("records")]
        moved: Any = []
        harmed: Any = []
        for row in whole.to_dict("records"):
            same = (parts["campaign_id"] == row["campaign_id"]) & (
                parts["variant"] == row["variant"]
            )
            own = parts[same]
            moved.append(list(own.loc[own["effect"] > 0, "segment"]))
            harmed.append(list(own.loc[own["effect"] < 0, "segment"]))
        return whole.assign(moved=moved, harmed=harmed).sort_values(
            "assigned_on", kind="stable"
        )

    @property
    def _counted(self) -> list[str]:
        """Campaigns whose outcomes were counted without a worth in money."""
        if "priced" not in self.found:
            return []
        counted = self.found[~self.found["priced"].astype(bool)]
        return list(counted["campaign_id"].unique())

    @property
    def _in_money(self) -> bool:
        """Whether any campaign was measured in money."""
        return bool(self.lessons["priced"].any())

    def sentences(self) -> list[str]:
        """All of them in one, where there are several; then each campaign in a sentence."""
        rows: list[dict[Any, Any]] = self.lessons.to_dict("records")
        keys = ["sentence" if row["priced"] else "counted" for row in rows]
        each = [
            say(f"campaigns.lesson.{key}", kind=kind_name(str(row["action"])), **row)
            for key, row in zip(keys, rows, strict=True)
        ]
        return each if len(each) < 2 else [self._overall(), *each]

    def _overall(self) -> str:
        """Which tests pay, work or do harm, and which moved or harmed some segments."""
        rows = self.lessons
        ids = rows["campaign_id"].astype(str)
        arms = ids + ", " + rows["variant"].astype(str)
        names = ids.where(~ids.duplicated(keep=False), arms)
        by_verdict = {
            verdict: list(names[rows["verdict"] == verdict])
            for verdict in (PAYS, LOSES, WORKS, HINDERS)
        }
        return say(
            "campaigns.lesson.overall",
            tests=len(rows),
            priced=self._in_money,
            moved=list(names[rows["moved"].str.len() > 0]),
            harmed=list(names[rows["harmed"].str.len() > 0]),
            **by_verdict,
        )

    @cached_property
    def summary(self) -> pd.DataFrame:
        """The campaigns with their effects and what to do next time."""
        rows = self.lessons
        out = with_kinds(rows[["campaign_id", "action", "treated", "held"]], "action")
        for name in self._effects:
            out[name] = rows[name]
        out["cost_per_contact"] = rows["cost_per_contact"]
        facts: list[dict[Any, Any]] = rows.to_dict("records")
        alone = ~rows["campaign_id"].duplicated(keep=False)
        keys = []
        for row, one_arm in zip(facts, alone, strict=True):
            doubtful = row["verdict"] in (LOSES, UNCLEAR) and row["priced"] and one_arm
            by_rules = doubtful and self._rules_pay(str(row["campaign_id"]))
            keys.append("by_rules" if by_rules else row["verdict"])
        out["next_time"] = [
            say(f"campaigns.lesson.next.{key}", **row)
            for key, row in zip(keys, facts, strict=True)
        ]
        return out

    def _rules_pay(self, campaign: str) -> bool:
        """Whether following the response rules certainly earns money."""
        try:
            if not self.response(campaign).difference_found_:
                return False
            least: Any = self.values(campaign).loc["rules", "value_low"]
            return float(least) > 0
        except NotEnoughDataError:
            return False

    @property
    def _effects(self) -> list[str]:
        """The columns of effects that are known, each with its range."""
        names = ("effect", "money_effect") if self._in_money else ("effect",)
        return [f"{name}{end}" for name in names for end in RANGES]

    def response(self, campaign: str) -> ResponseSegmenter:
        """The response segments of a campaign."""
        key = f"lessons-{campaign}"
        fit = ResponseSegmenter().fit
        return self.study.cached(key, {}, lambda: fit(*self.study.trial(campaign)))

    def values(self, campaign: str) -> pd.DataFrame:
        """Money per customer of contacting nobody, everybody, or whom the rules name, and by the
        present scheme's segments."""
        fitted, cost = self.response(campaign), self._cost(campaign)
        key = f"lessons-values-{campaign}"
        return self.study.cached(key, {}, lambda: fitted.value(cost))

    def _cost(self, campaign: str) -> float:
        """Of a contact; 0 where the campaign does not say."""
        rows = campaign_of(self.found, campaign)
        cost = float(rows.get("cost_per_contact", pd.Series(0)).max())
        return 0.0 if pd.isna(cost) else cost

    # The page, from top to bottom.

    def headline(self) -> Html:
        """What each campaign did; where none can be measured for what its arms have lost, that."""
        found = self.study.campaign_results()
        doubts = trials.doubts(found[found["finished"]])
        if doubts and self.found.empty:
            return headline(*doubts)
        figures = {
            "campaigns_measured": self.lessons["campaign_id"].nunique(),
            "contacted": int(self.lessons["treated"].sum()),
            # Several arms of a campaign share its control group.
            "held": int(self.lessons.groupby("campaign_id")["held"].max().sum()),
        }
        return headline(*self.sentences(), figures=figures)

    def campaigns(self) -> Html:
        """Each campaign against customers left alone, what to do next time, and whether its arms
        can be compared."""
        return group(self._summary(), trials.checks(self.study.campaign_results()))

    @says_why
    def _summary(self) -> Html:
        key = "summary" if self._in_money else "summary_counted"
        return table(self.summary, say(f"campaigns.captions.{key}"), index=False)

    @says_why
    def by_segment(self) -> Html:
        """The effects by the segments that the campaign was drawn by."""
        caption = say("campaigns.captions.by_segment")
        named = with_kinds(self.effects, "action")
        return figure(pictures.effects, named, caption=caption)

    @says_why
    def by_segment_table(self) -> Html:
        """The same as figures, folded."""
        shown = with_kinds(self.effects[[*SHOWN, *self._effects]], "action")
        caption = say("campaigns.captions.by_segment_table")
        rows = table(shown, caption, index=False, formats={"segment": "name"})
        return details(say("campaigns.captions.folded"), rows)

    @says_why
    def who_responds(self) -> Html:
        """Response segments of every campaign, or that no difference was found."""
        pieces = [
            self._campaign(str(name)) for name in self.lessons["campaign_id"].unique()
        ]
        return group(*pieces)

    def _campaign(self, campaign: str) -> Html:
        try:
            fitted = self.response(campaign)
        except NotEnoughDataError as error:
            return note(
                say("campaigns.lesson.too_few", campaign=campaign, why=error), "missing"
            )
        values = self.values(campaign)
        facts: dict[str, Any] = {**values.loc["rules"], "campaign": campaign}
        if not fitted.difference_found_:
            return finding(say("campaigns.lesson.no_difference", campaign=campaign))
        said = finding(say("campaigns.lesson.difference", **facts))
        effects = fitted.effects_.rename_axis("segment")[
            ["customers", "shrunk", "shrunk_se"]
        ]
        shown = pd.DataFrame({"customers": effects["customers"]})
        shown["money_per_contact"] = effects["shrunk"]
        for sign, end in ((-1, "_low"), (1, "_high")):
            shown[f"money_per_contact{end}"] = (
                effects["shrunk"] + sign * Z975 * effects["shrunk_se"]
            )
        cost = self._cost(campaign)
        ends = shown["money_per_contact_low"], shown["money_per_contact_high"]
        shown["next_time"] = [
            say(f"campaigns.lesson.segment.{key}", cost=cost)
            for key in map(_by_cost, *ends, [cost] * len(shown))
        ]
        caption = say("campaigns.lesson.rules", campaign=campaign)
        worth = details(
            say("campaigns.lesson.worth_title"),
            table(_named(values), say("campaigns.lesson.worth", campaign=campaign)),
        )
        by_group = table(shown, caption, note=say("campaigns.lesson.rules_note"))
        return group(said, by_group, worth)


def _named(values: pd.DataFrame) -> pd.DataFrame:
    names = {name: say(f"campaigns.lesson.way.{name}") for name in values.index}
    shown = values.rename(index=names).rename_axis("way_to_choose")
    return shown.rename(columns={"contacted": "contacted_share"})


def _told_once(rows: pd.DataFrame) -> pd.DataFrame:
    """Effects without those of "no segment" where a campaign was drawn by none: they say what all
    of it says."""
    parts = rows[rows["segment"] != effects.ALL]
    named = parts.loc[parts["segment"] != NO_STRATUM, "campaign_id"]
    repeated = (rows["segment"] == NO_STRATUM) & ~rows["campaign_id"].isin(named)
    return rows[~repeated]


def _verdict(row: dict[Any, Any]) -> str:
    if not row["priced"] and row["certain"]:
        return WORKS if row["effect"] > 0 else HINDERS
    if not row["priced"]:
        return UNCLEAR
    if not row["net_certain"]:
        return UNCLEAR
    return PAYS if row["net"] > 0 else LOSES


def _by_cost(low: float, high: float, cost: float) -> str:
    """What to do with a segment whose contacts brought between `low` and `high` at a cost."""
    if low > cost:
        return PAYS
    if high < 0:
        return HARMS
    return LOSES if high < cost else UNCLEAR
