"""Exceptions leave audiences and are counted once; the top of a segment is worth more."""

from __future__ import annotations

import pandas as pd
import pytest

from segment_lab.act import audiences
from segment_lab.act.playbook import Entry


def entry(**changes):
    words = dict.fromkeys(
        ("kpi", "guardrail", "rationale", "source", "assumption"), "x"
    )
    return Entry(
        segment="A", action="Mail", kind="email", channel="email", **words, **changes
    )


PEOPLE = pd.DataFrame(
    {
        "segment": "A",
        "revenue": [900.0, 800, 10, 10, 10, 10],
        "monetary_value": [300.0, 300, 10, 10, 10, 10],
    },
    index=list("abcdef"),
)
KNOWN = pd.DataFrame(
    {
        "margin_per_conversion": [40.0],
        "margin_se": [2.0],
        "margin_basis": ["buyers"],
        "planning_rate": [0.2],
    },
    index=["A"],
)
FLAGS = pd.DataFrame(
    {"debt": [True, False, True, False], "no_consent": [True, True, False, False]},
    index=list("abcx"),
)


def test_every_exception_counts_once_under_the_first_reason():
    row = audiences.valued(
        audiences.counted({"A": [entry()]}, PEOPLE, FLAGS), KNOWN
    ).iloc[0]
    assert row[["members", "debt", "no_consent", "dispute", "customers"]].tolist() == [
        6,
        2,
        1,
        0,
        3,
    ]


@pytest.mark.parametrize(("channel", "left"), [("email", 5), ("sms", 6), ("post", 6)])
def test_an_address_is_needed_only_for_mail(channel, left):
    flags = pd.DataFrame({"no_address": [True]}, index=["a"])
    by = entry().model_copy(update={"channel": channel})
    row = audiences.valued(audiences.counted({"A": [by]}, PEOPLE, flags), KNOWN).iloc[0]
    assert row["customers"] == left
    assert row["no_address"] == 6 - left


def test_consent_binds_only_what_is_written():
    call = entry().model_copy(update={"channel": "call"})
    row = audiences.valued(audiences.counted({"A": [call]}, PEOPLE, FLAGS), KNOWN).iloc[
        0
    ]
    assert row[["debt", "no_consent", "customers"]].tolist() == [2, 0, 4]


def test_the_top_of_a_segment_is_an_option_of_its_own():
    table = audiences.valued(
        audiences.counted({"A": [entry(top=2), entry()]}, PEOPLE, pd.DataFrame()), KNOWN
    )
    assert table["customers"].tolist() == [2, 6]
    # Their orders are 300, the segment's are on average 640 / 6.
    assert table["margin"].tolist() == pytest.approx([40 * 300 / (640 / 6), 40])
