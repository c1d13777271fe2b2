"""How the dates of a source are written, found by looking at them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache

import ibis.expr.types as ir

from segment_lab.data.currencies import marked
from segment_lab.data.months import day_of
from segment_lab.data.reading import ISO, NUMBERED_DAYS, WEEKS, WORDS, Reading, read_day
from segment_lab.data.sources import RawTable, Source
from segment_lab.errors import DataError, Fault
from segment_lab.texts import say

# ISO first; then the layouts that exports of European, Russian and American tools write.
DATE_FORMATS = (
    ISO,
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y%m%d.0",
    "%Y-%m",
    "%Y.%m.%d",
    "%Y.%m.%d.",
    "%Y. %m. %d.",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d.%m.%Y.",
    "%d. %m. %Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%a, %d %b %Y",
    "%a %b %d %Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%b-%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%b-%d-%y",
    "%A, %B %d, %Y",
)
_CLOCKS = (
    "%H:%M",
    "%H:%M:%S",
    "%I:%M %p",
    "%I:%M:%S %p",
    "%I:%M%p",
    "%H.%M.%S",
    "%I.%M.%S %p",
)
_TIMES = ("", *(f" {clock}" for clock in _CLOCKS), *(f", {clock}" for clock in _CLOCKS))
LOOKED_AT = 100
MOST_LAYOUTS = 4
_OFFSET = r"\d ?(Z|UTC|[+-]\d{2}:?\d{2})\s*$"


def date_formats(values: ir.StringColumn) -> list[tuple[str, int]]:
    """Every known layout with the number of values it parses, most first; only those that parse
    any."""
    column = values.strip().nullif("").name("day").as_table()
    first = column.filter(column.day.notnull()).limit(1000)
    seen = first.to_pandas()["day"].drop_duplicates().head(LOOKED_AT).tolist()
    # An engine takes its time to plan hundreds of layouts: those that fit no value are left out.
    likely = [form for form in layouts() if any(_fits(text, form) for text in seen)]
    likely += [WORDS] if any(day_of(text) for text in seen) else []
    likely = list(_parsed(first, [ISO, *likely, *NUMBERED_DAYS, WEEKS]))
    found = sorted(_parsed(column, likely).items(), key=lambda item: -item[1])
    # Where a layout says the same, the words need not be looked for.
    plain = max((n for form, n in found if form != WORDS), default=0)
    return [(form, n) for form, n in found if form != WORDS or n > plain]


def layouts_of(values: ir.StringColumn) -> tuple[list[str], list[str]]:
    """The layouts that together read a column, and those that read it otherwise as well.

    A file that was put together holds several. A further one is taken where it reads none of the
    values that the first reads: else days and months would change places in some rows.
    """
    column = values.strip().nullif("").name("day").as_table()
    column = column.filter(column.day.notnull())
    chosen: list[str] = []
    while len(chosen) < MOST_LAYOUTS:
        found = date_formats(column.day)
        if chosen:
            found = [item for item in found if item[0] not in NUMBERED_DAYS]
        best = [form for form, n in found if n == found[0][1]]
        if "%Y%m%d" in best:  # 20260131 is a day, not seconds
            best = ["%Y%m%d"]
        if not best or (chosen and _both(values, chosen[0], best[0])):
            break
        rivals = [form for form in best[1:] if _both(values, best[0], form)]
        if rivals:
            return ([best[0]], rivals) if not chosen else (chosen, [])
        chosen.append(best[0])
        day = read_day(column.day, best[0])
        column = column.filter(day.isnull() | (day.year() < 1000))
    return chosen, []


def _both(values: ir.StringColumn, one: str, other: str) -> bool:
    """Whether two layouts read some value as different days."""
    table = values.strip().name("day").as_table()
    first, second = read_day(table.day, one), read_day(table.day, other)
    differ = (first != second) & (first.year() >= 1000) & (second.year() >= 1000)
    return bool(table.aggregate(n=differ.sum()).to_pandas()["n"].fillna(0)[0])


@cache
def layouts() -> tuple[str, ...]:
    """Every layout of a day, alone and with a time behind it."""
    forms = []
    for form in DATE_FORMATS[1:]:
        # A month alone has no time of day.
        whole = "%d" in form and not form.endswith(".0")
        forms += [form + time for time in _TIMES] if whole else [form]
    return tuple(forms)


def _fits(text: str, form: str) -> bool:
    try:
        dt.datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _parsed(table: ir.Table, forms: list[str]) -> dict[str, int]:
    """How many days each layout reads; the year 23 is not read, it is 2023 or 1923."""
    if not forms:
        return {}
    counts = {}
    for i, form in enumerate(forms):
        day = read_day(table.day, form)
        good = day.year() >= 1000
        # A plain number is a day only where that day is likely.
        if form in NUMBERED_DAYS:
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
    formats, offsets = source.dates, ""
    texts = [
        d for d in dates if d in raw.table.columns and raw.table[d].type().is_string()
    ]
    if texts and not formats:
        formats, offsets = _look_at(raw.table, texts[0], where)
    return Reading(
        columns=dict(source.columns),
        where=source.where,
        date_formats=formats,
        offset=offsets,
        decimal=source.decimal,
        decimals=source.decimals,
        nulls=tuple(source.nulls),
        casefold=tuple(source.casefold),
        remote=raw.remote,
        thousands=source.thousands,
        amount_per=source.amount_per,
        aside=set_aside or {},
        marked=marked(source, raw, where),
    )


def _look_at(table: ir.Table, column: str, where: str) -> tuple[tuple[str, ...], str]:
    """The layout of a text column (none for ISO), and the UTC offset that its times carry."""
    filled = table.filter(table[column].strip() != "")[column]
    sample = filled.as_table().limit(1000).to_pandas()[column]
    iso = sample.str.match(r"\s*\d{4}-\d{2}-\d{2}(?!.*[ap]m\s*$)", case=False)
    marks = sample[iso].str.extract(_OFFSET)[0].dropna()
    if sample.empty or iso.mean() > 0.5:
        away = marks[~marks.isin(["Z", "UTC", "+00:00", "+0000", "-00:00"])]
        return (), next(iter([*away, *marks]), "")
    return _best_format(table, column, where), ""


def _best_format(table: ir.Table, column: str, where: str) -> tuple[str, ...]:
    found, others = layouts_of(table[column])
    if others:
        best = [*found, *others]
        remedy = say("data.days.say_which", form=best[0], where=where)
        problem = say("data.days.both", forms=best)
        fault = Fault(f"{where}.{column}", problem, remedy)
        raise DataError(say("data.days.title"), [fault])
    # Which further layouts are meant, a study file says: `init` proposes them.
    return tuple(form for form in found[:1] if form != ISO)
