"""Where runs live: made in a staging folder, moved into place in one step, never changed
afterwards.

``<out>/<study>/<run>/`` holds a run, ``latest`` points at the last complete good one. Whatever
ends a run early leaves at most a hidden folder, which the next run removes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from segment_lab.data.files import replacing
from segment_lab.errors import ConfigError
from segment_lab.texts import say

MANIFEST = "manifest.json"
LATEST = "latest"
HIDDEN = (".staging-", ".trash-")


@dataclass(frozen=True)
class Run:
    """A published run: its folder and its manifest."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def good(self) -> bool:
        """Every report of the study, and none failed."""
        return bool(self.manifest["complete"]) and self.manifest["status"] == "ok"

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it stands among the runs: by the day it is about, then by when it was made."""
        return self.manifest["as_of"], self.manifest["finished"], self.folder.name

    def intact(self) -> bool:
        """Whether all its files are still there, in full."""
        return all(
            (file := self.folder / name).is_file()
            and file.stat().st_size == facts["bytes"]
            for name, facts in self.manifest["files"].items()
        )


class Shelf:
    """The runs of one study."""

    def __init__(self, out: Path, study: str):
        self.out, self.folder = out, out / study

    @contextlib.contextmanager
    def locked(self, timeout: float, waiting: Any = lambda: None) -> Iterator[None]:
        """Hold the study: one run at a time. The lock goes with the process, however that ends."""
        with writing(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_unwritable()
            lock = FileLock(self.folder / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                waiting()
                try:
                    lock.acquire(timeout=timeout)
                except Timeout:
                    text = say(
                        "render.error.locked", study=self.folder.name, seconds=timeout
                    )
                    raise ConfigError(text) from None
        try:
            for left in self.folder.iterdir():
                if left.name.startswith(HIDDEN):
                    shutil.rmtree(left, ignore_errors=True)
            yield
        finally:
            lock.release()

    def _refuse_unwritable(self) -> None:
        """Say before the work, not after it, that what stands beside the runs is another user's."""
        listed = (self.out / name for name in ("index.html", ".index.lock"))
        for path in (self.out, self.folder, *listed):
            if path.exists() and not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def runs(self) -> list[Run]:
        """Published runs, those of the latest day first: an old day that is made again joins the
        past."""
        found = []
        for path in self.folder.glob(f"*/{MANIFEST}"):
            if not path.parent.name.startswith(".") and not path.parent.is_symlink():
                with contextlib.suppress(ValueError, OSError):
                    found.append(Run(path.parent, json.loads(path.read_text("utf-8"))))
        return sorted(found, key=lambda run: run.place, reverse=True)

    def latest(self) -> Path | None:
        """The last complete good run."""
        link = self.folder / LATEST
        return link.resolve() if link.exists() else None

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A hidden folder for a run in the making; gone afterwards unless it was published."""
        with writing(self.folder):
            folder = Path(tempfile.mkdtemp(prefix=HIDDEN[0], dir=self.folder))
        try:
            with writing(folder):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, staging: Path, name: str, *, instead: bool = False) -> Path:
        """Move a finished staging folder into place in one step, under a name that is free, or
        `instead` of the folder of that name: the same failure once more is one folder.

        Pages name customers: they are their owner's alone, whatever the umask.
        """
        with writing(self.folder):
            for path in staging.rglob("*"):
                path.chmod(0o700 if path.is_dir() else 0o600)
                if path.is_file():
                    _sync(path)
            target, number = self.folder / name, 2
            if instead and target.exists():
                self._remove(target)
            while target.exists():
                target, number = self.folder / f"{name}-{number}", number + 1
            staging.chmod(0o700)
            staging.rename(target)
            _sync(self.folder)
        return target

    def point(self, run: Run) -> Run:
        """Let ``latest`` point at `run`, in one step; never back to an earlier day. The run that it
        points at now."""
        present = self.latest()
        if present is not None and present != run.folder.resolve():
            with contextlib.suppress(ValueError, OSError):
                now = Run(present, json.loads((present / MANIFEST).read_text("utf-8")))
                if now.manifest["as_of"] > run.manifest["as_of"]:
                    return now
        with writing(self.folder):
            draft = self.folder / f".{LATEST}-{os.getpid()}"
            draft.unlink(missing_ok=True)
            draft.symlink_to(run.folder.name, target_is_directory=True)
            draft.replace(self.folder / LATEST)
        return run

    def prune(self, keep: int, made: Path | None = None) -> list[str]:
        """Remove all but the latest `keep` good runs, and as many of what-ifs and failures; never
        the one ``latest`` points at, nor the one just `made`."""
        runs = self.runs()
        good = [run for run in runs if run.good]
        others = [run for run in runs if not run.good]
        others.sort(key=lambda run: run.manifest["finished"], reverse=True)
        safe = {self.latest(), made.resolve() if made else None}
        gone = []
        for run in (*good[keep:], *others[keep:]):
            if run.folder.resolve() not in safe:
                self._remove(run.folder)
                gone.append(run.folder.name)
        return gone

    def _remove(self, folder: Path) -> None:
        trash = self.folder / f"{HIDDEN[1]}{folder.name}"
        folder.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)


@contextlib.contextmanager
def writing(where: Path) -> Iterator[None]:
    """Say in plain words that a folder cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno not in (
            errno.ENOSPC,
            errno.EACCES,
            errno.EROFS,
            errno.EPERM,
            errno.ENOTDIR,
            errno.EDQUOT,
            errno.EEXIST,
            errno.EFBIG,
        ):
            raise
        text = say("render.error.unwritable", folder=where, reason=error.strerror)
        raise ConfigError(text) from error


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step, safely on the disk."""
    with replacing(path) as draft:
        draft.write_text(text, "utf-8")
        _sync(draft)


def files_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and hash of every file of a run, for its manifest."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    return {
        f.relative_to(folder).as_posix(): {
            "bytes": f.stat().st_size,
            "sha256": hashlib.sha256(f.read_bytes()).hexdigest(),
        }
        for f in files
    }


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
