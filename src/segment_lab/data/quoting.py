"""Names and texts as they stand in an expression of a study file."""

from __future__ import annotations

import re
from collections.abc import Iterable


def quoted(column: str) -> str:
    """A column's name as it stands in an expression."""
    if re.fullmatch(r"[A-Za-z_]\w*", column) and column.upper() not in _RESERVED:
        return column
    return '"' + column.replace('"', '""') + '"'


_KEYWORDS = (
    "SELECT FROM WHERE GROUP ORDER BY CASE WHEN THEN ELSE END AND OR NOT NULL IN IS LIKE BETWEEN "
    "TABLE ALL ANY AS ON USING UNION DATE TIME TIMESTAMP TRUE FALSE COLUMN CREATE DEFAULT DESC ASC "
    "DISTINCT LIMIT OFFSET TO USER CHECK FOREIGN PRIMARY REFERENCES UNIQUE WITH WINDOW VALUES "
    "TOTALS LEFT RIGHT REPLACE INTERVAL"
)
_RESERVED = frozenset(_KEYWORDS.split())


def literal(text: str) -> str:
    """A text as it stands in an expression."""
    return "'" + text.replace("'", "''") + "'"


def one_of(column: str, values: Iterable[str]) -> str:
    """The condition that a column holds one of these values."""
    listed = [literal(value) for value in values]
    if len(listed) == 1:
        return f"{quoted(column)} = {listed[0]}"
    return f"{quoted(column)} IN ({', '.join(listed)})"
