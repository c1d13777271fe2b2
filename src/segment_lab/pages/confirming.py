"""Which treatments of a scheme's segments other schemes confirm."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from segment_lab.act import campaigns
from segment_lab.act.choice import agreement
from segment_lab.act.evidence import Happened, evidence
from segment_lab.act.stance import stances
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.decision import DecisionReport
from segment_lab.schemes import scheme as declared

#: Populations of schemes that describe what everybody buys.
WHOLE = ("buyers", "everybody")


def confirmed(
    report: DecisionReport,
    able: Iterable[str],
    margin_rate: float | None = None,
) -> pd.DataFrame:
    """Share of each segment's customers whom each other scheme gives the same stance.

    Stances follow from the evidence alone, so nothing is planned again. Schemes that do not
    describe what everybody buys (payment behaviour, engagement) are no judges of it; neither are
    those whose segments cannot be compared over time.

    Returns
    -------
    DataFrame
        A row per segment of the report's scheme, a column per other scheme.
    """
    mine = _stances(report, margin_rate)
    shares = {}
    for scheme in able:
        if scheme == report.scheme or declared(scheme).population not in WHOLE:
            continue
        other = DecisionReport(report.study, scheme, report.horizon_days, report.seed)
        try:
            theirs = _stances(other, margin_rate)
            labels = other.now.labels
        except NotEnoughDataError:
            continue
        shares[scheme] = agreement(report.now.labels, mine, labels, theirs)
    return pd.DataFrame(shares, index=mine.index)


def _stances(report: DecisionReport, margin_rate: float | None) -> pd.Series:
    """The stance of each segment before its campaigns are weighed."""
    contacted: list[str] = []
    if report.earlier.window is not None:
        contacted = campaigns.contacted_since(report.found, report.earlier.window.as_of)
    happened = Happened(report.earlier, report.recent, contacted)
    known = evidence(report.now, report.people, happened, margin_rate=margin_rate)
    return stances(known)["stance"]
