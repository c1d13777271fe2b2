"""How a value is written: money, counts, shares, days and dates, rounded for people.

Babel writes numbers as the language in use does; rounding and the twelve digits that tables sort
by are the same in every language.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from numbers import Number
from typing import TYPE_CHECKING, Any

from babel.dates import format_date, format_skeleton
from markupsafe import Markup, escape

from segment_lab.config import packaged
from segment_lab.errors import nearest
from segment_lab.texts.languages import currency, language, locale, subject
from segment_lab.texts.names import shown, told
from segment_lab.texts.numerals import MINUS, decimal, percent

if TYPE_CHECKING:
    import pandas as pd

MISSING = "–"
#: A share below this is shown as less than it, never as nothing.
LEAST_SHARE = 0.0005
#: From so much on a number is told apart without its decimals.
LARGE = 100
#: A day as facts hold it.
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def with_currency(text: str) -> str:
    """Money with the study's currency on the side where the language puts it.

    Examples
    --------
    >>> from segment_lab.texts import speaking
    >>> with speaking(currency="EUR"):
    ...     with_currency("3,677,173")
    'EUR 3,677,173'
    """
    code = currency()
    if not code:
        return text
    before = locale(language()).currency_formats["standard"].pattern.startswith("¤")
    return f"{code} {text}" if before else f"{text}\u00a0{code}"


def _share(value: float) -> str:
    if 0 < value < LEAST_SHARE:
        return "<" + percent(0.001, 1)
    return percent(value, 1)


def _number(value: float) -> str:
    size = abs(value)
    if size >= LARGE:
        return decimal(value, 0)
    return decimal(value, 3 if 0 < size < 0.1 else 2)


def _day(value: Any) -> str:
    """In tables: the same in every language, and in the order of the days."""
    import pandas as pd

    stamp = pd.Timestamp(value)
    return (
        f"{stamp:%Y-%m-%d}" if stamp == stamp.normalize() else f"{stamp:%Y-%m-%d %H:%M}"
    )


def _text(value: Any) -> str:
    import pandas as pd

    if pd.api.types.is_bool(value):
        return str(subject(language(), "words")["yes" if value else "no"])
    return told(value)


#: How a cell of a table is written, by the name of its format.
FORMATS: dict[str, Callable[[Any], str]] = {
    "count": lambda value: decimal(value, 0),
    "money": lambda value: decimal(value, 0),
    "cents": lambda value: decimal(value, 2),
    "share": _share,
    "days": lambda value: decimal(value, 0),
    "number": _number,
    "date": _day,
    "words": lambda value: told(str(value).replace("_", " ")),
    "text": _text,
    "name": shown,  # of a segment; the company's own ("active", "quiet") is no code of ours
    "written": str,  # the company's own words, as they stand
}
NUMERIC = frozenset(FORMATS) - {"text", "words", "name", "written", "date"}


def _spoken(kind: str) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        text = str(format_value(value, kind).unescape())
        unknown = is_missing(value)
        return (
            with_currency(text) if kind in ("money", "cents") and not unknown else text
        )

    return write


def _long_date(value: Any) -> str:
    return format_date(_date(value), "long", locale=locale(language()))


def _month(value: Any) -> str:
    return format_skeleton("yMMMM", _date(value), locale=locale(language()))


def _date(value: Any) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str) and DAY.fullmatch(value):
        return dt.date.fromisoformat(value)
    import pandas as pd

    return pd.Timestamp(value).date()


def _per_hundred(share: float) -> str:
    """How many more or fewer of a hundred; a figure that would be written 0.0 has two decimals."""
    more = 100 * share
    places = 2 if 0.005 <= abs(more) < 0.05 else 1
    return ("+" if share > 0 else "") + decimal(more, places)


#: How a figure is written in a sentence: money with its currency, dates in words.
SPOKEN: dict[str, Callable[..., str]] = {
    **{
        kind: _spoken(kind)
        for kind in ("count", "money", "cents", "share", "days", "number")
    },
    "percent": percent,
    "per100": _per_hundred,
    "date": _long_date,
    "month": _month,
}
# The first word found in a column's name decides; counted things come before the money they may
# mention.
GUESSES = (
    ("text", r"(^|_)(id|year)$"),
    (
        "share",
        r"share|rate$|percent|pct|probability|conversion|uplift|accuracy|^p_|coverage",
    ),
    ("days", r"days|recency|tenure|(^|_)t_x$|dso"),
    (
        "count",
        r"customers|orders|invoices|count|rows|^n(_|$)|frequency|buyers|leads|touches",
    ),
    (
        "money",
        r"revenue|margin|amount|money|monetary|value|cost|profit|budget|clv|debt|balance|price|sales|"
        r"loss|cash",
    ),
)


def guess_format(name: str, values: pd.Series) -> str:
    """The format of a column, one of `FORMATS`: as ``config/columns.yml`` says, or from its dtype
    and its name."""
    import numpy as np
    import pandas as pd

    if known := packaged("columns").get(name):
        return str(known)
    if values.dtype == object:  # dates, decimals, or intervals as pairs
        flat = _flat(values)
        if not flat or not all(
            isinstance(v, dt.date | Number | np.generic) for v in flat
        ):
            return "text"
        kind: Any = "datetime64[us]" if isinstance(flat[0], dt.date) else "float64"
        values = pd.Series(flat).astype(kind)
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return "text"
    return _guess_number(str(name).lower(), values.abs().dropna())


def _flat(values: pd.Series) -> list[Any]:
    """Every known value, intervals taken apart."""
    flat: list[Any] = []
    for value in values:
        flat.extend(value if isinstance(value, list | tuple) else [value])
    return [value for value in flat if not is_missing(value)]


def _guess_number(name: str, sizes: pd.Series) -> str:
    whole = bool((sizes == sizes.round()).all())
    for kind, pattern in GUESSES:
        if not re.search(pattern, name):
            continue
        if kind == "money" and sizes.any() and sizes.median() < 100:
            return "cents"
        if kind in {"count", "days"} and not whole and sizes.max() < 10:
            return "number"
        return kind
    return "count" if whole else "number"


def is_missing(value: Any) -> bool:
    """Whether there is no value: None, NaN, NaT."""
    # Most are of these kinds, and a command that only writes pages needs no pandas.
    if value is None or isinstance(value, str | int | float):
        return value is None or value != value
    import pandas as pd

    return pd.api.types.is_scalar(value) and bool(pd.isna(value))


def format_value(value: Any, kind: str = "text") -> Markup:
    """One value as escaped text: “–” where there is none, two numbers as an interval.

    Examples
    --------
    >>> str(format_value(1234567.8, "money")), str(format_value((0.1, 0.2), "share"))
    ('1,234,568', '10.0% to 20.0%')
    """
    if hasattr(value, "markup"):
        return Markup(value.markup)
    if isinstance(value, list | tuple):
        between = str(subject(language(), "words")["between"])
        return Markup(between).format(*(format_value(part, kind) for part in value))
    if is_missing(value):
        return Markup(MISSING)
    if kind not in FORMATS:
        raise ValueError(f"{kind!r} is no format; {nearest(kind, FORMATS)}")
    if kind in NUMERIC and isinstance(value, str):
        return escape(told(value))
    if kind in NUMERIC and math.isinf(value):
        return Markup("∞") if value > 0 else Markup(f"{MINUS}∞")
    return escape(FORMATS[kind](value))


def words(name: Any) -> str:
    """The header of a column: as ``texts/<language>/columns.yml`` says, else the name with its
    underscores as spaces and a capital first.

    Examples
    --------
    >>> words("recency_days"), words("my_own_column")
    ('Days since last order', 'My own column')
    """
    text = str(name).replace("_", " ").strip()
    columns = subject(language(), "columns")
    known = columns.get(str(name)) or columns.get(text.replace(" ", "_"))
    if known:
        return str(known)
    if (seen := told(text)) != text:
        return seen
    return text[:1].upper() + text[1:]
