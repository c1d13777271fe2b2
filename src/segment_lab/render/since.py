"""What changed since the last run: periods against periods, a restated past, and changes of rules,
parameters or version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from segment_lab.texts import say

if TYPE_CHECKING:
    from segment_lab.study.study import Study

#: Full months that make a period.
PERIOD = 3
#: Restated months that are told one by one.
TOLD = 3
#: From this share of the past's revenue on, a restated past is told on page one and by the run.
MATERIAL = 0.02
#: What makes a run beside the data; a change of it is told.
MADE_WITH = ("methods", "decision", "comparison", "playbook", "rest", "code")


def by_month(study: Study) -> dict[str, tuple[int, float]]:
    """Lines and revenue of every month before the study's day, as counts and sums that a later run
    can be held against; empty without orders."""
    if not study.has("orders"):
        return {}
    lines = study.orders(all_time=True)
    day = lines.order_date.cast("date")
    months = lines.group_by(year=day.year(), month=day.month())
    table = months.aggregate(lines=lines.count(), revenue=lines.amount.sum().round(2))
    rows = table.order_by("year", "month")
    found = rows.get_backend().to_pyarrow(rows).to_pylist()
    return {
        f"{row['year']:04}-{row['month']:02}": (
            int(row["lines"]),
            float(row["revenue"]),
        )
        for row in found
    }


def told(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[str]:
    """Sentences about two manifests: the last period, what was restated, what else is not alike."""
    sentences = periods(now)
    if before is None:
        return sentences
    return [*sentences, *restated(now, before), *otherwise_made(now, before)]


def periods(now: Mapping[str, Any]) -> list[str]:
    """The last full months beside those before them and those a year earlier."""
    months = now.get("months") or {}
    last = _months_before(now["as_of"], PERIOD)
    if not months or min(months) > last[0]:
        return []
    revenue = _sum(months, last)
    earlier = {
        "before": _months_before(f"{last[0]}-01", PERIOD),
        "year": [f"{int(month[:4]) - 1}{month[4:]}" for month in last],
    }
    change = {}
    for name, compared in earlier.items():
        money = _sum(months, compared) if min(months) <= compared[0] else 0.0
        change[name] = revenue / money - 1 if money > 0 else None
    facts = {
        "first": _day(last[0]),
        "last": _day(last[-1]),
        "revenue": revenue,
    }
    return [say("since.period", months=PERIOD, **facts, **change)]


def restated(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Months that were over at the earlier run and have other figures now."""
    changed = []
    for month in _over(now, before):
        lines, revenue = now["months"].get(month, (0, 0.0))
        lines_before, revenue_before = before["months"].get(month, (0, 0.0))
        if lines != lines_before or abs(revenue - revenue_before) > 0.005:
            change = {
                "lines": lines - lines_before,
                "revenue": revenue - revenue_before,
            }
            changed.append({"month": _day(month), **change})
    largest = sorted(changed, key=lambda row: -abs(row["revenue"]))[:TOLD]
    sentences = [
        say("since.restated", **row)
        for row in sorted(largest, key=lambda r: r["month"])
    ]
    if len(changed) > TOLD:
        sentences.append(say("since.restated_more", months=len(changed) - TOLD))
    return sentences


def materially_restated(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """`restated`, where so much of the past's revenue changed that it may be half a file or
    another unit; the first month of an export that moves along is no full month."""
    over = _over(now, before)
    if not over:
        return []
    old, new = before["months"], now["months"]
    begins = max(min(old), min(new))
    moved = past = 0.0
    for month in over:
        if month > begins:
            earlier = old.get(month, (0, 0.0))[1]
            moved += abs(new.get(month, (0, 0.0))[1] - earlier)
            past += abs(earlier)
    return restated(now, before) if moved > MATERIAL * past else []


def _over(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Months that were over at the earlier run; none where one of the two knows no months."""
    old, new = before.get("months"), now.get("months")
    if not old or not new:
        return []
    end = min(before["as_of"], now["as_of"])[:7]
    return sorted(month for month in {*old, *new} if month < end)


def otherwise_made(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """What else is not alike: rules, parameters, playbook, version."""
    new, old = now.get("made_with") or {}, before.get("made_with") or {}
    changed = [name for name in MADE_WITH if name in old and new.get(name) != old[name]]
    return [say(f"since.changed.{name}") for name in changed]


def _months_before(day: str, count: int) -> list[str]:
    year, month = int(day[:4]), int(day[5:7])
    found = []
    for _ in range(count):
        month -= 1
        if month == 0:
            year, month = year - 1, 12
        found.append(f"{year:04}-{month:02}")
    return found[::-1]


def _sum(months: Mapping[str, Sequence[float]], wanted: Sequence[str]) -> float:
    return sum(months[month][1] for month in wanted if month in months)


def _day(month: str) -> dt.date:
    return dt.date(int(month[:4]), int(month[5:7]), 1)
