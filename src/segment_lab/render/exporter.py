"""From an executed notebook to one HTML file that needs nothing else: no network, no script to be
complete."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import mistune
import nbformat
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from markupsafe import Markup, escape
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from segment_lab.show import macros
from segment_lab.show.macros import plain_table
from segment_lab.texts import has, language, phrases, say
from segment_lab.texts import shown as named
from segment_lab.texts.formats import format_value, words

TEMPLATES = Path(__file__).with_name("templates")
HEADLINE = "application/vnd.segment-lab.headline+json"
CARDS = "application/vnd.segment-lab.cards+json"
HIDDEN = {"parameters", "injected-parameters", "papermill-error-cell-tag", "hide"}


@cache
def shell() -> dict[str, str]:
    """Style, script, and the policy that allows these two by their hash and nothing else."""
    style, dark, invert = re.split(
        r"/\* (?:DARK|INVERT) \*/\n", (TEMPLATES / "style.css").read_text("utf-8")
    )
    style += (TEMPLATES / "front.css").read_text("utf-8")
    style = style.replace("DARK", dark.strip()).replace("INVERT", invert.strip())
    script = (TEMPLATES / "script.js").read_text("utf-8")

    def allowed(text: str) -> str:
        return (
            "'sha256-"
            + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            + "'"
        )

    policy = (
        f"default-src 'none'; img-src data:; style-src {allowed(style)}; "
        f"script-src {allowed(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"style": style, "script": script, "policy": policy}


@cache
def environment() -> Environment:
    """The templates of pages that are no notebooks (the indexes)."""
    shown = PrefixLoader({"show": FileSystemLoader(macros.TEMPLATES)})
    loader = ChoiceLoader([FileSystemLoader(TEMPLATES), shown])
    env = Environment(loader=loader, autoescape=True, trim_blocks=True)
    env.globals |= {"table": plain_table, "words": words, "shown": named}
    env.globals["format_value"] = format_value
    env.filters["first_sentence"] = first_sentence
    env.globals |= {
        "shell": shell(),
        "say": say,
        "language": language,
        "phrases": phrases,
    }
    return env


def warm() -> None:
    """Make ready what the first page would wait for: templates, colours of code, the schema of
    notebooks."""
    for name in ("report.html.j2", "run.html.j2"):
        environment().get_template(name)
    PythonLexer()
    nbformat.validate(nbformat.v4.new_notebook())


def first_sentence(text: str) -> str:
    """A text up to the first full stop that a capital letter follows: one after an abbreviation
    ends nothing.

    Examples
    --------
    >>> first_sentence("С 1 июля 2023 г. – 1 096 дней. Выручка растёт.")
    'С 1 июля 2023 г. – 1 096 дней.'
    """
    for stop in re.finditer(r"\.(?=\s+\W*(\w))", text):
        if stop[1].isupper():
            return text[: stop.end()]
    return text


class ReportExporter(TemplateExporter):
    """Renders a notebook through ``templates/report.html.j2``; ``resources["report"]`` holds the
    page's facts."""

    file_extension = ".html"
    output_mimetype = "text/html"
    template_file = "report.html.j2"
    default_preprocessors: list[Any] = []  # noqa: RUF012 (a traitlet of the base class)

    def _create_environment(self) -> Environment:
        return environment()

    def from_notebook_node(
        self,
        nb: NotebookNode,
        resources: Any = None,
        **kw: Any,
    ) -> Any:
        resources = dict(resources or {})
        resources["report"] = {
            **EMPTY,
            **resources.get("report", {}),
            **describe(nb),
        }
        return super().from_notebook_node(nb, resources, **kw)


EMPTY: Mapping[str, Any] = {
    "study": "",
    "as_of": "",
    "index": "",
    "editions": (),
    "parameters": (),
    "tables": (),
    "versions": (),
}


def render(nb: NotebookNode, page: Mapping[str, Any]) -> str:
    """The page of an executed notebook.

    Parameters
    ----------
    nb : NotebookNode
        As papermill left it.
    page : mapping
        ``study, as_of, index`` (texts; where "All reports" leads), and ``parameters, versions``
        (pairs) and ``tables`` (name, rows read, accepted, rejected) for the section on how the
        page was made.
    """
    return ReportExporter().from_notebook_node(nb, {"report": page})[0]


def findings(nb: NotebookNode) -> dict[str, Any]:
    """What the index and the manifest keep of a notebook: its headline and its cards."""
    headline: dict[str, Any] = {}
    cards: list[Any] = []
    for output in _outputs(nb):
        headline = headline or output.get("data", {}).get(HEADLINE, {})
        cards += output.get("data", {}).get(CARDS, [])
    return {"headline": headline, "cards": cards}


def failure(nb: NotebookNode) -> dict[str, Any] | None:
    """What stopped a notebook, in plain words: ``title, what, where, next``, and ``thin`` for too
    little data."""
    headings: list[str] = []
    for place, cell in enumerate(nb.cells):
        headings += _headings(cell)
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                below = headings[-1] if headings else ""
                return {"cell": place} | _told(output, below)
    return None


def _told(error: NotebookNode, below: str) -> dict[str, Any]:
    """What an error means to a reader, and under which heading it happened."""
    known = has(f"render.cause.{error.ename}.what")
    cause = phrases(f"render.cause.{error.ename if known else 'unknown'}")
    kind = "" if known else f"{error.ename}: "
    thin = error.ename == "NotEnoughDataError"
    return {
        "title": say("render.failure.thin" if thin else "render.failure.title"),
        "what": f"{cause['what']} {kind}{strip_ansi(error.evalue)}",
        "thin": thin,
        "where": say("render.failure.where", heading=below) if below else "",
        "next": cause["next"],
    }


def describe(nb: NotebookNode) -> dict[str, Any]:
    """Title, contents and the rendered cells of a page."""
    broken = failure(nb)
    cells = nb.cells if broken is None else nb.cells[: broken["cell"] + 1]
    rendered = list(_rendered(cells, broken))
    seen: dict[str, int] = {}
    contents: list[tuple[str, str]] = []

    def anchored(match: re.Match[str]) -> str:
        text = Markup(match[1]).striptags()
        slug = re.sub(r"\W+", "-", text.lower()).strip("-") or "part"
        seen[slug] = seen.get(slug, 0) + 1
        slug += f"-{seen[slug]}" if seen[slug] > 1 else ""
        contents.append((slug, text))
        return f'<h2 id="{slug}">{match[1]}</h2>'

    html = [Markup(re.sub(r"<h2>(.*?)</h2>", anchored, cell)) for cell in rendered]
    untitled = say("render.page.untitled")
    title = next((h for cell in nb.cells for h in _headings(cell, "#")), untitled)
    made = ("provenance", say("render.provenance.title"))
    return {
        "title": title,
        "has_title": any("<h1" in cell for cell in html),
        "cells": html,
        "failure": broken,
        # The failure stands right below the title and the question.
        "opening": 1 if len(html) > 1 and "<h1" in html[0] else 0,
        "contents": [*contents, made] if contents else [],
    }


def _outputs(nb: NotebookNode) -> Iterator[Any]:
    return (output for cell in nb.cells for output in cell.get("outputs", []))


def _headings(cell: Any, marks: str = "##") -> list[str]:
    return (
        re.findall(rf"^{marks} +(.+)$", cell.source, re.M)
        if cell.cell_type == "markdown"
        else []
    )


def _rendered(cells: list[Any], broken: Mapping[str, Any] | None) -> Iterator[str]:
    """HTML of each cell; code without output joins the code of the cell after it."""
    waiting: list[str] = []
    for i, cell in enumerate(cells):
        if _introduces_nothing(cells[i : i + 2]):
            continue
        if cell.cell_type != "code" or not cell.outputs:
            if (
                cell.cell_type == "code"
                and not HIDDEN & set(cell.metadata.get("tags", []))
                and cell.source.strip()
            ):
                waiting.append(cell.source)
                continue
            if cell.cell_type == "markdown" and not HIDDEN & set(
                cell.metadata.get("tags", [])
            ):
                yield from _code(waiting)
                yield str(mistune.html(cell.source))
            continue
        failed = broken is not None and i == broken["cell"]
        if failed:
            yield from _code(waiting)
        waiting.append(cell.source)
        yield from _code(waiting, opened=failed)
        yield "".join(map(_output, cell.outputs))
    yield from _code(waiting)


def _introduces_nothing(pair: list[Any]) -> bool:
    """Whether a cell is prose before a table or a picture that this study has no use for."""
    if len(pair) < 2 or pair[0].cell_type != "markdown" or pair[1].cell_type != "code":
        return False
    if re.search(r"^#", pair[0].source, re.M) or not pair[1].outputs:
        return False
    shown = [
        output.get("data", {}).get("text/html", "something")
        for output in pair[1].outputs
    ]
    shown = [re.sub(r"<style\b.*?</style>", "", html, flags=re.S) for html in shown]
    return not any(Markup(html).striptags() or "<img" in html for html in shown)


def _code(sources: list[str], opened: bool = False) -> Iterator[str]:
    if sources:
        text = "\n\n".join(sources)
        sources.clear()
        marked = highlight(
            text, PythonLexer(), HtmlFormatter(nowrap=True, classprefix="hl-")
        )
        yield (
            f'<details class="code"{" open" if opened else ""}><summary>{say("render.page.code")}'
            f"</summary>"
            f'<pre tabindex="0">{marked}</pre></details>'
        )


def _output(output: Any) -> str:
    """One output of a cell as HTML; whatever it is, nothing is left out."""
    if output.output_type == "stream":
        text = f'<pre tabindex="0">{escape(strip_ansi(output.text))}</pre>'
        return (
            text
            if output.name == "stdout"
            else _folded(say("render.page.messages"), text)
        )
    if output.output_type == "error":
        trace = strip_ansi("\n".join(output.traceback))
        return _folded(
            say("render.page.trace"), f'<pre tabindex="0">{escape(trace)}</pre>'
        )
    data = output.data
    if "text/html" in data:
        # A style or script of a foreign output would be refused by the page's policy, noisily.
        return re.sub(
            r"<(style|script)\b.*?</\1>", "", data["text/html"], flags=re.S | re.I
        )
    if "text/markdown" in data:
        return str(mistune.html(data["text/markdown"]))
    for mime in ("image/png", "image/jpeg", "image/svg+xml"):
        if mime in data:
            raw = (
                data[mime]
                if mime != "image/svg+xml"
                else base64.b64encode(data[mime].encode()).decode()
            )
            alt = say("render.page.no_alt")
            source = f"data:{mime};base64,{raw.strip()}"
            return (
                f'<figure class="sl-figure"><img alt="{alt}" src="{source}"></figure>'
            )
    return (
        f'<pre tabindex="0">{escape(data["text/plain"])}</pre>'
        if data.get("text/plain")
        else ""
    )


def _folded(summary: str, html: str) -> str:
    return f'<details class="sl-details"><summary>{summary}</summary>{html}</details>'
