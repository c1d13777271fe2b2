"""RFM: scores for recency, frequency and money, and named segments over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.data import engine
from segment_lab.errors import ConfigError
from segment_lab.segments.base import Finding, Segmenter, shortest_cut
from segment_lab.segments.grid import OTHERS, default_grid, lint_grid, load_grid
from segment_lab.segments.segmentation import Segmentation

Measure = Literal["recency", "frequency", "monetary"]
MEASURES: tuple[Measure, ...] = ("recency", "frequency", "monetary")


class RFMSegmenter(Segmenter):
    """Scores 1 … `n_bins` (best) for recency, frequency and money; a grid names the combinations.

    `fit` learns the cut points as type-7 quantiles at ``1/n_bins, 2/n_bins, …`` (linear
    interpolation, the default of R and numpy), shortened to as few decimals as leave every
    customer on the same side. A score counts the cut points that a value has passed. So equal
    values always share a score; the outer scores are open and nobody falls outside later; and
    heavy ties cost scores but never raise: with 76 % one-time buyers the lower frequency cuts are
    all 1 order, one order scores 1 and those above still reach the top. A cut point with nobody
    beyond it moves to the neighbouring observed value, so both ends of the scale are in use
    whenever two customers differ. Where all are equal they share the lowest score of frequency and
    money, and the best of recency (`closed="left"`: the other way round).

    Parameters
    ----------
    n_bins : int
        Number of scores: 3 for terciles, 5 for quintiles.
    value, monetary : {"revenue", "margin"}, {"total", "per_order"}
        Which money counts, over the window or per order.
    grid : str or mapping, optional
        A packaged grid (``quintiles``, ``terciles``), a YAML file, or its content; by default the
        packaged grid for `n_bins`. Customers in a cell that no segment claims become "Others".
    cuts : mapping, optional
        Cut points by hand for any of ``recency`` (days), ``frequency`` (orders), ``monetary``:
        ascending, ``n_bins - 1`` of them.
    closed : {"right", "left"}
        On which side a value equal to a cut point falls: "right" with the values below it, "left"
        with those above.

    Attributes
    ----------
    cuts_ : dict of list of float
        Cut points in days, orders, money.
    grid_, grid_report_ : Grid, GridReport
        The grid and its lint.
    """

    method = "rfm"

    def __init__(
        self,
        n_bins: Annotated[int, Field(ge=2, le=10)] = 5,
        value: Literal["revenue", "margin"] = "revenue",
        monetary: Literal["total", "per_order"] = "total",
        grid: str | dict[str, Any] | None = None,
        cuts: dict[Measure, list[float]] | None = None,
        closed: Literal["right", "left"] = "right",
    ):
        self.n_bins = n_bins
        self.value = value
        self.monetary = monetary
        self.grid = grid
        self.cuts = cuts
        self.closed = closed

    @property
    def columns(self) -> tuple[str, ...]:
        return ("recency_days", "frequency", self.value)

    def _fit(self, rows: pd.DataFrame) -> None:
        self.grid_ = default_grid(self.n_bins) if self.grid is None else load_grid(self.grid)
        if self.grid_.n_bins != self.n_bins:
            raise ConfigError(
                f"The grid '{self.grid_.name}' is made for {self.grid_.n_bins} scores, but "
                f"n_bins is {self.n_bins}. Set n_bins to that, or choose another grid."
            )
        self.grid_report_ = lint_grid(self.grid_)
        given = self._given_cuts()
        self.cuts_ = {
            m: given.get(m) or quantile_cuts(self._values(rows, m), self.n_bins, self.closed)
            for m in MEASURES
        }
        names = [rule.name for rule in self.grid_.segments]
        gap = self.grid_report_.unclaimed and OTHERS not in names
        self.segment_names_ = (*names, OTHERS) if gap else tuple(names)

    def measures(self, table: ir.Table) -> dict[Measure, ir.NumericValue]:
        """Recency (days), frequency (orders) and money of each row."""
        money = table[self.value]
        if self.monetary == "per_order":
            money = (money / table.frequency.nullif(0)).fill_null(0)
        return {"recency": table.recency_days, "frequency": table.frequency, "monetary": money}

    def branches(self, table: ir.Table) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        measures = self.measures(table)
        branches = []
        for code, rule in enumerate(self.grid_.segments):
            for block in rule.ranges:
                spans = zip(MEASURES, block.spans(self.n_bins), strict=True)
                tests = [test for m, span in spans for test in self._within(m, measures[m], *span)]
                branches.append((ibis.and_(*tests), code))
        return branches, self.segment_names_.index(
            OTHERS
        ) if OTHERS in self.segment_names_ else None

    def scores(self, customers: pd.DataFrame) -> pd.DataFrame:
        """``r_score, f_score, m_score`` of every row, 1 to `n_bins`, best highest."""
        rows = self._checked(customers)
        side: Literal["left", "right"] = "left" if self.closed == "right" else "right"
        columns = {}
        for measure in MEASURES:
            passed = np.searchsorted(self.cuts_[measure], self._values(rows, measure), side=side)
            score = self.n_bins - passed if measure == "recency" else 1 + passed
            columns[f"{measure[0]}_score"] = score.astype("int32")
        return pd.DataFrame(columns, index=customers.index)

    def score_table(self) -> pd.DataFrame:
        """What each score stands for: one row per score, best first; text in days, orders and
        money."""
        scores = range(self.n_bins, 0, -1)
        words = {"recency": "days since the last order", "frequency": "orders", "monetary": "money"}
        return pd.DataFrame(
            {words[m]: [self._words(m, s) for s in scores] for m in MEASURES},
            index=pd.Index(scores, name="score"),
        )

    def cut_remark(self) -> str:
        """Where the cut points come from: learned, by hand, or both."""
        by_hand = [measure for measure in MEASURES if measure in (self.cuts or {})]
        if len(by_hand) == len(MEASURES):
            return "All cut points were given by hand."
        given = (
            f"The cut points of {' and '.join(by_hand)} were given by hand. The other"
            if by_hand
            else "The"
        )
        return (
            f"{given} steps divide the customers into groups as equal as ties allow; cut points are rounded where "
            "nobody changes side."
        )

    def meanings(self) -> dict[str, str]:
        texts = {rule.name: rule.meaning for rule in self.grid_.segments}
        return {
            name: texts.get(name, "Scores that the grid does not name.")
            for name in self.segment_names_
        }

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "grid": self.grid_.name, "cuts": self.cuts_}

    def _details(self, customers: pd.DataFrame) -> pd.DataFrame:
        return self.scores(customers)

    def _given_cuts(self) -> Mapping[Measure, list[float]]:
        given = {measure: [float(c) for c in cuts] for measure, cuts in (self.cuts or {}).items()}
        wrong = [
            m for m, cuts in given.items() if len(cuts) != self.n_bins - 1 or sorted(cuts) != cuts
        ]
        if wrong:
            raise ConfigError(
                f"cuts for {', '.join(wrong)} must be {self.n_bins - 1} ascending numbers "
                f"(one less than n_bins), got {', '.join(str(given[m]) for m in wrong)}."
            )
        return given

    def _values(self, rows: pd.DataFrame, measure: Measure) -> np.ndarray:
        if measure == "monetary" and self.monetary == "per_order":
            return engine.evaluate(
                rows, lambda table: self.measures(table)["monetary"].cast("float64")
            )
        column = dict(zip(MEASURES, self.columns, strict=True))[measure]
        return rows[column].to_numpy(dtype="float64")

    def _within(
        self, measure: Measure, values: ir.NumericValue, low: int, high: int
    ) -> list[ir.Value]:
        """The tests for a score from `low` to `high`, on the values themselves: SQL that people
        can read."""
        low, high = self._steps(measure, low, high)
        cuts, right = self.cuts_[measure], self.closed == "right"
        tests = []
        if low > 1:
            tests.append(values > cuts[low - 2] if right else values >= cuts[low - 2])
        if high < self.n_bins:
            tests.append(values <= cuts[high - 1] if right else values < cuts[high - 1])
        return tests

    def _steps(self, measure: Measure, low: int, high: int) -> tuple[int, int]:
        """Scores as positions along the values: few days are good, so recency counts backwards."""
        return (
            (self.n_bins + 1 - high, self.n_bins + 1 - low) if measure == "recency" else (low, high)
        )

    def _words(self, measure: Measure, score: int) -> str:
        step, _ = self._steps(measure, score, score)
        texts = [f"{cut:,.2f}".removesuffix(".00") for cut in self.cuts_[measure]]
        first, to, last = (
            ("up to {}", "over {} up to {}", "over {}")
            if self.closed == "right"
            else ("under {}", "{} to under {}", "{} and more")
        )
        if step == 1:
            return first.format(texts[0])
        if step == self.n_bins:
            return last.format(texts[-1])
        low, high = texts[step - 2 : step]
        return to.format(low, high) if low != high else "nobody (tied values)"


def quantile_cuts(values: np.ndarray, n_bins: int, closed: str = "right") -> list[float]:
    """Cut points of `values` into `n_bins` by type-7 quantiles, ties kept together; see
    `RFMSegmenter`."""
    cuts = np.quantile(values, np.arange(1, n_bins) / n_bins)
    distinct = np.unique(values)
    if len(distinct) > 1:
        cuts = (
            np.where(cuts >= distinct[-1], distinct[-2], cuts)
            if closed == "right"
            else np.where(cuts <= distinct[0], distinct[1], cuts)
        )
    return sorted(shortest_cut(cut, values, closed) for cut in cuts)


def tie_remark(scores: pd.DataFrame, n_bins: int) -> str:
    """Which scores nobody has because many customers are equal, in one sentence."""
    unused = []
    for measure in MEASURES:
        gone = sorted(set(range(1, n_bins + 1)) - set(scores[f"{measure[0]}_score"]))
        if gone:
            unused.append(f"{measure} {', '.join(map(str, gone))}")
    return (
        (
            f"Scores that nobody has: {'; '.join(unused)}. Many customers have the same value there; equal customers "
            "always share a score."
        )
        if unused
        else "Every score is in use."
    )


def rfm_finding(segmentation: Segmentation, customers: pd.DataFrame) -> Finding:
    """The answer of the RFM report: what the best segment brings, and who has gone silent."""
    profile = segmentation.profile(customers)
    best = profile.iloc[0]
    silent = [name for name in ("Can't Lose", "At Risk") if name in profile.index]
    lost = profile.loc[silent, ["customers", "revenue_share"]].sum()
    first = (
        f"{profile.index[0]}: {best.customers:,.0f} of {len(segmentation):,} customers "
        f"({best.customer_share:.0%}) bring {best.revenue_share:.0%} of the revenue."
        if best.customers
        else f"{profile.index[0]}: nobody. No customer bought often, much and lately enough."
    )
    # What "silent" means depends on the base: 12 days in a grocery, a year where furniture is sold.
    days = segmentation.align(customers)["recency_days"][segmentation.labels.isin(silent)].min()
    second = (
        f"{lost.customers:,.0f} customers who used to buy regularly or much have been silent for {days:,.0f} "
        f"days or longer ({' and '.join(silent)}); they brought {lost.revenue_share:.0%} of the revenue. "
        "Whether winning them back pays is on the decision page."
        if lost.customers
        else f"The largest segment is {profile.customers.idxmax()}: {profile.customers.max():,} customers."
    )
    if profile.customers.max() == len(segmentation) > 1:
        second = (
            f"All {len(segmentation):,} customers are in one segment, {profile.customers.idxmax()}: they buy too "
            "much alike for scores to tell them apart, and its name says nothing."
        )
    figures = {
        "customers": len(segmentation),
        "best_segment_customers": int(best.customers),
        "best_segment_revenue_share": float(best.revenue_share),
    }
    if silent:
        figures |= {
            "gone_silent_customers": int(lost.customers),
            "gone_silent_revenue_share": float(lost.revenue_share),
        }
    return Finding((first, second), figures)
