"""A window that moves along (`window: {days: …}`) describes customers; it must not bend what they
did, or when."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.decision import DecisionReport

SAMPLE = Path(__file__).resolve().parents[2] / "configs" / "sample.yml"


def log(days: int) -> pd.DataFrame:
    when = pd.Timestamp("2026-07-01") - pd.to_timedelta(
        [1 + i % days for i in range(1200)], "D"
    )
    return pd.DataFrame(
        {
            "customer_id": [f"c{i % 600}" for i in range(1200)],
            "order_date": when,
            "amount": 10.0,
        }
    )


@pytest.fixture(scope="module")
def reports():
    """The decision of the sample with all its years, and with one year that moves along."""
    return [
        DecisionReport(
            sl.Study.from_yaml(SAMPLE, methods={"abc": {}}, window=window), "abc"
        )
        for window in ({}, {"days": 365})
    ]


def test_what_customers_did_does_not_hang_on_how_long_they_are_watched(reports):
    whole, year = reports
    assert year.study.window.days == 365
    day = pd.Timestamp(year.study.window.as_of)
    lines = year.study.orders().to_pandas()
    late = lines[lines["order_date"] >= day - pd.Timedelta(days=90)]
    for report in reports:
        assert report.recent["revenue"].sum() == pytest.approx(
            late["amount"].sum(), abs=0.01
        )
        assert (report.recent["orders"] >= 0).all()
    known = year.recent.index
    assert year.recent["revenue"].to_dict() == pytest.approx(
        whole.recent["revenue"].loc[known].to_dict()
    )


def test_campaigns_older_than_the_window_keep_their_orders(reports):
    found = reports[0].found
    weeks = DecisionReport(
        sl.Study.from_yaml(SAMPLE, methods={"abc": {}}, window={"days": 60}), "abc"
    )
    assert (found["assigned_on"] < pd.Timestamp(weeks.study.window.start)).all()
    assert weeks.found["orders"].sum() == found["orders"].sum() > 0


def test_campaigns_drawn_before_the_window_begins_teach_nothing_and_break_nothing():
    study = sl.Study.from_yaml(
        SAMPLE, methods={"abc": {}}, window={"start": "2026-01-01"}
    )
    beliefs = DecisionReport(study, "abc").page().beliefs
    taught = {
        name
        for belief in beliefs.values()
        for names in belief.campaigns.values()
        for name in names
    }
    assert taught <= {"K3", "K4"}
    with pytest.raises(NotEnoughDataError, match="window starts"):
        study.at("2025-08-15").customers()


def test_days_before_the_first_order_are_no_data():
    study = sl.Study.from_frames(
        {"orders": log(20)}, as_of="2026-07-01", window={"days": 730}
    )
    assert study.window.days == 20
    assert "less than 30 days of data" in study.status("abc").reason
    with pytest.raises(NotEnoughDataError, match="first order"):
        study.at("2026-01-01").customers()


def test_a_window_longer_than_the_data_is_all_data():
    short, long = (
        sl.Study.from_frames({"orders": log(100)}, as_of="2026-07-01", window=window)
        for window in ({}, {"days": 730})
    )
    assert long.window == short.window
    assert str(long.status("abc")) == str(short.status("abc"))
