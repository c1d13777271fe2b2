"""The files of a long log: one that is untouched is not counted again when another comes.

A log of Parquet files is read row by row, so each file can be read alone; of text the typed copies
of its parts are read, see `parts`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
from pyarrow import parquet

from segment_lab import code_fingerprint
from segment_lab.data.conforming import conform
from segment_lab.data.copies import files_of, state_of
from segment_lab.data.files import cache_folder
from segment_lab.data.keeping import keep, kept, mark
from segment_lab.data.parts import by_row
from segment_lab.data.readers import PARQUET, parquet_table
from segment_lab.data.reading import Reading
from segment_lab.data.sources import RawTable, Source, locate

#: Shorter logs are read whole: that takes about a second.
LONG = 1_000_000
#: A day of this reason is one that has not come yet, and will be read differently when it has.
UNLIKELY = "unlikely order_date"


@dataclass(frozen=True)
class Piece:
    """A file of a log; `key` changes with whatever happens to the file."""

    file: Path
    key: str


class Pieces:
    """A log as the files it lies in.

    Parameters
    ----------
    files : sequence of Piece
    connection : DuckDB connection
    read : callable
        Gives the lines of some of the files (True: with their names), or None.
    named : str
        The column of these names.
    facts : object
        What else decides on what is read out of a file.
    """

    def __init__(
        self,
        files: Sequence[Piece],
        connection: Any,
        read: Callable[[list[Path], bool], ir.Table | None],
        named: str,
        facts: object,
    ):
        self.files = tuple(files)
        self.connection, self.named, self._read = connection, named, read
        self.key = mark(facts, code_fingerprint())

    def lines(
        self, files: Sequence[Piece], with_names: bool = False
    ) -> ir.Table | None:
        """Conformed lines of some of the files, to be asked at once; None where they alone are
        not what they are among the others."""
        return self._read([piece.file for piece in files], with_names)

    @property
    def tally(self) -> pd.DataFrame | None:
        """`tallies` of all files in one."""
        tallies = self.tallies
        if tallies is None:
            return None
        rows = pd.concat([tallies[piece.key] for piece in self.files])
        keys = [column for column in rows.columns if column != "rows"]
        found: Any = rows.groupby(
            keys,
            dropna=False,
            as_index=False,
        )["rows"].sum()
        return found

    @cached_property
    def tallies(self) -> dict[str, pd.DataFrame] | None:
        """By the key of a file its rows by ``reason, order_date`` and ``currency``; None where
        that is not told file by file."""
        target = cache_folder() / f"tally-{self.key}.pickle"
        before = _still_true(target)
        known = {p.key: before[p.key] for p in self.files if p.key in before}
        fresh = [piece for piece in self.files if piece.key not in known]
        if fresh:
            counted = self._counted(fresh)
            if counted is None:
                return None
            known |= counted
            keep(target, known)
        return {key: frame for key, (_, frame) in known.items()}

    def _counted(self, files: Sequence[Piece]) -> dict[str, Any] | None:
        """The day of counting and the tally of each file, in one scan."""
        lines = self.lines(files, with_names=True)
        if lines is None:
            return None
        keys = [c for c in ("reason", "order_date", "currency") if c in lines.columns]
        query = lines.group_by(*keys, file=lines[self.named]).aggregate(
            rows=lines.count()
        )
        frame = query.to_pyarrow().to_pandas(date_as_object=True)
        today = dt.date.today()
        parts = {str(file): part for file, part in frame.groupby("file")}
        empty = frame.head(0)
        found = {}
        for piece in files:
            part = parts.get(str(piece.file), empty)
            found[piece.key] = (today, part.drop(columns="file"))
        return found


def pieces_of(
    source: Source,
    base: Path | None,
    raw: RawTable,
    contract: Any,
    reading: Reading,
    connection: Any,
    timezone: str,
) -> Pieces | None:
    """The files of a long order log; None of one that must be read whole."""
    if contract.name != "orders" or base is None or source.url or raw.is_text:
        return None
    if not by_row(source) or source.path is None:
        return None
    path = locate(source, base, contract.name)
    files = files_of(path)
    if path.is_file() or "filename" in raw.table.columns:
        return None
    if not all(file.name.lower().endswith(PARQUET) for file in files):
        return None
    # What a file says of itself, without its rows.
    if sum(parquet.read_metadata(file).num_rows for file in files) < LONG:
        return None
    pieces = [Piece(file, mark(*state_of(file))) for file in files]

    def read(some: list[Path], with_names: bool) -> ir.Table | None:
        rows = parquet_table(some, connection, with_names)
        known = rows.drop("filename") if with_names else rows
        if known.schema() != raw.table.schema():
            return None
        return conform(rows, contract, reading, keep_raw=with_names, text_ids=False)

    settings = (source.model_dump_json(), str(base), timezone)
    facts = (settings, reading, raw.table.schema())
    return Pieces(pieces, connection, read, "raw.filename", facts)


def pieces_of_copies(
    source: Source,
    targets: Sequence[str],
    reading: Reading,
    connection: Any,
) -> Pieces | None:
    """The typed copies that make a long log of text; None of one that must be read whole."""
    files = [Path(target) for target in targets]
    rows = sum(parquet.read_metadata(file).num_rows for file in files)
    if not by_row(source) or rows < LONG:
        return None

    def read(some: list[Path], with_names: bool) -> ir.Table:
        return parquet_table(some, connection, with_names)

    # A copy is named by its content and all that it was read by.
    pieces = [Piece(file, file.stem) for file in files]
    facts = (source.path, source.model_dump_json(), reading)
    return Pieces(pieces, connection, read, "filename", facts)


def _still_true(target: Path) -> dict[str, tuple[dt.date, pd.DataFrame]]:
    """The tallies that still hold."""
    found = kept(target, dict) or {}
    today = dt.date.today()
    return {
        key: (day, frame)
        for key, (day, frame) in found.items()
        if day == today or not (frame["reason"] == UNLIKELY).any()
    }
