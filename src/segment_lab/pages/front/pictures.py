"""The two pictures of page one: where the change came from, and where the money is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup

from segment_lab import texts
from segment_lab.act import market
from segment_lab.pages.front.news import News
from segment_lab.show.svg import Area, Bar, area_map, bridge, lying_bars, without_name
from segment_lab.texts import say
from segment_lab.texts.formats import SPOKEN, decimal
from segment_lab.texts.languages import subject

#: A segment that changed by less keeps the neutral colour; by more than the second it is strong.
NOTICED, STRONG = 0.03, 0.25
#: Accounts explain a loss where they are no more than this share of all who bought less, and hold
#: no less than it of what was lost.
FEW = 0.25
#: A named segment is filling up from this growth on.
FILLING = 0.1


def bridge_picture(news: News) -> dict[str, str | Markup] | None:
    """From the earlier period's revenue to the last one's, by what customers did."""
    if news.before is None:
        return None
    before, after = (
        float(news.before["revenue"].sum()),
        float(news.now["revenue"].sum()),
    )
    start = (
        "front.bridge.start_year" if news.on_last_year else "front.bridge.start_period"
    )
    bars = [Bar(say(start), _short(before), 0.0, before, "total")]
    level = before
    for move in market.MOVES:
        change = float(news.moves["change"].loc[move])
        tone = "up" if change >= 0 else "down"
        text = ("+" if change > 0 else "") + _short(change)
        bars.append(Bar(say(f"front.bridge.{move}"), text, level, level + change, tone))
        level += change
    bars.append(
        Bar(say("front.bridge.end", days=news.days), _short(after), 0.0, after, "total")
    )
    changes = {
        str(move): float(news.moves["change"].loc[move]) for move in market.MOVES
    }
    alt = say("front.bridge.alt", before=before, after=after, **changes)
    return {
        "title": _bridge_title(news),
        "svg": bridge(bars, alt),
        "narrow": bridge(bars, alt, narrow=True),
    }


def _bridge_title(news: News) -> str:
    accounts, part, total = news.few_accounts()
    few = accounts <= FEW * (news.by_customer < 0).sum() and part >= FEW * total
    if news.change >= 0 or not few or not total:
        return say("front.bridge.title_plain")
    return say("front.bridge.title_few", accounts=accounts, part=part, total=total)


def _short(value: float) -> str:
    """Thousands or millions, as an axis would write them."""
    patterns = subject(texts.language(), "words")["short"]
    for limit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            scaled = value / limit
            written = decimal(scaled, 0 if abs(scaled) >= 10 else 1)
            return str(patterns[letter]).format(written)
    return decimal(value, 0)


def bars_picture(key: str, values: pd.Series, kind: str) -> dict[str, str | Markup]:
    """A value per name as lying bars, in the order of `values`; `key`: what they show, under
    ``alone.pictures``; `kind`: how a value is written."""
    title = say(f"alone.pictures.{key}")
    rows = [
        (str(name), SPOKEN[kind](float(value)), float(value))
        for name, value in values.items()
    ]
    parts = [f"{name} {text}" for name, text, _ in rows]
    alt = say("alone.pictures.alt", title=title, parts=parts)
    return {
        "title": title,
        "svg": lying_bars(rows, alt),
        "narrow": lying_bars(rows, alt, narrow=True),
        "note": "",
    }


def map_picture(
    segments: pd.DataFrame, growing: Mapping[str, int], days: int, since: dt.date
) -> dict[str, str | Markup] | None:
    """Segments by the revenue they bring, coloured by how their number of customers changed.

    Parameters
    ----------
    segments : DataFrame
        Index segment; ``customers``, ``revenue``, ``revenue_share``, ``change`` (of customers).
    growing : mapping of str to int
        By segment whether its growth is good news (1), bad (−1) or neither (0).
    days : int
        Over which the number of customers changed.
    since : date
        From when on revenue counts.
    """
    shown = segments[segments["revenue"] > 0]
    if shown.empty:
        return None
    areas = []
    for name, row in shown.iterrows():
        lines = [say("front.map.share", share=row["revenue_share"])]
        lines.append(say("front.map.customers", customers=row["customers"]))
        if pd.notna(row["change"]):
            lines.append(say("front.map.change", change=row["change"]))
        tone = tone_of(row["change"], growing.get(str(name), 0))
        areas.append(Area(float(row["revenue"]), texts.shown(name), tuple(lines), tone))
    parts = [
        say("front.map.part", name=str(name), share=row["revenue_share"])
        for name, row in shown.iterrows()
    ]
    unwelcome = [growing.get(str(name), 0) < 0 for name in shown.index]
    filling = shown[(shown["change"] >= FILLING) & np.array(unwelcome)]
    title = say("front.map.title")
    if len(filling):
        names = [
            str(name)
            for name in filling.sort_values("revenue", ascending=False).index[:3]
        ]
        title = say("front.map.title_filling", names=names, count=len(names))
    alt = say("front.map.alt", parts=parts)
    coloured = bool(shown["change"].notna().any())
    facts = {"days": days, "since": since, "coloured": coloured}
    notes = [
        say("front.map.legend", small=without_name(areas, narrow), **facts)
        for narrow in (False, True)
    ]
    return {
        "title": title,
        "svg": area_map(areas, alt),
        "note": notes[0],
        "narrow": area_map(areas, alt, narrow=True),
        "narrow_note": notes[1],
    }


def tone_of(change: float, growing: int) -> str:
    """Whether a change of customers is ``good-…`` or ``bad-…`` news, weak (1) or strong (2); or
    ``same``."""
    if pd.isna(change) or abs(change) < NOTICED or not growing:
        return "same"
    good = change * growing > 0
    strength = 2 if abs(change) >= STRONG else 1
    return f"{'good' if good else 'bad'}-{strength}"
