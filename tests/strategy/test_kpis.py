"""The four case figures by hand, and the natural return rates of two public bases."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

import segment_lab as sl
from datasets import dataset
from segment_lab.errors import NotEnoughDataError
from segment_lab.strategy import kpis


def test_return_of_lapsed_by_hand():
    customers = pd.DataFrame({"recency_days": [121, 200, 300, 120]}, index=list("abcd"))
    outcomes = pd.DataFrame({"future_orders": [1, 0, 2, 1]}, index=list("abcd"))
    row = kpis.return_of_lapsed(customers, outcomes, contacted=["a"])
    assert (row["value"], row["n"], row["comparison"]) == (pytest.approx(2 / 3), 3, .5)
    assert row["value_low"] < 2 / 3 < row["value_high"]
    with pytest.raises(NotEnoughDataError):
        kpis.return_of_lapsed(customers, outcomes, lapsed_days=900)


@pytest.mark.parametrize(("file", "mapping", "as_of", "share", "n"), [
    (("cdnow", "CDNOW_master.txt"), {"delimiter": "whitespace", "date_format": "%Y%m%d", "columns": {
        "order_date": "date", "amount": "dollar_value"}}, "1998-07-01", .07, 18_933),
    (("online_retail", "online_retail.csv.gz"), {"where": "UnitPrice > 0", "decimals": 3, "returns": "drop",
                                                 "columns": {
        "customer_id": "CustomerID", "order_id": "InvoiceNo", "order_date": "InvoiceDate",
        "amount": "Quantity * UnitPrice"}}, "2011-12-10", .37, 1_120)])
def test_natural_return_of_the_lapsed_in_public_data(file, mapping, as_of, share, n):
    """With no campaign at all, 7 % of CDNOW's and 37 % of UCI's lapsed customers came back within 90 days."""
    path, earlier = dataset(*file), pd.Timestamp(as_of) - pd.Timedelta(days=90)
    then, now = (sl.customer_table(path, as_of=day, **mapping) for day in (earlier.date(), as_of))
    row = kpis.return_of_lapsed(then, now[["frequency"]].sub(then[["frequency"]], fill_value=0).rename(
        columns={"frequency": "orders"}))
    assert round(row["value"], 2) == share
    assert row["n"] == n


def test_upsell_by_hand():
    before = pd.DataFrame({"orders": [1, 2, 1, 1], "revenue": [100.0, 100.0, 100.0, 9.0]}, index=list("abcd"))
    after = pd.DataFrame({"orders": [2, 1, 1, 1], "revenue": [230.0, 40.0, 105.0, 9.0]}, index=list("abce"))
    row = kpis.upsell(before, after)
    # a: 100 → 115 rises, b: 50 → 40 falls, c: 100 → 105 stays.
    assert (row["n"], row["value"], row["comparison"]) == (3, pytest.approx(1 / 3), pytest.approx(1 / 3))
    with pytest.raises(NotEnoughDataError):
        kpis.upsell(before, after.loc[["e"]])


def test_lead_conversion_by_hand():
    leads = pd.DataFrame({"status": ["won", "lost", "open", "won", "lost", "lost"],
                          "created_on": pd.to_datetime(["2026-06-01"] * 3 + ["2025-12-01"] * 3)})
    row = kpis.lead_conversion(leads, "2026-07-01")
    assert (row["value"], row["n"], row["comparison"]) == (.5, 2, pytest.approx(1 / 3))
    assert kpis.lead_conversion(leads.drop(columns="created_on"), "2026-07-01")["n"] == 5
    with pytest.raises(NotEnoughDataError, match="decided"):
        kpis.lead_conversion(leads, "2020-01-01")


def test_first_year_and_lifetime_value_by_hand():
    lines = pd.DataFrame([("a", "2024-01-01", 10.0), ("a", "2024-12-30", 5.0), ("a", "2024-12-31", 99.0),
                          ("b", "2024-06-01", 30.0), ("b", "2024-06-02", -10.0), ("c", "2023-01-01", 7.0),
                          ("d", "2025-06-01", 1.0)], columns=["customer_id", "order_date", "amount"])
    lines["order_date"] = pd.to_datetime(lines["order_date"])
    first = kpis.first_year(ibis.memtable(lines))
    # 2024 is a leap year: day 365 after 1 January is 31 December, which is not within the 365 days.
    assert first.set_index("customer_id")["revenue"].to_dict() == {"a": 15, "b": 20, "c": 7, "d": 1}
    row = kpis.lifetime_value(first, "2025-12-30")
    assert (row["value"], row["n"], row["comparison"]) == (17.5, 2, 7)
    assert 15 <= row["value_low"] <= 17.5 <= row["value_high"] <= 20
    with pytest.raises(NotEnoughDataError):
        kpis.lifetime_value(first, "2023-06-01")


def test_lifetime_value_prefers_margin():
    first = pd.DataFrame({"first_order": pd.to_datetime(["2024-06-01"] * 20), "revenue": 10.0,
                          "margin": np.arange(20.0)})
    row = kpis.lifetime_value(first, "2026-01-01")
    assert row["value"] == 9.5
    assert row["definition"].startswith("margin")
    assert row["value_low"] == pytest.approx(9.5 - 1.96 * np.arange(20).std() / np.sqrt(20), abs=.4)
