"""A server process with the libraries already imported; it forks kernels and calls, so each starts
in milliseconds.

The server is one thread and opens no database, so nothing that cannot be forked lives in it. It
dies with the process that started it and takes its children along: a killed run leaves nothing
behind that still writes.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib.util
import itertools
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import threadpoolctl

from segment_lab import errors
from segment_lab.texts import language, say
from segment_lab.texts.languages import VARIABLE

PRELOAD = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "pyarrow.dataset",
    "duckdb",
    "ibis",
    "ibis.backends.duckdb",
    "ibis.backends.duckdb.converter",
    "ibis.expr.types.groupby",
    "ibis.backends.sql",
    "scipy.stats",
    "scipy.optimize",
    "sklearn.cluster",
    "sklearn.mixture",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.tree",
    "matplotlib.pyplot",
    "seaborn",
    "ipykernel.kernelapp",
    "IPython.core.oinspect",
)
POOLS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
BACKEND = "module://matplotlib_inline.backend_inline"


class Child:
    """A process that the server forked, with the manners of `subprocess.Popen` that Jupyter
    expects."""

    stdin = stdout = stderr = None

    def __init__(self) -> None:
        self.pid = 0
        self.returncode: int | None = None
        self.started, self.ended = threading.Event(), threading.Event()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        self.ended.wait(timeout)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    terminate = kill


class ForkServer:
    """The client's end: starts the server and asks it for children.

    Parameters
    ----------
    threads : int, optional
        Threads that numerical libraries and the engine may use in each child.
    shared : path, optional
        A folder in which the children keep what they would all compute.
    """

    def __init__(self, threads: int | None = None, shared: Path | None = None):
        env = {
            **os.environ,
            "JPY_PARENT_PID": "1",
            "JE_ARROW_MALLOC_CONF": "background_thread:false",
        }
        # The server itself must stay one thread; its children take their share after the fork.
        env.update(dict.fromkeys(POOLS, "1"))
        if threads:
            env.setdefault("SEGMENT_LAB_THREADS", str(threads))
        if shared:
            shared.mkdir(mode=0o700)
            env["SEGMENT_LAB_SHARED"] = str(shared)
        self._children: dict[int, Child] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._gone = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def fork(
        self,
        task: str,
        arguments: Mapping[str, Any],
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """A new child that runs ``TASKS[task](**arguments)``; returns once it has a process id.

        Of a server that has ended, or ends meanwhile, the child comes back killed.
        """
        child = Child()
        with self._lock:
            if self._gone:
                self._lost(child)
                return child
            number = next(self._numbers)
            self._children[number] = child
            request = {
                "id": number,
                "task": task,
                "arguments": arguments,
                "cwd": cwd,
                "env": env,
            }
            # To a server that is closing nothing can be written; the listener then gives up its
            # children.
            with contextlib.suppress(BrokenPipeError, ValueError):
                assert self._process.stdin is not None
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
        child.started.wait()
        return child

    def call(
        self,
        function: str,
        arguments: Mapping[str, Any],
        result: Path,
        spoken: str | None = None,
    ) -> Any:
        """Run ``package.module:function`` in a child; its result (JSON) passes through the file
        `result`. What it says is in the language `spoken`."""
        child = self.fork(
            "call",
            {"function": function, "arguments": arguments, "result": str(result)},
            env={**os.environ, VARIABLE: spoken or language()},
        )
        child.wait()
        if not result.exists():
            status = child.returncode
            raise RuntimeError(
                say("render.error.no_result", function=function, status=status)
            )
        answer = json.loads(result.read_text("utf-8"))
        result.unlink()
        if "error" not in answer:
            return answer["value"]
        kind = getattr(errors, answer["error"], None)
        if kind is not None:
            raise kind(answer["message"])
        raise RuntimeError(answer["message"])

    def close(self) -> None:
        """End the server and whatever it still runs."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            reply = json.loads(line)
            child = self._children[reply["id"]]
            if "pid" in reply:
                child.pid = reply["pid"]
                child.started.set()
            else:
                child.returncode = reply["exit"]
                child.ended.set()
        with self._lock:  # a child asked for from here on has nobody to wait for
            self._gone = True
            for child in self._children.values():
                self._lost(child)

    @staticmethod
    def _lost(child: Child) -> None:
        if child.returncode is None:
            child.returncode = -signal.SIGKILL
        child.started.set()
        child.ended.set()


@cache
def shared() -> ForkServer:
    """One server for a process that runs notebooks one after another through papermill."""
    server = ForkServer()
    atexit.register(server.close)
    return server


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


TASKS: dict[str, Any] = {"kernel": _kernel, "call": _call}


def preload() -> None:
    """Import what notebooks use; a library that is absent is theirs to miss."""
    import segment_lab

    ours = [
        m.name
        for m in pkgutil.walk_packages(segment_lab.__path__, "segment_lab.")
        if not m.name.startswith(("segment_lab.render", "segment_lab.cli"))
    ]
    for name in (*PRELOAD, *ours):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _read_ahead()
    # Importing it opens a database with threads; it opens another when one is needed.
    if "duckdb" in sys.modules:
        sys.modules["duckdb"].default_connection().close()


def _read_ahead() -> None:
    """Read what every child would read again: texts, macros, kinds of pictures, the code's hash."""
    import segment_lab
    from segment_lab.show.macros import warm
    from segment_lab.texts.languages import read_all

    segment_lab.code_fingerprint()
    read_all()
    warm()
    with contextlib.suppress(ImportError):
        from PIL import Image

        Image.init()


def serve() -> None:
    """Fork a child for every request on standard input until it closes; report starts and ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    preload()
    gc.collect()
    gc.freeze()
    running: dict[int, int] = {}
    buffer = b""
    try:
        while True:
            if select.select([0], [], [], 0.03 if running else None)[0]:
                chunk = os.read(0, 1 << 16)
                if not chunk:
                    return
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    request = json.loads(line)
                    running[pid := _fork(request, replies)] = request["id"]
                    replies.write(json.dumps({"id": request["id"], "pid": pid}) + "\n")
            _reap(running, replies)
    finally:
        for pid in running:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)


def _reap(running: dict[int, int], replies: Any) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        replies.write(
            json.dumps(
                {"id": running.pop(pid), "exit": os.waitstatus_to_exitcode(status)}
            )
            + "\n"
        )


def _fork(request: dict[str, Any], replies: Any) -> int:
    if pid := os.fork():
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        return pid
    status = 1
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.close(replies.fileno())
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        share = os.environ.get("SEGMENT_LAB_THREADS")
        folder = os.environ.get("SEGMENT_LAB_SHARED")
        if request["env"] is not None:
            os.environ.clear()
            os.environ.update(request["env"])
        if folder:
            os.environ["SEGMENT_LAB_SHARED"] = folder
        if share:
            os.environ.update(dict.fromkeys((*POOLS, "SEGMENT_LAB_THREADS"), share))
            threadpoolctl.threadpool_limits(int(share))
        if request["cwd"]:
            os.chdir(request["cwd"])
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


if __name__ == "__main__":
    serve()
