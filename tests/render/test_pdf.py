"""On paper what carries content is open, and code is not there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

from segment_lab.render import pdf
from segment_lab.render.pdf import _foot, can_typeset, on_paper


def test_what_carries_content_is_open_on_paper():
    page = '<details class="sl-details"><p>One</p></details><details class="code">x</details>'
    assert on_paper(page) == page.replace(
        '<details class="sl', '<details open class="sl'
    )
    assert on_paper(on_paper(page)) == on_paper(page)


def test_every_sheet_has_its_number_and_a_title_that_is_escaped():
    assert "A &lt;b&gt;" in _foot("A <b>")
    assert "pageNumber" in _foot("A")


def test_without_weasyprint_or_its_libraries_a_browser_prints(monkeypatch, tmp_path):
    broken = tmp_path / "weasyprint.py"
    broken.write_text("raise OSError('cannot load library pango')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    assert not can_typeset()
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    assert not can_typeset()


def test_without_a_browser_no_grid_is_laid_and_drawings_have_their_colours():
    templates = Path(pdf.__file__).parent / "templates"
    sheets = "".join(sheet.read_text("utf-8") for sheet in templates.glob("*.css"))
    grids = re.findall(r"([^{}]+)\{[^{}]*display: grid", sheets)
    last = [re.findall(r"[\w-]+", selector.split(",")[-1])[-1] for selector in grids]
    assert len(last) >= 10
    assert [name for name in last if name not in pdf.PLAIN_LAYOUT] == []
    drawn = pdf.DRAWING.sub(pdf._drawn, '<svg class="bridge" role="img"><rect/></svg>')
    assert "<style>polyline" in drawn
    assert "text-anchor: middle" in drawn
    assert pdf.TONES["down"] in drawn
    assert pdf.DRAWING.sub(pdf._drawn, "<svg><rect/></svg>") == "<svg><rect/></svg>"


def test_page_one_is_typeset_smaller_until_it_is_one_sheet(monkeypatch, tmp_path):
    written = {}

    class Laid:
        """Two sheets and the evidence, until the sheet is a third wider than A4."""

        def __init__(self, sheet):
            width = float(re.search(r"size: ([\d.]+)mm", sheet)[1])
            before = 1 if width > 210 / 0.8 else 2
            anchors = [*([{}] * before), {"evidence": (0, 0)}]
            self.pages = [SimpleNamespace(anchors=held) for held in anchors]

        def write_pdf(self, target, zoom):
            written.update(target=target, zoom=zoom, sheets=len(self.pages))

    def read(string, base_url):
        return SimpleNamespace(render=lambda stylesheets: Laid(stylesheets[0]))

    fake = SimpleNamespace(HTML=read, CSS=lambda string: string)
    monkeypatch.setitem(sys.modules, "weasyprint", fake)
    page = tmp_path / "index.html"
    page.write_text("<p>One</p>")
    assert pdf._typeset(page) == page.with_suffix(".pdf")
    assert written == {"target": page.with_suffix(".pdf"), "zoom": 0.76, "sheets": 2}
