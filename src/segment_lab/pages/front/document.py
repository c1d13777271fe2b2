"""Page one as one document of plain words and small drawings, which the template only lays out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd
from markupsafe import Markup

from segment_lab.act import market
from segment_lab.act.verdicts import VERDICTS
from segment_lab.pages.front import tiles
from segment_lab.pages.front.merging import merged
from segment_lab.pages.front.news import News, minutes_gap
from segment_lab.pages.front.pictures import bridge_picture, map_picture
from segment_lab.pages.front.treatments import Seen, Treatment, shown_rows
from segment_lab.pages.lists import ActionList
from segment_lab.texts import say

#: How many names page one shows; the lists hold all.
CUSTOMERS, OTHERS = 10, 5
#: The first calls are those who hold this share of the money at stake.
MOST = 0.8
#: With fewer key figures, how much hangs on the largest customers is one more.
FEWEST_TILES = 4
#: So many running tests are named.
TESTS = 3
#: A change of revenue below this is said to be level.
LEVEL = 0.02
#: What stands above the rows of segments.
HEADINGS = (
    "heading",
    "caption",
    "segment",
    "trend",
    "action",
    "cost",
    "worth",
    "ground",
    "open_list",
)
#: Verdicts of actions that are carried out.
DONE = ("do_it", "watch")
#: Whether it is good that a segment of a stance grows.
GROWTH = {
    "protect": 1,
    "grow": 1,
    "win_back": -1,
    "let_go": -1,
}


@dataclass
class Front:
    """All that page one says of a study.

    Parameters
    ----------
    news : News
    title : str
        The study's title.
    treatments : list of Treatment
        Every segment's row, in the order of the page.
    segments : DataFrame
        Index segment: ``customers, revenue, revenue_share, change``.
    actions : ActionList
    lessons : list of str
        What own campaigns taught, a sentence each.
    debtors, leads : DataFrame
        The first rows of their lists, with ``name, owner, why``; empty without the tables.
    more_tiles : list of Tile
        Overdue money and open pipeline, where there are such tables.
    sure : list of str
        Which scheme is acted on, what else agrees, what would change it.
    running : DataFrame
        Campaigns whose horizon is not over (`campaigns.running_tests`).
    minutes : Series
        Contact minutes of the last year by ``customer_id``.
    """

    news: News
    title: str
    treatments: list[Treatment]
    segments: pd.DataFrame
    actions: ActionList
    lessons: list[str] = field(default_factory=list)
    debtors: pd.DataFrame = field(default_factory=pd.DataFrame)
    leads: pd.DataFrame = field(default_factory=pd.DataFrame)
    more_tiles: list[tiles.Tile] = field(default_factory=list)
    sure: list[str] = field(default_factory=list)
    running: pd.DataFrame = field(default_factory=pd.DataFrame)
    minutes: pd.Series = field(default_factory=lambda: pd.Series(dtype="float64"))

    def shown(self) -> dict[str, Any]:
        """The document, as the template takes it."""
        as_of = say("front.as_of", day=self.news.as_of)
        return {
            "study": self.title,
            "title": say("front.title", study=self.title),
            "as_of": as_of,
            "headline": self.headline(),
            "trust": self.trust(),
            "tiles": [tile.shown() for tile in self.tiles()],
            "pictures": self.pictures(),
            "rows": shown_rows(self.rows, self._seen),
            "words": self._headings(),
            "parts": self.parts(),
        }

    @cached_property
    def rows(self) -> list[Treatment]:
        """The rows as they are shown (`merging.merged`)."""
        return merged(self.treatments)

    @property
    def _seen(self) -> Seen:
        return Seen(self.news.study.window.days)

    def _headings(self) -> dict[str, str]:
        facts = {
            "since": self.news.study.window.start,
            "months": self._seen.months,
        }
        return {name: say(f"front.segments.{name}", **facts) for name in HEADINGS}

    def headline(self) -> str:
        """What happened, why, what first: the news as one order."""
        return f"{self._happened()} {self._first()}".strip()

    def _happened(self) -> str:
        news = self.news
        change = news.change
        direction = "down" if change < 0 else "up"
        if pd.isna(change):
            direction = "unknown"
        elif abs(change) < LEVEL:
            direction = "flat"
        return say(
            "front.news.change",
            direction=direction,
            size=abs(change),
            days=news.days,
            compared="year" if news.on_last_year else "period",
            behind=self._behind(),
            revenue=float(news.now["revenue"].sum()),
        )

    def _behind(self) -> list[str]:
        """Who explains a decline: one or two accounts by name, else a segment or two."""
        news = self.news
        names, money = news.accounts_behind()
        if names:
            return [say("front.news.less_accounts", names=names, money=money)]
        return [self._less(name) for name in news.behind() if self._is_shown(name)]

    def _is_shown(self, name: str) -> bool:
        """Whether a reader finds the segment below: one that is empty today has no row."""
        return name == market.NEW or name in self._news_of

    def _less(self, name: str) -> str:
        """How much less a segment brought."""
        size = abs(self.news.change_of_revenue[name])
        if name == market.NEW:
            return say("front.news.less_new", size=size)
        return say("front.news.less", name=name, size=size)

    def _first(self) -> str:
        """The first thing to do: where most money is at stake, by a list with names."""
        doing = [
            row for row in self.treatments if row.verdict in DONE and row.worth > 0
        ]
        calls = self.actions.callable
        if len(calls):
            running = calls["at_stake"].cumsum()
            most = calls[
                (running - calls["at_stake"] < MOST * running.iloc[-1]).to_numpy()
            ]
            facts = {
                "all": len(calls),
                "customers": len(most),
                "at_stake": float(most["at_stake"].sum()),
                "days": self._seen.short,
            }
            return say("front.news.first_call", **facts)
        if doing:
            best = max(doing, key=lambda row: row.worth)
            return say(
                "front.news.first_action", action=best.action, segment=best.segment
            )
        segments = [row for row in self.treatments if row.card and row.share > 0]
        if not segments:
            return say("front.news.first_judgement")
        largest = max(segments, key=lambda row: row.share)
        return say(
            "front.news.first_serve", segment=largest.segment, share=largest.share
        )

    def trust(self) -> list[str]:
        """One line on the grounds of the treatments, one on the data."""
        window = self.news.study.window
        lines = []
        if self.treatments:
            given = [row.verdict for row in self.rows]
            counts = {verdict: given.count(verdict) for verdict in VERDICTS}
            lines.append(say("front.trust.grounds", rows=len(given), counts=counts))
        people = len(self.news.study.customers())
        last = window.as_of - dt.timedelta(days=1)
        lines.append(
            say("front.trust.window", start=window.start, end=last, customers=people)
        )
        if 0 < self.news.back_days < 365:
            lines.append(say("front.news.other_season"))
        return lines

    def tiles(self) -> list[tiles.Tile]:
        """Four to six key figures."""
        found = [
            *tiles.from_orders(self.news),
            *self.more_tiles,
            *tiles.from_minutes(self._gap),
        ]
        if len(found) < FEWEST_TILES:
            found += tiles.from_the_largest(self.news)
        return found

    @cached_property
    def _gap(self) -> dict[str, float]:
        if self.minutes.empty:
            return {
                "minutes": float("nan"),
                "share": float("nan"),
                "revenue_share": float("nan"),
            }
        labels = self.news.study.segmentation(self.news.scheme)
        return minutes_gap(labels, self.minutes, self._year)

    @cached_property
    def _year(self) -> pd.Series:
        """What each customer brought in the last year, the time that minutes are counted in."""
        return self.news.study.bought(min(365, self.news.study.window.days))["revenue"]

    def pictures(self) -> list[dict[str, str | Markup]]:
        """The bridge and the map, as far as there are data for them."""
        drawn = [
            bridge_picture(self.news),
            map_picture(
                self.segments,
                self._news_of,
                self.news.days,
                since=self.news.study.window.start,
            ),
        ]
        return [picture for picture in drawn if picture is not None]

    @property
    def _news_of(self) -> dict[str, int]:
        """By segment whether its growth is good (1), bad (−1) or neither (0)."""
        return {row.segment: GROWTH.get(row.stance, 0) for row in self.treatments}

    def parts(self) -> list[dict[str, Any]]:
        """What stands below the segments: stop doing, lessons, this week, how sure."""
        forecast = any(pd.notna(row.worth) for row in self.rows)
        lessons = self.lessons or [say("front.lessons.none", forecast=forecast)]
        return [
            *self._followed_up(),
            _section("front.stop.heading", [self._stop()]),
            _section("front.lessons.heading", lessons),
            {
                "heading": say("front.week.heading"),
                "lines": self._running(),
                "columns": self._week(),
                "wide": True,
                "file": "segments.html#watch-lists",
                "file_text": say("lists.watched_link"),
            },
            _section("front.sure.heading", self._sure(), wide=True),
        ]

    def _followed_up(self) -> list[dict[str, Any]]:
        """What became of the actions that the run before asked for."""
        outcome = self.actions.outcome
        if outcome.empty:
            return []
        done, bought = outcome["done"].astype(bool), outcome["bought"].astype(bool)
        facts = {
            "day": pd.Timestamp(outcome["made_on"].max()),
            "asked": len(outcome),
            "done": int(done.sum()),
            "done_bought": int((done & bought).sum()),
            "rest": int((~done).sum()),
            "rest_bought": int((~done & bought).sum()),
        }
        lines = [say("follow_up.became", **facts), say("follow_up.no_proof")]
        return [_section("follow_up.heading", lines, wide=True)]

    def _stop(self) -> str:
        if not self.minutes.sum() > 0:
            return say("front.stop.unknown")
        freed = [row for row in self.treatments if row.hours_freed > 0]
        if not freed:
            return say("front.stop.nothing")
        labels = self.news.study.segmentation(self.news.scheme).labels.astype(str)
        by_segment = self._year.groupby(labels.reindex(self._year.index)).sum()
        revenue = by_segment.sum()
        names = [row.segment for row in freed]
        brought = by_segment.reindex(names).sum()
        return say(
            "front.stop.hours",
            names=names,
            hours=sum(row.hours_freed for row in freed),
            total=sum(row.hours_now for row in self.treatments),
            share=brought / revenue if revenue else 0.0,
            receivers=[row.segment for row in self.treatments if row.hours_gained > 0],
        )

    def _running(self) -> list[str]:
        """Tests that still run, in a line: when each ends, and from when on it is measured."""
        if self.running.empty:
            return []
        rows = self.running.sort_values("measured_from", kind="stable")
        # The horizon's last day is the one before the effect can be told.
        rows["ends"] = rows["measured_from"] - pd.Timedelta(days=1)
        tests = rows.head(TESTS).to_dict("records")
        return [
            say(
                "front.week.running",
                tests=tests,
                more=len(rows) - len(tests),
            )
        ]

    def _week(self) -> list[dict[str, Any]]:
        return [
            column for column in (self._calls(), self._debts(), self._deals()) if column
        ]

    def _calls(self) -> dict[str, Any]:
        frame = self.actions.frame
        first = self.actions.callable.head(CUSTOMERS)
        items = []
        for row in first.to_dict("records"):
            owner = row["owner"] if isinstance(row["owner"], str) else ""
            name = row.get("name") or row["customer_id"]
            items.append(
                {
                    "name": name,
                    "owner": owner,
                    "why": row["why"],
                    "warning": "",
                }
            )
        notes = [self._back_test()] if items else [say("front.week.no_customers")]
        if self.actions.owing:
            notes.append(say("front.week.debtors_apart", count=self.actions.owing))
        return {
            "heading": say("front.week.customers", count=len(items)),
            "items": items,
            "note": " ".join(filter(None, notes)),
            "file": "actions.xlsx" if len(frame) else "",
            "file_text": say(
                "front.week.all_actions", count=len(frame), owners=has_owner(frame)
            ),
        }

    def _back_test(self) -> str:
        found = self.actions.watching.back_tests.get("broke_rhythm")
        if found is None or not found.named:
            return ""
        days = self.actions.watching.horizon_days
        facts = {
            "named": found.named,
            "share": found.share,
            "others": found.others_share,
        }
        return say("front.week.back_test", days=days, **facts)

    def _debts(self) -> dict[str, Any]:
        return _column("debtors", self.debtors, "debtors.xlsx")

    def _deals(self) -> dict[str, Any]:
        return _column("leads", self.leads, "leads.xlsx")

    def _sure(self) -> list[str]:
        day = self.news.as_of + dt.timedelta(days=self.news.days)
        return [*self.sure, say("front.sure.next", day=day)]


def _section(key: str, lines: list[str], wide: bool = False) -> dict[str, Any]:
    """A heading and its sentences; `wide` where they take the whole width of the page."""
    return {
        "heading": say(key),
        "lines": lines,
        "columns": [],
        "wide": wide,
    }


def _column(key: str, rows: pd.DataFrame, file: str) -> dict[str, Any]:
    """The first rows of another list; nothing where there is no such table."""
    if rows.empty:
        return {}
    items = [
        {**row, "warning": row.get("warning", "")}
        for row in rows.head(OTHERS).to_dict("records")
    ]
    return {
        "heading": say(f"front.week.{key}", count=len(items)),
        "items": items,
        "note": "",
        "file": file,
        "file_text": say(
            "front.week.all",
            count=len(rows),
            owners=has_owner(rows),
        ),
    }


def has_owner(rows: pd.DataFrame) -> bool:
    """Whether any row of a list names who it is for."""
    return bool("owner" in rows and rows["owner"].fillna("").ne("").any())
