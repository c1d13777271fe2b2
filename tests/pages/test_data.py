"""The page of the data: the customer base, and nobody's address unless asked for."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from segment_lab.pages.data import DataPage
from segment_lab.render.exports import write_rejected
from segment_lab.study.study import Study


@pytest.fixture
def page_of(tmp_path):
    (tmp_path / "orders.csv").write_text(
        "customer_id,order_date,amount\na,2026-01-01,5\nb,2026-01-20,7\na,2026-02-01,5\n"
    )
    (tmp_path / "customers.csv").write_text(
        "customer_id,name,email\na,Jan Kowalski,jan@x.pl\nb,Kowalski Jan,JAN@x.pl\nc,Anna,nobody\n"
    )
    sources = {name: {"path": f"{name}.csv"} for name in ("orders", "customers")}

    def make(*tables: str, **config) -> DataPage:
        some = {name: sources[name] for name in tables}
        (tmp_path / "s.yml").write_text(
            yaml.safe_dump({"name": "s", "sources": some} | config)
        )
        return DataPage(Study.from_yaml(tmp_path / "s.yml"))

    return make


def test_the_base_is_judged_and_addresses_are_not_shown(page_of):
    page = page_of("orders", "customers")
    assert "Behind 3 records stand about 2 customers: 1 record repeats" in str(
        page.customer_base()
    )
    assert page.base.completeness.loc["email", "invalid"] == 1
    assert "jan@x.pl" not in str(page.first_rows()).lower()


def test_addresses_are_shown_where_the_study_says_so(page_of):
    assert "jan@x.pl" in str(page_of("orders", "customers", personal=True).first_rows())


def test_without_a_table_of_customers_the_page_says_why(page_of):
    assert "no table of customers" in str(page_of("orders").customer_base())


def test_a_rerun_calls_later_orders_later_and_nothing_unusable():
    days = pd.date_range("2026-01-01", periods=100, freq="D")
    orders = pd.DataFrame(
        {
            "customer_id": [f"c{i % 20}" for i in range(100)],
            "order_date": days,
            "amount": 10.0,
        }
    )
    page = DataPage(Study.from_frames({"orders": orders}, as_of="2026-03-02"))
    told = str(page.headline())
    assert "60 of 60 order lines" in told
    assert "40 more lines are later than this report" in told
    assert page.account["lines"].to_dict() == {
        "accepted": 60,
        "later than this report (from 2026-03-02 on)": 40,
    }
    assert "unusable" not in told + str(page.lines())


def test_lines_that_were_set_aside_are_one_link_away(tmp_path):
    lines = "".join(f"a,2026-01-0{day},5\n" for day in range(1, 8))
    (tmp_path / "orders.csv").write_text(
        f"customer_id,order_date,amount\n{lines}=b,2026-01-09,much\n", encoding="utf-8"
    )
    (tmp_path / "s.yml").write_text(
        "name: s\ntolerance: 0.2\nsources: {orders: {path: orders.csv}}\n"
    )
    study = Study.from_yaml(tmp_path / "s.yml")
    page = DataPage(study)
    assert 'href="rejected.csv"' in str(page.lines())
    assert 'href="segments.csv"' in str(page.first_rows())
    assert write_rejected(study, tmp_path) == 1
    row = pd.read_csv(tmp_path / "rejected.csv").iloc[0]
    assert list(row) == ["unreadable amount", "'=b", "2026-01-09", "much"]


def test_no_link_is_shown_where_nothing_was_set_aside(page_of):
    assert "rejected.csv" not in str(page_of("orders").lines())
