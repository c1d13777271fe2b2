"""A year in operation with known effects: what was promised, what came, and who was contacted."""

from __future__ import annotations

import pandas as pd
import pytest

from segment_lab.act import Playbook

from .operation import QUARTERS, Company, table


@pytest.mark.slow
def test_a_year_of_plans_is_measured_and_the_truth_lies_in_the_range():
    company = Company(customers=1200)
    year = table(company)
    assert (year["contacts"] > 0).all()
    assert (year["held_out"] > 0).all()
    assert (
        (year["came_low"] <= year["truth"]) & (year["truth"] <= year["came_high"])
    ).all()
    sent = pd.concat(company.campaigns)
    assert not sent.duplicated(["assigned_on", "customer_id"]).any()
    # What may be given once is given once.
    entries = Playbook.packaged("rfm").entries
    single = {e.action for e in entries if e.limit is not None and e.limit.once}
    given = sent[(sent["arm"] != "holdout") & sent["offer"].isin(single)]
    assert len(given)
    assert not given.duplicated(["offer", "customer_id"]).any()


@pytest.mark.slow
def test_a_narrow_pilot_that_went_badly_ends_the_cheap_action_nowhere():
    company = Company(customers=900)
    company.unlucky_pilot("2025-01-01", "About To Sleep")
    mailed = []
    for as_of in QUARTERS[:-1]:
        sent = pd.concat(company.quarter(as_of))
        treated = sent[sent["arm"] == "email"]
        mailed.append(treated.groupby("segment").size())
    # It is done somewhere in every quarter, asked again where it went badly, and at last goes to
    # most of those who may get it.
    assert all(len(quarter) for quarter in mailed)
    assert sum(quarter.get("About To Sleep", 0) for quarter in mailed)
    assert mailed[-1].sum() > 3 * mailed[0].sum() / 2
    held = (sent["arm"] == "holdout").sum()
    assert mailed[-1].sum() > 2 * held
