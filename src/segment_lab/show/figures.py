"""A picture as a piece of a page: small, described in words, the same bytes for the same data."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from segment_lab.show.cards import called, says_why
from segment_lab.show.macros import Html, macro, tidy
from segment_lab.texts import say

SENTENCE_END = re.compile(r"(?<=[.:?]) +")
#: Steps of shade of a `Grid` that hold something.
SHADES = 3


@dataclass(frozen=True)
class Grid:
    """A map of few cells as text, which a phone shows in place of its picture.

    Parameters
    ----------
    texts : DataFrame
        The words of each cell, a line for each; rows from the top.
    shades : DataFrame
        How dark each is, 0 to 1; same index and columns.
    across, down : str
        What the columns and the rows are.
    """

    texts: pd.DataFrame
    shades: pd.DataFrame
    across: str
    down: str

    @property
    def rows(self) -> list[tuple[Any, list[tuple[list[str], int]]]]:
        """Each row's name, and the lines and the step of shade of its cells."""
        out = []
        for name in self.texts.index:
            cells = zip(self.texts.loc[name], self.shades.loc[name], strict=True)
            row = [
                (str(text).split("\n"), math.ceil(SHADES * shade))
                for text, shade in cells
            ]
            out.append((name, row))
        return out


@says_why
def figure(
    drawing: Any,
    *data: Any,
    alt: str = "",
    caption: Any = "",
    narrow: Grid | None = None,
) -> Html:
    """A picture of a matplotlib Axes or Figure; `alt` says in words, from the data, what it shows.

    The pictures of `segment_lab.show.pictures` bring their own alt text, as the label of the
    figure. The picture has twice the pixels it is shown with and 64 colours, as lossless WebP (a
    third smaller than PNG); the same drawing gives the same bytes. The figure is closed afterwards.

    Parameters
    ----------
    drawing : Axes, Figure or callable
        What was drawn, or a function that draws it from `data`.
    *data
        What the function draws; a part that is a function itself is called first. Where there is
        not enough data, the reason is shown instead of a picture.
    alt : str
        The picture in words, where the drawing does not bring them.
    caption : str or callable
        Stands above the picture, its first sentence as the title: there belongs what the picture
        tells.
    narrow : Grid, optional
        The same on a phone, where a wide picture would have to be moved to be read.

    Examples
    --------
    >>> def bars(sizes):
    ...     from segment_lab.show import style
    ...     ax = style.axes()
    ...     ax.bar(sizes.keys(), sizes.values())
    ...     return style.described(ax, f"Bars of {len(sizes)} segments")
    >>> 'alt="Bars of 2 segments"' in str(figure(bars, {"A": 3, "B": 1}, caption="A leads."))
    True
    """
    from segment_lab.show.drawing import picture_of

    drawn = called(drawing, *data)
    canvas = drawn if hasattr(drawn, "savefig") else drawn.figure
    alt = alt.strip() or str(canvas.get_label()).strip()
    if not alt:
        raise ValueError(say("show.no_alt"))
    picture, width, height = picture_of(canvas)
    title, rest = _parted(tidy(called(caption)))
    return Html(macro("figure", alt, width, height, picture, title, rest, narrow))


def _parted(caption: str) -> tuple[str, str]:
    """The first sentence, and the rest; what follows a full stop begins with a capital, in any
    alphabet."""
    for end in SENTENCE_END.finditer(caption):
        follows = caption[end.end() : end.end() + 1]
        if follows.isupper() or follows.isdigit():
            return caption[: end.start()], caption[end.end() :]
    return caption, ""
