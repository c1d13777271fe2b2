"""What a process that was killed left behind: drafts, copies, folders the engine spilled to."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from segment_lab.errors import ConfigError
from segment_lab.texts import say

#: The names of drafts and of folders for temporary files, with the process that made them.
OURS = re.compile(r"(?:\..+\.(\d+)-\d+\.tmp|segment_lab_(\d+)_\w+|sl-(\d+)-\w+)")
#: What was touched in so many seconds stays: where containers share a folder, the process of
#: another cannot be seen from here, and what it still needs would go.
UNTOUCHED = 86_400
LONGEST = 70
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def temporary() -> Path:
    """The folder in which temporary files are made."""
    return Path(tempfile.gettempdir())


def named(rest: str) -> str:
    """A name for a folder of this process, which `sweep` knows once the process is gone."""
    return f"segment_lab_{os.getpid()}_{rest}"


def short() -> str:
    """How a folder of this process begins whose path must be short: sockets lie in it."""
    return f"sl-{os.getpid()}-"


def for_sockets() -> Path:
    """Where such a folder may lie: the system takes no path of a socket beyond `LONGEST`."""
    usual, plain = temporary(), Path("/tmp")
    fits = len(os.fsencode(usual)) <= LONGEST
    return usual if fits or not os.access(plain, os.W_OK) else plain


def sweep(folder: Path) -> None:
    """Remove what processes that are gone left in a folder, a day or more ago."""
    for path in folder.iterdir():
        match = OURS.fullmatch(path.name)
        if match is None or _alive(int(match[1] or match[2] or match[3])):
            continue
        # Another user's, or another process was faster.
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime < UNTOUCHED:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def remove_of(pid: int) -> None:
    """Remove what one process, which is gone, left in the folder for temporary files."""
    with contextlib.suppress(OSError):
        left = [
            *temporary().glob(f"segment_lab_{pid}_*"),
            *for_sockets().glob(f"sl-{pid}-*"),
        ]
        for path in left:
            shutil.rmtree(path, ignore_errors=True)


@cache
def sweep_once(folder: Path) -> None:
    """`sweep`, once in a process."""
    with contextlib.suppress(OSError):
        sweep(folder)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


@contextmanager
def with_room(folder: Path) -> Iterator[None]:
    """A disk that is full while something is written to a folder becomes a plain ConfigError."""
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        raise no_room(folder) from None


def is_full(error: Exception) -> bool:
    """Whether an error, the engine's own too, says that there is no room on a disk."""
    full = isinstance(error, OSError) and error.errno in NO_ROOM
    return full or any(os.strerror(code) in str(error) for code in NO_ROOM)


def no_room(folder: Path) -> ConfigError:
    """The disk of a folder is full."""
    return ConfigError(say("data.cache.full", folder=folder))
