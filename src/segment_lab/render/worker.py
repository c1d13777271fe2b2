"""The client's end of the fork server (`forked`): kernels and calls that start in milliseconds.

The server dies with the process that started it and takes its children along: a killed run leaves
nothing behind that still writes.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from segment_lab import errors
from segment_lab.texts import language, say
from segment_lab.texts.languages import VARIABLE

#: The module that is the server.
SERVER = "segment_lab.render.forked"
POOLS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
#: Variables that name where libraries keep their settings.
SETTINGS = ("MPLCONFIGDIR", "IPYTHONDIR")
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
            env.update(_instead_of_home(shared))
        self._children: dict[int, Child] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._gone = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", SERVER],
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
        """A new child that does a task of `forked`; returns once it has a process id.

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
        task: str = "call",
    ) -> Any:
        """Run ``package.module:function`` in a child; its result (JSON) passes through the file
        `result`. What it says is in the language `spoken`; as task ``read`` it begins before
        more is loaded than reading needs."""
        child = self.fork(
            task,
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


def _instead_of_home(folder: Path) -> dict[str, str]:
    """Where libraries keep their settings when the home folder takes none: they would complain,
    and leave folders of their own behind."""
    with contextlib.suppress(RuntimeError):  # nobody's home
        if os.access(Path.home(), os.W_OK):
            return {}
    return {name: str(folder / name.lower()) for name in SETTINGS}


@cache
def shared() -> ForkServer:
    """One server for a process that runs notebooks one after another through papermill."""
    server = ForkServer()
    atexit.register(server.close)
    return server
