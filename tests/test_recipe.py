"""The recipe for a new segmentation in CONTRIBUTING.md, followed to the letter."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from segment_lab.act.playbook import Playbook

ROOT = Path(__file__).resolve().parents[1]
LINES = 2000  # of the sample's orders: enough for two segments
STEP = re.compile(
    r"`(?P<path>\w+/[\w/.]+)`[^\n]*:\n\n   ```(?:python|yaml)\n(?P<code>.*?)\n   ```",
    re.S,
)


def steps() -> dict[str, str]:
    """What the recipe writes into each file it names."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    recipe = text[text.index("## A new segmentation") :]
    return {m["path"]: textwrap.dedent(m["code"]) for m in STEP.finditer(recipe)}


def notebook(text: str) -> str:
    """Cells after ``# %%`` marks, as a notebook."""
    cells = []
    for block in re.split(r"^# %%", text, flags=re.M)[1:]:
        kind, _, body = block.partition("\n")
        body = body.strip("\n")
        cell = {"id": f"cell-{len(cells)}", "metadata": {}}
        if "markdown" in kind:
            cell |= {
                "cell_type": "markdown",
                "source": re.sub(r"^# ?", "", body, flags=re.M),
            }
        else:
            tags = [kind.strip()] if kind.strip() else []
            cell |= {"cell_type": "code", "source": body, "metadata": {"tags": tags}}
            cell |= {"outputs": [], "execution_count": None}
        cells.append(cell)
    kernel = {
        "kernelspec": {
            "name": "python3",
            "language": "python",
            "display_name": "Python 3",
        }
    }
    return json.dumps(
        {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    )


def follow(place: Path) -> None:
    """Do what the recipe says in a copy of the project."""
    for folder in ("src", "notebooks", "configs"):
        shutil.copytree(
            ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name, code in steps().items():
        path = place / name
        if name.endswith("schemes.py"):
            text = path.read_text("utf-8")
            code = text.replace(
                "    for scheme in (\n", f"    for scheme in (\n        {code}\n", 1
            )
        path.write_text(notebook(code) if name.endswith(".ipynb") else code, "utf-8")


def test_the_recipe_names_every_file():
    folders = [Path(name).parent.name for name in steps()]
    assert folders == ["segments", "en", "segment_lab", "notebooks", "playbooks"]


@pytest.mark.slow
def test_the_recipe_leads_to_a_page_with_its_segments(tmp_path):
    follow(tmp_path)
    (tmp_path / "configs" / "mine.yml").write_text(
        "name: mine\nas_of: 2026-07-01\nmethods: [repeat]\nsources: {orders: {path: orders.csv}}\n"
    )
    orders = (ROOT / "data" / "sample" / "orders.csv").read_text("utf-8").splitlines()
    (tmp_path / "configs" / "orders.csv").write_text("\n".join(orders[:LINES]), "utf-8")
    command = [
        sys.executable,
        "-m",
        "segment_lab",
        "run",
        "configs/mine.yml",
        "--only",
        "repeat",
    ]
    done = subprocess.run(
        [*command, "--out", "out", "--jobs", "1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = next((tmp_path / "out" / "mine").glob("2026*/75_repeat.html")).read_text(
        "utf-8"
    )
    assert "of customers came back." in page
    assert page.count("Bought once") == 1
    playbook = Playbook.from_yaml(
        tmp_path / "src/segment_lab/config/playbooks/repeat.yml"
    )
    playbook.check(["Came back", "Bought once"])
