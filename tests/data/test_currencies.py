"""Amounts of several currencies are never added up, in no table that has money."""

from __future__ import annotations

import pytest

import segment_lab as sl
from segment_lab.data import currencies
from segment_lab.errors import DataError
from segment_lab.texts import speaking

ORDERS = "customer_id,order_date,amount\nA,2025-01-02,$10.00\nB,2025-01-03,€20.00\nA,2025-02-02,$5\n"
INVOICES = (
    "invoice_id,customer_id,issue_date,due_date,amount\n"
    "1,A,2025-01-01,2025-02-01,100 zł\n2,A,2025-01-01,2025-02-01,100 EUR\n"
)
SUMMARY = (
    "customer_id,orders,revenue,last_order\nA,2,$100,2025-01-01\nB,3,€50,2025-02-01\n"
)
LEADS = "lead_id,created_on,value,status,currency\n1,2025-01-01,100,won,USD\n2,2025-01-01,50,lost,EUR\n"
BOTH = {"orders": ORDERS, "invoices": INVOICES, "customer_summary": SUMMARY}
BOTH |= {"leads": LEADS}


def study(folder, table, text, **more):
    (folder / "data.csv").write_text(text, encoding="utf-8")
    source = {"path": "data.csv", **more}
    (folder / "s.yml").write_text(
        f"name: s\ntimezone: UTC\nsources: {{{table}: {source!r}}}\n".replace(
            "None", "null"
        ),
        encoding="utf-8",
    )
    found = sl.Study.from_yaml(folder / "s.yml")
    found._keep_copies = False
    return found


@pytest.mark.parametrize("table", BOTH)
def test_two_currencies_within_one_column_are_refused(tmp_path, table):
    with speaking(currency=""), pytest.raises(DataError, match="cannot be added up"):
        study(tmp_path, table, BOTH[table]).check()


def test_what_the_refusal_says_to_write_mends_it(tmp_path):
    with pytest.raises(DataError, match="regexp_matches") as refused:
        study(tmp_path, "orders", ORDERS).check()
    where = str(refused.value).split('where: "')[1].split('";')[0]
    assert where == "NOT regexp_matches(coalesce(amount, ''), '€')"
    mended = study(tmp_path, "orders", ORDERS, where=where)
    mended.check()
    assert float(mended.customers().revenue.sum()) == 15


def test_one_currency_in_two_spellings_is_one(tmp_path):
    text = ORDERS.replace("€", "USD ")
    found = study(tmp_path, "orders", text)
    found.check()
    assert float(found.customers().revenue.sum()) == 35


def test_names_of_currencies_stand_in_the_remedy_as_they_are_written(tmp_path):
    lines = "A,2025-01-02,10,Российский рубль\nB,2025-01-03,20,Доллар США\n"
    text = "customer_id,order_date,amount,Валюта\n" + lines
    with pytest.raises(DataError, match=r"Валюта.* = '(Российский рубль|Доллар США)'"):
        study(tmp_path, "orders", text).check()


def test_leads_without_values_may_be_of_any_currency(tmp_path):
    text = "lead_id,created_on,status,currency\n1,2025-01-01,won,USD\n2,2025-01-01,lost,EUR\n"
    study(tmp_path, "leads", text).check()


def test_converted_amounts_are_of_one_currency(tmp_path):
    text = (
        "customer_id,order_date,currency,Amount in company currency\n"
        "A,2025-01-02,USD,10\nB,2025-01-03,EUR,20\n"
    )
    columns = {"amount": "Amount in company currency"}
    found = study(tmp_path, "orders", text, columns=columns)
    found.check()
    assert float(found.customers().revenue.sum()) == 30


def test_a_currency_that_comes_up_far_down_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(currencies, "LOOKED_AT", 3)
    lines = "".join(f"A,2025-01-0{day},{day}\n" for day in range(1, 9))
    text = (
        "customer_id,order_date,amount\n" + lines + "B,2025-01-09,€9\nB,2025-01-09,$9\n"
    )
    with pytest.raises(DataError, match="cannot be added up"):
        study(tmp_path, "orders", text).check()


@pytest.mark.parametrize(
    ("mark", "added"),
    [("$ ", "B,2025-02-09,€9\n"), ("", "B,2025-02-09,€9\nB,2025-02-09,£9\n")],
    ids=["marked before", "plain before"],
)
def test_a_currency_that_comes_with_added_lines_is_refused(tmp_path, mark, added):
    text = "customer_id,order_date,amount\n"
    text += "".join(f"A,2025-01-{day},{mark}{day}\n" for day in range(10, 30))
    before = study(tmp_path, "orders", text)
    before._keep_copies = True
    before.check()
    grown = study(tmp_path, "orders", text + added)
    grown._keep_copies = True
    with pytest.raises(DataError, match="cannot be added up"):
        grown.check()


def test_payments_in_another_currency_than_their_invoices_are_refused(tmp_path):
    bills = "invoice_id,customer_id,issue_date,due_date,amount,currency\n"
    bills += "1,A,2025-01-01,2025-02-01,100,EUR\n2,B,2025-01-01,2025-02-01,50,EUR\n"
    paid = "invoice_id,payment_date,amount,currency\n1,2025-01-20,430,PLN\n"
    (tmp_path / "invoices.csv").write_text(bills)
    (tmp_path / "payments.csv").write_text(paid)
    config = "name: s\nsources:\n  invoices: {path: invoices.csv}\n"
    (tmp_path / "s.yml").write_text(config + "  payments: {path: payments.csv}\n")
    two = sl.Study.from_yaml(tmp_path / "s.yml")
    with pytest.raises(DataError, match=r"payments.*PLN.*EUR"):
        two.check()
    with pytest.raises(DataError, match=r"payments.*PLN.*EUR"):
        sl.Study.from_yaml(tmp_path / "s.yml").ledger  # noqa: B018
    (tmp_path / "payments.csv").write_text(paid.replace("PLN", "eur"))
    sl.Study.from_yaml(tmp_path / "s.yml").check()
