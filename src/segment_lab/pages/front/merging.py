"""Small segments that are served alike share a row of page one: fewer rows, the same order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from segment_lab.pages.front.treatments import Treatment, habits
from segment_lab.texts import say, shown

#: Of so many segments in a row it is said who each are, of more who they are together.
MOST_SAID = 3


def merged(treatments: Sequence[Treatment]) -> list[Treatment]:
    """The rows, with those that are served alike as one, at the place of the first.

    Alike are segments of one stance and one standing treatment that are too small for a campaign of
    their own (`Treatment.few`).
    """
    alike: dict[tuple[str, ...], list[Treatment]] = {}
    for row in treatments:
        own = () if row.few else (row.segment,)
        key = (row.stance, row.serve, row.by, *own)
        alike.setdefault(key, []).append(row)
    return [_one(rows) for rows in alike.values()]


def _one(rows: list[Treatment]) -> Treatment:
    first = rows[0]
    if len(rows) == 1:
        return first
    money = pd.DataFrame([row.history for row in rows if row.history]).sum()
    largest = max(row.reachable for row in rows)
    why = say("front.segments.too_few_each", segments=len(rows), largest=largest)
    depends = dict.fromkeys(scheme for row in rows for scheme in row.depends)
    return replace(
        first,
        who=_who_each(rows),
        customers=sum(row.customers for row in rows),
        reachable=sum(row.reachable for row in rows),
        why=why,
        changes=(),
        history=tuple(money),
        hours_now=sum(row.hours_now for row in rows),
        hours_freed=sum(row.hours_freed for row in rows),
        hours_gained=sum(row.hours_gained for row in rows),
        called=sum(row.called for row in rows),
        file="",
        depends=tuple(depends),
        share=sum(row.share for row in rows if pd.notna(row.share)),
        of=tuple(rows),
    )


def _who_each(rows: list[Treatment]) -> str:
    """Who the customers of each are, the first thing said of them; of more than a few what is
    usual among them all."""
    if len(rows) > MOST_SAID:
        return habits(pd.concat([row.people for row in rows]))
    parts = [
        {"name": shown(row.segment), "who": row.who.split(". ")[0].rstrip(".")}
        for row in rows
        if row.who
    ]
    return say("front.segments.who_each", parts=parts)
