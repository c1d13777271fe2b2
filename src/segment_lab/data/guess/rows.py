"""Reports in which a heading names the customer of the rows below it, and cells left empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from segment_lab.data.guess.columns import FULL, Customer
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.vocabulary import (
    is_balance,
    is_guest,
    ranked,
    total_of,
)
from segment_lab.data.quoting import literal, quoted
from segment_lab.errors import DataError, Fault
from segment_lab.texts import say

#: A day within a longer text, such as a document's name.
DAYS = (r"\d{2}\.\d{2}\.\d{4}", r"\d{4}-\d{2}-\d{2}", r"\d{1,2}/\d{1,2}/\d{4}")
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
            source = {
                "groups": {
                    "heading": {
                        "column": name,
                        "when": when,
                    }
                }
            }
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
    facts = {
        "rows": int(empty.sum()),
        "all": len(frame),
    }
    return say("init.doubt.fill_down", column=name, **facts)
