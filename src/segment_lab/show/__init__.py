"""What a report shows: tables, figures, notes, cards and the headline, as HTML that needs no
script.

>>> from segment_lab.show import finding
>>> print(finding("Calls pay; mail does not."))
<p class="sl-finding">Calls pay; mail does not.</p>
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segment_lab.show.cards import (
        card,
        details,
        finding,
        group,
        headline,
        note,
        says_why,
    )
    from segment_lab.show.figures import figure
    from segment_lab.show.macros import Html
    from segment_lab.show.tables import table

# Loaded when first used: a study's figures cost no pictures.
_HOMES = {
    "Html": "macros",
    "card": "cards",
    "details": "cards",
    "figure": "figures",
    "finding": "cards",
    "group": "cards",
    "headline": "cards",
    "note": "cards",
    "says_why": "cards",
    "table": "tables",
}
__all__ = [
    "Html",
    "card",
    "details",
    "figure",
    "finding",
    "group",
    "headline",
    "note",
    "says_why",
    "table",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"segment_lab.show has no {name!r}")
    value = getattr(import_module(f"segment_lab.show.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
