"""A browser without a network, and pages that hold everything a report can show."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pandas as pd
import pytest

from needs import absent
from segment_lab import show as display
from segment_lab.render.exporter import render
from segment_lab.render.index import run_page
from segment_lab.segments.segmentation import Status
from segment_lab.show import style
from segment_lab.show.figures import Grid

PAGE = {
    "study": "Shop",
    "as_of": "2026-06-30",
    "index": "index.html",
    "parameters": [("config", "shop.yml")],
    "tables": [("orders", "10", "9", "1")],
    "versions": [("Python", "3.11"), ("Data", "ab12" * 16)],
}


@pytest.fixture(scope="session")
def browser():
    """A Chromium; its absence skips, or fails where SEGMENT_LAB_BROWSER is "required"."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        absent("browser", "playwright is not installed")
    from segment_lab.render.pdf import launch

    with sync_playwright() as playwright:
        try:
            made = launch(playwright)
        except Error as error:
            absent(
                "browser",
                f"no Chromium could be started (set SEGMENT_LAB_CHROMIUM): {str(error).splitlines()[0]}",
            )
        yield made
        made.close()


VIEWS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
    "code": {},
}


@pytest.fixture
def visit(browser):
    """Open a page in a view with the network cut; whatever the page says or asks for ends in
    `tab.noise`."""
    contexts = []

    def open_page(path: Path, view: str = "light", **options):
        context = browser.new_context(**VIEWS[view], **options)
        contexts.append(context)
        context.set_offline(True)
        tab = context.new_page()
        tab.noise = []
        tab.on("console", lambda message: tab.noise.append(f"console: {message.text}"))
        tab.on("pageerror", lambda error: tab.noise.append(f"error: {error}"))
        tab.on(
            "requestfailed", lambda request: tab.noise.append(f"failed: {request.url}")
        )
        tab.on(
            "request",
            lambda request: (
                request.url.startswith(("file:", "data:"))
                or tab.noise.append(f"asked for: {request.url}")
            ),
        )
        tab.goto(path.resolve().as_uri())
        if view == "code":
            tab.get_by_role("button", name="Show code").click()
        return tab

    yield open_page
    for context in contexts:
        context.close()


def output(piece):
    return nbformat.v4.new_output("execute_result", data=piece._repr_mimebundle_())


def rich_notebook() -> nbformat.NotebookNode:
    """Every kind of piece, with enough rows to filter and columns to scroll."""
    segments = pd.DataFrame(
        {
            "customers": range(1, 15),
            "revenue": [1e5 / i for i in range(1, 15)],
            "revenue_share": [1 / i for i in range(2, 16)],
            "gini": 0.6,
            "gini_low": 0.5,
            "gini_high": 0.7,
            "median_recency_days": range(14),
            "median_frequency": range(14),
        },
        index=pd.Index([f"Segment number {i}" for i in range(14)], name="segment"),
    )
    segments.loc["Segment number 3", "revenue"] = None
    ax = style.axes(rows=3)
    ax.barh(["Champions", "At risk", "Lost"], [3, 2, 1], color=style.PALETTE[:3])
    wide = style.axes(width=8.0)
    wide.barh(["Champions", "Lost"], [3, 1])
    mapped = style.axes(width=8.0)
    mapped.barh(["Champions", "Lost"], [3, 1])
    narrow = Grid(
        pd.DataFrame([["Potential Loyalist 55", "Champions 3\nLoyal 1"]] * 2),
        pd.DataFrame([[0.1, 1.0], [0.0, 0.4]]),
        across="Frequency score",
        down="Recency score",
    )
    moves = pd.DataFrame(
        [[1, 2], [3, 4]],
        index=pd.Index(["A", "B"], name="earlier"),
        columns=pd.Index(["A", "B"], name="now"),
    )
    cells = [
        ("markdown", "# Who buys what?\nThe question of this page.", []),
        (
            "code",
            "study = 1",
            [
                output(
                    display.headline(
                        "Champions carry the business.",
                        "Serve them first.",
                        figures={"customers": 2013, "revenue": 4.5e6},
                        status=Status("PRELIMINARY", "segments.not_assessed"),
                    )
                )
            ],
        ),
        ("markdown", "## What to do\nText with `code` and a [link](#what-to-do).", []),
        (
            "code",
            "cards()",
            [
                output(
                    display.group(
                        display.card(
                            "Champions",
                            {"customers": 3},
                            verdict="Roll out",
                            body="Call.",
                        ),
                        display.card(
                            "At risk", {"natural_rate": (0.1, 0.2)}, verdict="Pilot"
                        ),
                        display.card("Lost", verdict="Do not: uneconomic"),
                        display.card("Other", verdict="No verdict"),
                    )
                )
            ],
        ),
        ("markdown", "## Evidence", []),
        (
            "code",
            "table()",
            [
                output(
                    display.table(
                        segments, "The segments: size and revenue, EUR", note="Why."
                    )
                )
            ],
        ),
        ("code", "moves()", [output(display.table(moves, "From rows to columns"))]),
        (
            "code",
            "figure()",
            [
                output(
                    display.figure(
                        ax,
                        alt="Bars: Champions 3, At risk 2, Lost 1.",
                        caption="Revenue.",
                    )
                )
            ],
        ),
        (
            "code",
            "map()",
            [output(display.figure(wide, alt="A map.", caption="Where they stand."))],
        ),
        (
            "code",
            "grid()",
            [
                output(
                    display.figure(
                        mapped, alt="A grid.", caption="As text.", narrow=narrow
                    )
                )
            ],
        ),
        (
            "code",
            "notes()",
            [
                output(display.note("Said.", kind))
                for kind in ("info", "warning", "missing")
            ],
        ),
        (
            "code",
            "more()",
            [output(display.details("More", display.table(moves, "Once more")))],
        ),
        (
            "code",
            "print(1)",
            [
                nbformat.v4.new_output(
                    "stream", name="stdout", text="1\n" + "long " * 60
                ),
                nbformat.v4.new_output("stream", name="stderr", text="warned"),
            ],
        ),
    ]
    made = [
        nbformat.v4.new_markdown_cell(text)
        if kind == "markdown"
        else nbformat.v4.new_code_cell(text, outputs=out)
        for kind, text, out in cells
    ]
    return nbformat.v4.new_notebook(cells=made)


def manifest(status: str = "ok") -> dict:
    """What a run's page is made from."""
    from segment_lab.render.exporter import findings

    found = findings(rich_notebook())
    reports = [
        {
            "name": "strategy",
            "title": "Strategy",
            "question": "What to do?",
            "page": "rich.html",
            "status": "ok",
            "reason": "",
            **found,
        },
        {
            "name": "rfm",
            "title": "RFM",
            "question": "Who?",
            "page": "failed.html",
            "status": status,
            "reason": "It broke." if status == "failed" else "",
            "headline": found["headline"],
            "cards": [],
        },
        {
            "name": "leads",
            "title": "Leads",
            "question": "",
            "page": "",
            "status": "skipped",
            "reason": "The study has no leads.",
            "headline": {},
            "cards": [],
        },
    ]
    return {
        "title": "Shop",
        "as_of": "2026-06-30",
        "window": "a year",
        "status": status,
        "complete": True,
        "fault": "",
        "reports": reports,
        "segments": {"status": "ok", "files": []},
        "finished": "2026-07-01T00:00:00",
        "files": {},
        "request": None,
    }


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> Path:
    """A reports folder: a rich page, a failed one, a run's index and the index of studies with two
    runs."""
    import json

    from segment_lab.render.index import write_studies

    out = tmp_path_factory.mktemp("reports")
    failed = rich_notebook()
    failed.cells[5].outputs.append(
        nbformat.v4.new_output(
            "error",
            ename="KeyError",
            evalue="'cause'",
            traceback=["Traceback", "KeyError: 'cause'"],
        )
    )
    for number, status in enumerate(("ok", "ok", "failed")):
        folder = out / "shop" / f"run-{number}"
        folder.mkdir(parents=True)
        facts = {**manifest(status), "finished": f"2026-07-0{number + 1}"}
        if number == 1:
            facts["reports"][0]["headline"]["figures"]["revenue"].update(
                value=5e6, text="5,000,000"
            )
        (folder / "manifest.json").write_text(json.dumps(facts))
        (folder / "index.html").write_text(
            run_page(
                {
                    **facts,
                    "tables_shown": PAGE["tables"],
                    "versions_shown": PAGE["versions"],
                    "downloads": ["segments.csv"],
                }
            )
        )
        (folder / "segments.csv").write_text("customer_id\n")
        (folder / "rich.html").write_text(render(rich_notebook(), PAGE))
        (folder / "failed.html").write_text(render(failed, PAGE))
    write_studies(out)
    return out
