"""How customers answer mail: clicked, opened, delivered only, undelivered, not mailed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import ibis.expr.types as ir
import pandas as pd
from pydantic import Field

from segment_lab.segments.base import Finding, Segmenter
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import phrases, say

#: The event of the best answer, and the state that it makes.
ANSWERS = {
    "clicked": "Clicked",
    "opened": "Opened",
    "delivered": "Delivered only",
    "undelivered": "Undelivered",
}
NOT_MAILED = "Not mailed"


class EngagementSegmenter(Segmenter):
    """The best answer to mail within the last `days`.

    Reads ``days_since_clicked, days_since_opened, days_since_delivered, days_since_undelivered``
    from `segment_lab.contacts.events.engagement_table`; an empty value means that it never
    happened.

    Parameters
    ----------
    days : int
        How far back a mail counts.

    Examples
    --------
    >>> import pandas as pd
    >>> since = {f"days_since_{event}": [None, None] for event in ANSWERS}
    >>> customers = pd.DataFrame(since, index=pd.Index(["a", "b"], name="customer_id"))
    >>> customers.loc["a", "days_since_clicked"] = 12
    >>> EngagementSegmenter(days=90).fit(customers).segment(customers).labels.to_dict()
    {'a': 'Clicked', 'b': 'Not mailed'}
    """

    method = "engagement"

    def __init__(self, days: Annotated[int, Field(ge=1)] = 365):
        self.days = days

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"days_since_{event}" for event in ANSWERS)

    def _more_columns(self) -> tuple[str, ...]:
        return self.columns

    def _fit(self, rows: pd.DataFrame) -> None:
        self.segment_names_ = (*ANSWERS.values(), NOT_MAILED)

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int]:
        conditions = []
        for code, name in enumerate(self.columns):
            # A customer table may hold an all-empty column, which has no type of its own.
            within = table[name].cast("float64") <= self.days
            conditions.append((within, code))
        return conditions, len(ANSWERS)

    def meanings(self) -> dict[str, str]:
        return phrases("contacts.states")


def engagement_finding(
    segmentation: Segmentation, delivery_known: bool = True
) -> Finding:
    """Who follows links, and how far opens can be relied on.

    Parameters
    ----------
    segmentation : Segmentation
        Of `EngagementSegmenter`.
    delivery_known : bool
        Whether the contacts tell which mail was delivered. Where they do not, nobody knows how
        many customers got mail, and no share is given.
    """
    sizes = segmentation.sizes()
    clicked, mailed = (
        int(sizes["Clicked"]),
        int(sizes[["Clicked", "Opened", "Delivered only"]].sum()),
    )
    share = clicked / mailed if delivery_known and mailed else None
    known = {
        "clicked": clicked,
        "opened": int(sizes["Opened"]),
        "mailed": mailed,
        "delivered_only": int(sizes["Delivered only"]),
        "undelivered": int(sizes["Undelivered"]),
        "not_mailed": int(sizes[NOT_MAILED]),
        "customers": len(segmentation),
    }
    sentences = (
        say("contacts.clicks", share=share, **known),
        say("contacts.others", **known),
    )
    figures = {
        "customers": len(segmentation),
        "clicked_customers": clicked,
        "clicked_share": share,
        "undelivered_customers": known["undelivered"],
    }
    return Finding(sentences, figures)
