"""How the dates of a source are written, found by looking at them."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir

from segment_lab.data.reading import NUMBERED_DAYS, Reading, read_day
from segment_lab.data.sources import RawTable, Source
from segment_lab.errors import DataError, Fault
from segment_lab.texts import say

# ISO first; then the layouts that exports of European, Russian and American tools write.
DATE_FORMATS = (
    "iso",
    "%Y%m%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%b-%y",
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def date_formats(values: ir.StringColumn) -> list[tuple[str, int]]:
    """Every known layout with the number of values it parses, most first; only those that parse
    any."""
    forms = ["iso"]
    for form in DATE_FORMATS[1:]:
        forms += [form + time for time in _TIMES]
    column = values.strip().nullif("").name("day").as_table()
    first = column.filter(column.day.notnull()).limit(1000)
    likely = _parsed(first, [*forms, *NUMBERED_DAYS])
    return sorted(_parsed(column, list(likely)).items(), key=lambda item: -item[1])


def _parsed(table: ir.Table, forms: list[str]) -> dict[str, int]:
    """How many days each layout reads; the year 23 is not read, it is 2023 or 1923."""
    if not forms:
        return {}
    counts = {}
    for i, form in enumerate(forms):
        day = table.day.try_cast("timestamp") if form == "iso" else read_day(table.day, form)
        good = day.year() >= 1000
        if form in NUMBERED_DAYS:  # a plain number is a day only where that day is likely
            good = day.year().between(1990, 2060)
        counts[f"f{i}"] = good.sum()
    row = table.aggregate(**counts).to_pandas().iloc[0].fillna(0)
    return {form: int(n) for form, n in zip(forms, row, strict=True) if n}


def detect_reading(
    source: Source,
    raw: RawTable,
    dates: list[str],
    where: str,
    set_aside: Mapping[str, str] | None = None,
) -> Reading:
    """How the source's values are written; `set_aside`: conditions of rows that are no data.

    Raises
    ------
    DataError
        Text dates fit two layouts equally: an error, not a guess.
    """
    formats, offsets = source.dates, False
    texts = [d for d in dates if d in raw.table.columns and raw.table[d].type().is_string()]
    if texts and not formats:
        formats, offsets = _look_at(raw.table, texts[0], where)
    return Reading(
        columns=dict(source.columns),
        where=source.where,
        date_formats=formats,
        offsets=offsets,
        decimal=source.decimal,
        decimals=source.decimals,
        nulls=tuple(source.nulls),
        casefold=tuple(source.casefold),
        remote=raw.remote,
        thousands=source.thousands,
        amount_per=source.amount_per,
        aside=set_aside or {},
    )


def _look_at(table: ir.Table, column: str, where: str) -> tuple[tuple[str, ...], bool]:
    """The layout of a text column (none for ISO), and whether its times carry a UTC offset."""
    filled = table.filter(table[column].strip() != "")[column]
    sample = filled.as_table().limit(1000).to_pandas()[column]
    iso = sample.str.match(r"\s*\d{4}-\d{2}-\d{2}")
    marked = sample.str.contains(r"\d ?(?:Z|UTC|[+-]\d{2}:?\d{2})\s*$")
    offsets = bool(marked.any() and iso.any())
    if sample.empty or iso.mean() > 0.5:
        return (), offsets
    return _best_format(table, column, where), offsets


def _best_format(table: ir.Table, column: str, where: str) -> tuple[str, ...]:
    found = [item for item in date_formats(table[column]) if item[0] != "iso"]
    if not found:
        return ()
    best = [form for form, n in found if n == found[0][1]]
    if len(best) > 1:
        remedy = say("data.days.say_which", form=best[0], where=where)
        problem = say("data.days.both", forms=best)
        fault = Fault(f"{where}.{column}", problem, remedy)
        raise DataError(say("data.days.title"), [fault])
    return tuple(best)
