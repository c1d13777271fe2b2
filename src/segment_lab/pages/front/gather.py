"""Page one of a study: what the other pages found, brought together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from segment_lab.act import campaign_plan
from segment_lab.act.actions import A_DAY, affordable
from segment_lab.act.choice import FILE, Choice, differing
from segment_lab.act.verdicts import JUDGEMENT
from segment_lab.contacts.events import usual_minutes
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages import advice
from segment_lab.pages.choosing import (
    chosen,
    has_owners,
    in_person,
    said,
    scheme_names,
    treatment,
)
from segment_lab.pages.confirming import confirmed
from segment_lab.pages.decision import DecisionReport
from segment_lab.pages.drawing import campaigns
from segment_lab.pages.front.audience_files import audiences
from segment_lab.pages.front.document import Front
from segment_lab.pages.front.exceptions import Exceptions
from segment_lab.pages.front.grounds import Grounds
from segment_lab.pages.front.lessons import became, lessons
from segment_lab.pages.front.links import audience_file, card_link
from segment_lab.pages.front.news import News
from segment_lab.pages.front.treatments import Treatment
from segment_lab.pages.front.wings import Wings
from segment_lab.pages.lists import ActionList, running_arms
from segment_lab.pages.verdicts import PERSONAL, Page
from segment_lab.pages.watched import watched
from segment_lab.pages.watching import Watching
from segment_lab.study.study import Study
from segment_lab.texts import say

#: The order of rows: stances from the most to the least effort, the most revenue first within one.
ORDER = ("protect", "win_back", "grow", "keep_in_touch", "let_go", "empty")
#: Minutes of a call, where the costs of contacts do not say: those of the packaged playbooks.
CALL_MINUTES = 12.0
#: So many grounds on which a verdict would change are named.
MOST_CHANGES = 3


@dataclass
class Gathering:
    """Page one of one study by one scheme.

    Parameters
    ----------
    study : Study
        With orders.
    scheme : str
        Whose segments are acted on.
    days : int
        Length of the periods that are compared, and the time a customer has to buy.
    options : dict
        Of the decision: ``playbook, budget, hours, margin_rate, holdout_share, seed``.
    personal : bool
        Whether names may be shown.
    choice : Choice, optional
        Why this scheme, and which others could be acted on; named and alone by default.
    earlier : DataFrame, optional
        Actions of the run before.
    """

    study: Study
    scheme: str
    days: int
    options: dict[str, Any]
    personal: bool = False

    choice: Choice | None = None
    earlier: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        # A log too short for two periods is looked at in halves: less sure, but not silent.
        self.days = max(min(self.days, self.study.window.days // 2), 1)

    @cached_property
    def report(self) -> DecisionReport:
        """The decision report behind the page."""
        seed = int(self.options.get("seed", 0))
        return DecisionReport(self.study, self.scheme, self.days, seed)

    @cached_property
    def page(self) -> Page:
        """The verdicts."""
        named = {name: value for name, value in self.options.items() if name != "seed"}
        return self.report.page(**named)

    @cached_property
    def news(self) -> News:
        """What changed since the year before."""
        return News(self.study, self.scheme, self.days)

    @cached_property
    def watching(self) -> Watching:
        """The watch lists."""
        return Watching(self.study, self.days)

    @cached_property
    def wings(self) -> Wings:
        """Debtors and open leads."""
        return Wings(self.study, self.personal)

    @cached_property
    def watched(self) -> pd.DataFrame:
        """Every watch list in a line (`pages.watched`)."""
        return watched(self.actions, self.wings)

    @cached_property
    def actions(self) -> ActionList:
        """The list of named actions."""
        campaigns = (
            self.study.table("campaigns").to_pandas()
            if self.study.has("campaigns")
            else None
        )
        arms = running_arms(campaigns, self.study.window.as_of)
        flags = self.report.exceptions
        owing: Any = flags.index[flags["debt"]] if "debt" in flags else []
        debtors = pd.Series(1.0, index=owing, dtype="float64")
        if len(self.wings.debtors):
            late = self.wings.debtors.set_index("customer_id")["overdue_amount"]
            debtors = late.reindex(debtors.index).fillna(debtors)
        named = (self.study, self.scheme, self.watching, debtors, arms, self.personal)
        return ActionList(*named, self.earlier, self._a_day())

    def _a_day(self) -> int:
        """How many actions an owner takes on a working day: as the study says, else by its
        hours."""
        said, hours = (
            self.study.config.report.actions_per_day,
            self.options.get("hours"),
        )
        if said or not hours:
            return said or A_DAY
        people = self.study.customers()
        owners = people["owner"].nunique() if "owner" in people else 1
        usual: dict[str, float] = {}
        if self.study.has("contact_costs"):
            usual = usual_minutes(self.study.table("contact_costs"))
        return affordable(hours, usual.get("call", CALL_MINUTES), self.days, owners)

    def front(self) -> Front:
        """The document of page one."""
        segments = self.page.known[["customers", "revenue", "revenue_share"]].copy()
        segments["change"] = self.change
        minutes = self.report.effort
        return Front(
            self.news,
            self.study.title,
            self.treatments(),
            segments,
            self.actions,
            lessons=[*became(self.page), *lessons(self.page)],
            debtors=self.wings.first_debtors(),
            leads=self.wings.first_leads(),
            more_tiles=self.wings.tiles,
            minutes=pd.Series(dtype="float64") if minutes is None else minutes,
            sure=self._sure(),
            running=self.running,
        )

    @property
    def running(self) -> pd.DataFrame:
        """Campaigns whose horizon is not over; empty where there are none."""
        if not self.study.has("campaigns"):
            return pd.DataFrame()
        return self.report.running_tests

    def _sure(self) -> list[str]:
        """Why this scheme, and how many of its treatments other schemes confirm."""
        lines = [said(self.choice or Choice(self.scheme, FILE))]
        against = self.against
        if len(against):
            same = sum(not schemes for schemes in against)
            facts = {
                "same": same,
                "rows": len(against),
                "schemes": scheme_names(map(str, self.shares)),
            }
            lines.append(say("front.sure.holds", **facts))
        return [*lines, *self._changes()]

    def _changes(self) -> list[str]:
        """What would change the verdicts, as the cards say it; those that cost most come first."""
        rows = self.page.treatments.copy()
        rows["revenue"] = self.page.known["revenue"]
        rows = rows[(rows["members"] > 0) & (rows["revenue"] > 0)]
        rows = rows.sort_values(["cost", "revenue"], ascending=False, kind="stable")
        segments: dict[str, list[str]] = {}
        for row in rows.assign(segment=rows.index).to_dict("records"):
            segments.setdefault(advice.change(row), []).append(str(row["segment"]))
        first = list(segments.items())[:MOST_CHANGES]
        lines = []
        for change, named in first:
            facts = {
                "segments": named,
                "every": len(named) == len(rows) > 1,
            }
            lines.append(say("front.sure.changes", change=change, **facts))
        return lines

    @cached_property
    def shares(self) -> pd.DataFrame:
        """Share of each segment's customers whom each other scheme gives the same stance."""
        able = self.choice.able if self.choice else ()
        return confirmed(self.report, able, self.options.get("margin_rate"))

    @cached_property
    def against(self) -> pd.Series:
        """By segment the schemes that would serve most of its customers another way."""
        sizes = self.page.now.sizes()
        filled = [name for name in self.shares.index if sizes.get(name, 0)]
        return differing(self.shares.loc[filled])

    @property
    def change(self) -> pd.Series:
        """Change of each segment's customers (`DecisionReport.change_of_segments`)."""
        return self.report.change_of_segments

    @cached_property
    def history(self) -> pd.DataFrame:
        """Revenue of each segment in twelve times thirty days."""
        steps = self.watching.facts.steps
        labels = self.page.now.labels.astype(str).reindex(steps.index)
        return steps.groupby(labels).sum()

    def treatments(self) -> list[Treatment]:
        """Every segment's row, then the exceptions that cut across segments."""
        rows = self.page.treatments
        revenue = self.page.known["revenue"]
        order = sorted(
            rows.index,
            key=lambda name: (ORDER.index(rows["stance"][name]), -revenue[name]),
        )
        found = [self._treatment(str(name), rows.loc[name]) for name in order]
        segments = [row for row in found if row.customers]
        return [*self.exceptions.rhythm(), *segments, *self.exceptions.owing()]

    @cached_property
    def grounds(self) -> Grounds:
        """Why each segment gets what it gets."""
        return Grounds(self.page)

    @cached_property
    def exceptions(self) -> Exceptions:
        """Who is served in another way than the segment."""
        return Exceptions(
            page=self.page,
            flags=self.report.exceptions,
            actions=self.actions,
            debtors=self.wings.debtors,
            steps=self.watching.facts.steps,
            owners=self.owners,
            as_of=self.study.window.as_of,
        )

    def _treatment(self, name: str, row: pd.Series) -> Treatment:
        facts = dict(row)
        acts = row["contacts"] > 0
        serve = treatment(row["stance"], self.owners)
        history = tuple(self.history.loc[name]) if name in self.history.index else ()
        why = self.grounds.why(name, row)
        return Treatment(
            segment=name,
            who=self.meanings.get(name, ""),
            customers=int(row["members"]),
            reachable=int(row["customers"]),
            stance=row["stance"],
            verdict=row["verdict"],
            ground=row["ground"],
            serve=serve,
            action=str(row["action"]) if acts else "",
            by=self._by(row) if acts else self._served_by(row),
            cost=float(row["cost"]) if acts else float("nan"),
            hours=float(row["hours"]) if acts else float("nan"),
            worth=float(row["worth"]),
            low=float(row["worth_low"]),
            high=float(row["worth_high"]),
            why=why,
            changes=self._changed(name),
            history=history,
            file=audience_file(name),
            depends=tuple(scheme_names(self.against.get(name, ()))),
            share=float(self.page.known["revenue_share"][name]),
            card=card_link(name),
            people=self.page.members[self.page.members["segment"] == name],
            few=row["verdict"] == JUDGEMENT
            and not acts
            and self.grounds.few(name, row),
            hours_now=float(facts["hours_now"] or 0.0),
            hours_freed=float(facts["hours_freed"] or 0.0),
            hours_gained=float(facts["hours_gained"] or 0.0),
            called=0
            if in_person(row["stance"], self.owners)
            else int(self._called.get(name, 0)),
        )

    @cached_property
    def _called(self) -> pd.Series:
        """Customers of each segment who are off their rhythm and get a call."""
        ids = self.actions.callable["customer_id"]
        return self.page.now.labels.astype(str).reindex(ids).value_counts()

    def _changed(self, name: str) -> tuple[str, ...]:
        """How the segment's revenue and number of customers changed, as far as known."""
        year = self.news.on_last_year
        changes = {"revenue": self.news.change_of_revenue, "change": self.change}
        return tuple(
            say(f"front.segments.{key}", change=change[name], year=year)
            for key, change in changes.items()
            if pd.notna(change.get(name))
        )

    @cached_property
    def owners(self) -> bool:
        """Whether the accounts name who looks after them."""
        return has_owners(self.study)

    def _by(self, row: pd.Series) -> str:
        start = self.page.start
        if isinstance(row["owner"], str):
            return say(
                "front.segments.by",
                owner=row["owner"],
                in_person=row["channel"] in PERSONAL,
                start=start,
            )
        team = {
            "in_person": row["channel"] in PERSONAL,
            "owners": self.owners,
        }
        return say("front.segments.by_team", start=start, **team)

    def _served_by(self, row: pd.Series) -> str:
        """Who serves a segment without a campaign, and until when that holds."""
        if row["stance"] == "empty":
            return ""
        by = {
            "in_person": in_person(row["stance"], self.owners),
            "owners": self.owners,
        }
        return say("front.segments.serve_by", day=row["next_look"], **by)

    @cached_property
    def meanings(self) -> dict[str, str]:
        """Who the customers of each segment are, in the scheme's words."""
        fitted = self.study.fitted(self.scheme)
        found = fitted.meanings() if hasattr(fitted, "meanings") else {}
        return {str(name): str(text) for name, text in dict(found).items()}

    @cached_property
    def campaigns(self) -> list[pd.DataFrame]:
        """The campaigns of the day with their arms, as `segment-lab plan` writes them."""
        study = self.study
        horizon = study.config.strategy.horizon_days
        drawing = campaign_plan.Drawing(
            study.name, self.scheme, study.window.as_of, horizon
        )
        return campaigns(self.page, drawing)

    def audiences(self) -> dict[str, pd.DataFrame]:
        """Per file the customers of a segment who may get its action (`audiences`)."""
        return audiences(self.page, self.campaigns, self.personal)


def gathering(study: Study, earlier: pd.DataFrame | None = None) -> Gathering:
    """Page one as the study file asks for it; `earlier` are the actions of the run before.

    Raises
    ------
    NotEnoughDataError
        The study has no orders, or no scheme to act on.
    """
    if not study.has("orders"):
        raise NotEnoughDataError(say("front.no_orders"))
    asked = study.config.strategy
    named = ("playbook", "budget", "hours", "margin_rate", "holdout_share", "seed")
    options = {name: getattr(asked, name) for name in named}
    choice = chosen(study, asked.scheme)
    personal = study.config.personal
    return Gathering(
        study, choice.scheme, asked.horizon_days, options, personal, choice, earlier
    )
