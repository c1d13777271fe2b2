"""Which rows are no sales: totals, headings, footers; and whether an amount is the order's."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.columns import FULL, Customer
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.vocabulary import (
    is_balance,
    is_guest,
    ranked,
    total_of,
    vocabulary,
)
from segment_lab.data.quoting import literal, one_of, quoted
from segment_lab.errors import DataError, Fault
from segment_lab.texts import say

#: A day within a longer text, such as a document's name.
DAYS = (r"\d{2}\.\d{2}\.\d{4}", r"\d{4}-\d{2}-\d{2}", r"\d{1,2}/\d{1,2}/\d{4}")
FOOTER = 12
#: Roles that name a customer.
WHOSE = ("customer_id", "company", "person", "email", "phone")


@dataclass
class Tree:
    """A report in which a heading names the customer of the rows below it."""

    source: dict[str, Any]
    day: str
    column: str
    pattern: str | None = None

    def data(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows below headings, and totals."""
        texts = frame[self.column].fillna("")
        if self.pattern is None:  # the day stands in a column of its own
            dated = frame[self.day].notna()
        else:
            dated = texts.str.contains(self.pattern, regex=True)
        total = pd.Series(
            [total_of(text) is not None for text in texts], index=frame.index
        )
        return frame[dated | total].reset_index(drop=True)


@dataclass
class Aside:
    """Rows that are no sales: the condition that finds them, and the words for it."""

    rows: pd.Series
    conditions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def tree(columns: Columns) -> Tree | None:
    """The column that mixes headings with dated rows, where the file has one.

    In some systems' reports the customer stands above its documents, whose day is in their name;
    in others above the day's column.
    """
    for name, facts in columns.items():
        if facts.filled < 0.5 or facts.distinct < 3:
            continue
        for pattern in DAYS:
            dated = facts.cells.str.contains(pattern, regex=True)
            if not 0.3 <= dated.mean() <= 0.97:
                continue
            headings = facts.cells[~dated]
            named = headings[[_names_group(value) for value in headings]]
            if named.nunique() < 2:
                continue
            if _below_documents(dated, facts.cells):
                raise DataError(
                    say("init.fault.levels_title"),
                    [
                        Fault(
                            name,
                            say("init.fault.levels"),
                            say("init.fault.levels_remedy"),
                        )
                    ],
                )
            # A heading stands above rows; so the first is one, and none comes twice.
            if dated.iloc[0] or named.duplicated().mean() > 0.1:
                continue
            when = f"NOT regexp_matches({quoted(name)}, {literal(pattern)})"
            source = {"groups": {"heading": {"column": name, "when": when}}}
            day = f"regexp_extract({quoted(name)}, {literal(pattern)})"
            return Tree(source, day, name, pattern)
    return None


def _names_group(heading: str) -> bool:
    return total_of(heading) is None and not is_balance(heading)


def _below_documents(dated: pd.Series, cells: pd.Series) -> bool:
    """Whether documents have rows of goods below them, which look like headings of what follows."""
    total = pd.Series(
        [total_of(value) is not None for value in cells], index=cells.index
    )
    shape = dated[~total]
    below = ~shape & shape.shift(
        fill_value=False
    )  # a heading, or the first of the goods
    again = ~shape & ~shape.shift(fill_value=False)
    starts_twice = again.iloc[1:].sum()
    return bool(below.any() and starts_twice >= 0.5 * below.sum())


def headed(columns: Columns, frame: pd.DataFrame) -> Tree | None:
    """A report whose first column names the customer in a row of its own, above rows in which that
    column is empty and another one has the day."""
    for name in list(columns)[:3]:
        facts = columns[name]
        if not 0 < facts.filled <= 0.7:
            continue
        for day in ranked(columns, "order_date"):
            below = columns[day]
            if below.days < 0.9 or below.filled < 0.2 or day == name:
                continue
            dated, named = frame[day].notna(), frame[name].notna()
            if (dated & named).any() or not dated.any() or dated.iloc[0]:
                continue
            alone = named & (frame.notna().sum(axis=1) == 1)
            if not alone[: dated.idxmax()].any():
                continue
            source = {
                "groups": {
                    "heading": {"column": name, "when": f"trim({quoted(name)}) <> ''"}
                }
            }
            return Tree(source, day, name)
    return None


def totals(
    columns: Columns, frame: pd.DataFrame, buyer: Customer, day: str, paid: Amount
) -> Aside:
    """Totals, subtotals, repeated headers and footers among the rows."""
    aside = Aside(rows=pd.Series(False, index=frame.index))
    for name in dict.fromkeys([*buyer.columns, *map(str, list(frame)[:2])]):
        if name in frame and not columns[name].numbers > 0.9:
            _named_totals(aside, frame, name, columns[name], buyer)
    if day in frame:
        _undated_totals(aside, columns, frame, day)
    _header_again(aside, frame)
    _headings(aside, frame, buyer, day)
    _unnamed_totals(aside, frame, buyer, day, paid)
    _footers(aside, frame, buyer, day)
    return aside


def _named_totals(
    aside: Aside, frame: pd.DataFrame, name: str, facts: Facts, buyer: Customer
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
        say("init.took.totals", rows=int(here.sum()), examples=found[:3]),
    )


def _undated_totals(
    aside: Aside, columns: Columns, frame: pd.DataFrame, day: str
) -> None:
    """A word of totals in any other column, such as the document's number, in rows without a
    day."""
    for name, facts in columns.items():
        if name == day or facts.numbers > 0.9:
            continue
        found = [v for v in _may_be_totals(facts.cells) if total_of(v) == ""]
        here = frame[name].isin(found)
        if found and frame[day][here].isna().all():
            note = say("init.took.totals", rows=int(here.sum()), examples=found[:3])
            _add(aside, here, one_of(name, found), note)


def _may_be_totals(cells: pd.Series) -> list[str]:
    """The different values with a word of totals anywhere in them."""
    values = pd.Series(cells.unique())
    held = "|".join(map(re.escape, vocabulary()["totals"]))
    return (
        values[values.str.contains(held, case=False, regex=True)].tolist()
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


def _header_again(aside: Aside, frame: pd.DataFrame) -> None:
    again = pd.Series(True, index=frame.index)
    for name in frame:
        again &= frame[name].fillna("") == name
        if not again.any():
            return
    name = str(frame.columns[0])
    note = say("init.took.header_again", rows=int(again.sum()))
    _add(aside, again, one_of(name, [name]), note)


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
            note = say("init.took.headings", rows=int(here.sum()), examples=examples)
            _add(
                aside,
                here,
                f"NOT regexp_matches({quoted(day)}, {literal(pattern)})",
                note,
            )
            return


def _unnamed_totals(
    aside: Aside, frame: pd.DataFrame, buyer: Customer, day: str, paid: Amount
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
    note = say("init.took.unnamed_totals", rows=int(bare.sum()), column=day)
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
        note = say("init.took.footer", rows=len(below), examples=list(below[name][:3]))
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


def first_of_the_day(
    columns: Columns, frame: pd.DataFrame, buyer: Customer | None
) -> str | None:
    """A column of days that holds each day once, in the first of its rows."""
    if buyer is None or buyer.columns[0] not in frame:
        return None
    named = frame[buyer.columns[0]].notna()
    for name in ranked(columns, "order_date"):
        plain = [total_of(cell) is None for cell in columns[name].cells]
        facts = Facts(name, len(frame), columns[name].cells[plain])
        sparse = 0.05 < facts.filled < 0.7 and facts.days >= 0.9
        if not sparse or name not in frame or pd.isna(frame[name].iloc[0]):
            continue
        if (
            facts.unique > 0.9
            and _in_order(facts.cells)
            and named[frame[name].isna()].mean() > 0.9
        ):
            return name
    return None


def _in_order(days: pd.Series) -> bool:
    first = days.str.extract(r"(\d{4}-\d\d-\d\d|\d+\D\d+\D\d+)", expand=False)
    for european in (True, False):
        day = pd.to_datetime(first, dayfirst=european, format="mixed", errors="coerce")
        if day.is_monotonic_increasing or day.is_monotonic_decreasing:
            return True
    return False


def heads(columns: Columns, frame: pd.DataFrame) -> list[str]:
    """Columns that stand in the first line of each document alone: number, day and customer are
    empty together on the lines of goods below it."""
    days = ranked(columns, "order_date")
    if any(columns[n].filled >= FULL and columns[n].days >= 0.9 for n in days):
        return []  # each line has its own
    for day in days:
        empty = frame[day].isna()
        sparse = columns[day].days >= 0.9 and 0.02 < empty.mean() < 0.98
        if not sparse or empty.iloc[0]:
            continue
        together = [n for n in columns if (frame[n].isna() == empty).mean() >= 0.98]
        goods = [n for n in ranked(columns, "product") if n not in together]
        told = [n for n in goods if frame[n][empty].notna().mean() >= 0.98]
        named = [n for n in told if not any(map(_is_total, frame[n][empty].dropna()))]
        whose = [n for role in WHOSE for n in ranked(together, role)]
        numbers = [n for n in ranked(together, "order_id") if columns[n].unique == 1]
        if named and whose and numbers:
            return list(dict.fromkeys([numbers[0], day, *whose]))
    return []


def _is_total(cell: str) -> bool:
    return total_of(cell) is not None


def left_empty(frame: pd.DataFrame, buyer: Customer) -> str | None:
    """The question where cells of the customer are empty below its first row, but not merged."""
    name = buyer.columns[0]
    empty = frame[name].isna()
    named = frame[name].dropna()
    turns = named.ne(named.shift()).all()
    if empty.mean() < 0.2 or empty.iloc[0] or not turns:
        return None
    if is_guest(str(named.iloc[0])):
        return None
    facts = {"rows": int(empty.sum()), "all": len(frame)}
    return say("init.doubt.fill_down", column=name, **facts)
