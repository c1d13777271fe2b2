"""How a value is written: money, counts, shares, days and dates, rounded for people and escaped
for HTML."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from segment_lab.config import packaged
from segment_lab.errors import nearest

MISSING = "–"


def _rounded(value: float, decimals: int, suffix: str = "") -> str:
    text = f"{value:,.{decimals}f}"
    if not re.search("[1-9]", text):
        text = text.lstrip("-")
    return text.replace("-", "−") + suffix


def _share(value: float) -> str:
    return "<0.1%" if 0 < value < 0.0005 else _rounded(100 * value, 1, "%")


def _number(value: float) -> str:
    return _rounded(value, 2 if abs(value) >= 0.1 or value == 0 else 3)


def _date(value: Any) -> str:
    stamp = pd.Timestamp(value)
    return f"{stamp:%Y-%m-%d}" if stamp == stamp.normalize() else f"{stamp:%Y-%m-%d %H:%M}"


FORMATS: dict[str, Callable[[Any], str]] = {
    "count": lambda v: _rounded(v, 0),
    "money": lambda v: _rounded(v, 0),
    "cents": lambda v: _rounded(v, 2),
    "share": _share,
    "days": lambda v: _rounded(v, 0),
    "number": _number,
    "date": _date,
    "words": lambda v: str(v).replace("_", " "),
    "text": lambda v: {True: "yes", False: "no"}[bool(v)] if pd.api.types.is_bool(v) else str(v),
}
NUMERIC = frozenset(FORMATS) - {"text", "words", "date"}
# The first word found in a column's name decides; counted things come before the money they may
# mention.
GUESSES = (
    ("text", r"(^|_)(id|year)$"),
    ("share", r"share|rate$|percent|pct|probability|conversion|uplift|accuracy|^p_|coverage"),
    ("days", r"days|recency|tenure|(^|_)t_x$|dso"),
    ("count", r"customers|orders|invoices|count|rows|^n(_|$)|frequency|buyers|leads|touches"),
    (
        "money",
        r"revenue|margin|amount|money|monetary|value|cost|profit|budget|clv|debt|balance|price|sales|"
        r"loss|cash",
    ),
)


def guess_format(name: str, values: pd.Series) -> str:
    """The format of a column, one of `FORMATS`: as ``config/columns.yml`` says, or from its dtype
    and its name."""
    if known := (packaged("columns").get(name) or {}).get("format"):
        return str(known)
    if values.dtype == object:  # dates, decimals, or intervals as pairs
        flat = [
            part
            for v in values
            for part in (v if isinstance(v, list | tuple) else [v])
            if not is_missing(part)
        ]
        if not flat or not all(isinstance(v, dt.date | Number | np.generic) for v in flat):
            return "text"
        values = pd.Series(flat).astype(
            "datetime64[us]" if isinstance(flat[0], dt.date) else "float64"
        )
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return "text"
    numbers = values.abs().dropna()
    kind = next((kind for kind, words in GUESSES if re.search(words, str(name).lower())), None)
    if kind == "money" and numbers.any() and numbers.median() < 100:
        return "cents"
    whole = bool((numbers == numbers.round()).all())
    if kind in {"count", "days"} and not whole and numbers.max() < 10:
        return "number"
    return kind or ("count" if whole else "number")


def is_missing(value: Any) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def format_value(value: Any, kind: str = "text") -> Markup:
    """One value as escaped text: “–” where there is none, two numbers as an interval."""
    if hasattr(value, "markup"):
        return Markup(value.markup)
    if isinstance(value, list | tuple):
        return Markup(" to ").join(format_value(v, kind) for v in value)
    if is_missing(value):
        return Markup(MISSING)
    if kind not in FORMATS:
        raise ValueError(f"{kind!r} is no format; {nearest(kind, FORMATS)}")
    if kind in NUMERIC and isinstance(value, str):
        return escape(value)
    if kind in NUMERIC and math.isinf(value):
        return Markup("∞" if value > 0 else "−∞")
    return escape(FORMATS[kind](value))


def words(name: Any) -> str:
    """A column as a header: as ``config/columns.yml`` says, or underscores become spaces, the
    first letter a capital."""
    if known := (packaged("columns").get(str(name)) or {}).get("label"):
        return str(known)
    text = str(name).replace("_", " ").strip()
    return text[:1].upper() + text[1:]
