"""The same page in every language: the same figures, no English left, nothing clipped."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import nbformat
import pytest

from segment_lab import texts
from segment_lab.render import exporter, plan
from segment_lab.render.catalog import CATALOG, prepare
from segment_lab.render.editions import Edition
from whole_sample import STUDY, rendered

from .languages import english_left, numbers, own_words
from .test_pages import fits, violations

LANGUAGES = ("en", "en-XA", "ru", "pl")
#: Pages that need no fitted scheme: a second each.
QUICK = ("data", "leads")
#: Four editions of the whole sample take a quarter of an hour: asked for by name, with 1, or with
#: the folder of a run that has them.
ASKED = os.environ.get("SEGMENT_LAB_ALL_LANGUAGES", "")
WHOLE = pytest.mark.skipif(
    not ASKED,
    reason="set SEGMENT_LAB_ALL_LANGUAGES to render the sample in every language",
)


def cells_run(report, parameters) -> nbformat.NotebookNode:
    """The report's notebook, its cells run in this process."""
    notebook = nbformat.read(report.path, as_version=4)
    space: dict = {"__name__": "__main__"}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        shows = bool(tree.body) and isinstance(tree.body[-1], ast.Expr)
        last = tree.body.pop() if shows else None
        exec(compile(tree, report.file, "exec"), space)
        if "parameters" in cell.metadata.get("tags", []):
            space.update(parameters)
        if last is None:
            continue
        value = eval(compile(ast.Expression(last.value), report.file, "eval"), space)
        if hasattr(value, "_repr_mimebundle_"):
            bundle = value._repr_mimebundle_()
            cell.outputs = [nbformat.v4.new_output("execute_result", data=bundle)]
    return notebook


def page_in(language: str, report, facts) -> str:
    with texts.speaking(language):
        part = plan.report_part(report, facts, STUDY.name, Edition(language, LANGUAGES))
        given = {"config": str(STUDY), **part["parameters"]}
        notebook = cells_run(report, given)
        report.translate(notebook.cells)
        page = plan.page_facts(part, facts, STUDY.name)
        return exporter.render(notebook, {**page, "editions": []})


def same_and_no_english(pages: dict[str, str]) -> dict[str, object]:
    """Where a page states another figure than in English, or keeps words of it."""
    own, wrong = own_words(), {}
    figures = numbers(pages["en"], "en")
    for language, page in pages.items():
        if other := figures ^ numbers(page, language):
            wrong[f"{language}: figures"] = sorted(other)
        # Polish shares its letters with English: pseudo-English stands for it.
        if language in ("en-XA", "ru") and (left := english_left(page, language, own)):
            wrong[f"{language}: English"] = sorted(left)
    return wrong


@pytest.mark.parametrize(
    "name",
    [QUICK[0], *(pytest.param(name, marks=pytest.mark.slow) for name in QUICK[1:])],
)
def test_a_page_states_the_same_in_all_languages_and_keeps_no_english(name):
    facts = prepare(str(STUDY), None, {})
    report = CATALOG[name]
    pages = {language: page_in(language, report, facts) for language in LANGUAGES}
    assert same_and_no_english(pages) == {}


def test_english_that_was_left_is_found():
    page = "<main><p>Сегменты: 1 234, all of them</p><p>North</p></main>"
    assert english_left(page, "ru", own_words()) == {"all", "them"}
    english = "<main>1,234 of 2.5%</main>"
    assert numbers(english, "en") == numbers("<main>1\u00a0234 из 2,5 %</main>", "ru")


@pytest.fixture(scope="module")
def editions(tmp_path_factory) -> dict[str, Path]:
    """The folders of one run of the sample in all languages, or of those that a given run has."""
    if Path(ASKED).is_dir():
        there = [name for name in LANGUAGES[1:] if (Path(ASKED) / name).is_dir()]
        return {"en": Path(ASKED), **{name: Path(ASKED) / name for name in there}}
    out = tmp_path_factory.mktemp("reports")
    first = rendered(out, "--lang", ",".join(LANGUAGES), timeout=5000)
    manifest = json.loads((first / "manifest.json").read_text("utf-8"))
    assert set(manifest["translations"]) == {*LANGUAGES[1:]}
    folders = {name: first / name for name in LANGUAGES[1:]}
    return {LANGUAGES[0]: first, **folders}


@WHOLE
@pytest.mark.slow
@pytest.mark.timeout(6000)
def test_the_whole_sample_states_the_same_in_all_languages(editions):
    wrong = {}
    for page in sorted(editions["en"].glob("*.html")):
        pages = {
            language: (folder / page.name).read_text("utf-8")
            for language, folder in editions.items()
        }
        if found := same_and_no_english(pages):
            wrong[page.name] = found
    assert wrong == {}


@WHOLE
@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(6000)
def test_the_whole_sample_fits_and_is_accessible_in_longer_words(editions, visit):
    wrong = {}
    for language in set(editions) - {"en"}:
        for page in sorted(editions[language].glob("*.html")):
            for view in ("light", "phone"):
                tab = visit(page, view)
                found = violations(tab) + ([] if fits(tab) else ["overflows"])
                if found:
                    wrong[f"{language}/{page.name} ({view})"] = found
                tab.context.close()
    assert wrong == {}
