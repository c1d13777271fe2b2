"""The four to six key figures of page one: value, change on last year, twelve months as a line."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from segment_lab.pages.front.news import News, year_change
from segment_lab.show.svg import sparkline
from segment_lab.texts import say
from segment_lab.texts.formats import SPOKEN

#: So many customers are the largest ones.
LARGEST = 5


@dataclass(frozen=True)
class Tile:
    """One key figure.

    Parameters
    ----------
    key : str
        Its name in ``texts/front.yml`` under ``tiles``.
    kind : str
        How its value is written: ``money``, ``count`` or ``percent``.
    value, change : float
        The figure, and its relative change on last year (null where unknown).
    more_is_better : bool
        Which direction is good news.
    history : sequence of float
        Twelve months, the latest last; empty where there is none.
    note : str
        Says the figure's context where there is no change to tell.
    facts : dict
        What the label names.
    """

    key: str
    kind: str
    value: float
    change: float = float("nan")
    more_is_better: bool = True
    history: tuple[float, ...] = ()
    note: str = ""
    facts: dict[str, float] = field(default_factory=dict)

    @property
    def tone(self) -> str:
        """Whether the change is good news; empty where nobody can say."""
        if pd.isna(self.change) or round(self.change, 2) == 0:
            return ""
        return "better" if (self.change > 0) == self.more_is_better else "worse"

    def shown(self) -> dict[str, str]:
        """The tile in words, as the page's template takes it."""
        label = say(f"front.tiles.{self.key}", **self.facts)
        write = SPOKEN[self.kind]
        note = self.note
        if pd.notna(self.change):
            note = say("front.tiles.on_last_year", change=self.change)
        ends = {"first": "", "last": ""}
        if self.history:
            ends = {
                "first": write(self.history[0]),
                "last": write(self.history[-1]),
            }
        drawn = sparkline(self.history, say("front.tiles.spark", name=label, **ends))
        return {
            "label": label,
            "value": write(self.value),
            "note": note,
            "tone": self.tone,
            "spark": drawn,
        }


def from_orders(news: News) -> list[Tile]:
    """Revenue, active customers and new customers of the last period."""
    history = news.history
    tiles = []
    for key, column in (
        ("revenue", "revenue"),
        ("active", "customers"),
        ("new", "new_customers"),
    ):
        line = history[column]
        if line.empty:
            continue
        kind = "money" if column == "revenue" else "count"
        facts: dict[str, float] = {"days": news.days} if key == "revenue" else {}
        change = year_change(line)
        tiles.append(
            Tile(
                key,
                kind,
                float(line.iloc[-1]),
                change,
                True,
                tuple(line.iloc[-12:]),
                facts=facts,
            )
        )
    return tiles


def from_minutes(gap: dict[str, float]) -> list[Tile]:
    """Minutes spent on the segments that bring next to nothing; none where no minutes are known."""
    if pd.isna(gap["share"]):
        return []
    note = say("front.tiles.minutes_note", minutes=gap["minutes"])
    facts = {"share": gap["revenue_share"]}
    return [
        Tile(
            "minutes",
            "percent",
            gap["share"],
            more_is_better=False,
            note=note,
            facts=facts,
        )
    ]


def from_the_largest(news: News) -> list[Tile]:
    """How much of the last period's revenue hangs on the five largest customers; none where they
    are all there are."""
    revenue = news.now["revenue"]
    bought = revenue[revenue > 0]
    if len(bought) <= LARGEST:
        return []
    share = bought.nlargest(LARGEST).sum() / bought.sum()
    note = say("front.tiles.largest_note", days=news.days)
    facts: dict[str, float] = {"customers": LARGEST}
    return [Tile("largest", "percent", share, note=note, facts=facts)]
