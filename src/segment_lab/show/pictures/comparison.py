"""Pictures of the comparison: who foretells best, who agrees with whom, who moves, when there are
enough data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from segment_lab.judge.verdict import NAMES
from segment_lab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"scheme": style.PALETTE[0], "baseline": style.PALETTE[1], "null": style.MUTED}
MOST_LABELLED = 60  # cells of a heat map in which a phone still shows large numbers


def gini_forest(trust: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Gini of every scheme and baseline with its 95 % interval, best on top; hollow where it is
    mere chance.

    `trust` is the scorecard's table: ``gini, gini_low, gini_high, null_gini, kind``.
    """
    rows = trust[trust["gini"].notna()].sort_values("gini")
    ax = style.axes(ax, rows=len(rows))
    for place, (_, row) in enumerate(rows.iterrows()):
        colour = COLOURS[row["kind"]]
        ax.plot(
            [row["gini_low"], row["gini_high"]], [place, place], color=colour, solid_capstyle="butt"
        )
        chance = row["gini_low"] <= row["null_gini"]
        ax.plot(
            row["gini"],
            place,
            "o",
            color=colour,
            markersize=8,
            markerfacecolor="white" if chance else colour,
        )
    ax.axvline(0, color=style.MUTED, linewidth=1)
    ax.set_yticks(range(len(rows)), _names(rows.index))
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("Gini: 0 chance, 1 a perfect order")
    for kind in (k for k in COLOURS if (rows["kind"] == k).any()):
        ax.plot(
            [], [], "o-", color=COLOURS[kind], label={"null": "dealt at random"}.get(kind, kind)
        )
    _legend_below(ax)
    best = rows[::-1]
    return style.described(
        ax,
        "Gini, best first: "
        + "; ".join(
            f"{name} {g:.2f} ({low:.2f} to {high:.2f})"
            for name, g, low, high in zip(
                _names(best.index), best["gini"], best["gini_low"], best["gini_high"], strict=True
            )
        ),
    )


def agreement_heatmap(agreement: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """ARI of every two schemes as a lower triangle; `agreement` has ``a, b, ari``."""
    names = list(dict.fromkeys([*agreement["a"], *agreement["b"]]))
    ari = pd.DataFrame(np.nan, index=names[1:], columns=names[:-1])
    for a, b, value in agreement[["a", "b", "ari"]].itertuples(index=False):
        ari.loc[b, a] = value
    ax = _heatmap(ari, "{:.2f}", ax, upright=len(names) < 6)
    return style.described(
        ax,
        "Agreement (ARI): "
        + "; ".join(
            f"{a} and {b} {round(value, 2) + 0.0:.2f}"
            for a, b, value in zip(
                _names(agreement["a"]), _names(agreement["b"]), agreement["ari"], strict=True
            )
        ),
    )


def movement_bars(movement: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of customers who moved by themselves (95 % interval), and whom new cuts alone
    relabelled."""
    rows = movement.sort_values("moved_share")
    ax = style.axes(ax, rows=2 * len(rows))
    at = np.arange(len(rows))
    miss = (
        rows["moved_share"] - rows["moved_share_low"],
        rows["moved_share_high"] - rows["moved_share"],
    )
    ax.barh(
        at + 0.2,
        rows["moved_share"],
        0.38,
        color=style.PALETTE[0],
        label="customers moved",
        xerr=np.stack(miss),
        error_kw={"elinewidth": 1.5, "ecolor": style.INK},
    )
    if rows["drift_share"].notna().any():
        ax.barh(
            at - 0.2, rows["drift_share"], 0.38, color=style.PALETTE[1], label="cut points drifted"
        )
    ax.set_yticks(at, _names(rows.index))
    ax.grid(axis="y", visible=False)
    style.numbers(ax.xaxis, "share")
    ax.set_xlabel("Share of customers")
    ax.legend(loc="lower right")
    return style.described(ax, _listed("Customers who moved", rows["moved_share"][::-1]))


def sufficiency_lines(
    sufficiency: pd.DataFrame, ax: Axes | None = None, needed: float = 0.85
) -> Axes:
    """Agreement with the cut points of a month earlier by days of data; `needed` is the line for
    PROPER.

    `sufficiency` has the index ``scheme, days`` and the column ``agreement``.
    """
    ax = style.axes(ax)
    known = sufficiency["agreement"].dropna()
    for (name, line), marker in zip(
        known.groupby(level="scheme", sort=False), "osD^vPX", strict=False
    ):
        ax.plot(line.index.get_level_values("days"), line, marker=marker, label=_names([name])[0])
    ax.axhline(needed, color=style.MUTED, linestyle="--", linewidth=1.2)
    ax.annotate(
        " needed",
        (0, needed),
        xycoords=("axes fraction", "data"),
        ha="left",
        va="bottom",
        color=style.MUTED,
    )
    ax.set(
        xlabel="Days of data",
        ylabel="Agreement, 1 = the same",
        ylim=(min(0.5, known.min() - 0.05), 1.02),
    )
    _legend_below(ax)
    last = known.groupby(level="scheme", sort=False).last()
    return style.described(
        ax, _listed("Agreement with the cut points of a month earlier, at the end", last)
    )


def missed_money(misclassification: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Money of the true top fifth that each scheme and baseline would not have looked at; least on
    top."""
    rows = misclassification.sort_values("missed_revenue_share", ascending=False)
    ax = style.axes(ax, rows=len(rows))
    miss = (
        rows["missed_revenue_share"] - rows["missed_revenue_share_low"],
        rows["missed_revenue_share_high"] - rows["missed_revenue_share"],
    )
    ax.barh(
        _names(rows.index),
        rows["missed_revenue_share"],
        color=style.PALETTE[0],
        xerr=np.stack(miss),
        error_kw={"elinewidth": 1.5, "ecolor": style.INK},
    )
    ax.grid(axis="y", visible=False)
    style.numbers(ax.xaxis, "share")
    ax.set_xlabel("Money of the best customers, missed")
    return style.described(
        ax, _listed("Money of the best customers, missed", rows["missed_revenue_share"][::-1])
    )


def _heatmap(values: pd.DataFrame, text: str, ax: Axes | None, upright: bool = False) -> Axes:
    ax = style.axes(ax, height=1.8 + 0.36 * len(values) + (0 if upright else 0.8))
    filled = np.ma.masked_invalid(values.to_numpy(float))
    ax.pcolormesh(filled, cmap=style.SEQUENTIAL, vmin=0, vmax=1, edgecolor=style.GRID, linewidth=1)
    if values.size <= 2 * MOST_LABELLED:
        size = 10 if values.size <= MOST_LABELLED else 8
        for (i, j), value in np.ndenumerate(values.to_numpy(float)):
            if np.isfinite(value) and (value >= 0.005 or values.size <= 36):
                shown = value if abs(value) >= 0.005 else 0.0  # never −0.00
                ax.text(
                    j + 0.5,
                    i + 0.5,
                    text.format(shown),
                    ha="center",
                    va="center",
                    fontsize=size,
                    color="white" if value > 0.55 else style.INK,
                )
    ax.set_xticks(
        np.arange(values.shape[1]) + 0.5,
        _names(values.columns),
        rotation=0 if upright else 40,
        ha="center" if upright else "right",
        rotation_mode="anchor",
    )
    ax.set_yticks(np.arange(len(values)) + 0.5, _names(values.index))
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def _legend_below(ax: Axes) -> None:
    handles, names = ax.get_legend_handles_labels()
    ax.figure.legend(
        handles, names, loc="outside lower center", ncols=3, handlelength=1.2, columnspacing=1
    )


def _names(names: Iterable[Any]) -> list[str]:
    return [NAMES.get(n, str(n)) for n in names]


def _listed(what: str, shares: pd.Series) -> str:
    return style.listed(what, shares.set_axis(_names(shares.index)), "share")
