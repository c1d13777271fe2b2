"""On paper what carries content is open, and code is not there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

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
