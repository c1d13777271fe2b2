"""Text files as the engine reads them safely: every physical line is a row or is set aside.

One unmatched quote makes a reader swallow all rows up to the next quote, a bare carriage return is
a line end to some programs and none to others, and a line of many megabytes stops the reader. Such
files are copied line by line, with what cannot be a row kept aside; all others are read as they
stand.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from segment_lab.data.damaged import BLOCK

# The engine refuses longer lines (bytes).
LONGEST = 1_900_000
# So many rows of the right width inside a quoted field: the quote was never closed.
SWALLOWED = 3
# A quoted field of more lines is no text that a person wrote.
MOST_LINES = 2000
SHOWN = 300
UNMATCHED, TOO_LONG = "unmatched quote", "line too long"


@dataclass
class Mended:
    """A file to read in place of another, and the lines that it lacks."""

    path: Path
    aside: list[tuple[int, str, str]] = field(default_factory=list)


def opened(path: Path, mode: str = "rb", **options: Any) -> IO[Any]:
    """A plain or a gzipped file."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    return opener(path, mode, **options)


def mended(path: Path, target: Path, delimiter: str, skip: int = 0) -> Mended:
    """The file itself where nothing is suspicious; else a copy of it at `target`.

    The first `skip` lines, above the header, are copied as they stand.
    """
    if not _suspicious(path):
        return Mended(path)
    found = Mended(target)
    with opened(path) as file, target.open("wb") as copy:
        lines = _numbered(file, found.aside)
        for _, line in islice(lines, skip):
            copy.write(line + b"\n")
        for line in _records(lines, delimiter.encode(), found.aside):
            copy.write(line + b"\n")
    return found


def _suspicious(path: Path) -> bool:
    """Whether a file holds quotes, null bytes, very long lines, or line ends of several sorts."""
    since = 0  # bytes since the last line end
    bare = windows = unix = False
    before = b""
    with opened(path) as file:
        while block := file.read(BLOCK):
            if b'"' in block or b"\0" in block:
                return True
            whole = before + block
            before = b"\r" if whole.endswith(b"\r") else b""
            whole = whole.removesuffix(b"\r")
            pairs = whole.count(b"\r\n")
            bare |= whole.count(b"\r") > pairs
            windows |= pairs > 0
            unix |= whole.count(b"\n") > pairs
            end = whole.rfind(b"\n")
            longest = since + (len(whole) if end < 0 else whole.find(b"\n"))
            since = since + len(whole) if end < 0 else len(whole) - end
            if longest > LONGEST:
                return True
    return bare or bool(before) or (windows and unix)


def _numbered(
    file: IO[bytes], aside: list[tuple[int, str, str]]
) -> Iterator[tuple[int, bytes]]:
    """Lines by any line end, without it; those too long are set aside."""
    number, rest, cut = 0, b"", False
    while True:
        block = file.read(BLOCK)
        if block.endswith(b"\r"):
            block += file.read(1)
        text = rest + block.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(
            b"\0", b""
        )
        lines = text.split(b"\n")
        rest = lines.pop() if block else b""
        for line in lines:
            number += 1
            if len(line) > LONGEST or cut:
                aside.append((number, _text(line), TOO_LONG))
                cut = False
            else:
                yield number, line
        # Only its beginning is kept: it may be larger than memory.
        if len(rest) > LONGEST:
            rest, cut = rest[:SHOWN], True
        if not block:
            return


def _records(
    lines: Iterator[tuple[int, bytes]],
    delimiter: bytes,
    aside: list[tuple[int, str, str]],
) -> Iterator[bytes]:
    """Lines in order; those that open a quote and never close it are set aside."""
    fields = _Fields(delimiter)
    waiting: list[tuple[int, bytes]] = []
    width = 0
    whole = False
    while True:
        number, line = waiting.pop(0) if waiting else next(lines, (0, b""))
        if not number:
            return
        whole = whole if width else _wrapped(line, fields, delimiter)
        line = _unwrapped(line) if whole else line
        width = width or fields.count(line) or 0
        if b'\\"' in line:
            # Some databases write a quote within a text as \" instead of "".
            other = line.replace(b'\\"', b'""')
            line = other if fields.count(other) == width else line
        if line.count(b'"') % 2 == 0 or fields.count(line) is not None:
            yield line
            continue
        last = _closing(fields, line, lines, waiting, width)
        if last is None:
            aside.append((number, _text(line), UNMATCHED))
            continue
        yield line
        for _ in range(last + 1):
            yield waiting.pop(0)[1]


def _wrapped(line: bytes, fields: _Fields, delimiter: bytes) -> bool:
    """Whether a header is one quoted field that holds all the others, as some programs save it."""
    quoted = len(line) > 2 and line.startswith(b'"') and line.endswith(b'"')
    return quoted and delimiter in line and fields.count(line) == 1


def _unwrapped(line: bytes) -> bytes:
    """What stands within the quotes around a whole line."""
    if len(line) > 1 and line.startswith(b'"') and line.endswith(b'"'):
        return line[1:-1].replace(b'""', b'"')
    return line


def _closing(
    fields: _Fields,
    first: bytes,
    lines: Iterator[tuple[int, bytes]],
    waiting: list[tuple[int, bytes]],
    width: int,
) -> int | None:
    """Which of the following lines ends the record that `first` begins; none where the quote is
    never closed."""
    record, rows = first, 0
    for place in range(MOST_LINES):
        if place == len(waiting):
            following = next(lines, None)
            if following is None:
                return None
            waiting.append(following)
        line = waiting[place][1]
        record += b"\n" + line
        alone = fields.count(line)
        rows += alone is not None and alone == width and width > 1
        if rows >= SWALLOWED or len(record) > LONGEST:
            return None
        if b'"' not in line:
            continue
        count = fields.count(record)
        if count is None:
            continue
        # The last line may look like a row by itself: then it is one, and the quote stayed open.
        fits = not width or count == width
        return place if fits and not (rows and alone == width) else None
    return None


class _Fields:
    """Counts the fields of a record; none where it ends within quotes."""

    def __init__(self, delimiter: bytes):
        mark = re.escape(delimiter)
        quoted = rb'"(?:[^"]|"")*"[^' + mark + rb"]*"
        plain = rb'(?!")[^' + mark + rb"]*"
        self._field = re.compile(
            rb"(?:" + quoted + rb"|" + plain + rb")(" + mark + rb"|\Z)"
        )

    def count(self, record: bytes) -> int | None:
        """The number of fields."""
        place, count = 0, 0
        while True:
            found = self._field.match(record, place)
            if found is None:
                return None
            count += 1
            place = found.end()
            if not found[1]:
                return count


def _text(line: bytes) -> str:
    shown = line[:SHOWN].decode("utf-8", errors="replace")
    return shown + "…" if len(line) > SHOWN else shown
