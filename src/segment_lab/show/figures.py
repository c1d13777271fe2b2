"""A picture as a piece of a page: small, described in words, the same bytes for the same data."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.show.cards import called, says_why
from segment_lab.show.macros import Html, macro, tidy
from segment_lab.texts import DEFAULT, language, say, shown

SENTENCE_END = re.compile(r"(?<=[.:?]) +")
#: Dots per inch of a picture: twice those of a screen.
DPI = 220
#: Inches left white around what was drawn.
MARGIN = 0.08
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
    drawn = called(drawing, *data)
    canvas = drawn if hasattr(drawn, "savefig") else drawn.figure
    alt = alt.strip() or str(canvas.get_label()).strip()
    if not alt:
        raise ValueError(say("show.no_alt"))
    picture, width, height = _picture(canvas)
    title, rest = _parted(tidy(called(caption)))
    return Html(macro("figure", alt, width, height, picture, title, rest, narrow))


def warm() -> None:
    """Draw something: fonts and kinds of files are at hand for the first picture."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from PIL import Image

    from segment_lab.show import style

    Image.init()
    # Not by pyplot, which would choose its backend for good.
    with mpl.rc_context(style.RC):
        canvas = Figure()
        canvas.subplots().set_title("0")
        _picture(canvas)


def _parted(caption: str) -> tuple[str, str]:
    """The first sentence, and the rest; what follows a full stop begins with a capital, in any
    alphabet."""
    for end in SENTENCE_END.finditer(caption):
        follows = caption[end.end() : end.end() + 1]
        if follows.isupper() or follows.isdigit():
            return caption[: end.start()], caption[end.end() :]
    return caption, ""


def _name(canvas: Any) -> None:
    """Names of segments as readers see them, on ticks too."""
    from matplotlib.text import Text
    from matplotlib.ticker import FixedFormatter, FixedLocator

    for axes in canvas.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = [label.get_text() for label in axis.get_ticklabels()]
            named = [shown(label) for label in labels]
            if named != labels:
                axis.set_major_locator(FixedLocator(axis.get_ticklocs()))
                axis.set_major_formatter(FixedFormatter(named))
    for text in canvas.findobj(Text):
        text.set_text(shown(text.get_text()))


def _picture(canvas: Any) -> tuple[str, int, int]:
    """The drawing as base64 text, with the size it is shown at."""
    import matplotlib.pyplot as plt
    from PIL import Image

    if language() != DEFAULT:
        _name(canvas)
    drawn = _drawn(canvas)
    plt.close(canvas)
    # A seventh of the median cut's time, and smaller pictures.
    octree = Image.Quantize.FASTOCTREE
    image = drawn.quantize(64, octree, dither=Image.Dither.NONE)
    small = io.BytesIO()
    image.convert("RGB").save(
        small,
        format="WEBP",
        lossless=True,
        method=2,
        quality=10,  # of lossless pictures the effort: 25 takes twice as long for an eighth less
    )
    text = base64.b64encode(small.getvalue()).decode()
    return text, image.width // 2, image.height // 2


def _drawn(canvas: Any) -> Any:
    """The pixels of all that was drawn, with a white margin, laid out and drawn once.

    ``savefig`` with a tight box gives the same, but draws three times.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    from segment_lab.show.fitting import Fitted

    canvas.set_dpi(DPI)
    if len(canvas.axes) == 1 and not (canvas.legends or canvas.texts):
        canvas.set_layout_engine(Fitted())
    canvas.set_facecolor("white")
    page = FigureCanvasAgg(canvas)
    page.draw()
    pixels = Image.fromarray(np.asarray(page.buffer_rgba())).convert("RGB")
    left, top, right, bottom = _inked(canvas, pixels)
    if left > 0 and top > 0 and right < pixels.width and bottom < pixels.height:
        edge = round(MARGIN * DPI)
        size = right - left + 2 * edge, bottom - top + 2 * edge
        out = Image.new("RGB", size, "white")
        out.paste(pixels.crop((left, top, right, bottom)), (edge, edge))
        return out
    # The picture grows, so that no label is cut off.
    box = canvas.get_tightbbox(page.get_renderer()).padded(MARGIN)
    size = int(box.width * DPI), int(box.height * DPI)
    canvas.set_layout_engine("none")
    raw = io.BytesIO()
    canvas.savefig(
        raw,
        format="rgba",
        dpi=DPI,
        bbox_inches=box,
        facecolor="white",
    )
    return Image.frombuffer("RGBA", size, raw.getvalue()).convert("RGB")


def _inked(canvas: Any, pixels: Any) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is not white, and of the axes."""
    from PIL import ImageChops

    ink = ImageChops.invert(pixels).getbbox() or (0, 0, *pixels.size)
    boxes = [axes.get_window_extent().extents for axes in canvas.axes]
    places = [
        (x0, pixels.height - y1, x1, pixels.height - y0) for x0, y0, x1, y1 in boxes
    ]
    left, top, right, bottom = np.transpose([ink, *places])
    return (
        int(left.min()),
        int(top.min()),
        int(np.ceil(right.max())),
        int(np.ceil(bottom.max())),
    )
