"""Effects against holdouts: recovered when planted, refused without a control, learned from with
restraint."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from segment_lab.act import experiment
from segment_lab.act.campaigns import (
    measurable,
    regroup,
    results,
    running,
    running_tests,
    stages,
)
from segment_lab.act.effects import calibration, effects
from segment_lab.data import embedded
from segment_lab.errors import NotEnoughDataError
from segment_lab.sample import campaign_trial
from segment_lab.segments.segmentation import Status

AS_OF = "2026-07-01"


def trial(rows, **constants):
    """Campaign rows from (segment, arm, customers, buyers)."""
    out = [
        {
            "segment": s,
            "arm": a,
            "orders": float(i < bought),
            "revenue": 50.0 * (i < bought),
        }
        for s, a, n, bought in rows
        for i in range(n)
    ]
    frame = pd.DataFrame(out).assign(
        **{
            "campaign_id": "K1",
            "action": "call",
            "finished": True,
            "assigned_on": pd.Timestamp("2026-01-01"),
            **constants,
        }
    )
    return frame.assign(customer_id=[f"C{i}" for i in range(len(frame))])


@pytest.fixture(scope="module")
def lines():
    rows = pd.DataFrame(
        [
            ("a", "1", "2026-01-09", 5.0),
            ("a", "2", "2026-01-10", 10.0),
            ("a", "2", "2026-01-10", 1.0),
            ("a", "3", "2026-03-01", 20.0),
            ("b", "4", "2026-03-10", 40.0),
            ("c", "5", "2026-02-01", 30.0),
            ("c", "R5", "2026-02-11", -30.0),
        ],
        columns=["customer_id", "order_id", "order_date", "amount"],
    )
    return embedded.shared().create_table(
        "ledger_lines",
        rows.assign(order_date=pd.to_datetime(rows["order_date"])),
        temp=True,
        overwrite=True,
    )


def test_results_count_the_horizon_exactly(lines):
    campaigns = pd.DataFrame(
        {
            "campaign_id": "K",
            "customer_id": ["a", "b", "c", "d"],
            "arm": "treatment",
            "assigned_on": "2026-01-10",
            "horizon_days": [59, 59, 59, 59],
        }
    )
    found = results(campaigns, lines, "2026-04-01").set_index("customer_id")
    # From the day itself to the day before 10 March; one order of two lines; a return is no order
    # but lowers revenue.
    assert found["orders"].to_dict() == {"a": 2, "b": 0, "c": 1, "d": 0}
    assert found["revenue"].to_dict() == {"a": 31, "b": 0, "c": 0, "d": 0}
    assert found["finished"].all()
    assert not results(campaigns, lines, "2026-03-09")["finished"].any()
    assert results(campaigns, lines, "2026-01-10").empty
    assert (
        results(campaigns.drop(columns="horizon_days"), lines, AS_OF)["orders"].sum()
        == 4
    )


def test_a_late_start_is_measured_as_soon_as_its_own_horizon_is_over(lines):
    sent = pd.DataFrame(
        {
            "campaign_id": ["K", "K", "late", "late"],
            "customer_id": list("abcd"),
            "arm": ["email", "holdout"] * 2,
            "assigned_on": ["2026-01-10", "2026-01-10", "2026-01-13", "2026-01-13"],
            "horizon_days": 59,
        }
    )
    for day, measured in (
        ("2026-03-10", {"K"}),
        ("2026-03-12", {"K"}),
        ("2026-03-13", {"K", "late"}),
    ):
        found = results(sent, lines, day)
        assert set(measurable(found)["campaign_id"]) == measured
        waiting = running_tests(found).set_index("campaign_id")
        assert set(waiting.index) == {"K", "late"} - measured
        assert set(waiting["measured_from"]) <= {pd.Timestamp("2026-03-13")}


def test_a_frozen_campaign_is_what_the_ledger_reads(lines, tmp_path):
    arms = experiment.assign_arms(
        pd.Series("A", index=list("abcd")), campaign_id="K", holdout_share=0.5
    )
    path = experiment.freeze(
        arms,
        tmp_path,
        campaign_id="K",
        assigned_on="2026-01-10",
        horizon_days=59,
        scheme="own",
        plan=pd.DataFrame({"action": "call", "predicted_uplift": 0.1}, index=["A"]),
    )
    row = effects(results(pd.read_parquet(path), lines, "2026-04-01")).iloc[0]
    bought = arms.index.isin(["a", "c"])
    expected = (
        bought[arms["arm"] == "treatment"].mean()
        - bought[arms["arm"] == "holdout"].mean()
    )
    assert (row["effect"], row["predicted"], row["action"]) == (expected, 0.1, "call")


def test_effect_by_hand():
    row = effects(
        trial(
            [("A", "treatment", 100, 30), ("A", "holdout", 50, 10)],
            predicted_uplift=0.05,
        )
    ).iloc[0]
    assert (row["treated"], row["held"], row["treated_rate"], row["holdout_rate"]) == (
        100,
        50,
        0.3,
        0.2,
    )
    assert row["effect"] == pytest.approx(0.1)
    assert row["money_effect"] == pytest.approx(5)
    assert row["effect_low"] < 0.05 < row["effect_high"]
    assert row["as_predicted"]
    far = effects(
        trial(
            [("A", "treatment", 1000, 300), ("A", "holdout", 1000, 200)],
            predicted_uplift=0.3,
        )
    )
    assert not far["as_predicted"].any()


def test_unequal_holdout_shares_do_not_mislead():
    # Simpson: no effect in either segment, but the good one is mostly treated. Raw rates differ by
    # 30 points.
    found = trial(
        [
            ("Good", "treatment", 900, 450),
            ("Good", "holdout", 100, 50),
            ("Bad", "treatment", 100, 10),
            ("Bad", "holdout", 900, 90),
        ]
    )
    pooled = effects(found).set_index("segment").loc["All"]
    assert pooled["effect"] == pytest.approx(0)
    assert (pooled["treated"], pooled["held"]) == (1000, 1000)


def test_before_against_after_is_refused():
    found = trial([("A", "treatment", 100, 30)])
    with pytest.raises(
        NotEnoughDataError, match="Before against after is not an effect"
    ):
        effects(found)
    both = pd.concat(
        [
            found,
            trial([("A", "treatment", 9, 3), ("A", "holdout", 9, 1)], campaign_id="K2"),
        ]
    )
    with pytest.raises(NotEnoughDataError, match="K1"):
        effects(both)
    assert set(effects(measurable(both))["campaign_id"]) == {"K2"}
    with pytest.raises(NotEnoughDataError, match="horizon"):
        effects(both.assign(finished=False))
    # A finished campaign without a holdout has ended: that is not what is missing.
    with pytest.raises(
        NotEnoughDataError, match="No campaign that left customers alone"
    ):
        effects(measurable(found))


def test_planted_effects_lie_inside_their_intervals():
    cells = []
    for seed in range(6):
        tables = campaign_trial(seed, customers=1500)
        orders = ibis.memtable(tables["orders"])
        found = effects(results(tables["campaigns"], orders, AS_OF))
        cells.append(
            found.merge(tables["truth_campaigns"], on=["campaign_id", "segment"])
        )
    table = pd.concat(cells)
    inside = table["planted_effect"].between(table["effect_low"], table["effect_high"])
    assert len(table) == 60
    assert inside.mean() >= 0.9
    assert (table["effect"] - table["planted_effect"]).mean() == pytest.approx(
        0, abs=0.015
    )


def test_regrouping_reads_the_same_trial_by_other_segments():
    found = trial(
        [
            ("A", "treatment", 50, 25),
            ("A", "holdout", 50, 10),
            ("B", "treatment", 50, 5),
            ("B", "holdout", 50, 5),
        ]
    )
    other = pd.Series(
        np.where(np.arange(200) % 2, "odd", "even"), index=found["customer_id"]
    )
    again = effects(regroup(found, {"K1": other})).set_index("segment")
    assert list(again.index) == ["even", "odd", "All"]
    assert again.loc["All", "effect"] == pytest.approx(0.15)
    # Customers without such a segment, campaigns without a grouping, and unequal chances stay out.
    assert len(regroup(found, {"K1": other.iloc[:60]})) == 60
    assert regroup(found, {}).empty
    uneven = trial(
        [
            ("A", "treatment", 90, 9),
            ("A", "holdout", 10, 1),
            ("B", "treatment", 10, 1),
            ("B", "holdout", 90, 9),
        ]
    )
    assert regroup(uneven, {"K1": other}).empty


def test_unequal_chances_are_no_obstacle_where_they_are_known():
    # No effect, but the good half is mostly treated; the chances of each stratum undo that.
    found = trial(
        [
            ("A", "treatment", 900, 450),
            ("A", "holdout", 100, 50),
            ("B", "treatment", 100, 10),
            ("B", "holdout", 900, 90),
        ]
    )
    chance = {("A", "treatment"): 0.9, ("A", "holdout"): 0.1, ("B", "treatment"): 0.1}
    pairs = zip(found["segment"], found["arm"], strict=True)
    known = found.assign(probability=[chance.get(pair, 0.9) for pair in pairs])
    everybody = pd.Series("all", index=found["customer_id"])
    assert regroup(found, {"K1": everybody}).empty
    row = effects(regroup(known, {"K1": everybody})).iloc[0]
    assert row["effect"] == pytest.approx(0, abs=1e-9)
    assert row["money_effect"] == pytest.approx(0, abs=1e-9)
    assert (
        row["treated_buyers"] < 460
    )  # as many as they are worth: fewer than were counted


def assigned(**columns):
    rows = [
        ("a", "gift"),
        ("b", "gift"),
        ("c", "letter"),
        ("d", "letter"),
        ("e", "rest"),
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "arm"])
    return frame.assign(
        campaign_id="K", assigned_on="2026-01-10", horizon_days=59, **columns
    )


def test_several_arms_have_one_declared_control(lines):
    twice = pd.concat([assigned(), assigned().assign(customer_id=list("fghij"))])
    costs = {"gift": 18.0, "letter": 2.0, "rest": 0.0}
    campaigns = twice.assign(control="rest", cost_per_contact=twice["arm"].map(costs))
    found = effects(results(campaigns, lines, AS_OF))
    whole = found[found["segment"] == "All"].set_index("variant")
    assert whole["action"].to_dict() == {"gift": "gift", "letter": "letter"}
    assert whole["cost_per_contact"].to_dict() == {"gift": 18, "letter": 2}
    assert whole["treated"].tolist() == [4, 4]
    assert whole["held"].tolist() == [2, 2]
    # Only a (gift) and c (letter) bought in the horizon.
    assert whole["treated_rate"].tolist() == [0.25, 0.25]


def test_without_a_declared_control_a_strange_arm_is_no_control(lines):
    found = results(assigned(), lines, AS_OF)
    assert measurable(found).empty


def test_a_recorded_outcome_needs_no_orders():
    outcome = [2.0, 0.0, 1.0, 3.0, 0.0]
    campaigns = assigned(outcome=outcome, outcome_worth=10.0, control="rest")
    found = results(campaigns, None, "2026-01-11")
    assert found["finished"].all()
    assert found["margin"].tolist() == [20, 0, 10, 30, 0]
    assert found["orders"].tolist() == [1, 0, 1, 1, 0]
    assert set(effects(found)["variant"]) == {"gift", "letter"}


def test_a_running_campaign_keeps_its_customers():
    campaigns = assigned()
    assert running(campaigns, "2026-02-01") == list("abcde")
    assert running(campaigns, "2026-03-10") == []


def test_calibration_and_stages():
    measured = effects(
        trial(
            [("A", "treatment", 400, 120), ("A", "holdout", 400, 80)],
            predicted_uplift=0.06,
        )
    )
    assert calibration(measured) == pytest.approx(
        {
            "hypotheses": 1,
            "inside_share": 1,
            "predicted_uplift": 0.06,
            "realised_uplift": 0.1,
        }
    )
    assert calibration(measured.assign(predicted=np.nan)) == {"hypotheses": 0}
    begun = stages(Status(), customers=400, days=20)
    assert begun["state"].tolist() == [
        "under_way",
        "preliminary",
        "not_started",
        "not_started",
    ]
    rows = pd.DataFrame(
        {"campaign_id": ["K1", "K2"], "predicted_uplift": [0.1, np.nan]}
    )
    done = stages(
        Status("PROPER", "segments.not_assessed"),
        customers=400,
        days=900,
        campaigns=rows,
        measured=measured,
    )
    assert done["state"].tolist() == ["done"] * 4
    assert done.loc["act", ["drawn", "registered"]].tolist() == [2, 1]
