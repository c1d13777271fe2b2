"""The three shapes that most pictures have: a heat map, bars in pairs, values with their 95 %
range.

Every picture of the package is one of them with its own words, or a line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.show import style
from segment_lab.texts import say, shown
from segment_lab.texts.formats import format_value, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LARGE, SMALL = 10.5, 8  # sizes of type inside a cell
MOST_LARGE = 60  # cells of a heat map in which a phone still shows large numbers
MOST_WRITTEN = 200  # above so many only the colour tells


def heat_map(  # noqa: PLR0913 (as many choices as seaborn's own)
    values: pd.DataFrame,
    *,
    kind: str = "count",
    texts: pd.DataFrame | None = None,
    low: float | None = 0,
    high: float | None = None,
    diverging: bool = False,
    across: str = "",
    down: str = "",
    slanted: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Cells coloured by their value, with the value written in each; empty where there is none.

    Parameters
    ----------
    values : DataFrame
        What the colours show.
    kind : str
        How a value is written: a format of `segment_lab.texts.formats`; ``percent`` for whole ones.
    texts : DataFrame, optional
        What is written instead, in the same places.
    low, high : float, optional
        Values of the palest and the strongest colour; otherwise those of the data.
    diverging : bool
        Two colours that meet in the middle of `low` and `high`: above and below usual.
    across, down : str
        What columns and rows stand for.
    slanted : bool
        Whether the names of the columns are slanted, for when they are long.
    ax : Axes, optional
        Where to draw; otherwise on new Axes.

    Examples
    --------
    >>> shares = pd.DataFrame({"A": [0.2, None], "B": [0.5, 1.0]}, index=["x", "y"])
    >>> ax = heat_map(shares, kind="percent", high=1)
    >>> [text.get_text() for text in ax.texts]
    ['20%', '50%', '100%']
    """
    import seaborn

    if not values.size:
        raise NotEnoughDataError(say("show.nothing_to_draw"))
    ax = style.axes(ax, height=1.4 + 0.36 * len(values) + (0.8 if slanted else 0))
    written = (
        values.map(lambda value: _written(value, kind)) if texts is None else texts
    )
    seaborn.heatmap(
        values.astype(float),
        annot=written if values.size <= MOST_WRITTEN else False,
        fmt="",
        annot_kws={"fontsize": LARGE if values.size <= MOST_LARGE else SMALL},
        cmap=style.DIVERGING + "_r" if diverging else style.SEQUENTIAL,
        vmin=low,
        vmax=high,
        cbar=False,
        linewidths=1,
        linecolor="white",
        # Named below: seaborn would draw everything once more to see whether names overlap.
        xticklabels=False,
        yticklabels=False,
        ax=ax,
    )
    rows, columns = values.shape
    ax.set_yticks(
        np.arange(rows) + 0.5,
        [wrapped(name) for name in values.index],
        va="center",
    )
    ax.set_xticks(
        np.arange(columns) + 0.5,
        [wrapped(name, 12) for name in values.columns],
        rotation=40 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor" if slanted else "default",
    )
    ax.set(xlabel=across, ylabel=down)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    return ax


def bars(
    frame: pd.DataFrame,
    columns: Mapping[str, str],
    *,
    kind: str = "percent",
    along: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Horizontal bars side by side, one group a row, the value written at the end of each.

    Parameters
    ----------
    frame : DataFrame
        Rows from top to bottom; missing values are drawn as nothing.
    columns : mapping
        Words of the legend to the column they name. One column needs no legend.
    kind : str
        How a value is written, as in `heat_map`.
    along : str
        What the length of a bar stands for.
    ax : Axes, optional
        Where to draw; otherwise on new Axes.

    Examples
    --------
    >>> shares = pd.DataFrame({"minutes": [0.7, 0.3], "revenue": [0.4, 0.6]}, index=["A", "B"])
    >>> ax = bars(shares, {"contact minutes": "minutes", "revenue": "revenue"})
    >>> [label.get_text() for label in ax.texts]
    ['70%', '30%', '40%', '60%']
    """
    import seaborn

    several = len(columns) > 1
    ax = style.axes(ax, height=1.2 + (0.55 if several else 0.36) * len(frame))
    drawn = frame[list(columns.values())].set_axis(list(columns), axis=1)
    drawn = drawn.set_axis([wrapped(name) for name in frame.index]).rename_axis("row")
    # A missing value keeps its place, without a length and without a text.
    whole = drawn.astype(float).fillna(0.0).reset_index()
    seaborn.barplot(
        whole.melt("row", var_name="what", value_name="value"),
        y="row",
        x="value",
        hue="what",
        palette=style.PALETTE[: len(columns)],
        saturation=1,
        errorbar=None,
        legend=several,
        ax=ax,
    )
    containers: Any = ax.containers
    for container, column in zip(containers, drawn, strict=True):
        ax.bar_label(
            container, drawn[column].map(lambda v: _written(v, kind)), padding=3
        )
    ax.set(xlabel=along, ylabel="")
    ax.margins(x=0.14)
    return _finished(ax, kind, several)


def intervals(
    frame: pd.DataFrame,
    columns: Mapping[str, str],
    *,
    kind: str = "percent",
    along: str = "",
    reference: float | None = None,
    hollow: pd.Series | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A point with the range around it for every row, one colour and mark a column.

    Parameters
    ----------
    frame : DataFrame
        Rows from top to bottom; for a column ``x`` also ``x_low`` and ``x_high``.
    columns : mapping
        Words of the legend to the column they name. One column needs no legend.
    kind : str
        How the axis is written: ``percent``, ``count``, ``money`` or ``number``.
    along : str
        What the axis stands for.
    reference : float, optional
        Where a line marks what the values are compared with.
    hollow : Series of bool, optional
        Rows whose points are empty: those that may be mere chance.
    ax : Axes, optional
        Where to draw; otherwise on new Axes.

    Examples
    --------
    >>> rates = pd.DataFrame({"p": [0.2], "p_low": [0.1], "p_high": [0.4]}, index=["Loyal"])
    >>> ax = intervals(rates, {"bought": "p"}, along="Share that bought")
    >>> ax.get_xlabel(), [label.get_text() for label in ax.get_yticklabels()]
    ('Share that bought', ['Loyal'])
    """
    several = len(columns) > 1
    ax = style.axes(ax, height=1.2 + (0.55 if several else 0.36) * len(frame))
    shifts = np.linspace(-0.16, 0.16, len(columns)) if several else [0]
    for shift, colour, mark, (label, name) in zip(
        shifts, style.PALETTE, "osD^v", columns.items(), strict=False
    ):
        one = frame[[name, f"{name}_low", f"{name}_high"]].astype(float)
        empty = np.zeros(len(frame), bool) if hollow is None else hollow.to_numpy(bool)
        fill = np.where(empty, "white", colour)
        ranges(ax, one, colour, shift=shift, fill=fill, marker=mark, label=label)
    if reference is not None:
        ax.axvline(reference, color=style.MUTED, linestyle="--", linewidth=1.2)
    ax.set_yticks(range(len(frame)), [wrapped(name) for name in frame.index])
    ax.set_ylim(len(frame) - 0.5, -0.5)
    ax.set_xlabel(along)
    return _finished(ax, kind, several)


def ranges(
    ax: Axes,
    values: pd.DataFrame,
    colour: str,
    *,
    shift: float = 0.0,
    fill: Any = None,
    **point: Any,
) -> None:
    """A point a row with the range around it.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    values : DataFrame
        A column with the points, then the lower and the upper ends.
    colour : str
        Of points and ranges.
    shift : float
        How far below its row each is drawn.
    fill : array of str, optional
        What the points are filled with; their colour by default.
    **point
        Words of the legend (``label``) and the ``marker``.
    """
    middle, low, high = (values[column] for column in values)
    place = np.arange(len(values)) + shift
    ax.errorbar(
        middle,
        place,
        xerr=[(middle - low).clip(lower=0), (high - middle).clip(lower=0)],
        fmt="none",
        ecolor=colour,
        capsize=3,
    )
    ax.scatter(
        middle,
        place,
        s=48,
        c=colour if fill is None else fill,
        edgecolors=colour,
        zorder=3,
        **point,
    )


def _finished(ax: Axes, kind: str, several: bool) -> Axes:
    style.numbers(ax.xaxis, "share" if kind in ("percent", "share") else kind)
    ax.grid(axis="y", visible=False)
    if several:
        ax.legend(
            title="",
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=3,
        )
    return ax


def in_words(what: str, frame: pd.DataFrame, kind: str = "percent") -> str:
    """The alternative text of a picture: every row with its values, in the order drawn.

    Examples
    --------
    >>> shares = pd.DataFrame({"minutes": [0.7], "revenue": [0.4]}, index=["A"])
    >>> in_words("Share of minutes and of revenue", shares)
    'Share of minutes and of revenue: A 70%, 40%.'
    """
    rows = []
    for name, values in frame.iterrows():
        told = ", ".join(_written(value, kind) or "–" for value in values)
        rows.append(f"{shown(name)} {told}")
    return f"{what}: {'; '.join(rows)}."


def _written(value: Any, kind: str) -> str:
    if pd.isna(value):
        return ""
    if kind == "percent":
        return f"<{percent(0.01)}" if 0 < value < 0.005 else percent(value)
    if kind in ("count", "money") and abs(value) >= 10_000:
        return style.short(value)
    return str(format_value(value, kind))


def wrapped(name: Any, width: int = 22) -> str:
    """A name on several lines, where it is long."""
    return "\n".join(textwrap.wrap(str(name), width)) or str(name)


def month_axis(ax: Axes) -> None:
    """Few, short dates below: January with its year, the other months by name."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=6)
    ax.xaxis.set(major_locator=locator, major_formatter=ConciseDateFormatter(locator))
    ax.grid(axis="x", visible=False)
