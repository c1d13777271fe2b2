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
    return bool(_day(columns) and _duration(columns) and _told(columns))


def calls(file: Opened, proposal: Proposal) -> None:
    """Calls as contacts with customers: those that nobody answered reached nobody."""
    columns = file.columns
    day, lasted = str(_day(columns)), str(_duration(columns))
    told = _told(columns)
    buyer = choose.customer(columns, [day, lasted, *told])
    expression = buyer.expression if buyer else _other_side(columns, told)
    if expression is None:
        raise cannot_tell(file, ["customer_id"])
    missed = {name: _unanswered(columns[name]) for name in told}
    tests = [one_of(name, values) for name, values in missed.items() if values]
    event = literal("call")
    if tests:
        event = f"CASE WHEN {' OR '.join(tests)} THEN 'undelivered' ELSE 'call' END"
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
    unanswered = [value for values in missed.values() for value in values]
    facts = {"minutes": lasted, "customer": expression, "values": unanswered}
    proposal.took.append(say("init.took.calls", **facts))


def _day(columns: Columns) -> str | None:
    return choose.first(columns, "touch_date", choose.is_day) or choose.order_date(
        columns
    )


def _duration(columns: Columns) -> str | None:
    def fits(facts: Facts) -> bool:
        clock = facts.cells.str.fullmatch(CLOCK).mean() if len(facts.cells) else 0
        return facts.filled > 0.5 and max(clock, facts.numbers) >= MOST

    return choose.first(columns, "call_duration", fits)


def _told(columns: Columns) -> list[str]:
    """The columns whose words all say which way a call went, or whether it was answered."""
    found = []
    for name, facts in columns.items():
        if not 0 < facts.distinct <= 12 or facts.numbers > 0.5:
            continue
        said = {_meant(value) for value in facts.cells.unique()}
        if said <= {"call", "undelivered"} and facts.filled > 0.5:
            found.append(name)
    ways = any(_outgoing(columns[name]) or _unanswered(columns[name]) for name in found)
    return found if ways else []


def _meant(value: str) -> str | None:
    plain = value.strip().lower()
    for event, words in vocabulary()["call_words"].items():
        if plain in words:
            return event
    return touch(value)


def _unanswered(facts: Facts) -> list[str]:
    return [v for v in facts.cells.unique() if _meant(v) == "undelivered"]


def _outgoing(facts: Facts) -> list[str]:
    words = tuple(vocabulary()["outgoing"])
    return [v for v in facts.cells.unique() if v.lower().startswith(words)]


def _other_side(columns: Columns, told: list[str]) -> str | None:
    """The number that is not one's own: the one called, or of incoming calls the caller's; else
    the only number there is."""
    caller = choose.first(columns, "call_from", _is_number)
    called = choose.first(columns, "call_to", _is_number)
    for name in told:
        out = _outgoing(columns[name])
        if caller and called and out:
            test = one_of(name, out)
            return f"CASE WHEN {test} THEN {quoted(called)} ELSE {quoted(caller)} END"
    numbers = [name for name, facts in columns.items() if _is_number(facts)]
    return quoted(numbers[0]) if len(numbers) == 1 else None


def _is_number(facts: Facts) -> bool:
    """Whether a column holds telephone numbers, whatever it is called."""
    if not len(facts.cells) or facts.days >= 0.5:
        return False
    long = facts.cells.str.contains(r"\d{3}.*\d{3}", regex=True).mean()
    return facts.phones >= MOST and bool(long >= MOST)


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
