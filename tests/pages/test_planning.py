"""A plan of a day is one plan: the run's lists and `segment-lab plan` draw the same arms."""

from __future__ import annotations

import pandas as pd
import pytest

from segment_lab.pages.front.gather import audience_file, gathering
from segment_lab.pages.planning import plan
from segment_lab.render.lists import mailed_audience
from year.operation import QUARTERS, Company


@pytest.fixture(scope="module")
def made():
    return gathering(Company(customers=400).study(QUARTERS[0]))


def test_audiences_and_plan_agree_for_every_customer(made):
    planned = pd.concat(plan(made.study))
    listed = made.audiences()
    own = pd.concat(listed.values())
    own = own[own["arm"] != ""]
    keys = ["customer_id", "segment", "campaign_id", "arm", "channel"]
    pd.testing.assert_frame_equal(
        own[keys].sort_values("customer_id", ignore_index=True),
        planned[keys].sort_values("customer_id", ignore_index=True),
    )
    held = own["arm"] == "holdout"
    assert 0 < held.sum() < len(own)
    assert own["action"].isna().equals(held)
    for segment, rows in planned.groupby("segment"):
        assert len(listed[audience_file(str(segment))]) == len(rows)


def test_only_who_is_contacted_by_mail_is_mailed(made, monkeypatch):
    assert mailed_audience(made) is None
    monkeypatch.setattr(made, "personal", True)
    made.page.members["email"] = made.page.members.index + "@example.org"
    mailed = mailed_audience(made)
    planned = pd.concat(made.campaigns)
    planned = planned[(planned["arm"] != "holdout") & (planned["channel"] == "email")]
    assert len(planned)
    assert set(mailed["customer_id"]) == set(planned["customer_id"])
