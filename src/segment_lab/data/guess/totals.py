"""Rows that are no sales: totals, subtotals, headers said again and footers among the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pandas as pd

from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.columns import Customer
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.rows import DAYS
from segment_lab.data.guess.vocabulary import total_of, vocabulary
from segment_lab.data.quoting import literal, one_of, quoted
from segment_lab.texts import say

#: A footer has so many rows at most.
FOOTER = 12


@dataclass
class Aside:
    """Rows that are no sales: the condition that finds them, and the words for it."""

    rows: pd.Series
    conditions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def totals(
    columns: Columns,
    frame: pd.DataFrame,
    buyer: Customer,
    day: str,
    paid: Amount,
) -> Aside:
    """Totals, subtotals, repeated headers and footers among the rows."""
    aside = Aside(rows=pd.Series(False, index=frame.index))
    for name in dict.fromkeys([*buyer.columns, *map(str, list(frame)[:2])]):
        if name in frame and not columns[name].numbers > 0.9:
            _named_totals(aside, frame, name, columns[name], buyer)
    if day in frame:
        _undated_totals(aside, columns, frame, day)
    _headings(aside, frame, buyer, day)
    _unnamed_totals(aside, frame, buyer, day, paid)
    _footers(aside, frame, buyer, day)
    return aside


def _named_totals(
    aside: Aside,
    frame: pd.DataFrame,
    name: str,
    facts: Facts,
    buyer: Customer,
) -> None:
    everyone = set(facts.cells.str.lower())
    if buyer.columns[0] in frame:
        everyone |= set(frame[buyer.columns[0]].dropna().str.lower())
    found = []
    for value in _may_be_totals(facts.cells):
        of = total_of(value)
        if of is None:
            continue
        if of == "" or of.lower() in everyone or _lonely(frame[frame[name] == value]):
            found.append(value)
    if not found:
        return
    here = frame[name].isin(found)
    condition = _named(name, found, everyone)
    _add(
        aside,
        here,
        condition,
        say(
            "init.took.totals",
            rows=int(here.sum()),
            examples=found[:3],
        ),
    )


def _undated_totals(
    aside: Aside,
    columns: Columns,
    frame: pd.DataFrame,
    day: str,
) -> None:
    """A word of totals in any other column, such as the document's number, in rows without a
    day."""
    for name, facts in columns.items():
        if name == day or facts.numbers > 0.9:
            continue
        found = [v for v in _may_be_totals(facts.cells) if total_of(v) == ""]
        here = frame[name].isin(found)
        if found and frame[day][here].isna().all():
            note = say(
                "init.took.totals",
                rows=int(here.sum()),
                examples=found[:3],
            )
            _add(aside, here, one_of(name, found), note)


def _may_be_totals(cells: pd.Series) -> list[str]:
    """The different values with a word of totals anywhere in them."""
    values = pd.Series(cells.unique())
    held = "|".join(map(re.escape, vocabulary()["totals"]))
    return (
        values[
            values.str.contains(
                held,
                case=False,
                regex=True,
            )
        ].tolist()
        if len(values)
        else []
    )


def _lonely(rows: pd.DataFrame) -> bool:
    """Whether rows hold next to nothing beside their name: less than half of the other cells."""
    return bool((rows.notna().mean(axis=1) < 0.4).all())


def _named(name: str, found: list[str], everyone: set[str]) -> str:
    """The condition for totals: as a pattern, which next month's file fits too, where it fits no
    customer; else as they are written."""
    alone: list[str] = []
    patterns: list[str] = []
    known = {value.lower() for value in found}
    for value in found:
        word = value.lower().replace((total_of(value) or "").lower(), "").strip(" :")
        start, end = f"{word} ", f" {word}"
        before = {other for other in everyone if other.startswith(start)}
        behind = {other for other in everyone if other.endswith(end)}
        if value.lower() in before <= known:
            patterns.append(start + "%")
        elif value.lower() in behind <= known:
            patterns.append("%" + end)
        else:
            alone.append(value)
    plain = f"lower({quoted(name)})"
    conditions = [f"{plain} LIKE {literal(form)}" for form in dict.fromkeys(patterns)]
    return " OR ".join(conditions + ([one_of(name, alone)] if alone else []))


def _headings(aside: Aside, frame: pd.DataFrame, buyer: Customer, day: str) -> None:
    """Rows with a text where the others have their day, and without a customer: "30 days past
    due"."""
    if day not in frame or buyer.columns[0] not in frame:
        return
    nobody = frame[list(buyer.columns)].isna().all(axis=1) & frame[day].notna()
    for pattern in DAYS:
        dated = frame[day].str.contains(pattern, regex=True).fillna(False)
        here = nobody & ~dated & ~aside.rows
        if dated.mean() >= 0.5 and here.any() and not (nobody & dated).any():
            examples = list(frame[day][here].unique()[:3])
            note = say(
                "init.took.headings",
                rows=int(here.sum()),
                examples=examples,
            )
            _add(
                aside,
                here,
                f"NOT regexp_matches({quoted(day)}, {literal(pattern)})",
                note,
            )
            return


def _unnamed_totals(
    aside: Aside,
    frame: pd.DataFrame,
    buyer: Customer,
    day: str,
    paid: Amount,
) -> None:
    """Rows without a day whose amounts are the sums of the rows with one."""
    if day not in frame or paid.columns[0] not in frame:
        return
    bare = frame[day].isna() & frame[paid.columns[0]].notna()
    dated = frame[day].notna() & ~aside.rows
    if not bare.any() or not dated.any():
        return
    cells = frame.notna().sum(axis=1)
    if cells[bare].max() > 0.6 * cells[dated].mean():
        return  # whole rows that lack a day are no totals
    amounts = (
        Facts("", len(frame), frame[paid.columns[0]].fillna("0")).amounts().fillna(0)
    )
    sums, whole = amounts[bare & ~aside.rows].sum(), amounts[dated].sum()
    if not whole or not any(
        abs(sums - times * whole) < 0.005 * abs(whole) for times in (1, 2)
    ):
        return
    note = say(
        "init.took.unnamed_totals",
        rows=int(bare.sum()),
        column=day,
    )
    _add(aside, bare, f"{quoted(day)} IS NULL", note)


def _footers(aside: Aside, frame: pd.DataFrame, buyer: Customer, day: str) -> None:
    """The last rows, where none of them has a day."""
    name = buyer.columns[0]
    if day not in frame or name not in frame or len(frame) < 3:
        return
    dated = frame[day].str.contains(r"\d{2}", regex=True).fillna(False)
    good = dated[dated & ~aside.rows]
    if good.empty:
        return
    below = frame.loc[good.index[-1] + 1 :]
    below = below[~aside.rows.loc[below.index] & below[name].notna()]
    if 0 < len(below) <= FOOTER and not frame[name][dated].isin(below[name]).any():
        here = frame.index.isin(below.index)
        note = say(
            "init.took.footer",
            rows=len(below),
            examples=list(below[name][:3]),
        )
        _add(
            aside,
            pd.Series(here, index=frame.index),
            one_of(name, below[name].unique()),
            note,
        )


def _add(aside: Aside, here: pd.Series, condition: str, note: str) -> None:
    if not (here & ~aside.rows).any():
        return
    aside.rows |= here
    aside.conditions.append(condition)
    aside.notes.append(note)
