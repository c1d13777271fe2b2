"""Pictures of the decision page. Each takes prepared frames of `segment_lab.act` and returns its
Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from segment_lab.act.verdicts import Z90
from segment_lab.errors import NotEnoughDataError
from segment_lab.show.style import GRID, INK, MUTED, PALETTE, axes, described, listed, numbers
from segment_lab.texts import say
from segment_lab.texts.formats import decimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN = PALETTE[:3]


def natural_rates(known: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Who bought again with no campaign: the rate per segment with its interval
    (`cards.evidence`)."""
    shown = known.dropna(subset="natural_rate")
    ax = _rows(axes(ax, rows=len(shown) + 1), shown.index)
    _interval(
        ax, shown["natural_rate"], shown["natural_rate_low"], shown["natural_rate_high"], BLUE
    )
    ax.set_xlim(0, None)
    ax.set_xlabel("Bought again with no campaign")
    numbers(ax.xaxis, "share")
    return described(
        ax, listed("Share that bought again with no campaign", shown["natural_rate"], "share")
    )


def expected(options: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """What a contact is expected to bring (dot, 80 % range) against what it costs (bar), for every
    action that was weighed (`Page.options`)."""
    shown = options.dropna(subset=["effect"])
    if shown.empty:
        raise NotEnoughDataError(say("decision.headline.unknown_margin"))
    pairs = zip(shown["segment"], shown["kind"], strict=True)
    names = [f"{segment} · {kind}" for segment, kind in pairs]
    ax = _rows(axes(ax, rows=len(shown) + 2), names)
    reach = Z90 * shown["effect_sd"]
    low, high = shown["effect"] - reach, shown["effect"] + reach
    # One dear action would squeeze all others into a corner; its cost is cut and marked.
    edge = 1.3 * max(float(high.max()), 1.0)
    cost = shown["cost_per_contact"]
    y = np.arange(len(shown))
    style: dict[str, Any] = {"color": GRID, "edgecolor": MUTED, "height": 0.62}
    ax.barh(y, cost.clip(upper=edge), label=say("decision.picture.cost"), **style)
    for i in np.flatnonzero(cost.to_numpy() > edge):
        ax.annotate(
            f"{decimal(cost.iloc[i], 0)} →",
            (edge, i),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=10,
            color=INK,
        )
    _interval(ax, shown["effect"], low, high, BLUE, label=say("decision.picture.expected"))
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_xlabel(say("decision.picture.per_contact"))
    numbers(ax.xaxis, "money")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    values = pd.Series(shown["effect"].to_numpy(), index=names)
    return described(ax, listed(say("decision.picture.alt"), values, "cents"))


def effects(measured: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """What campaigns did against customers held out, beside what was predicted
    (`ledger.effects`)."""
    shown = measured[measured["segment"] != "All"]
    ax = _rows(axes(ax, rows=len(shown) + 2), shown["campaign_id"] + " · " + shown["segment"])
    realised = 100 * shown[["effect", "effect_low", "effect_high"]]
    _interval(
        ax,
        realised["effect"],
        realised["effect_low"],
        realised["effect_high"],
        BLUE,
        label="realised, 95%",
    )
    if shown["predicted"].notna().any():
        ax.scatter(
            100 * shown["predicted"],
            np.arange(len(shown)),
            marker="D",
            s=42,
            color=ORANGE,
            zorder=4,
            label="predicted",
        )
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_xlabel("More buyers per 100 contacted")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return described(
        ax,
        listed(
            "Effect of each campaign by segment",
            shown.set_index(shown["campaign_id"] + " " + shown["segment"])["effect"],
            "uplift",
        ),
    )


def waterfall(steps: pd.Series, before: float, ax: Axes | None = None) -> Axes:
    """From the revenue of one period to the next: `steps` add up to the change (`market.movement`,
    ``bridge``)."""
    names = ["Before", *(str(s).replace("_", " ").capitalize() for s in steps.index), "After"]
    ends = before + steps.cumsum()
    starts = ends.shift(fill_value=before)
    after = float(ends.iloc[-1])
    ax = _rows(axes(ax, rows=len(names) + 1), names)
    y = np.arange(1, len(names) - 1)
    colors = [BLUE if s >= 0 else ORANGE for s in steps]
    ax.barh([0, len(names) - 1], [before, after], color=MUTED, height=0.62)
    ax.barh(y, steps, left=starts, color=colors, height=0.62)
    for place, total in ((0, before), (len(names) - 1, after)):
        ax.annotate(
            f"{total:,.0f}".replace("-", "−"),
            (max(total, 0), place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
        )
    for i, step in zip(y, steps, strict=True):
        ax.annotate(
            f"{step:+,.0f}".replace("-", "−"),
            (max(starts.iloc[i - 1], ends.iloc[i - 1]), i),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
        )
    ax.set_xlim(min(0, float(ends.min())), 1.22 * max(before, float(ends.max())))
    ax.set_xlabel("Revenue")
    numbers(ax.xaxis, "money")
    return described(ax, listed(f"From revenue {before:,.0f} to {after:,.0f}", steps))


def stress(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Revenue and cash of a period in each scenario, median with the 5 % and 95 % points
    (`market.stress`)."""
    ax = _rows(axes(ax, rows=round(1.4 * len(table)) + 1), table.index)
    for money, color, shift in (("revenue", BLUE, -0.16), ("cash", ORANGE, 0.16)):
        _interval(
            ax,
            table[money],
            table[f"{money}_low"],
            table[f"{money}_high"],
            color,
            label=money,
            shift=shift,
        )
    ax.set_xlim(0, None)
    ax.set_xlabel("Money in the period")
    numbers(ax.xaxis, "money")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return described(ax, listed("Cash in each scenario", table["cash"]))


def _rows(ax: Axes, names: Any) -> Axes:
    names = [str(n) for n in names]
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(False, axis="y")
    return ax


def _interval(
    ax: Axes,
    value: pd.Series,
    low: pd.Series,
    high: pd.Series,
    color: str,
    *,
    label: str | None = None,
    shift: float = 0.0,
) -> None:
    y = np.arange(len(value)) + shift
    ax.hlines(y, low, high, color=color, linewidth=3, alpha=0.55)
    ax.scatter(value, y, color=color, s=48, zorder=3, label=label)
