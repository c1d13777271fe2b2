"""What to do with each segment of a scheme: the stances of page one, whichever scheme a page
shows."""

from __future__ import annotations

import pandas as pd

from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.pages.front.gather import Gathering, gathering
from segment_lab.show.cards import says_why
from segment_lab.show.macros import Html
from segment_lab.show.tables import table
from segment_lab.study.study import Study
from segment_lab.texts import say


def serving(study: Study, scheme: str) -> pd.DataFrame:
    """How every segment of a scheme is served.

    Parameters
    ----------
    study : Study
        Its file says the horizon, the margin and the limits, as for page one.
    scheme : str
        Any scheme with the same segment names on every day.

    Returns
    -------
    DataFrame, index segment
        ``customers, stance`` (a key of `act.stance.STANCES`).

    Raises
    ------
    NotEnoughDataError
        The log is too short, or the company's own playbook is made for other segments.
    """
    asked = gathering(study)
    options = dict(asked.options)
    if scheme != asked.scheme:
        options["playbook"] = None  # the company's own is made for the scheme it acts on
    try:
        treated = Gathering(study, scheme, asked.days, options).page.treatments
    except ConfigError as error:
        raise NotEnoughDataError(str(error)) from error
    return treated[["members", "stance"]].rename(columns={"members": "customers"})


@says_why
def serving_table(study: Study, scheme: str) -> Html:
    """The same in words, one row per segment."""
    served = serving(study, scheme)
    words = pd.DataFrame(
        {
            "customers": served["customers"],
            "stance": [say(f"stance.name.{stance}") for stance in served["stance"]],
            "treatment": [say(f"stance.treatment.{stance}") for stance in served["stance"]],
        },
        index=served.index,
    )
    labels = {name: say(f"stance.columns.{name}") for name in ("stance", "treatment")}
    return table(words, say("stance.by_segment"), labels=labels, note=say("stance.by_segment_note"))
