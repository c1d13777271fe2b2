"""Limits per customer: once, or so many contacts in so many days, from campaigns and touches."""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd
import pytest

from segment_lab.act import audiences
from segment_lab.act.limits import History
from segment_lab.act.playbook import Entry, Playbook
from segment_lab.errors import ConfigError

AS_OF = dt.date(2026, 6, 30)
WORDS = dict.fromkeys(
    ("kpi", "guardrail", "rationale", "source", "assumption"), "words"
)
FAREWELL = {"action": "One farewell e-mail", "kind": "email", "channel": "email"}
MEMBERS = pd.DataFrame({"segment": "Lost", "revenue": 1.0}, index=list("abcdef"))


def entry(**limit: object) -> Entry:
    return Entry(segment="Lost", **FAREWELL, **WORDS, limit=limit)


def sent(customer: str, day: str, arm: str = "email", **more: object) -> dict:
    row = {"campaign_id": f"K-{day}", "customer_id": customer, "arm": arm}
    return {**row, "assigned_on": day, "segment": "Lost", "action": "email", **more}


def over(entry: Entry, campaigns: list[dict], touches: list[tuple] | None = None):
    table = None
    if touches is not None:
        columns = ["customer_id", "touch_date", "event", "topic", "campaign_id"]
        frame = pd.DataFrame(touches, columns=columns, dtype="string")
        frame = frame.assign(touch_date=pd.to_datetime(frame["touch_date"]).dt.date)
        table = ibis.duckdb.connect().create_table("touches", frame)
    history = History(AS_OF, pd.DataFrame(campaigns), table)
    return list(MEMBERS.index[history.over(MEMBERS, entry)])


def test_once_is_known_by_its_words_and_the_held_out_have_not_had_it():
    offer = {"offer": "One farewell e-mail"}
    rows = [
        sent("a", "2025-01-01", **offer),
        sent("b", "2025-01-01", arm="holdout", offer=None),
        sent("c", "2025-01-01", offer="The newsletter"),
        sent("d", "2026-07-01", **offer),  # later than the day
    ]
    assert over(entry(once=True), rows) == ["a"]


def test_once_without_words_goes_by_kind_and_segment():
    other = {"segment": "Loyal"}
    rows = [sent("a", "2025-01-01"), sent("b", "2025-01-01", **other)]
    rows.append(sent("c", "2025-01-01", action="call"))
    assert over(entry(once=True), rows) == ["a"]


def test_once_sees_who_was_contacted_although_held_out_and_what_touches_name():
    offer = {"offer": "One farewell e-mail"}
    rows = [sent("a", "2025-01-01", **offer)]
    rows.append(sent("b", "2025-01-01", arm="holdout", offer=None))
    touches = [
        ("b", "2025-01-02", "delivered", None, "K-2025-01-01"),
        ("c", "2025-01-02", "delivered", "One farewell e-mail", None),
        ("d", "2025-01-02", "clicked", "One farewell e-mail", None),
    ]
    assert over(entry(once=True), rows, touches) == ["a", "b", "c"]


def test_at_most_counts_all_channels_within_the_days_and_a_campaign_once():
    rows = [
        sent("a", "2026-04-01"),
        sent("b", "2026-04-01"),
        sent("c", "2026-03-31"),  # the day before the ninety
        sent("e", "2026-04-01", arm="holdout"),
    ]
    touches = [
        ("a", "2026-05-02", "call", None, None),  # a second contact
        ("b", "2026-04-01", "delivered", None, "K-2026-04-01"),  # the campaign's own
        ("c", "2026-05-02", "call", None, None),
        ("d", "2026-05-02", "call", None, None),
        ("d", "2026-06-29", "delivered", None, None),
        ("d", "2026-06-30", "delivered", None, None),  # not before the day
        ("e", "2026-04-02", "delivered", None, "K-2026-04-01"),  # held out, yet sent
        ("e", "2026-06-01", "opened", None, None),
        ("f", "2026-06-01", "undelivered", None, None),
    ]
    assert over(entry(at_most=2, in_days=90), rows, touches) == ["a", "d"]
    assert over(entry(at_most=1, in_days=90), rows, touches) == list("abcde")


def test_who_has_had_enough_is_left_out_and_counted():
    known = pd.DataFrame(
        {
            "margin_per_conversion": [40.0],
            "margin_se": [2.0],
            "margin_basis": ["buyers"],
            "planning_rate": [0.2],
        },
        index=["Lost"],
    )
    members = MEMBERS.assign(monetary_value=10.0)
    history = History(AS_OF, pd.DataFrame([sent("a", "2025-01-01")]))
    flags = pd.DataFrame({"debt": [True]}, index=["b"])
    entries = {"Lost": [entry(once=True)]}
    row = audiences.valued(
        audiences.counted(entries, members, flags, history), known
    ).iloc[0]
    assert row[["members", "debt", "limit_reached", "customers"]].tolist() == [
        6,
        1,
        1,
        4,
    ]


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"at_most": 2}, "needs both at_most and in_days"),
        ({"once": False}, "once: true"),
        ({"at_most": 0, "in_days": 9}, "greater than or equal to 1"),
        ({"ones": True}, "once"),
    ],
)
def test_half_a_limit_is_a_fault_of_the_playbook(limit, said):
    data = [{"segment": "Lost", **FAREWELL, **WORDS, "limit": limit}]
    with pytest.raises(ConfigError, match=said):
        Playbook.from_data(data)


def test_the_packaged_farewell_is_one():
    entries = Playbook.packaged("rfm").entries
    farewell = next(e for e in entries if e.action.startswith("One farewell"))
    assert farewell.limit is not None
    assert farewell.limit.once
