"""Tables of one system, a file each, and queries in place of a table."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from segment_lab.data.guess import first_config
from segment_lab.errors import ConfigError, DataError
from segment_lab.study.study import Study

ORDERS = """order_id,customer_id,order_status,order_purchase_timestamp
001,a1,delivered,2025-01-03 10:00:00
002,a2,delivered,2025-02-03 10:00:00
003,a3,canceled,2025-03-03 10:00:00
004,a4,delivered,2025-04-03 10:00:00
005,a5,delivered,2025-05-03 10:00:00
"""
CUSTOMERS = """customer_id,customer_unique_id,city
a1,0007,Bahia
a2,0007,Bahia
a3,0008,Recife
a4,0008,Recife
a5,0009,Recife
"""
PAYMENTS = """order_id,payment_sequential,payment_type,payment_value
001,1,card,10.10
001,2,voucher,5.05
002,1,card,20.00
003,1,card,99.00
004,1,card,30.00
005,1,card,40.00
"""
ITEMS = """order_id,order_item_id,product_id,price,freight_value
001,1,p1,15.15,2.00
002,1,p1,20.00,2.00
003,1,p2,99.00,2.00
004,1,p2,30.00,2.00
005,1,p3,40.00,2.00
"""


def written(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    return folder


def study_of(folder, target):
    text, proposal = first_config(folder, target)
    target.write_text(text, "utf-8")
    return Study.from_yaml(target), proposal


def test_orders_their_customers_and_what_was_paid_are_one_log(tmp_path):
    folder = written(
        tmp_path / "shop",
        orders=ORDERS,
        customers=CUSTOMERS,
        payments=PAYMENTS,
        items=ITEMS,
        products="product_id,category\np1,lamps\np2,chairs\np3,beds\n",
    )
    study, proposal = study_of(folder, tmp_path / "shop.yml")
    table = study.customers()
    # The person, with the zeros in front, not the customer that each order has of its own.
    assert sorted(table.index) == ["0007", "0008", "0009"]
    assert table["revenue"].to_dict() == {"0007": 35.15, "0008": 30.0, "0009": 40.0}
    assert table["frequency"].sum() == 4
    said = " ".join(proposal.took)
    assert "sum of payment_value in payments.csv" in said
    assert "customer_unique_id of customers.csv" in said
    assert any("items.csv" in doubt for doubt in proposal.doubts)


def test_quantity_price_and_discount_make_the_amount(tmp_path):
    folder = written(
        tmp_path / "trade",
        orders="OrderID,CustomerID,OrderDate,Freight\n"
        "1,VINET,1996-07-04,3.20\n2,TOMSP,1996-07-05,1.10\n3,VINET,1996-07-08,6.50\n",
        details="OrderID,ProductID,UnitPrice,Quantity,Discount\n"
        "1,11,14.0,12,0\n1,42,9.8,10,0.1\n2,14,18.6,9,0\n3,51,42.4,40,0.25\n",
    )
    study, _ = study_of(folder, tmp_path / "trade.yml")
    revenue = study.customers()["revenue"].to_dict()
    assert revenue == {"VINET": 168 + 88.2 + 1272, "TOMSP": 167.4}


def test_the_file_that_holds_everything_is_taken_alone(tmp_path):
    folder = written(
        tmp_path / "music",
        invoice="InvoiceId,CustomerId,InvoiceDate,Total\n1,7,2025-01-02,5.94\n2,8,2025-01-03,1.98\n",
        customer="CustomerId,FirstName,Country\n7,Ann,Norway\n8,Bo,Norway\n",
    )
    study, proposal = study_of(folder, tmp_path / "music.yml")
    assert study.customers()["revenue"].sum() == 7.92
    assert "invoice.csv holds the orders" in " ".join(proposal.took)


def test_months_of_which_one_has_a_column_more_are_not_taken_apart(tmp_path):
    head = "order_id,customer_id,order_date,amount"
    folder = written(
        tmp_path / "months",
        january=f"{head}\n1,a,2025-01-02,5\n2,b,2025-01-03,6\n",
        february=f"{head},coupon\n3,a,2025-02-02,5,X\n4,b,2025-02-03,6,Y\n",
    )
    with pytest.raises(DataError, match="other columns"):
        first_config(folder, tmp_path / "months.yml")


def test_two_logs_of_different_things_are_asked_about(tmp_path):
    folder = written(
        tmp_path / "erp",
        sales="SalesOrderID,CustomerID,OrderDate,TotalDue\n1,7,2025-01-02,5\n2,7,2025-01-03,6\n",
        supply="PurchaseOrderID,VendorAccount,CustomerNo,PurchaseDate,Total\n"
        "9,x,7,2025-01-02,50\n8,y,8,2025-01-03,60\n",
        notes="id,text\n1,one\n",
    )
    _, proposal = study_of(folder, tmp_path / "erp.yml")
    assert any("looks like orders too" in doubt for doubt in proposal.doubts)


def asked(folder, **parts):
    """A study whose orders come from a query."""
    columns = {"customer_id": "c", "order_date": "d", "amount": "a"}
    config = {"name": "q", "sources": {"orders": parts | {"columns": columns}}}
    (folder / "q.yml").write_text(yaml.safe_dump(config), "utf-8")
    return Study.from_yaml(folder / "q.yml")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"url": "duckdb://", "query": "DROP TABLE x"}, "one SELECT"),
        ({"url": "duckdb://", "query": "SELECT 1; SELECT 2"}, "one SELECT"),
        ({"path": "a.csv", "query": "SELECT 1"}, "a query needs a url"),
        (
            {"url": "duckdb://", "table": "t", "query": "SELECT 1"},
            "either table or query",
        ),
        ({"url": "duckdb://"}, "name of a table, or a query"),
    ],
)
def test_a_query_reads_and_stands_alone(parts, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        asked(tmp_path, **parts)


def test_a_query_asks_a_database_file(tmp_path):
    import sqlite3

    import duckdb

    rows = "('a', '2026-01-01', 5), ('b', '2026-01-02', 6), ('b', '2026-01-03', -1)"
    query = "SELECT c, d, a FROM log WHERE a > 0;"
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as file:
        file.execute(f"CREATE TABLE log AS SELECT * FROM (VALUES {rows}) t(c, d, a)")
    with sqlite3.connect(tmp_path / "crm.sqlite") as file:
        file.execute("CREATE TABLE log (c, d, a)")
        file.execute(f"INSERT INTO log VALUES {rows}")
    for url in ("duckdb://crm.duckdb", "sqlite://crm.sqlite"):
        study = asked(tmp_path, url=url, query=query)
        assert study.customers()["revenue"].to_dict() == {"a": 5.0, "b": 6.0}


def test_a_query_over_a_missing_file_says_which(tmp_path):
    study = asked(tmp_path, url="duckdb://", query="SELECT * FROM 'gone.csv'")
    with pytest.raises(DataError, match=r"gone\.csv"):
        study.customers()


def test_a_changed_file_is_noticed_by_a_query(tmp_path):
    parts = {"url": "duckdb://", "query": "SELECT * FROM 'log.csv'"}
    log = tmp_path / "log.csv"
    log.write_text("c,d,a\nx,2026-01-01,5\ny,2026-01-02,6\n")
    before = asked(tmp_path, **parts).customers()["revenue"].sum()
    pd.DataFrame({"c": ["x"], "d": ["2026-01-01"], "a": [7]}).to_csv(log, index=False)
    after = asked(tmp_path, **parts).customers()["revenue"].sum()
    assert (before, after) == (11.0, 7.0)
