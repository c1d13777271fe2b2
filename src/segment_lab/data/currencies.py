"""In which currency amounts are: as a column says, or as the amounts do themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable

import ibis.expr.types as ir

from segment_lab.data.expressions import columns as columns_of
from segment_lab.data.reading import CURRENCY_MARKS, Reading
from segment_lab.data.sources import RawTable, Source
from segment_lab.data.spellings import currency_column
from segment_lab.errors import ConfigError, Fault
from segment_lab.texts import say

#: The money of each table that is added up; `amount` where a table is not listed.
MONEY = {"customer_summary": "revenue", "leads": "value"}
#: Rows in which amounts are searched for marks of currencies before all of them are.
LOOKED_AT = 100_000
#: An expression that looks at texts itself sorts currencies out itself.
_SORTED_OUT = re.compile(r"\bcase\b|regexp|\blike\b|contains", re.IGNORECASE)
_CONVERTED = re.compile(
    r"\bconverted\b|\b(company|base|home|reporting|functional) currency\b"
    r"|\bhauswährung\b|\bin hw\b|базовой валюте|валюте (отч[её]та|учета|учёта|компании)"
    r"|walucie (podstawowej|firmy|systemowej)",
    re.IGNORECASE,
)


def is_converted(header: str) -> bool:
    """Whether a column's amounts were converted to the one currency of the account.

    Examples
    --------
    >>> is_converted("Amount in company currency"), is_converted("Betrag in HW")
    (True, True)
    """
    return without_conversion(header) != header


def without_conversion(header: str) -> str:
    """A header without the words that say in whose currency it is."""
    plain = header.replace("_", " ")
    bare = _CONVERTED.sub("", plain)
    return bare.strip() if bare != plain else header


def marked(source: Source, raw: RawTable, table: str) -> str:
    """The text column of amounts that carry marks of currencies; empty where there is none."""
    if raw.remote:
        return ""  # numbers are numbers there
    money = MONEY.get(table, "amount")
    wanted = source.columns.get(money, money) or ""
    names: Iterable[str] = [wanted]
    if wanted not in raw.table.columns:
        if _SORTED_OUT.search(wanted):
            return ""
        try:
            names = sorted(columns_of(wanted, table))
        except ConfigError:
            return ""  # what is wrong with it, the mapping says
    for name in names:
        if name in raw.table.columns and raw.table[name].type().is_string():
            column = raw.table[name].as_table()
            if _has_marks(column.limit(LOOKED_AT)) or _has_marks(column):
                return name
    return ""


def _has_marks(column: ir.Table) -> bool:
    """Whether some value carries the mark of a currency: the first may stand anywhere."""
    found = column[column.columns[0]].re_search(CURRENCY_MARKS).any()
    return bool(found.to_pandas())


def currency_of_rows(
    table: str,
    raw_columns: tuple[str, ...],
    reading: Reading,
    money: str,
) -> str | None:
    """The column, or an expression, that says in which currency each row's money is."""
    if "currency" in reading.columns:
        return None
    column = currency_column(raw_columns)
    if is_converted(money):  # these are in another column's currency
        names = {name.lower(): name for name in raw_columns}
        return names.get("converted currency")
    if column is None and reading.marked:
        quoted = '"' + reading.marked.replace('"', '""') + '"'
        marks = CURRENCY_MARKS.replace("'", "''")
        return f"regexp_extract({quoted}, '({marks})')"
    expression = money not in raw_columns
    if column and expression and column in columns_of(money, table):
        return None  # the expression converts
    return column


def unlike(bills: Iterable[str], payments: Iterable[str]) -> list[Fault]:
    """The fault of payments in a currency that no invoice is in; none where one does not say."""
    bills, payments = set(bills), set(payments)
    if not bills or payments <= bills:
        return []
    facts = {
        "paid": sorted(payments - bills),
        "billed": sorted(bills),
    }
    problem = say("data.faults.paid_otherwise", **facts)
    return [Fault("payments", problem, say("data.faults.paid_otherwise_remedy"))]
