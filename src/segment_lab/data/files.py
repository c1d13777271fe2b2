"""Files that others read while they are written: replaced in one step, and safe to open in a
spreadsheet."""

from __future__ import annotations

import csv
import errno
import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from segment_lab.errors import ConfigError, SegmentLabError
from segment_lab.texts import say

if TYPE_CHECKING:
    import pandas as pd

# Programs for spreadsheets run a cell that begins with one of these; full-width forms count as the
# same.
FORMULA = re.compile(r"^[\s\x00]*[=+\-@＝＋－＠\t\r\n]")
# Beyond this size a file is told from another by its size and date, not by its content.
HASHED_BYTES = 2 << 30

#: The file of a run that holds every order line that was set aside, as it stood in the source.
REJECTED = "rejected.csv"


def cache_folder() -> Path:
    """Where typed copies and fitted models are kept: ``SEGMENT_LAB_CACHE`` or the user's cache
    folder. Only the user may look into it.

    Raises
    ------
    ConfigError
        It cannot be made.
    """
    folder = Path(
        os.environ.get("SEGMENT_LAB_CACHE")
        or platformdirs.user_cache_dir("segment_lab")
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        said = error.strerror or str(error)
        raise ConfigError(
            say("data.cache.unwritable", folder=folder, said=said)
        ) from None
    return folder


@contextmanager
def replacing(
    path: str | Path,
    *,
    private: bool = False,
    lasting: bool = True,
) -> Iterator[Path]:
    """A draft to write, which takes the place of `path` at the end: a reader sees the old file or
    the new one. A `private` file is its owner's alone, whatever the umask; one that is not
    `lasting` dies with the run, and no power cut is waited for."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield draft
        if lasting:
            _to_disk(draft)
        if private and draft.is_file():
            draft.chmod(0o600)
        draft.replace(path)
    finally:
        if draft.is_dir():  # of Spark
            shutil.rmtree(draft)
        draft.unlink(missing_ok=True)


@contextmanager
def asked_for(path: Path) -> Iterator[None]:
    """What somebody asked to be written to a file or a folder: where that cannot be, a plain
    ConfigError says so, whoever wrote."""
    try:
        yield
    except SegmentLabError:
        raise
    except Exception as error:
        reason = _unwritten(error)
        if not reason:
            raise
        text = say("data.file.unwritable", path=path, reason=reason)
        raise ConfigError(text) from None


def _unwritten(error: Exception) -> str:
    """Why a disk took nothing: in the system's words, or in those that the engine says of it."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if type(error).__module__.partition(".")[0] in ("duckdb", "_duckdb"):
        told = str(error).rpartition(": ")[2]
        if told in map(os.strerror, errno.errorcode):
            return told
    return ""


def refuse_unwritable(path: Path) -> None:
    """Say before long work that its result could not be written."""
    with asked_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()


def _to_disk(path: Path) -> None:
    """A name must never point at content that a power cut can still take away."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())


def digest(path: Path) -> str:
    """A hash of a file's content; of its size and date where it is larger than `HASHED_BYTES`."""
    state = path.stat()
    if state.st_size >= HASHED_BYTES:
        return f"{state.st_size}:{state.st_mtime_ns}"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_it_was(value: object) -> object:
    """A text as it stood before `neutralised`.

    Examples
    --------
    >>> as_it_was("'+7 495"), as_it_was("'s-Hertogenbosch")
    ('+7 495', "'s-Hertogenbosch")
    """
    if isinstance(value, str) and value.startswith("'") and FORMULA.match(value[1:]):
        return value[1:]
    return value


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """A text file that a spreadsheet opens: no cell runs, and none falls apart.

    The CSV library quotes commas and line feeds, but neither a bare carriage return, which begins
    a row in a spreadsheet, nor what separates lists in other countries, which begins a cell.
    """
    safe = neutralised(frame)
    texts = safe.select_dtypes(exclude=["number", "bool", "datetime"]).astype("str")
    cells = [texts[name].str.contains(r"[\r\t;]") for name in texts]
    apart = any(found.any() for found in cells)
    quoting: Any = csv.QUOTE_NONNUMERIC if apart else csv.QUOTE_MINIMAL
    safe.to_csv(path, index=False, lineterminator="\n", quoting=quoting)


def neutralised(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy in which no text can run as a formula: such cells get a leading apostrophe."""

    def safe(value: object) -> object:
        if isinstance(value, str) and FORMULA.match(value):
            return f"'{value}"
        return value

    return frame.map(safe)
