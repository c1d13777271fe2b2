"""Actions keep their id from run to run, are due on working days, and are closed by what was
done."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from segment_lab.act import actions


def test_the_same_silence_is_the_same_action():
    one = actions.action_id("shop", "C1", "broke_rhythm", dt.date(2026, 3, 1))
    assert one == actions.action_id("shop", "C1", "broke_rhythm", dt.date(2026, 3, 1))
    others = {
        actions.action_id("shop", "C2", "broke_rhythm", dt.date(2026, 3, 1)),
        actions.action_id("shop", "C1", "growing", dt.date(2026, 3, 1)),
        actions.action_id("shop", "C1", "broke_rhythm", dt.date(2026, 4, 1)),
        actions.action_id("other", "C1", "broke_rhythm", dt.date(2026, 3, 1)),
    }
    assert one not in others
    assert len(others) == 4


@given(
    st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)),
    st.sampled_from([*actions.DUE_DAYS, "new kind"]),
)
def test_nothing_is_due_on_a_weekend_or_before_today(day, kind):
    due = actions.due_on(kind, day)
    assert due >= day
    assert due.weekday() < 5


EARLIER = pd.DataFrame(
    {
        "action_id": ["1", "2", "3", "4"],
        "customer_id": ["a", "b", "c", "d"],
        "kind": "broke_rhythm",
        "made_on": pd.Timestamp("2026-03-01"),
        "done": ["", "", "yes", "no"],
    }
)
TOUCHES = pd.DataFrame(
    {
        "customer_id": ["a", "a", "d", "d"],
        "touch_date": pd.to_datetime(
            ["2026-02-27", "2026-03-02", "2026-05-01", "2026-02-01"]
        ),
    }
)
ORDERS = pd.DataFrame(
    {
        "customer_id": ["a", "b"],
        "order_date": pd.to_datetime(["2026-03-20", "2026-02-20"]),
    }
)


def test_a_call_since_or_a_mark_closes_an_action():
    found = actions.closed_by(EARLIER, TOUCHES, ORDERS, dt.date(2026, 4, 1))
    assert found["done"].tolist() == [
        True,
        False,
        True,
        False,
    ]  # d: a call after the day
    assert found.loc[0, "done_on"] == pd.Timestamp("2026-03-02")
    assert found["bought"].tolist() == [True, False, False, False]


def test_without_contacts_only_marks_count():
    found = actions.closed_by(
        EARLIER.drop(columns="done"), None, ORDERS, dt.date(2026, 4, 1)
    )
    assert not found["done"].any()


def test_no_owner_gets_more_than_a_day_holds_and_the_urgent_come_first():
    rows = pd.DataFrame(
        {
            "kind": ["growing"] * 3 + ["broke_rhythm"] * 4,
            "owner": ["A", "A", "B", "A", "A", "B", None],
        }
    )
    friday, monday, tuesday = (dt.date(2026, 1, day) for day in (2, 5, 6))
    due = actions.spread(rows, dt.date(2026, 1, 2), 1)
    assert (
        due.tolist()
        == [tuesday, dt.date(2026, 1, 7), monday, friday, monday] + [friday] * 2
    )
    assert set(actions.spread(rows, dt.date(2026, 1, 3), 9)) == {monday}


def test_a_day_given_before_stays_and_takes_its_place():
    rows = pd.DataFrame({"kind": "growing", "owner": ["A"] * 4})
    first = actions.spread(rows, dt.date(2026, 1, 5), 2)
    kept = first.where([False, False, True, True])
    later = actions.spread(rows, dt.date(2026, 1, 6), 2, kept)
    monday, tuesday, wednesday = (dt.date(2026, 1, day) for day in (5, 6, 7))
    assert first.tolist() == [monday] * 2 + [tuesday] * 2
    assert later.tolist() == [wednesday] * 2 + [tuesday] * 2
