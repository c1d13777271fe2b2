"""What page one decided, as campaigns that can go out: `segment-lab plan`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from segment_lab.act import campaign_plan
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.front.gather import gathering
from segment_lab.pages.verdicts import Page
from segment_lab.study.study import Study
from segment_lab.texts import say


def plan(study: Study) -> list[pd.DataFrame]:
    """The campaigns of a study's day by the study file's strategy, one frame each
    (`campaign_plan.Drawing.campaign`).

    NotEnoughDataError where nothing is worth a contact.
    """
    gathered = gathering(study)
    drawn = campaigns(
        gathered.page,
        campaign_plan.Drawing(
            study.name,
            gathered.scheme,
            study.window.as_of,
            study.config.strategy.horizon_days,
        ),
    )
    if not drawn:
        raise NotEnoughDataError(say("plan.nothing", as_of=study.window.as_of))
    return drawn


def campaigns(page: Page, drawing: campaign_plan.Drawing) -> list[pd.DataFrame]:
    """A campaign for every segment with a funded action: eligible customers first, then the
    draw."""
    people = page.members
    owners = people["owner"] if "owner" in people else pd.Series(dtype="object")
    funded = page.funded.assign(predicted_uplift=_uplifts(page))
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


def write_plan(
    study: Study, folder: Path | None, went_out: dt.date | None
) -> list[Path]:
    """Freeze the plan of the study's day in `folder` (``plans/<study>`` beside the study file by
    default); the files of its campaigns."""
    target = folder or study.base / "plans" / study.name
    stem = f"{study.name}-{study.window.as_of}"
    return campaign_plan.freeze(plan(study), target, stem, went_out)
