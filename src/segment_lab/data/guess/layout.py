"""The shape of a file: its encoding, the lines above its header, its sheets."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segment_lab.data.encodings import detect
from segment_lab.data.guess.columns import named
from segment_lab.data.readers import refuse_sprawling, worksheets
from segment_lab.data.textfiles import first_lines, separator
from segment_lab.texts import say

WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
TYPED = (
    ".parquet",
    ".pq",
    ".json",
    ".jsonl",
    ".ndjson",
    ".json.gz",
    ".jsonl.gz",
    ".ndjson.gz",
)
#: What the header of an order log names.
MUST = ("customer_id", "order_date", "amount")
#: What it names beside, which tells it from a title.
BESIDE = ("order_id", "quantity", "product")
LINES = 40


def shape(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Encoding, delimiter, sheet and lines above the header, as far as they differ from the
    default; and what is worth a word."""
    suffix = "".join(path.suffixes[-2:]).lower()
    if suffix.endswith(WORKBOOKS):
        return _workbook(path)
    if not path.is_file() or suffix.endswith(TYPED):
        return {}, []
    found: dict[str, Any] = {}
    try:
        encoding = detect(path)
        lines = first_lines(path, encoding, LINES)
    except (OSError, EOFError):
        return {}, []  # the reader says what is wrong with it
    if encoding != "utf-8":
        found["encoding"] = encoding
    starts, rows = _rows(lines)
    if skip := starts[header_at(rows)]:
        found["skip"] = skip
    head = lines[min(skip, len(lines) - 1)]
    if len(head.split()) > 2 and not any(mark in head for mark in ",;\t|"):
        found["delimiter"] = "whitespace"
    return found, []


def _rows(lines: list[str]) -> tuple[list[int], list[list[Any]]]:
    """The fields of the first rows, and the line each begins on; a quoted header may hold line
    breaks."""
    starts, rows, held = [], [], ""
    begin = 0
    for number, line in enumerate(lines):
        begin = begin if held else number
        held += line
        if held.count('"') % 2 and number + 1 < len(lines):
            continue
        starts.append(begin)
        rows.append(
            next(csv.reader(held.splitlines(), delimiter=separator([held])), [])
        )
        held = ""
    return starts, rows


def header_at(rows: list[list[Any]]) -> int:
    """The first row whose cells look most like the headers of an order log."""
    scores = []
    for row in rows:
        # Numbers name nothing, and a wide file has thousands of them.
        words = [cell for cell in map(str, row) if any(map(str.isalpha, cell))]
        known = named(words).keys() & {*MUST, *BESIDE}
        scores.append(len(known) if len(row) > 1 else 0)
    best = max(scores, default=0)
    return scores.index(best) if best > 1 and best > scores[0] else 0


def _workbook(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The sheets that hold the order log (all with the same header), and the lines above it."""
    try:
        refuse_sprawling(path)  # reading it would end the process
        book = _first_rows(path, LINES)
    except Exception:
        return {}, []  # the reader says what is wrong with it
    heads = {}
    for name, rows in book.items():
        skip = header_at(rows)
        header = [str(cell) for cell in rows[skip]] if rows else []
        heads[name] = (len(named(header).keys() & set(MUST)), skip, header)
    best = max(heads, key=lambda name: heads[name][0])
    alike = [name for name in heads if heads[name][1:] == heads[best][1:]]
    found: dict[str, Any] = {"skip": heads[best][1]} if heads[best][1] else {}
    if len(alike) > 1 or best != next(iter(heads)):
        found["sheet"] = alike if len(alike) > 1 else best
    others = [str(name) for name in heads if name not in alike]
    return found, [say("init.doubt.other_sheets", sheets=others)] if others else []


def _first_rows(
    path: Path, number: int, sheets: list[Any] | None = None
) -> dict[Any, list[list[Any]]]:
    """The first rows of each sheet, or of some, cells as they are."""
    import pandas as pd

    book = pd.read_excel(
        path,
        sheet_name=sheets,
        header=None,
        nrows=number,
        dtype=object,
        engine="calamine",
        keep_default_na=False,
    )
    return {name: frame.to_numpy().tolist() for name, frame in book.items()}


def above(path: Path, found: Mapping[str, Any]) -> tuple[str, ...]:
    """The lines above the header of a file of the shape `found`, as they are read aloud: without
    the marks between their cells."""
    skip = found.get("skip", 0)
    if not skip:
        return ()
    suffix = "".join(path.suffixes[-2:]).lower()
    if suffix.endswith(WORKBOOKS):
        sheet = found.get("sheet", 0)
        first = sheet[0] if isinstance(sheet, list) else sheet
        (rows,) = _first_rows(path, skip, [first]).values()
        lines = [" ".join(map(str, row)) for row in rows]
    else:
        lines = first_lines(path, found.get("encoding", "utf-8"), skip)
    spoken = [re.sub(r'[\s,;|"]+', " ", line).strip() for line in lines]
    return tuple(line for line in spoken if line)


def merged_columns(path: Path, below: int = 0) -> set[int]:
    """Columns (counted from 0) of an Excel file in which cells of several rows are merged;
    merged cells of a header, up to the row `below`, are none of them."""
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return set()
    found = set()
    try:
        with zipfile.ZipFile(path) as book:
            for name in worksheets(book):
                text = book.read(name).decode("utf-8", "replace")
                for left, top, right, bottom in re.findall(
                    r'<mergeCell ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"', text
                ):
                    if left == right and int(bottom) > int(top) > below:
                        found.add(_column(left))
    except (OSError, zipfile.BadZipFile):
        return set()
    return found


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
