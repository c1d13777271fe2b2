"""ABC: classes by the share of sales that customers make up, and how concentrated the sales are."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.config import packaged
from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.segments.base import Segmenter, shortest_cut
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import phrases, say

Share = Annotated[float, Field(gt=0, lt=1)]


class ABCSegmenter(Segmenter):
    """Classes A, B, C … by cumulative share of the money, largest customer first.

    `fit` learns a threshold per class: the money of the last customer whose share begins before the
    cut. So the customer who crosses a cut belongs to the class above it, and one whose own share is
    larger than all that lies beyond a cut (over 20 % or 5 %) is never below it. Equal customers
    share a class. A is never empty. Shares are of the positive totals; thresholds are positive, so
    customers whose total is zero or negative are always in the last class.

    Parameters
    ----------
    cuts : sequence of float
        Cumulative shares, ascending: ``(0.8, 0.95)`` gives three classes.
    value : {"revenue", "margin"}
        Which money counts.
    crossing : {"up", "down"}
        Where the customer goes who crosses a cut. "down" counts as is often published: a class
        ends with the last customer whose cumulative share, own included, is at most the cut.

    Attributes
    ----------
    thresholds_ : list of float
        Least money of each class but the last.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"revenue": [80.0, 12, 5, 3]}, index=["a", "b", "c", "d"])
    >>> list(ABCSegmenter().fit(table).segment(table).labels)
    ['A', 'B', 'B', 'C']
    """

    method = "abc"

    def __init__(
        self,
        cuts: Annotated[tuple[Share, ...], Field(min_length=1, max_length=9)] = (
            0.8,
            0.95,
        ),
        value: Literal["revenue", "margin"] = "revenue",
        crossing: Literal["up", "down"] = "up",
    ):
        self.cuts = cuts
        self.value = value
        self.crossing = crossing

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.value,)

    def _fit(self, rows: pd.DataFrame) -> None:
        if sorted(set(self.cuts)) != list(self.cuts):
            raise ConfigError(say("abc.errors.cuts", cuts=list(self.cuts)))
        self.segment_names_ = tuple(string.ascii_uppercase[: len(self.cuts) + 1])
        values = rows[self.value].to_numpy(dtype="float64")
        ranked = np.sort(values[values > 0])[::-1]
        # A hair of tolerance: ten equal customers make up .8 with the eighth, whatever the float
        # sum says.
        total = max(ranked.sum(), 1e-300)
        reached = np.cumsum(ranked) / total * (1 - 1e-12)
        begun = (np.cumsum(ranked) - ranked) / total * (1 + 1e-12)
        at_least_zero = np.append(values, 0.0)  # keeps rounded thresholds above it
        self.thresholds_ = []
        for cut in self.cuts if len(ranked) else ():
            if self.crossing == "up":
                members = int(np.searchsorted(begun, cut, side="left"))
            else:
                members = max(
                    int(
                        np.searchsorted(
                            reached,
                            cut,
                            side="right",
                        )
                    ),
                    1,
                )
            self.thresholds_.append(
                shortest_cut(ranked[members - 1], at_least_zero, "left")
            )

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        money = table[self.value]
        classes = [
            (money >= least, code) for code, least in enumerate(self.thresholds_)
        ]
        return classes, len(self.cuts)

    def meanings(self) -> dict[str, str]:
        if not self.thresholds_:
            return {}
        limits = zip(self.segment_names_, self.thresholds_, self.cuts, strict=False)
        texts = {
            name: say("abc.meaning.upper", value=self.value, least=least, share=share)
            for name, least, share in limits
        }
        last = {
            "value": self.value,
            "least": self.thresholds_[-1],
        }
        texts[self.segment_names_[-1]] = say("abc.meaning.last", **last)
        return texts

    def usual_strategies(self) -> dict[str, str]:
        """What the trade does with each of three classes; empty for other numbers of classes."""
        strategies = phrases("abc.strategy")
        return strategies if tuple(strategies) == self.segment_names_ else {}

    def describe(self) -> dict[str, Any]:
        return {
            **super().describe(),
            "cuts": list(self.cuts),
            "least_value": self.thresholds_,
        }


def against_reference(
    segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue"
) -> pd.DataFrame:
    """The actual shares of each class beside the ranges of the literature, with a flag for what
    lies outside.

    Per class ``customers, customer_share`` and the share of the positive totals, by which the
    classes were cut; for three classes also the reference ranges as text and, for both shares,
    ``inside``, ``above`` or ``below``.
    """
    table = segmentation.profile(customers)[
        ["customers", "customer_share", value]
    ].copy()
    positive = segmentation.align(customers)[value].clip(lower=0)
    money = positive.groupby(segmentation.labels.array, observed=False).sum()
    table[f"{value}_share"] = money / money.sum() if money.sum() else np.nan
    usual = {row["name"]: row for row in packaged("abc")["classes"]}
    if tuple(usual) != segmentation.names:
        return table
    for share, reference in (
        ("customer_share", "customers"),
        (f"{value}_share", "sales"),
    ):
        ranges = [usual[name][reference] for name in segmentation.names]
        flags = [
            _flag(actual, *limits)
            for actual, limits in zip(table[share], ranges, strict=True)
        ]
        written = [f"{low:.0%} to {high:.0%}" for low, high in ranges]
        beside = list(table).index(share) + 1
        table.insert(beside, f"{reference}_expected", written)
        table.insert(beside + 1, f"{reference}_flag", flags)
    return table


def _flag(actual: float, low: float, high: float) -> str:
    if actual < low - 1e-9:
        return "below"
    return "above" if actual > high + 1e-9 else "inside"


def lorenz_curve(values: pd.Series | np.ndarray) -> pd.DataFrame:
    """The Lorenz curve read from the best customer: at most 201 rows of ``customer_share,
    value_share``.

    Negative totals count as 0; NotEnoughDataError where nobody has a positive one.
    """
    ranked = np.sort(_positive(values))[::-1]
    share = np.concatenate([[0], np.cumsum(ranked) / ranked.sum()])
    at = np.unique(np.linspace(0, len(ranked), 201).round().astype(int))
    return pd.DataFrame(
        {
            "customer_share": at / len(ranked),
            "value_share": share[at],
        }
    )


def gini(values: pd.Series | np.ndarray) -> float:
    """Gini coefficient of customers' totals: 0 all equal, near 1 when one has everything.

    Negative totals count as 0. ``2 Σ i·x_i / (n Σ x) − (n + 1)/n`` over ascending ``x_i``.
    """
    ranked = np.sort(_positive(values))
    n = len(ranked)
    return float(
        2 * (np.arange(1, n + 1) * ranked).sum() / (n * ranked.sum()) - (n + 1) / n
    )


def pareto(values: pd.Series | np.ndarray, top: float = 0.2) -> float:
    """The share of the (positive) money that the best `top` of the customers hold."""
    ranked = np.sort(_positive(values))[::-1]
    return float(ranked[: max(round(top * len(ranked)), 1)].sum() / ranked.sum())


def effort_gap(
    customers: pd.DataFrame,
    value: str = "revenue",
    top: float = 0.2,
    effort: str = "contact_minutes",
) -> dict[str, float]:
    """What the best `top` of the customers bring, beside the share of the contact minutes they get.

    ``value_share``, ``effort_share`` and ``gap`` (value less effort: positive means under-served).
    Equal customers at the border share the places that are left, so row order does not matter.
    """
    if effort not in customers or not customers[effort].fillna(0).sum() > 0:
        raise NotEnoughDataError(say("abc.effort.unknown"))
    values, minutes = customers[value], customers[effort].fillna(0)
    places = max(round(top * len(customers)), 1)
    border = values.nlargest(places).iloc[-1]
    above, level = values > border, values == border
    weight = above + level * (places - above.sum()) / level.sum()
    value_share = pareto(values, top)
    effort_share = float((minutes * weight).sum() / minutes.sum())
    return {
        "value_share": value_share,
        "effort_share": effort_share,
        "gap": value_share - effort_share,
    }


def other_money(
    segmentation: Segmentation,
    customers: pd.DataFrame,
    cuts: Sequence[float],
    value: str,
) -> pd.DataFrame:
    """Customers by their class here (rows) and by another money, for example margin (columns)."""
    if value not in customers or customers[value].isna().any():
        raise NotEnoughDataError(say("abc.other_unknown", value=value))
    crossing = segmentation.parameters["crossing"]
    money: Literal["revenue", "margin"] = "margin" if value == "margin" else "revenue"
    other = ABCSegmenter(tuple(cuts), money, crossing).fit(customers)
    table = other.segment(customers).migration(segmentation)
    return table.rename_axis(
        index=f"by {segmentation.parameters['value']}", columns=f"by {value}"
    )


def _positive(values: pd.Series | np.ndarray) -> np.ndarray:
    positive = np.clip(np.asarray(values, dtype="float64"), 0, None)
    if not positive.sum() > 0 or not math.isfinite(positive.sum()):
        raise NotEnoughDataError(say("abc.errors.nothing"))
    return positive
