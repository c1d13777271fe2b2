"""The piece of a page, and the one set of HTML macros that every piece is written with.

``templates/macros.html.j2`` escapes whatever came from data; nothing is escaped anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")
# Enough style for JupyterLab; reports have their own and drop this one.
LAB_STYLE = (
    "<style>.sl-scroll td.txt,.sl-scroll th{text-align:left!important}.sl-scroll caption,.sl-note,"
    ".sl-foot,.sl-card,figcaption{text-align:left;max-width:46em}.sl-lead{font-size:1.2em}"
    ".sl-finding,figcaption strong{font-weight:600}figcaption strong{display:block}"
    ".sl-grid{display:none}dl[class^=sl-]{display:flex;flex-wrap:wrap;gap:.4em 2em}"
    "dl[class^=sl-] :is(dt,dd){float:none!important;"
    "width:auto!important;margin:0!important}.sl-scroll caption{font-weight:600}"
    ".sl-note,.sl-card{border-left:3px solid #8aa;padding:0 1em}"
    "</style>"
)


@dataclass(frozen=True)
class Html:
    """A piece of a page, shown by Jupyter and kept by nbconvert.

    Parameters
    ----------
    markup : str
        HTML, escaped.
    data : mapping
        MIME type to what the index and the manifest keep of the piece.
    missing : bool
        Whether it stands where there was not enough data for an answer.
    """

    markup: str
    data: Mapping[str, Any] = field(default_factory=dict)
    missing: bool = False

    def _repr_html_(self) -> str:
        return f"{LAB_STYLE}{self.markup}"

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> dict[str, Any]:
        return {
            "text/html": self._repr_html_(),
            "text/plain": plain(self.markup),
            **self.data,
        }

    def __str__(self) -> str:
        return str(self.markup)

    def __html__(self) -> str:
        return str(self.markup)


@cache
def environment() -> Environment:
    """Templates that escape what they are given, and miss nothing silently."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )


@cache
def _macros() -> Any:
    return environment().get_template("macros.html.j2").module


def warm() -> None:
    """Compile the macros before they are asked for."""
    _macros()


def macro(name: str, /, *args: Any, **facts: Any) -> Markup:
    """One macro of ``macros.html.j2``, filled with facts.

    Examples
    --------
    >>> print(macro("finding", "A < B"))
    <p class="sl-finding">A &lt; B</p>
    """
    return Markup(getattr(_macros(), name)(*args, **facts))


def plain_table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    numeric: Sequence[int] = (),
) -> Markup:
    """A table of texts as they are given, the first of each row its header; for templates.

    Parameters
    ----------
    caption : str
        What the table shows.
    head : sequence of str
        The headers.
    rows : iterable of sequences
        Texts, as many a row as there are headers.
    numeric : sequence of int
        Positions of the columns that are numbers.

    Examples
    --------
    >>> made = plain_table("Rows", ["Table", "Read"], [("a", "22,660")], [1])
    >>> '<td class="num">22,660</td>' in made
    True
    """
    css = ["num" if position in numeric else "txt" for position in range(len(head))]
    heads = [
        {"label": label, "css": look} for label, look in zip(head, css, strict=True)
    ]
    cells = [
        [{"text": text, "css": look} for text, look in zip(row, css, strict=True)]
        for row in rows
    ]
    return macro("table", caption, heads, cells)


def plain(markup: str) -> str:
    """The beginning of a piece without its tags, for where there is only text."""
    text = Markup(re.sub(r"<[^>]*>", " ", markup)).unescape()
    return re.sub(r"\s+", " ", text).strip()[:200]


def tidy(text: str) -> str:
    """Without the blank or comma that a study without a currency leaves before a full stop, a
    comma or the end."""
    return re.sub(r"[ ,]+(?=[.,](?:\s|$)|$)", "", text)
