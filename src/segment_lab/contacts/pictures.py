"""Pictures of contacts: who buys after one, and where the sales team's minutes go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from segment_lab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def responses(rates: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share that bought, contacted or not, with 95 % intervals; `rates` from
    `features.engagement.response`."""
    ax = style.axes(ax, rows=2 * len(rates))
    place = np.arange(len(rates))
    for shift, group, words, mark in (
        (-0.16, "contacted", "contacted", "o"),
        (0.16, "not_contacted", "not contacted", "s"),
    ):
        share, low, high = (rates[f"{group}_bought{end}"] for end in ("", "_low", "_high"))
        known = share.notna().to_numpy()
        ax.errorbar(
            share[known],
            place[known] + shift,
            xerr=[(share - low)[known], (high - share)[known]],
            fmt=mark,
            color=style.PALETTE[0 if group == "contacted" else 1],
            capsize=3,
            label=words,
        )
    ax.set_yticks(place, list(map(str, rates.index)))
    ax.set_ylim(len(rates) - 0.5, -0.5)
    right = ax.get_xlim()[1]
    ax.set_xlim(-0.02 * right, right)
    style.numbers(ax.xaxis, "share")
    ax.set_xlabel("Share that bought")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return style.described(
        ax,
        _beside(
            "Share that bought, contacted and not contacted",
            rates["contacted_bought"],
            rates["not_contacted_bought"],
        ),
    )


def effort_gap(effort: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of contact minutes beside the share of revenue (or of customers); from
    `features.engagement.effort`."""
    ax = style.axes(ax, rows=2 * len(effort))
    place = np.arange(len(effort))
    other = "revenue_share" if "revenue_share" in effort else "customer_share"
    against = "revenue" if other == "revenue_share" else "customers"
    ax.barh(
        place - 0.19,
        effort["effort_share"],
        height=0.36,
        color=style.PALETTE[0],
        label="contact minutes",
    )
    ax.barh(place + 0.19, effort[other], height=0.36, color=style.PALETTE[1], label=against)
    ax.set_yticks(place, list(map(str, effort.index)))
    ax.set_ylim(len(effort) - 0.5, -0.5)
    style.numbers(ax.xaxis, "share")
    ax.set_xlabel("Share of all")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    ax.grid(axis="y", visible=False)
    return style.described(
        ax,
        _beside(
            f"Share of contact minutes and of {against}", effort["effort_share"], effort[other]
        ),
    )


def _beside(what: str, one: pd.Series, other: pd.Series) -> str:
    """Two shares of every row in words; "unknown" where there is none."""

    def share(value: float) -> str:
        return "unknown" if pd.isna(value) else f"{value:.0%}"

    rows = zip(one.index, one, other, strict=True)
    return (
        f"{what}: "
        + "; ".join(f"{name} {share(left)} and {share(right)}" for name, left, right in rows)
        + "."
    )
