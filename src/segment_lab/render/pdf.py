"""Pages on paper, as PDF: printed by a browser where there is one (extra: browser), else by
WeasyPrint (extra: pdf), which needs no browser and ten times as long.

On paper nobody can open what is folded, so what carries content is opened first: everything but
code and how the page was made. Every sheet has the page's
title (study and date) and its number at the foot.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from segment_lab.errors import ConfigError
from segment_lab.render.mail import TONES
from segment_lab.texts import say

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: What the margins of style.css leave of A4, in CSS pixels; and how small page one may be printed.
SHEET = (718, 1036)
SCALES = (1.0, 0.96, 0.92, 0.88, 0.84, 0.8, 0.76)
#: The scales that page one is typeset at, one after the other, in the end without the meanings of
#: the segments.
TIGHT = ".plan .size + .who { display: none !important; }"
TYPESET = ((1.0, ""), (0.84, ""), (0.84, TIGHT), (0.76, TIGHT), (0.7, TIGHT))
A4 = (210, 297)
EVIDENCE = "evidence"
PAPER: Any = {"print_background": True, "prefer_css_page_size": True}
FOLDED = re.compile(r'<details(?= class="sl-details")(?![^>]* open)')
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
#: WeasyPrint lays no grid with automatic columns, and lays what stands in a grid again for every
#: grid and every set of columns around it: blocks and rows that wrap stand in their place.
PLAIN_LAYOUT = """
@page { font: 8pt sans-serif; color: #57606a;
        @bottom-left { content: string(sheet-title); }
        @bottom-right { content: counter(page) " / " counter(pages); } }
title { display: block; position: absolute; string-set: sheet-title content();
        visibility: hidden; height: 0; }
head { display: block; }
.sl-keys { display: flex; flex-wrap: wrap; }
.sl-keys div { display: block; min-width: 4cm; }
.tiles { display: flex !important; flex-wrap: wrap; }
.tile { display: block !important; width: 2.6cm; }
.pair { display: flex !important; }
.pair > * { width: 48%; }
:is(.layout, .parts, .thirds, .segments, .segments dl, .reports, .sl-cards) {
  display: block !important; }
:is(ol, ul, .sl-facts) { columns: auto !important; }
"""

#: The page's style sheet does not reach into its drawings there; each gets a sheet of its own.
DRAWING = re.compile(r'<svg class="(spark|range|bridge|lying|map)"[^>]*>')
SHAPES = "".join(
    [
        "polyline { fill: none; stroke: #0b57a4; stroke-width: 1.6 }",
        "circle { fill: #0b57a4 } .zero { stroke: #57606a }",
        ".span { stroke: #0b57a4; stroke-width: 5; opacity: .4 }",
        "rect { fill: #57606a } text { fill: #1b1f24; font-size: 12px }",
        ".side { text-anchor: end } .name { font-weight: 650 }",
        *(f".{tone} {{ fill: {colour} }}" for tone, colour in TONES.items()),
    ]
)


def chromium() -> str | None:
    """Path of a browser: ``SEGMENT_LAB_CHROMIUM``, or a Chromium or Chrome of the system; None
    lets Playwright look."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("SEGMENT_LAB_CHROMIUM") or next(
        (p for n in names if (p := shutil.which(n))), None
    )


def launch(playwright: Any) -> Any:
    """A headless browser."""
    return playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))


def print_pages(pages: Iterable[Path]) -> list[Path]:
    """Print each page beside itself; the files written."""
    waiting = list(pages)
    try:
        return _printed(waiting)
    except ConfigError:
        if not can_typeset():
            raise
    return [_typeset(page) for page in waiting]


def can_typeset() -> bool:
    """Whether WeasyPrint is here, and the system's libraries that it draws letters with."""
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


def on_paper(html: str) -> str:
    """A page with all that carries content opened; code is not printed.

    Examples
    --------
    >>> on_paper('<details class="sl-details"><details class="code">')
    '<details open class="sl-details"><details class="code">'
    """
    return FOLDED.sub("<details open", html)


def _drawn(opening: re.Match[str]) -> str:
    middle = "text { text-anchor: middle }" if opening[1] == "bridge" else ""
    return f"{opening[0]}<style>{SHAPES}{middle}</style>"


def _typeset(page: Path) -> Path:
    from weasyprint import CSS, HTML

    html = POLICY.sub("", on_paper(page.read_text("utf-8")))
    html = DRAWING.sub(_drawn, html)
    target = page.with_suffix(".pdf")
    read = HTML(string=html, base_url=str(page.parent))
    for scale, tight in TYPESET:
        width, height = (f"{side / scale}mm" for side in A4)
        layout = (
            f"{PLAIN_LAYOUT} @page {{ size: {width} {height} !important; }} {tight}"
        )
        laid = read.render(stylesheets=[CSS(string=layout)])
        if len(laid.pages) == 1 or not _runs_over(laid):
            break
    laid.write_pdf(target, zoom=scale)
    return target


def _runs_over(laid: Any) -> bool:
    """Whether page one takes more than a sheet before its evidence."""
    held = [
        number for number, sheet in enumerate(laid.pages) if EVIDENCE in sheet.anchors
    ]
    return bool(held) and held[0] > 1


def _printed(pages: Iterable[Path]) -> list[Path]:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise ConfigError(say("render.error.no_browser_extra")) from None
    written = []
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            for page in pages:
                tab = browser.new_page()
                tab.goto(page.resolve().as_uri())
                tab.emulate_media(media="print")
                tab.evaluate("dispatchEvent(new Event('beforeprint'))")
                written.append(page.with_suffix(".pdf"))
                tab.pdf(
                    path=written[-1],
                    scale=_scale(tab),
                    **PAPER,
                    display_header_footer=True,
                    header_template="<span></span>",
                    footer_template=_foot(tab.title()),
                )
                tab.close()
            browser.close()
    except Error as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(say("render.error.no_browser", reason=reason)) from None
    return written


def _scale(tab: Any) -> float:
    """The largest scale at which what stands on one sheet (``.sheet``, of page one) fits on it."""
    width, height = SHEET
    for tight in (False, True):
        if tight:  # without the meanings of the segments, which stand on their cards
            tab.evaluate("document.body.classList.add('tight')")
        for scale in SCALES:
            tab.set_viewport_size(
                {
                    "width": int(width / scale),
                    "height": int(height / scale),
                }
            )
            ends = tab.evaluate(
                "document.querySelector('.sheet')?.getBoundingClientRect().bottom ?? 0"
            )
            if ends <= height / scale and _sheets(tab, scale) == 1:
                return scale
    return SCALES[-1]


def _sheets(tab: Any, scale: float) -> int:
    """How many sheets are printed before the evidence: lines may break on paper where they did
    not when they were measured."""
    if not tab.query_selector(".sheet"):
        return 1
    show = "(shown) => { document.querySelector('.evidence').hidden = !shown; }"
    tab.evaluate(show, False)
    printed = tab.pdf(scale=scale, **PAPER)
    tab.evaluate(show, True)
    return printed.count(b"/Type /Page\n")


def _foot(title: str) -> Markup:
    """What stands below every sheet: study, page and date, then the number of the sheet."""
    return Markup(
        '<div style="font: 8px sans-serif; color: #57606a; width: 100%; padding: 0 14mm; '
        'display: flex; justify-content: space-between"><span>{}</span>'
        '<span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>'
    ).format(escape(title))
