"""Pictures of the funnel and of how far a win probability can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from segment_lab.show import style
from segment_lab.show.pictures.shapes import heat_map
from segment_lab.texts import say
from segment_lab.texts.formats import decimal, percent, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def funnel(stages: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Leads that entered each stage, and the share that went on; `stages` from
    `LeadAnalysis.funnel`."""
    ax = style.axes(ax, rows=2 * len(stages))
    place = range(len(stages))
    ax.barh(
        place,
        stages["entered"],
        color=style.PALETTE[0],
        height=0.62,
    )
    stuck = stages.get("stuck", pd.Series(0, stages.index))
    ax.barh(
        place,
        stuck,
        color=style.PALETTE[1],
        height=0.62,
    )
    for y, (_, row) in zip(place, stages.iterrows(), strict=True):
        ax.text(
            row["entered"],
            y,
            " " + decimal(row["entered"], 0),
            va="center",
        )
        if pd.notna(row["conversion"]):
            said = say("leads.pictures.goes_on", share=row["conversion"])
            ax.text(
                0,
                y + 0.5,
                f" {said}",
                va="center",
                color=style.MUTED,
            )
    ax.set_yticks(place, list(stages.index))
    ax.set_ylim(len(stages) - 0.4, -0.6)
    ax.set_xlim(0, stages["entered"].max() * 1.15)
    style.numbers(ax.xaxis)
    ax.set_xlabel(say(f"leads.pictures.{'stuck' if stuck.any() else 'entered'}"))
    ax.grid(axis="y", visible=False)
    parts = []
    for stage, entered, share in stages[["entered", "conversion"]].itertuples():
        key = "stage" if pd.isna(share) else "stage_on"
        parts.append(
            say(f"leads.pictures.{key}", stage=stage, entered=entered, share=share)
        )
    return style.described(ax, say("leads.pictures.funnel", parts=", ".join(parts)))


def reliability(groups: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Predicted against observed share of wins, with 95 % intervals; `groups` from
    `LeadAnalysis.reliability`."""
    ax = style.axes(ax, height=4.6)
    top = min(1.0, 1.08 * max(groups["predicted"].max(), groups["observed_high"].max()))
    ax.plot(
        [0, top],
        [0, top],
        color=style.MUTED,
        linestyle="--",
        linewidth=1.2,
        label=say("leads.pictures.perfect"),
    )
    spread = np.abs(
        groups[["observed_low", "observed_high"]].to_numpy().T
        - groups["observed"].to_numpy()
    )
    ax.errorbar(
        groups["predicted"],
        groups["observed"],
        yerr=spread,
        fmt="o-",
        color=style.PALETTE[0],
        capsize=3,
        label=say("leads.pictures.tested"),
    )
    for axis in (ax.xaxis, ax.yaxis):
        style.numbers(axis, "share")
    ax.set(
        xlabel=say("leads.pictures.predicted"),
        ylabel=say("leads.pictures.observed"),
        xlim=(0, top),
        ylim=(0, top),
    )
    ax.legend(loc="upper left")
    parts = [
        say("leads.pictures.pair", predicted=group.predicted, observed=group.observed)
        for group in groups.itertuples()
    ]
    return style.described(
        ax, say("leads.pictures.reliability", parts="; ".join(parts))
    )


def ignoring(costs: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Leads spared and wins lost by a threshold; `costs` from `LeadAnalysis.cost_of_ignoring`."""
    ax = style.axes(ax)
    x = costs["ignored_below"]
    ax.plot(
        x,
        costs["leads_ignored_share"],
        "o-",
        color=style.PALETTE[0],
        label=say("leads.pictures.spared"),
    )
    ax.plot(
        x,
        costs["wins_lost_share"],
        "s-",
        color=style.PALETTE[1],
        label=say("leads.pictures.lost"),
    )
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
        xlabel=say("leads.pictures.below"),
        ylabel=say("leads.pictures.share"),
        ylim=(0, None),
        xlim=(0, None),
    )
    ax.legend(loc="upper left")
    parts = [
        say(
            "leads.pictures.ignored",
            limit=row.ignored_below,
            leads=row.leads_ignored_share,
            wins=row.wins_lost_share,
        )
        for row in costs.itertuples()
    ]
    return style.described(ax, say("leads.pictures.ignoring", parts="; ".join(parts)))


def board(counts: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Open leads by stage and age as a map; `counts` from `LeadAnalysis.board`."""
    ax = heat_map(
        counts,
        across=say("leads.pictures.days"),
        slanted=True,
        ax=ax,
    )
    parts = []
    for stage, row in counts.iterrows():
        cells = ", ".join(f"{age} {decimal(n, 0)}" for age, n in row.items() if n)
        parts.append(f"{stage}: {cells}")
    return style.described(ax, say("leads.pictures.board", parts="; ".join(parts)))


def slices(shares: pd.DataFrame, by: str, ax: Axes | None = None) -> Axes:
    """Share that goes on from each stage by the values of a column; `shares` from
    `LeadAnalysis.slices`."""
    ax = heat_map(shares, kind="percent", slanted=True, ax=ax)
    parts = []
    for value, row in shares.iterrows():
        cells = ", ".join(
            f"{stage} {percent(share)}" for stage, share in row.dropna().items()
        )
        parts.append(f"{value}: {cells}")
    return style.described(
        ax,
        say(
            "leads.pictures.slices",
            by=words(by),
            parts="; ".join(parts),
        ),
    )
