"""RFM: scores for recency, frequency and money, and named segments over them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, Literal, Self

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from pydantic import Field

from segment_lab.data import embedded
from segment_lab.errors import ConfigError
from segment_lab.segments.base import Segmenter
from segment_lab.segments.claims import ENOUGH, SILENCE_WORDS, SILENCES, Word, Words
from segment_lab.segments.grid import (
    OTHERS,
    GridSegment,
    default_grid,
    lint_grid,
    load_grid,
)
from segment_lab.segments.scores import MEASURES, Measure, quantile_cuts
from segment_lab.texts import phrases, say
from segment_lab.texts.numerals import general


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

    Scores are relative: on an ageing base the latest fifth may have been silent for a year. So a
    packaged grid names for each segment the words that must be true of its customers
    (`claims.Words`: by the own rhythm, orders, revenue and tenure), fixed once learned. Of whom
    they are not true, the grid's `otherwise` takes. A table without ``tenure_days`` and
    ``revenue``, or a grid without words, goes by the scores alone.

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
    words_ : Words or None
        What the words mean on this base; None where the scores alone decide.
    truth_ : DataFrame or None
        Per segment and word of its description the share of customers of whom it is true; words
        below `claims.ENOUGH` are left out of `meanings`.

    Examples
    --------
    >>> table = pd.DataFrame({"recency_days": [3, 400, 20], "frequency": [9, 1, 3]}, list("abc"))
    >>> table["revenue"] = [900.0, 20, 150]
    >>> RFMSegmenter(n_bins=3).fit(table).scores(table).loc["a"].tolist()
    [3, 3, 3]
    """

    method = "rfm"
    words_: Words | None
    truth_: pd.DataFrame | None

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

    @property
    def optional_columns(self) -> tuple[str, ...]:
        return tuple(c for c in ("tenure_days", "revenue") if c not in self.columns)

    @property
    def _nullable(self) -> set[str]:
        return set()

    def on(self, season: Sequence[float], as_of: dt.date) -> Self:
        """This segmenter with what a day of each month counts (`seasonal_weights`), for a table of
        `as_of`."""
        self._calendar = (tuple(season), as_of)
        words: Words | None = getattr(self, "words_", None)
        if words is not None:
            states = replace(words.states, as_of=as_of)
            self.words_ = replace(words, states=states)
        return self

    def _fit(self, rows: pd.DataFrame) -> None:
        own = self.grid
        self.grid_ = default_grid(self.n_bins) if own is None else load_grid(own)
        if self.grid_.n_bins != self.n_bins:
            facts = {
                "grid": self.grid_.name,
                "made_for": self.grid_.n_bins,
                "n_bins": self.n_bins,
            }
            raise ConfigError(say("rfm.errors.bins", **facts))
        self.grid_report_ = lint_grid(self.grid_)
        given = self._given_cuts()
        self.cuts_ = dict(given)
        for measure in MEASURES:
            if measure not in given:
                values = self._values(rows, measure)
                self.cuts_[measure] = quantile_cuts(values, self.n_bins, self.closed)
        self.cuts_ = {measure: self.cuts_[measure] for measure in MEASURES}
        names = [rule.name for rule in self.grid_.segments]
        season, as_of = getattr(self, "_calendar", ((), None))
        measured = {"tenure_days", "revenue"} <= {*rows.columns}
        told = Words.learn(rows, season, as_of) if measured else None
        self.words_ = told if self.grid_.guarded else None
        self._told = told
        report = self.grid_report_
        left_over = report.left_over if self.words_ else ()
        gap = (report.unclaimed or left_over) and OTHERS not in names
        self.segment_names_ = (*names, OTHERS) if gap else tuple(names)

    def measures(self, table: ir.Table) -> dict[Measure, ir.NumericValue]:
        """Recency (days), frequency (orders) and money of each row."""
        money = table[self.value]
        if self.monetary == "per_order":
            money = (money / table.frequency.nullif(0)).fill_null(0)
        return {
            "recency": table.recency_days,
            "frequency": table.frequency,
            "monetary": money,
        }

    def prepared(self, table: ir.Table) -> ir.Table:
        return table if self.words_ is None else self.words_.states.clocked(table)

    def looked_up(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows if self.words_ is None else self.words_.states.timed(rows)

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        return self._branches(table, {}), self._rest

    @property
    def _rest(self) -> int | None:
        names = self.segment_names_
        return names.index(OTHERS) if OTHERS in names else None

    def _cases(self, table: ir.Table, answers: Sequence[Any]) -> ir.Value:
        if self.words_ is None:
            return super()._cases(table, answers)
        # Silence is asked once, outside: it is the longest of the tests.
        rest = None if self._rest is None else answers[self._rest]
        plain = self.words_.plain(table)
        cases = []
        for silence, test in self.words_.silences(table).items():
            tests = {**plain, **dict.fromkeys(SILENCES[silence])}
            branches = self._branches(table, tests)
            inner = [(held, answers[code]) for held, code in branches]
            answer = ibis.cases(*inner, else_=rest) if inner else ibis.literal(rest)
            cases.append((test, answer))
        return ibis.cases(*cases, else_=rest)

    def _branches(
        self,
        table: ir.Table,
        words: Mapping[Word, ir.BooleanValue | None],
    ) -> list[tuple[ir.BooleanValue, int]]:
        """The grid's blocks, then its `otherwise`, of which `words` can be true: word → its test,
        None where it is known to hold. Without words the scores alone decide."""
        measures = self.measures(table)
        within = cache(
            lambda measure, span: self._within(measure, measures[measure], *span)
        )
        codes = {rule.name: code for code, rule in enumerate(self.grid_.segments)}
        branches = []
        for rule in self.grid_.segments:
            if words and not self._possible(rule, words):
                continue
            for block in rule.ranges:
                spans = zip(MEASURES, block.spans(self.n_bins), strict=True)
                tests = [
                    test for measure, span in spans for test in within(measure, span)
                ]
                tests += [words[w] for w in rule.words if words.get(w) is not None]
                branches.append((ibis.and_(*tests), codes[rule.name]))
        for rule in self.grid_.fallback if words else ():
            if self._possible(rule, words):
                tests = [words[w] for w in rule.words if words[w] is not None]
                branches.append((ibis.and_(*tests), codes[rule.name]))
        return branches

    def _possible(self, rule: GridSegment, words: Mapping[Word, Any]) -> bool:
        return SILENCE_WORDS.intersection(rule.words) <= {*words}

    def scores(self, customers: pd.DataFrame) -> pd.DataFrame:
        """``r_score, f_score, m_score`` of every row, 1 to `n_bins`, best highest."""
        rows = self._checked(customers)
        side: Literal["left", "right"] = "left" if self.closed == "right" else "right"
        columns = {}
        for measure in MEASURES:
            values = self._values(rows, measure)
            passed = np.searchsorted(self.cuts_[measure], values, side=side)
            score = self.n_bins - passed if measure == "recency" else 1 + passed
            columns[f"{measure[0]}_score"] = score.astype("int32")
        return pd.DataFrame(columns, index=customers.index)

    def score_table(self) -> pd.DataFrame:
        """What each score stands for: one row per score, best first; text in days, orders and
        money."""
        scores = range(self.n_bins, 0, -1)
        words = phrases("rfm.words")
        return pd.DataFrame(
            {words[m]: [self._words(m, s) for s in scores] for m in MEASURES},
            index=pd.Index(scores, name="score"),
        )

    def cuts_by_hand(self) -> list[str]:
        """The measures whose cut points were given, not learned."""
        return [measure for measure in MEASURES if measure in (self.cuts or {})]

    def fit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        """Learn the cut points, and which words are true of which segment's customers."""
        self.refit(customers)
        if self._told is not None:
            codes = self.predict(customers)
            labels = pd.Categorical.from_codes(codes, pd.Index(self.segment_names_))
            segments = pd.Series(labels, index=customers.index)
            self.truth_ = self._told.truth(customers, segments)
        return self

    def refit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        self.truth_ = None
        return super().fit(customers)

    def meanings(self) -> dict[str, str]:
        own = {rule.name: rule.meaning for rule in self.grid_.segments}
        texts = {
            name: own.get(name) or self._true_words(name)
            for name in self.segment_names_
        }
        if OTHERS in texts and OTHERS not in own:
            texts[OTHERS] = say("rfm.meaning.others")
        return texts

    def _true_words(self, name: str) -> str:
        """What the packaged texts say of a segment, without the words that are not true of it."""
        words = phrases(f"rfm.meaning.{self.grid_.texts}.{name}")
        return " ".join(text for word, text in words.items() if self._holds(name, word))

    def _holds(self, name: str, word: str) -> bool:
        # Without tenure nothing was measured, and of nobody everything is true.
        if self.truth_ is None or pd.isna(self.truth_[word].loc[name]):
            return True
        return bool(self.truth_[word].loc[name] >= ENOUGH)

    def describe(self) -> dict[str, Any]:
        told = {
            **super().describe(),
            "grid": self.grid_.name,
            "cuts": self.cuts_,
        }
        if self.words_ is not None:
            told["usual_gap_days"] = self.words_.states.typical_gap
            told["young_days"] = self.words_.young_days
            told["middle_revenue"] = self.words_.middle
        return told

    def _by_customer(self, customers: pd.DataFrame) -> pd.DataFrame:
        return self.scores(customers)

    def _given_cuts(self) -> Mapping[Measure, list[float]]:
        given: dict[Measure, list[float]] = {}
        wrong = []
        steps = self.n_bins - 1
        for measure, cuts in (self.cuts or {}).items():
            given[measure] = [float(cut) for cut in cuts]
            if len(cuts) != steps or sorted(given[measure]) != given[measure]:
                wrong.append(measure)
        if wrong:
            facts = {
                "measures": wrong,
                "needed": steps,
                "given": [given[m] for m in wrong],
            }
            raise ConfigError(say("rfm.errors.cuts", **facts))
        return given

    def _values(self, rows: pd.DataFrame, measure: Measure) -> np.ndarray:
        if measure == "monetary" and self.monetary == "per_order":
            return embedded.evaluate(
                rows, lambda table: self.measures(table)["monetary"].cast("float64")
            )
        column = dict(zip(MEASURES, self.columns, strict=True))[measure]
        return rows[column].to_numpy(dtype="float64")

    def _within(
        self,
        measure: Measure,
        values: ir.NumericValue,
        low: int,
        high: int,
    ) -> list[ir.Value]:
        """The tests for a score from `low` to `high`, on the values themselves: SQL that people
        can read."""
        low, high = self._steps(measure, low, high)
        cuts, right = self.cuts_[measure], self.closed == "right"
        tests = []
        if low > 1:
            lower = cuts[low - 2]
            tests.append(values > lower if right else values >= lower)
        if high < self.n_bins:
            upper = cuts[high - 1]
            tests.append(values <= upper if right else values < upper)
        return tests

    def _steps(self, measure: Measure, low: int, high: int) -> tuple[int, int]:
        """Scores as positions along the values: few days are good, so recency counts backwards."""
        if measure != "recency":
            return low, high
        above = self.n_bins + 1
        return above - high, above - low

    def _words(self, measure: Measure, score: int) -> str:
        step, _ = self._steps(measure, score, score)
        texts = [general(round(cut, 2)) for cut in self.cuts_[measure]]
        right = self.closed == "right"
        if step == 1:
            return say("rfm.steps.up_to" if right else "rfm.steps.under", high=texts[0])
        if step == self.n_bins:
            return say("rfm.steps.over" if right else "rfm.steps.from", low=texts[-1])
        low, high = texts[step - 2 : step]
        if low == high:
            return say("rfm.steps.nobody")
        key = "rfm.steps.between" if right else "rfm.steps.from_to_under"
        return say(key, low=low, high=high)
