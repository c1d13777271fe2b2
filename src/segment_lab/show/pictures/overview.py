"""Pictures of the base at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from segment_lab.show import style
from segment_lab.show.pictures.shapes import heat_map, month_axis
from segment_lab.texts import currency, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAYS = 24  # width of a month's bar


def revenue_by_month(months: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Bars of revenue per month; `months` as `overview.monthly` returns it."""
    ax = style.axes(ax)
    ax.bar(
        months.index,
        months["revenue"],
        width=DAYS,
        color=style.PALETTE[0],
    )
    style.numbers(ax.yaxis)
    ax.set_ylabel(say("data_page.axes.revenue", currency=currency()))
    month_axis(ax)
    return ax


def customers_by_month(months: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Active customers per month, new and returning stacked."""
    ax = style.axes(ax)
    returning = months["customers"] - months["new_customers"]
    stacked = {"returning": returning, "new": months["new_customers"]}
    below = 0 * returning
    for colour, (name, counts) in zip(style.PALETTE, stacked.items(), strict=False):
        label = say(f"data_page.axes.{name}")
        ax.bar(
            months.index, counts, width=DAYS, bottom=below, color=colour, label=label
        )
        below += counts
    style.numbers(ax.yaxis)
    ax.set_ylabel(say("data_page.axes.buyers"))
    ax.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    month_axis(ax)
    return ax


def cohort_map(shares: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Heat map of the share of each cohort that bought again, quarter by quarter; `shares` as
    `overview.cohorts` returns it."""
    return heat_map(
        shares.drop(columns="customers"),
        kind="percent",
        across=say("data_page.axes.quarters_after"),
        down=say("data_page.axes.first_order"),
        ax=ax,
    )


def orders_bar(counts: pd.Series, ax: Axes | None = None) -> Axes:
    """Customers by number of orders."""
    import seaborn

    ax = style.axes(ax)
    seaborn.barplot(
        x=counts.index,
        y=counts,
        color=style.PALETTE[0],
        saturation=1,
        errorbar=None,
        ax=ax,
    )
    style.numbers(ax.yaxis)
    ax.set(xlabel=say("data_page.axes.orders"), ylabel=say("data_page.axes.customers"))
    return ax
