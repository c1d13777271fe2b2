"""Text files: read entirely as text by the engine's own reader, so ``007`` stays ``007``; lines
that do not have the header's number of fields are kept aside with their text."""

from __future__ import annotations

import atexit
import glob
import os
import re
import shutil
import tempfile
import uuid
import zlib
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from segment_lab.data.damaged import BLOCK
from segment_lab.data.leftovers import named, sweep_once, temporary
from segment_lab.data.mending import Mended, mended, opened
from segment_lab.data.sources import RawTable, Source
from segment_lab.texts import say

UTF_8 = ("utf-8", "utf8", "utf-8-sig")


def open_text(path: Path, source: Source, connection: Any) -> RawTable:
    """A delimited text file, or several with the same header."""
    files = [path]
    if not path.exists():  # a pattern
        files = sorted(map(Path, glob.glob(str(path))))
    if source.encoding.lower().replace("_", "-") not in UTF_8:
        files = [_transcoded(file, source.encoding) for file in files]
    if not files:
        raise OSError(say("data.file.no_match"))
    if not files[0].stat().st_size:
        raise OSError(say("data.file.empty"))
    heads = _same_heads(files, source.skip)
    if source.delimiter == "whitespace":
        table = _whitespace(files[0], source, connection)
        return RawTable(table, is_text=True, label=path.name)
    delimiter = source.delimiter or separator(heads)
    copies = [_mended(file, delimiter, source.skip) for file in files]
    unique = uuid.uuid4().hex[:12]
    named = {"names": source.header} if isinstance(source.header, list) else {}
    table = connection.read_csv(
        [literal(copy.path) for copy in copies],
        table_name=f"raw_{unique}",
        all_varchar=True,
        header=source.header is True,
        delim=delimiter,
        quote='"',
        escape='"',
        skip=source.skip,
        store_rejects=True,
        rejects_table=f"rejects_{unique}",
        rejects_scan=f"scans_{unique}",
        encoding="utf-8",
        **named,
    )
    blanks = {c.strip(): c for c in table.columns if c.strip() != c}
    return RawTable(
        table.rename(blanks) if blanks else table,
        is_text=True,
        broken=f"rejects_{unique}",
        label=path.name,
        files=tuple(files),
        aside=[line for copy in copies for line in copy.aside],
    )


def _mended(path: Path, delimiter: str, skip: int) -> Mended:
    """The file, or a copy that the engine reads row by row."""
    try:
        return mended(
            path, scratch() / f"{uuid.uuid4().hex[:8]}_{path.name}.csv", delimiter, skip
        )
    except (EOFError, zlib.error) as error:
        raise OSError(str(error)) from None


def literal(path: Path) -> str:
    """A path as the engine takes it: what looks like a pattern stands for itself."""
    return re.sub(r"[*?\[]", lambda mark: f"[{mark[0]}]", str(path))


def _same_heads(files: list[Path], skip: int) -> list[str]:
    """The header line of every file; an error where they differ."""
    heads = [first_lines(file, "utf-8", skip + 1)[-1].rstrip() for file in files]
    for file, head in zip(files, heads, strict=True):
        if head != heads[0]:
            raise OSError(
                say(
                    "data.file.other_head",
                    name=file.name,
                    first=files[0].name,
                    head=head,
                )
            )
    return heads


def separator(lines: list[str]) -> str:
    """The separator that these lines hold most of."""
    return max(",;\t|", key="".join(lines).count)


def first_lines(path: Path, encoding: str, n: int = 1) -> list[str]:
    """The first `n` lines of a text file, or fewer."""
    with opened(path, "rt", encoding=encoding, errors="replace") as file:
        return [line.lstrip("\ufeff") for line in islice(file, n)] or [""]


def _whitespace(path: Path, source: Source, connection: Any) -> ir.Table:
    """Lines split at runs of blanks: a layout DuckDB's reader does not know."""
    lines = connection.read_csv(
        str(path),
        all_varchar=True,
        header=False,
        delim="\x01",
        names=["line"],
        quote="",
        escape="",
    )
    if isinstance(source.header, list):
        names = source.header
    else:
        names = first_lines(path, "utf-8")[0].split()
    fields = lines.line.strip().re_split(r"\s+")
    table = lines.select(**{name: fields[i] for i, name in enumerate(names)})
    return table.filter(table[names[0]] != names[0]) if source.header is True else table


def scratch() -> Path:
    """A folder of this process for copies; it goes when the process does."""
    return _scratch(os.getpid())


@cache
def _scratch(pid: int) -> Path:
    sweep_once(temporary())
    folder = Path(tempfile.mkdtemp(prefix=named("")))

    def remove() -> None:
        # A forked child inherits the farewell, but not the folder.
        if os.getpid() == pid:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _transcoded(path: Path, encoding: str) -> Path:
    """A UTF-8 copy of a file in an encoding the engine does not read (cp1251, cp1250 …)."""
    number = len(list(scratch().iterdir()))
    target = scratch() / f"{number}_{path.name.removesuffix('.gz')}"
    try:
        old = opened(path, "rt", encoding=encoding, newline="")
    except LookupError:
        raise UnicodeError(say("data.file.encoding", encoding=repr(encoding))) from None
    with old, target.open("w", encoding="utf-8", newline="") as new:
        while block := old.read(BLOCK):
            new.write(block)
    return target
