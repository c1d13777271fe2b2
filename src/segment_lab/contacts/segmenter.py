"""How customers answer mail: clicked, opened, delivered only, undelivered, silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import ibis.expr.types as ir
import pandas as pd
from pydantic import Field

from segment_lab.segments.base import Finding, Segmenter
from segment_lab.segments.segmentation import Segmentation

STATES = {
    "Clicked": "Followed a link in a mail: real interest, in the link's topic.",
    "Opened": "Opened a mail and followed no link. Unreliable: some mail clients open mail by themselves.",
    "Delivered only": "Got mail and gave no sign.",
    "Undelivered": "No mail arrived: the address is dead or refuses.",
    "Silent": "No mail was sent in the period, or nothing is known of it.",
}
EVENTS = ("clicked", "opened", "delivered", "undelivered")


class EngagementSegmenter(Segmenter):
    """The best answer to mail within the last `days`.

    Reads ``days_since_clicked, days_since_opened, days_since_delivered, days_since_undelivered``
    from `segment_lab.contacts.events.engagement_table`; an empty value means that it never
    happened.
    """

    method = "engagement"

    def __init__(self, days: Annotated[int, Field(ge=1)] = 365):
        self.days = days

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"days_since_{event}" for event in EVENTS)

    def _more_columns(self) -> tuple[str, ...]:
        return self.columns

    def _fit(self, rows: pd.DataFrame) -> None:
        self.segment_names_ = tuple(STATES)

    def branches(self, table: ir.Table) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int]:
        # A customer table may hold an all-empty column, which has no type of its own.
        return [
            (table[name].cast("float64") <= self.days, code)
            for code, name in enumerate(self.columns)
        ], len(EVENTS)

    def meanings(self) -> dict[str, str]:
        return dict(STATES)


def engagement_finding(segmentation: Segmentation) -> Finding:
    """The answer of the engagement report: who clicks, and how far opens can be believed."""
    sizes, n = segmentation.sizes(), len(segmentation)
    mailed = sizes["Clicked"] + sizes["Opened"] + sizes["Delivered only"]
    first = (
        f"{sizes['Clicked']:,} of {mailed:,} customers who got mail followed a link in it "
        f"({sizes['Clicked'] / max(mailed, 1):.0%}); {sizes['Delivered only']:,} gave no sign at all."
    )
    second = (
        f"{sizes['Undelivered']:,} addresses no longer work, and {sizes['Silent']:,} of {n:,} customers "
        f"were not mailed. {sizes['Opened']:,} only opened, which mail clients may do by themselves."
    )
    return Finding(
        (first, second),
        {
            "customers": n,
            "clicked_customers": int(sizes["Clicked"]),
            "clicked_share": float(sizes["Clicked"] / max(mailed, 1)),
            "undelivered_customers": int(sizes["Undelivered"]),
        },
    )
