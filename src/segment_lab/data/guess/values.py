"""How the values of a file are written: the layout of days, the marks of numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from segment_lab.data.days import date_formats, layouts_of
from segment_lab.data.expressions import columns as columns_of
from segment_lab.data.expressions import compile_expression
from segment_lab.data.guess.scale import scale_of
from segment_lab.data.guess.vocabulary import vocabulary
from segment_lab.data.quoting import quoted
from segment_lab.data.reading import COUNTED, ISO, Reading
from segment_lab.texts import say

# What a number looks like when its mark is a comma, a dot, or cannot be told: "1,50", "1.234,5" ·
# "1.50" · "1,234" · "1.234".
_PATTERNS = {
    "comma": r"^\D*\d+,\d{1,2}\D*$|[.\p{Z}'’]\d{3},\d|\.\d{3}\.\d{3}",
    "dot": r"^\D*\d+\.(\d{1,2}|\d{4,})\D*$|[,\p{Z}'’]\d{3}\.\d|,\d{2,3},\d{3}",
    "open_comma": r"\d,\d{3}\b",
    "open_dot": r"\d\.\d{3}\D*$",
}


def layout(
    table: ir.Table,
    day: str,
    amount: str | None,
    *days: str,
    beside: Iterable[str] = (),
) -> tuple[dict[str, Any], list[str]]:
    """How the days and amounts of a source are written, where they are text; and what could be
    meant otherwise."""
    found, doubts = day_layout(table, day, *days, beside=beside)
    if amount is None:
        return found, doubts
    marks, doubt = _marks(table, _texts(table, amount))
    found |= marks
    doubts += doubt
    number = Reading(
        decimal=marks.get("decimal", "."), thousands=marks.get("thousands")
    ).number
    value = _value(table, amount, number)
    digits = decimals_of(
        number(value) if value.type().is_string() else value.cast("float64")
    )
    return found if digits == 2 else found | {"decimals": digits}, doubts


def number_layout(table: ir.Table, amount: str) -> dict[str, Any]:
    """The decimal mark and that of thousands, where amounts are text."""
    return dict(_marks(table, _texts(table, amount))[0])


def day_layout(
    table: ir.Table,
    day: str,
    *days: str,
    beside: Iterable[str] = (),
) -> tuple[dict[str, Any], list[str]]:
    """The layout of dates that are text, of `days` with it: what one leaves open another may
    settle, or a column `beside` that is not read."""
    value = _texts_of_days(table, (day, *days))
    if value is None:
        return {}, []
    best, others = layouts_of(value)
    doubts = []
    if not best and _numbered(value):
        best = [COUNTED]
        doubts.append(
            say("init.doubt.counted_days", column=day, weeks=f"7 * {quoted(day)}")
        )
    if not best or best == [ISO]:
        return {}, doubts
    layouts = [best[0], *others]
    if others and (told := _told(table, layouts, beside)):
        best = [told]
    elif others:
        doubts.append(say("init.doubt.two_layouts", layouts=layouts, other=others[0]))
    if len(best) > 1:
        named = ", ".join((day, *days))
        doubts.append(say("init.doubt.several_layouts", column=named, layouts=best))
    # The European one, where two fit.
    return {"date_format": best[0] if len(best) == 1 else best}, doubts


def _told(table: ir.Table, rivals: Sequence[str], names: Iterable[str]) -> str | None:
    """The one of several layouts in which the other days of a file are written, where these tell
    them apart and agree."""
    told = set()
    for name in names:
        value = _texts_of_days(table, [name])
        if value is None:
            continue
        read = date_formats(value)
        most = read[0][1] if read else 0
        best = [form for form, count in read if count == most]
        # With a time behind the day, too.
        fits = {r for r in rivals if any(form.startswith(r) for form in best)}
        told |= fits if len(fits) == 1 else set()
    return told.pop() if len(told) == 1 else None


def _texts_of_days(table: ir.Table, days: Sequence[str]) -> ir.StringColumn | None:
    """The days of several columns under each other, as far as they are text; None without any."""
    texts = []
    for name in days:
        value = _value(table, name, None)
        if value.type().is_integer():  # JSON and Parquet hold epochs as numbers
            value = value.cast("string")
        if value.type().is_string():
            texts.append(table.select(day=value))
    return ibis.union(*texts).day if texts else None


def _value(table: ir.Table, text: str, number: Any) -> ir.Value:
    return (
        table[text]
        if text in table.columns
        else compile_expression(text, table, "init", number)
    )


def _texts(table: ir.Table, amount: str) -> list[str]:
    names = [amount] if amount in table.columns else sorted(columns_of(amount, "init"))
    return [name for name in names if table[name].type().is_string()]


def _numbered(values: ir.StringColumn) -> bool:
    """Whole numbers of up to four digits alone: days or weeks since a start."""
    plain = values.strip().re_search(r"^\d{1,4}$")
    every = (plain | (values.strip() == "")).all().to_pandas()
    return bool(every) and bool(plain.any().to_pandas())


def _marks(table: ir.Table, texts: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Decimal and thousands mark of text numbers."""
    names = list(texts)
    if not names:
        return {}, []
    counts = {}
    for i, name in enumerate(names):
        for kind, pattern in _PATTERNS.items():
            counts[f"{kind}{i}"] = table[name].re_search(pattern).sum()
    row = table.aggregate(**counts).to_pandas().iloc[0].fillna(0)
    n = {}
    for kind in _PATTERNS:
        by_column = [f"{kind}{place}" for place in range(len(names))]
        n[kind] = int(row[by_column].sum())
    if n["comma"] > n["dot"]:
        return {"decimal": ","}, []
    if n["open_comma"] and not n["dot"] and any(scale_of(name) > 1 for name in names):
        return {"decimal": ","}, [say("init.doubt.comma_fractions")]
    if n["open_comma"]:
        doubts = [] if n["dot"] else [say("init.doubt.comma_thousands")]
        return {"thousands": ","}, doubts
    if n["open_dot"] and not n["dot"]:
        return {}, [say("init.doubt.dot_fractions")]
    return {}, []


def decimals_of(number: ir.Value) -> int:
    """Digits behind the mark that amounts are written with: 2 to 4."""
    table = number.name("amount").as_table()
    scaled = {digits: table.amount * 10**digits for digits in (2, 3)}
    error = {
        f"d{d}": (value - value.round()).abs().max() for d, value in scaled.items()
    }
    worst = (
        table.filter(table.amount.abs() < 1e9)
        .aggregate(**error)
        .execute()
        .iloc[0]
        .fillna(0)
    )
    # 1e-4 is far above float noise at a billion and far below a real third digit.
    return next((d for d in (2, 3) if worst[f"d{d}"] < 1e-4), 4)


@dataclass(frozen=True)
class NamedZone:
    """A place, and the letters behind the times of a file that stand for its clock."""

    place: str
    marks: tuple[str, ...]


def named_zone(values: pd.Series) -> NamedZone | None:
    """The zone that all times of a file name in letters, such as PST in winter and PDT in
    summer."""
    marks = values.str.extract(r"\d(?: [AaPp][Mm])? ([A-ZА-Я]{2,5})$", expand=False)
    if marks.isna().any() or values.empty:
        return None
    found = tuple(sorted(marks.unique()))
    for place, known in vocabulary()["zones"].items():
        if {mark.lower() for mark in found} <= set(known):
            return NamedZone(str(place), found)
    return None


def offset_zone(values: Iterable[str]) -> tuple[str | None, list[str]]:
    """The zone whose days the file's own dates are, where all carry one offset; and the offsets."""
    offsets = set()
    for value in values:
        end = re.search(r"\d ?(Z|UTC|[+-]\d{2}:?\d{2})\s*$", value)
        if end and ":" in value:
            offsets.add(end[1].replace(":", ""))
    seen = sorted(offsets)
    zero = {"Z", "UTC", "+0000", "-0000"}
    if len(seen) != 1 or seen[0] in zero or not seen[0].endswith("00"):
        return None, [] if offsets <= zero else seen
    hours = int(seen[0][:3])
    return f"Etc/GMT{-hours:+d}", seen
