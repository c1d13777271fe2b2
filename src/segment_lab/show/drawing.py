"""What was drawn, as the pixels of a page: laid out and drawn once, small, the same bytes for the
same data."""

from __future__ import annotations

import base64
import io
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import LayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator
from matplotlib.transforms import Bbox
from PIL import Image, ImageChops

from segment_lab.show import style
from segment_lab.texts import DEFAULT, language, shown

#: Dots per inch of a picture: twice those of a screen.
DPI = 220
#: Inches left white around what was drawn.
MARGIN = 0.08
#: White between the labels and the edge, in inches: that of matplotlib's constrained layout.
PAD = 3 / 72


def picture_of(canvas: Any) -> tuple[str, int, int]:
    """A figure as base64 text, with the size it is shown at; the figure is closed."""
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


def warm() -> None:
    """Draw something: fonts and kinds of files are at hand for the first picture."""
    Image.init()
    # Not by pyplot, which would choose its backend for good.
    with mpl.rc_context(style.RC):
        canvas = Figure()
        canvas.subplots().set_title("0")
        picture_of(canvas)


def _name(canvas: Any) -> None:
    """Names of segments as readers see them, on ticks too."""
    for axes in canvas.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = [label.get_text() for label in axis.get_ticklabels()]
            named = [shown(label) for label in labels]
            if named != labels:
                axis.set_major_locator(FixedLocator(axis.get_ticklocs()))
                axis.set_major_formatter(FixedFormatter(named))
    for text in canvas.findobj(Text):
        text.set_text(shown(text.get_text()))


def _drawn(canvas: Any) -> Image.Image:
    """The pixels of all that was drawn, with a white margin.

    ``savefig`` with a tight box gives the same, but draws three times.
    """
    canvas.set_dpi(DPI)
    if len(canvas.axes) == 1 and not (canvas.legends or canvas.texts):
        canvas.set_layout_engine(Fitted())
    canvas.set_facecolor("white")
    page = FigureCanvasAgg(canvas)
    page.draw()
    pixels = Image.fromarray(np.asarray(page.buffer_rgba())).convert("RGB")
    left, top, right, bottom = _ends(canvas, page.get_renderer(), pixels)
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


def _ends(canvas: Any, renderer: Any, pixels: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all that is not white, of the axes, and of what is written
    beside them: a title that goes beyond the edge may have a gap just there."""
    ink = ImageChops.invert(pixels).getbbox() or (0, 0, *pixels.size)
    places = [axes.get_window_extent() for axes in canvas.axes]
    for axes in canvas.axes:
        written = [text for text in axes.get_children() if isinstance(text, Text)]
        written += [axis.label for axis in (axes.xaxis, axes.yaxis)]
        places += [
            text.get_window_extent(renderer)
            for text in written
            if text.get_text() and text.get_visible()
        ]
    boxes = [
        (place.x0, pixels.height - place.y1, place.x1, pixels.height - place.y0)
        for place in places
    ]
    left, top, right, bottom = np.transpose([ink, *boxes])
    first = np.floor([left.min(), top.min()])
    last = np.ceil([right.max(), bottom.max()])
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


class Fitted(LayoutEngine):
    """The only axes of a figure, measured once.

    Constrained layout gives the same but measures twice, which takes a third of drawing.
    """

    _adjust_compatible = False
    _colorbar_gridspec = False

    def set(self, **kwargs: Any) -> None:
        """Nothing can be set."""

    def execute(self, fig: Any) -> None:
        """Give the axes of `fig` what their labels leave."""
        (axes,) = fig.axes
        around = axes.get_tightbbox(fig.canvas.get_renderer(), for_layout_only=True)
        taken = around.transformed(fig.transFigure.inverted())
        place = axes.get_position(original=True)
        across, up = PAD / fig.get_size_inches()
        left, bottom = across + place.x0 - taken.x0, up + place.y0 - taken.y0
        right, top = 1 - across + place.x1 - taken.x1, 1 - up + place.y1 - taken.y1
        if left < right and bottom < top:
            axes.set_position(Bbox([[left, bottom], [right, top]]))
            axes.set_in_layout(True)
