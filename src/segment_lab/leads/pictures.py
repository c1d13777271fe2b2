"""Pictures of the funnel and of how far a win probability can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from segment_lab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def funnel(stages: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Leads that entered each stage, and the share that went on; `stages` from
    `LeadAnalysis.funnel`."""
    ax = style.axes(ax, rows=2 * len(stages))
    place = range(len(stages))
    ax.barh(place, stages["entered"], color=style.PALETTE[0], height=0.62)
    stuck = stages.get("stuck", pd.Series(0, stages.index))
    ax.barh(place, stuck, color=style.PALETTE[1], height=0.62)
    for y, (_, row) in zip(place, stages.iterrows(), strict=True):
        ax.text(row["entered"], y, f" {row['entered']:,.0f}", va="center")
        if pd.notna(row["conversion"]):
            ax.text(
                0, y + 0.5, f" ↓ {row['conversion']:.0%} went on", va="center", color=style.MUTED
            )
    ax.set_yticks(place, list(stages.index))
    ax.set_ylim(len(stages) - 0.4, -0.6)
    ax.set_xlim(0, stages["entered"].max() * 1.15)
    style.numbers(ax.xaxis)
    ax.set_xlabel("Leads that entered" + (" (orange: stuck now)" if stuck.any() else ""))
    ax.grid(axis="y", visible=False)
    told = ", ".join(
        f"{stage} {entered:,}" + (f" ({share:.0%} went on)" if pd.notna(share) else "")
        for stage, entered, share in stages[["entered", "conversion"]].itertuples()
    )
    return style.described(ax, f"Leads that entered each stage: {told}.")


def reliability(groups: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Predicted against observed share of wins, with 95 % intervals; `groups` from
    `LeadAnalysis.reliability`."""
    ax = style.axes(ax, height=4.6)
    top = min(1.0, 1.08 * max(groups["predicted"].max(), groups["observed_high"].max()))
    ax.plot([0, top], [0, top], color=style.MUTED, linestyle="--", linewidth=1.2, label="perfect")
    spread = np.abs(
        groups[["observed_low", "observed_high"]].to_numpy().T - groups["observed"].to_numpy()
    )
    ax.errorbar(
        groups["predicted"],
        groups["observed"],
        yerr=spread,
        fmt="o-",
        color=style.PALETTE[0],
        capsize=3,
        label="tested leads",
    )
    for axis in (ax.xaxis, ax.yaxis):
        style.numbers(axis, "share")
    ax.set(
        xlabel="Predicted chance of winning",
        ylabel="Share that was won",
        xlim=(0, top),
        ylim=(0, top),
    )
    ax.legend(loc="upper left")
    told = "; ".join(
        f"{group.predicted:.0%} and {group.observed:.0%}" for group in groups.itertuples()
    )
    return style.described(ax, f"Predicted and observed share of wins by group: {told}.")


def ignoring(costs: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Leads spared and wins lost by a threshold; `costs` from `LeadAnalysis.cost_of_ignoring`."""
    ax = style.axes(ax)
    x = costs["ignored_below"]
    ax.plot(x, costs["leads_ignored_share"], "o-", color=style.PALETTE[0], label="leads spared")
    ax.plot(x, costs["wins_lost_share"], "s-", color=style.PALETTE[1], label="wins lost (95% band)")
    ax.fill_between(
        x,
        costs["wins_lost_share_low"],
        costs["wins_lost_share_high"],
        color=style.PALETTE[1],
        alpha=0.25,
        linewidth=0,
    )
    for axis in (ax.xaxis, ax.yaxis):
        style.numbers(axis, "share")
    ax.set(
        xlabel="Ignore leads with a chance below",
        ylabel="Share of all",
        ylim=(0, None),
        xlim=(0, None),
    )
    ax.legend(loc="upper left")
    told = "; ".join(
        f"{row.ignored_below:.0%} spares {row.leads_ignored_share:.0%} of the leads and loses "
        f"{row.wins_lost_share:.0%} of the wins"
        for row in costs.itertuples()
    )
    return style.described(ax, f"Ignoring leads with a chance below: {told}.")
