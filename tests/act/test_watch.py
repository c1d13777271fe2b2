"""Watch lists: each rule on customers made by hand, and the back-test against its baseline."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from segment_lab.act import watch


def facts(
    rows: dict[str, dict[str, float]],
    steps: dict[str, list[float]] | None = None,
    **other,
):
    people = pd.DataFrame.from_dict(rows, orient="index")
    defaults = {
        "gap_days": np.nan,
        "recency_days": 10,
        "frequency": 1,
        "revenue": 100.0,
    }
    for name, value in defaults.items():
        if name not in people:
            people[name] = value
        people[name] = people[name].fillna(value)
    half = pd.DataFrame.from_dict(
        steps or {}, orient="index", columns=range(12), dtype=float
    )
    stake = other.get("stake", people["revenue"])
    waits = pd.Series(other.get("waits", []), dtype="float64")
    interest = pd.Series(other.get("interest", {}), dtype="float64")
    return watch.Facts(people, stake, half, waits, interest, other.get("as_of"))


def test_a_broken_rhythm_needs_a_rhythm_and_is_recent():
    found = watch.broke_rhythm(
        facts(
            {
                "broken": {
                    "gap_days": 10,
                    "recency_days": 31,
                    "frequency": 5,
                    "revenue": 50,
                },
                "richer": {
                    "gap_days": 10,
                    "recency_days": 99,
                    "frequency": 3,
                    "revenue": 500,
                },
                "in rhythm": {"gap_days": 10, "recency_days": 30, "frequency": 5},
                "two orders": {"gap_days": 10, "recency_days": 99, "frequency": 2},
                "long gone": {"gap_days": 10, "recency_days": 366, "frequency": 9},
            }
        )
    )
    assert list(found.index) == ["richer", "broken"]
    assert found.loc["broken", ["usual_days", "silent_days"]].tolist() == [10, 31]


def test_growing_compares_two_half_years():
    rows = {name: {"frequency": 4} for name in ("grows", "level", "new")}
    steps = {
        "grows": [10] * 6 + [15] * 6,
        "level": [10] * 6 + [14] * 6,
        "new": [0] * 6 + [9] * 6,
    }
    found = watch.growing(facts(rows, steps))
    assert list(found.index) == ["grows"]
    assert found.loc["grows", ["before", "after"]].tolist() == [60, 90]


def test_one_order_waits_between_late_and_unlikely():
    rows = {str(days): {"recency_days": days} for days in (39, 40, 80, 81)}
    rows["two"] = {"recency_days": 50, "frequency": 2}
    found = watch.one_order(facts(rows, waits=[10, 20, 30, 40, 40, 40]))
    assert set(found.index) == {"40", "80"}


def test_without_second_orders_nobody_is_late():
    assert watch.one_order(facts({"a": {}})).empty


def test_loss_making_customers_are_large():
    rows = {f"small {i}": {"revenue": 10, "margin": -5} for i in range(8)}
    rows |= {
        "large": {"revenue": 900, "margin": -50},
        "good": {"revenue": 800, "margin": 80},
    }
    found = watch.loss_making(facts(rows))
    assert list(found.index) == ["large"]
    assert watch.loss_making(facts({"a": {"revenue": 5}})).empty


def test_interest_waits_for_an_answer_only_while_it_is_fresh_and_nobody_has_bought():
    rows = {name: {"recency_days": 40} for name in ("fresh", "old", "silent")}
    rows["bought"] = {"recency_days": 2}
    found = watch.unanswered(
        facts(rows, interest={"fresh": 14, "old": 15, "bought": 3, "stranger": 1})
    )
    assert list(found.index) == ["fresh"]
    assert found.loc["fresh", "interest_days"] == 14


def test_a_birthday_is_listed_in_the_two_weeks_before_it_in_any_year():
    born = {
        "today": "1980-12-25",
        "new year": "1990-01-07",
        "too far": "1990-01-08",
        "over": "1970-12-24",
        "unknown": None,
    }
    made = facts({name: {} for name in born}, as_of=dt.date(2025, 12, 25))
    made.customers["birthday"] = pd.Series(born)
    assert set(watch.birthday(made).index) == {"today", "new year"}
    assert watch.birthday(facts({"a": {}}, as_of=dt.date(2025, 12, 25))).empty


@pytest.mark.parametrize("rule", watch.RULES)
def test_every_rule_answers_an_empty_base(rule):
    empty = facts({"a": {}})
    empty = watch.Facts(
        empty.customers.iloc[:0],
        empty.at_stake.iloc[:0],
        empty.steps,
        empty.second_order_days,
    )
    assert watch.RULES[rule](empty).empty


def test_the_back_test_counts_who_bought_and_the_others():
    then = facts(
        {
            "broken": {"gap_days": 10, "recency_days": 40, "frequency": 5},
            "also": {"gap_days": 10, "recency_days": 50, "frequency": 5},
            "other": {"gap_days": 10, "recency_days": 5, "frequency": 5},
        }
    )
    since = pd.DataFrame(
        {"future_orders": [1, 0, 2]}, index=["broken", "also", "other"]
    )
    found = watch.back_test("broke_rhythm", then, since)
    assert (found.named, found.bought, found.share, found.others_share) == (
        2,
        1,
        0.5,
        1.0,
    )
    assert found.low < 0.5 < found.high


def test_a_back_test_of_nobody_claims_no_share():
    found = watch.back_test(
        "growing", facts({"a": {}}), pd.DataFrame({"future_orders": [1]}, index=["a"])
    )
    assert found.named == 0
    assert np.isnan(found.share)
