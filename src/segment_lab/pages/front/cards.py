"""A card per segment: who they are, how they change, what they buy, who looks after them, what
worked, where their list is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from markupsafe import Markup

from segment_lab.act import profiles
from segment_lab.act.audiences import EXCEPTIONS
from segment_lab.contacts.events import click_topics
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages import advice
from segment_lab.pages.choosing import scheme_name
from segment_lab.pages.front.gather import Gathering
from segment_lab.pages.front.links import slug
from segment_lab.pages.front.treatments import Seen, Treatment, habits
from segment_lab.pages.traits import spoken
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say, shown
from segment_lab.texts.formats import words

#: At most so many traits, products, topics and owners are named on a card.
MOST = 3
#: They have lines of their own.
NO_TRAITS = ("owner", "state")
#: Fewer contacted customers are no experience.
FEWEST_CONTACTED = 30
#: Fewer clicks say nothing about what a segment reads.
FEWEST_CLICKS = 20


@dataclass
class Cards:
    """What page one's segments are, one by one.

    Parameters
    ----------
    gathered : Gathering
        Page one, of which the cards are the longer form.
    """

    gathered: Gathering

    def shown(self) -> dict[str, Any]:
        """The document, as the template takes it."""
        made = self.gathered
        rows = [row for row in made.treatments() if row.card]
        customers = sum(row.customers for row in rows)
        day = made.study.window.as_of
        return {
            "study": made.study.title,
            "title": say("segment_cards.title", study=made.study.title),
            "as_of": say("front.as_of", day=day),
            "heading": say("segment_cards.heading", scheme=scheme_name(made.scheme)),
            "intro": say("segment_cards.intro", customers=customers, day=day),
            "cards": [self._card(row) for row in rows],
            "watched": self._watched(),
        }

    def _watched(self) -> dict[str, Any]:
        """The watch lists as a table; those with somebody on them lead to their file."""
        frame = self.gathered.watched
        rows = frame.to_dict("records")
        return {
            "heading": say("lists.watched"),
            "head": [words(column) for column in frame.columns],
            "rows": [
                {**row, "whole_list": row["whole_list"] if row["on_it_today"] else ""}
                for row in rows
            ],
        }

    def _card(self, row: Treatment) -> dict[str, Any]:
        name = row.segment
        facts = {
            "who": row.who,
            "trend": self._trend(name),
            "money": self._money(row),
            "habits": habits(row.people),
            "traits": "; ".join(self._traits(name)),
            "products": "; ".join(self._products(name)),
            "topics": "; ".join(self._topics(name)),
            "channel": self._reach(row),
            "owners": ", ".join(self._owners(name)),
            "hours": self._hours(row),
            "serve": row.serve,
            "next": " · ".join(filter(None, [shown(row.action), row.by])),
            "why": self._why(name),
            "worked": " ".join(self._worked(name))
            or say("segment_cards.not_worked", fewest=FEWEST_CONTACTED),
        }
        drawn = self._seen.line(row.history, say("segment_cards.spark", name=name))
        return {
            "name": shown(name),
            "anchor": slug(name),
            "stance": row.stance,
            "stance_text": say(f"stance.name.{row.stance}"),
            "verdict": row.verdict,
            "verdict_text": say(f"decision.verdict.{row.verdict}"),
            "spark": Markup(drawn),
            "facts": [
                {"label": say(f"segment_cards.labels.{key}"), "text": text}
                for key, text in facts.items()
                if text
            ],
            "file": row.file,
            "file_text": say("segment_cards.list", customers=row.reachable),
        }

    def _money(self, row: Treatment) -> str:
        """What they brought in the last twelve months, and its share of what all brought then."""
        brought, everybody = sum(row.history), self.gathered.history.to_numpy().sum()
        share = brought / everybody if everybody > 0 else 0.0
        facts = {
            "revenue": brought,
            "share": share,
            "days": self._seen.short,
        }
        return say("segment_cards.revenue", **facts)

    @property
    def _seen(self) -> Seen:
        return Seen(self.gathered.study.window.days)

    @property
    def _now(self) -> Segmentation:
        return self.gathered.page.now

    @cached_property
    def _moved(self) -> pd.DataFrame:
        """By the days that the change on page one compares, so that its parts add up to it."""
        made = self.gathered
        try:
            found = made.study.change(made.scheme, made.report.horizon_days)
        except NotEnoughDataError:
            return profiles.moved(self._now, made.report.earlier)
        return profiles.moved(found.today, found.then)

    def _trend(self, name: str) -> str:
        facts = {str(key): value for key, value in self._moved.loc[name].items()}
        facts["seen"] = facts["customers"]
        facts["customers"] = self._now.sizes()[name]
        change = self.gathered.change.get(name)
        facts["change"] = None if change is None or pd.isna(change) else change
        return say("segment_cards.moves", days=self.gathered.days, **facts)

    @cached_property
    def _people(self) -> pd.DataFrame:
        return self._now.align(self.gathered.page.people)

    @cached_property
    def _labels(self) -> Any:
        return self._now.labels.astype(str).to_numpy()

    @cached_property
    def _who(self) -> pd.DataFrame:
        columns = [
            name for name in profiles.describing(self._people) if name not in NO_TRAITS
        ]
        return profiles.who(self._now, self._people, columns)

    def _traits(self, name: str) -> list[str]:
        rows = self._who[self._who["segment"] == name].head(MOST).to_dict("records")
        return [
            say(
                "segment_cards.trait",
                words=words(row["column"]),
                value=spoken(row["value"]),
                share=row["share"],
                base=row["base_share"],
            )
            for row in rows
        ]

    @cached_property
    def _what(self) -> pd.DataFrame:
        orders = self.gathered.study.orders(all_time=True)
        bought = profiles.purchases(self._now, orders)
        if bought.empty:
            return pd.DataFrame(columns=["segment", "product", "share", "base_share"])
        return profiles.what(bought, self._now.names, top=MOST)

    def _products(self, name: str) -> list[str]:
        rows = self._what[self._what["segment"] == name].to_dict("records")
        named = {"product": "product", "share": "share", "base": "base_share"}
        facts = [{key: row[column] for key, column in named.items()} for row in rows]
        return [say("segment_cards.product", **row) for row in facts]

    @cached_property
    def _clicks(self) -> pd.DataFrame:
        """Clicks by segment and topic."""
        study = self.gathered.study
        if not study.has("touches"):
            return pd.DataFrame()
        clicks = click_topics(study.table("touches"), study.window.as_of)
        labels = self._now.labels.astype(str).reindex(clicks.index)
        return clicks.groupby(labels).sum()

    def _topics(self, name: str) -> list[str]:
        if name not in self._clicks.index:
            return []
        here = self._clicks.loc[name]
        if here.sum() < FEWEST_CLICKS:
            return []
        shares = here / here.sum()
        everywhere = self._clicks.sum() / self._clicks.to_numpy().sum()
        first = (
            (shares - everywhere).sort_values(ascending=False, kind="stable").head(MOST)
        )
        return [
            say(
                "segment_cards.topic",
                topic=topic,
                share=shares[topic],
                base=everywhere[topic],
            )
            for topic in first.index[first > 0]
        ]

    def _reach(self, row: Treatment) -> str:
        counts = self.gathered.page.treatments.loc[row.segment]
        left_out = [
            say(f"segment_cards.left_out.{reason}", count=counts[reason])
            for reason in EXCEPTIONS
            if counts[reason] > 0
        ]
        facts = {
            "reachable": row.reachable,
            "customers": row.customers,
            "action": row.action,
        }
        return say("segment_cards.reach", left_out=left_out, **facts)

    def _owners(self, name: str) -> list[str]:
        if not self.gathered.owners or "owner" not in self._people:
            return []
        mine = self._people["owner"][self._labels == name]
        counts = mine.fillna(say("segment_cards.no_owner")).value_counts()
        return [
            say("segment_cards.load", owner=owner, customers=count)
            for owner, count in counts.items()
        ]

    def _hours(self, row: Treatment) -> str:
        if not row.hours_now > 0:
            return ""
        facts = {
            "now": row.hours_now,
            "freed": row.hours_freed,
            "gained": row.hours_gained,
        }
        return say("segment_cards.hours", **facts)

    def _why(self, name: str) -> str:
        page = self.gathered.page
        row: Any = page.decided.loc[name]
        treated = page.treatments.loc[name]
        if not page.known["revenue"][name] > 0:
            return say("front.segments.no_orders")
        said = advice.reason(page, name, row)
        if row["verdict"] == "your_judgement":
            return said
        change = advice.change({**treated, "segment": name})
        return f"{said} {say('segment_cards.change', change=change)}"

    @cached_property
    def _measured(self) -> pd.DataFrame:
        try:
            return self.gathered.page.arms
        except NotEnoughDataError:
            return pd.DataFrame()

    def _worked(self, name: str) -> list[str]:
        """What own campaigns did to customers of the segment, by today's rule on their day."""
        if self._measured.empty:
            return []
        rows = self._measured[self._measured["segment"] == name].to_dict("records")
        return [
            say(
                "segment_cards.worked",
                kind=advice.kind_name(str(row["action"])),
                effect=row["effect"],
                low=row["effect_low"],
                high=row["effect_high"],
                treated=row["treated"],
                sure=row["certain"],
            )
            for row in rows
            if pd.notna(row["effect"]) and row["treated"] >= FEWEST_CONTACTED
        ]


def document(gathered: Gathering) -> dict[str, Any]:
    """The page of cards of a gathered page one."""
    return Cards(gathered).shown()
