"""A file as it is first looked at, and what becomes a study of it."""

from __future__ import annotations

import glob
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from segment_lab.data import embedded
from segment_lab.data.guess import columns as choose
from segment_lab.data.guess import rows
from segment_lab.data.guess.columns import Customer
from segment_lab.data.guess.facts import Columns, facts_of, look
from segment_lab.data.guess.layout import above, merged_columns, shape
from segment_lab.data.guess.printed import page_breaks
from segment_lab.data.guess.totals import Aside
from segment_lab.data.guess.vocabulary import ranked, vocabulary
from segment_lab.data.months import MONTH, day_of
from segment_lab.data.readers import open_file
from segment_lab.data.shaping import shaped
from segment_lab.data.sources import RawTable, Source
from segment_lab.errors import ConfigError, DataError, Fault
from segment_lab.texts import say

#: Columns that are looked at in any case: each costs time in every question that is asked.
MOST_COLUMNS = 200
MOST_OF_A_ROLE = 10


@dataclass
class Proposal:
    """A first study: its `sources`, what was taken for what, and what a person must decide."""

    sources: dict[str, dict[str, Any]]
    currency: str = ""
    timezone: str = "UTC"
    methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: What was read as what, in words.
    took: list[str] = field(default_factory=list)
    #: What the file does not say: questions, each with the line to write.
    doubts: list[str] = field(default_factory=list)


@dataclass
class Opened:
    """A file as it was first looked at."""

    path: Path
    source: dict[str, Any]
    raw: RawTable
    columns: Columns
    frame: pd.DataFrame
    doubts: list[str]
    took: list[str] = field(default_factory=list)
    #: The lines above the header: titles, units, dates of the report.
    above: tuple[str, ...] = ()

    def set_aside(self, aside: Aside) -> None:
        """Rows that are no data leave the sample, by a condition of the source."""
        if not aside.conditions:
            return
        known = self.source.get("totals")
        conditions = [known, *aside.conditions] if known else aside.conditions
        self.source["totals"] = " OR ".join(conditions)
        kept = self.frame[~aside.rows].reset_index(drop=True)
        self.columns, self.frame = facts_of(kept)


def opened(path: Path) -> Opened:
    """Open a file, or files alike, and look at the first rows."""
    path = pattern(path)
    one = files(path)[0] if glob.has_magic(str(path)) and not path.exists() else path
    found, doubts = shape(one)
    source: dict[str, Any] = {"path": str(path)} | found
    connection = embedded.connect()
    raw = open_file(Source(**source), Path.cwd(), connection)
    every = raw.table.columns
    if len(every) > MOST_COLUMNS:
        names = _telling(every)
        # A table of its own: every later question is then asked of these columns alone.
        narrow = raw.table.select(*names)
        raw.table = connection.create_table("looked_at", narrow, temp=True)
        doubts.append(
            say("init.doubt.many_columns", columns=len(every), read=len(names))
        )
    columns, frame = look(raw.table)
    down = _merged(one, columns, below=found.get("skip", 0) + 1)
    if down:
        found["fill_down"] = down
        frame[down] = frame[down].ffill()
        columns, frame = facts_of(frame)
    twins = []
    for name in map(str, frame):
        twin = re.sub(r"[_.]1$", "", name)
        if twin != name and twin in frame:
            twins.append(say("init.doubt.twin_columns", column=twin, twin=name))
    source |= found
    titles = above(one, found)
    file = Opened(path, source, raw, columns, frame, doubts + twins, above=titles)
    breaks = page_breaks(file.frame, titles)
    file.took += breaks.notes
    file.set_aside(breaks)
    return file


def _merged(path: Path, columns: Columns, below: int) -> list[str]:
    """The columns whose cells are merged over rows: each row below the first means its value.

    An amount that is merged over the lines of an order is the order's, once.
    """
    merged = merged_columns(path, below)
    named = [name for place, name in enumerate(columns) if place in merged]
    return [name for name in named if not _is_money(columns, name)]


def _is_money(columns: Columns, name: str) -> bool:
    return bool(ranked([name], "amount")) and choose.is_amount(columns[name])


def _telling(names: Sequence[str]) -> list[str]:
    """Of very many columns the first, and those whose names say what they hold."""
    told = set(names[:MOST_COLUMNS])
    for role in vocabulary()["columns"]:
        told.update(ranked(names, role)[:MOST_OF_A_ROLE])
    return [name for name in names if name in told]


def files(path: Path) -> list[Path]:
    """The files that fit a pattern."""
    found = sorted(map(Path, glob.glob(str(path))))
    if not found:
        raise ConfigError(say("init.fault.no_file", path=path))
    return found


def pattern(path: Path) -> Path:
    """A folder of text files as the pattern that its files fit; other paths as they are."""
    if not path.is_dir():
        return path
    kinds = Counter(file.suffix.lower() for file in path.iterdir() if file.is_file())
    for suffix, _ in kinds.most_common():
        if suffix in (".csv", ".txt", ".tsv"):
            return path / f"*{suffix}"
    return path


def may_be_tree(file: Opened, buyer: Customer | None) -> bool:
    """A heading column is the first that dates rows; a file with a customer beside it is a
    list."""
    if buyer is None:
        return True
    day = choose.order_date(file.columns)
    return day is None and buyer.kind in ("person", "company")


def read_again(file: Opened, shaped_as: rows.Tree) -> None:
    """The sample with the column that headings fill, without the headings."""
    file.source |= shaped_as.source
    file.raw = shaped(file.raw, Source(**file.source), "orders")
    frame = look(file.raw.table)[1]
    frame = frame[~page_breaks(frame, file.above).rows]
    file.columns, file.frame = facts_of(shaped_as.data(frame))


def cannot_tell(file: Opened, missing: list[str]) -> DataError:
    """Which columns cannot be told, and how to name them."""
    path, headers = file.path, list(file.columns)
    numbers = sum(bool(re.fullmatch(r"[\d.,/:_ -]+", header)) for header in headers)
    if numbers > len(headers) / 2:
        fault = Fault(
            say("init.fault.first_line"),
            say("init.fault.looks_like_data", headers=", ".join(headers)),
            say("init.fault.no_header_remedy"),
        )
        return DataError(say("init.fault.no_header", file=path.name), [fault])
    if "order_date" in missing and _side_by_side(file):
        fault = Fault(
            "order_date",
            say("init.fault.months"),
            say("init.fault.pivot_remedy"),
        )
        return DataError(say("init.fault.title", file=path.name), [fault])
    options = " ".join(f"-c {name}=COLUMN" for name in missing)
    command = f"segment-lab init {shlex.quote(str(path))} {options}"
    if "order_date" in missing and not ranked(headers, "order_date"):
        return _of_people(file, command)
    remedy = say(
        "init.fault.say_which",
        headers=", ".join(headers[:60]),
        command=command,
        no_amount="amount" in missing,
        empty=[name for role in missing for name in _looked_at(role, file.columns)],
    )
    fault = Fault(", ".join(missing), say("init.fault.no_such_header"), remedy)
    return DataError(say("init.fault.cannot_tell", file=path.name), [fault])


def _of_people(file: Opened, command: str) -> DataError:
    """What a table without any day can be used for, and what is missing."""
    headers = list(file.columns)
    customer = choose.customer(file.columns)
    remedy = say(
        "init.fault.people_remedy",
        leads=any("lead" in header.lower() for header in headers),
        customer=customer.columns[0] if customer else "",
        headers=", ".join(headers[:60]),
        command=command,
    )
    fault = Fault("order_date", say("init.fault.people"), remedy)
    return DataError(say("init.fault.title", file=file.path.name), [fault])


def _side_by_side(file: Opened) -> bool:
    """Whether months stand beside each other, in the header or in one of the first rows."""
    lines = [list(file.columns), *file.frame.head(6).fillna("").to_numpy().tolist()]
    return any(sum(map(_is_month, line)) >= 2 for line in lines)


def _is_month(cell: str) -> bool:
    named = day_of(cell) or re.fullmatch(MONTH, cell.strip(), re.IGNORECASE)
    numbered = re.fullmatch(
        r"(?:(?:19|20)\d\d[-./])?[01]?\d[-./](?:19|20)\d\d|(?:19|20)\d\d-\d\d", cell
    )
    return bool(named or numbered)


def _looked_at(role: str, columns: Columns) -> list[str]:
    """Headers that fit by name and were passed over for what they hold."""
    roles = {
        "customer_id": "customer_id",
        "order_date": "order_date",
        "amount": "amount",
    }
    return ranked(columns, roles[role])[:3]
