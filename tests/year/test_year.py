"""A year in operation with known effects: what was promised, what came, and who was contacted."""

from __future__ import annotations

import pandas as pd
import pytest

from segment_lab.act import Playbook

from .operation import Company, table


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
