"""A plan of a day is one plan: the run's lists and `segment-lab plan` draw the same arms; later
pages say until when it runs and what became of it."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pandas as pd
import pytest

from segment_lab.errors import NotEnoughDataError
from segment_lab.pages import planning
from segment_lab.pages.front.gather import gathering
from segment_lab.pages.front.links import audience_file
from segment_lab.pages.planning import plan
from segment_lab.render.history import rows_of
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


@pytest.fixture
def gathered(made, monkeypatch):
    """Page one is gathered once for all tests."""
    monkeypatch.setattr(planning, "gathering", lambda study: made)


def test_a_date_goes_to_the_last_plan_without_one_and_draws_nothing_anew(
    made, gathered, tmp_path
):
    plans = planning.files(made.study, tmp_path)
    drawn = planning.write_plan(made.study, plans)
    later = made.study.at("2025-03-01")  # whose own day has no plan
    dated = planning.date_plan(later, plans, dt.date(2025, 4, 4))
    assert dated == sorted(drawn)
    assert plans.days() == [made.study.window.as_of]
    assert set(pd.concat(map(pd.read_csv, drawn))["assigned_on"]) == {"2025-04-04"}


def test_where_no_plan_waits_the_day_is_drawn_and_dated_at_once(
    made, gathered, tmp_path
):
    plans = planning.files(made.study, tmp_path)
    dated = planning.date_plan(made.study, plans, dt.date(2025, 4, 1))
    assert [pd.read_csv(path)["assigned_on"].unique().tolist() for path in dated] == [
        ["2025-04-01"]
    ] * len(made.campaigns)


def test_where_everybody_is_in_a_running_campaign_the_plan_says_from_when_on(
    made, monkeypatch
):
    rows = {
        "treated": [60],
        "held": [20],
        "measured_from": [pd.Timestamp("2025-07-03")],
    }
    busy = SimpleNamespace(campaigns=[], running=pd.DataFrame(rows))
    monkeypatch.setattr(planning, "gathering", lambda study: busy)
    with pytest.raises(NotEnoughDataError, match=r"80 customers.* from 3 July 2025"):
        plan(made.study)


@pytest.fixture(scope="module")
def afterwards(made):
    """The company once the plan of the first day went out, three days late."""
    company = Company(customers=400)
    sent = pd.concat(made.campaigns).drop(columns=["channel", "owner"])
    company.campaigns.append(sent.assign(assigned_on=pd.Timestamp("2025-04-04")))
    return company


@pytest.mark.slow
def test_running_tests_their_end_and_when_they_are_measured_are_on_page_one(afterwards):
    front = gathering(afterwards.study("2025-05-01")).front()
    shown = front.shown()
    week = next(part for part in shown["parts"] if part["heading"] == "This week")
    (line,) = week["lines"]
    first = sorted(afterwards.campaigns[0]["campaign_id"])[0]
    told = f"{first} until 2 July 2025, measured from 3 July 2025"
    assert told in line
    # Who takes part is in no new draw.
    again = front.running["treated"].sum() + front.running["held"].sum()
    assert again == len(afterwards.campaigns[0])


@pytest.mark.slow
def test_last_times_plan_is_on_the_index(afterwards):
    made = gathering(afterwards.study("2025-07-03"))
    told = rows_of(made)["plan"]
    assert len(told) == 1
    for word in ("promised", "came", "95% range", "Last plan"):
        assert word in told[0]
    assert made.front()._running() == []
