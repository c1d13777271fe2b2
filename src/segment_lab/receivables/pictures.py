"""Pictures of the receivables: age, pools, DSO, roll rates and the conflict cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from segment_lab.show import style
from segment_lab.show.pictures.shapes import heat_map
from segment_lab.texts import say, shown
from segment_lab.texts.formats import decimal
from segment_lab.texts.names import told

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IN_DEBT = ("Overdue", "Disputed", "Doubtful")


def aging(matrix: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Open money per age bucket as horizontal bars, youngest on top. `matrix`: from
    `aging_matrix`."""
    rows = matrix[matrix["open_amount"] > 0]["open_amount"].iloc[::-1]
    ax = style.axes(ax, rows=len(rows))
    colours = [
        style.PALETTE[0] if name == "current" else style.PALETTE[1]
        for name in rows.index
    ]
    bars = ax.barh(
        [told(name) for name in rows.index],
        rows,
        color=colours,
    )
    ax.bar_label(
        bars,
        labels=[style.short(round(value)) for value in rows],
        padding=3,
    )
    ax.set(
        xlabel=say("receivables.pictures.open_amount"),
        ylabel=say("receivables.pictures.days_overdue"),
        xlim=(0, rows.max() * 1.15 if len(rows) else 1),
    )
    ax.grid(axis="y", visible=False)
    style.numbers(ax.xaxis)
    return style.described(
        ax, style.listed(say("receivables.pictures.ages"), matrix["open_amount"])
    )


def pools(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of overdue debt per pool with its interval; the thirds as a dashed line. `frame`: from
    `pools`."""
    rows = frame.iloc[::-1]
    ax = style.axes(ax, rows=len(rows) + 1)
    ends = np.abs(
        rows[["share_low", "share_high"]].to_numpy().T - rows["share"].to_numpy()
    )
    ax.barh(
        [told(name) for name in rows.index],
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
        label=say("receivables.pictures.thirds"),
    )
    ax.set(xlabel=say("receivables.pictures.pool_share"), xlim=(0, 1.02))
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    style.numbers(ax.xaxis, "share")
    parts = [
        say(
            "receivables.pictures.pool",
            name=told(pool.Index),
            share=pool.share,
            low=pool.share_low,
            high=pool.share_high,
        )
        for pool in frame.itertuples()
    ]
    return style.described(
        ax, say("receivables.pictures.pools", parts="; ".join(parts))
    )


def dso(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """DSO and best possible DSO over month ends. `frame`: from `dso`."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    ax = style.axes(ax)
    for place, name in enumerate(("dso", "best_possible")):
        label = say(f"receivables.pictures.{name}")
        ax.plot(
            frame.index,
            frame[name],
            color=style.PALETTE[place],
            marker="o",
            label=label,
        )
    ax.set(ylabel=say("receivables.pictures.days"), ylim=(0, None))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    locator = AutoDateLocator(maxticks=6)
    ax.xaxis.set(major_locator=locator, major_formatter=ConciseDateFormatter(locator))
    known = frame[["dso", "best_possible"]].dropna()
    if known.empty:
        return style.described(ax, say("receivables.pictures.dso_unknown"))
    return style.described(ax, say("receivables.pictures.dso_last", **known.iloc[-1]))


def roll_rates(summary: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of each bucket's money paid within a month, with its range. `summary`: from
    `RollRates.summary`."""
    rows = summary[summary["customers_seen"] > 0].iloc[::-1]
    ax = style.axes(ax, rows=len(rows) + 1)
    ends = np.abs(
        rows[["paid_low", "paid_high"]].to_numpy().T - rows["paid"].to_numpy()
    )
    names = [str(name) for name in rows.index]
    ax.barh(
        names, rows["paid"], xerr=ends, color=style.PALETTE[0], error_kw={"capsize": 3}
    )
    ax.set(
        xlabel=say("receivables.pictures.rolls_axis"),
        ylabel=say("receivables.pictures.days_overdue"),
        xlim=(0, 1.02),
    )
    ax.grid(axis="y", visible=False)
    style.numbers(ax.xaxis, "share")
    told = style.listed(
        say("receivables.pictures.rolls"), rows["paid"].iloc[::-1], "share"
    )
    return style.described(ax, told)


def calendar(weeks: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Cash expected by week with its range. `weeks`: from `payment_day.cash_calendar`."""
    ax = style.axes(ax)
    names = [f"{week:%m-%d}" for week in weeks.index]
    ends = (
        weeks[["expected_low", "expected_high"]].to_numpy().T
        - weeks["expected"].to_numpy()
    )
    ax.bar(
        names,
        weeks["expected"],
        yerr=np.abs(ends),
        error_kw={"capsize": 3},
    )
    ax.set(
        xlabel=say("receivables.pictures.week"), ylabel=say("receivables.pictures.cash")
    )
    ax.grid(axis="x", visible=False)
    style.numbers(ax.yaxis)
    parts = [
        say(
            "receivables.pictures.week_cash",
            week=week.Index,
            expected=week.expected,
            low=week.expected_low,
            high=week.expected_high,
        )
        for week in weeks.itertuples()
    ]
    return style.described(
        ax, say("receivables.pictures.calendar", parts="; ".join(parts))
    )


def conflict(counts: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Customers by value class and payment segment, the conflict cell framed. `counts`: from
    `value_payment`."""
    from matplotlib.patches import Rectangle

    ax = heat_map(
        counts.astype(float) ** 0.5,
        texts=counts.map(lambda n: decimal(n, 0) if n else ""),
        across=say("receivables.pictures.payment"),
        down=say("receivables.pictures.value"),
        slanted=True,
        ax=ax,
    )
    late = [place for place, name in enumerate(counts.columns) if name in IN_DEBT]
    if late:
        corner = (late[0] + 0.02, 0.02)
        frame = Rectangle(
            corner,
            len(late),
            0.97,
            fill=False,
            clip_on=False,
            edgecolor=style.PALETTE[1],
            lw=3,
        )
        ax.add_patch(frame)
    rows = []
    for value, row in counts.iterrows():
        cells = ", ".join(
            f"{shown(name)} {decimal(n, 0)}" for name, n in row.items() if n
        )
        rows.append(f"{value}: {cells}")
    return style.described(
        ax, say("receivables.pictures.conflict", rows="; ".join(rows))
    )
