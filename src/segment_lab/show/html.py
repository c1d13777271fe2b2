"""The names of `segment_lab.show` under their old address."""

from collections.abc import Callable

from segment_lab.show.cards import (
    CARDS_MIME,
    HEADLINE_MIME,
    card,
    details,
    finding,
    group,
    headline,
    note,
    says_why,
    standing_of,
)
from segment_lab.show.figures import figure
from segment_lab.show.macros import Html
from segment_lab.show.tables import table
from segment_lab.texts import phrases

__all__ = [
    "CARDS_MIME",
    "HEADLINE_MIME",
    "Html",
    "answer",
    "card",
    "details",
    "figure",
    "finding",
    "group",
    "headline",
    "note",
    "standing_of",
    "table",
]
STANDING = {
    kind: (told["word"], told["advice"])
    for kind in ("PROPER", "FIXED", "PRELIMINARY")
    if (told := phrases(f"show.standing.{kind}"))
}


def answer(make: Callable[[], Html]) -> Html:
    """What `make` shows, or the reason why there is not enough data for it."""
    return says_why(make)()
