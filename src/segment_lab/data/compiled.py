"""DuckDB through Ibis that compiles a query once: days and cut points are filled in when it is
asked again.

Compiling takes ten to fifty times as long as answering on a small table, and a study asks the same
question as of many days, or applies one kind of rule with many cut points. Queries that differ in
nothing but such values share one statement. A test holds it equal to what Ibis itself would write.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import math
import os
import re
import threading
from collections import Counter
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot
from ibis.backends.duckdb import Backend
from ibis.common.graph import Graph
from sqlglot import exp

from segment_lab import code_fingerprint
from segment_lab.data.files import cache_folder
from segment_lab.errors import ConfigError

#: Values that stand in for others; no data hold them. And how many there are of a kind.
DAY = dt.date(1001, 1, 1)
NUMBER = 5_772_156_649_000.5
TEXT = "\x1a{}\x1a"
MARK = re.compile(
    r"MAKE_DATE\(1001, 1, (?P<day>\d+)\)|5772156649(?P<number>\d{3})\.5|'\x1a(?P<text>\d+)\x1a'"
)
DAYS, NUMBERS = 28, 1000
DATED = re.compile(r"\d{4}-\d\d-\d\d")
#: Statements that a connection remembers before it begins anew.
REMEMBERED = 1000


class RememberingBackend(Backend):
    """The DuckDB backend of Ibis with a memory for statements."""

    def __repr__(self) -> str:
        """Without an address: part of the shape of a query, which other processes know too."""
        return "DuckDB"

    @cached_property
    def statements(self) -> dict[Any, str]:
        """Statements with stand-ins, by the shapes of their queries."""
        return {}

    @cached_property
    def frames(self) -> Counter[str]:
        """How many frames each name was given to."""
        return Counter()

    def compile(
        self,
        expr: ir.Expr,
        /,
        *,
        limit: int | str | None = None,
        params: Mapping[ir.Scalar, Any] | None = None,
        pretty: bool = False,
    ) -> str:
        """The SQL of an expression, as the parent class writes it."""
        query = expr.op()
        if limit == "default":
            limit = ibis.options.sql.default_limit
        marks = Marks()
        shape = None
        if limit is None and not params and not pretty:
            shape = marks.shape(query)
        if shape is None:
            return super().compile(
                expr,
                limit=limit,
                params=params,
                pretty=pretty,
            )
        if shape not in self.statements:
            if len(self.statements) >= REMEMBERED:
                self.statements.clear()
            file = _file_of(shape)
            statement = _read(file) if file else None
            if statement is None:
                general = query.replace(marks.stand_ins).to_expr()
                statement = super().compile(general)
                if file:
                    _write(file, statement)
            self.statements[shape] = statement
        return MARK.sub(marks.sql, self.statements[shape])


def _file_of(shape: tuple[Any, ...]) -> Path | None:
    """Where other processes find the statement of a shape; nowhere without a folder to keep it."""
    try:
        folder = cache_folder()
    except ConfigError:
        return None
    known = hashlib.sha256(f"{_makers()}:{shape!r}".encode()).hexdigest()
    return folder / f"statement-{known[:32]}.sql"


@cache
def _makers() -> str:
    """What writes statements: one version's are not read by another."""
    versions = (ibis.__version__, sqlglot.__version__, duckdb.__version__)
    return ":".join((*versions, code_fingerprint()))


def _read(file: Path) -> str | None:
    """A statement that is there and whole."""
    try:
        # As bytes: a statement that trims blanks holds a carriage return, which reading as text
        # would turn into a line feed, and nothing would be believed.
        proof, _, statement = file.read_bytes().decode("utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return statement if proof == _proof(statement) else None


def _write(file: Path, statement: str) -> None:
    """Keep a statement; nothing is lost where it cannot be."""
    draft = file.with_name(f".{file.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    with contextlib.suppress(OSError):
        draft.write_bytes(f"{_proof(statement)}\n{statement}".encode())
        draft.chmod(0o600)
        draft.replace(file)
    with contextlib.suppress(OSError):  # what a full disk let in
        draft.unlink(missing_ok=True)


def _proof(statement: str) -> str:
    return hashlib.sha256(statement.encode()).hexdigest()


class Marks:
    """The stand-ins of one query, and what they stand for by kind and position."""

    def __init__(self) -> None:
        self.stand_ins: dict[ops.Node, ops.Node] = {}
        self.values: dict[str, list[Any]] = {
            "day": [],
            "number": [],
            "text": [],
        }

    def shape(self, query: ops.Node) -> tuple[Any, ...] | None:
        """What a query shares with those that differ only in days, cut points and dated texts.

        Every node by its class and arguments, other nodes among them by their positions; None of
        a query on a frame in memory, for that never comes again.
        """
        places: dict[ops.Node, int] = {}
        shape = []
        for node in Graph.from_bfs(query).toposort()[0]:
            if isinstance(node, ops.InMemoryTable):
                return None
            mark = self._stand_in(node) if isinstance(node, ops.Literal) else None
            if mark is not None:
                self.stand_ins[node] = mark
            shape.append((type(node), _placed((mark or node).__args__, places)))
            places[node] = len(places)
        return tuple(shape)

    def _stand_in(self, literal: ops.Literal) -> ops.Literal | None:
        """A stand-in for a day, a cut point, or a text with a day in it; None for others."""
        value, kind = literal.value, literal.dtype
        if value is None:
            return None
        if kind.is_date() and len(self.values["day"]) < DAYS:
            mark: Any = DAY + dt.timedelta(days=self._place("day", value))
        elif (
            kind.is_floating()
            and math.isfinite(value)
            and len(self.values["number"]) < NUMBERS
        ):
            mark = math.copysign(NUMBER + self._place("number", value), value)
        elif kind.is_string() and DATED.search(str(value)):
            mark = TEXT.format(self._place("text", value))
        else:
            return None
        return ops.Literal(mark, dtype=kind)

    def _place(self, kind: str, value: Any) -> int:
        self.values[kind].append(value)
        return len(self.values[kind]) - 1

    def sql(self, match: re.Match[str]) -> str:
        """The value behind a stand-in, as SQL."""
        kind = str(match.lastgroup)
        place = int(match[kind])
        if kind == "day":
            day = self.values[kind][place - 1]
            return f"MAKE_DATE({day.year}, {day.month}, {day.day})"
        text = exp.convert(self.values[kind][place]).sql("duckdb")
        # The sign stands before it.
        return text.removeprefix("-") if kind == "number" else text


def _placed(value: Any, places: Mapping[ops.Node, int]) -> Any:
    """An argument of a node with positions instead of nodes, at any depth."""
    if isinstance(value, ops.Node):
        return ("node", places[value])
    if isinstance(value, tuple):
        return tuple(_placed(part, places) for part in value)
    if isinstance(value, Mapping):
        return tuple((name, _placed(part, places)) for name, part in value.items())
    return value
