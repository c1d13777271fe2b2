"""What page one decided, as campaigns that can go out: `segment-lab plan`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from segment_lab.act import campaign_plan
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.front.gather import gathering
from segment_lab.study.study import Study
from segment_lab.texts import say


def plan(study: Study) -> list[pd.DataFrame]:
    """The campaigns of a study's day by the study file's strategy, one frame each
    (`campaign_plan.Drawing.campaign`).

    NotEnoughDataError where nothing is worth a contact.
    """
    drawn = gathering(study).campaigns
    if not drawn:
        raise NotEnoughDataError(say("plan.nothing", as_of=study.window.as_of))
    return drawn


def write_plan(
    study: Study, folder: Path | None, went_out: dt.date | None
) -> list[Path]:
    """Freeze the plan of the study's day in `folder` (``plans/<study>`` beside the study file by
    default); the files of its campaigns."""
    target = folder or study.base / "plans" / study.name
    stem = f"{study.name}-{study.window.as_of}"
    return campaign_plan.freeze(plan(study), target, stem, went_out)
