"""A tiny study with tiny notebooks of the catalogue's names, so that whole runs take seconds."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from segment_lab.render import run_study
from segment_lab.render.worker import ForkServer

#: The cache of the whole test run (tests/conftest.py).
RUNS_CACHE = Path(os.environ["SEGMENT_LAB_CACHE"])
START = "import segment_lab as sl\nfrom segment_lab import show\nstudy = sl.Study.from_yaml(config, as_of=as_of)"
PARAMETERS = 'config = "../study.yml"\nas_of = None'


def notebook(*cells: str) -> nbformat.NotebookNode:
    """A notebook: texts that begin with ``# `` or ``## `` are markdown, ``config =`` marks the
    parameters."""
    made = []
    for i, text in enumerate(cells):
        markdown = text.startswith(("# ", "## "))
        cell = (
            nbformat.v4.new_markdown_cell(text)
            if markdown
            else nbformat.v4.new_code_cell(text)
        )
        cell.id = f"cell-{i}"
        if text.startswith("config ="):
            cell.metadata.tags = ["parameters"]
        made.append(cell)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": spec})


NOTEBOOKS = {
    "00_data.ipynb": (
        "# The data\nWhat was read?",
        PARAMETERS,
        START,
        "n = len(study.customers())\n"
        "show.headline(f'{n} customers were read.', figures={'customers': n})",
        "## All customers",
        "show.table(study.customers().head(3), 'The first customers')",
    ),
    "10_rfm.ipynb": (
        "# RFM\nWho buys recently, often and much?",
        f"{PARAMETERS}\nn_bins = 3",
        "import segment_lab as sl\nfrom segment_lab import show\n"
        "study = sl.Study.from_yaml(config, as_of=as_of, methods={'rfm': {'n_bins': n_bins}})",
        "seg = study.segmentation('rfm')\n"
        "show.headline(f'{len(seg.names)} segments.', figures={'bins': n_bins}, status=seg.status)",
        "## Sizes",
        "show.table(seg.sizes().to_frame(), 'Customers per segment')",
        "from segment_lab.show.cards import link\nlink('segments.csv', 'Everybody')",
    ),
    "90_strategy.ipynb": (
        "# Strategy\nWhat should we do?",
        PARAMETERS,
        "from segment_lab import show",
        "show.headline('Serve the best first.', 'Leave the rest.', figures={'budget': 1200.0})",
        "## Cards",
        "show.group(show.card('Champions', {'customers': 7}, "
        "verdict='Roll out', body='Call them.'), show.card('Lost', verdict='Do not'))",
    ),
}


def write_notebooks(
    folder: Path, notebooks: dict[str, tuple[str, ...]] = NOTEBOOKS
) -> Path:
    folder.mkdir(exist_ok=True)
    for name, cells in notebooks.items():
        nbformat.write(notebook(*cells), folder / name)
    return folder


def write_study(folder: Path, **more: Any) -> Path:
    """A study of 40 customers with one order each and a second one for every other."""
    day = dt.date(2026, 1, 1)
    rows = [
        (f"c{i:02d}", day + dt.timedelta(days=3 * i + 40 * again), 10 + 7 * i % 90)
        for i in range(40)
        for again in range(1 + i % 2)
    ]
    lines = [f"{c},{d},{a}.50" for c, d, a in rows]
    (folder / "orders.csv").write_text(
        "\n".join(["customer_id,order_date,amount", *lines]) + "\n"
    )
    text = "name: tiny\ntitle: Tiny <Shop>\nas_of: 2026-06-30\nsources:\n  orders: {path: orders.csv}\n"
    config = folder / "study.yml"
    text += "methods:\n  rfm: {n_bins: 3}\n  abc: {}\n" + "".join(
        f"{k}: {v}\n" for k, v in more.items()
    )
    config.write_text(text)
    return config


@pytest.fixture
def place(tmp_path, monkeypatch) -> Iterator[Path]:
    """A folder with ``study.yml``, its data, and its notebooks; the cache is its own, but for the
    compiled statements."""
    write_study(tmp_path)
    monkeypatch.setenv(
        "SEGMENT_LAB_NOTEBOOKS", str(write_notebooks(tmp_path / "notebooks"))
    )
    cache = tmp_path / "cache"
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(cache))
    statements(RUNS_CACHE, cache)
    yield tmp_path
    statements(cache, RUNS_CACHE)


def statements(source: Path, target: Path) -> None:
    """Hand on what was compiled, the one thing that every cache may know: a statement is checked
    when it is read."""
    target.mkdir(mode=0o700, exist_ok=True)
    for path in source.glob("statement-*.sql"):
        if not (target / path.name).exists():
            shutil.copy(path, target)


class Kept:
    """The session's server for a run that would start and close its own."""

    def __init__(self, server: ForkServer):
        self.fork, self.call = server.fork, server.call

    def close(self) -> None:
        pass


@pytest.fixture
def run(place, server, monkeypatch):
    """`run_study` on the tiny study, with libraries loaded once for all tests."""
    monkeypatch.setattr(
        "segment_lab.render.runner.ForkServer", lambda *options: Kept(server)
    )
    return lambda **arguments: run_study(
        place / "study.yml", out=place / "reports", **arguments
    )


@pytest.fixture(scope="session")
def server():
    """One warm server for tests of kernels."""
    made = ForkServer(threads=1)
    yield made
    made.close()
