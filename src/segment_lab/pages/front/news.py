"""The news of page one: what happened to revenue, who explains it, and the key figures with their
history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from segment_lab.act import market
from segment_lab.customers import trend
from segment_lab.errors import NotEnoughDataError
from segment_lab.segments.segmentation import Segmentation
from segment_lab.study.study import Study

#: At most so many accounts are said to explain a decline.
ACCOUNTS = 15
#: Accounts, or segments, that together lost this share of all that was lost are named as those
#: behind a decline, if they are no more than so many.
BEHIND, MOST_BEHIND = 0.5, 2
#: A segment that brought less than this share of the earlier revenue has no change worth a word.
MATTERS = 0.05


@dataclass
class News:
    """What changed between the last period and the same days a year before.

    Parameters
    ----------
    study : Study
    scheme : str
        Whose segments explain the change.
    days : int
        Length of both periods.
    """

    study: Study
    scheme: str
    days: int = 90

    @property
    def as_of(self) -> dt.date:
        """The day of the page."""
        return self.study.window.as_of

    @cached_property
    def back_days(self) -> int:
        """Days from the last period to the one it is compared with; 0 where the data hold only one.

        A year, so that the season is the same; where the data do not reach so far, the period
        before.
        """
        observed = self.study.window.days
        if observed >= trend.YEAR + self.days:
            return trend.YEAR
        return self.days if observed >= 2 * self.days else 0

    @property
    def on_last_year(self) -> bool:
        """Whether the earlier period is that of a year before."""
        return self.back_days >= trend.YEAR

    @cached_property
    def now(self) -> pd.DataFrame:
        """What customers did in the last period."""
        return self.study.bought(self.days)

    @cached_property
    def before(self) -> pd.DataFrame | None:
        """What they did in the period it is compared with; None where there is none."""
        if not self.back_days:
            return None
        try:
            found = self._earlier(self.back_days).bought(self.days)
        except NotEnoughDataError:
            return None
        return found if found["revenue"].sum() > 0 else None

    @cached_property
    def change(self) -> float:
        """Relative change of revenue between the two periods; null without an earlier one."""
        if self.before is None:
            return float("nan")
        return float(self.now["revenue"].sum() / self.before["revenue"].sum() - 1)

    @cached_property
    def moves(self) -> pd.DataFrame:
        """The change by what customers did (`market.movement`); empty without an earlier period."""
        if self.before is None:
            return pd.DataFrame(columns=["customers", "change"])
        known = self._earlier(self.back_days).customers().index
        return market.movement(self.before, self.now, known)

    @cached_property
    def by_customer(self) -> pd.Series:
        """Change of revenue of every customer who bought in either period, the largest loss
        first."""
        if self.before is None:
            return pd.Series(dtype="float64")
        everybody = self.now.index.union(self.before.index)
        now = self.now["revenue"].reindex(everybody, fill_value=0.0)
        before = self.before["revenue"].reindex(everybody, fill_value=0.0)
        return (now - before).sort_values(kind="stable")

    @cached_property
    def by_segment(self) -> pd.DataFrame:
        """Revenue ``before, after`` and ``change`` of each segment, by who was in it when either
        period began (`market.bridge`); empty where the data do not reach."""
        nothing = pd.DataFrame(columns=["before", "after", "change"], dtype="float64")
        if self.before is None:
            return nothing
        began = self.as_of - dt.timedelta(days=self.days)
        try:
            found = self.study.change(self.scheme, self.back_days, began)
        except NotEnoughDataError:
            return nothing
        both = (found.then.labels, found.now.labels)
        return market.bridge(self.before, self.now, *both)[list(nothing)]

    @cached_property
    def change_of_revenue(self) -> pd.Series:
        """Relative change of each segment's revenue (`by_segment`); null where it had next to
        none."""
        before = self.by_segment["before"]
        enough = before >= MATTERS * before.sum()
        return self.by_segment["change"] / before.where(enough & (before > 0))

    def few_accounts(self) -> tuple[int, float, float]:
        """The fewest accounts that explain half of all that was lost or reduced, or as many as may
        be named: count, money, total."""
        lost = -self.by_customer[self.by_customer < 0]
        running = lost.cumsum()
        needed = int((running < BEHIND * lost.sum()).sum()) + 1
        few = min(needed, ACCOUNTS, len(lost))
        return few, float(lost.head(few).sum()), float(lost.sum())

    def accounts_behind(self) -> tuple[list[str], float]:
        """One or two accounts that explain half of all that was lost, where they stand out from the
        next; and the money they bought less."""
        lost = -self.by_customer[self.by_customer < 0]
        fewest = self.few_accounts()[0]
        for few in range(fewest, MOST_BEHIND + 1) if len(lost) else ():
            named, others = lost.iloc[:few], lost.iloc[few:]
            if others.empty or others.iloc[0] <= named.iloc[-1] / 2:
                return [str(name) for name in named.index], float(named.sum())
        return [], 0.0

    def behind(self) -> list[str]:
        """The few segments that explain a decline, those that lost most first; empty where it
        takes many."""
        lost = -self.by_segment["change"].sort_values(kind="stable")
        lost = lost[lost > 0]
        if not self.change < 0 or lost.empty:
            return []
        needed = int((lost.cumsum() < BEHIND * lost.sum()).sum()) + 1
        few = lost.index[:needed]
        if needed > MOST_BEHIND or self.change_of_revenue[few].isna().any():
            return []
        return [str(name) for name in few]

    @cached_property
    def history(self) -> pd.DataFrame:
        """Revenue, active and new customers of rolling periods, a month apart (`trend.rolling`)."""
        return trend.rolling(self.study.orders(all_time=True), self.as_of, self.days)

    def _earlier(self, days: int) -> Study:
        return self.study.at(self.as_of - dt.timedelta(days=days))


def year_change(series: pd.Series) -> float:
    """The last value against the one twelve steps before; null where the history is shorter."""
    if len(series) < trend.STEPS + 1 or not series.iloc[-trend.STEPS - 1]:
        return float("nan")
    return float(series.iloc[-1] / series.iloc[-trend.STEPS - 1] - 1)


def minutes_gap(
    segments: Segmentation,
    minutes: pd.Series,
    revenue: pd.Series,
    *,
    smallest: float = 0.05,
) -> dict[str, float]:
    """Minutes that go to the segments which together bring the last `smallest` share of revenue.

    Parameters
    ----------
    segments : Segmentation
        Of all customers.
    minutes, revenue : Series
        Contact minutes and recent revenue by ``customer_id``.
    smallest : float
        The share of revenue that the least bringing segments make up together at most.

    Returns
    -------
    dict
        ``minutes`` spent on them, ``share`` of all minutes, ``revenue_share`` they really bring.
    """
    labels = segments.labels
    spent = (
        minutes.reindex(labels.index).fillna(0.0).groupby(labels, observed=False).sum()
    )
    money = (
        revenue.reindex(labels.index).fillna(0.0).groupby(labels, observed=False).sum()
    )
    if not spent.sum() or money.sum() <= 0:
        return {
            "minutes": np.nan,
            "share": np.nan,
            "revenue_share": np.nan,
        }
    share = (money / money.sum()).sort_values()
    few = share.index[share.cumsum() <= smallest]
    return {
        "minutes": float(spent[few].sum()),
        "share": float(spent[few].sum() / spent.sum()),
        "revenue_share": float(share[few].sum()),
    }
