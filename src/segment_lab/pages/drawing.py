"""The arms of what page one decided, drawn once for its lists and for its plan."""

from __future__ import annotations

import pandas as pd

from segment_lab.act import campaign_plan
from segment_lab.pages.verdicts import Page


def campaigns(page: Page, drawing: campaign_plan.Drawing) -> list[pd.DataFrame]:
    """A campaign for every segment with a funded action: eligible customers first, then the
    draw."""
    people = page.members
    owners = people["owner"] if "owner" in people else pd.Series(dtype="object")
    funded = page.funded.assign(
        predicted_uplift=_uplifts(page), promised=page.in_horizon
    )
    drawn = []
    for segment, actions in funded[funded["contacts"] > 0].groupby(
        "segment", sort=False
    ):
        allowed = {}
        for place, row in actions.iterrows():
            allowed[place] = list(page.eligible(str(segment), row["action"]).index)
        rows = drawing.campaign(str(segment), actions, allowed, owners)
        if len(rows):
            drawn.append(rows)
    return drawn


def _uplifts(page: Page) -> pd.Series:
    rows = page.funded
    values = []
    for segment, key in zip(rows["segment"], rows["belief"], strict=True):
        belief = page.beliefs[key]
        values.append(float(belief.buyers.mean[belief.segments.index(str(segment))]))
    return pd.Series(values, index=rows.index, dtype="float64")
