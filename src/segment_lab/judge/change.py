"""What changed since an earlier day: by the same cut points, seen through windows of equal length.

Sizes by cut points learned anew each time mix two things: customers who moved, and cuts that did.
The first is what a page calls *change*; the second is shown beside it and named *drift of the
cuts*. This is the one place where the two are told apart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.customers.ids import among
from segment_lab.customers.rates import with_interval
from segment_lab.errors import NotEnoughDataError
from segment_lab.judge.company import Company
from segment_lab.judge.registry import metric
from segment_lab.judge.stability import matched
from segment_lab.judge.sufficiency import MIN_DAYS
from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.texts import say


@dataclass(frozen=True)
class Change:
    """A scheme on two days.

    Parameters
    ----------
    then, now : Segmentation
        The earlier and the later day by the same rule (cuts frozen), windows of equal length.
    relearned : Segmentation, optional
        The earlier day by cuts learned on that day, under the names of `then`.
    days : int
        Days between the two.
    out_of_sight : Series of int, optional
        Customers who last bought before the later of the two windows begins, with the code of the
        segment that the whole history gives them.
    """

    then: Segmentation
    now: Segmentation
    relearned: Segmentation | None = None
    days: int = 0
    out_of_sight: pd.Series | None = None

    def plain(self) -> Change:
        """This change without what somebody might ask of its segments later: it can be kept."""
        parts = {
            name: found.replace(status=Status(), by_customer=None)
            for name in ("then", "now", "relearned")
            if (found := getattr(self, name)) is not None
        }
        return replace(self, **parts)

    @cached_property
    def today(self) -> Segmentation:
        """`now`, where whoever is out of sight stands as the whole history says: that a window
        moved on made no silent buyer a prospect, and no group of silent buyers smaller."""
        unseen = self.out_of_sight
        if unseen is None or unseen.empty:
            return self.now
        seen = self.now.codes.drop(unseen.index, errors="ignore")
        return self.now.replace(codes=pd.concat([seen, unseen]), by_customer=None)

    def table(self) -> pd.DataFrame:
        """Per segment: ``customers_then, customers_now`` by the same cuts, their difference
        ``change`` and ``change_share`` (NaN where nobody was in it); ``drift``, what new cuts alone
        added to the segment's size on the earlier day (NaN without a refit), and ``refit_change``,
        the change that a reader of two reports would have seen."""
        out = pd.DataFrame(
            {
                "customers_then": self.then.sizes(),
                "customers_now": self.today.sizes(),
            }
        )
        out["change"] = out["customers_now"] - out["customers_then"]
        out["change_share"] = out["change"] / out["customers_then"].replace(0, np.nan)
        out["drift"] = out["refit_change"] = np.nan
        if self.relearned is not None:
            old = self.relearned.sizes().reindex(out.index, fill_value=0)
            out["drift"] = out["customers_then"] - old
            out["refit_change"] = out["customers_now"] - old
        return out

    def flow(self) -> pd.DataFrame:
        """Customers of both days by segment then (rows) and now (columns), cuts frozen."""
        return self.today.migration(self.then)


@metric("migration", higher_is_better=None)
def moved_share(before: np.ndarray, after: np.ndarray) -> float:
    """Share of positions at which two label arrays differ."""
    return float(np.mean(np.asarray(before) != np.asarray(after)))


def change(
    company: Company,
    method: str,
    days: int = 90,
    until: dt.date | None = None,
) -> Change:
    """What changed in a scheme within `days` up to `until` (by default today), by the cuts of
    today.

    Both days are seen through windows of the same length: what the data hold before the earlier
    day, at most the study's own window. Change is the difference between the two; the segments of
    today on a page may see a longer history than that.

    Raises
    ------
    NotEnoughDataError
        Where less than 30 days of data lie before the earlier day.
    """
    last = until or company.window.as_of
    day = last - dt.timedelta(days=days)
    start = company.window.start
    length = (day - start).days if day > start else 0
    if length >= MIN_DAYS:
        length = min(company.at(day).window.days, company.window.days)
    if length < MIN_DAYS:
        raise NotEnoughDataError(
            say(
                "comparison.errors.change_too_short",
                days=days,
                left=length,
                needed=MIN_DAYS,
            )
        )
    earlier, later = (_seen_through(length, company.at(when)) for when in (day, last))
    rule = company.fitted(method)
    then = earlier.segmentation(method, rule)
    now = later.segmentation(method, rule)
    anew = matched(then, earlier.segmentation(method))
    unseen = _out_of_sight(later, company.at(last), method, rule)
    return Change(then, now, anew, days, unseen)


def _out_of_sight(
    later: Company, whole: Company, method: str, rule: Any
) -> pd.Series | None:
    """Codes by the whole history of those whose last order `later` does not see."""
    if whole.window.days == later.window.days:
        return None
    unseen = _buyers(whole).difference(_buyers(later))
    codes = whole.segmentation(method, rule).codes
    return codes[among(codes.index, unseen)]


def _buyers(company: Company) -> pd.Index:
    people = company.customers()
    return (
        people.index[people["frequency"] > 0] if "frequency" in people else people.index
    )


def _seen_through(days: int, company: Company) -> Company:
    """The company through a window of so many days."""
    if company.window.days == days:
        return company
    return company.at(company.window.as_of, days)


def movement(changes: Mapping[str, Change]) -> pd.DataFrame:
    """Real movement (cuts frozen), drift (relabelled by new cuts alone) and both together.

    Returns
    -------
    DataFrame
        One row per scheme: ``customers`` on both days; ``moved_share`` with its 95 % interval;
        ``null_share``, what unrelated labels of the same sizes would give; ``drift_share`` and
        ``total_share`` (NaN without a refit).
    """
    rows = {}
    for name, found in changes.items():
        both = found.then.codes.index.intersection(found.today.codes.index)
        before = found.then.labels.loc[both].astype(str)
        after = found.today.labels.loc[both].astype(str)
        sizes, sizes_after = (s.value_counts(normalize=True) for s in (before, after))
        row = {
            "customers": len(both),
            "moved": moved_share(before, after),
            "null_share": 1 - sizes.mul(sizes_after, fill_value=0).sum(),
            "drift_share": np.nan,
            "total_share": np.nan,
        }
        if found.relearned is not None:
            anew = found.relearned.labels.loc[both].astype(str)
            row["drift_share"] = moved_share(anew, before)
            row["total_share"] = moved_share(anew, after)
        rows[name] = row
    out = pd.DataFrame.from_dict(rows, orient="index").rename_axis("scheme")
    shares = with_interval(
        out["moved"] * out["customers"], out["customers"], "moved_share"
    )
    return pd.concat(
        [out[["customers"]], shares, out.drop(columns=["customers", "moved"])], axis=1
    )
