"""Spreadsheets that people work in: typed cells, a filter, frozen heads, one sheet per owner; same
data, same bytes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import pandas as pd

from segment_lab.texts.formats import words
from segment_lab.texts.names import shown, told

OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "nan_inf_to_errors": True,
}
#: What Excel refuses in the name of a sheet, and how long one may be.
FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
LONGEST_NAME = 31
#: Columns that hold sentences get this width, others are as wide as their longest value.
WIDEST, NARROWEST = 60, 9


def write_book(
    path: Path | IO[bytes],
    sheets: Mapping[str, pd.DataFrame],
    title: str,
) -> None:
    """Write frames as the sheets of one workbook, columns headed as pages head them.

    Parameters
    ----------
    path : Path or binary file
        Where to.
    sheets : mapping of str to DataFrame
        Name to rows; names are made fit for Excel and kept apart.
    title : str
        Title in the file's properties.
    """
    import xlsxwriter

    with xlsxwriter.Workbook(path, OPTIONS) as book:
        book.set_properties(
            {
                "created": dt.datetime(2000, 1, 1),
                "title": title,
            }
        )
        formats = {
            "head": book.add_format(
                {
                    "bold": True,
                    "text_wrap": True,
                    "valign": "top",
                }
            ),
            "date": book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"}),
            "number": book.add_format({"num_format": "#,##0.##", "valign": "top"}),
            "share": book.add_format({"num_format": "0%", "valign": "top"}),
            "text": book.add_format({"text_wrap": True, "valign": "top"}),
        }
        for name, frame in zip(_names(sheets), sheets.values(), strict=True):
            _write_sheet(book.add_worksheet(name), frame, formats)


def _names(sheets: Mapping[str, Any]) -> list[str]:
    taken: list[str] = []
    for name in sheets:
        fit = FORBIDDEN.sub(" ", str(name)).strip(" '")[:LONGEST_NAME] or "–"
        number = 2
        while fit.lower() in [other.lower() for other in taken]:
            tail = f" {number}"
            fit = fit[: LONGEST_NAME - len(tail)] + tail
            number += 1
        taken.append(fit)
    return taken


def _write_sheet(sheet: Any, frame: pd.DataFrame, formats: Mapping[str, Any]) -> None:
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(frame), 1), max(frame.shape[1] - 1, 0))
    for column, name in enumerate(frame.columns):
        head = words(name)
        sheet.write_string(0, column, head, formats["head"])
        values = list(frame[name])
        # A segment of a lead is the company's own word, and no code of ours.
        looks = {
            **formats,
            "said": shown if str(name) == "segment" else told,
        }
        if str(name).endswith("_share"):
            looks["number"] = formats["share"]
        for row, value in enumerate(values, 1):
            _write_cell(sheet, row, column, value, looks)
        longest = max([len(head), *(len(str(value)) for value in values[:500])])
        sheet.set_column(column, column, min(max(longest + 1, NARROWEST), WIDEST))


def _write_cell(
    sheet: Any,
    row: int,
    column: int,
    value: Any,
    formats: Mapping[str, Any],
) -> None:
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return
    if isinstance(value, pd.Timestamp | dt.date):
        sheet.write_datetime(
            row, column, pd.Timestamp(value).to_pydatetime(), formats["date"]
        )
    elif pd.api.types.is_bool(value):
        sheet.write_boolean(row, column, bool(value))
    elif pd.api.types.is_number(value):
        sheet.write_number(row, column, float(cast(Any, value)), formats["number"])
    else:
        sheet.write_string(row, column, formats["said"](value), formats["text"])


def by_owner(
    frame: pd.DataFrame, everybody: str, nobody: str
) -> dict[str, pd.DataFrame]:
    """All rows under `everybody`, then one entry per owner; rows without an owner under
    `nobody`."""
    owners = frame["owner"].fillna("").astype(str).replace("", nobody)
    parts = {everybody: frame}
    if (owners != nobody).any():
        for owner in sorted(owners.unique()):
            parts[owner] = frame[(owners == owner).to_numpy()]
    return parts
