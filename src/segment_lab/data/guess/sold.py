"""What was sold: the statuses, events and cancellations of a file, and its currencies."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from segment_lab.data.guess.columns import EMPTY, Amount, is_payment_status, status
from segment_lab.data.guess.facts import Columns
from segment_lab.data.guess.vocabulary import (
    literal,
    normal,
    one_of,
    quoted,
    ranked,
    state,
)
from segment_lab.texts import say

COUNTS = ("sold", "returned")


@dataclass
class Sold:
    """Conditions that leave in what was sold; which rows of the sample those are."""

    rows: pd.Series
    conditions: list[str] = field(default_factory=list)
    #: Columns that stand only in an order's first line.
    first_line: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    #: The column that tells won from lost, and its words by what they say.
    decided: str | None = None
    states: dict[str, list[str]] = field(default_factory=dict)


def sold(
    columns: Columns, frame: pd.DataFrame, order: str | None, taken: list[str]
) -> Sold:
    """Which rows are sales, by status, event and a date of cancellation."""
    found = Sold(pd.Series(True, index=frame.index))
    names = [n for n in status(columns) if n not in taken and columns[n].distinct <= 40]
    chosen = _telling(columns, names)
    if chosen:
        _by_status(found, columns, frame, chosen, order)
    elif names and columns[names[0]].distinct > 1:
        found.doubts.append(_asked(columns, names[0]))
    events = [n for n in status(columns, "event") if n not in [*taken, *names]]
    event = _telling(columns, events)
    if event and not chosen:
        _by_event(found, columns, frame, event)
    _by_cancellation(found, columns, frame, taken)
    return found


def _states(columns: Columns, name: str) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for value in columns[name].cells.value_counts().index:
        said.setdefault(state(value), []).append(value)
    return said


def _telling(columns: Columns, names: list[str]) -> str | None:
    """The first column of which some values say sold, and most are understood."""
    for name in names:
        said = _states(columns, name)
        if "sold" in said and "lost" in said:
            return name
    for name in names:
        said = _states(columns, name)
        if ("sold" in said or "lost" in said) and len(said) > 1:
            return name
    return next((name for name in names if "sold" in _states(columns, name)), None)


def _by_status(
    found: Sold, columns: Columns, frame: pd.DataFrame, name: str, order: str | None
) -> None:
    said = _states(columns, name)
    found.decided, found.states = name, said
    kept = [value for kind in COUNTS for value in said.get(kind, ())]
    left = [
        value for kind, values in said.items() if kind not in COUNTS for value in values
    ]
    if is_payment_status(name):
        left = said.get("lost", [])
        kept = [
            value for values in said.values() for value in values if value not in left
        ]
    if not left or not kept:
        return
    counts = frame[name].value_counts()
    _first_line(found, columns, frame, name, order)
    kept = [value for value in counts.index if value in kept]
    left = [value for value in counts.index if value in left]
    if is_payment_status(name):
        condition = " OR ".join(
            [f"{quoted(name)} IS NULL", f"NOT {one_of(name, left)}"]
        )
        found.rows &= ~frame[name].isin(left)
        condition = f"({condition})"
    else:
        condition = one_of(name, kept)
        found.rows &= frame[name].isin(kept)
    found.conditions.append(condition)
    facts = {"kept": _listed(counts, kept), "left": _listed(counts, left)}
    found.notes.append(say("init.took.status", column=name, **facts))
    if "unknown" in said and "lost" not in said and not is_payment_status(name):
        found.doubts.append(
            say("init.doubt.unknown_status", column=name, values=said["unknown"])
        )


def _first_line(
    found: Sold, columns: Columns, frame: pd.DataFrame, name: str, order: str | None
) -> None:
    """A value that stands in the first line of an order alone is meant for all of its lines."""
    empty = frame[name].isna()
    if order and empty.any():
        above = frame[name].notna().groupby(frame[order]).any()
        if frame[order][empty].map(above).fillna(False).mean() > 0.9:
            found.first_line.append(name)
            frame[name] = frame.groupby(order)[name].transform("first")


def _by_event(found: Sold, columns: Columns, frame: pd.DataFrame, name: str) -> None:
    said = _states(columns, name)
    kept = [value for kind in COUNTS for value in said.get(kind, ())]
    left = columns[name].distinct - len(kept)
    if not left:
        if "returned" in said:
            found.notes.append(
                say("init.took.refund_rows", column=name, values=said["returned"])
            )
        return
    found.rows &= frame[name].isin(kept)
    found.conditions.append(one_of(name, kept))
    found.notes.append(say("init.took.event", column=name, kept=kept, left=left))


def _by_cancellation(
    found: Sold, columns: Columns, frame: pd.DataFrame, taken: list[str]
) -> None:
    for name in ranked(columns, "cancelled"):
        facts = columns[name]
        rare = 0 < facts.filled < 0.6 and facts.days >= 0.9
        if rare and name not in taken:
            found.conditions.append(f"{quoted(name)} IS NULL")
            rows = int(frame[name].notna().sum())
            found.rows &= frame[name].isna()
            found.notes.append(say("init.took.cancelled", column=name, rows=rows))
            return


def _asked(columns: Columns, name: str) -> str:
    counts = columns[name].cells.value_counts()
    example = f"where: {one_of(name, [str(counts.index[0])])}"
    values = _listed(counts, list(counts.index))
    return say("init.doubt.status", column=name, values=values, example=example)


def _listed(counts: pd.Series, values: list[str]) -> str:
    shown = [f"{value} ({counts[value]:,})" for value in values[:6]]
    return ", ".join(shown) + (" …" if len(values) > 6 else "")


def currency(
    columns: Columns, frame: pd.DataFrame, paid: Amount, found: Sold, order: str | None
) -> str:
    """The currency of the amounts; with several, the commonest, and a condition that keeps the
    others out."""
    name = paid.currency
    if name is None:
        return _marked(columns, paid, found)
    counts = columns[name].cells.value_counts()
    counts = counts[[len(value) <= 4 for value in counts.index]]
    if counts.empty:
        return ""
    main = str(counts.index[0])
    if len(counts) > 1:
        _first_line(found, columns, frame, name, order)
        found.conditions.append(f"{quoted(name)} = {literal(main)}")
        found.rows &= frame[name] == main
        listed = _listed(counts, list(counts.index))
        found.doubts.append(
            say("init.doubt.currencies", column=name, values=listed, main=main)
        )
    return main.upper()


def _marked(columns: Columns, paid: Amount, found: Sold) -> str:
    """The currency that amounts carry themselves, or that their header names."""
    from segment_lab.data.reading import CURRENCY_MARKS

    facts = columns.get(paid.columns[0])
    if facts is None:
        return ""
    marks = facts.cells.str.extract(rf"({CURRENCY_MARKS})", expand=False).value_counts()
    if len(marks) > 1:
        listed = _listed(marks, list(marks.index))
        found.doubts.append(say("init.doubt.marks", column=facts.name, values=listed))
    if len(marks):
        return str(marks.index[0])
    named = facts.name.rsplit(None, 1)[-1].strip("().,") if " " in facts.name else ""
    known = named and pd.Series([named]).str.fullmatch(CURRENCY_MARKS).item()
    return named if known else ""


def missing_amounts(
    columns: Columns, frame: pd.DataFrame, paid: Amount, found: Sold
) -> int:
    """Sales without an amount, where they are a part of all: a deal won, its sum not written."""
    name = paid.columns[0]
    if not found.decided or name not in frame:
        return 0
    rows = frame[found.rows]
    empty = int(rows[name].isna().sum())
    return empty if EMPTY < empty / max(1, len(rows)) < 0.5 else 0


def is_deal(columns: Columns) -> bool:
    """Whether a file's status is a stage of deals, which end won or lost."""
    return any(
        word in normal(name)
        for name in columns
        for word in (
            "deal",
            "lead",
            "opportunity",
            "stage",
            "сделк",
            "стади",
            "этап",
            "szans",
            "etap",
        )
    )
