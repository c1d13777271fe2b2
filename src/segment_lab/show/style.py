"""The one look of every figure: colour-blind-safe, large type, the same bytes for the same data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from segment_lab.texts import language, say
from segment_lab.texts.formats import decimal, percent
from segment_lab.texts.languages import subject
from segment_lab.texts.names import told
from segment_lab.texts.numerals import general

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito (2008), darkened where needed so that each stands out from white.
PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#AA4499",
    "#B8860B",
    "#56B4E9",
    "#555555",
    "#882255",
)
#: Good and bad news, weak (1) and strong (2), as on the map of page one.
NEWS = {
    "good-2": "#009E73",
    "good-1": "#66C5AB",
    "same": "#8A94A0",
    "bad-1": "#E69F66",
    "bad-2": "#D55E00",
}
INK, MUTED, GRID = "#1b1f24", "#5b6470", "#e3e6ea"
# Ordered steps (low to high) and the two ends of a scale around zero.
SEQUENTIAL, DIVERGING = "Blues", "PuOr"
WIDTH, HEIGHT = 5.6, 3.5

RC: Any = {
    "figure.figsize": (WIDTH, HEIGHT),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "legend.fontsize": 10.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.grid": True,
    "grid.color": GRID,
    "axes.axisbelow": True,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "image.cmap": SEQUENTIAL,
    "svg.hashsalt": "segment-lab",
    "svg.fonttype": "path",
}


def use() -> None:
    """Make this look matplotlib's default for the process."""
    import matplotlib
    from cycler import cycler

    matplotlib.rcParams.update(
        {
            **RC,
            "axes.prop_cycle": cycler(color=PALETTE),
        }
    )


def axes(
    ax: Axes | None = None,
    *,
    rows: int | None = None,
    height: float | None = None,
    width: float = WIDTH,
) -> Axes:
    """`ax` itself, or new Axes in this look.

    Parameters
    ----------
    ax : Axes, optional
        Returned as it is when given.
    rows : int, optional
        Number of horizontal bars or heat-map rows: the figure grows with it.
    height, width : float
        Inches. Wider than the default means smaller type on a phone.
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    use()
    tall = height or (1.1 + 0.34 * rows if rows else HEIGHT)
    _, drawn = plt.subplots(figsize=(width, tall))
    return drawn


def short(value: float) -> str:
    """1,500,000 as ``1.5M``, 30,962 as ``31k``: axis labels that fit a phone."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            part = value / size
            digits = len(f"{abs(part):.0f}") if abs(part) >= 100 else 3
            pattern = subject(language(), "words")["short"][letter]
            return str(pattern).format(general(part, digits))
    return general(value, 6)


def numbers(axis: Any, kind: str = "count") -> None:
    """Write the ticks of `axis` (``ax.xaxis`` or ``ax.yaxis``) as counts or money (``1.5M``) or as
    shares."""
    from matplotlib.ticker import FuncFormatter

    write: Callable[[float, int], str] = (
        (lambda v, _: percent(v, _decimals(100 * v)))
        if kind == "share"
        else (lambda v, _: short(v))
    )
    axis.set_major_formatter(FuncFormatter(write))


def _decimals(value: float) -> int:
    """How many decimals a number has that is written as short as it can be."""
    return len(f"{value:g}".partition(".")[2])


def described(ax: Axes, alt: str) -> Axes:
    """`ax` with the alternative text of its picture, which `display.figure` takes from the
    figure's label."""
    ax.figure.set_label(alt)
    return ax


def listed(what: str, values: pd.Series, kind: str = "money") -> str:
    """An alternative text from the data: every row with its value (money, share or uplift), in the
    order drawn."""
    write = {
        "share": percent,
        "uplift": lambda v: say("pictures.per_100", effect=v),
    }.get(kind, lambda v: decimal(v, 0))
    return (
        f"{what}: "
        + "; ".join(
            f"{told(name)} {write(v)}" for name, v in values.items() if pd.notna(v)
        )
        + "."
    )
