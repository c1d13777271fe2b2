"""Where a segment's list and its card are found."""

from __future__ import annotations

import pandas as pd


def slug(segment: str) -> str:
    """A segment's name as every file system and every address takes it."""
    kept = [letter if letter.isalnum() else "_" for letter in segment.lower()]
    return "".join(kept).strip("_") or "segment"


def audience_file(segment: str) -> str:
    """The list of a segment's customers."""
    return f"audiences/{slug(segment)}.csv"


def card_link(segment: str) -> str:
    """Where a segment's card is."""
    return f"segments.html#{slug(segment)}"


def card_links(customers: pd.Series) -> dict[str, str]:
    """The cards of the segments that have customers; `customers` by segment."""
    return {str(name): card_link(str(name)) for name in customers.index[customers > 0]}
