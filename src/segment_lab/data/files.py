"""Files that others read while they are written: replaced in one step, and safe to open in a
spreadsheet."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# Programs for spreadsheets run a cell that begins with one of these; full-width forms count as the
# same.
FORMULA = re.compile(r"^[\s\x00]*[=+\-@＝＋－＠\t\r\n]")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A draft to write, which takes the place of `path` at the end: a reader sees the old file or
    the new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def neutralised(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy in which no text can run as a formula: such cells get a leading apostrophe."""
    return frame.map(
        lambda value: f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value
    )
