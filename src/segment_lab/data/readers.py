"""Opening a file of any kind: text, Parquet, workbook or JSON, by the end of its name."""

from __future__ import annotations

import datetime as dt
import glob
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from segment_lab.data.damaged import unreadable
from segment_lab.data.sources import RawTable, Source, locate
from segment_lab.data.textfiles import open_text
from segment_lab.errors import DataError
from segment_lab.texts import say

PARQUET = (".parquet", ".pq")
WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
JSON = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
# The readers' own errors share no base class.
_READERS = frozenset({"_duckdb", "duckdb", "python_calamine", "pandas", "zlib"})


def open_file(source: Source, base: Path, connection: Any, where: str = "orders") -> RawTable:
    """Open the file or folder of a source on a DuckDB `connection`.

    Raises
    ------
    DataError
        It is missing, or not of the kind its name says.
    """
    path = locate(source, base, where)
    try:
        return _opened(path, source, connection)
    except DataError:
        raise
    except Exception as error:
        ours = isinstance(error, (OSError, ibis.common.exceptions.IbisError, UnicodeError))
        if ours or type(error).__module__.split(".")[0] in _READERS:
            raise unreadable(where, path, error) from None
        raise


def _opened(path: Path, source: Source, connection: Any) -> RawTable:
    suffix = "".join(path.suffixes[-2:]).lower()
    if path.is_dir() or suffix.endswith(PARQUET):
        return RawTable(_parquet(path, connection), is_text=False, label=path.name)
    if suffix.endswith(WORKBOOKS):
        return RawTable(_workbook(path, source), is_text=True, label=path.name)
    if suffix.endswith(JSON):
        table = connection.read_json(str(path), sample_size=-1)
        return RawTable(table, is_text=False, label=path.name)
    return open_text(path, source, connection)


def _parquet(path: Path, connection: Any) -> ir.Table:
    pattern = str(path / "**" / "*.parquet") if path.is_dir() else str(path)
    if not glob.has_magic(pattern):
        return connection.read_parquet(pattern)
    # Folders such as region=007 are columns; their values stay the text they are.
    return connection.read_parquet(pattern, hive_partitioning=True, hive_types_autocast=False)


def _workbook(path: Path, source: Source) -> ir.Table:
    """The sheets of a workbook, one below the other, as the text that a CSV would hold."""
    wanted = source.sheet if isinstance(source.sheet, list) else [source.sheet or 0]
    header = source.skip if source.header is True else None
    with pd.ExcelFile(path, engine="calamine") as book:
        there = book.sheet_names
        for sheet in wanted:
            numbered = isinstance(sheet, int) and sheet < len(there)
            if sheet not in there and not numbered:
                names = ", ".join(map(repr, there))
                raise OSError(say("data.file.no_sheet", sheet=repr(sheet), there=names))
        try:
            found = pd.read_excel(
                book,
                wanted,
                header=header,
                dtype=object,
                keep_default_na=False,
                skiprows=source.skip if header is None else 0,
            )
        except ValueError as error:  # a header below the last line
            raise OSError(str(error)) from None
    frames = [_sheet(frame, source) for frame in found.values()]
    cells = pd.concat(frames, ignore_index=True).fillna("").astype("str")
    return ibis.memtable(cells.where(cells != "", None))


def _sheet(frame: pd.DataFrame, source: Source) -> pd.DataFrame:
    if isinstance(source.header, list):
        frame.columns = source.header
    frame.columns = [str(c).strip() for c in frame.columns]
    return frame.map(_cell) if len(frame) else frame


def _cell(value: Any) -> str:
    """A spreadsheet cell as text: whole numbers without ``.0``, dates in ISO."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else str(value)
