"""Pictures of the decision page. Each takes prepared frames of `segment_lab.act` and returns its
Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from segment_lab.act.verdicts import Z90
from segment_lab.errors import NotEnoughDataError
from segment_lab.show.pictures.shapes import ranges
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

BLUE, ORANGE = PALETTE[:2]


def natural_rates(known: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Who bought again with no campaign: the rate per segment with its interval
    (`evidence.evidence`)."""
    shown = known.dropna(subset="natural_rate")
    rates = shown["natural_rate"]
    ax = _rows(axes(ax, rows=len(shown) + 1), shown.index)
    columns = ["natural_rate", "natural_rate_low", "natural_rate_high"]
    ranges(ax, shown[columns], BLUE)
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
    names = _joined(drawn, "segment", "kind")
    ax = _rows(axes(ax, rows=len(drawn) + 2), names)
    effect = drawn["effect"]
    reach = Z90 * drawn["effect_sd"]
    brought = pd.DataFrame({"effect": effect})
    brought["low"] = effect - reach
    brought["high"] = effect + reach
    # One dear action would squeeze all others into a corner; its cost is cut and marked.
    edge = 1.3 * max(float(brought["high"].max()), 1.0)
    _costs(ax, drawn["cost_per_contact"], edge)
    ranges(ax, brought, BLUE, label=say("decision.picture.expected"))
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_xlabel(say("decision.picture.per_contact"))
    numbers(ax.xaxis, "money")
    _legend(ax)
    values = pd.Series(effect.to_numpy(), index=names)
    return described(ax, listed(say("decision.picture.alt"), values, "cents"))


def _costs(ax: Axes, cost: pd.Series, edge: float) -> None:
    """Bars of what a contact costs, cut at `edge`."""
    y = np.arange(len(cost))
    style: dict[str, Any] = {
        "color": GRID,
        "edgecolor": MUTED,
        "height": 0.62,
    }
    ax.barh(
        y,
        cost.clip(upper=edge),
        label=say("decision.picture.cost"),
        **style,
    )
    for place, money in enumerate(cost):
        if money > edge:
            text = f"{decimal(money, 0)} →"
            _written(ax, text, edge, place, shift=-4, align="right")


def effects(measured: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """What campaigns did against customers held out, beside what was predicted
    (`effects.effects`)."""
    parts = measured[measured["segment"] != "All"]
    # A code says nothing to who did not draw the campaign: the action stands beside it.
    actions = _joined(parts, "action", "segment")
    codes = parts["campaign_id"]
    names = [f"{code} {action}" for code, action in zip(codes, actions, strict=True)]
    ax = _rows(axes(ax, rows=len(parts) + 2), names)
    in_points = 100 * parts[["effect", "effect_low", "effect_high"]]
    ranges(ax, in_points, BLUE, label=say("market.picture.realised"))
    predicted = 100 * parts["predicted"]
    if predicted.notna().any():
        y = np.arange(len(parts))
        style: dict[str, Any] = {
            "marker": "D",
            "s": 42,
            "color": ORANGE,
            "zorder": 4,
        }
        ax.scatter(predicted, y, label=say("market.picture.predicted"), **style)
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_xlabel(say("market.picture.effects"))
    _legend(ax)
    values = pd.Series(parts["effect"].to_numpy(), index=names)
    return described(ax, listed(say("market.picture.effects_alt"), values, "uplift"))


def waterfall(steps: pd.Series, before: float, ax: Axes | None = None) -> Axes:
    """From the revenue of one period to the next: `steps` add up to the change (`market.movement`,
    ``bridge``)."""
    first, last = say("market.picture.before"), say("market.picture.after")
    names = [first, *map(words, steps.index), last]
    bottom = len(names) - 1
    ends = before + steps.cumsum()
    starts = ends.shift(fill_value=before)
    after = float(ends.iloc[-1])
    ax = _rows(axes(ax, rows=len(names) + 1), names)
    for place, total in ((0, before), (bottom, after)):
        ax.barh(place, total, color=MUTED, height=0.62)
        _written(ax, decimal(total, 0), max(total, 0), place)
    for place, step in enumerate(steps, start=1):
        start, end = starts.iloc[place - 1], ends.iloc[place - 1]
        rises = step >= 0
        color = BLUE if rises else ORANGE
        ax.barh(place, step, left=start, color=color, height=0.62)
        sign = "+" if rises else ""
        _written(ax, sign + decimal(step, 0), max(start, end), place)
    lowest, highest = float(ends.min()), float(ends.max())
    ax.set_xlim(min(0, lowest), 1.22 * max(before, highest))
    ax.set_xlabel(say("market.picture.revenue"))
    numbers(ax.xaxis, "money")
    told = say("market.picture.waterfall_alt", before=before, after=after)
    return described(ax, listed(told, steps.rename(words)))


def stress(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Revenue and cash of a period in each scenario, median with the 5 % and 95 % points
    (`market.stress`)."""
    ax = _rows(axes(ax, rows=round(1.4 * len(table)) + 1), table.index)
    for money, color, shift in (("revenue", BLUE, -0.16), ("cash", ORANGE, 0.16)):
        columns = [money, f"{money}_low", f"{money}_high"]
        label = say(f"market.picture.moneys.{money}")
        ranges(ax, table[columns], color, shift=shift, label=label)
    ax.set_xlim(0, None)
    ax.set_xlabel(say("market.picture.stress"))
    numbers(ax.xaxis, "money")
    _legend(ax)
    return described(ax, listed(say("market.picture.stress_alt"), table["cash"]))


def _written(
    ax: Axes,
    text: str,
    x: float,
    y: float,
    *,
    shift: int = 4,
    align: str = "left",
) -> None:
    """A figure beside the end of a bar."""
    style: dict[str, Any] = {
        "textcoords": "offset points",
        "va": "center",
        "fontsize": 10,
        "color": INK,
    }
    ax.annotate(
        text,
        (x, y),
        xytext=(shift, 0),
        ha=align,
        **style,
    )


def _legend(ax: Axes) -> None:
    """Above the picture, where it covers nothing."""
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def _joined(rows: pd.DataFrame, first: str, second: str) -> list[str]:
    """Two columns of keys as one name a row."""
    pairs = zip(rows[first], rows[second], strict=True)
    return [f"{shown(one)} · {shown(other)}" for one, other in pairs]


def _rows(ax: Axes, names: Any) -> Axes:
    names = [str(n) for n in names]
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(False, axis="y")
    return ax
