"""Opening a source: text is parsed once and kept as typed Parquet, and what is known of a file is
not found out again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from segment_lab.data import keeping
from segment_lab.data.conforming import conform
from segment_lab.data.contracts import CONTRACTS, Contract
from segment_lab.data.copies import (
    Memory,
    Unopened,
    fingerprint_of,
    memory_of,
    read_copies,
    recalled,
    typed_copy,
)
from segment_lab.data.damaged import in_words
from segment_lab.data.databases import open_source
from segment_lab.data.days import detect_reading
from segment_lab.data.embedded import by_name
from segment_lab.data.intake import Intake
from segment_lab.data.parts import noted, parts_of
from segment_lab.data.pieces import pieces_of, pieces_of_copies
from segment_lab.data.shaping import set_aside, shaped
from segment_lab.data.sources import RawTable, Source, locate
from segment_lab.errors import DataError
from segment_lab.texts import say


def take_in(
    name: str,
    source: Source,
    base: Path,
    connection: Any,
    timezone: str = "UTC",
    raw: RawTable | None = None,
    keep: bool = True,
) -> Intake:
    """Open (unless `raw` is given) and parse one source; with `keep`, text becomes a typed copy,
    once per content.

    Raises
    ------
    DataError
        The file is missing or unreadable, or a needed column cannot be found.
    """
    memory = memory_of(name, source, base, timezone) if raw is None and keep else None
    known = recalled(memory)
    if known is None and memory is not None:
        known = _in_parts(name, source, base, connection, timezone)
        if known is not None:
            keeping.keep(memory, known)
    if known is not None:
        return _from_copies(name, source, base, connection, timezone, known)
    contract = CONTRACTS[name]
    where = base if raw is None else None
    raw = raw or open_source(source, base, connection, name)
    raw = raw.over(by_name(raw.table, connection, name))
    raw = shaped(raw, source, name)
    dates = [
        source.columns.get(c.name, c.name) or ""
        for c in contract.columns
        if c.kind == "date"
    ]
    reading = detect_reading(source, raw, dates, name, set_aside(source))
    if source.duplicates == "drop":
        conform(raw.table, contract, reading)  # faults of the mapping come first
        raw = raw.over(raw.table.distinct())
    lines = conform(raw.table, contract, reading)
    kept: pd.DataFrame | None = None
    pieces = None
    if raw.is_text and keep:
        if contract.extras:
            with in_words(name, raw.label):
                lines = _typed_extras(lines, contract)
        fingerprint = fingerprint_of(source, where, lines, name, timezone, raw.content)
        with in_words(name, raw.label):
            target = typed_copy(name, lines, raw, connection, fingerprint)
            lines, kept = read_copies(connection, [target], Path(target).stem)
        found = Memory(reading, fingerprint, raw.label, raw.content, (target,))
        if memory is not None:
            keeping.keep(memory, found)
            if name == "orders":
                noted(source, base, found, kept)
                pieces = pieces_of_copies(source, [target], reading, connection)
    elif keep:
        pieces = pieces_of(source, where, raw, contract, reading, connection, timezone)
    return Intake(
        name,
        source,
        raw,
        reading,
        lines,
        connection,
        kept,
        pieces,
        where,
        timezone,
    )


def _in_parts(
    name: str,
    source: Source,
    base: Path,
    connection: Any,
    timezone: str,
) -> Memory | None:
    """What is found out of a text log whose parts are known but for the newest; None of one that
    is parsed whole."""

    def part(alone: Source) -> tuple[Memory, pd.DataFrame]:
        intake = take_in(name, alone, base, connection, timezone)
        found = recalled(memory_of(name, alone, base, timezone))
        if found is None:  # the file changed meanwhile
            raise DataError(say("data.faults.title"))
        return found, intake.broken

    parts = parts_of(name, source, base, part)
    if parts is None:
        return None
    lines = connection.read_parquet(list(parts.targets))
    fingerprint = fingerprint_of(source, base, lines, name, timezone, "")
    label = locate(source, base, name).name
    reading = parts.memories[0].reading
    return Memory(reading, fingerprint, label, "", parts.targets)


def _from_copies(
    name: str,
    source: Source,
    base: Path,
    connection: Any,
    timezone: str,
    known: Memory,
) -> Intake:
    """A text file that is not opened, because what it holds is known."""
    opening = partial(_opened, name, source, base, connection)
    unopened: Any = Unopened(opening, known.label, known.content)
    # The name of its content, so that statements are the same in every process.
    called = f"{name}-{known.fingerprint}"
    if len(known.targets) == 1:
        called = Path(known.targets[0]).stem
    lines, broken = read_copies(connection, known.targets, called)
    pieces = None
    if name == "orders":
        pieces = pieces_of_copies(source, known.targets, known.reading, connection)
    intake = Intake(
        name,
        source,
        unopened,
        known.reading,
        lines,
        connection,
        broken,
        pieces,
        base,
        timezone,
    )
    intake.__dict__["fingerprint"] = known.fingerprint
    return intake


def _opened(name: str, source: Source, base: Path, connection: Any) -> RawTable:
    """A source as an intake holds it: in shape, without its duplicates where these are dropped."""
    raw = shaped(open_source(source, base, connection, name), source, name)
    return raw.over(raw.table.distinct()) if source.duplicates == "drop" else raw


def _typed_extras(table: ir.Table, contract: Contract) -> ir.Table:
    """Extra columns of a text file become numbers where every value is one (and none looks like a
    code, 007); empty ones go."""
    names = []
    for column in table.columns:
        own = column not in contract.names and not column.endswith("_minor")
        if own and column != "reason" and table[column].type().is_string():
            names.append(column)
    if not names:
        return table
    counts = {}
    for i, name in enumerate(names):
        value = table[name]
        no_number = value.try_cast("float64").isnull() & value.notnull()
        counts[f"odd{i}"] = (no_number | value.re_search(r"^0\d")).sum()
        counts[f"any{i}"] = value.count()
    totals = table.aggregate(**counts)
    row = totals.get_backend().to_pandas(totals).iloc[0].fillna(0)
    numbers, empty = {}, []
    for i, name in enumerate(names):
        if not row[f"any{i}"]:
            empty.append(name)
        elif not row[f"odd{i}"]:
            numbers[name] = table[name].try_cast("float64")
    return table.mutate(**numbers).drop(*empty)
