"""How the values of one source are written: numbers, days, flags and money as offices write
them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from segment_lab.data.magnitudes import tidied
from segment_lab.data.months import day_in_words

# "1 234,50 zł", "$5.00", "CHF 1'000.00", "(5.00)" and "5.00-" for a negative one.
CURRENCY_MARKS = (
    r"(?:US|CA|AU|NZ|HK|NT|MX|[CAS])\$|[$€£¥₽₴₹₺₸₪]|EUR|USD|GBP|CHF|PLN|RUB|UAH|CZK|HUF|SEK|NOK|DKK|RON|BGN|TRY|CNY|JPY|INR|BRL|CAD|AUD|"
    r"zł|kr|Kč|Ft|лв|грн|руб|р|R\$|Rs"
)
# Marks of one currency; a dollar alone is taken for the American one.
_SAME = {
    "$": "USD",
    "US$": "USD",
    "CA$": "CAD",
    "C$": "CAD",
    "AU$": "AUD",
    "A$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "S$": "SGD",
    "NT$": "TWD",
    "MX$": "MXN",
    "€": "EUR",
    "£": "GBP",
    "₽": "RUB",
    "руб": "RUB",
    "р": "RUB",
    "zł": "PLN",
    "₴": "UAH",
    "грн": "UAH",
    "₹": "INR",
    "Rs": "INR",
    "R$": "BRL",
    "Kč": "CZK",
    "Ft": "HUF",
    "лв": "BGN",
    "₺": "TRY",
    "₪": "ILS",
    "₸": "KZT",
}
_TIDY = (
    # A spreadsheet's mark of a text, as in '-30.
    (r"^[\s\p{Z}]*['’]+", ""),
    *tidied(CURRENCY_MARKS),
    (
        rf"^[\s\p{{Z}}]*([-−(]?)[\s\p{{Z}}]*(?:(?:{CURRENCY_MARKS})\.?)?[\s\p{{Z}}]*",
        r"\1",
    ),
    (
        rf"[\s\p{{Z}}]*(?:(?:{CURRENCY_MARKS})\.?)?[\s\p{{Z}}]*([-−)]?)[\s\p{{Z}}]*$",
        r"\1",
    ),
    (r"[\p{Z}'’](\d{3})\b", r"\1"),
    (r"^\((.*)\)$|^(.*)[-−]$|^−(.*)$", r"-\1\2\3"),
    # "50.00 CR" is a credit of a ledger, "50.00 DR" a debit.
    (r"(?i)^(.*\d)[\s\p{Z}]*CR\.?$", r"-\1"),
    (r"(?i)^(.*\d)[\s\p{Z}]*DR\.?$", r"\1"),
)
# Seconds and milliseconds since 1970, days since 1899-12-30; weeks are 2025-W03.
NUMBERED_DAYS = ("unix", "unix_ms", "excel")
# Days since a start that nobody named: the calendar is made up and begins in 2000.
COUNTED = "counted"
FROM_1970_TO_2000 = 10957
WEEKS = "week"
# Days as ISO 8601 writes them; only needed beside others, in a list.
ISO = "iso"
# Months written out in any of the languages of `months`.
WORDS = "words"
NO_BREAK = "\u00a0"  # a blank to the eye, and none to the engine's trim
TRUE = ("1", "true", "t", "yes", "y", "да", "tak", "ja")
FALSE = ("0", "false", "f", "no", "n", "нет", "nie", "nein")


@dataclass(frozen=True)
class Reading:
    """How the values of one source are written.

    Parameters
    ----------
    columns : mapping
        Canonical name to raw column name or SQL expression over raw columns; same-named columns
        map themselves.
    where : str, optional
        SQL condition; other rows do not belong to the source and are counted as left out.
    date_formats : tuple of str
        strptime formats for text dates; empty means ISO.
    offset : str
        The UTC offset that text dates carry, where they do: they are compared in the study's
        zone.
    decimal, thousands : str
        Decimal mark of text numbers, and the mark between groups of three digits: a dot where
        decimals have a comma.
    decimals : int
        Digits of money behind the mark that are kept.
    nulls : tuple of str
        Texts that mean "nothing" (empty text always does).
    casefold : tuple of str
        Text columns compared without regard to case.
    remote : bool
        The table stays in a database, which may sort text by the rules of a language.
    amount_per : {"line", "order"}
        Whether an order's lines have amounts of their own, or repeat the order's.
    aside : mapping
        Reason to SQL condition, for rows that are no data: totals, headings.
    marked : str
        The column of amounts that carry marks of currencies, where there is one.
    """

    columns: Mapping[str, str | None] = field(default_factory=dict)
    where: str | None = None
    date_formats: tuple[str, ...] = ()
    offset: str = ""
    decimal: str = "."
    decimals: int = 4
    nulls: tuple[str, ...] = ()
    casefold: tuple[str, ...] = ()
    remote: bool = False
    thousands: str | None = None
    amount_per: str = "line"
    aside: Mapping[str, str] = field(default_factory=dict)
    marked: str = ""

    def number(self, text: ir.StringValue) -> ir.Value:
        """Text as a float; null where it is no number.

        Only what does not parse at once pays for tidying.
        """
        mark = self.thousands
        if mark is None and self.decimal == ",":
            mark = "."
        plain = text
        if mark:  # a look is cheaper than a pattern
            grouped = text.re_replace(rf"[{mark}](\d{{3}})\b", r"\1")
            plain = ibis.ifelse(text.contains(mark), grouped, text)
        if self.decimal != ".":
            plain = plain.replace(self.decimal, ".")
        value = plain.try_cast("float64")  # skips blanks around a number
        if self.remote:
            return value
        if mark == ",":
            plain = _without_lakhs(text)
        for pattern, new in _TIDY:
            plain = plain.re_replace(pattern, new)
        return ibis.coalesce(value, plain.try_cast("float64"))

    def day(self, value: ir.Value) -> ir.Value:
        """A value as a day; null where it is none."""
        if value.type().is_numeric():
            form = (*self.date_formats, "%Y%m%d")[0]
            return read_day(value.cast("int64").cast("string"), form)
        if not value.type().is_string():
            return value if value.type().is_date() else value.cast("date")
        if not self.date_formats:
            return self._iso_day(value)
        # %Y reads the year 23 where 2023 is meant: such a day is not read at all.
        days = []
        for form in self.date_formats:
            day = read_day(value, form)
            days.append(ibis.ifelse(day.year() < 1000, None, day))
        return ibis.coalesce(*days) if len(days) > 1 else days[0]

    def _iso_day(self, value: ir.StringValue) -> ir.Value:
        # With an offset the session's time zone (the study's) decides the day; without one the
        # text is the day. Only what does not parse pays for the trim.
        kind = dt.Timestamp(timezone="UTC") if self.offset else dt.timestamp
        tidy = value.strip()
        if self.offset:  # "2026-01-31 10:00:00 +0100" parses without the blank
            tidy = tidy.re_replace(r" ([+-]\d{2}:?\d{2})$", r"\1")
        day = ibis.coalesce(value.try_cast(kind), tidy.try_cast(kind)).cast("date")
        # Words such as "epoch" are days to the engine and to nobody else.
        return ibis.ifelse(tidy < ":", day, ibis.null("date"))

    def minor(self, value: ir.NumericValue) -> ir.Value:
        """Money in whole minor units; null where it is no number or out of all bounds."""
        scaled = value * 10**self.decimals
        rounded = scaled.round()
        if self.remote:
            # PostgreSQL rounds the halves of floats to even numbers; everywhere else, and so here
            # too, half a unit is rounded up.
            rounded = (scaled.abs() + 0.5).floor() * scaled.sign()
        return ibis.ifelse(scaled.abs() < 2**62, rounded, None).cast("int64")


def _without_lakhs(text: ir.StringValue) -> ir.StringValue:
    """A number without its commas, where those above the thousands stand by twos, as in
    ``1,25,00,000.00``: each pass takes every second one."""
    for _ in range(2):
        text = text.re_replace(r",(\d\d),", r"\1,")
    return text.re_replace(r",(\d{3})\b", r"\1")


@ibis.udf.scalar.builtin
def try_strptime(value: str, form: str) -> dt.timestamp:
    """DuckDB's parser of dated text; null where the text does not fit."""


def read_day(text: ir.StringValue, form: str) -> ir.DateValue:
    """The day a text means in one layout; null where it does not fit."""
    if form == WEEKS:
        return _monday(text)
    if form == WORDS:
        return day_in_words(text)
    if form == ISO:
        # Words such as "epoch" are days to the engine and to nobody else.
        tidy = text.strip()
        day = tidy.try_cast("timestamp").date()
        return ibis.ifelse(tidy < ":", day, ibis.null("date"))
    if form not in (*NUMBERED_DAYS, COUNTED):
        return try_strptime(text, form).date()
    number = text.try_cast("float64")
    seconds = {
        "unix": number,
        "unix_ms": number / 1000,
        "excel": (number - 25569) * 86400,
        COUNTED: (number + FROM_1970_TO_2000) * 86400,
    }[form]
    return (
        ibis.ifelse(seconds.abs() < 1e11, seconds, None)
        .cast("int64")
        .as_timestamp("s")
        .date()
    )


def _monday(text: ir.StringValue) -> ir.DateValue:
    """The first day of an ISO week: the week of 4 January is the first."""
    parts = text.strip().upper()
    year = parts.re_extract(r"^(\d{4})-?W\d{1,2}$", 1)
    week = parts.re_extract(r"^\d{4}-?W(\d{1,2})$", 1).try_cast("int64")
    fourth = try_strptime(year.concat("-01-04"), "%Y-%m-%d").date()
    back = fourth.day_of_week.index().cast("int64")
    days = (ibis.ifelse(week.between(1, 53), week, None) - 1) * 7 - back
    return (fourth.cast("timestamp") + days.as_interval("D")).cast("date")


def currency_of(mark: str) -> str:
    """The code of the currency that a mark stands for; other marks stand for themselves.

    Examples
    --------
    >>> currency_of("zł"), currency_of("PLN"), currency_of("kr")
    ('PLN', 'PLN', 'kr')
    """
    return _SAME.get(mark, mark)


def flag(value: ir.Value) -> ir.Value:
    """Yes or no in four languages; null for other words."""
    if not value.type().is_string():
        return value.cast("boolean")
    word = value.strip().lower()
    return ibis.cases(
        (word.isin(TRUE), True), (word.isin(FALSE), False), else_=ibis.null("boolean")
    )


def identity(value: ir.Value) -> ir.Value:
    """An id as text; 17850.0 is what pandas made of 17850 in a column with gaps."""
    if value.type().is_string():
        return value
    text = value.cast("string")
    if not value.type().is_floating():
        return text
    return ibis.ifelse(value == value.floor(), value.cast("int64").cast("string"), text)


def blank_to_null(
    value: ir.Value,
    nulls: tuple[str, ...] = (),
    collated: bool = False,
) -> ir.Value:
    """Empty text, white space alone and the declared null words become null; other text stays as
    it is."""
    if not value.type().is_string():
        return value
    blank = value.replace(NO_BREAK, " ").strip() == ""
    if not collated:
        # White space sorts before '!': only such values pay for the trim, felt on long logs.
        may_be = (value < "!") | ((value >= NO_BREAK) & (value < "\u00a1"))
        blank = ibis.ifelse(may_be, blank, False)
    if nulls:
        blank |= value.isin(nulls)
    return ibis.ifelse(blank, ibis.null("string"), value)


def money(table: ir.Table, decimals: int = 2) -> ir.Table:
    """Add the readable amount beside every ``_minor`` column (a float, exact to the last digit)."""
    names = [c.removesuffix("_minor") for c in table.columns if c.endswith("_minor")]
    return table.mutate(
        **{n: table[f"{n}_minor"].cast("float64") / 10**decimals for n in names}
    )
