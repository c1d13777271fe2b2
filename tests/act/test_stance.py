"""Stances follow worth, rhythm and natural return; hours freed are hours gained."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lab.act import stance
from segment_lab.act.stance import stances


def known(rows, **columns):
    """From (share of customers, share of revenue, lapsed share, upper end of the natural rate)."""
    names = ["customer_share", "revenue_share", "lapsed_share", "natural_rate_high"]
    frame = pd.DataFrame(rows, columns=names, index=[f"S{i}" for i in range(len(rows))])
    given_too = {"customers": 100, "slowing_share": 0.0, "new_share": 0.0, **columns}
    return frame.assign(revenue=frame["revenue_share"] * 1000, **given_too)


def test_each_stance_by_hand():
    table = known(
        [
            (0.2, 0.6, 0.1, 0.8),
            (0.2, 0.2, 0.1, 0.6),
            (0.05, 0.1, 1.0, 0.02),
            (0.25, 0.02, 1.0, 0.3),
            (0.3, 0.08, 1.0, 0.03),
        ]
    )
    assert stances(table)["stance"].tolist() == [
        "protect",
        "grow",
        "win_back",
        "keep_in_touch",
        "let_go",
    ]
    assert stances(table, winnable=["S4"])["stance"].iloc[4] == "win_back"
    assert stances(table.assign(customers=0))["stance"].unique().tolist() == ["empty"]


def test_a_segment_that_a_campaign_calls_is_not_said_to_get_mail_alone():
    rows = [(0.2, 0.9, 0.1, 0.8), (0.8, 0.1, 0.1, 0.3)]
    table = known(rows).assign(minutes=[600, 600])
    mailed, called = stances(table), stances(table, winnable=["S1"], called=["S1"])
    assert mailed.loc["S1", ["stance", "hours_freed"]].tolist() == ["keep_in_touch", 10]
    assert called.loc["S1", ["stance", "hours_freed"]].tolist() == ["grow", 0]


def test_a_segment_that_takes_more_time_than_it_brings_is_given_none_of_the_freed():
    rows = [(0.2, 0.7, 0.1, 0.8), (0.2, 0.2, 1.0, 0.3), (0.6, 0.1, 1.0, 0.3)]
    table = known(rows).assign(minutes=[600, 3000, 600])
    found = stances(table)
    assert found["stance"].tolist() == ["protect", "win_back", "keep_in_touch"]
    assert found["hours_freed"].tolist() == [0, 0, 10]
    assert found["hours_gained"].tolist() == [10, 0, 0]


SHARE = st.floats(0.01, 1)


@given(
    st.lists(
        st.tuples(SHARE, SHARE, st.floats(0, 1), st.floats(0, 1)),
        min_size=1,
        max_size=8,
    )
)
def test_nobody_is_let_go_who_comes_back_and_every_hour_is_kept(rows):
    table = known(rows, minutes=60.0)
    found = stances(table)
    gone = found["stance"] == stance.LET_GO
    assert (table.loc[gone, "natural_rate_high"] < 0.10).all()
    gained, freed = found["hours_gained"].sum(), found["hours_freed"].sum()
    assert gained in (pytest.approx(freed), 0)
    assert found["hours_proposed"].min() >= 0
