"""How a notebook reads: a question, its parameters, one standard opening, then prose before
code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
#: Notebooks that read like this. It grows until it holds them all.
DONE = (
    "00_data",
    "10_rfm",
    "20_abc",
    "30_lifecycle",
    "40_clusters",
    "45_tree",
    "50_receivables",
    "60_leads",
    "65_engagement",
    "70_rules",
    "80_comparison",
    "85_lessons",
    "90_strategy",
    "welcome",
)
MOST_CODE, MOST_PROSE = 3, 4
OPENING = re.compile(r"(import segment_lab as sl|from segment_lab import [\w, ]+)")


def cells(name: str) -> list[dict]:
    return json.loads((NOTEBOOKS / f"{name}.ipynb").read_text("utf-8"))["cells"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def lines(cell: dict) -> list[str]:
    return [line for line in source(cell).splitlines() if line.strip()]


def test_the_list_names_notebooks():
    assert set(DONE) <= {path.stem for path in NOTEBOOKS.glob("*.ipynb")}


@pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem
)
def test_stored_without_outputs_and_with_stable_ids(path):
    found = cells(path.stem)
    assert all(
        not cell.get("outputs") and cell.get("execution_count") is None
        for cell in found
    )
    assert len({cell["id"] for cell in found}) == len(found)


@pytest.mark.parametrize("name", DONE)
def test_one_standard_opening(name):
    title, parameters, opening, *_ = [
        c for c in cells(name) if c["metadata"].get("tags") != ["hide"]
    ]
    assert re.match(r"# \S.*\n\n\S", source(title)), "a title and a question"
    assert parameters["metadata"]["tags"] == ["parameters"]
    imports = [line for line in lines(opening) if "import" in line]
    assert len(imports) == 1
    assert len(lines(opening)) <= MOST_CODE, source(opening)
    assert OPENING.fullmatch(imports[0])
    assert re.search(
        r"^study = (sl\.)?Study\.from_yaml\(config, as_of=as_of", source(opening), re.M
    )


@pytest.mark.parametrize("name", DONE)
def test_prose_before_each_short_cell(name):
    found = cells(name)
    later = [i for i, cell in enumerate(found) if cell["cell_type"] == "code"][2:]
    for i in later:
        code = lines(found[i])
        assert len(code) <= MOST_CODE, source(found[i])
        assert "import " not in source(found[i])
        assert "lambda" not in source(found[i])
        headline = code == ["page.headline()"]
        assert headline or found[i - 1]["cell_type"] == "markdown", source(found[i])


@pytest.mark.parametrize("name", DONE)
def test_prose_is_short(name):
    for cell in cells(name):
        if cell["cell_type"] == "markdown" and cell["metadata"].get("tags") != ["hide"]:
            told = [line for line in lines(cell) if not line.startswith("#")]
            assert len(told) <= MOST_PROSE, source(cell)
