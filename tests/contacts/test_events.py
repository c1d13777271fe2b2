"""Contacts become engagement: counted by hand, blind to the future, clicks before opens."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segment_lab.contacts.events import (
    click_topics,
    effort,
    engagement_table,
    gap,
    response,
    usual_minutes,
)
from segment_lab.contacts.segmenter import EngagementSegmenter, engagement_finding
from segment_lab.errors import NotEnoughDataError

TOUCHES = [
    ("a", "2026-01-01", "email", "delivered", None, None),
    ("a", "2026-01-02", "email", "opened", None, None),
    ("a", "2026-01-02", "email", "Clicked", "tea", None),
    ("a", "2026-01-20", "email", "clicked", "tea", None),
    ("a", "2026-01-21", "email", "clicked", "prices", None),
    ("b", "2026-01-01", "email", "undelivered", None, None),
    ("b", "2026-01-05", "call", "call", None, 12.0),
    ("b", "2026-01-06", "chat", "chat", None, 3.0),
    ("c", "2026-01-03", "visit", "visit", "tea", None),
    ("d", "2025-01-01", "email", "clicked", "tea", None),
    ("d", "2026-01-10", "email", "delivered", None, None),
    ("e", "2026-01-10", "call", "call", None, None),
    ("e", "2026-01-11", "email", "delivered", None, None),
    ("e", "2026-01-12", "email", "opened", None, None),
]


def touches(rows=TOUCHES) -> ibis.Table:
    frame = pd.DataFrame(
        rows,
        columns=["customer_id", "touch_date", "channel", "event", "topic", "minutes"],
    )
    return ibis.memtable(
        frame.assign(
            touch_date=pd.to_datetime(frame["touch_date"]).dt.date,
            topic=frame["topic"].astype("str"),
            minutes=frame["minutes"].astype(float),
        )
    )


class TestTable:
    def test_counted_by_hand(self):
        table = engagement_table(touches(), "2026-02-01")
        assert list(table.index) == list("abcde")
        assert table.loc["a", ["delivered", "opened", "clicked"]].tolist() == [1, 1, 3]
        assert table.loc[
            "b", ["undelivered", "calls", "chats", "contact_minutes"]
        ].tolist() == [
            1,
            1,
            1,
            15,
        ]
        assert table.loc["a", ["days_since_clicked", "days_since_opened"]].tolist() == [
            11,
            30,
        ]
        assert table.loc["a", "days_since_contact"] == 11
        assert np.isnan(table.loc["b", "days_since_clicked"])
        assert table.loc["c", "visits"] == 1
        assert table.loc["a", "top_topic"] == "tea"
        assert pd.isna(table.loc["c", "top_topic"])

    def test_usual_minutes_stand_in_for_contacts_the_company_made(self):
        costs = ibis.memtable(
            {
                "action": ["call", "visit us", "mail"],
                "channel": ["call", "call", "email"],
                "minutes_per_contact": [8.0, 12.0, 1.0],
            }
        )
        assert usual_minutes(costs) == {"call": 10.0, "email": 1.0}
        table = engagement_table(touches(), "2026-02-01", minutes=usual_minutes(costs))
        # b: 12 and 3 recorded; e: a call of 10, and 1 for the mail, not for its opening.
        assert table["contact_minutes"].to_dict() == {
            "a": 1,
            "b": 15,
            "c": 0,
            "d": 1,
            "e": 11,
        }

    def test_without_recorded_minutes(self):
        plain = touches().drop("minutes")
        assert (
            engagement_table(plain, "2026-02-01")["contact_minutes"].tolist() == [0] * 5
        )
        usual = engagement_table(plain, "2026-02-01", minutes={"call": 10.0})
        assert usual["contact_minutes"].tolist() == [0, 10, 0, 0, 10]

    def test_topics(self):
        assert click_topics(touches(), "2026-02-01").loc["a"].to_dict() == {
            "prices": 1,
            "tea": 2,
        }
        assert click_topics(touches().drop("topic"), "2026-02-01").empty

    @settings(max_examples=8)
    @given(st.lists(st.sampled_from(TOUCHES), max_size=5))
    def test_the_future_is_not_seen(self, more):
        later = [(c, "2026-02-01", *rest) for c, _, *rest in more]
        pd.testing.assert_frame_equal(
            engagement_table(touches([*TOUCHES, *later]), "2026-02-01"),
            engagement_table(touches(), "2026-02-01"),
        )


class TestStates:
    def test_the_best_answer_within_the_period_counts(self):
        table = engagement_table(touches(), "2026-02-01")
        everyone = table.reindex([*table.index, "f"])
        result = EngagementSegmenter(days=365).fit(everyone).segment(everyone)
        assert result.names == (
            "Clicked",
            "Opened",
            "Delivered only",
            "Undelivered",
            "Not mailed",
        )
        # d clicked 396 days ago; c was never mailed; of f nothing is known.
        assert result.labels.to_dict() == {
            "a": "Clicked",
            "b": "Undelivered",
            "c": "Not mailed",
            "d": "Delivered only",
            "e": "Opened",
            "f": "Not mailed",
        }
        longer = EngagementSegmenter(days=396).fit(everyone).segment(everyone)
        assert longer.labels["d"] == "Clicked"

    def test_in_words_with_opens_marked(self):
        table = engagement_table(touches(), "2026-02-01")
        states = EngagementSegmenter().fit(table).segment(table)
        first, second = engagement_finding(states).sentences
        assert (
            first
            == "1 of 3 customers with delivered mail followed a link (33%); 1 did not react."
        )
        assert second.startswith(
            "1 address no longer works; 1 of 5 customers were not mailed."
        )
        assert "Unreliable" in EngagementSegmenter().meanings()["Opened"]

    def test_no_share_is_given_where_deliveries_are_not_recorded(self):
        table = engagement_table(touches(), "2026-02-01")
        states = EngagementSegmenter().fit(table).segment(table)
        found = engagement_finding(states, delivery_known=False)
        assert "1 customer followed a link" in found.sentences[0]
        assert "%" not in found.sentences[0]
        assert found.figures["clicked_share"] is None


class TestResponse:
    def test_contacted_before_bought_after(self):
        """The period is 12 to 31 January: a and c buy in it."""
        segments = pd.Series("one", index=list("abcdef"))
        row = response(
            touches(), ["a", "c"], segments, "2026-02-01", days=20, before=11
        ).loc["one"]
        # Mail delivered or a call from 1 to 11 January: a, b, d, e. A visit (c) is the customer's
        # own.
        assert row["contacted_customers"] == 4
        assert row["contacted_bought"] == 0.25
        assert row["not_contacted_customers"] == 2
        assert row["not_contacted_bought"] == 0.5
        assert row["contacted_bought_low"] < 0.25 < row["contacted_bought_high"]
        assert row["difference"] == pytest.approx(-0.25)
        assert row["difference_low"] < -0.25 < row["difference_high"] < 1

    def test_no_difference_where_everybody_was_contacted(self):
        row = response(
            touches(), ["a"], pd.Series("one", index=["a"]), "2026-02-01", days=20
        ).iloc[0]
        assert row["contacted_customers"] == 1
        assert np.isnan(row["difference"])

    def test_nobody_to_look_at(self):
        with pytest.raises(NotEnoughDataError):
            response(touches(), [], pd.Series(dtype="str"), "2026-02-01")


def test_effort_shares_add_up():
    segments = pd.Series(list("xxyyyz"), index=list("abcdef")).astype(
        pd.CategoricalDtype(list("xyzw"))
    )
    out = effort(
        engagement_table(touches(), "2026-02-01"),
        segments,
        pd.Series({"a": 30.0, "c": 10.0}),
    )
    assert out["contact_minutes"].tolist() == [15, 0, 0, 0]
    assert out["revenue_share"].tolist() == [0.75, 0.25, 0, 0]
    assert out[["effort_share", "customer_share"]].sum().tolist() == pytest.approx(
        [1, 1]
    )
    assert out["minutes_per_customer"].tolist()[:3] == [7.5, 0, 0]
    # 15 of the 15 minutes, where 75 % of the money would be 11.25 of them.
    assert out["minutes_above_share"].tolist() == pytest.approx([3.75, -3.75, 0, 0])


def test_the_gap_names_the_segments_that_take_twice_what_they_bring():
    shares = {
        "effort_share": [0.5, 0.3, 0.2, 0.0],
        "revenue_share": [0.8, 0.15, 0.05, 0.0],
    }
    found = gap(pd.DataFrame(shares, index=list("ABCD")))
    assert found.segments == ["B", "C"]
    assert (found.effort_share, found.revenue_share) == pytest.approx((0.5, 0.2))
    assert gap(pd.DataFrame(shares, index=list("ABCD")), times=5).segments == []
