"""The documentation: its generated part is up to date, its links lead somewhere, every key is
told."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


#: Tokens a code line, of the whole and of one module. Arithmetic in columns is denser than the
#: rest; what is written from now on may not make it more so (decision 0126).
DENSEST_WHOLE, DENSEST_MODULE = 9.0, 11.9
#: A short module is a formula or a list, and one line moves its figure by much.
SHORT = 600


def script(name):
    """A script of ``docs/`` as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reference():
    return script("reference")


def test_code_does_not_grow_denser():
    sizes = script("sizes")
    assert sizes.by_folder()["**all**"].density <= DENSEST_WHOLE
    dense = {}
    for path in sizes.PACKAGE.rglob("*.py"):
        size = sizes.measured(path)
        if size.tokens > SHORT and size.density > DENSEST_MODULE:
            dense[path.name] = round(size.density, 1)
    assert dense == {}


def test_the_table_of_sizes_is_made_by_its_script():
    sizes = script("sizes")
    page = sizes.TARGET.read_text("utf-8")
    standing = page.index(sizes.HEAD)
    named = re.findall(r"^\| (\S+) \|", page[standing:], re.M)
    assert set(sizes.by_folder()) <= set(named), "run `python docs/sizes.py`"


@pytest.mark.slow
def test_the_api_reference_tells_every_public_name(tmp_path):
    rooms = re.search(r"^TOLD := (.+)$", (ROOT / "Makefile").read_text(), re.M)[1]
    pdoc = [sys.executable, "-m", "pdoc", "--docformat", "numpy"]
    made = [*pdoc, "--output-directory", str(tmp_path), *rooms.split()]
    subprocess.run(made, check=True, capture_output=True)
    for room in rooms.split():
        page = tmp_path.joinpath(*room.split(".")).with_suffix(".html").read_text()
        for name in getattr(importlib.import_module(room), "__all__", ()):
            assert f'id="{name}"' in page, f"{room}.{name}"


def test_the_table_of_the_study_file_is_that_of_the_models(reference):
    made = reference.study_file()
    written = reference.TARGET.read_text("utf-8")
    assert written == made, "run `make docs`: a model of the study file has changed"


def test_every_key_of_the_study_file_itself_is_told(reference):
    page = reference.study_file()
    own = page[page.index("## Top level") : page.index("## methods.")]
    untold = re.findall(r"^\| `(\w+)` \|.*\|  \|$", own, re.M)
    assert untold == []


def test_parameters_that_are_told_together_are_told_for_each(reference):
    def documented():
        """Something.

        Parameters
        ----------
        decimal, thousands : str
            Two marks.
        nulls : list of str
            Words that mean nothing,
            or not.

        Examples
        --------
        """

    assert reference.parameters(documented) == {
        "decimal": "Two marks.",
        "thousands": "Two marks.",
        "nulls": "Words that mean nothing, or not.",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_reader_finds_the_answer_where_the_docs_say():
    page = (ROOT / "docs" / "reading.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if "`" in line]
    rows = [row for row in rows if len(row) == 5]
    readers = {row[0] for row in rows}
    assert readers == {
        "director",
        "head of sales",
        "credit control",
        "marketing",
        "analyst",
        "owner of a small firm",
    }
    texts = ROOT / "src" / "segment_lab" / "texts" / "en"
    front = (texts / "front.yml").read_text("utf-8")
    for _, question, _, file, heading in rows:
        name = file.strip("`").removesuffix(".html")
        if name == "index":
            assert f"heading: {heading}\n" in front, question
            continue
        notebook = (ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8")
        assert f"# {heading}" in notebook, question
