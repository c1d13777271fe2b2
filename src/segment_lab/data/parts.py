"""A text log in parts: of several files, or of one that was added to, only the new part is parsed.

Each part is taken in as a source of its own, which finds its typed copy again. Together they are
the whole where all are read alike, and where no line of one can run on into the next.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from segment_lab import code_fingerprint
from segment_lab.data.copies import Memory, files_of
from segment_lab.data.files import cache_folder
from segment_lab.data.keeping import keep, kept, mark
from segment_lab.data.leftovers import temporary, with_room
from segment_lab.data.sources import Source, locate
from segment_lab.data.textfiles import UTF_8, first_lines, scratch
from segment_lab.errors import DataError

TEXTS = (".csv", ".txt", ".tsv")
#: A file that was added to so often is parsed whole once more.
MOST_PARTS = 40
#: Bytes that are read at once.
BLOCK = 1 << 22
#: Takes one part in: what was found out of it, and the lines that could not be split.
TakeIn = Callable[[Source], tuple[Memory, pd.DataFrame]]


@dataclass(frozen=True)
class Parts:
    """Typed copies that make a log together, and the lines that could not be split."""

    memories: tuple[Memory, ...]
    broken: pd.DataFrame

    @property
    def targets(self) -> tuple[str, ...]:
        """The copies."""
        return tuple(target for memory in self.memories for target in memory.targets)


@dataclass(frozen=True)
class Grown:
    """A text file as it was: its size, a hash of its bytes, and the copies made of it."""

    size: int
    proof: str
    memories: tuple[Memory, ...]


def by_row(source: Source) -> bool:
    """Whether each row of a log is read without looking at others."""
    alone = source.duplicates == "keep" and source.amount_per == "line"
    return alone and not source.groups and not source.fill_down


def parts_of(name: str, source: Source, base: Path, take_in: TakeIn) -> Parts | None:
    """The parts of a text log; None of one that must be parsed whole."""
    if name != "orders" or source.path is None or source.url or not by_row(source):
        return None
    plain = source.encoding.lower().replace("_", "-") in UTF_8
    if not plain or source.header is not True or source.delimiter == "whitespace":
        return None
    path = locate(source, base, name)
    files = files_of(path)
    if not files or any(file.suffix.lower() not in TEXTS for file in files):
        return None
    if path.is_file():
        return _added_to(path, source, take_in)
    heads = {first_lines(file, "utf-8", source.skip + 1)[-1].rstrip() for file in files}
    if len(files) < 2 or len(heads) > 1:
        return None
    return _alike([source.model_copy(update={"path": str(f)}) for f in files], take_in)


def _alike(
    sources: Sequence[Source],
    take_in: TakeIn,
    before: Sequence[Memory] = (),
) -> Parts | None:
    """Parts that are read alike."""
    memories, broken = list(before), []
    for source in sources:
        try:
            memory, aside = take_in(source)
        except DataError:  # in so few lines days and months may look the same
            return None
        memories.append(memory)
        broken.append(aside)
    first = memories[0].reading
    if any(memory.reading != first for memory in memories):
        return None
    return Parts(tuple(memories), pd.concat(broken, ignore_index=True))


def noted(source: Source, base: Path, memory: Memory, broken: pd.DataFrame) -> None:
    """Remember a text log that was parsed whole, so that only what is added is parsed next."""
    path = locate(source, base, "orders")
    single = path.is_file() and path.suffix.lower() in TEXTS
    # A line that was set aside may be one that runs on into what is added.
    if not single or not by_row(source) or len(broken) or scratch() in path.parents:
        return
    size = path.stat().st_size
    if size and _ends_a_line(path):
        keep(_place(path, source), Grown(size, _proof(path, size), (memory,)))


def _added_to(path: Path, source: Source, take_in: TakeIn) -> Parts | None:
    """What is remembered of a file, and the lines that were added to it."""
    place = _place(path, source)
    known = _recalled(place)
    size = path.stat().st_size
    if known is None or size <= known.size or len(known.memories) >= MOST_PARTS:
        return None
    if _proof(path, known.size) != known.proof:
        return None
    with _copied(path, source.skip + 1, known.size) as added:
        part = source.model_copy(update={"path": str(added)})
        parts = _alike([part], take_in, known.memories)
    # The number of a line that cannot be split is known only from the whole.
    if parts is None or not parts.broken.empty:
        return None
    if _ends_a_line(path):
        keep(place, Grown(size, _proof(path, size), parts.memories))
    return parts


@contextmanager
def _copied(path: Path, head: int, start: int) -> Iterator[Path]:
    """The first lines of a file and what stands in it from `start` on, as a file of their own
    for the body."""
    with with_room(temporary()):
        added = scratch() / f"{uuid.uuid4().hex[:8]}_{path.name}"
        try:
            with path.open("rb") as file, added.open("wb") as copy:
                for _ in range(head):
                    copy.write(file.readline())
                file.seek(start)
                shutil.copyfileobj(file, copy, BLOCK)
            yield added
        finally:
            added.unlink(missing_ok=True)


def _place(path: Path, source: Source) -> Path:
    facts = (str(path.resolve()), source.model_dump_json(), code_fingerprint())
    return cache_folder() / f"added-{mark(*facts)}.memory"


def _recalled(place: Path) -> Grown | None:
    found = kept(place, Grown)
    whole = found is not None and all(memory.whole for memory in found.memories)
    return found if whole else None


def _proof(path: Path, size: int) -> str:
    """A hash of the first bytes of a file, and of how they end."""
    found = hashlib.sha256()
    left = size
    with path.open("rb") as file:
        while left and (block := file.read(min(BLOCK, left))):
            found.update(block)
            left -= len(block)
    return found.hexdigest()


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
