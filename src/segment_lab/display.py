"""What a report shows: tables, figures, notes and the headline, as HTML that needs no script.

Everything that came from data is escaped here and nowhere else.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

HEADLINE_MIME = "application/vnd.segment-lab.headline+json"


@dataclass(frozen=True)
class Html:
    """A piece of a page, shown by Jupyter and kept by nbconvert."""

    markup: str

    def _repr_html_(self) -> str:
        return self.markup

    def __str__(self) -> str:
        return self.markup


FORMATS: dict[str, Callable[[Any], str]] = {
    "count": lambda v: f"{v:,.0f}",
    "money": lambda v: f"{v:,.0f}",
    "cents": lambda v: f"{v:,.2f}",
    "share": lambda v: f"{v:.1%}",
    "days": lambda v: f"{v:,.0f}",
    "number": lambda v: f"{v:,.2f}",
    "text": str,
}


def table(frame: pd.DataFrame, caption: str, *, formats: Mapping[str, str] | None = None,
          labels: Mapping[str, str] | None = None, note: str = "", index: bool = True) -> Html:
    """An accessible table: caption, scoped headers, numbers aligned and rounded, cells escaped.

    Parameters
    ----------
    frame : DataFrame
        Rows in the order to show. Its index becomes the row headers unless `index` is False.
    caption : str
        One sentence that says what the table shows, units included.
    formats : mapping, optional
        Column to one of ``count, money, cents, share, days, number, text``; guessed from name and dtype otherwise.
    labels : mapping, optional
        Column to the words shown in its header; underscores become spaces otherwise.
    note : str, optional
        A line below the table.
    """
    raise NotImplementedError


def figure(drawing: Any, alt: str, caption: str = "") -> Html:
    """A picture of a matplotlib Axes or Figure; `alt` says in words, from the data, what it shows."""
    raise NotImplementedError


def note(text: str, kind: str = "info") -> Html:
    """A paragraph set apart; `kind` is ``info``, ``warning`` or ``missing``."""
    raise NotImplementedError


def headline(*sentences: str, figures: Mapping[str, Any] | None = None) -> Html:
    """The report's answer in plain words, with the figures that the index and the manifest keep."""
    raise NotImplementedError
