"""Columns that no header names."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

from segment_lab.data.guess import propose
from segment_lab.data.guess.by_content import (
    already_multiplied,
    coded_customer,
    order_by_total,
)
from segment_lab.data.guess.facts import facts_of


def table(**columns):
    return facts_of(pd.DataFrame(columns).astype("str"))


def proposed(folder, header, rows, **given):
    """What is proposed for a file of this header and these rows."""
    file = folder / "rows.csv"
    file.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return propose(file, given or None)


def test_an_order_without_a_telling_header_is_found_by_its_repeated_total(tmp_path):
    lines = """created_at,sku,price,qty_ordered,grand_total,mage_ref,who,Customer ID
1/2/2025,a,10,1,30,100,x,7
1/2/2025,b,20,1,30,100,x,7
1/3/2025,a,10,2,50,101,y,8
1/3/2025,c,30,1,50,101,y,8
1/4/2025,b,20,1,40,102,x,7
1/4/2025,d,20,1,40,102,x,7
1/4/2025,a,10,1,10,103,z,9
"""
    file = tmp_path / "orders.csv"
    file.write_text(lines, "utf-8")
    proposal = propose(file)
    assert proposal.sources["orders"]["columns"]["order_id"] == "mage_ref"
    assert proposal.sources["orders"]["amount_per"] == "order"


def test_lines_with_amounts_of_their_own_have_no_order_by_total():
    columns, frame = table(
        ref=[1, 1, 2, 2, 3, 3],
        who=list("aabbcc"),
        paid=[5, 6, 7, 8, 9, 4],
        line=range(6),
    )
    assert order_by_total(columns, frame, ["who"], "paid") is None


def test_codes_that_come_again_are_customers_and_those_of_records_are_not():
    codes = [hashlib.md5(str(i).encode()).hexdigest() for i in range(40)]
    columns, _ = table(
        msno=codes * 3, row=[f"r{c[:10]}x1" for c in codes] + codes + codes
    )
    assert coded_customer(columns) == "msno"
    columns, _ = table(token=codes)
    assert coded_customer(columns) is None
    columns, _ = table(a=codes * 3, b=codes[::-1] * 3)  # which of them, nobody knows
    assert coded_customer(columns) is None


@pytest.mark.parametrize("multiplied", [True, False])
def test_a_price_of_all_pieces_is_not_multiplied_again(multiplied, tmp_path):
    rng = np.random.default_rng(0)
    unit = rng.choice([300.08, 600.17, 15.15, 5.23], 200)
    quantity = rng.integers(1, 6, 200)
    price = (unit * quantity).round(2) if multiplied else unit
    columns, _ = table(quantity=quantity, price=price)
    assert already_multiplied(columns["quantity"], columns["price"]) == multiplied
    frame = pd.DataFrame(
        {
            "invoice_no": range(200),
            "customer_id": rng.integers(0, 50, 200),
            "quantity": quantity,
            "price": price,
            "invoice_date": pd.date_range("2025-01-01", periods=200).astype("str"),
        }
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    amount = propose(tmp_path / "log.csv").sources["orders"]["columns"]["amount"]
    assert amount == ("price" if multiplied else "quantity * price")


def test_halves_of_a_total_are_added_up(tmp_path):
    file = tmp_path / "flo.csv"
    file.write_text(
        "master_id,first_order_date,last_order_date,order_num_total_ever_online,"
        "order_num_total_ever_offline,customer_value_total_ever_offline,"
        "customer_value_total_ever_online\n"
        "a7,2024-01-01,2025-01-01,4.0,1.0,139.99,799.38\n"
        "b8,2024-02-01,2025-02-01,19.0,2.0,159.97,1853.58\n",
        "utf-8",
    )
    columns = propose(file).sources["customer_summary"]["columns"]
    assert columns["customer_id"] == "master_id"
    assert columns["orders"].count("order_num_total_ever") == 2
    assert columns["revenue"].count("customer_value_total_ever") == 2


def test_an_average_beside_a_total_is_no_part_of_it(tmp_path):
    values = "customer_value_total,customer_value_average"
    header = f"customer_id,orders,last_order_date,{values}"
    rows = ["a7,4,2025-01-01,400.5,100.13", "b8,2,2025-02-01,50.5,25.25"]
    columns = proposed(tmp_path, header, rows).sources["customer_summary"]["columns"]
    assert columns["revenue"] == "customer_value_total"


def test_days_since_the_last_order_date_a_customer(tmp_path):
    rows = [f"{i},{i * 3 % 200},{i % 5 + 1},{i * 7.5}" for i in range(1, 60)]
    proposal = proposed(tmp_path, "CustomerID,Recency,Frequency,Monetary", rows)
    columns = proposal.sources["customer_summary"]["columns"]
    assert columns["last_order"].endswith("- Recency")
    assert (columns["orders"], columns["revenue"]) == ("Frequency", "Monetary")
    assert any("Recency" in doubt for doubt in proposal.doubts)


def test_an_order_book_with_due_dates_is_no_list_of_invoices(tmp_path):
    header = "SalesOrderID,OrderDate,DueDate,CustomerID,SubTotal,TaxAmt,TotalDue"
    rows = ["1,2025-01-01,2025-01-13,7,100,8,108", "2,2025-01-05,2025-01-17,8,50,4,54"]
    assert list(proposed(tmp_path, header, rows).sources) == ["orders"]


def test_money_is_never_the_customer_and_words_may_be_written_as_one(tmp_path):
    rows = [
        f"{i % 40},Customer {i % 9},2/{i % 27 + 1}/2024 0:00,{i * 1.5},Shipped"
        for i in range(80)
    ]
    header = "ORDERNUMBER,CUSTOMERNAME,ORDERDATE,SALES,STATUS"
    columns = proposed(tmp_path, header, rows).sources["orders"]["columns"]
    assert columns["customer_id"] == "CUSTOMERNAME"
    assert columns["order_date"] == "ORDERDATE"


def test_days_numbered_from_a_start_are_counted(tmp_path):
    rows = [f"{i % 9},{1000 + i},{i * 3 + 1},{i + 0.5}" for i in range(60)]
    header = "household_key,BASKET_ID,DAY,SALES_VALUE"
    source = proposed(tmp_path, header, rows).sources["orders"]
    assert (source["columns"]["order_date"], source["date_format"]) == (
        "DAY",
        "counted",
    )


def test_what_nobody_bought_is_counted_in_money_not_in_pieces(tmp_path):
    rows = [
        f"{i},{'' if i % 5 == 0 else i % 9},2024-02-{i % 27 + 1:02},2,{i}.5"
        for i in range(50)
    ]
    header = "Invoice,Customer ID,InvoiceDate,Quantity,Price"
    worth = sum(2 * (i + 0.5) for i in range(0, 50, 5))
    doubts = proposed(tmp_path, header, rows).doubts
    assert any(f"{worth:.2f}" in doubt for doubt in doubts)


@pytest.mark.parametrize("bought", ["transaction", "zzz"])
def test_of_an_event_log_only_purchases_count_or_it_is_asked(bought, tmp_path):
    rows = [
        f"14332{i:05}000,v{i % 20},{'view' if i % 4 else bought},{i}" for i in range(80)
    ]
    header = "timestamp,visitorid,event,itemid"
    proposal = proposed(tmp_path, header, rows, amount="1")
    source = proposal.sources["orders"]
    if bought == "transaction":
        assert source["where"] == "event = 'transaction'"
    else:
        assert any("view (60)" in doubt for doubt in proposal.doubts)
