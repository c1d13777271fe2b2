"""Time as an object: what was observed, up to when, and the held-out period after it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from segment_lab.errors import ConfigError
from segment_lab.texts import say


def as_date(value: dt.date | str) -> dt.date:
    """A calendar day from a date, a timestamp or ISO text; a clear error for anything else."""
    if isinstance(value, dt.datetime) and value == value:  # no NaT
        return value.date()
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        return dt.datetime.fromisoformat(str(value)).date()
    except ValueError:
        raise ConfigError(say("window.no_date", value=repr(value))) from None


@dataclass(frozen=True)
class ObservationWindow:
    """Orders with ``start <= day < as_of`` are observed; ``as_of <= day < holdout_end`` is the
    future.

    Parameters
    ----------
    start : date
        First day that counts. Frequency means nothing without it.
    as_of : date
        The reference day. Nothing on or after it is used to describe a customer.
    holdout_end : date, optional
        End (exclusive) of the period that judges the segments made at `as_of`.

    Examples
    --------
    >>> window = ObservationWindow("2026-01-01", "2026-07-01")
    >>> window.days, str(window.at("2026-02-01"))
    (181, '1 January 2026 to 31 January 2026 (31 days)')
    """

    start: dt.date
    as_of: dt.date
    holdout_end: dt.date | None = None

    def __post_init__(self) -> None:
        for name in ("start", "as_of"):
            object.__setattr__(self, name, as_date(getattr(self, name)))
        if self.holdout_end is not None:
            object.__setattr__(self, "holdout_end", as_date(self.holdout_end))
            if self.holdout_end <= self.as_of:
                facts = {"holdout_end": self.holdout_end, "as_of": self.as_of}
                raise ConfigError(say("window.holdout_too_early", **facts))
        if self.start >= self.as_of:
            facts = {"start": self.start, "as_of": self.as_of}
            raise ConfigError(say("window.starts_too_late", **facts))

    @property
    def days(self) -> int:
        """Length of the observed period in days."""
        return (self.as_of - self.start).days

    def at(self, as_of: dt.date | str) -> ObservationWindow:
        """The window as it stood on another day, same start, without a held-out period."""
        return replace(self, as_of=as_date(as_of), holdout_end=None)

    def __str__(self) -> str:
        last = self.as_of - dt.timedelta(days=1)
        return say(
            "window.shown",
            first=self.start,
            last=last,
            days=self.days,
        )
