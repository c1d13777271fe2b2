"""Logs of telephone calls: who was spoken with, when, for how long."""

from __future__ import annotations

from segment_lab.data.guess import columns as choose
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.opening import Opened, Proposal, cannot_tell
from segment_lab.data.guess.values import day_layout
from segment_lab.data.guess.vocabulary import normal, touch, vocabulary
from segment_lab.data.quoting import literal, one_of, quoted
from segment_lab.texts import say

CLOCK = r"\d{1,3}:\d{2}(:\d{2})?"
#: So many values must be of a kind.
MOST = 0.9


def is_log(columns: Columns) -> bool:
    """Whether rows are calls: a day, how long it was, and its direction in words."""
    return bool(_day(columns) and _duration(columns) and _direction(columns))


def calls(file: Opened, proposal: Proposal) -> None:
    """Calls as contacts with customers: those that nobody answered reached nobody."""
    columns = file.columns
    day, lasted = str(_day(columns)), str(_duration(columns))
    direction = str(_direction(columns))
    buyer = choose.customer(columns, [day, lasted, direction])
    expression = buyer.expression if buyer else _number(columns)
    if expression is None:
        raise cannot_tell(file, ["customer_id"])
    values = list(columns[direction].cells.unique())
    missed = [value for value in values if touch(value) == "undelivered"]
    event = literal("call")
    if missed:
        unanswered = f"WHEN {one_of(direction, missed)} THEN 'undelivered'"
        event = f"CASE {unanswered} ELSE 'call' END"
    mapping = {
        "customer_id": expression,
        "touch_date": day,
        "channel": literal("call"),
        "event": event,
        "minutes": _minutes(columns[lasted], proposal),
    }
    written, doubts = day_layout(file.raw.table, day)
    proposal.sources["touches"] = file.source | {"columns": mapping} | written
    proposal.doubts += doubts
    names = {"column": direction, "values": missed}
    proposal.took.append(say("init.took.calls", minutes=lasted, **names))


def _day(columns: Columns) -> str | None:
    return choose.first(columns, "touch_date", choose.is_day) or choose.order_date(
        columns
    )


def _duration(columns: Columns) -> str | None:
    def fits(facts: Facts) -> bool:
        clock = facts.cells.str.fullmatch(CLOCK).mean() if len(facts.cells) else 0
        return facts.filled > 0.5 and max(clock, facts.numbers) >= MOST

    return choose.first(columns, "call_duration", fits)


def _direction(columns: Columns) -> str | None:
    """The column whose words all say which way a call went, or that nobody answered."""
    for name, facts in columns.items():
        if not 0 < facts.distinct <= 12 or facts.numbers > 0.5:
            continue
        said = {touch(value) for value in facts.cells.unique()}
        if "call" in said and said <= {"call", "undelivered"}:
            return name
    return None


def _number(columns: Columns) -> str | None:
    """The telephone number, whatever it is called."""
    for name, facts in columns.items():
        long = facts.cells.str.contains(r"\d{3}.*\d{3}").mean() if facts.filled else 0
        if facts.phones >= MOST and facts.days < 0.5 and long >= MOST:
            return name
    return None


def _minutes(facts: Facts, proposal: Proposal) -> str:
    """The minutes that a call took: from a clock, or from seconds."""
    name = quoted(facts.name)
    if facts.cells.str.fullmatch(CLOCK).mean() >= MOST:
        parts = [f"split_part({name}, ':', {place})" for place in (1, 2, 3)]
        if facts.cells.str.count(":").max() == 1:
            return f"{parts[0]} * 1 + {parts[1]} / 60"
        return f"{parts[0]} * 60 + {parts[1]} * 1 + {parts[2]} / 60"
    words = set(normal(facts.name).split())
    if words & set(vocabulary()["minutes"]):
        return facts.name
    if not words & set(vocabulary()["seconds"]):
        proposal.doubts.append(say("init.doubt.seconds", column=facts.name))
    return f"{name} / 60"
