"""Printed reports as lists: order totals count once, headings and totals are no sales."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

import segment_lab as sl
from segment_lab.errors import ConfigError


@pytest.fixture
def read(tmp_path):
    """Customers' revenue and the account of a CSV text, read as a source of these options."""

    def make(text: str, columns: dict[str, str] | None = None, **source):
        (tmp_path / "o.csv").write_text(text, encoding="utf-8")
        names = {"customer_id": "customer", "order_date": "date", "amount": "amount"}
        source |= {"path": "o.csv", "columns": names | (columns or {})}
        study = tmp_path / "s.yml"
        tolerance = source.pop("tolerance", 0.05)
        config = {"name": "s", "tolerance": tolerance, "sources": {"orders": source}}
        study.write_text(yaml.safe_dump(config))
        made = sl.Study.from_yaml(study)
        made.check()
        account = made.account().set_index("reason").lines.to_dict()
        return made.customers().revenue.to_dict(), account

    return make


def test_an_order_total_counts_once_and_refunds_of_it_too(read):
    text = (
        "customer,order,date,amount\nA,1,2026-01-10,100\nA,1,2026-01-10,100\nA,1,2026-01-10,\n"
        "A,1,2026-01-20,-30\nB,2,2026-02-10,100\nB,3,2026-02-11,\n"
    )
    revenue, account = read(
        text, {"order_id": "order"}, amount_per="order", tolerance=0.5
    )
    assert revenue == {"A": 70, "B": 100}
    assert account == {"accepted": 5, "no amount": 1}
    revenue, _ = read(text, {"order_id": "order"}, tolerance=0.5)
    assert revenue == {"A": 170, "B": 100}


def test_headings_give_their_name_to_the_rows_below(read):
    text = (
        "what,amount\nAnna,30\nInvoice 1 of 2026-01-02,10\nInvoice 2 of 2026-01-03,20\nBert,5\n"
        "Invoice 3 of 2026-01-04,5\nTotal,35\n"
    )
    revenue, account = read(
        text,
        {
            "order_date": "regexp_extract(what, '\\d{4}-\\d\\d-\\d\\d')",
            "order_id": "what",
        },
        groups={"customer": {"column": "what", "when": "what NOT LIKE 'Invoice %'"}},
        totals="what = 'Total'",
    )
    assert revenue == {"Anna": 30, "Bert": 5}
    assert account == {"accepted": 3, "heading row": 2, "total row": 1}


def test_empty_cells_take_what_stands_above_them(read):
    text = "customer,date,amount\nA,2026-01-01,1\n,2026-01-02,2\n ,2026-01-03,3\nB,2026-01-04,4\n"
    assert read(text, fill_down=["customer"])[0] == {"A": 6, "B": 4}


def test_a_cell_is_filled_within_its_order_alone(read):
    text = (
        "customer,order,date,status,amount\nA,1,2026-01-01,paid,1\nA,1,2026-01-01,,2\n"
        "A,2,2026-01-02,,4\nB,3,2026-01-02,void,8\nB,3,2026-01-02,,8\nB,4,2026-01-02,paid,9\n"
    )
    where = "coalesce(status, '') <> 'void'"
    revenue, _ = read(text, {"order_id": "order"}, fill_down=["status"], where=where)
    assert revenue == {"A": 7, "B": 9}


def test_a_column_that_is_not_there_is_named(read):
    with pytest.raises(ConfigError, match="no column cstomer"):
        read("customer,date,amount\nA,2026-01-01,1\n", fill_down=["cstomer"])


def test_small_print_below_the_data_is_a_footer_at_any_size(read):
    text = 'customer,date,amount\nA,2026-01-01,1\nB,2026-01-02,2\n\n"Copyright, all"\n"By me"\n'
    revenue, account = read(text)
    assert revenue == {"A": 1, "B": 2}
    assert account == {"accepted": 2, "broken line: footer": 2}
    with pytest.raises(Exception, match="broken line"):
        read("customer,date,amount\nA,2026-01-01,1\nbroken\nB,2026-01-02,2\n")


def test_nulls_and_coalesce_work_together(read):
    text = "customer,mail,date,amount\n0,x@y,2026-01-01,1\nA,,2026-01-02,2\n"
    columns = {"customer_id": "coalesce(customer, mail)"}
    assert read(text, columns, nulls=["0"])[0] == {"x@y": 1, "A": 2}


def test_a_customer_stands_above_several_orders(read):
    text = "customer,order,date,amount\nA,1,2026-01-01,1\n,2,2026-01-02,2\nB,3,2026-01-04,4\n"
    assert read(text, {"order_id": "order"}, fill_down=["customer"])[0] == {
        "A": 3,
        "B": 4,
    }


def test_campaigns_alone_are_dated_by_their_assignments():
    days = pd.to_datetime(["2025-03-01", "2025-03-09"])
    sent = pd.DataFrame({"campaign_id": "k", "customer_id": ["a", "b"]})
    sent = sent.assign(arm=["none", "mail"], control="none", assigned_on=days)
    study = sl.Study.from_frames({"campaigns": sent.assign(outcome=[0, 1])})
    assert str(study.window.as_of) == "2025-03-10"
