"""The plan of campaigns: who is in which arm, and what came of it."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from segment_lab.act import campaign_plan

DRAWING = campaign_plan.Drawing("shop", "rfm", dt.date(2026, 6, 30), 90)
CUSTOMERS = [f"C{i:03}" for i in range(100)]
ACTIONS = pd.DataFrame(
    {
        "kind": ["email", "call"],
        "action": ["Write", "Ring"],
        "channel": ["email", "call"],
        "role": ["main", "test"],
        "customers": 100.0,
        "contacts": [70.0, 10.0],
        "held_out": 20.0,
        "cost_per_contact": [0.1, 6.0],
        "predicted_uplift": [0.01, 0.05],
        "promised": [0.3, -1.0],
    },
    index=[4, 7],
)


def drawn(actions=ACTIONS, customers=CUSTOMERS) -> pd.DataFrame:
    allowed = dict.fromkeys(actions.index, customers)
    return DRAWING.campaign("New ones", actions, allowed, pd.Series({"C001": "Ann"}))


def test_a_main_action_and_a_test_share_one_control():
    rows = drawn()
    assert rows["arm"].value_counts().to_dict() == {
        "email": 70,
        "holdout": 20,
        "call": 10,
    }
    assert rows["probability"].groupby(rows["arm"]).first()["call"] == pytest.approx(
        0.1
    )
    assert rows.loc[rows["arm"] == "holdout", "action"].isna().all()
    assert rows.set_index("customer_id")["owner"].dropna().to_dict() == {"C001": "Ann"}
    assert set(rows["campaign_id"]) == {"shop-2026-06-30-new-ones"}
    pd.testing.assert_frame_equal(rows, drawn(customers=CUSTOMERS[::-1]))


def test_only_who_may_get_every_action_is_drawn():
    allowed = {4: CUSTOMERS, 7: CUSTOMERS[:50]}
    rows = DRAWING.campaign("New ones", ACTIONS, allowed, pd.Series(dtype="object"))
    assert set(rows["customer_id"]) == set(CUSTOMERS[:50])
    assert rows["arm"].value_counts().to_dict() == {
        "email": 35,
        "holdout": 10,
        "call": 5,
    }


def test_an_action_without_a_planned_control_leaves_alone_whom_it_does_not_contact():
    second = ACTIONS.iloc[:1].assign(role="second", contacts=95.0, held_out=0.0)
    assert drawn(second)["arm"].value_counts().to_dict() == {"email": 95, "holdout": 5}


def test_a_pilot_takes_no_more_customers_than_planned():
    pilot = ACTIONS.iloc[1:].assign(held_out=15.0)
    assert drawn(pilot)["arm"].value_counts().to_dict() == {"holdout": 15, "call": 10}


def test_what_became_of_a_plan_is_what_it_promised_and_what_came():
    measured = pd.DataFrame(
        {
            "campaign_id": ["a", "b", "b"],
            "assigned_on": pd.to_datetime(["2026-01-01", "2026-04-01", "2026-04-01"]),
            "segment": ["A", "B", "All"],
            "action": "email",
            "treated": [100, 10, 10],
            "cost_per_contact": [0.5, float("nan"), 0.0],
            "promised": [2.0, 1.0, 1.0],
            "money_effect": [3.0, -1.0, -1.0],
            "money_effect_low": [1.0, -2.0, -2.0],
            "money_effect_high": [5.0, 0.5, 0.5],
            "money_se": [0.8, 0.6, 0.6],
            "money_freedom": 50.0,
        }
    )
    rows = campaign_plan.became(measured)
    assert rows["campaign_id"].tolist() == ["b", "a"]
    assert rows[["promised", "came", "learned"]].to_numpy().tolist() == [
        [10.0, -10.0, "unclear"],
        [200.0, 250.0, "pays"],
    ]
    assert campaign_plan.last(rows)["campaign_id"].tolist() == ["b"]


def test_one_of_many_campaigns_that_looks_good_by_chance_has_taught_nothing():
    measured = pd.DataFrame(
        {
            "campaign_id": list("abcdefgh"),
            "assigned_on": pd.Timestamp("2026-01-01"),
            "segment": list("ABCDEFGH"),
            "action": "email",
            "treated": 100,
            "cost_per_contact": 0.0,
            "promised": 1.0,
            "money_effect": [2.1, *[0.1] * 7],
            "money_se": 1.0,
            "money_freedom": 50.0,
        }
    )
    reach = {"_low": -1.96, "_high": 1.96}
    for end, errors in reach.items():
        measured[f"money_effect{end}"] = measured["money_effect"] + errors
    rows = campaign_plan.became(measured)
    assert rows["came_low"].max() > 0
    assert (rows["learned"] == "unclear").all()
    alone = campaign_plan.became(measured.head(1))
    assert alone["learned"].tolist() == ["pays"]
