"""A server process with the libraries already imported; it forks kernels and calls, so each starts
in milliseconds.

The server is one thread and opens no database, so nothing that cannot be forked lives in it. What
is asked for early begins as soon as the libraries that it needs are there: the data are read and
checked while the others load.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import threadpoolctl

from segment_lab import errors
from segment_lab.data.leftovers import remove_of
from segment_lab.render.worker import POOLS, SETTINGS

#: What a child takes from the server, whatever environment it is given.
KEPT = ("SEGMENT_LAB_SHARED", *SETTINGS)
#: What takes a study's data in.
READING = (
    "pandas",
    "pyarrow.parquet",
    "pyarrow.dataset",
    "duckdb",
    "ibis.backends.duckdb",
    "ibis.backends.duckdb.converter",
    "ibis.expr.types.groupby",
    "segment_lab.study.tables",
)
#: What checks its settings beside it.
CHECKING = (
    "segment_lab.act.playbook",
    "segment_lab.study.study",
)
#: What every page needs beside it.
SHOWING = (
    "scipy.stats",
    "scipy.optimize",
    "matplotlib.pyplot",
    "seaborn",
    "ipykernel.kernelapp",
    "IPython.core.oinspect",
)
#: What some pages need.
LEARNING = (
    "sklearn.cluster",
    "sklearn.mixture",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.tree",
)
#: Rooms of our own that no page uses.
ELSEWHERE = ("__main__", "cli", "render", "sample")


def _kernel(connection_file: str, extra: list[str]) -> None:
    import matplotlib
    import numpy as np
    import pandas as pd
    from ipykernel.kernelapp import IPKernelApp

    # What importing these before the kernel existed left different from an ordinary kernel.
    pd.set_option("display.max_columns", 20)
    matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]
    np.random.seed()  # noqa: NPY002
    spec = importlib.util.find_spec("ipykernel_launcher")
    sys.argv = [str(spec and spec.origin), "-f", connection_file]
    # Nobody debugs an unattended kernel; looking for the debugger would take as long as all the
    # rest.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    app = IPKernelApp.instance()
    app.initialize(["-f", connection_file, *extra])
    del sys.modules["debugpy"]
    app.start()


def _call(function: str, arguments: dict[str, Any], result: str) -> None:
    module, name = function.split(":")
    try:
        answer = {"value": getattr(importlib.import_module(module), name)(**arguments)}
    except errors.SegmentLabError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    except Exception:
        answer = {"error": "", "message": traceback.format_exc()}
    Path(result).write_text(json.dumps(answer), "utf-8")


TASKS: dict[str, Any] = {"kernel": _kernel, "call": _call, "read": _call}


def load(names: Iterable[str]) -> Iterator[None]:
    """Import modules, one a step; a library that is absent is its user's to miss."""
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
        yield


def for_reading() -> Iterator[None]:
    """What a call needs that takes a study's data in."""
    yield from load(READING)
    # Importing it opens a database with threads; it opens another when one is needed.
    if "duckdb" in sys.modules:
        sys.modules["duckdb"].default_connection().close()


def for_checking() -> Iterator[None]:
    """What a call needs that checks a study's settings."""
    yield from load(CHECKING)

    from segment_lab.schemes import with_options
    from segment_lab.study.config import options_model

    for name in with_options():
        options_model(name)
        yield


def for_showing() -> Iterator[None]:
    """What every kernel needs: our own modules that pages use, and what each would read again."""
    import segment_lab

    yield from load(SHOWING)
    yield from load(_ours(Path(segment_lab.__file__).parent))
    yield from _read_ahead()


def _ours(package: Path) -> Iterator[str]:
    """Our own modules that pages use; to walk over packages would load them all."""
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        if parts[1] not in ELSEWHERE:
            yield ".".join(parts).removesuffix(".__init__")


def _read_ahead() -> Iterator[None]:
    """Read what every child would read again: texts, macros, kinds of pictures, the code's hash."""
    import segment_lab
    from segment_lab import texts
    from segment_lab.show import drawing, macros

    for warm in (
        segment_lab.code_fingerprint,
        texts.warm,
        macros.warm,
        drawing.warm,
    ):
        warm()
        yield


def for_learning() -> Iterator[None]:
    """What a kernel imports itself where it is asked for earlier."""
    yield from load(LEARNING)


#: What is loaded in turn, and the task that can be begun from there on.
STAGES: tuple[tuple[Callable[[], Iterator[None]], str], ...] = (
    (for_reading, "read"),
    (for_checking, "call"),
    (for_showing, "kernel"),
    (for_learning, ""),
)


def serve() -> None:
    """Fork a child for every request on standard input until it closes; report starts and ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    client = os.getppid()
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # Of what is imported nothing dies: looking for garbage would take a fifth of the time.
    gc.disable()
    server = Server(replies)
    server.listen()
    try:
        for _ in server.loaded():
            if not server.look(0):
                return
        while server.look(None):
            pass
    finally:
        server.kill()
        if os.getppid() != client:  # killed: it cannot tidy up itself
            remove_of(client)


class Server:
    """Requests that came, and the children that run.

    Parameters
    ----------
    replies : file
        Where starts and ends are reported.
    """

    def __init__(self, replies: Any):
        self.replies = replies
        self.able: set[str] = set()
        self._running: dict[int, int] = {}
        self._waiting: list[dict[str, Any]] = []
        self._buffer = b""
        self._ended = -1

    def listen(self) -> None:
        """From now on the end of a child is a byte to read, as a request is."""
        self._ended, ends = os.pipe()
        for end in (self._ended, ends):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(ends, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def loaded(self) -> Iterator[None]:
        """Load what children need, one thing a step, and learn the tasks that it is for."""
        for stage, able in STAGES:
            yield from stage()
            self.able.add(able)
            yield

    def look(self, seconds: float | None) -> bool:
        """Wait so long for a request or an end, and do what can be done; False once the client is
        gone."""
        ready = select.select([0, self._ended], [], [], seconds)[0]
        if 0 in ready:
            chunk = os.read(0, 1 << 16)
            if not chunk:
                return False
            *lines, self._buffer = (self._buffer + chunk).split(b"\n")
            self._waiting += map(json.loads, lines)
        if self._ended in ready:
            os.read(self._ended, 1 << 16)
            self._reap()
        self._start()
        return True

    def kill(self) -> None:
        """End whatever still runs."""
        for pid in self._running:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            remove_of(pid)

    def _start(self) -> None:
        """Begin what waits and can be begun."""
        able = [each for each in self._waiting if each["task"] in self.able]
        for request in able:
            self._waiting.remove(request)
            pid = self._fork(request)
            self._running[pid] = request["id"]
            self._tell({"id": request["id"], "pid": pid})

    def _reap(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            code = os.waitstatus_to_exitcode(status)
            remove_of(pid)  # a child has no farewell
            self._tell({"id": self._running.pop(pid), "exit": code})

    def _tell(self, reply: dict[str, int]) -> None:
        with contextlib.suppress(BrokenPipeError):  # the client is gone
            self.replies.write(json.dumps(reply) + "\n")

    def _fork(self, request: dict[str, Any]) -> int:
        if pid := os.fork():
            with contextlib.suppress(OSError):
                os.setpgid(pid, pid)
            return pid
        status = 1
        try:
            self._become_child()
            _prepare(request)
            TASKS[request["task"]](**request["arguments"])
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _become_child(self) -> None:
        """Leave behind what is the server's."""
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self.replies.fileno())
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        gc.freeze()
        gc.enable()


def _prepare(request: dict[str, Any]) -> None:
    """The environment, the folder and the threads that a child is to have."""
    share = os.environ.get("SEGMENT_LAB_THREADS")
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    if request["env"] is not None:
        os.environ.clear()
        os.environ.update(request["env"])
    os.environ.update(kept)
    if share:
        os.environ.update(dict.fromkeys((*POOLS, "SEGMENT_LAB_THREADS"), share))
        threadpoolctl.threadpool_limits(int(share))
    if request["cwd"]:
        os.chdir(request["cwd"])


if __name__ == "__main__":
    serve()
    os._exit(0)  # taking all that was loaded apart would be waited for
