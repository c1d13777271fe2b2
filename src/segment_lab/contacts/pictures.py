"""Pictures of contacts: where the minutes go, and who buys after a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from segment_lab.show import style
from segment_lab.show.pictures.shapes import bars, in_words, intervals
from segment_lab.texts import phrases

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def effort_gap(effort: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of contact minutes beside the share of revenue (or of customers); from
    `events.effort`."""
    words = phrases("contacts.pictures")
    other = "revenue_share" if "revenue_share" in effort else "customer_share"
    columns = {words["effort_share"]: "effort_share", words[other]: other}
    ax = bars(effort, columns, along=words["share_of_all"], ax=ax)
    return style.described(
        ax, in_words(words[f"gap_{other}"], effort[[*columns.values()]])
    )


def responses(rates: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share that bought, contacted or not, with 95 % intervals; `rates` from `events.response`."""
    words = phrases("contacts.pictures")
    columns = {
        words["contacted"]: "contacted_bought",
        words["not_contacted"]: "not_contacted_bought",
    }
    ax = intervals(rates, columns, along=words["bought"], ax=ax)
    right = ax.get_xlim()[1]
    ax.set_xlim(-0.02 * right, right)
    return style.described(ax, in_words(words["responses"], rates[[*columns.values()]]))
