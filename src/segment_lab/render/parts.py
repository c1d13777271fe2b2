"""A look at a part, or a what-if: its pages lead to no list that it does not write."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

LINK = re.compile(r'(<a\b[^>]*?\s)href="([^":#]+)((?:#[^"]*)?")')
KEPT = re.compile(r'(<a\b[^>]*?\s)data-href="')


def unlinked(page: str, there: Callable[[str], bool]) -> str:
    """A page whose links to files that are not there are words; where they led is kept.

    Examples
    --------
    >>> unlinked('<a href="a.html">A</a>, <a href="b.html#c">B</a>', lambda name: name == "a.html")
    '<a href="a.html">A</a>, <a data-href="b.html#c">B</a>'
    """

    def kept(found: re.Match[str]) -> str:
        before, name, rest = found.groups()
        return found[0] if there(unquote(name)) else f'{before}data-href="{name}{rest}'

    return LINK.sub(kept, page)


def linked_again(page: str) -> str:
    """The page as it was, for a run that may have what it leads to.

    Examples
    --------
    >>> linked_again('<a data-href="b.html#c">B</a>')
    '<a href="b.html#c">B</a>'
    """
    return KEPT.sub(r'\1href="', page)


def unlink(run: Path) -> None:
    """Leave no link on any page of a run that leads nowhere."""
    for path in run.rglob("*.html"):
        text = path.read_text("utf-8")
        path.write_text(unlinked(text, _reach(path.parent)), "utf-8")


def _reach(folder: Path) -> Callable[[str], bool]:
    """Whether a page of a folder reaches a file; what stands above its run is not the run's."""
    return lambda name: name.startswith("../../") or (folder / name).exists()
