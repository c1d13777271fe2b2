"""A company as it stood on a day: all that judging may ask for, and what a study offers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol

import pandas as pd

from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.window import ObservationWindow


class Company(Protocol):
    """The data as they were known on the day ``window.as_of``; `at` goes back to an earlier one.

    `segment_lab.Study` is one; so is anything that has these methods.
    """

    @property
    def window(self) -> ObservationWindow:
        """What is seen: from ``start`` up to, and without, ``as_of``."""

    def at(self, as_of: dt.date, days: int | None = None) -> Company:
        """The same company on an earlier day (or today), seen through its own window or through
        one of so many `days`."""

    def customers(self) -> pd.DataFrame:
        """The customer table, index ``customer_id``."""

    def population(self, method: str) -> pd.DataFrame:
        """The rows that a scheme segments."""

    def fitted(self, method: str) -> Any:
        """A scheme's segmenter, learned on what was known."""

    def segmentation(self, method: str, fitted: Any = None) -> Segmentation:
        """A scheme's segments; with `fitted`, by a rule learned on another day."""

    def outcomes(self, days: int) -> pd.DataFrame:
        """What the customers did in the `days` from that day on: ``future_revenue,
        future_orders``."""

    def status(self, method: str) -> Status:
        """Whether a scheme may be acted on."""

    def history(self, method: str) -> pd.DataFrame:
        """What each month of data changed in a scheme (`sufficiency.history`)."""

    def contacted_since(self, day: dt.date) -> Sequence[str]:
        """Whom campaigns contacted from a day on: what they buy then says nothing of who buys
        anyway."""
