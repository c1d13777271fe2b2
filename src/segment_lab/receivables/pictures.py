"""Pictures of the receivables: age, pools, DSO, roll rates and the conflict cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from segment_lab.show import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def aging(matrix: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Open money per age bucket as horizontal bars, youngest on top. `matrix`: from
    `aging_matrix`."""
    rows = matrix[matrix["open_amount"] > 0]["open_amount"].iloc[::-1]
    ax = style.axes(ax, rows=len(rows))
    colours = [style.PALETTE[0] if name == "current" else style.PALETTE[1] for name in rows.index]
    bars = ax.barh([str(name) for name in rows.index], rows, color=colours)
    ax.bar_label(bars, labels=[style.short(round(value)) for value in rows], padding=3)
    ax.set(
        xlabel="Open amount", ylabel="Days overdue", xlim=(0, rows.max() * 1.15 if len(rows) else 1)
    )
    ax.grid(axis="y", visible=False)
    style.numbers(ax.xaxis)
    return style.described(ax, style.listed("Open amount by days overdue", matrix["open_amount"]))


def pools(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of overdue debt per pool with its interval; the thirds as a dashed line. `frame`: from
    `pools`."""
    rows = frame.iloc[::-1]
    ax = style.axes(ax, rows=len(rows) + 1)
    ends = np.abs(rows[["share_low", "share_high"]].to_numpy().T - rows["share"].to_numpy())
    ax.barh(
        list(rows.index),
        rows["share"],
        xerr=ends,
        color=style.PALETTE[0],
        height=0.6,
        error_kw={"ecolor": style.INK, "capsize": 4},
    )
    ax.axvline(
        frame["reference"].iloc[0],
        color=style.PALETTE[1],
        linestyle="--",
        label="rule of thumb: a third each",
    )
    ax.set(xlabel="Share of overdue money", xlim=(0, 1.02))
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    style.numbers(ax.xaxis, "share")
    told = "; ".join(
        f"{pool.Index} {pool.share:.0%} ({pool.share_low:.0%} to {pool.share_high:.0%})"
        for pool in frame.itertuples()
    )
    return style.described(ax, f"Overdue debt: {told}.")


def dso(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """DSO and best possible DSO over month ends. `frame`: from `dso`."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    ax = style.axes(ax)
    for place, (name, label) in enumerate(
        {"dso": "DSO", "best_possible": "if nobody paid late"}.items()
    ):
        ax.plot(frame.index, frame[name], color=style.PALETTE[place], marker="o", label=label)
    ax.set(ylabel="Days", ylim=(0, None))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    locator = AutoDateLocator(maxticks=6)
    ax.xaxis.set(major_locator=locator, major_formatter=ConciseDateFormatter(locator))
    known = frame[["dso", "best_possible"]].dropna()
    told = (
        "not known yet"
        if known.empty
        else "at last {dso:.0f} days; {best_possible:.0f} if nobody paid late".format(
            **known.iloc[-1]
        )
    )
    return style.described(ax, f"DSO by month end, {told}.")


def roll_rates(matrix: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Where the money of each bucket is a month later, in per cent. `matrix`: from
    `RollRates.matrix`."""
    ax = _heat(matrix.dropna() * 100, ax, "{:.0f}%", "A month later", "Days overdue", blank=0.5)
    return style.described(
        ax,
        style.listed(
            "Share of the money that is paid a month later, by days overdue now",
            matrix["paid"],
            "share",
        ),
    )


def conflict(counts: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Customers by value class and payment segment, the conflict cell framed. `counts`: from
    `value_payment`."""
    from matplotlib.patches import Rectangle

    ax = _heat(counts, ax, "{:,.0f}", "How they pay", "Value", blank=0.5)
    late = [
        place
        for place, name in enumerate(counts.columns)
        if name in ("Overdue", "Disputed", "Doubtful")
    ]
    if late:
        ax.add_patch(
            Rectangle(
                (late[0] - 0.5, -0.48),
                len(late),
                0.97,
                fill=False,
                clip_on=False,
                edgecolor=style.PALETTE[1],
                linewidth=3,
            )
        )
    told = "; ".join(
        f"{value}: " + ", ".join(f"{name} {n:,}" for name, n in row.items() if n)
        for value, row in counts.iterrows()
    )
    return style.described(ax, f"Customers by value and by how they pay. {told}.")


def _heat(
    frame: pd.DataFrame, ax: Axes | None, text: str, across: str, down: str, blank: float
) -> Axes:
    ax = style.axes(ax, rows=len(frame) + 2)
    values = frame.to_numpy(dtype=float)
    ax.imshow(np.sqrt(values), aspect="auto", cmap=style.SEQUENTIAL, vmin=0)
    for row, column in np.argwhere(values >= blank):
        dark = values[row, column] > 0.4 * values.max()
        ax.text(
            column,
            row,
            text.format(values[row, column]),
            ha="center",
            va="center",
            color="white" if dark else style.INK,
        )
    ax.set_xticks(
        range(frame.shape[1]), [str(name) for name in frame.columns], rotation=40, ha="right"
    )
    ax.set_yticks(range(len(frame)), [str(name) for name in frame.index])
    ax.set(xlabel=across, ylabel=down)
    ax.grid(visible=False)
    return ax
