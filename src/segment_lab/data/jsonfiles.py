"""JSON files: a list of records, lines of records, or an answer of a system that holds its records
under a key (``{"data": […]}``, ``{"result": {"items": […]}}``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from segment_lab.data.textfiles import literal

#: The engine refuses larger objects unless told how large one may be (bytes).
LARGEST = 16 << 20
#: Objects within objects are taken apart so deep.
DEEPEST = 4


def open_json(path: Path, connection: Any) -> ir.Table:
    """The records of a JSON file, a row each; what stands in an object of a record is a column of
    its own, such as ``customer.email``."""
    options: dict[str, Any] = {"sample_size": -1}
    if path.is_file() and path.stat().st_size > LARGEST:
        options["maximum_object_size"] = min(20 * path.stat().st_size, 1 << 31)
    table = connection.read_json(literal(path), **options)
    lists = list(_lists(table))
    if lists and int(table.count().execute()) == 1:
        records = _longest(table, lists)
        table = table.select(record=records.unnest()).unpack("record")
    return _flat(table)


def _lists(table: ir.Table) -> Iterator[ir.ArrayValue]:
    """Lists of records, at the top or within objects."""
    waiting: list[tuple[ir.Value, int]] = [(table[name], 0) for name in table.columns]
    while waiting:
        value, depth = waiting.pop(0)
        kind = value.type()
        if isinstance(kind, dt.Array) and isinstance(kind.value_type, dt.Struct):
            yield value
        elif isinstance(kind, dt.Struct) and depth < DEEPEST:
            waiting += [(value[name], depth + 1) for name in kind.names]


def _longest(table: ir.Table, lists: list[Any]) -> Any:
    """The list of most records: others hold pages, links or taxes."""
    sizes = {f"n{place}": found.length() for place, found in enumerate(lists)}
    row = table.select(**sizes).to_pandas().iloc[0].fillna(0)
    return lists[int(row.to_numpy().argmax())]


def _flat(table: ir.Table) -> ir.Table:
    """Objects taken apart: their fields are columns, named after both."""
    for _ in range(DEEPEST):
        columns: dict[str, Any] = {}
        for name in table.columns:
            value: Any = table[name]
            if isinstance(value.type(), dt.Struct):
                fields = {f"{name}.{part}": value[part] for part in value.names}
                columns |= fields
            else:
                columns[name] = value
        if list(columns) == list(table.columns):
            break
        table = table.select(**columns)
    return table
