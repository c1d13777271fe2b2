"""Arms that can no longer be compared say so."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from segment_lab.act import arms
from segment_lab.act import campaigns as measuring
from segment_lab.act.effects import measured

DRAWN = pd.Timestamp("2026-01-10")


def campaign(treated: int, held: int) -> pd.DataFrame:
    rows = pd.DataFrame({"arm": ["treatment"] * treated + ["holdout"] * held})
    rows["customer_id"] = [f"C{i:03}" for i in range(len(rows))]
    return rows.assign(
        campaign_id="K",
        assigned_on=DRAWN,
        horizon_days=30,
        segment="A",
        action="call",
        probability=[treated / len(rows)] * treated + [held / len(rows)] * held,
    )


def lines(ids: list[str], day: str) -> ibis.Table:
    rows = pd.DataFrame(
        {"customer_id": ids, "order_date": pd.Timestamp(day), "amount": 5.0}
    )
    return ibis.memtable(rows)


def found(rows: pd.DataFrame, listed, first=None, touches=None, orders=None):
    known = arms.Traces(listed, first or {})
    orders = lines(["C000"], "2026-01-12") if orders is None else orders
    return measuring.results(rows, orders, "2026-06-01", known=known, touches=touches)


def test_customers_who_are_in_no_table_are_counted_by_arm_and_left_out():
    rows = campaign(100, 100)
    listed = [c for c in rows["customer_id"] if c not in ("C005", "C150")]
    result = found(rows, listed)
    row = arms.checked(result).iloc[0]
    assert (row["treated_gone"], row["held_gone"]) == (1, 1)
    assert not row["uneven_losses"]
    assert len(measuring.measurable(result)) == 198


def test_erasing_one_arm_more_than_the_other_withholds_the_effect():
    rows = campaign(100, 100)
    listed = rows["customer_id"].tolist()[20:]
    result = found(rows, listed)
    assert arms.withheld(result) == ["K"]
    assert arms.checked(result)["uneven_losses"].iloc[0]
    assert measuring.measurable(result).empty


def test_being_found_only_by_a_later_order_does_not_count_as_being_there():
    rows = campaign(2, 2)
    first = {"C000": DRAWN + pd.Timedelta(days=2), "C001": DRAWN - pd.Timedelta(days=2)}
    assert list(arms.Traces((), first).lost(rows)) == [True, False, True, True]


def test_a_recorded_outcome_needs_no_other_table():
    rows = campaign(2, 2).assign(outcome=[1.0, 0.0, 0.0, 0.0])
    assert not arms.Traces().lost(rows).any()


def test_control_customers_who_were_contacted_after_all_are_counted():
    rows = campaign(3, 3)
    touches = ibis.memtable(
        pd.DataFrame(
            {
                "customer_id": ["C003", "C003", "C004", "C005", "C000"],
                "campaign_id": ["K", "K", "other", "K", "K"],
                "touch_date": pd.to_datetime(
                    ["2026-01-11"] * 3 + ["2026-03-01", "2026-01-11"]
                ),
            }
        )
    )
    result = found(rows, rows["customer_id"].tolist(), touches=touches)
    assert result.loc[result["reached"], "customer_id"].tolist() == ["C000", "C003"]
    assert arms.checked(result)["held_reached"].iloc[0] == 1


def test_the_planned_ratio_is_held_against_the_drawn_one():
    rows = campaign(200, 200)
    assert (
        arms.checked(found(rows, rows["customer_id"].tolist()))["ratio_p"].iloc[0] == 1
    )
    lost = rows.iloc[80:]
    row = arms.checked(found(lost, lost["customer_id"].tolist())).iloc[0]
    assert row["ratio_p"] < 0.001
    assert row["uneven_sizes"]


def test_traces_come_from_tables_that_list_customers_and_from_first_days():
    people = ibis.memtable({"customer_id": ["C000", "x"]})
    seen = arms.traces(
        campaign(1, 1), [people], [(lines(["C001", "y"], "2026-01-01"), "order_date")]
    )
    assert set(seen.listed) == {"C000"}
    assert seen.first_seen == {"C001": pd.Timestamp("2026-01-01")}


def test_a_campaign_of_several_actions_is_not_labelled_with_the_first():
    rows = campaign(4, 4)
    rows["segment"] = ["A", "B"] * 4
    rows["action"] = ["call", "email"] * 4
    effects = measured(found(rows, rows["customer_id"].tolist()))
    assert effects.set_index("segment")["action"].to_dict() == {
        "A": "call",
        "B": "email",
        "All": "call, email",
    }
    assert effects["effect"].notna().all()


@pytest.mark.parametrize("held", [0, 3])
def test_checks_hold_whatever_arms_there_are(held):
    rows = campaign(3, held)
    assert len(arms.checked(found(rows, rows["customer_id"].tolist()))) == 1
