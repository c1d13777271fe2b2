"""Opening a file of any kind: text, Parquet, workbook or JSON, by the end of its name."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO, Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from segment_lab.data.damaged import BLOCK, in_words
from segment_lab.data.jsonfiles import open_json
from segment_lab.data.sources import RawTable, Source, locate
from segment_lab.data.textfiles import literal, open_text
from segment_lab.texts import say

PARQUET = (".parquet", ".pq")
WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
#: Files that hold files.
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tar.gz", ".tgz")
JSON = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")


MOST_CELLS = 60_000_000
MOST_BYTES = 4 << 30
_CELL = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"')


def open_file(
    source: Source,
    base: Path,
    connection: Any,
    where: str = "orders",
) -> RawTable:
    """Open the file or folder of a source on a DuckDB `connection`.

    Raises
    ------
    DataError
        It is missing, or not of the kind its name says.
    """
    path = locate(source, base, where)
    with in_words(where, path.name):
        return _opened(path, source, connection)


def _opened(path: Path, source: Source, connection: Any) -> RawTable:
    suffix = "".join(path.suffixes[-2:]).lower()
    if path.is_dir() or suffix.endswith(PARQUET):
        return RawTable(_parquet(path, connection), is_text=False, label=path.name)
    if suffix.endswith(WORKBOOKS):
        return RawTable(_workbook(path, source), is_text=True, label=path.name)
    if source.sheet is not None:
        raise OSError(say("data.file.no_workbook"))
    if suffix.endswith(ARCHIVES):
        raise OSError(say("data.file.archive"))
    if suffix.endswith(JSON):
        return RawTable(open_json(path, connection), is_text=False, label=path.name)
    return open_text(path, source, connection)


def _parquet(path: Path, connection: Any) -> ir.Table:
    if path.is_file():
        return connection.read_parquet(literal(path))
    pattern = f"{literal(path)}/**/*.parquet" if path.is_dir() else str(path)
    # Folders such as region=007 are columns; their values stay the text they are.
    return connection.read_parquet(
        pattern, hive_partitioning=True, hive_types_autocast=False
    )


def parquet_table(files: list[Path], connection: Any, named: bool = False) -> ir.Table:
    """Some files of a folder or pattern; `named` adds the column ``filename``."""
    options: dict[str, Any] = {"filename": True} if named else {}
    return connection.read_parquet(
        [literal(file) for file in files],
        table_name="some_files",  # asked at once, and then replaced by the next
        hive_partitioning=True,
        hive_types_autocast=False,
        **options,
    )


def _workbook(path: Path, source: Source) -> ir.Table:
    """The sheets of a workbook, one below the other, as the text that a CSV would hold."""
    wanted = source.sheet if isinstance(source.sheet, list) else [source.sheet or 0]
    header = source.skip if source.header is True else None
    refuse_sprawling(path)
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


def refuse_sprawling(path: Path) -> None:
    """A single cell far out makes a sheet of seventeen thousand million cells, held in memory.

    Raises
    ------
    OSError
        A sheet spans more than `MOST_CELLS`, or the file unpacks to more than `MOST_BYTES`.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as book:
        if sum(part.file_size for part in book.infolist()) > MOST_BYTES:
            raise OSError(say("data.file.unpacked", gigabytes=MOST_BYTES >> 30))
        for part in worksheets(book):
            with book.open(part) as sheet:
                rows, columns = _extent(sheet)
            if rows * columns > MOST_CELLS:
                raise OSError(say("data.file.sprawling", rows=rows, columns=columns))


def worksheets(book: zipfile.ZipFile) -> list[str]:
    """The parts of an Excel file that hold its sheets."""
    parts = map(PurePosixPath, book.namelist())
    return [
        str(p) for p in parts if p.parent.name == "worksheets" and p.suffix == ".xml"
    ]


def _extent(sheet: IO[bytes]) -> tuple[int, int]:
    """The last row and the last column of a sheet that hold a cell."""
    rows, letters, rest = 0, b"", b""
    while block := sheet.read(BLOCK):
        for column, row in _CELL.findall(rest + block):
            rows = max(rows, int(row))
            letters = max(letters, column, key=lambda name: (len(name), name))
        rest = block[-40:]
    columns = 0
    for letter in letters:
        columns = 26 * columns + letter - ord("A") + 1
    return rows, columns


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
