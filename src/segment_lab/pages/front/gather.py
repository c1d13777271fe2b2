"""Page one of a study: what the other pages found, brought together."""

from __future__ import annotations

import pandas as pd

from segment_lab.pages.front.document import Front
from segment_lab.pages.front.news import News
from segment_lab.pages.lists import ActionList, running_arms
from segment_lab.pages.watching import Watching
from segment_lab.study.study import Study


def front_of(study: Study, *, scheme: str, days: int, personal: bool = False) -> Front:
    """Page one of a study.

    Parameters
    ----------
    study : Study
        With orders.
    scheme : str
        Whose segments are acted on.
    days : int
        Length of the periods that are compared.
    personal : bool
        Whether names may be shown.
    """
    campaigns = study.table("campaigns").to_pandas() if study.has("campaigns") else None
    arms = running_arms(campaigns, study.window.as_of)
    watching = Watching(study, days)
    debtors = pd.Series(dtype="float64")
    actions = ActionList(study, scheme, watching, debtors, arms, personal)
    segments = study.segmentation(scheme).profile(study.customers())
    segments["change"] = float("nan")
    minutes = pd.Series(dtype="float64")
    if study.has("touches"):
        minutes = study.contacts()["contact_minutes"]
    return Front(News(study, scheme, days), study.title, [], segments, actions, minutes=minutes)
