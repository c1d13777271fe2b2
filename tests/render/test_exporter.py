"""The page: complete, self-contained, escaped, the same bytes for the same notebook."""

from __future__ import annotations

import base64
import hashlib
import re

import nbformat
import pytest

from segment_lab import show as display
from segment_lab.render.exporter import (
    describe,
    failure,
    findings,
    first_sentence,
    render,
)
from segment_lab.render.rendering import tidied
from segment_lab.segments.segmentation import Status
from segment_lab.texts import say, speaking

from .conftest import notebook

PAGE = {
    "study": "Shop <b>",
    "as_of": "2026-06-30",
    "index": "index.html",
    "parameters": [("config", "a<b.yml")],
    "tables": [("orders", "10", "9", "1")],
    "versions": [("Python", "3.11")],
}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def output(piece, kind: str = "execute_result"):
    data = piece._repr_mimebundle_() if hasattr(piece, "_repr_mimebundle_") else piece
    return nbformat.v4.new_output(kind, data=data)


@pytest.fixture
def made():
    """An executed notebook with an output of every kind."""
    import pandas as pd

    nb = notebook(
        "# Title & <more>\nThe question?",
        "config = 1",
        "import x",
        "shown = 1",
        "## A part",
        "more = 2",
        "## A part",
        "last = 3",
    )
    outputs = {
        3: [
            output(
                display.headline(
                    "Answer <1>.",
                    figures={"n": 3},
                    status=Status("PROPER", "segments.not_assessed"),
                )
            )
        ],
        5: [
            output(display.table(pd.DataFrame({"a": [1]}), "first")),
            output(display.table(pd.DataFrame({"a": [1]}), "second"), "display_data"),
            output({"image/png": PNG, "text/plain": "x"}, "display_data"),
            output(
                {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>"},
                "display_data",
            ),
            output({"text/markdown": "**bold**"}),
            output({"text/plain": "1 < 2"}),
        ],
        7: [
            nbformat.v4.new_output("stream", name="stdout", text="said <x>"),
            nbformat.v4.new_output("stream", name="stderr", text="warned"),
            output(
                {"text/html": "<style>p{}</style><script>alert(1)</script><p>kept</p>"}
            ),
        ],
    }
    for i, found in outputs.items():
        nb.cells[i].outputs = found
    return nb


def test_every_output_of_every_kind_is_shown(made):
    html = render(made, PAGE)
    body = html[html.index("<main") : html.index('<section class="provenance">')]
    assert body.count("<table>") == 2
    assert body.count("<img ") == 2
    for text in (
        "Answer &lt;1&gt;.",
        "<strong>bold</strong>",
        "1 &lt; 2",
        "said &lt;x&gt;",
        "warned",
        "<p>kept</p>",
    ):
        assert text in body
    assert "<h1>Title &amp; " in body
    assert "alert(1)" not in html


def test_policy_allows_exactly_the_style_and_script_of_the_page(made):
    html = render(made, PAGE)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    assert "default-src &#39;none&#39;" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        assert (
            base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
        )
    assert not re.search(
        r"\son\w+=|style=\"", html[html.index("<body") : html.rindex("<script")]
    )


def test_no_address_leads_outside(made):
    html = render(made, PAGE)
    body = html[html.index("<body") : html.rindex("<script>")]
    assert (
        re.findall(r"(?:src|href|action)=\"(?!#|data:|index\.html)[^\"]*\"", body) == []
    )
    assert not re.search(r"@import|url\(", html)


def test_code_is_folded_and_joined_and_parameters_are_not_shown(made):
    html = render(made, PAGE)
    folded = re.findall(
        r'<details class="code"><summary>Code</summary><pre tabindex="0">(.*?)</pre>',
        html,
        re.S,
    )
    assert [re.sub("<[^>]+>", "", text).strip() for text in folded] == [
        "import x\n\nshown = 1",
        "more = 2",
        "last = 3",
    ]


def test_contents_lead_to_parts_with_unique_anchors(made):
    html = render(made, PAGE)
    anchors = re.findall(r'<li><a href="#([^"]+)">', html)
    assert anchors == ["a-part", "a-part-2", "provenance"]
    assert all(html.count(f'id="{anchor}"') == 1 for anchor in anchors)


def test_status_provenance_and_escaping(made):
    html = render(made, PAGE)
    assert "<strong>Settled:</strong>" in html
    assert html.index("Answer &lt;1&gt;.") < html.index(
        "Why: data sufficiency has not been assessed yet."
    )
    assert '<td class="txt">a&lt;b.yml</td>' in html
    assert "Shop &lt;b&gt;" in html
    assert "<b>" not in html.replace("<body>", "")


def test_same_notebook_same_bytes(made):
    assert render(made, PAGE) == render(nbformat.from_dict(made), PAGE)


@pytest.mark.parametrize(
    ("name", "title", "words"),
    [
        (
            "KeyError",
            "This report could not be finished",
            "not prepared for. KeyError: 'cause'",
        ),
        (
            "DataError",
            "This report could not be finished",
            "The data are not what this report needs.",
        ),
        (
            "Stopped",
            "This report could not be finished",
            "stopped before it was finished",
        ),
        ("NotEnoughDataError", "Not enough data", "There is not enough data"),
    ],
)
def test_failure_page_says_what_where_and_shows_all_before(made, name, title, words):
    made.cells[5].outputs.append(
        nbformat.v4.new_output(
            "error",
            ename=name,
            evalue="'cause'",
            traceback=["\x1b[31mTrace <x>\x1b[0m"],
        )
    )
    html = render(made, PAGE)
    found = failure(made)
    assert found["title"] == title
    assert words in found["what"]
    assert "the part “A part”" in html
    assert (
        html.index("<h1>")
        < html.index('id="failure"')
        < html.index("Answer &lt;1&gt;.")
    )
    assert 'details class="code" open' in html
    assert "Trace &lt;x&gt;" in html
    assert "said" not in html  # what comes after the failure was never reached


def test_findings_are_the_first_headline_and_all_cards(made):
    made.cells[7].outputs = [
        output(display.group(display.card("A"), display.card("B")))
    ]
    found = findings(made)
    assert found["headline"]["sentences"] == ["Answer <1>."]
    assert [c["title"] for c in found["cards"]] == ["A", "B"]


def test_executed_notebooks_keep_no_times_or_paths(made):
    made.metadata.papermill = {"start_time": "now", "input_path": "/home/me/x.ipynb"}
    made.cells[3].metadata.papermill = {"duration": 1.5}
    injected = nbformat.v4.new_code_cell(
        '# Parameters\nconfig = "/home/me/study.yml"\nn = 3\n'
    )
    injected.metadata.tags = ["injected-parameters"]
    made.cells.insert(2, injected)
    text = nbformat.writes(tidied(made, "study.yml"))
    assert "now" not in text
    assert "/home/me" not in text
    assert 'config = \\"study.yml\\"' in text


def test_every_sentence_of_a_template_is_there():
    from segment_lab import texts
    from segment_lab.render.exporter import TEMPLATES

    asked = {
        key
        for path in TEMPLATES.glob("*.j2")
        for key in re.findall(r'say\("([a-z_.]+[a-z])"', path.read_text("utf-8"))
    }
    assert len(asked) > 50
    assert [key for key in sorted(asked) if not texts.has(key)] == []


@pytest.mark.parametrize(
    ("html", "told"), [('<div class="sl-group"></div>', False), ("<p>5</p>", True)]
)
def test_prose_before_nothing_is_no_part_of_the_page(html, told):
    """“For several margins:” stood above an empty place where the margin is known."""
    cells = [
        nbformat.v4.new_markdown_cell("# A title\nA question?"),
        nbformat.v4.new_markdown_cell("For several margins."),
        nbformat.v4.new_code_cell("page.margins()"),
    ]
    data = {"text/html": f"<style>p{{color:red}}</style>{html}", "text/plain": ""}
    cells[2].outputs = [nbformat.v4.new_output("execute_result", data=data)]
    shown = "".join(describe(nbformat.v4.new_notebook(cells=cells))["cells"])
    assert "A question?" in shown
    assert ("For several margins" in shown) == told


@pytest.mark.parametrize(
    ("tongue", "day"),
    [("en", "1 July 2026"), ("ru", "1 июля 2026"), ("pl", "1 lipca 2026")],
)
def test_a_page_names_its_day_as_page_one_does(tongue, day):
    named = {"title": "RFM", "study": "Shop", "as_of": "2026-07-01"}
    with speaking(language=tongue):
        assert day in say("front.as_of", day="2026-07-01")
        for key in ("title", "as_of", "foot"):
            said = say(f"render.page.{key}", **named)
            assert day in said
            assert "2026-07" not in said
        for key in ("run.title", "run.as_of", "studies.as_of", "studies.compared"):
            assert day in say(f"index.{key}", **named)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (
            "Call 3 customers for EUR 9.50. Revenue fell.",
            "Call 3 customers for EUR 9.50.",
        ),
        (
            "С 1 июля 2023 г. – 30 июня 2026 г. (9 дней). Далее",
            "С 1 июля 2023 г. – 30 июня 2026 г. (9 дней).",
        ),
        ("One sentence.", "One sentence."),
        ("Klasa A: 20%. „Stali” maleją.", "Klasa A: 20%."),
    ],
)
def test_the_first_sentence_does_not_end_at_an_abbreviation(text, first):
    assert first_sentence(text) == first
