"""One report: a notebook executed by papermill, tidied, and rendered; a page comes out whatever
happens."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from segment_lab.render.catalog import Report
from segment_lab.render.discreet import discreet
from segment_lab.render.editions import Edition
from segment_lab.render.turns import Turn, Turns
from segment_lab.texts import language, say, speaking

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from segment_lab.render.worker import ForkServer

NOTEBOOKS = "notebooks"
# nbconvert and Jinja share caches between exporters; one page at a time costs little beside the
# kernels.
_rendering = Lock()


@dataclass(frozen=True)
class Limits:
    """How a notebook is run: its kernel, how long and how large it may be, how many compute at a
    time, and whether it may show addresses."""

    server: ForkServer | None
    timeout: float
    memory_gb: float
    turns: Turns
    personal: bool = False


def render_report(
    report: Report,
    parameters: Mapping[str, Any],
    config: Path,
    folder: Path,
    limits: Limits,
    page: Mapping[str, Any],
    edition: Edition,
) -> dict[str, Any]:
    """Execute a report's notebook and write its page and executed notebook into `folder`, that of
    the run.

    `parameters` are validated and go beyond ``config``; `page` is what `exporter.render` prints
    beside the notebook, `edition` says in which language and where. What comes back goes
    into the manifest: ``status`` (ok, failed, thin), ``seconds``, ``page``, ``notebook``,
    ``headline``, ``cards``, ``reason``.
    """
    import nbformat

    from segment_lab.render import exporter

    started, name = time.monotonic(), edition.path(f"{NOTEBOOKS}/{report.file}")
    turn = Turn(limits.turns)
    target = folder / name
    with speaking(edition.language):
        notebook = tidied(
            _execute(
                report,
                {
                    "config": str(config),
                    **parameters,
                },
                target,
                limits,
                turn,
            ),
            config.name,
        )
        notebook = discreet(notebook, limits.personal)
        report.translate(notebook.cells)
        broken = exporter.failure(notebook)
        with _rendering:
            html = exporter.render(notebook, page)
    nbformat.write(notebook, target)
    (folder / edition.path(report.page)).write_text(html, "utf-8")
    status = "ok"
    if broken is not None:
        status = "thin" if broken["thin"] else "failed"
    return {
        "status": status,
        "seconds": round(time.monotonic() - started - turn.waited, 2),
        "page": edition.path(report.page),
        "notebook": name,
        **exporter.findings(notebook),
        "reason": broken["what"] if broken else "",
    }


def _execute(
    report: Report,
    parameters: Mapping[str, Any],
    target: Path,
    limits: Limits,
    turn: Turn,
) -> NotebookNode:
    import nbformat
    import papermill

    logging.getLogger("papermill").setLevel(logging.ERROR)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        return papermill.execute_notebook(
            _literal(report.path),
            _literal(target),
            parameters=dict(parameters),
            engine_name="segment-lab",
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,
            forked=limits.server is not None,
            server=limits.server,
            timeout=limits.timeout,
            memory_gb=limits.memory_gb,
            turn=turn,
            spoken=language(),
            resources={"metadata": {"path": str(report.path.parent)}},
        )
    except papermill.PapermillExecutionError:
        return nbformat.read(target, as_version=4)
    except (RuntimeError, TimeoutError) as error:
        # The kernel never answered. The page still says so, above the notebook as it would have
        # run.
        notebook = nbformat.read(report.path, as_version=4)
        cell = next(c for c in notebook.cells if c.cell_type == "code")
        cell.outputs = [
            nbformat.v4.new_output(
                "error",
                ename="Stopped",
                traceback=[str(error)],
                evalue=say("render.failure.no_kernel", error=error),
            )
        ]
        return notebook
    finally:
        turn.over()


def _literal(path: Path) -> str:
    """A path as papermill takes it, which would fill parameters in between braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def tidied(notebook: NotebookNode, config: str) -> NotebookNode:
    """An executed notebook without clock times, paths of this machine and papermill's own marks."""
    notebook.metadata.pop("papermill", None)
    notebook.cells = [
        c
        for c in notebook.cells
        if "papermill-error-cell-tag" not in c.metadata.get("tags", [])
    ]
    for cell in notebook.cells:
        for mark in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(mark, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
            lines = [
                f'config = "{config}"' if line.startswith("config = ") else line
                for line in cell.source.splitlines()
            ]
            cell.source = "\n".join(lines)
    return notebook
