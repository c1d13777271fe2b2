"""Pictures of the base at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from segment_lab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def revenue_by_month(months: pd.DataFrame, ax: Axes | None = None, currency: str = "") -> Axes:
    """Bars of revenue per month; `months` as `overview.monthly` returns it."""
    ax = style.axes(ax)
    ax.bar(months.index, months["revenue"], width=24, color=style.PALETTE[0])
    style.numbers(ax.yaxis)
    ax.set_ylabel(f"Revenue, {currency}".rstrip(", "))
    ax.grid(axis="x", visible=False)
    _months(ax, len(months))
    return ax


def customers_by_month(months: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Active customers per month, new and returning stacked."""
    ax = style.axes(ax)
    returning = months["customers"] - months["new_customers"]
    ax.bar(months.index, returning, width=24, color=style.PALETTE[0], label="bought before")
    ax.bar(
        months.index,
        months["new_customers"],
        width=24,
        bottom=returning,
        color=style.PALETTE[1],
        label="new",
    )
    style.numbers(ax.yaxis)
    ax.set_ylabel("Customers who bought")
    ax.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    ax.grid(axis="x", visible=False)
    _months(ax, len(months))
    return ax


def _months(ax: Axes, n: int) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=6)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def cohort_map(shares: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Heat map of the share of each cohort that bought again, quarter by quarter."""
    values = shares.drop(columns="customers").to_numpy(dtype=float)
    ax = style.axes(ax, rows=len(shares), width=style.WIDTH)
    top = np.nanmax(values) if np.isfinite(values).any() else 1.0
    ax.imshow(np.ma.masked_invalid(values), aspect="auto", vmin=0, vmax=top, cmap=style.SEQUENTIAL)
    for i, j in np.argwhere(np.isfinite(values)):
        dark = values[i, j] > 0.55 * top
        ax.text(
            j,
            i,
            f"{values[i, j]:.0%}",
            ha="center",
            va="center",
            fontsize=9,
            color="white" if dark else style.INK,
        )
    ax.set_xticks(range(values.shape[1]), [str(c) for c in shares.columns[1:]])
    ax.set_yticks(range(len(shares)), list(shares.index))
    ax.set_xlabel("Quarters after the first order")
    ax.set_ylabel("First order in")
    ax.grid(visible=False)
    return ax


def orders_bar(counts: pd.Series, ax: Axes | None = None) -> Axes:
    """Customers by number of orders."""
    ax = style.axes(ax)
    ax.bar(counts.index, counts.to_numpy(), color=style.PALETTE[0])
    style.numbers(ax.yaxis)
    ax.set_xlabel("Orders in the window")
    ax.set_ylabel("Customers")
    ax.grid(axis="x", visible=False)
    return ax
