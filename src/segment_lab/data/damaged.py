"""Files that are not what they should be, in words instead of a reader's jargon."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ibis.common.exceptions import IbisError

from segment_lab.data.leftovers import is_full, no_room, temporary
from segment_lab.errors import DataError, Fault, SegmentLabError
from segment_lab.texts import say

BLOCK = 1 << 20
#: Lines drawn between rows, and totals marked by asterisks alone, as printed lists have them.
RULE = r"[\W_]+|[|;,\s]*\*+[^\w*].*"
# The readers' own errors share no base class.
_READERS = frozenset(
    {"_duckdb", "duckdb", "python_calamine", "pandas", "zlib", "pyarrow"}
)


#: Drivers of servers, whose words may hold an address.
_DRIVERS = frozenset({"psycopg", "psycopg2"})


@contextmanager
def in_words(where: str, name: str) -> Iterator[None]:
    """What readers say within the body about the file `name` of the table `where` becomes a
    DataError."""
    try:
        yield
    except SegmentLabError:
        raise
    except Exception as error:
        if is_full(error):  # while the engine spills, or a file is copied to be read
            raise no_room(temporary()) from None
        if type(error).__module__.split(".")[0] in _DRIVERS:
            raise _refused(where, error) from None
        ours = isinstance(error, (OSError, IbisError, UnicodeError, EOFError))
        if ours or type(error).__module__.split(".")[0] in _READERS:
            raise unreadable(where, name, error) from None
        raise


def _refused(where: str, error: Exception) -> DataError:
    """What a server refused while it was read: a right that is missing, or it went away."""
    kind = type(error).__name__
    key = "rights" if kind == "InsufficientPrivilege" else "lost"
    problem = say(f"data.databases.{key}", said=kind)
    fault = Fault(where, problem, say(f"data.databases.{key}_check"))
    return DataError(say("data.databases.title", where=where), [fault])


def unreadable(where: str, name: str, error: Exception) -> DataError:
    """What a reader said about a file, without its jargon."""
    said = str(error).splitlines() or [type(error).__name__]
    problem = re.sub(r"^(\w+ )+Error: ", "", said[0]).rstrip(". ")
    if "sniffing file" in problem:
        problem = say("data.file.uneven")
    remedy = say("data.file.check")
    if isinstance(error, PermissionError):
        problem, remedy = str(error.strerror), say("data.file.let_read")
    fault = Fault(where, problem, remedy)
    return DataError(say("data.file.unreadable", name=name), [fault])


def refuse_cut_off(path: Path) -> None:
    """The engine reads a compressed file that lacks its end as if it were whole."""
    if path.suffix != ".gz":
        return
    try:
        with gzip.open(path) as file:
            while file.read(BLOCK):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable("orders", path.name, error) from None


def footer(file: Path, broken: set[str]) -> set[str]:
    """Those of the broken lines that stand below an empty line below all data: small print."""
    below: list[str] = []
    for line in reversed(_last_lines(file)):
        if line and line not in broken:
            break
        below.append(line)
    while below and below[-1]:  # down to the empty line
        below.pop()
    return set(below) - {""}


def _last_lines(file: Path, size: int = 8192) -> list[str]:
    if file.suffix == ".gz":
        return []
    with file.open("rb") as handle:
        handle.seek(max(0, file.stat().st_size - size))
        return [
            line.strip()
            for line in handle.read().decode("utf-8", "replace").splitlines()
        ]
