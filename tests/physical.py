"""How many rows a file has, counted without the package: every line or record that is no header."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd

from segment_lab.data.sources import Source
from segment_lab.data.textfiles import separator

WORKBOOKS = (".xlsx", ".xls")


def physical_rows(path: Path, source: Source) -> int:
    """Rows below the header; empty lines of a text file are none."""
    if path.suffix in WORKBOOKS:
        return _rows_of_sheets(path, source)
    if path.suffix == ".json":
        return _longest_list(json.loads(path.read_text("utf-8")))
    with path.open(encoding=source.encoding or "utf-8-sig", newline="") as file:
        text = file.read()
    lines = text.splitlines(keepends=True)[source.skip :]
    mark = source.delimiter or separator(lines[:1])
    escape = "\\" if '\\"' in text else None
    records = csv.reader(lines, delimiter=mark, escapechar=escape)
    return sum(any(record) or len(record) > 1 for record in records) - 1


def _rows_of_sheets(path: Path, source: Source) -> int:
    sheets = source.sheet if isinstance(source.sheet, list) else [source.sheet or 0]
    found = 0
    for sheet in sheets:
        frame = pd.read_excel(path, sheet_name=sheet, header=None, engine="calamine")
        found += len(frame) - source.skip - 1
    return found


def _longest_list(found: Any) -> int:
    """How many records the longest list within objects has."""
    if isinstance(found, list):
        return len(found)
    inner = found.values() if isinstance(found, dict) else ()
    return max(map(_longest_list, inner), default=0)
