"""What is kept between runs: the typed copy of a source, under the hash of its content."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import pyarrow
from pyarrow import parquet

from segment_lab import code_fingerprint
from segment_lab.data.files import cache_folder, digest, replacing
from segment_lab.data.keeping import kept, mark
from segment_lab.data.leftovers import sweep_once, with_room
from segment_lab.data.sources import RawTable, Source, locate

CACHE_DAYS = 14


def typed_copy(
    name: str,
    whole: ir.Table,
    raw: RawTable,
    connection: Any,
    fingerprint: str,
) -> str:
    """The path of conformed lines as Parquet (broken lines beside them), made once per content."""
    target = cache_folder() / f"{name}-{fingerprint}-{_code()}.parquet"
    if not copied(str(target)):
        prune(target.parent)
        sweep_once(target.parent)
        broken = target.with_suffix(".broken.parquet")
        with (
            with_room(target.parent),
            replacing(target, private=True) as draft,
            replacing(broken, private=True) as rest,
        ):
            connection.to_parquet(whole, str(draft))
            # The reader notes broken lines while it reads.
            lines = raw.broken(connection)
            lines.astype(
                {
                    "text": "str",
                    "reason": "str",
                }
            ).to_parquet(rest)
    return str(target)


def whole_parquet(path: Path) -> bool:
    """Whether a copy is there and complete: a damaged one is made anew."""
    try:
        parquet.read_metadata(path)
    except (OSError, pyarrow.ArrowException):
        return False
    return True


@cache
def _code() -> str:
    """A hash of the code and the words that parse: a newer package does not take the copies of an
    older one."""
    found = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.*")):
        if file.suffix in (".py", ".yml"):
            found.update(file.read_bytes())
    return found.hexdigest()[:8]


def prune(folder: Path) -> None:
    """Remove what nobody has used for `CACHE_DAYS`."""
    oldest = time.time() - CACHE_DAYS * 86400
    for old in folder.glob("*-*.*"):
        with contextlib.suppress(OSError):  # another process's draft, in place by now
            if old.stat().st_mtime < oldest:
                old.unlink()


def fingerprint_of(
    source: Source,
    base: Path | None,
    lines: ir.Table,
    name: str,
    timezone: str,
    content: str,
) -> str:
    """A hash of a source's content and of how it is read.

    Without a `base`, the folder that paths start from, the rows themselves are hashed, unless
    `content` tells one state of a database from the next.
    """
    settings = source.model_dump_json(exclude={"path", "url"})
    found = hashlib.sha256(f"{timezone}:{settings}".encode())
    found.update(content.encode())
    if source.url is None and base is not None:
        path = locate(source, base, name)
        for file in files_of(path):
            # A folder such as year=2026 is data.
            partitions = [part for part in file.parts if "=" in part]
            found.update(f"{partitions}{file.name}:{digest(file)}".encode())
    elif not content:
        found.update(_checksum(lines).encode())
    return found.hexdigest()[:16]


def files_of(path: Path) -> list[Path]:
    """The files of a path: itself, the Parquet files of a folder, or what a pattern finds."""
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted(path.rglob("*.parquet"))
    return sorted(map(Path, glob.glob(str(path), recursive=True)))


def _checksum(lines: ir.Table) -> str:
    """A checksum of every value, whatever the order of the rows, made where the rows are.

    Totals and last days alone would take a table with other customers, or with amounts moved
    between them, for the same one, and show the figures kept for the other.
    """
    backend = lines.get_backend()
    if backend.name == "mssql" or not backend.has_operation(ops.Hash):
        # No hash that Ibis knows there (MySQL, Trino), or a weak one: like no other state, so
        # nothing kept is shown.
        return uuid.uuid4().hex
    texts = [lines[c].cast("string").fill_null("\x1e") for c in lines.columns]
    row = ibis.literal("\x1f").join(texts)
    content = row.hash().cast("decimal(38, 0)").sum().cast("string")
    return backend.to_pandas(
        lines.aggregate(rows=lines.count(), content=content)
    ).to_json()


@dataclass(frozen=True)
class Memory:
    """What taking a file in found out, good for as long as the file is untouched."""

    reading: Any
    fingerprint: str
    label: str
    content: str
    targets: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether all its copies are still there."""
        return all(map(copied, self.targets))


def state_of(file: Path) -> tuple[str, int, int, int, int]:
    """What tells an untouched file: its place, size, times and number on the disk."""
    stat = file.stat()
    return str(file), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def memory_of(name: str, source: Source, base: Path, timezone: str) -> Path | None:
    """Where the memory of a source lies: under the place, size, times and number of its files.

    Nothing is read, so a process of a run that finds it spares parsing and hashing. None of a
    database, and of files that are not there.
    """
    if source.url is not None or source.path is None:
        return None
    states = []
    for file in files_of(locate(source, base, name)):
        states.append(state_of(file))
    if not states:
        return None
    facts = (
        name,
        source.model_dump_json(),
        str(base),
        timezone,
        states,
        code_fingerprint(),
    )
    return cache_folder() / f"{name}-{mark(*facts)}.memory"


def recalled(memory: Path | None) -> Memory | None:
    """The memory, where there is one and its copy is still there."""
    found = kept(memory, Memory) if memory is not None else None
    return found if found is not None and found.whole else None


def copied(target: str) -> bool:
    """Whether a typed copy is whole."""
    path = Path(target)
    return whole_parquet(path) and whole_parquet(path.with_suffix(".broken.parquet"))


def read_copies(
    connection: Any, targets: Sequence[str], name: str
) -> tuple[ir.Table, pd.DataFrame]:
    """Conformed lines, as a table of this name, and broken lines of typed copies; they count as
    used today."""
    for target in targets:
        os.utime(target)
    lines = connection.read_parquet(list(targets), table_name=name)
    return lines, _broken_lines(
        [Path(target).with_suffix(".broken.parquet") for target in targets]
    )


def _broken_lines(files: Sequence[Path]) -> pd.DataFrame:
    """The lines of these files; most have none, and are not read for that."""
    some = [file for file in files if parquet.read_metadata(file).num_rows]
    if some:
        return pd.concat(map(pd.read_parquet, some), ignore_index=True)
    return pd.DataFrame(
        {
            "line": pd.Series(dtype="uint64"),
            "text": pd.Series(dtype="str"),
            "reason": pd.Series(dtype="str"),
        }
    )


class Unopened:
    """A text file whose copy is at hand: opened only when somebody looks at its raw rows."""

    is_text, remote = True, False

    def __init__(self, opening: Callable[[], RawTable], label: str, content: str):
        self.opening, self.label, self.content = opening, label, content

    @cached_property
    def opened(self) -> RawTable:
        """The source itself."""
        return self.opening()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.opened, name)
