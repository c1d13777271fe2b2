"""The papermill engine ``segment-lab``: an ordinary Jupyter kernel, forked from a server instead
of started cold.

Only the start of the kernel differs, so its outputs are those of any kernel. The whole notebook is
bounded in time and memory; when a bound breaks, the cell that was running carries the reason as
its error.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from queue import Empty
from typing import Any, Self

import nbformat
import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager
from traitlets import default

from segment_lab.data.leftovers import for_sockets, short
from segment_lab.render import worker
from segment_lab.render.turns import Turn, Turns
from segment_lab.texts import DEFAULT, say
from segment_lab.texts.languages import VARIABLE

TIMEOUT = 1800.0
MEMORY_GB = 8.0
#: Between two attempts to reach a kernel that starts.
MILLISECONDS = 5


class ForkedProvisioner(LocalProvisioner):
    """Asks a fork server for the kernel's process."""

    server: worker.ForkServer

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        file = str(getattr(self.parent, "connection_file", ""))
        extra = cmd[cmd.index(file) + 1 :] if file in cmd else []
        env = {
            **kwargs.get("env", os.environ),
            "JPY_PARENT_PID": "1",
        }
        env.setdefault("MPLBACKEND", worker.BACKEND)
        child = self.server.fork(
            "kernel",
            {"connection_file": file, "extra": extra},
            cwd=kwargs.get("cwd"),
            env=env,
        )
        self.process: Any = child
        self.pid = self.pgid = child.pid
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """Its end is told by the server; Jupyter would look for it ten times a second."""
        await super().kill(restart)
        self.process.wait(1)


class ForkedClient(AsyncKernelClient):
    """Begins with a kernel as soon as it has answered; Jupyter's own client listens for another
    fifth of a second whether more comes."""

    @default("context")
    def _knocking(self) -> zmq.asyncio.Context:
        """A kernel listens some hundredths of a second after it was asked for; to look for it no
        sooner than the usual tenth would lose as much again."""
        context = self._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, MILLISECONDS)
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return once the kernel answers and is heard to be idle again."""
        deadline = time.monotonic() + (timeout or float("inf"))
        while not await self._answered(self.kernel_info()):
            if not await self._async_is_alive():
                raise RuntimeError(say("render.failure.died"))
            if time.monotonic() > deadline:
                seconds = f"{timeout:g}"
                raise RuntimeError(say("render.failure.took_too_long", seconds=seconds))

    async def _answered(self, asked: str) -> bool:
        """Whether a question was answered, and all that the kernel published about it came."""
        try:
            reply = await self.get_shell_msg(timeout=1)
            # What it published before it was listened to is lost: it is asked again.
            while not _ends(await self.get_iopub_msg(timeout=0.05), asked):
                pass
        except Empty:
            return False
        self._handle_kernel_info_reply(reply)
        return True


def _ends(message: dict[str, Any], asked: str) -> bool:
    """Whether a message says that the kernel is done with what was asked."""
    idle = message["content"].get("execution_state") == "idle"
    return idle and message["parent_header"].get("msg_id") == asked


class ForkedKernelManager(AsyncKernelManager):
    """Starts its kernel through `ForkedProvisioner`, over sockets in the file system (no ports to
    collide)."""

    server: worker.ForkServer

    async def _async_pre_start_kernel(self, **kwargs: Any) -> Any:
        self.provisioner = ForkedProvisioner(
            parent=self, kernel_spec=self.kernel_spec, kernel_id=self.kernel_id
        )
        self.provisioner.server = self.server
        return await super()._async_pre_start_kernel(**kwargs)

    pre_start_kernel = _async_pre_start_kernel


class Bounds:
    """Watches a kernel and ends it when it takes too long or too much; `broken` says which."""

    def __init__(self, client: Any, timeout: float, memory_gb: float):
        self.client, self.timeout, self.memory_gb = client, timeout, memory_gb
        self.broken = ""
        self._done = threading.Event()
        self._deadline = time.monotonic() + timeout
        threading.Thread(target=self._watch, daemon=True).start()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """No time is taken; from the end of it the whole of it is left."""
        self._deadline = float("inf")
        yield
        self._deadline = time.monotonic() + self.timeout

    def stop(self) -> None:
        self._done.set()

    def _watch(self) -> None:
        looks = 0
        while not self._done.wait(0.2):
            looks += 1
            if time.monotonic() > self._deadline:
                seconds = f"{self.timeout:g}"
                self.broken = say("render.failure.took_too_long", seconds=seconds)
            # To find its children, every process of the machine is looked at.
            elif self._used(with_children=looks % 10 == 0) > self.memory_gb:
                self.broken = say("render.failure.too_large", gb=f"{self.memory_gb:g}")
            if self.broken and self._kill():
                return

    def _process(self) -> Any:
        return getattr(getattr(self.client.km, "provisioner", None), "process", None)

    def _used(self, *, with_children: bool) -> float:
        """Gigabytes in use."""
        import psutil

        process, total = self._process(), 0
        with contextlib.suppress(psutil.Error, AttributeError):
            root = psutil.Process(process.pid)
            children = root.children(recursive=True) if with_children else []
            total = sum(each.memory_info().rss for each in (root, *children))
        return total / 1e9

    def _kill(self) -> bool:
        process = self._process()
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()
        return process is not None


class Client(PapermillNotebookClient):
    """Executes the cells of a notebook when it is its turn, within bounds."""

    def within(self, bounds: Bounds, turn: Turn) -> Self:
        """What it keeps to."""
        self.bounds, self.turn = bounds, turn
        return self

    def papermill_execute_cells(self) -> None:
        with self.bounds.paused():
            self.turn.wait()
        super().papermill_execute_cells()
        self.turn.over()


class ForkedEngine(NBClientEngine):
    """Papermill's engine with warm kernels and bounds; registered as ``segment-lab``."""

    @classmethod
    def execute_managed_notebook(  # noqa: PLR0913 (as papermill calls it)
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        timeout: float = TIMEOUT,
        memory_gb: float = MEMORY_GB,
        forked: bool = True,
        server: worker.ForkServer | None = None,
        turn: Turn | None = None,
        log_output: bool = False,
        resources: dict[str, Any] | None = None,
        spoken: str = DEFAULT,
        **_: Any,
    ) -> Any:
        """Execute within `timeout` seconds and `memory_gb`; `forked` False starts the kernel the
        ordinary way, `spoken` is the language of what its cells say."""
        client = Client(
            nb_man,
            kernel_name=kernel_name,
            log_output=log_output,
            shutdown_kernel="immediate",
            timeout=None,
            resources=resources or {},
        )
        bounds = Bounds(client, timeout, memory_gb)
        client.within(bounds, turn or Turn(Turns(1)))
        try:
            with tempfile.TemporaryDirectory(
                prefix=short(), dir=for_sockets()
            ) as sockets:
                if forked and hasattr(os, "fork"):
                    client.km = ForkedKernelManager(
                        kernel_name=kernel_name,
                        transport="ipc",
                        ip=f"{sockets}/k",
                        connection_file=f"{sockets}/k.json",
                        client_factory=ForkedClient,
                    )
                    client.km.server = server or worker.shared()
                    client.owns_km = True
                return client.execute(
                    env={
                        **os.environ,
                        VARIABLE: spoken,
                    }
                )
        except RuntimeError as error:
            # A kernel that is ended before it answers is no dead kernel to its client.
            if not bounds.broken and not isinstance(error, DeadKernelError):
                raise
            _blame(nb_man, bounds.broken or say("render.failure.died"))
            return nb_man.nb
        finally:
            bounds.stop()


def _blame(nb_man: NotebookExecutionManager, reason: str) -> None:
    """Put `reason` on the cell that was running, the way a kernel reports an exception."""
    states = [cell.metadata.papermill["status"] for cell in nb_man.nb.cells]
    ran = [
        i for i, state in enumerate(states) if state != NotebookExecutionManager.PENDING
    ] or [0]
    codes = [i for i in ran if nb_man.nb.cells[i].cell_type == "code"] or ran
    cell = nb_man.nb.cells[codes[-1]]
    error = nbformat.v4.new_output(
        "error", ename="Stopped", evalue=reason, traceback=[reason]
    )
    cell.outputs = [*cell.get("outputs", []), error]
    nb_man.cell_exception(cell, cell_index=codes[-1])
