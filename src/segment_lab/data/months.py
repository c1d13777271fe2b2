"""Days with their month in words, in the languages that exports come in: ``5 января 2025 г.``."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import ibis
import pyarrow as pa

#: The months' names, in full and as they are cut; a star stands for endings of Russian and Polish.
NAMES = (
    "jan january januar januari janvier janv jänner янв январ* stycz* sty ene enero gen gennaio",
    "feb february februar februari février févr fév febrero febbraio фев февр* lut luty lutego",
    "mar march märz maerz mrz mars marca marzec marzo maart mrt мар март*",
    "apr april aprile avril avr abril abr апр апрел* kwi kwiec* kwiet*",
    "may mayo mai maj maja mei mag maggio май мая",
    "jun june juni juin junio giu giugno июн июн* cze czerw*",
    "jul july juli juillet juil julio lug luglio июл июл* lip lipiec lipca",
    "aug august augustus août aout ago agosto авг август* sie sierp*",
    "sep sept september septembre septiembre setiembre settembre set sett сен сент* wrz wrze*",
    "oct october octobre octubre ottobre ott okt oktober окт октябр* paź paźdz*",
    "nov november novembre noviembre ноя нояб* lis listopad*",
    "dec december decembre décembre déc dez dezember dic diciembre dicembre дек декаб* gru grud*",
)
#: What a connection calls the function that it gets from here.
NAME = "day_in_words"


def _words(names: str) -> str:
    return "|".join(names.replace("*", r"[^\W\d_]*").replace(".", r"\.").split())


#: A word for a month, and each with its own group.
MONTH = "|".join(map(_words, NAMES))
_NAMED = re.compile(
    r"(?<![^\W\d_])(?:" + "|".join(f"({_words(w)})" for w in NAMES) + r")(?![^\W\d_])"
)
_DAY_BEFORE = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|º)?[^\w:]{0,3}(?:de |of |d')?$"
)
_YEAR_BEFORE = re.compile(r"(?<!\d)((?:19|20)\d\d)[^\w:]{0,3}$")
_DAY_AFTER = re.compile(r"[^\w:]{0,3}(\d{1,2})(?:st|nd|rd|th)?(?![\d:])")
# Two digits are a year where no letter, digit or colon follows: "5 jan 10:00" has none.
_YEAR_AFTER = re.compile(
    r"[^\w:]{0,3}(?:de |del )?(?:((?:19|20)\d\d)(?!\d)|'?(\d\d)(?![\w:]))"
)


def day_of(text: str) -> dt.date | None:
    """The day that a text names in words; the first of the month where it names no day.

    The time of day is passed over, so a zone beside it changes nothing.

    Examples
    --------
    >>> day_of("15 февраля 2025 г."), day_of("Sunday, January 5th, 2025")
    (datetime.date(2025, 2, 15), datetime.date(2025, 1, 5))
    >>> day_of("Styczeń 2025"), day_of("31 feb 2025"), day_of("5 may")
    (datetime.date(2025, 1, 1), None, None)
    """
    plain = text.strip().lower()
    for found in _NAMED.finditer(plain):
        before, after = plain[: found.start()], plain[found.end() :]
        day, year = _DAY_BEFORE.search(before), _YEAR_AFTER.match(after)
        first = _YEAR_BEFORE.search(before)
        if not day and (number := _DAY_AFTER.match(after)):
            later = _YEAR_AFTER.match(after, number.end())
            if first or later:  # 5 January, 2025 January 5 or January 5, 2025
                day, year = number, first or later
        if year is None:
            continue
        digits = next(part for part in year.groups() if part)
        whole = int(digits) + (2000 if len(digits) == 2 else 0)
        try:
            return dt.date(whole, found.lastindex or 0, int(day[1]) if day else 1)
        except ValueError:
            return None
    return None


def register(connection: Any) -> None:
    """Teach a DuckDB connection the days in words."""
    connection.create_function(
        NAME,
        _days,
        ["VARCHAR"],
        "DATE",
        type="arrow",
        null_handling="special",  # a text that names no day has none
    )


def _days(texts: Any) -> Any:
    """`day_of` of every text; each different one is read once."""
    values = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    coded = values.dictionary_encode()
    days = [day_of(text or "") for text in coded.dictionary.to_pylist()]
    return pa.array(days, pa.date32()).take(coded.indices)


@ibis.udf.scalar.builtin(name=NAME)
def day_in_words(text: str) -> dt.date:  # type: ignore[empty-body]
    """The day of a text with its month in words; null for other texts."""
