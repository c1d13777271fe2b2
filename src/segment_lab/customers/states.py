"""Where a customer stands by the own rhythm: new, active, slowing or lapsed, and how likely active.

A customer's rhythm is the mean gap between the own orders, drawn to the base's typical gap while
orders are few. Silence is measured in rhythms. Where the base has quiet months, a day in them
counts for less, so that nobody lapses by the calendar alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.customers.predicted import WEEK, OrderModel
from segment_lab.customers.rates import Z975, with_interval
from segment_lab.data import embedded

#: In the order of how likely customers are to order again, one-time buyers apart (new).
STATES = ("active", "new", "slowing", "lapsed")
#: From customers in their rhythm to those long out of it.
STEPS = ("active", "slowing", "lapsed")
COLUMNS = ("recency_days", "tenure_days", "frequency")
#: Own gaps that weigh as much as the base's typical gap.
PRIOR = 3.0
#: Rhythms of silence after which a customer is slowing, and lapsed.
SLOW, LAPSE = 1.5, 3.5
YEAR = 365.25
#: The longest calendar (days), and how many are kept.
LONGEST, CALENDARS = 1 << 16, 32
#: Columns of a prepared table.
SILENCE, KNOWN, RHYTHM = "_silence", "_known", "_rhythm"
#: Full months without which a season cannot be told from a trend, and the least that one counts.
SEASON_MONTHS, LEAST_SEASON = 24, 0.05


@dataclass(frozen=True)
class StateRule:
    """How states are told, learned from a customer table; the same rule in pandas and in SQL.

    Parameters
    ----------
    typical_gap : float
        Days between orders of the typical customer who came back.
    model : OrderModel, optional
        Gives the chance of being active; customers may leave after the first order too.
    season : tuple of float
        What a day of January … December counts, 1 on average; empty where no season is known.
    as_of : date, optional
        The day of the table; needed with a season.
    """

    typical_gap: float
    model: OrderModel | None = None
    season: tuple[float, ...] = ()
    as_of: dt.date | None = None

    @classmethod
    def learn(
        cls,
        customers: pd.DataFrame,
        season: Sequence[float] = (),
        as_of: dt.date | None = None,
        chances: bool = True,
    ) -> StateRule:
        """Learn from the buyers of a customer table (`COLUMNS`); without `chances` a state is told,
        not how likely it is.

        Examples
        --------
        >>> table = pd.DataFrame({"recency_days": [3, 50, 2], "tenure_days": [93, 140, 2]})
        >>> table["frequency"] = [10, 10, 1]
        >>> list(StateRule.learn(table).states(table)["state"])
        ['active', 'lapsed', 'new']
        """
        clock = cls(1.0, None, tuple(season), as_of)
        table = clock.measured(_buyers(customers))
        back = table[table["t_x"] > 0]
        # Where nobody has come back yet, silence itself is all there is to go by.
        gaps = (
            back["t_x"] / back["repeat_frequency"]
            if len(back)
            else table["recency_days"]
        )
        # Two decimals: the same number in every warehouse.
        typical = max(round(float(gaps.median()), 2), 1.0) if len(gaps) else 1.0
        model = OrderModel(1, 1, 1, 1) if chances else None
        if chances and len(table):
            model = OrderModel.fit(table, from_start=True)
        return cls(typical, model, tuple(season), as_of)

    def states(self, customers: pd.DataFrame) -> pd.DataFrame:
        """``state``, ``p_active`` and ``rhythm_days`` of every customer; null for prospects."""
        rows = _buyers(customers)
        rules = {
            "state": self.state,
            "p_active": self.p_active,
            "rhythm_days": self.rhythm,
        }
        found = embedded.evaluate_all(self.timed(rows), rules, self.clocked)
        return pd.DataFrame(found, index=rows.index).reindex(customers.index)

    def clocked(self, table: ir.Table) -> ir.Table:
        """The table with silence, time known and rhythm, which many conditions ask for."""
        counted = table
        if not {SILENCE, KNOWN} <= {*table.columns}:  # not `timed`
            counted = table.mutate(
                **{SILENCE: self.silence(table), KNOWN: self.known(table)}
            )
        return counted.mutate(**{RHYTHM: self.rhythm(counted)})

    def timed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of a frame with silence and time known as the engine counts them: many customers
        share few days, so each day is counted once. `clocked` takes them as they are."""
        if not self.season or self.as_of is None:
            return rows
        silence = self._counted(rows["recency_days"])
        known = self._counted(rows["tenure_days"])
        if silence is None or known is None:
            return rows
        return rows.assign(**{SILENCE: silence, KNOWN: known})

    def _counted(self, column: pd.Series) -> np.ndarray | None:
        """What days count by the season; None where they are not whole or beyond a calendar."""
        days = column.to_numpy("float64", na_value=np.nan)
        told = days[~np.isnan(days)]
        if not len(told):
            return days
        if told.min() < 0 or told.max() > LONGEST or (told % 1 != 0).any():
            return None
        size = 1024
        while size <= told.max():
            size *= 2
        calendar = _calendar(self.season, self.as_of, size)
        # The last place is that of days that nobody knows.
        return calendar[np.where(np.isnan(days), size, days).astype(int)]

    def silence(self, table: ir.Table) -> ir.NumericValue:
        """Days since the last order, as they count by the season."""
        return (
            table[SILENCE]
            if SILENCE in table.columns
            else self.days(table.recency_days)
        )

    def known(self, table: ir.Table) -> ir.NumericValue:
        """Days since the first order, as they count by the season."""
        return table[KNOWN] if KNOWN in table.columns else self.days(table.tenure_days)

    def state(self, table: ir.Table) -> ir.StringValue:
        """The state as an expression over a customer table."""
        silence = self.silence(table)
        rhythm = self.rhythm(table)
        once = table.frequency == 1
        return ibis.cases(
            (silence > rhythm * LAPSE, "lapsed"),
            (silence > rhythm * SLOW, "slowing"),
            (once, "new"),
            else_="active",
        )

    def lapsed(self, table: ir.Table) -> ir.BooleanValue:
        """Whether a customer has been silent for more than `LAPSE` rhythms."""
        return self.silence(table) > self.rhythm(table) * LAPSE

    def rhythm(self, table: ir.Table) -> ir.FloatingValue:
        """Usual days between a customer's orders."""
        if RHYTHM in table.columns:
            return table[RHYTHM]
        span = self.known(table) - self.silence(table)
        return (ibis.greatest(span, 0.0) + PRIOR * self.typical_gap) / (
            table.frequency - 1 + PRIOR
        )

    def p_active(self, table: ir.Table) -> ir.FloatingValue:
        """The chance that a customer has not left (MBG/NBD), as an expression."""
        model = self.model
        assert model is not None
        # A table from elsewhere may hold what cannot be: nothing happened before the first order.
        known = ibis.greatest(self.known(table) / WEEK, 0.0)
        last = ibis.greatest(known - self.silence(table) / WEEK, 0.0)
        repeats = ibis.ifelse(
            table.tenure_days > table.recency_days, table.frequency - 1, 0
        )
        longer = ((known + model.alpha) / (last + model.alpha)).ln()
        odds = (ibis.least((repeats + model.r) * longer, 500.0)).exp() * model.a
        return (repeats + model.b) / (repeats + model.b + odds)

    def days(self, days: ir.NumericValue) -> ir.NumericValue:
        """What the last `days` before `as_of` count, by the season."""
        if not self.season or self.as_of is None:
            return days
        years = (days / YEAR).floor()
        rest = days - years * YEAR
        counted = years * YEAR
        for begins, length, weight in self._months_back(self.as_of):
            counted = (
                counted + ibis.greatest(ibis.least(rest - begins, length), 0.0) * weight
            )
        return counted

    def days_ahead(self, days: float) -> float:
        """What the next `days` from `as_of` on count, by the season."""
        if not self.season or self.as_of is None:
            return float(days)
        coming = pd.date_range(
            self.as_of,
            periods=round(days),
            freq="D",
        )
        weights = [self.season[day.month - 1] for day in coming]
        return float(sum(weights)) * self._usual_year()

    def measured(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Silence, tenure and the span between as they count by the season, and repeat orders:
        what the model reads."""
        table = rows.copy()
        if self.season and self.as_of is not None:
            counted = embedded.evaluate_all(
                self.timed(rows[list(COLUMNS)]),
                {
                    "recency_days": lambda t: self.silence(t).cast("float64"),
                    "tenure_days": lambda t: self.known(t).cast("float64"),
                },
            )
            table = rows.assign(**counted)
        table["t_x"] = (table["tenure_days"] - table["recency_days"]).clip(lower=0)
        table.loc[rows["tenure_days"] <= rows["recency_days"], "t_x"] = 0.0
        return table.assign(repeat_frequency=rows["frequency"] - 1)

    def _months_back(self, as_of: dt.date) -> list[tuple[float, float, float]]:
        """The year before `as_of` by month, latest first: days back, days long, and weight."""
        usual = self._usual_year()
        return [
            (begins, length, round(self._weight(month) * usual, 6))
            for begins, length, month in _year_back(as_of)
        ]

    def _usual_year(self) -> float:
        """The weights of a calendar year average 1; so must those of the year before `as_of`."""
        assert self.as_of is not None
        months = _year_back(self.as_of)
        total = sum(length * self._weight(month) for _, length, month in months)
        return YEAR / total

    def _weight(self, month: int) -> float:
        return round(self.season[month - 1], 6)


@lru_cache(CALENDARS)
def _calendar(
    season: tuple[float, ...], as_of: dt.date | None, size: int
) -> np.ndarray:
    """What the last 0, 1, 2 … days before a day count, by the season; one NaN behind them."""
    rule = StateRule(1.0, None, season, as_of)
    days = pd.DataFrame({"days": np.arange(size, dtype="float64")})
    counted = embedded.evaluate(days, lambda t: rule.days(t.days).cast("float64"))
    return np.append(counted, np.nan)


def _year_back(as_of: dt.date) -> list[tuple[float, float, int]]:
    """The year before a day by month, latest first: days back, days long, and the month."""
    day = pd.Timestamp(as_of)
    starts = [day.replace(day=1) - pd.DateOffset(months=n) for n in range(13)]
    ends = [day, *starts[:-1]]
    months = []
    for start, end in zip(starts, ends, strict=True):
        begins, length = float((day - end).days), float((end - start).days)
        if begins < YEAR and length > 0:
            months.append((begins, min(length, YEAR - begins), int(start.month)))
    return months


def seasonal_weights(orders_by_month: pd.Series) -> tuple[float, ...]:
    """What a day of January … December counts, 1 on average; empty where no season can be told.

    Each month over the mean of the twelve around it, averaged over the years: a base that grows or
    shrinks has no season by that alone.

    Parameters
    ----------
    orders_by_month : Series
        Orders of full months, index the first day of each.
    """
    if len(orders_by_month) < SEASON_MONTHS:
        return ()
    counts = orders_by_month.astype("float64")
    trend = counts.rolling(12).mean().rolling(2).mean().shift(-6)
    ratio = (counts / trend.where(trend > 0)).dropna()
    by_month = (
        ratio.groupby(pd.DatetimeIndex(ratio.index).month).mean().reindex(range(1, 13))
    )
    if by_month.isna().any():
        return ()
    weights = by_month.clip(lower=LEAST_SEASON)
    return tuple(float(weight) for weight in weights / weights.mean())


def return_rates(state: pd.Series, bought: pd.Series) -> pd.DataFrame:
    """Who ordered again, by state.

    Parameters
    ----------
    state : Series
        As customers stood on an earlier day.
    bought : Series of bool, same index
        Whether they have ordered since.

    Returns
    -------
    DataFrame, index `STATES`
        ``customers``; ``share`` who ordered again with its 95 % interval.
    """
    counts = bought.groupby(state).agg(["size", "sum"]).reindex(STATES, fill_value=0)
    shares = with_interval(counts["sum"], counts["size"], "share")
    return counts[["size"]].rename(columns={"size": "customers"}).join(shares)


def falls(state: pd.Series, bought: pd.Series) -> bool:
    """Whether fewer ordered again from state to state (active, slowing, lapsed) than chance
    explains: the test for a trend in proportions (Cochran–Armitage), 2.5 % on one side."""
    step = state.map({name: float(place) for place, name in enumerate(STEPS)})
    known = step.notna()
    silence, came = step[known].to_numpy(), bought[known].to_numpy(dtype=float)
    if len(came) < 2 or silence.std() == 0 or came.std() == 0:
        return False
    return bool(np.corrcoef(silence, came)[0, 1] * np.sqrt(len(came)) < -Z975)


def _buyers(customers: pd.DataFrame) -> pd.DataFrame:
    bought = customers[customers["frequency"] > 0]
    return bought[list(COLUMNS)].astype("float64")
