"""What newer engines need under the Ibis of today: the new names of DuckDB 2 and of sqlglot 30.18.

Each part acts only where the installed version lacks what Ibis 12 calls, so it falls idle with an
Ibis that knows the new names. See decision 0002.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

import duckdb
from sqlglot import exp


def adapt() -> None:
    """Give the installed engines the names that Ibis calls; asked again, it does nothing."""
    connection: Any = duckdb.DuckDBPyConnection
    drop: Any = exp.Drop
    if not hasattr(connection, "fetch_record_batch"):
        connection.fetch_record_batch = batches
        connection.fetch_arrow_table = connection.to_arrow_table
        connection.register = _finishing(connection.register)
    if "this" not in drop.arg_types and not hasattr(drop.__init__, "__wrapped__"):
        drop.__init__ = _dropping(drop.__init__)


def batches(connection: Any, rows_per_batch: int = 1_000_000) -> Any:
    """What was asked last, as Arrow batches, under the newer name or the older one."""
    newer = getattr(connection, "to_arrow_reader", None)
    return (newer or connection.fetch_record_batch)(rows_per_batch)


def _finishing(register: Any) -> Any:
    """Ibis looks at one row of a result and leaves it open, which DuckDB 2 forgives no more."""

    @wraps(register)
    def registering(connection: Any, *arguments: Any, **options: Any) -> Any:
        connection.complete()
        return register(connection, *arguments, **options)

    return registering


def _dropping(make: Any) -> Any:
    """``DROP`` takes a list of tables since sqlglot 30.18; Ibis hands over one."""

    @wraps(make)
    def making(drop: Any, **parts: Any) -> None:
        if "this" in parts:
            table = parts.pop("this")
            parts["tables"] = [exp.to_table(table) if isinstance(table, str) else table]
        make(drop, **parts)

    return making
