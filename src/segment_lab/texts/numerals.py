"""How a number is written: Babel groups and points as the language in use does."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from babel.numbers import NumberPattern, parse_pattern

from segment_lab.texts.languages import language, locale

MINUS = "−"


def decimal(value: Any, decimals: int) -> str:
    """A number with its thousands grouped.

    Examples
    --------
    >>> decimal(-1234.5, 2), decimal(-0.2, 0)
    ('−1,234.50', '0')
    """
    return _written(value, decimals)


def percent(value: float, decimals: int = 0) -> str:
    """A share of one as a percentage.

    Examples
    --------
    >>> percent(0.27), percent(-0.01), percent(0.305, 1)
    ('27%', '−1%', '30.5%')
    """
    return _written(100 * value, decimals, percent=True)


def general(value: float, digits: int = 10) -> str:
    """A number with no more decimals than it has, rounded to so many digits.

    Examples
    --------
    >>> general(2030.0), general(365.8), general(0.125, 2)
    ('2,030', '365.8', '0.12')
    """
    written = format(Decimal(f"{value:.{digits}g}"), "f")
    return _written(value, len(written.partition(".")[2]))


def _written(value: Any, decimals: int, percent: bool = False) -> str:
    rounded = Decimal(f"{value:.{decimals}f}")
    if rounded == 0:
        rounded = abs(rounded)
    if percent:
        rounded = rounded.scaleb(-2)  # the pattern of a percentage multiplies by 100
    pattern = _pattern(language(), decimals, percent)
    return str(pattern.apply(rounded, locale(language()))).replace("-", MINUS)


@cache
def _pattern(language: str, decimals: int, percent: bool) -> NumberPattern:
    rules = locale(language)
    whole = (rules.percent_formats if percent else rules.decimal_formats)[None].pattern
    sign = whole.partition("0")[2].lstrip(".#") if percent else ""
    return parse_pattern("#,##0" + ("." + "0" * decimals if decimals else "") + sign)
