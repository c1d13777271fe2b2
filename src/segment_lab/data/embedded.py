"""The embedded query engine: how connections are made, and a rule evaluated on a frame."""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from segment_lab.data import months
from segment_lab.data.compiled import RememberingBackend
from segment_lab.data.engines import adapt
from segment_lab.data.leftovers import named
from segment_lab.data.rowwise import answered
from segment_lab.errors import ConfigError
from segment_lab.texts import say

adapt()

#: The frame that a rule is evaluated on, inside the engine.
ROWS = "segment_lab_rows"
PLACE = "_row"


def connect() -> Any:
    """A fresh in-memory DuckDB connection through Ibis that spills to disk beyond its memory limit.

    ``SEGMENT_LAB_MEMORY_LIMIT, SEGMENT_LAB_THREADS`` and, for the folder that is spilled to,
    ``SEGMENT_LAB_TEMP`` (the system's folder for temporary files) set it up.
    """
    # DuckDB would spill into the working folder; and no two connections may share a folder.
    spill = Path(os.environ.get("SEGMENT_LAB_TEMP") or tempfile.gettempdir()) / named(
        uuid.uuid4().hex
    )
    limits = {
        name: os.environ.get(f"SEGMENT_LAB_{name.upper()}")
        for name in ("memory_limit", "threads")
    }
    given = {name: limit for name, limit in limits.items() if limit}
    try:
        connection = RememberingBackend().connect(temp_directory=str(spill), **given)
    except duckdb.Error:
        raise ConfigError(say("data.settings.limits", given=given)) from None
    # A bar on stderr would break plain logs; progress is the runner's business. Inside a notebook
    # without ipywidgets the bar is off and DuckDB refuses even to switch it off.
    with contextlib.suppress(duckdb.InvalidInputException):
        connection.raw_sql("SET enable_progress_bar = false")
    months.register(connection.con)
    return connection


@cache
def _shared(pid: int) -> Any:
    return connect()


def shared() -> Any:
    """One connection per process (a forked child never reuses its parent's: DuckDB threads do not
    fork)."""
    return _shared(os.getpid())


def by_name(table: ir.Table, connection: Any, name: str) -> ir.Table:
    """A frame in memory as a table of the connection, under a name that the next study gives it
    too: what is asked of it is compiled once. Any other table as it is.

    The connection forgets the frame when nothing asks for the table any more.
    """
    frame = table.op()
    if not isinstance(frame, ops.InMemoryTable):
        return table
    connection.frames[name] += 1
    known_as = f"frame_{name}_{connection.frames[name]}"
    connection.con.register(known_as, frame.data.to_pyarrow(frame.schema))
    named = ops.DatabaseTable(name=known_as, schema=frame.schema, source=connection)
    forgotten = weakref.finalize(named, _forget, connection.con, known_as, os.getpid())
    forgotten.atexit = False
    return named.to_expr()


def _forget(connection: Any, frame: str, pid: int) -> None:
    """Let go of a frame; a forked child leaves its parent's connection alone."""
    if os.getpid() == pid:
        with contextlib.suppress(duckdb.Error):
            connection.unregister(frame)


@ibis.udf.scalar.builtin
def md5(text: str) -> str:  # type: ignore[empty-body]
    """The hash that DuckDB, PostgreSQL and Spark share."""


def drawn(table: ir.Table, share: float, seed: int = 0) -> ir.Table:
    """Rows of a random `share` (below 1) of the customers: the same customers in every table, on
    every engine."""
    return table.filter(
        md5(table.customer_id.cast("string").concat(f":{seed}"))
        < f"{int(share * 16**8):08x}"
    )


#: Judges ask one rule about the same small tables again and again: so many rules are kept as they
#: were written, and tables of at most so many rows are answered without the engine.
REMEMBERED, SMALL = 400, 50_000
_QUESTIONS: dict[Any, Question] = {}


@dataclass(frozen=True)
class Question:
    """Rules on the rows of a table; the statement is written when the engine is asked."""

    table: ir.Table
    rules: Mapping[str, Any]

    @property
    def answers(self) -> dict[str, ops.Node]:
        """The expression behind each rule."""
        return {name: rule.op() for name, rule in self.rules.items()}

    @cached_property
    def statement(self) -> str:
        """The rules as SQL, rows in their order."""
        with _in_steps():
            rows = self.table.select(PLACE, **self.rules).order_by(PLACE)
            return str(shared().compile(rows))


RowRule = Callable[[ir.Table], ir.Value]
Preparation = Callable[[ir.Table], ir.Table]


def as_it_is(table: ir.Table) -> ir.Table:
    """The preparation of a rule that asks for nothing twice."""
    return table


def evaluate(
    frame: pd.DataFrame,
    rule: RowRule,
    prepare: Preparation = as_it_is,
    known: bytes | None = None,
) -> np.ndarray:
    """Evaluate a row-wise Ibis `rule` on the columns of `frame`; the result keeps the row order.

    This is how segmenters predict: the expression that answers here is the very one `to_sql`
    compiles, so pandas and the warehouse cannot disagree. `prepare` adds the columns that the rule
    asks for again and again, so that they are computed once. `known` stands for the rule with all
    that it has learned: who gives the same again is not asked to write it again.
    """
    return evaluate_all(frame, {"answer": rule}, prepare, known)["answer"]


def evaluate_all(
    frame: pd.DataFrame,
    rules: Mapping[str, RowRule],
    prepare: Preparation = as_it_is,
    known: bytes | None = None,
) -> dict[str, np.ndarray]:
    """`evaluate` for several rules in one question: what they share is computed once."""
    if frame.empty:
        return {name: np.empty(0, dtype="int64") for name in rules}
    rows = rows_of(frame)
    question = _question(rows.schema, rules, prepare, known)
    if len(frame) <= SMALL:
        found = answered(rows, question.answers)
        if found is not None:
            return found
    return _asked(rows, question)


def rows_of(frame: pd.DataFrame) -> pa.Table:
    """The rows of a frame as the engine takes them."""
    return pa.Table.from_pandas(frame, preserve_index=False)


def _question(
    schema: pa.Schema,
    rules: Mapping[str, RowRule],
    prepare: Preparation,
    known: Any,
) -> Question:
    """Rules, asked of rows of a schema."""
    key = (known, tuple(rules), schema.to_string(show_field_metadata=False))
    if known is not None and key in _QUESTIONS:
        return _QUESTIONS[key]
    # Named instead of handed over: the statement of a rule then serves every frame of these
    # columns.
    named = ibis.Schema.from_pyarrow(schema)
    table = prepare(ibis.table({**named, PLACE: "int64"}, name=ROWS))
    question = Question(table, {name: rule(table) for name, rule in rules.items()})
    if known is not None:
        if len(_QUESTIONS) >= REMEMBERED:
            _QUESTIONS.clear()
        _QUESTIONS[key] = question
    return question


def _asked(rows: pa.Table, question: Question) -> dict[str, Any]:
    """What the engine answers on `rows`."""
    placed = rows.append_column(PLACE, pa.array(np.arange(rows.num_rows)))
    connection = shared().con
    connection.register(ROWS, placed)
    try:
        found = connection.sql(question.statement).to_arrow_table()
    finally:
        connection.unregister(ROWS)
    return {name: found[name].to_numpy() for name in question.rules}


@contextlib.contextmanager
def _in_steps() -> Iterator[None]:
    """While it holds, a prepared column is written into SQL once, not wherever it is asked for."""
    ibis.options.sql.fuse_selects = False
    try:
        yield
    finally:
        ibis.options.sql.fuse_selects = True
