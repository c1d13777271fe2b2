"""Axes as large as their labels leave room for."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from segment_lab.show import style
from segment_lab.show.drawing import DPI, PAD, Fitted, picture_of


def bars(names):
    """Horizontal bars with labels of any length, and all kinds of writing around them."""
    axes = style.axes(rows=len(names))
    axes.barh(names, range(1, len(names) + 1))
    axes.set_xlabel("Customers in the segment")
    axes.set_title("What came")
    return axes


def drawn(axes, engine=None):
    """Where the axes stand and where all that was written ends, in inches."""
    figure = axes.figure
    if engine is not None:
        figure.set_layout_engine(engine)
    page = FigureCanvasAgg(figure)
    page.draw()
    return axes.get_position(), figure.get_tightbbox(page.get_renderer())


@pytest.mark.parametrize("names", [["A", "B"], ["A segment with a long name", "B"]])
def test_nothing_is_cut_off_and_no_room_is_left(names):
    axes = bars(names)
    _, ends = drawn(axes, Fitted())
    width, height = axes.figure.get_size_inches()
    plt.close(axes.figure)
    edges = (ends.x0, ends.y0, width - ends.x1, height - ends.y1)
    assert all(edge == pytest.approx(PAD, abs=0.12) for edge in edges)
    assert ends.x0 >= 0


@pytest.mark.parametrize("names", [["A", "B"], ["A segment with a long name", "B"]])
def test_axes_stand_where_constrained_layout_puts_them(names):
    axes = bars(names)
    usual, _ = drawn(axes)
    plt.close(axes.figure)
    axes = bars(names)
    fitted, _ = drawn(axes, Fitted())
    plt.close(axes.figure)
    for mine, theirs in zip(fitted.extents, usual.extents, strict=True):
        assert mine == pytest.approx(theirs, abs=0.015)


def test_axes_without_room_for_their_labels_stay_where_they_are():
    axes = bars(["A name as long as the whole picture and then much longer still", "B"])
    axes.figure.set_size_inches(1.5, 1.5)
    before = axes.get_position().extents.tolist()
    after, _ = drawn(axes, Fitted())
    plt.close(axes.figure)
    assert after.extents.tolist() == before


@pytest.mark.parametrize("size", [13.0, 13.2, 13.4, 13.6, 13.8, 14.0, 14.2, 14.4])
def test_a_title_beyond_the_edge_is_never_cut_off(size):
    # Half of it is blank, so that of some sizes the edge falls into a gap.
    axes = bars(["A", "B"])
    axes.set_title("l " * 60, loc="left", fontsize=size)
    figure = axes.figure
    figure.set_dpi(DPI)
    page = FigureCanvasAgg(figure)
    page.draw()
    needed = figure.get_tightbbox(page.get_renderer()).width * DPI
    _, width, _ = picture_of(figure)
    assert 2 * width >= needed
