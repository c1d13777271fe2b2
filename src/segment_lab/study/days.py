"""A study on a day: the window it is seen in, the same study on another day or for a sample of
its customers, and what is kept of it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import ibis
import ibis.expr.types as ir
import pandas as pd
from filelock import FileLock

from segment_lab import code_fingerprint
from segment_lab.customers.ids import met_before
from segment_lab.customers.merging import targets
from segment_lab.data.files import cache_folder
from segment_lab.data.intake import raise_faults
from segment_lab.data.keeping import keep, kept, mark
from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.study.config import WindowConfig
from segment_lab.study.memory import give_back
from segment_lab.study.tables import StudyTables
from segment_lab.texts import say
from segment_lab.window import ObservationWindow, as_date

T = TypeVar("T")
#: A day of the reports that lies farther behind the last order is a slip of the pen.
FARTHEST = dt.timedelta(days=3653)
#: Names the folder that the processes of a run share.
SHARED = "SEGMENT_LAB_SHARED"
#: Up to this size what a run computed is kept for later runs: ten thousand customers or so.
KEPT_BYTES = 4 << 20
#: Of more than so many customers a run holds so many days in memory.
MANY, DAYS_KEPT = 50_000, 2
#: Parts of a study file that an answer is kept without: they are told by other means, or
#: name nothing that is computed below the pages.
ASIDE = {
    "name",
    "title",
    "as_of",
    "window",
    "sources",
    "methods",
    "comparison",
    "strategy",
    "report",
    "notify",
}
#: Parts of a study file that say which data there are and which days they are of.
READ = {"sources", "timezone", "tolerance", "as_of"}
#: What dates a study without orders.
OTHER_DAYS = (
    "first_order",
    "last_order",
    "created_on",
    "entered_on",
    "issue_date",
    "touch_date",
)
#: What dates a study of campaigns alone; elsewhere an assignment may be a plan.
ASSIGNED = ("assigned_on",)


class StudyDays(StudyTables):
    """A company's tables and the window they are seen in; `StudyCustomers` adds who bought."""

    @cached_property
    def window(self) -> ObservationWindow:
        """What is observed; without orders, the days around `as_of`."""
        rule = self.config.window
        # Nothing to look up: spares a scan of the log.
        if self.config.as_of and rule.start and self._parent is None:
            return ObservationWindow(rule.start, self.config.as_of)
        first, last = self._span
        as_of = self.config.as_of or last + dt.timedelta(days=1)
        if as_of <= first and self._parent is not None:
            raise NotEnoughDataError(
                say("study.day.before_first", first=first, as_of=as_of)
            )
        if rule.start and as_of <= rule.start and self._parent is not None:
            raise NotEnoughDataError(
                say("study.day.before_window", start=rule.start, as_of=as_of)
            )
        if as_of <= first:
            days = {"as_of": as_of, "first": first, "last": last}
            raise ConfigError(say("study.day.not_after_first", **days))
        if as_of > last + FARTHEST:  # a year mistyped: nobody would be seen again
            days = {"as_of": as_of, "last": last}
            raise ConfigError(say("study.day.too_late", **days))
        # Days before the first order are no observed days: nobody must take them for data.
        start = (
            max(first, as_of - dt.timedelta(days=rule.days))
            if rule.days
            else rule.start or first
        )
        return ObservationWindow(start, as_of)

    @cached_property
    def _span(self) -> tuple[dt.date, dt.date]:
        if above := self._parent or self._whole:
            return above._span
        return self._told_once("span", self._looked_up)

    def _looked_up(self) -> tuple[dt.date, dt.date]:
        """The first and the last day of the data."""
        if not self.has("orders"):
            return self._other_days()
        intake = self.intake("orders")
        raise_faults(intake, self.config.tolerance)
        accepted: Any = intake.summary.loc["accepted"].to_dict()
        return pd.Timestamp(accepted["first"]).date(), intake.last_day

    def _other_days(self) -> tuple[dt.date, dt.date]:
        """Without orders: the first and last day any table knows; where none has dates, as_of must
        be given."""
        if days := self._days_in(OTHER_DAYS) or self._days_in(ASSIGNED):
            return min(days), max(days)
        if self.config.as_of is None:
            raise ConfigError(say("study.day.no_dates", name=self.name))
        return self.config.as_of - dt.timedelta(days=1), self.config.as_of

    def _days_in(self, columns: Sequence[str]) -> list[dt.date]:
        """The first and the last day of each of these columns that some table has."""
        days = []
        for name in self.config.sources:
            lines = self.intake(name).lines
            for column in columns:
                if column in lines.columns:
                    ends = (
                        lines.aggregate(
                            first=lines[column].min(), last=lines[column].max()
                        )
                        .execute()
                        .iloc[0]
                    )
                    days += [pd.Timestamp(d).date() for d in ends if pd.notna(d)]
        return days

    def orders(self, *, all_time: bool = False) -> ir.Table:
        """Accepted order lines of the window: ``customer_id, order_date, amount`` and what else
        the source has.

        With ``returns: drop`` lines below zero are left out here too. `all_time` adds what lies
        before the window: a campaign, or a customer's first order, may be older than what
        describes customers today.
        """
        return self._seen(self.table("orders"), all_time=all_time)

    def _seen(self, lines: ir.Table, *, all_time: bool = False) -> ir.Table:
        """Those of accepted order lines that the window shows."""
        inside = lines.order_date < ibis.literal(self.window.as_of)
        if not all_time:
            inside &= lines.order_date >= ibis.literal(self.window.start)
        if self.config.returns == "drop":
            inside &= lines.amount_minor >= 0
        return lines.filter(inside)

    def at(self, as_of: dt.date | str, days: int | None = None) -> Self:
        """The same study as it stood on an earlier day: only what happened before it is seen.

        With `days` it is seen through a window of so many days instead of the study's own: what two
        days are compared through must be equally long.
        """
        day = as_date(as_of)
        if day > self.window.as_of:
            raise ConfigError(say("study.day.future", day=day, as_of=self.window.as_of))
        root = self._parent or self
        changes: dict[str, Any] = {"as_of": day}
        if days is not None:
            changes["window"] = WindowConfig(days=days)
        key = ("at", day, days)
        found = root._keep(
            key,
            lambda: type(self)(
                root.config.model_copy(update=changes),
                root.base,
                path=root.path,
                parent=root,
            ),
        )
        root._kept[key] = root._kept.pop(key)  # asked for last
        root._forget_days(DAYS_KEPT)
        return found

    @property
    def _many(self) -> bool:
        """Whether this is known to be a base of many customers, or a sample of one."""
        return self._whole is not None or len(self._kept.get("customers", ())) > MANY

    def _forget_days(self, but: int = 0) -> None:
        """Of many customers keep only `but` days, those asked for last: what was told of the others
        stands in the run's folder."""
        if not self._many or not os.environ.get(SHARED):
            return
        days = [known for known in self._kept if known[:1] == ("at",)]
        forgotten = days[: max(len(days) - but, 0)]
        for known in forgotten:
            del self._kept[known]
        if forgotten:
            give_back()

    def merged(self, pairs: pd.DataFrame) -> Self:
        """This study with records counted as one customer: ``customer_id, merge_into``.

        The same as a table ``merges`` in the study file.
        """
        into = targets(pairs)
        part = type(self)(
            self.config.model_copy(update={"as_of": self.window.as_of}),
            self.base,
            path=self.path,
        )
        part.__dict__["connection"] = self.connection
        for name in self.config.sources:
            renamed = self._under_one_id(self.intake(name), into)
            part._kept["intake", name] = renamed
        return part

    def shared(self, name: str, options: Any, make: Callable[[], T]) -> T:
        """`make()` once per process, or once for all processes of a run; what is small is found
        by later runs too, the rest is gone when the run ends."""
        folder = os.environ.get(SHARED)
        if folder is None:
            return self._keep(("shared", name, repr(options)), make)
        return self.cached(name, options, make, Path(folder))

    def cached(
        self, name: str, options: Any, make: Callable[[], T], folder: Path | None = None
    ) -> T:
        """`make()` once per data, window, settings, options and code version: in memory, and on
        disk between processes, in the user's cache or a run's `folder`."""
        key = self._key(name, options)
        lasting = cache_folder() / f"{name}-{key}.pickle"
        path = folder / lasting.name if folder else lasting

        def load_or_make() -> T:
            if (found := _loaded(path, lasting)) is not None:
                return cast(T, met_before(found))
            # Reports of one run ask for the same at the same time: one makes it, the others wait.
            with FileLock(path.with_suffix(".lock")):
                if (found := _loaded(path, lasting)) is not None:
                    return cast(T, met_before(found))
                value = met_before(make())
                keep(path, value, lasting=path == lasting)
                if path != lasting and self._comes_again(path):
                    keep(lasting, value)
                return value

        return self._keep(("cached", key), load_or_make)

    def _key(self, name: str, options: Any) -> str:
        """What tells an answer from all others. Parts of the study file that say only who asks are
        left out; those that a page may change are in `options`."""
        return mark(name, options, self._described)

    @cached_property
    def _described(self) -> str:
        """Data, window, settings and code, the same for all answers."""
        settings = self.config.model_dump(mode="json", exclude=ASIDE)
        return repr((self.fingerprint, self.window, settings, code_fingerprint()))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all the data and of how they are read, the same on every day."""
        if self._parent is not None:
            return self._parent.fingerprint
        return self._told_once("data", self._hashed)

    def _told_once(self, name: str, make: Callable[[], T]) -> T:
        """What a run's processes need to know of all tables of the study file: the first tells
        the others, and whoever asks for one table reads no more than that."""
        folder = os.environ.get(SHARED)
        if folder is None or not self._of_file:
            return make()
        told = self.config.model_dump(mode="json", include=READ)
        path = Path(folder) / f"{name}-{mark(str(self.path), told)}.pickle"
        found = kept(path, object)
        if found is None:
            found = make()
            keep(path, found, lasting=False)
        return cast(T, found)

    def _comes_again(self, path: Path) -> bool:
        """Whether a later run may ask for a file and it is worth its place: rows of a database
        may have no hash that tells them, and large tables would fill the disk."""
        sources = self.config.sources.values()
        if any(source.url is not None for source in sources):
            return False
        return path.stat().st_size <= KEPT_BYTES


def _loaded(*paths: Path) -> Any:
    """The first of these that is there and whole."""
    for path in dict.fromkeys(paths):
        if (found := kept(path, object)) is not None:
            return found
    return None
