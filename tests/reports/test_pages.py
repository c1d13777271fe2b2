"""Pages in a real browser with the network cut: silent, accessible in every view, usable with and
without script."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from segment_lab import show
from segment_lab.render.exporter import render
from segment_lab.render.index import run_page

from .conftest import PAGE, VIEWS, manifest, output

pytestmark = pytest.mark.browser
PAGES = (
    "shop/run-2/rich.html",
    "shop/run-2/failed.html",
    "shop/run-2/index.html",
    "shop/run-0/index.html",
    "index.html",
)
LIMIT = 460_000


def views(page: str) -> list[str]:
    """An index and the cards of the segments show no code."""
    codeless = page.endswith(("index.html", "segments.html"))
    return [view for view in VIEWS if not (codeless and view == "code")]


def violations(tab) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab).response["violations"]
    return [f"{v['id']}: {v['help']} ({v['nodes'][0]['html'][:120]})" for v in found]


def fits(tab) -> bool:
    """Nothing runs over the page's edge, and in page one's table nothing over its cell's."""
    return tab.evaluate(
        "document.documentElement.scrollWidth <= innerWidth &&"
        " [...document.querySelectorAll('.plan td')]"
        ".every((cell) => cell.scrollWidth <= cell.clientWidth + 1)"
    )


@pytest.mark.parametrize(
    ("page", "view"), [(page, view) for page in PAGES for view in views(page)]
)
def test_no_fault_no_noise_no_overflow(visit, pages, page, view):
    tab = visit(pages / page, view)
    assert fits(tab)
    tab.evaluate(
        "document.querySelectorAll('details').forEach((folded) => { folded.open = true; })"
    )
    assert violations(tab) == []  # all that a fold may hide is judged with the rest
    assert tab.noise == []
    assert fits(tab)


@pytest.mark.timeout(900)
def test_real_reports_are_faultless_and_small(visit):
    """Every page below SEGMENT_LAB_REPORTS (a folder that `segment-lab run` wrote) in every
    view."""
    if not (folder := os.environ.get("SEGMENT_LAB_REPORTS")):
        pytest.skip("set SEGMENT_LAB_REPORTS to a folder of rendered reports")
    wrong = {}
    for page in sorted({p.resolve() for p in Path(folder).rglob("*.html")}):
        if page.stat().st_size > LIMIT:
            wrong[f"{page.parent.name}/{page.name}"] = [
                f"{page.stat().st_size:,} bytes"
            ]
        for view in views(page.name):
            tab = visit(page, view)
            if (
                found := violations(tab)
                + tab.noise
                + ([] if fits(tab) else ["overflows"])
            ):
                wrong[f"{page.parent.name}/{page.name} ({view})"] = found
            tab.context.close()
    assert wrong == {}


def test_a_wide_picture_is_moved_on_a_phone_not_shrunk(visit, pages):
    """What stands in the cells of a map of 8 inches would be 4 points high at 390 pixels."""
    moved = ".sl-figure:not(.sl-both) .sl-wide"
    picture = f"[...document.querySelectorAll('{moved} img')]"
    shrunk = f"{picture}.map((img) => img.width < img.getAttribute('width'))"
    phone, desk = visit(pages / PAGES[0], "phone"), visit(pages / PAGES[0])
    assert phone.evaluate(shrunk) == [False]
    assert phone.locator(f"{moved}[tabindex]").count() == 1  # keys move it
    assert desk.locator(".sl-wide[tabindex]").count() == 0
    assert fits(phone)


@pytest.mark.parametrize(("view", "as_text"), [("phone", True), ("light", False)])
def test_a_map_of_few_cells_is_text_on_a_phone_and_a_picture_elsewhere(
    visit, pages, view, as_text
):
    tab = visit(pages / PAGES[0], view)
    text, picture = tab.locator(".sl-grid"), tab.locator(".sl-both img")
    assert (text.is_visible(), picture.is_visible()) == (as_text, not as_text)
    assert fits(tab)


def test_pictures_use_the_room_of_a_large_screen_and_stay_sharp(visit, pages):
    tab = visit(pages / PAGES[0], viewport={"width": 1920, "height": 1000})
    sizes = tab.evaluate(
        "[...document.querySelectorAll('.sl-figure img')].map((img) => "
        "[img.width / img.getAttribute('width'), img.naturalWidth / img.width])"
    )
    assert len(sizes) == 3
    assert all(larger > 1.2 and pixels > 1.4 for larger, pixels in sizes)
    assert fits(tab)


def column(tab, index: int) -> list[str]:
    return (
        tab.locator("table")
        .first.locator(f"tbody tr:visible > *:nth-child({index})")
        .all_inner_texts()
    )


def test_tables_sort_by_value_with_missing_last_and_filter(visit, pages):
    tab = visit(pages / PAGES[0])
    table = tab.locator("table").first
    names = column(tab, 1)
    table.get_by_role("button", name="Revenue", exact=True).click()
    money = [float(t.replace(",", "")) for t in column(tab, 3)[:-1]]
    assert money == sorted(money)
    assert column(tab, 3)[-1] == "–"
    assert table.locator("th[aria-sort=ascending]").inner_text().startswith("Revenue")
    table.get_by_role("button", name="Revenue", exact=True).click()
    assert column(tab, 1)[0] == "Segment number 0"
    assert column(tab, 3)[-1] == "–"
    assert sorted(column(tab, 1)) == sorted(names)
    tab.get_by_role("searchbox").first.fill("number 13")
    assert column(tab, 1) == ["Segment number 13"]


def test_without_script_all_is_there(visit, pages):
    tab = visit(pages / PAGES[0], java_script_enabled=False)
    assert tab.locator("main table:visible").first.locator("tbody tr").count() == 14
    assert tab.locator("details.code summary:visible").count() > 3
    assert tab.locator("nav.toc a:visible").count() == 3
    assert tab.locator("button").count() == 0


def test_theme_and_code_toggle(visit, pages):
    tab = visit(pages / PAGES[0])
    back = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(back) == "rgb(255, 255, 255)"
    dark = f"{back} === 'rgb(20, 24, 29)'"
    tab.get_by_role("button", name="Dark").click()
    tab.wait_for_function(dark)
    assert tab.locator("details.code:visible").count() == 0
    tab.get_by_role("button", name="Show code").click()
    assert tab.locator("details.code[open]:visible").count() > 3
    tab.reload()
    tab.wait_for_function(dark)


def test_keyboard_reaches_the_report_first(visit, pages):
    tab = visit(pages / PAGES[0])
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the report"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"


def test_links_of_the_indexes_lead_somewhere(pages):
    links = [
        (page.parent, link)
        for page in pages.rglob("index.html")
        for link in re.findall(r'href="([^"#]+)"', page.read_text())
    ]
    assert len(links) > 10
    assert [
        (folder, link)
        for folder, link in links
        if not (folder / link).resolve().exists()
    ] == []


@pytest.mark.parametrize("width", [320, 390, 640])
def test_rows_of_tables_are_cards_on_narrow_screens(browser, pages, width):
    """Also what 200 % zoom leaves of a laptop: all of every cell stands within the screen."""
    context = browser.new_context(viewport={"width": width, "height": 700})
    tab = context.new_page()
    tab.goto((pages / PAGES[0]).resolve().as_uri())
    outside = tab.evaluate(
        """() => [...document.querySelectorAll(
            "main :is(p, h1, h2, h3), .sl-scroll:not(.provenance *) tbody :is(th, td)")]
        .filter((part) => part.getBoundingClientRect().right > innerWidth + 1)
        .map((part) => part.textContent.slice(0, 60))"""
    )
    named = tab.evaluate(
        """() => [...document.querySelectorAll(".sl-scroll:not(.provenance *) tbody td")]
        .filter((cell) => cell.cellIndex && !cell.dataset.label).length"""
    )
    context.close()
    assert (outside, named) == ([], 0)


def printed(page: Path) -> Path:
    """A page on paper, by the runner's own function in a process of its own: two Playwrights
    cannot share one."""
    code = "import sys; from pathlib import Path; from segment_lab.render.pdf import print_pages as p"
    code += "; p([Path(sys.argv[1])])"
    subprocess.run([sys.executable, "-c", code, str(page)], check=True, timeout=120)
    return page.with_suffix(".pdf")


def test_pages_print_to_pdf(browser, pages, tmp_path):
    page = tmp_path / "rich.html"
    page.write_bytes((pages / PAGES[0]).read_bytes())
    paper = printed(page).read_bytes()
    assert paper.startswith(b"%PDF")
    assert 1 <= paper.count(b"/Type /Page\n") <= 6


def test_every_sheet_of_a_long_table_has_its_head_and_the_page_its_number(
    browser, tmp_path
):
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (poppler-utils) reads the printed page")
    rows = pd.DataFrame({"customer": [f"C{i}" for i in range(150)], "revenue": 5.0})
    folded = show.details("The list", show.table(rows, "All of them", index=False))
    cells = [nbformat.v4.new_code_cell("rows()", outputs=[output(folded)])]
    page = tmp_path / "long.html"
    page.write_text(render(nbformat.v4.new_notebook(cells=cells), PAGE), "utf-8")
    command = ["pdftotext", "-layout", str(printed(page)), "-"]
    read = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sheets = read.split("\f")[:-1]
    assert len(sheets) >= 3
    for number, sheet in enumerate(sheets, start=1):
        assert re.search(r"Customer +Revenue", sheet)
        assert len(re.findall(r"^ *C\d+ ", sheet, re.M)) > 2
        assert re.search(rf"Shop.*30 June 2026.* {number} ?/ ?{len(sheets)}\b", sheet)


def test_page_one_prints_on_one_sheet(browser, tmp_path):
    """Nine segments, long tests and twenty names; the evidence is on the next sheet."""
    text = "A sentence of the length that a segment's meaning has, or a reason. "
    row = {
        "name": "Segment",
        "card": "",
        "customers": "113 customers",
        "who": text,
        "reach": "56% of revenue; 69 can be reached",
        "file": "",
        "stance": "protect",
        "stance_text": "Keep in touch",
        "spark": "",
        "change": "+14% customers",
        "action": "E-mail with a reason for the next order",
        "by": "Marketing, from 15 July 2026",
        "stop": "Stop calls and visits: 13 hours a year.",
        "cost": "EUR 1,188",
        "hours": "4 h",
        "range": "",
        "worth": "EUR 2,621 (−937 to 6,180)",
        "verdict": "watch",
        "verdict_text": "Do it and watch",
        "ground": "measured in part, or on other customers; 11 left alone",
        "depends": "Differs under ABC and the clusters",
    }
    named = {"name": "C01154", "owner": "E. Novak", "why": text, "warning": ""}
    columns = [
        {"heading": "To call", "items": [named] * names, "note": "", "file": ""}
        for names in (10, 5, 5)
    ]
    week = {"heading": "This week", "lines": [], "columns": columns, "file": ""}
    told = {"heading": "How sure is this?", "lines": [text * 2] * 5, "columns": []}
    words = dict.fromkeys(
        [
            "heading",
            "caption",
            "segment",
            "stance",
            "trend",
            "action",
            "cost",
            "worth",
            "ground",
        ],
        "Words",
    )
    tile = {"label": "Revenue, last 90 days", "value": "EUR 233,291", "note": "−27%"}
    front = {
        "title": "Shop: what to do",
        "study": "Shop",
        "as_of": "as of 1 July 2026",
        "headline": text * 2,
        "trust": [text],
        "tiles": [{**tile, "tone": "", "spark": ""}] * 6,
        "pictures": [],
        "words": {**words, "open_list": "list"},
        "rows": [row] * 9,
        "parts": [told, told, told, week],
    }
    facts = {**manifest(), "tables_shown": [], "versions_shown": [], "downloads": []}
    page = tmp_path / "index.html"
    page.write_text(run_page(facts, front), "utf-8")
    assert printed(page).read_bytes().count(b"/Type /Page\n") == 2
