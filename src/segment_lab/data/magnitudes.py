"""Amounts that are written short: ``12.5k``, ``$1.2M``, ``3 тыс. руб.``, ``4,5 mln zł``."""

from __future__ import annotations

import re

import pandas as pd

#: What stands behind the digits, by the power of ten that it means.
POWERS = {
    3: r"[kK]|тыс|тис|tys|[Tt]sd|tis",
    5: r"[Ll]akhs?|[Ll]acs?",
    6: r"MM?|Mn|mln|[Mm]io|млн",
    7: r"[Cc]rores?",
    9: r"bn|Bn|mld|[Mm]rd|млрд",
}
#: Letters that are units of goods too, and mean money only beside a currency.
BESIDE_CURRENCY = {3: r"[Tt]", 6: r"m"}
_BLANKS = r"[\s\p{Z}]*"


def tidied(marks: str) -> list[tuple[str, str]]:
    """Patterns that make ``12.5e3`` of ``12.5k``, with what to put in their place; `marks` are
    those of currencies."""
    patterns = []
    for power, words in BESIDE_CURRENCY.items():
        behind = rf"(\d){_BLANKS}(?:{words}){_BLANKS}((?:{marks})\.?[)\s]*)$"
        before = rf"^([-−(]?(?:{marks}).*\d){_BLANKS}(?:{words})(\)?)$"
        patterns.append((behind, rf"\1e{power}\2"))
        patterns.append((before, rf"\1e{power}\2"))
    for power, words in POWERS.items():
        end = rf"((?:{_BLANKS}(?:{marks})\.?)?[)\s]*)$"
        form = rf"(\d){_BLANKS}(?:{words})\.?{end}"
        patterns.append((form, rf"\1e{power}\2"))
    return patterns


_ANY = "|".join([*POWERS.values(), *BESIDE_CURRENCY.values()])
#: A number's end with the word for its power.
SHORT = rf"\d\s*(?:{_ANY})(?![^\W\d_])"
#: The same, as a part of a pattern that fits a whole number.
SUFFIX = rf"(?:{_ANY})?\.?"


def factors(cells: pd.Series) -> pd.Series:
    """By how much each value is to be multiplied for what it is written short."""
    found = cells.str.extract(rf"\d\s*({_ANY})(?![^\W\d_])", expand=False)
    factor = pd.Series(1.0, index=cells.index)
    for power, words in POWERS.items():
        also = BESIDE_CURRENCY.get(power)
        form = rf"{words}|{also}" if also else words
        here = found.notna() & found.fillna("").str.fullmatch(form)
        factor[here] = 10.0**power
    return factor


def is_short(text: str) -> bool:
    """Whether a value is a number written short.

    Examples
    --------
    >>> is_short("12.5k"), is_short("$1.2M"), is_short("3 тыс. руб."), is_short("12 kr")
    (True, True, True, False)
    """
    return re.search(SHORT, text) is not None
