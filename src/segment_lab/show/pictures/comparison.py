"""Pictures of the comparison: who predicts best, who agrees with whom, who moves, when there are
enough data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from segment_lab.show import style
from segment_lab.show.pictures.shapes import heat_map, intervals
from segment_lab.texts import phrases, say
from segment_lab.texts.formats import decimal, format_value
from segment_lab.texts.names import told

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {
    "scheme": style.PALETTE[0],
    "baseline": style.PALETTE[1],
    "null": style.MUTED,
}


def power_forest(trust: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Ranking power of every scheme and baseline with its 95 % interval, best on top; hollow where
    it is mere chance.

    `trust` is the scorecard's table: ``ranking_power, ranking_power_low, ranking_power_high,
    null_power, kind``.
    """
    rows = trust[trust["ranking_power"].notna()].sort_values("ranking_power")
    ax = style.axes(ax, rows=len(rows))
    kinds = phrases("comparison.kind")
    names = _names(rows.index)
    told = []
    for place, (_, row) in enumerate(rows.iterrows()):
        colour = COLOURS[row["kind"]]
        low, high = row["ranking_power_low"], row["ranking_power_high"]
        ax.plot(
            [low, high],
            [place, place],
            color=colour,
            solid_capstyle="butt",
        )
        chance = low <= row["null_power"]
        fill = "white" if chance else colour
        dot: dict[str, Any] = {
            "color": colour,
            "markersize": 8,
            "markerfacecolor": fill,
        }
        ax.plot(row["ranking_power"], place, "o", **dot)
        power, span = (
            decimal(row["ranking_power"], 2),
            format_value((low, high), "number"),
        )
        told.append(f"{names[place]} {power} ({span})")
    ax.axvline(0, color=style.MUTED, linewidth=1)
    ax.set_yticks(range(len(rows)), names)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(say("comparison.picture.power_axis"))
    for kind, colour in COLOURS.items():
        if (rows["kind"] == kind).any():
            ax.plot(
                [],
                [],
                "o-",
                color=colour,
                label=kinds[kind],
            )
    _legend_below(ax)
    best_first = "; ".join(told[::-1])
    return style.described(ax, f"{say('comparison.picture.power_alt')} {best_first}")


def agreement_heatmap(agreement: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """ARI of every two schemes as a lower triangle; `agreement` has ``a, b, ari``."""
    names = list(dict.fromkeys([*agreement["a"], *agreement["b"]]))
    ari = pd.DataFrame(
        np.nan,
        index=names[1:],
        columns=names[:-1],
    )
    for a, b, value in agreement[["a", "b", "ari"]].itertuples(index=False):
        ari.loc[b, a] = value
    shown = ari.set_axis(_names(ari.index)).set_axis(_names(ari.columns), axis=1)
    written = shown.map(lambda value: "" if np.isnan(value) else decimal(value, 2))
    ax = heat_map(
        shown,
        texts=written,
        high=1,
        slanted=len(names) > 5,
        ax=ax,
    )
    firsts, seconds = _names(agreement["a"]), _names(agreement["b"])
    told = []
    for a, b, value in zip(firsts, seconds, agreement["ari"], strict=True):
        told.append(f"{a} – {b} {decimal(value, 2)}")
    return style.described(
        ax, f"{say('comparison.picture.agreement_alt')} {'; '.join(told)}"
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
        label=say("comparison.picture.moved"),
        xerr=np.stack(miss),
        error_kw={"elinewidth": 1.5, "ecolor": style.INK},
    )
    if rows["drift_share"].notna().any():
        drifted = say("comparison.picture.drifted")
        ax.barh(
            at - 0.2, rows["drift_share"], 0.38, color=style.PALETTE[1], label=drifted
        )
    ax.set_yticks(at, _names(rows.index))
    ax.grid(axis="y", visible=False)
    style.numbers(ax.xaxis, "share")
    ax.set_xlabel(say("comparison.picture.moved_axis"))
    ax.legend(loc="lower right")
    return style.described(
        ax, _listed(say("comparison.picture.moved_alt"), rows["moved_share"][::-1])
    )


def sufficiency_lines(sufficiency: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Agreement with the cut points of a month earlier by days of data; dashed, what so many
    segments need to count as settled.

    `sufficiency` has the index ``scheme, days`` and the columns ``agreement, agreement_needed``.
    """
    ax = style.axes(ax)
    known = sufficiency.dropna(subset=["agreement"])
    markers = "osD^vPX"
    by_scheme = known.groupby(level="scheme", sort=False)
    for (name, rows), marker in zip(by_scheme, markers, strict=False):
        days = rows.index.get_level_values("days")
        (line,) = ax.plot(
            days, rows["agreement"], marker=marker, label=_names([name])[0]
        )
        ax.plot(
            days, rows["agreement_needed"], "--", color=line.get_color(), linewidth=1
        )
    ax.plot(
        [],
        [],
        "--",
        color=style.MUTED,
        linewidth=1,
        label=say("comparison.picture.needed"),
    )
    ax.set(
        xlabel=say("comparison.picture.days_axis"),
        ylabel=say("comparison.picture.agreement_axis"),
        ylim=(min(0.5, known["agreement"].min() - 0.05), 1.02),
    )
    _legend_below(ax)
    last = by_scheme["agreement"].last()
    return style.described(ax, _listed(say("comparison.picture.agreement_last"), last))


def missed_money(misclassification: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Money of the true top fifth that each scheme and baseline would not have looked at; least on
    top."""
    rows = misclassification.sort_values("missed_revenue_share")
    rows = rows.set_axis(_names(rows.index))
    what = say("comparison.picture.missed_axis")
    ax = intervals(rows, {what: "missed_revenue_share"}, along=what, ax=ax)
    return style.described(
        ax, style.listed(what, rows["missed_revenue_share"], "share")
    )


def _legend_below(ax: Axes) -> None:
    handles, names = ax.get_legend_handles_labels()
    ax.figure.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=3,
        handlelength=1.2,
        columnspacing=1,
    )


def _names(names: Iterable[Any]) -> list[str]:
    known = phrases("comparison.names")
    return [known.get(str(name)) or told(name) for name in names]


def _listed(what: str, shares: pd.Series) -> str:
    return style.listed(what, shares.set_axis(_names(shares.index)), "share")
