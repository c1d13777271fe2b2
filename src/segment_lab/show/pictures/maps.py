"""Pictures of where the segments stand, and of who moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.show import style
from segment_lab.show.figures import Grid
from segment_lab.show.pictures.shapes import heat_map, wrapped
from segment_lab.texts import say
from segment_lab.texts.formats import decimal, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 8.0  # inches: room for names inside the cells
MOST_NAMED = 5  # scores a measure may have for names to fit in the cells
LARGEST_BUBBLE = 2600  # points², of a segment with all of the money
# Between two bars of a column, and points along the edge of a band.
GAP, WAIST = (
    0.02,
    40,
)


def named_map(cells: pd.DataFrame, n_bins: int, ax: Axes | None = None) -> Axes:
    """The recency × frequency grid with the segments in each cell, coloured by its share of the
    revenue.

    `cells`: `segments.rfm.score_cells`. With more than `MOST_NAMED` scores only the largest
    segment of a cell is named.
    """
    money, written = _placed(cells, n_bins)
    ax = heat_map(
        money,
        texts=written,
        across=say("pictures.frequency_score"),
        down=say("pictures.recency_score"),
        ax=style.axes(
            ax,
            width=WIDE,
            height=1.0 + 0.78 * n_bins,
        ),
    )
    # Cells with little revenue are nearly white.
    ax.collections[0].set_edgecolor(style.GRID)
    for text in ax.texts:
        text.set_fontsize(8)
    sizes = cells.groupby("segment", observed=True)[
        ["customers", "revenue_share"]
    ].sum()
    rows = "; ".join(
        say(
            "pictures.place",
            name=name,
            customers=row.customers,
            share=row.revenue_share,
        )
        for name, row in sizes.sort_values("customers", ascending=False).iterrows()
    )
    return style.described(ax, say("pictures.named_map", rows=rows))


def _placed(cells: pd.DataFrame, n_bins: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Share of the revenue and the words of every cell, the latest buyers on top."""
    steps = range(1, n_bins + 1)
    named = MOST_NAMED if n_bins <= MOST_NAMED else 1
    place = ["r_score", "f_score"]
    money = cells.groupby(place)["revenue_share"].sum().unstack()
    told = [
        say("pictures.in_cell", name=name, customers=count)
        for name, count in zip(cells["segment"], cells["customers"], strict=True)
    ]
    lines = cells.assign(told=told).groupby(place).head(named)
    written = lines.groupby(place)["told"].agg("\n".join).unstack()
    whole = written.reindex(index=steps, columns=steps).astype(object).fillna("")
    return money.reindex(index=steps, columns=steps)[::-1], whole[::-1]


def named_grid(cells: pd.DataFrame, n_bins: int) -> Grid:
    """The same map for a phone: its names as text, which a small picture would make illegible."""
    money, written = _placed(cells, n_bins)
    shares = money.fillna(0.0).clip(lower=0.0)
    largest = shares.to_numpy().max() or 1.0
    return Grid(
        written,
        shares / largest,
        across=say("pictures.frequency_score"),
        down=say("pictures.recency_score"),
    )


def flows(counts: pd.DataFrame, before: str, now: str, ax: Axes | None = None) -> Axes:
    """Bands from segments then (left) to segments now (right), as thick as the customers are many;
    those who stayed are grey.

    `counts`: customers by segment then (rows) and now (columns); `before` and `now` stand above
    the two sides.
    """
    counts = counts.loc[counts.sum(axis=1) > 0, counts.sum() > 0]
    if counts.empty:
        raise NotEnoughDataError(say("pictures.nobody_moved"))
    ax = style.axes(ax, height=1.2 + 0.5 * max(counts.shape))
    shares = counts / counts.to_numpy().sum()
    left, right = _stacked(shares.sum(axis=1)), _stacked(shares.sum())
    out, into = dict(left), dict(right)
    for one, other in product(shares.index, shares.columns):
        thick = float(shares.loc[one, other])
        if thick:
            colour = style.MUTED if one == other else style.PALETTE[0]
            _band(ax, out[one], into[other], thick, colour)
            out[one] -= thick
            into[other] -= thick
    for x, side, tops, sizes in (
        (0, "right", left, counts.sum(axis=1)),
        (1, "left", right, counts.sum()),
    ):
        for name, size in zip(map(str, sizes.index), sizes, strict=True):
            tall = size / sizes.sum()
            ax.bar(
                x,
                tall,
                0.03,
                bottom=tops[name] - tall,
                color=style.INK,
            )
            label = f"{wrapped(name)} {decimal(size, 0)}"
            ax.text(
                x + 0.04 * (2 * x - 1),
                tops[name] - tall / 2,
                label,
                ha=side,
                va="center",
            )
    ax.text(
        0,
        1.03,
        before,
        ha="center",
        va="bottom",
        fontweight="bold",
    )
    ax.text(
        1,
        1.03,
        now,
        ha="center",
        va="bottom",
        fontweight="bold",
    )
    ax.set(xlim=(-0.5, 1.5), ylim=(-GAP * max(counts.shape), 1.12))
    ax.set_axis_off()
    moves = {
        say("pictures.move", before=one, now=other): counts.loc[one, other]
        for one, other in product(counts.index, counts.columns)
        if one != other and counts.loc[one, other]
    }
    named = pd.Series(moves, dtype="float64").sort_values(
        ascending=False, kind="stable"
    )
    return style.described(ax, style.listed(say("pictures.moves"), named, "count"))


def _stacked(sizes: pd.Series) -> dict[str, float]:
    """The upper end of every bar of a column, from the top down, a gap between two."""
    tops = 1 - (sizes.cumsum() - sizes) - GAP * np.arange(len(sizes))
    return {str(name): float(top) for name, top in tops.items()}


def _band(ax: Axes, start: float, end: float, thick: float, colour: str) -> None:
    """A band from its upper end on the left to that on the right."""
    along = np.linspace(0, 1, WAIST)
    upper = start + (end - start) * (3 * along**2 - 2 * along**3)
    ax.fill_between(
        along,
        upper - thick,
        upper,
        color=colour,
        alpha=0.35,
        linewidth=0,
    )


def bubbles(
    profile: pd.DataFrame,
    ax: Axes | None = None,
    tones: Mapping[str, str] | None = None,
) -> Axes:
    """Segments by typical silence (across) and money per order (up); the area of a bubble is the
    share of the revenue.

    `profile`: `Segmentation.profile`. `tones`: by segment a key of `style.NEWS`; neutral without.
    """
    drawn = profile[profile["customers"] > 0]
    ax = style.axes(ax, width=WIDE, height=4.2)
    silence, money = drawn["median_recency_days"], drawn["median_monetary_value"]
    share = drawn["revenue_share"].fillna(0).clip(lower=0)
    told = tones or {}
    colours = [style.NEWS[told.get(str(name), "same")] for name in drawn.index]
    ax.scatter(
        silence,
        money,
        s=60 + LARGEST_BUBBLE * share,
        c=colours,
        alpha=0.6,
    )
    middle = (silence.min() + silence.max()) / 2
    for name, part in zip(map(str, share.index), share, strict=True):
        # The name stands beside the bubble, on the side where there is room.
        side, towards = ("left", 1) if silence[name] <= middle else ("right", -1)
        radius = np.sqrt((60 + LARGEST_BUBBLE * part) / np.pi)
        ax.annotate(
            f"{wrapped(name)}\n{percent(part)}",
            (silence[name], money[name]),
            xytext=(towards * (radius + 3), 0),
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=9,
        )
    ax.set(xlabel=say("pictures.typical_silence"), ylabel=say("pictures.typical_order"))
    ax.margins(0.15)
    style.numbers(ax.yaxis)
    rows = [
        say(
            "pictures.bubble",
            name=name,
            days=silence[name],
            money=money[name],
            share=part,
        )
        for name, part in zip(map(str, share.index), share, strict=True)
    ]
    return style.described(ax, say("pictures.bubbles", rows="; ".join(rows)))
