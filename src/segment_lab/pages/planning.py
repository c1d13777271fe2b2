"""What page one decided, as campaigns that can go out: `segment-lab plan`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from segment_lab.act.campaign_files import PlanFiles
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.front.gather import gathering
from segment_lab.study.study import Study
from segment_lab.texts import say


def plan(study: Study) -> list[pd.DataFrame]:
    """The campaigns of a study's day by the study file's strategy, one frame each
    (`campaign_plan.Drawing.campaign`).

    NotEnoughDataError where nothing is worth a contact, or whoever is worth one is in a campaign
    that still runs.
    """
    gathered = gathering(study)
    if gathered.campaigns:
        return gathered.campaigns
    running = gathered.running
    busy = int(running[["treated", "held"]].sum().sum()) if len(running) else 0
    free = running["measured_from"].min() if busy else None
    facts = {
        "as_of": study.window.as_of,
        "busy": busy,
        "free": free,
    }
    raise NotEnoughDataError(say("plan.nothing", **facts))


def files(study: Study, folder: Path | None = None) -> PlanFiles:
    """The study's plans in `folder`; ``plans/<study>`` beside the study file by default."""
    return PlanFiles(folder or study.base / "plans" / study.name, study.name)


def write_plan(study: Study, plans: PlanFiles) -> list[Path]:
    """Draw the plan of the study's day and freeze it; the files of its campaigns."""
    return plans.freeze(plan(study), study.window.as_of)


def date_plan(
    study: Study,
    plans: PlanFiles,
    sent: dt.date,
    day: dt.date | None = None,
) -> list[Path]:
    """Fill in when a plan went out: that of `day`, or the last one without a date, as it was drawn.
    Where there is none, that of the study's day is drawn and dated at once.
    """
    waiting = plans.undated()
    if day is None:
        day = waiting[-1] if waiting else study.window.as_of
    if not plans.of(day):
        write_plan(study, plans)
    return plans.went_out(day, sent)
