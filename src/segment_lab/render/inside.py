"""A report's page inside a notebook: the pieces of its own notebook, made of the study at hand."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import mistune
import nbformat

from segment_lab import pages
from segment_lab.errors import NotEnoughDataError
from segment_lab.render.catalog import chosen, parameters_of
from segment_lab.render.exporter import HIDDEN
from segment_lab.show import group, note
from segment_lab.show.macros import Html

if TYPE_CHECKING:
    from segment_lab.study.study import Study


class Given:
    """Stands for the class `Study` in a report's notebook: whatever is opened is the study that
    is there already."""

    def __init__(self, study: Study):
        self.study = study

    def from_yaml(self, *_: Any, **__: Any) -> Study:
        return self.study


def inside(study: Study, name: str) -> Html:
    """See `Study.show`."""
    [report] = chosen([name])
    cells = nbformat.read(report.path, as_version=4).cells
    report.translate(cells)
    names = {
        "Study": Given(study),
        "pages": pages,
        "config": "",
        **report.cell(),
    }
    names |= parameters_of(study, report)
    pieces = []
    for cell in cells:
        if HIDDEN & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            pieces.append(Html(str(mistune.html(cell.source))))
            continue
        try:
            shown = _run(cell.source, names)
        except NotEnoughDataError as reason:
            pieces.append(note(str(reason), "missing"))
            break
        if isinstance(shown, Html):
            pieces.append(shown)
    return group(*pieces)


def _run(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last expression."""
    body = ast.parse(source).body
    # Names are given.
    body = [part for part in body if not isinstance(part, ast.ImportFrom)]
    last = body[-1] if body else None
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module(body, []), "<report>", "exec"), names)
        return None
    exec(compile(ast.Module(body[:-1], []), "<report>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<report>", "eval"), names)
