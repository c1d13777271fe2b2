"""The four case figures by hand, and the natural return rates of two public bases."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from ibis import _

import segment_lab as sl
from datasets import ROOT, dataset, datasets_folder
from segment_lab.act import kpis
from segment_lab.customers.orders import by_day
from segment_lab.errors import NotEnoughDataError
from segment_lab.texts import say


def test_return_of_lapsed_by_hand():
    customers = pd.DataFrame({"recency_days": [121, 200, 300, 120]}, index=list("abcd"))
    outcomes = pd.DataFrame({"future_orders": [1, 0, 2, 1]}, index=list("abcd"))
    row = kpis.return_of_lapsed(customers, outcomes, contacted=["a"])
    assert (row["value"], row["n"], row["comparison"]) == (pytest.approx(2 / 3), 3, 0.5)
    assert row["value_low"] < 2 / 3 < row["value_high"]
    with pytest.raises(NotEnoughDataError):
        kpis.return_of_lapsed(customers, outcomes, lapsed_days=900)


@pytest.mark.parametrize(
    ("name", "share", "n"), [("cdnow", 0.07, 18_933), ("online_retail", 0.37, 1_120)]
)
def test_natural_return_of_the_lapsed_in_public_data(name, share, n, monkeypatch):
    """With no campaign at all, 7 % of CDNOW's and 37 % of UCI's lapsed customers came back within
    90 days."""
    dataset(name)
    monkeypatch.setenv("SEGMENT_LAB_DATASETS", str(datasets_folder()))
    study = sl.Study.from_yaml(ROOT / "configs" / f"{name}.yml", returns="drop")
    earlier = study.window.as_of - dt.timedelta(days=90)
    then, now = study.at(earlier).customers(), study.customers()
    row = kpis.return_of_lapsed(
        then,
        now[["frequency"]]
        .sub(then[["frequency"]], fill_value=0)
        .rename(columns={"frequency": "orders"}),
    )
    assert round(row["value"], 2) == share
    assert row["n"] == n


def test_upsell_by_hand():
    before = pd.DataFrame(
        {"orders": [1, 2, 1, 1], "revenue": [100.0, 100.0, 100.0, 9.0]},
        index=list("abcd"),
    )
    after = pd.DataFrame(
        {"orders": [2, 1, 1, 1], "revenue": [230.0, 40.0, 105.0, 9.0]},
        index=list("abce"),
    )
    row = kpis.upsell(before, after)
    # a: 100 → 115 rises, b: 50 → 40 falls, c: 100 → 105 stays.
    assert (row["n"], row["value"], row["comparison"]) == (
        3,
        pytest.approx(1 / 3),
        pytest.approx(1 / 3),
    )
    with pytest.raises(NotEnoughDataError):
        kpis.upsell(before, after.loc[["e"]])


def test_lead_conversion_by_hand():
    leads = pd.DataFrame(
        {
            "status": ["won", "lost", "open", "won", "lost", "lost"],
            "created_on": pd.to_datetime(["2026-06-01"] * 3 + ["2025-12-01"] * 3),
        }
    )
    row = kpis.lead_conversion(leads, "2026-07-01")
    assert (row["value"], row["n"], row["comparison"]) == (0.5, 2, pytest.approx(1 / 3))
    assert (
        kpis.lead_conversion(leads.drop(columns="created_on"), "2026-07-01")["n"] == 5
    )
    assert row["facts"] == {"dated_by": "created_on", "days": 180}
    assert "created in the last 180 days" in say(
        "kpis.lead_conversion.definition", **row["facts"]
    )
    with pytest.raises(NotEnoughDataError, match="decided"):
        kpis.lead_conversion(leads, "2020-01-01")


def test_lead_conversion_counts_by_the_day_of_decision():
    """Wins take longer than losses: of the leads created lately, only the quick losses are
    decided."""
    created = ["2025-10-01"] * 4 + ["2026-05-01"] * 3 + ["2025-08-01"] * 2
    decided = ["2026-06-01"] * 4 + ["2026-06-10"] * 3 + ["2025-12-01"] * 2
    status = ["won", "won", "won", "lost", "lost", "lost", "lost", "won", "lost"]
    leads = pd.DataFrame(
        {
            "status": status,
            "created_on": pd.to_datetime(created),
            "decided_on": pd.to_datetime(decided),
        }
    )
    row = kpis.lead_conversion(leads, "2026-07-01")
    assert (row["value"], row["n"], row["comparison"]) == (pytest.approx(3 / 7), 7, 0.5)
    definition = say("kpis.lead_conversion.definition", **row["facts"])
    assert definition == "won among leads decided in the last 180 days"
    assert (
        kpis.lead_conversion(leads.assign(decided_on=pd.NaT), "2026-07-01")["value"]
        == 0
    )


def first_years(lines):
    lines = lines.assign(
        order_date=pd.to_datetime(lines["order_date"]),
        amount_minor=100 * lines["amount"].astype(int),
    )
    table = ibis.memtable(lines).mutate(order_date=_.order_date.cast("date"))
    found = kpis.first_year(table)
    # The same from what the lines add up to by order and day.
    pd.testing.assert_frame_equal(kpis.first_year(by_day(table)), found)
    return found


def test_a_first_year_begins_with_the_first_order_that_was_kept():
    lines = pd.DataFrame(
        [
            ("a", "1", "2024-01-01", 50.0),
            ("a", "1", "2024-01-02", -50.0),
            ("a", "2", "2024-03-01", 20.0),
            ("a", "2", "2024-03-09", -5.0),
            ("b", "3", "2024-01-05", -8.0),
            ("b", "4", "2024-02-01", 9.0),
            ("c", "5", "2024-01-05", 8.0),
            ("c", "5", "2024-01-05", -8.0),
        ],
        columns=["customer_id", "order_id", "order_date", "amount"],
    )
    first = first_years(lines).set_index("customer_id")
    assert first["first_order"].dt.strftime("%m-%d").to_dict() == {
        "a": "03-01",
        "b": "02-01",
    }
    assert first["revenue"].to_dict() == {"a": 15, "b": 9}


def test_customers_of_the_first_days_of_a_log_are_not_new():
    days = pd.to_datetime(
        ["2024-01-01"] * 90
        + ["2024-01-02"] * 450
        + ["2024-02-15"] * 3
        + ["2024-12-01"] * 9
    )
    first = pd.DataFrame({"first_order": days, "revenue": [500.0] * 540 + [30.0] * 12})
    with pytest.raises(NotEnoughDataError, match="first 30 days may be old customers'"):
        kpis.lifetime_value(first, "2025-01-01")
    row = kpis.lifetime_value(first, "2025-03-01")
    assert (row["value"], row["n"]) == (30, 3)
    assert row["facts"]["warm_up_days"] == 30
    with pytest.raises(NotEnoughDataError, match="first 60 days"):
        kpis.lifetime_value(first, "2025-03-01", 60)
    assert kpis.warm_up(pd.Series([7.0] * 9 + [100.0] * 3)) == 100
    assert (
        kpis.warm_up(pd.Series([7.0, np.nan]))
        == kpis.warm_up(pd.Series([np.nan]))
        == 30
    )


def test_first_year_and_lifetime_value_by_hand():
    lines = pd.DataFrame(
        [
            ("a", "2024-01-01", 10.0),
            ("a", "2024-12-30", 5.0),
            ("a", "2024-12-31", 99.0),
            ("b", "2024-06-01", 30.0),
            ("b", "2024-06-02", -10.0),
            ("c", "2023-01-01", 7.0),
            ("d", "2025-06-01", 1.0),
        ],
        columns=["customer_id", "order_date", "amount"],
    )
    first = first_years(lines)
    # 2024 is a leap year: day 365 after 1 January is 31 December, which is not within the 365 days.
    assert first.set_index("customer_id")["revenue"].to_dict() == {
        "a": 15,
        "b": 20,
        "c": 7,
        "d": 1,
    }
    first.loc[len(first)] = ["old", pd.Timestamp("2022-01-01"), 99.0]
    row = kpis.lifetime_value(first, "2025-12-30")
    assert (row["value"], row["n"], row["comparison"]) == (17.5, 2, 7)
    assert 15 <= row["value_low"] <= 17.5 <= row["value_high"] <= 20
    with pytest.raises(NotEnoughDataError):
        kpis.lifetime_value(first, "2023-06-01")


def test_lifetime_value_prefers_margin():
    first = pd.DataFrame(
        {
            "first_order": pd.to_datetime(["2024-06-01"] * 20 + ["2023-01-01"]),
            "revenue": 10.0,
            "margin": [*np.arange(20.0), 99],
        }
    )
    row = kpis.lifetime_value(first, "2026-01-01")
    assert row["value"] == 9.5
    assert row["facts"]["money"] == "margin"
    assert row["value_low"] == pytest.approx(
        9.5 - 1.96 * np.arange(20).std() / np.sqrt(20), abs=0.4
    )
