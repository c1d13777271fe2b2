"""How large the axes of a picture are: as their labels leave room for."""

from __future__ import annotations

from typing import Any

from matplotlib.layout_engine import LayoutEngine
from matplotlib.transforms import Bbox

#: White between the labels and the edge, in inches: that of matplotlib's constrained layout.
PAD = 3 / 72


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
