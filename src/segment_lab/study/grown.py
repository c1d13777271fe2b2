"""The customer table of a log that grows file by file: only new files are read.

Beside the user's other cached things lie, for each long log, the customers of the files that were
there, and their orders. When files come, their orders alone are made of lines, and the customers
who ordered again are counted anew. The table is the one that reading all files gives, to the last
minor unit.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
import pandas as pd
from filelock import FileLock

from segment_lab.customers.growing import (
    changed_statement,
    customers_to_keep,
    grown_statement,
    orders_to_keep,
)
from segment_lab.customers.orders import (
    Returns,
    collect,
    customer_expression,
    measured,
)
from segment_lab.data import keeping
from segment_lab.data.copies import prune, whole_parquet
from segment_lab.data.files import cache_folder, replacing
from segment_lab.data.pieces import UNLIKELY, Piece, Pieces
from segment_lab.texts import language
from segment_lab.window import ObservationWindow

#: New files are put into what is kept when they hold more than this share of its rows.
REWRITTEN = 1 / 20


@dataclass(frozen=True)
class Kept:
    """What is kept of a log.

    Parameters
    ----------
    files : frozenset of str
        Keys of the files it was made of.
    rows : int
        Their rows.
    day : date
        When it was made.
    orders : tuple of str
        Parquet files of `growing.orders_to_keep`.
    customers : str
        Parquet file of `growing.customers_to_keep`.
    """

    files: frozenset[str]
    rows: int
    day: dt.date
    orders: tuple[str, ...]
    customers: str

    @property
    def whole(self) -> bool:
        """Whether all of it is still there."""
        return all(whole_parquet(Path(file)) for file in (*self.orders, self.customers))


def reduced(
    lines: ir.Table,
    decimals: int,
    files: Pieces | None,
    window: ObservationWindow,
    returns: Returns,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The customer table and what was set aside (`customers.orders.collect`), of `files` one by
    one where these are given."""
    if files is not None and files.tallies is not None:
        with contextlib.suppress(OSError, duckdb.IOException):  # no place to keep it
            log = Log(files, window, returns)
            with FileLock(log.state.with_suffix(".lock")), log.customers() as found:
                if found is not None:
                    # Long lists, which would be sorted and handed on for nothing.
                    found = found.drop("days", "gone")
                    return collect(measured(found, window, decimals))
    return collect(customer_expression(lines, window, returns, decimals))


class Log:
    """A log in files, as seen through a window."""

    def __init__(self, pieces: Pieces, window: ObservationWindow, returns: Returns):
        self.pieces, self.window, self.returns = pieces, window, returns
        self.connection = pieces.connection
        tallies: Any = pieces.tallies
        days = {key: _days(frame) for key, frame in tallies.items()}
        self.rows = {key: int(frame["rows"].sum()) for key, frame in tallies.items()}
        self.dated = {
            key for key, frame in tallies.items() if (frame["reason"] == UNLIKELY).any()
        }
        firsts = [first for first, _ in days.values() if first is not None]
        # A window that begins with the log or before cuts nothing, wherever it begins.
        cut = window.start if min(firsts, default=window.start) < window.start else None
        self.settled = [p for p in pieces.files if _before(days[p.key], window.as_of)]
        # The engine's hash finds orders again, and reasons are kept as they are said.
        facts = (pieces.key, cut, returns, duckdb.__version__, language())
        self.state = cache_folder() / f"log-{keeping.mark(*facts)}.pickle"

    @contextlib.contextmanager
    def customers(self) -> Iterator[ir.Table | None]:
        """`growing.customers_to_keep` of all files; None where they cannot be told one by one."""
        kept = self._kept()
        settled = {piece.key for piece in self.settled}
        if kept is not None and not kept.files <= settled:
            yield None  # a look back: what is kept knows more
            return
        kept = kept or self._first()
        if kept is None:
            yield None
            return
        for file in (*kept.orders, kept.customers):
            os.utime(file)
        customers = self._table("customers", kept.customers)
        came = [piece for piece in self.pieces.files if piece.key not in kept.files]
        if not came:
            yield customers
            return
        lines = self.pieces.lines(came)
        if lines is None:
            yield None
            return
        orders = self._table("orders", *kept.orders)
        came_orders = orders_to_keep(lines, self.window, self.returns)
        with self._for_now("came", came_orders) as new:
            changes = changed_statement("log_orders", "log_came", orders.columns)
            with self._for_now("changed", changes):
                everybody = self._grown(customers)
                if self._worth_it(kept, came):
                    everybody = self._with(kept, came, new, everybody)
                yield everybody

    def _kept(self) -> Kept | None:
        """What is kept, if it is whole and no file of it has changed since."""
        kept = keeping.kept(self.state, Kept)
        if kept is None or not kept.whole:
            return None
        if not kept.files <= {piece.key for piece in self.pieces.files}:
            return None
        stale = kept.day != dt.date.today() and kept.files & self.dated
        return None if stale else kept

    def _first(self) -> Kept | None:
        """Everything is read, and kept for the next time."""
        lines = self.pieces.lines(self.settled) if self.settled else None
        if lines is None:
            return None
        orders = self._written(orders_to_keep(lines, self.window, self.returns))
        customers = customers_to_keep(self._table("orders", orders))
        customers = self._written(customers)
        return self._keep(self.settled, (orders,), customers)

    def _worth_it(self, kept: Kept, came: Sequence[Piece]) -> bool:
        settled = {piece.key for piece in self.settled}
        rows = sum(self.rows[piece.key] for piece in came)
        known = all(piece.key in settled for piece in came)
        return known and rows > REWRITTEN * kept.rows

    def _with(
        self, kept: Kept, came: Sequence[Piece], orders: ir.Table, customers: ir.Table
    ) -> ir.Table:
        """What is kept from now on: new files have been put into it."""
        new, everybody = self._written(orders), self._written(customers)
        files = [p for p in self.pieces.files if p.key in kept.files or p in came]
        self._keep(files, (*kept.orders, new), everybody)
        return self._table("customers", everybody)

    def _keep(
        self, files: Sequence[Piece], orders: tuple[str, ...], customers: str
    ) -> Kept:
        keys = frozenset(piece.key for piece in files)
        rows = sum(self.rows[key] for key in keys)
        kept = Kept(keys, rows, dt.date.today(), orders, customers)
        keeping.keep(self.state, kept)
        for file in self.state.parent.glob(f"{self.state.stem}-*.parquet"):
            if str(file) not in (*orders, customers):
                file.unlink(missing_ok=True)
        prune(self.state.parent)
        return kept

    def _written(self, table: ir.Table) -> str:
        target = self.state.with_name(
            f"{self.state.stem}-{uuid.uuid4().hex[:8]}.parquet"
        )
        with replacing(target, private=True) as draft:
            self.connection.to_parquet(table, str(draft))
        return str(target)

    def _table(self, name: str, *files: str) -> ir.Table:
        """Kept files, under a name that every log gives them: what is asked is compiled once."""
        return self.connection.read_parquet(list(files), table_name=f"log_{name}")

    @contextlib.contextmanager
    def _for_now(self, what: str, table: ir.Table | str) -> Iterator[ir.Table]:
        """A table, or a question in SQL, written down for as long as it is asked for."""
        name = f"log_{what}"
        question = table if isinstance(table, str) else self.connection.compile(table)
        self.connection.raw_sql(f"CREATE TEMP TABLE {name} AS {question}")
        try:
            yield self.connection.table(name)
        finally:
            self.connection.raw_sql(f"DROP TABLE {name}")

    def _grown(self, customers: ir.Table) -> ir.Table:
        """All customers as they are now."""
        tables = ("log_customers", "log_changed", "log_came")
        statement = grown_statement(*tables, customers.columns)
        self.connection.con.sql(statement).create_view("log_grown", replace=True)
        return self.connection.table("log_grown")


def _days(tally: pd.DataFrame) -> tuple[dt.date | None, dt.date | None]:
    """The first and last day of a file's accepted lines."""
    reason = tally["reason"].astype("object")
    days = tally["order_date"][reason.isna()].dropna()
    return min(days, default=None), max(days, default=None)


def _before(days: tuple[dt.date | None, dt.date | None], as_of: dt.date) -> bool:
    """Whether all days lie before `as_of`."""
    return days[1] is None or days[1] < as_of
