"""Tables that everybody can read: captioned, headed, aligned, rounded, escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

from segment_lab.show.cards import called, details, group, note, says_why
from segment_lab.show.macros import Html, macro, tidy
from segment_lab.texts import say
from segment_lab.texts.formats import (
    NUMERIC,
    format_value,
    guess_format,
    is_missing,
    words,
)

MOST_ROWS = 200
LONG = 24  # characters from which a text gets a wide column, also on a phone


@dataclass(frozen=True)
class Column:
    """One shown column: its header, its format, its values, and their intervals if it has any."""

    label: str
    kind: str
    cells: list[Any]
    intervals: list[Any] | None = None

    @property
    def numeric(self) -> bool:
        return self.kind in NUMERIC


@says_why
def table(  # noqa: PLR0913 (named, with a default each)
    frame: pd.DataFrame | Callable[[], pd.DataFrame],
    caption: str,
    *,
    formats: Mapping[str, str] | str | None = None,
    labels: Mapping[str, str] | None = None,
    note: str = "",
    index: bool = True,
    rows: int = MOST_ROWS,
    empty: str = "",
    file: str = "",
    links: Mapping[str, str] | None = None,
) -> Html:
    """An accessible table: caption, scoped headers, numbers aligned and rounded, cells escaped.

    Columns ``x``, ``x_low`` and ``x_high`` are shown as one: the value with its interval.

    Parameters
    ----------
    frame : DataFrame or callable
        Rows in the order to show, or a function of no arguments that gives them; where it finds
        not enough data, its reason is shown. The index becomes the row headers unless `index` is
        False (or it is a bare 0, 1, 2 …); the first column does then.
    caption : str
        One sentence that says what the table shows, units included.
    formats : mapping or str, optional
        Column to one of ``count, money, cents, share, days, number, date, words, text, name``, or
        one for all columns; otherwise as in ``config/columns.yml``, or guessed from name and dtype.
    labels : mapping, optional
        Column to the words shown in its header; otherwise as in ``texts/<language>/columns.yml``,
        or underscores become spaces.
    note : str, optional
        A line below the table.
    index : bool
        Whether the index is shown.
    rows : int
        At most so many rows are shown; the rest are counted in a line below.
    empty : str
        A sentence to show in place of a table without rows.
    file : str
        The file of the run that holds every row: a table that is cut links to it.
    links : mapping, optional
        By the name that heads a row the page of the run that says more of it.

    Examples
    --------
    >>> sizes = pd.DataFrame({"segment": ["A", "B"], "customers": [1200, 3]})
    >>> "1,200" in str(table(sizes, "Customers by segment"))
    True
    """
    if not caption.strip():
        raise ValueError(say("show.no_caption"))
    frame = cast(pd.DataFrame, called(frame))
    if empty and frame.empty:
        return _sentence(empty)
    across = frame.columns.name
    frame, depth = _with_keys(frame, index)
    shown = frame.head(rows)
    columns = _columns(shown, _per_column(formats, shown), labels or {})
    feet = [note] if note else []
    whole = ""
    if len(frame) > rows:
        whole = (
            say(
                "show.whole_list",
                total=len(frame),
                file=file,
            )
            if file
            else ""
        )
        feet.append(say("show.first_rows", shown=rows, total=len(frame)))
    several = across is not None and len(columns) > depth
    return Html(
        macro(
            "table",
            tidy(caption),
            _heads(columns, depth),
            [_row(columns, i, links or {}) for i in range(len(shown))],
            depth,
            words(across) if several else "",
            feet,
            file if whole else "",
            whole,
        )
    )


def first_rows(frame: pd.DataFrame, caption: str, rows: int, **how: Any) -> Html:
    """A table of the first rows, and the whole of it folded below, so that sorting and the filter
    find every row.

    Parameters
    ----------
    frame, caption, **how
        As `table` takes them.
    rows : int
        So many are shown at first.
    """
    first = table(frame, caption, rows=rows, **how)
    if len(frame) <= rows:
        return first
    whole = table(frame, caption, rows=len(frame), **how)
    return group(first, details(say("show.all_rows", total=len(frame)), whole))


def _sentence(text: str) -> Html:
    return note(text)  # in `table` the name is taken by a parameter


def _per_column(
    formats: Mapping[str, str] | str | None, frame: pd.DataFrame
) -> Mapping[Any, str]:
    if isinstance(formats, str):
        return dict.fromkeys(frame.columns, formats)
    return formats or {}


def _with_keys(frame: pd.DataFrame, index: bool) -> tuple[pd.DataFrame, int]:
    """The frame with its index as first columns, and how many columns head a row."""
    bare = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    if not index or bare:
        return frame, 1
    whole = frame.reset_index(drop=True)
    for level, name in enumerate(frame.index.names):
        key = frame.index.get_level_values(level).array
        whole.insert(level, name or "", key, allow_duplicates=True)
    return whole, frame.index.nlevels


def _columns(
    frame: pd.DataFrame,
    formats: Mapping[Any, str],
    labels: Mapping[Any, str],
) -> list[Column]:
    """The columns to show; the two ends of an interval go with the value they belong to."""
    names = set(map(str, frame.columns))
    ranged = {name for name in names if {f"{name}_low", f"{name}_high"} <= names}
    ends = {f"{name}{end}" for name in ranged for end in ("_low", "_high")}
    columns = []
    for position, name in enumerate(frame.columns):
        if str(name) in ends:
            continue
        values = frame.iloc[:, position]
        intervals = None
        if str(name) in ranged:
            intervals = list(
                zip(frame[f"{name}_low"], frame[f"{name}_high"], strict=True)
            )
        kind = formats.get(name) or guess_format(str(name), values)
        columns.append(
            Column(labels.get(name, _label(name)), kind, list(values), intervals)
        )
    return columns


def _label(name: Any) -> str:
    if isinstance(name, tuple):
        return " · ".join(words(part) for part in name)
    return words(name)


def _heads(columns: list[Column], depth: int) -> list[dict[str, str]]:
    heads = []
    for position, column in enumerate(columns):
        numeric = column.numeric and position >= depth
        heads.append(
            {
                "label": column.label,
                "css": "num" if numeric else "txt",
            }
        )
    return heads


def _row(
    columns: list[Column],
    i: int,
    links: Mapping[str, str],
) -> list[dict[str, Any]]:
    cells = [_cell(column, i) for column in columns]
    if address := links.get(str(columns[0].cells[i])):
        cells[0]["href"] = address
    return cells


def _cell(column: Column, i: int) -> dict[str, Any]:
    value = column.cells[i]
    cell: dict[str, Any] = {
        "text": format_value(value, column.kind),
        "css": _css(column, value),
    }
    if is_missing(value):
        return cell
    if column.intervals is not None:
        cell["interval"] = format_value(column.intervals[i], column.kind)
    if column.numeric and not isinstance(value, str | list | tuple | Html):
        cell["sort"] = f"{value:.12g}"
    return cell


def _css(column: Column, value: Any) -> str:
    if column.numeric:
        return "num"
    if column.kind == "date":
        return "txt day"
    return "txt long" if isinstance(value, str) and len(value) > LONG else "txt"
