"""Files of one system that belong together: orders, their customers and what was paid for them.

A database is often exported table by table. The file that holds orders leads; who bought and for
how much is fetched from the others by a column that both have.
"""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from segment_lab.data import embedded
from segment_lab.data.databases import open_source
from segment_lab.data.guess import amounts
from segment_lab.data.guess import columns as choose
from segment_lab.data.guess.facts import Columns, Facts, look
from segment_lab.data.guess.opening import Opened, opened, pattern
from segment_lab.data.guess.vocabulary import ranked
from segment_lab.data.quoting import literal, quoted
from segment_lab.data.sources import Source
from segment_lab.errors import DataError
from segment_lab.texts import say

#: More files than any system's orders, customers and payments take.
MOST_FILES = 40
#: So many of the leading file's values must be found in the other's column.
COVERED = 0.8
#: The amounts of an order under one name.
AMOUNT = "amount"


@dataclass(frozen=True)
class Part:
    """A file that joins the orders by `key` and brings `column`; a `sum` where several of its rows
    belong to one order."""

    file: Opened
    key: str
    column: str
    sum: str | None = None


def together(path: Path) -> Opened | None:
    """Files that differ as one log of orders; None where they are alike, or hold no orders."""
    files = sorted(map(Path, glob.glob(str(pattern(path)))))
    if path.is_file() or not 1 < len(files) <= MOST_FILES:
        return None
    found = [file for file in map(_looked_at, files) if file]
    if len({tuple(file.columns) for file in found}) < 2:
        return None
    logs = _logs(found)
    if not logs or any(_alike(logs[0], log) for log in logs[1:]):
        return None
    orders, *rivals = logs
    for rival in rivals:
        names = {
            "file": rival.path.name,
            "taken": orders.path.name,
        }
        orders.doubts.append(say("init.doubt.other_log", **names))
    others = [file for file in found if file is not orders]
    parts = [*_customers(orders, others), *_amounts(orders, others)]
    if not parts:
        orders.took.append(say("init.took.one_of_several", file=orders.path.name))
        return orders
    return _as_one(pattern(path), orders, parts)


def _looked_at(path: Path) -> Opened | None:
    """A file as it stands; None where only the study's own reader can read it."""
    try:
        file = opened(path)
    except DataError:
        return None
    return file if set(file.source) == {"path"} else None


def _logs(files: list[Opened]) -> list[Opened]:
    """The files with a number and a day for each order, first those with customer and amount."""

    def telling(file: Opened) -> int:
        buyer, paid = choose.customer(file.columns), amounts.amount(file.columns)
        return 2 * (buyer is not None) + (paid is not None)

    fitting = [file for file in files if _number(file) and _day(file)]
    best = max(map(telling, fitting), default=0)
    full = [file for file in fitting if telling(file) == best]
    rest = [file for file in fitting if _alike(full[0], file) and file not in full]
    return full + rest


def _alike(first: Opened, other: Opened) -> bool:
    """Whether two files are one log in two shapes, such as months of which one has a column
    more."""
    common = set(first.columns) & set(other.columns)
    return len(common) > min(len(first.columns), len(other.columns)) / 2


def _day(file: Opened) -> str | None:
    return choose.order_date(file.columns)


def _number(file: Opened) -> str | None:
    """The number of an order, which comes once."""
    return choose.first(file.columns, "order_id", lambda facts: facts.unique == 1)


def _shared(orders: Opened, other: Opened) -> list[str]:
    """Columns of the same name in both whose values are found again."""
    shared = []
    for name in orders.columns:
        if name not in other.columns:
            continue
        known = set(other.columns[name].cells)
        cells = orders.columns[name].cells
        if len(cells) and cells.isin(known).mean() >= COVERED:
            shared.append(name)
    return shared


def _customers(orders: Opened, others: list[Opened]) -> list[Part]:
    """Who bought, where the orders do not say it, or give each order a customer of its own."""
    own = choose.customer(orders.columns)
    if own and orders.columns[own.columns[0]].unique < 1:
        return []
    for other in others:
        for key in _shared(orders, other):
            if other.columns[key].unique < 1:
                continue
            rest = {n: f for n, f in other.columns.items() if n not in orders.columns}
            buyer = choose.customer(rest)
            if buyer and len(buyer.columns) == 1:
                return [Part(other, key, buyer.columns[0])]
    return []


def _amounts(orders: Opened, others: list[Opened]) -> list[Part]:
    """What an order is worth: the sum over its lines or payments, best of a file that gives the
    amount itself and not a price."""
    number = _number(orders)
    if amounts.amount(orders.columns) is not None or number is None:
        return []
    found = []
    for other in others:
        if number not in _shared(orders, other):
            continue
        rest = {name: f for name, f in other.columns.items() if name != number}
        paid = amounts.amount(rest)
        if paid is None or not all(_is_plain(rest[name]) for name in paid.columns):
            continue
        if len(paid.columns) > 1 and not paid.by_line:  # less a refund or a discount
            continue
        parts = [f"CAST({quoted(name)} AS DECIMAL(18, 4))" for name in paid.columns]
        parts += _kept_after_discount(rest) if len(parts) == 2 else []
        priced = not ranked(rest, "amount")
        found.append((priced, Part(other, number, AMOUNT, " * ".join(parts))))
    return [part for _, part in sorted(found, key=lambda pair: pair[0])]


def _is_plain(facts: Facts) -> bool:
    """Whether numbers are written as SQL reads them."""
    return bool(pd.to_numeric(facts.cells, errors="coerce").notna().all())


def _kept_after_discount(columns: Columns) -> list[str]:
    """The factor that a discount leaves, where it is a share of the price."""
    for name, facts in columns.items():
        share = pd.to_numeric(facts.cells, errors="coerce")
        if "discount" in name.lower() and share.between(0, 1).all() and share.max() < 1:
            return [f"(1 - CAST({quoted(name)} AS DECIMAL(9, 6)))"]
    return []


def _as_one(path: Path, orders: Opened, parts: list[Part]) -> Opened:
    """The joined log, looked at like a file."""
    customers = [part for part in parts if part.sum is None]
    amounts = [part for part in parts if part.sum]
    used = [*customers, *amounts[:1]]
    query = _query(orders, used)
    folder = orders.path.parent
    source = {"url": "duckdb://", "query": query}
    raw = open_source(Source(**source), folder, embedded.connect())
    columns, frame = look(raw.table)
    file = Opened(
        path,
        source,
        raw,
        columns,
        frame,
        orders.doubts,
    )
    file.took.append(say("init.took.together", file=orders.path.name))
    for part in used:
        facts = {
            "file": part.file.path.name,
            "key": part.key,
            "column": part.column,
        }
        key = "amount_from" if part.sum else "customer_from"
        file.took.append(
            say(
                f"init.took.{key}",
                **facts,
                sum=_plain(part.sum),
            )
        )
    for part in amounts[1:]:
        facts = {
            "file": part.file.path.name,
            "sum": _plain(part.sum),
        }
        file.doubts.append(say("init.doubt.other_file", **facts))
    return file


def _plain(expression: str | None) -> str:
    """An expression without its casts."""
    return re.sub(r"CAST\((.+?) AS DECIMAL\(\d+, \d\)\)", r"\1", expression or "")


def _query(orders: Opened, parts: list[Part]) -> str:
    """The join: an order with several lines or payments comes once."""
    chosen = ["orders.*"]
    lines = [f"FROM {_read(orders)} AS orders"]
    for place, part in enumerate(parts):
        name = f"part_{place + 1}"
        read, key = _read(part.file), quoted(part.key)
        chosen.append(f"{name}.{quoted(part.column)}")
        if part.sum:
            summed = f"sum({part.sum}) AS {quoted(part.column)}"
            read = f"(SELECT {key}, {summed} FROM {read} GROUP BY {key})"
        lines.append(f"LEFT JOIN {read} AS {name} USING ({key})")
    return "\n".join([f"SELECT {', '.join(chosen)}", *lines])


def _read(file: Opened) -> str:
    """As text, so that no number loses its zeros in front."""
    return f"read_csv({literal(file.path.name)}, all_varchar = true)"
