"""Pictures of the decision page. Each takes prepared frames of `segment_lab.act` and returns its
Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from segment_lab.act.verdicts import Z90
from segment_lab.errors import NotEnoughDataError
from segment_lab.show.style import (
    GRID,
    INK,
    MUTED,
    PALETTE,
    axes,
    described,
    listed,
    numbers,
)
from segment_lab.texts import say, shown
from segment_lab.texts.formats import decimal, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN = PALETTE[:3]


def natural_rates(known: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Who bought again with no campaign: the rate per segment with its interval
    (`evidence.evidence`)."""
    shown = known.dropna(subset="natural_rate")
    rates = shown["natural_rate"]
    ax = _rows(axes(ax, rows=len(shown) + 1), shown.index)
    _interval(ax, rates, shown["natural_rate_low"], shown["natural_rate_high"], BLUE)
    ax.set_xlim(0, None)
    ax.set_xlabel(say("market.picture.natural"))
    numbers(ax.xaxis, "share")
    return described(ax, listed(say("market.picture.natural_alt"), rates, "share"))


def expected(options: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """What a contact is expected to bring (dot, 80 % range) against what it costs (bar), for every
    action that was weighed (`Page.options`)."""
    drawn = options.dropna(subset=["effect"])
    if drawn.empty:
        raise NotEnoughDataError(say("decision.headline.unknown_margin"))
    pairs = zip(drawn["segment"], drawn["kind"], strict=True)
    names = [f"{shown(segment)} · {shown(kind)}" for segment, kind in pairs]
    ax = _rows(axes(ax, rows=len(drawn) + 2), names)
    reach = Z90 * drawn["effect_sd"]
    low, high = drawn["effect"] - reach, drawn["effect"] + reach
    # One dear action would squeeze all others into a corner; its cost is cut and marked.
    edge = 1.3 * max(float(high.max()), 1.0)
    cost = drawn["cost_per_contact"]
    y = np.arange(len(drawn))
    style: dict[str, Any] = {"color": GRID, "edgecolor": MUTED, "height": 0.62}
    ax.barh(y, cost.clip(upper=edge), label=say("decision.picture.cost"), **style)
    for dear in map(int, np.flatnonzero(cost.to_numpy() > edge)):
        _written(
            ax, f"{decimal(cost.iloc[dear], 0)} →", edge, dear, shift=-4, align="right"
        )
    _interval(
        ax, drawn["effect"], low, high, BLUE, label=say("decision.picture.expected")
    )
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_xlabel(say("decision.picture.per_contact"))
    numbers(ax.xaxis, "money")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    values = pd.Series(drawn["effect"].to_numpy(), index=names)
    return described(ax, listed(say("decision.picture.alt"), values, "cents"))


def effects(measured: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """What campaigns did against customers held out, beside what was predicted
    (`effects.effects`)."""
    parts = measured[measured["segment"] != "All"]
    # A code says nothing to who did not draw the campaign: the action stands beside it.
    told = zip(parts["campaign_id"], parts["action"], parts["segment"], strict=True)
    names = [f"{code} {shown(kind)} · {shown(segment)}" for code, kind, segment in told]
    ax = _rows(axes(ax, rows=len(parts) + 2), names)
    value, low, high = (100 * parts[f"effect{end}"] for end in ("", "_low", "_high"))
    _interval(ax, value, low, high, BLUE, label=say("market.picture.realised"))
    if parts["predicted"].notna().any():
        style: dict[str, Any] = {"marker": "D", "s": 42, "color": ORANGE, "zorder": 4}
        label = say("market.picture.predicted")
        ax.scatter(
            100 * parts["predicted"], np.arange(len(parts)), label=label, **style
        )
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_xlabel(say("market.picture.effects"))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    values = pd.Series(parts["effect"].to_numpy(), index=names)
    return described(ax, listed(say("market.picture.effects_alt"), values, "uplift"))


def waterfall(steps: pd.Series, before: float, ax: Axes | None = None) -> Axes:
    """From the revenue of one period to the next: `steps` add up to the change (`market.movement`,
    ``bridge``)."""
    first, last = say("market.picture.before"), say("market.picture.after")
    names = [first, *(words(step) for step in steps.index), last]
    ends = before + steps.cumsum()
    starts = ends.shift(fill_value=before)
    after = float(ends.iloc[-1])
    ax = _rows(axes(ax, rows=len(names) + 1), names)
    y = np.arange(1, len(names) - 1)
    colors = [BLUE if step >= 0 else ORANGE for step in steps]
    ax.barh([0, len(names) - 1], [before, after], color=MUTED, height=0.62)
    ax.barh(y, steps, left=starts, color=colors, height=0.62)
    for place, total in ((0, before), (len(names) - 1, after)):
        _written(ax, decimal(total, 0), max(total, 0), place)
    for place, step, start, end in zip(map(int, y), steps, starts, ends, strict=True):
        sign = "+" if step >= 0 else ""
        _written(ax, sign + decimal(step, 0), max(start, end), place)
    ax.set_xlim(min(0, float(ends.min())), 1.22 * max(before, float(ends.max())))
    ax.set_xlabel(say("market.picture.revenue"))
    numbers(ax.xaxis, "money")
    told = say("market.picture.waterfall_alt", before=before, after=after)
    return described(ax, listed(told, steps.rename(words)))


def stress(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Revenue and cash of a period in each scenario, median with the 5 % and 95 % points
    (`market.stress`)."""
    ax = _rows(axes(ax, rows=round(1.4 * len(table)) + 1), table.index)
    for money, color, shift in (("revenue", BLUE, -0.16), ("cash", ORANGE, 0.16)):
        value, low, high = (table[f"{money}{end}"] for end in ("", "_low", "_high"))
        label = say(f"market.picture.moneys.{money}")
        _interval(ax, value, low, high, color, label=label, shift=shift)
    ax.set_xlim(0, None)
    ax.set_xlabel(say("market.picture.stress"))
    numbers(ax.xaxis, "money")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return described(ax, listed(say("market.picture.stress_alt"), table["cash"]))


def _written(
    ax: Axes, text: str, x: float, y: float, *, shift: int = 4, align: str = "left"
) -> None:
    """A figure beside the end of a bar."""
    style: dict[str, Any] = {
        "textcoords": "offset points",
        "va": "center",
        "fontsize": 10,
        "color": INK,
    }
    ax.annotate(text, (x, y), xytext=(shift, 0), ha=align, **style)


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
