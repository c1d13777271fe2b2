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
from segment_lab.segments.base import Finding, Segmenter, shortest_cut
from segment_lab.segments.segmentation import Segmentation

Share = Annotated[float, Field(gt=0, lt=1)]


class ABCSegmenter(Segmenter):
    """Classes A, B, C … by cumulative share of the money, largest customer first.

    `fit` learns a threshold per class: the money of the last customer whose cumulative share is
    still within the cut. Equal customers share a class, even where that carries the class a little
    over its cut. A is never empty: one customer above the cut alone is A. Shares are of the
    positive totals; customers whose total is zero or negative are always in the last class, and
    where nobody has a positive total all are.

    Parameters
    ----------
    cuts : sequence of float
        Cumulative shares, ascending: ``(0.8, 0.95)`` gives three classes.
    value : {"revenue", "margin"}
        Which money counts.

    Attributes
    ----------
    thresholds_ : list of float
        Least money of each class but the last.
    """

    method = "abc"

    def __init__(
        self,
        cuts: Annotated[tuple[Share, ...], Field(min_length=1, max_length=9)] = (0.8, 0.95),
        value: Literal["revenue", "margin"] = "revenue",
    ):
        self.cuts = cuts
        self.value = value

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.value,)

    def _fit(self, rows: pd.DataFrame) -> None:
        if sorted(set(self.cuts)) != list(self.cuts):
            raise ConfigError(
                f"cuts of the ABC must ascend, got {list(self.cuts)}; for example 0.8, 0.95."
            )
        self.segment_names_ = tuple(string.ascii_uppercase[: len(self.cuts) + 1])
        values = rows[self.value].to_numpy(dtype="float64")
        ranked = np.sort(values[values > 0])[::-1]
        # A hair of tolerance: ten equal customers make up .8 with the eighth, whatever the float
        # sum says.
        reached = np.cumsum(ranked) / max(ranked.sum(), 1e-300) * (1 - 1e-12)
        last = [max(int(np.searchsorted(reached, cut, side="right")), 1) for cut in self.cuts]
        self.thresholds_ = (
            [shortest_cut(ranked[n - 1], values, "left") for n in last] if len(ranked) else []
        )

    def branches(self, table: ir.Table) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        money = table[self.value]
        return [(money >= least, code) for code, least in enumerate(self.thresholds_)], len(
            self.cuts
        )

    def meanings(self) -> dict[str, str]:
        strategies = {row["name"]: f"{row['strategy']}." for row in packaged("abc")["classes"]}
        return strategies if tuple(strategies) == self.segment_names_ else {}

    def limits_remark(self, currency: str = "") -> str:
        """The least money of each class, in one sentence."""
        last = self.segment_names_[-1]
        if not self.thresholds_:
            return f"Nobody has a positive total, so all are in class {last}."
        limits = "; ".join(
            f"{name} from {least:,.2f}"
            for name, least in zip(self.segment_names_, self.thresholds_, strict=False)
        )
        unit = f", {currency}" if currency else ""
        return f"By {self.value} in the window{unit}: {limits}; {last} below. Equal customers share a class."

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "cuts": list(self.cuts), "least_value": self.thresholds_}


def against_reference(
    segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue"
) -> pd.DataFrame:
    """The actual shares of each class beside the ranges of the literature, with a flag for what
    lies outside.

    Per class ``customers, customer_share`` and the share of the positive totals, by which the
    classes were cut; for three classes also the reference ranges as text and, for both shares,
    ``inside``, ``above`` or ``below``.
    """
    table = segmentation.profile(customers)[["customers", "customer_share", value]].copy()
    money = (
        segmentation.align(customers)[value]
        .clip(lower=0)
        .groupby(segmentation.labels.array, observed=False)
        .sum()
    )
    table[f"{value}_share"] = money / money.sum() if money.sum() else np.nan
    rows = {row["name"]: row for row in packaged("abc")["classes"]}
    if tuple(rows) != segmentation.names:
        return table
    for share, reference in (("customer_share", "customers"), (f"{value}_share", "sales")):
        ranges = [rows[name][reference] for name in segmentation.names]
        flags = [
            "below" if actual < low - 1e-9 else "above" if actual > high + 1e-9 else "inside"
            for actual, (low, high) in zip(table[share], ranges, strict=True)
        ]
        beside = list(table).index(share) + 1
        table.insert(
            beside, f"{reference}_expected", [f"{low:.0%} to {high:.0%}" for low, high in ranges]
        )
        table.insert(beside + 1, f"{reference}_flag", flags)
    return table


def reference_remark(table: pd.DataFrame) -> str:
    """What `against_reference` found outside the usual ranges, in one sentence."""
    if "customers_flag" not in table:
        return "Reference ranges exist for three classes only."
    outside = [
        f"{name} has {row.customer_share:.0%} of the customers ({row.customers_flag} the usual "
        f"{row.customers_expected})"
        for name, row in table.iterrows()
        if row.customers_flag != "inside"
    ]
    return (
        f"Outside the usual ranges: {'; '.join(outside)}. The ranges are a rule of the trade, not a target."
        if outside
        else "All classes hold the usual share of the customers."
    )


def lorenz_curve(values: pd.Series | np.ndarray) -> pd.DataFrame:
    """The Lorenz curve read from the best customer: at most 201 rows of ``customer_share,
    value_share``.

    Negative totals count as 0; NotEnoughDataError where nobody has a positive one.
    """
    ranked = np.sort(_positive(values))[::-1]
    share = np.concatenate([[0], np.cumsum(ranked) / ranked.sum()])
    at = np.unique(np.linspace(0, len(ranked), 201).round().astype(int))
    return pd.DataFrame({"customer_share": at / len(ranked), "value_share": share[at]})


def gini(values: pd.Series | np.ndarray) -> float:
    """Gini coefficient of customers' totals: 0 all equal, near 1 when one has everything.

    Negative totals count as 0. ``2 Σ i·x_i / (n Σ x) − (n + 1)/n`` over ascending ``x_i``.
    """
    ranked = np.sort(_positive(values))
    n = len(ranked)
    return float(2 * (np.arange(1, n + 1) * ranked).sum() / (n * ranked.sum()) - (n + 1) / n)


def pareto(values: pd.Series | np.ndarray, top: float = 0.2) -> float:
    """The share of the (positive) money that the best `top` of the customers hold."""
    ranked = np.sort(_positive(values))[::-1]
    return float(ranked[: max(round(top * len(ranked)), 1)].sum() / ranked.sum())


def concentration_remark(values: pd.Series | np.ndarray, what: str = "revenue") -> str:
    """How concentrated customers' totals are: what the best fifth holds, and the Gini
    coefficient."""
    return (
        f"The best 20% of the customers hold {pareto(values):.0%} of the {what}. "
        f"Gini {gini(values):.2f} (0: all equal, 1: one has everything)."
    )


def zero_remark(segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue") -> str:
    """Where the customers are who brought nothing, or cost money."""
    zero, last = int((segmentation.align(customers)[value] <= 0).sum()), segmentation.names[-1]
    if not zero:
        return "Every customer has a positive total."
    who, are = (f"{zero:,} customers", "are") if zero > 1 else ("One customer", "is")
    return (
        f"{who} with a total of zero or less {are} in class {last}; the shares of the classes are of positive "
        "totals."
    )


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
        raise NotEnoughDataError(
            "No contact minutes are known, so effort cannot be set beside value."
        )
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


def effort_remark(
    customers: pd.DataFrame, value: str = "revenue", effort: str = "contact_minutes"
) -> str:
    """The effort gap of the best fifth in one sentence."""
    gap = effort_gap(customers, value, 0.2, effort)
    less = "less" if gap["gap"] > 0 else "more"
    return (
        f"The best fifth of the customers bring {gap['value_share']:.0%} of the {value} and get "
        f"{gap['effort_share']:.0%} of the contact time, {abs(gap['gap']) * 100:.0f} points {less}."
    )


def other_money(
    segmentation: Segmentation, customers: pd.DataFrame, cuts: Sequence[float], value: str
) -> pd.DataFrame:
    """Customers by their class here (rows) and by another money, for example margin (columns)."""
    if value not in customers or customers[value].isna().any():
        raise NotEnoughDataError(
            f"The {value} is not known for every customer, so it cannot be compared."
        )
    other = ABCSegmenter(tuple(cuts), "margin" if value == "margin" else "revenue").fit(customers)
    table = other.segment(customers).migration(segmentation)
    return table.rename_axis(index=f"by {segmentation.parameters['value']}", columns=f"by {value}")


def abc_finding(
    segmentation: Segmentation, customers: pd.DataFrame, value: str = "revenue"
) -> Finding:
    """The answer of the ABC report: how few customers carry the business."""
    table = against_reference(segmentation, customers, value)
    best, last = table.iloc[0], table.iloc[-1]
    top, concentration = pareto(customers[value]), gini(customers[value])
    first = (
        f"{best.customers:,.0f} of {len(segmentation):,} customers ({best.customer_share:.0%}) bring "
        f"{best[f'{value}_share']:.0%} of the {value}: class {table.index[0]}, to be kept first."
    )
    second = (
        f"The {last.customers:,.0f} customers of class {table.index[-1]} ({last.customer_share:.0%}) "
        f"bring {last[f'{value}_share']:.0%}; the best fifth of all customers holds {top:.0%}."
    )
    return Finding(
        (first, second),
        {
            "class_A_customers": int(best.customers),
            "class_A_customer_share": float(best.customer_share),
            f"class_A_{value}_share": float(best[f"{value}_share"]),
            f"best_fifth_{value}_share": top,
            "gini": concentration,
        },
    )


def _positive(values: pd.Series | np.ndarray) -> np.ndarray:
    positive = np.clip(np.asarray(values, dtype="float64"), 0, None)
    if not positive.sum() > 0 or not math.isfinite(positive.sum()):
        raise NotEnoughDataError(
            "No customer has a positive total, so there is nothing to share out."
        )
    return positive
