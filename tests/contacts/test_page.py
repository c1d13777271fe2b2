"""The page of contacts gathers the contacts of a study, and says what a study with few tables
cannot tell."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.contacts.page import ContactsPage
from segment_lab.errors import NotEnoughDataError
from segment_lab.show.cards import HEADLINE_MIME

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def report():
    return ContactsPage(sl.Study.from_yaml(ROOT / "configs" / "sample.yml"), "abc")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Orders and contacts without topic or minutes, nothing else."""
    place = tmp_path_factory.mktemp("bare")
    days = pd.date_range("2026-01-01", periods=120, freq="D")
    pd.DataFrame(
        {
            "customer_id": [f"c{i % 30}" for i in range(120)],
            "order_date": days,
            "amount": 10.0,
        }
    ).to_csv(place / "o.csv", index=False)
    pd.DataFrame(
        {
            "touch_id": range(30),
            "customer_id": [f"c{i}" for i in range(30)],
            "touch_date": "2026-03-20",
            "channel": "email",
            "event": ["delivered", "clicked"] * 15,
        }
    ).to_csv(place / "t.csv", index=False)
    (place / "s.yml").write_text(
        "name: bare\nsources: {orders: {path: o.csv}, touches: {path: t.csv}}\n"
    )
    return ContactsPage(sl.Study.from_yaml(place / "s.yml"), "abc")


def test_everybody_stands_under_one_answer(report):
    answers = report.answers
    assert answers["customers"].sum() == len(report.states)
    assert answers["customer_share"].sum() == pytest.approx(1)
    assert answers["meaning"].notna().all()


def test_contacts_and_clicks_add_up(report):
    touches = report.study.table("touches").to_pandas()
    kinds = report.kinds
    assert kinds["contacts"].sum() == len(touches)
    clicks = touches[touches["event"] == "clicked"]
    assert kinds.loc["clicked", "customers"] == clicks["customer_id"].nunique()
    topics = report.topics
    assert topics["clicks"].to_dict() == clicks["topic"].value_counts().to_dict()
    assert topics["clicks"].is_monotonic_decreasing


def test_nobody_with_overdue_debt_or_a_dead_address_is_mailed(report, tmp_path):
    debts = report.study.population("receivables")["max_days_overdue"]
    assert set(report.debtors) == set(debts.index[debts > 0])
    assert len(report.undelivered) == report.states.sizes()["Undelivered"]
    report.write_mailing(tmp_path / "list.csv", ["A", "B"])
    mailed = pd.read_csv(tmp_path / "list.csv", dtype=str)
    assert list(mailed) == ["customer_id"]
    assert not set(mailed["customer_id"]) & {*report.debtors, *report.undelivered}
    assert len(mailed) == report.reachable.loc[["A", "B"], "customers_reached"].sum()


def test_minutes_and_responses_are_those_of_the_contacts(report):
    known = report.contacts.index.isin(report.segments.labels.index)
    assert report.effort["contact_minutes"].sum() == pytest.approx(
        report.contacts.loc[known, "contact_minutes"].sum()
    )
    assert (report.study.window.as_of - report.since).days == 30
    then = report.study.at(report.since).segmentation("abc")
    both = (
        report.responses["contacted_customers"]
        + report.responses["not_contacted_customers"]
    )
    assert both.to_dict() == then.sizes().to_dict()


def test_a_response_is_an_order_as_the_customer_table_counts_it():
    """In the last 30 days only a buys: b and c cancel, d sends back an old order, e is too early
    and f too late."""
    rows = [(c, f"{c}1", "2026-01-05", 10) for c in "abcdef"] + [
        ("a", "a2", "2026-05-10", 5),
        ("b", "b2", "2026-05-10", 5),
        ("b", "b2", "2026-05-12", -5),
        ("c", "c2", "2026-05-10", 5),
        ("c", "c2", "2026-05-11", 1),
        ("c", "c2", "2026-05-12", -7),
        ("d", "d1", "2026-05-12", -5),
        ("e", "e2", "2026-05-01", 5),
        ("f", "f2", "2026-06-01", 5),
    ]
    orders = pd.DataFrame(
        rows, columns=["customer_id", "order_id", "order_date", "amount"]
    )
    touches = pd.DataFrame(
        {
            "touch_id": range(6),
            "customer_id": list("abcdef"),
            "touch_date": "2026-04-20",
            "channel": "email",
            "event": "delivered",
        }
    )
    study = sl.Study.from_frames(
        {"orders": orders, "touches": touches}, as_of="2026-06-01"
    )
    found = ContactsPage(study, "abc").responses
    assert found["contacted_customers"].sum() == 6
    assert (
        found["contacted_customers"] * found["contacted_bought"]
    ).sum() == pytest.approx(1)


def test_what_is_not_in_the_study_is_said(bare):
    assert bare.topics.empty
    assert bare.debtors.empty
    assert bare.kinds.loc["clicked"].tolist() == [15, 15]
    assert len(bare.responses)
    with pytest.raises(NotEnoughDataError, match="no column consent"):
        _ = bare.reachable
    with pytest.raises(NotEnoughDataError, match="how many minutes"):
        _ = bare.effort


def test_a_page_says_by_itself_what_it_cannot_show(bare):
    assert "no column consent" in str(bare.mailable())
    assert bare.minutes().missing
    assert bare.response_table().data == {}
    assert "followed a link" in str(bare.headline())


def test_the_page_opens_with_the_gap_between_minutes_and_money(report):
    effort = report.effort
    over = effort[effort["effort_share"] >= 2 * effort["revenue_share"]]
    first = report.headline().data[HEADLINE_MIME]["sentences"][0]
    assert all(name in first for name in over.nlargest(2, "effort_share").index)
    assert f"{over['effort_share'].sum():.0%} of contact minutes" in first
    assert "<img" in str(report.minutes())


def test_contact_minutes_are_those_recorded_else_the_usual_ones_of_the_channel():
    orders = pd.DataFrame(
        {"customer_id": ["a", "b"], "order_date": "2026-01-01", "amount": 10}
    )
    touches = pd.DataFrame(
        {
            "touch_id": [1, 2, 3],
            "customer_id": ["a", "a", "b"],
            "touch_date": "2026-01-02",
            "channel": "call",
            "event": "call",
            "minutes": [7, None, None],
        }
    )
    costs = pd.DataFrame(
        {
            "action": ["ring"],
            "channel": ["call"],
            "cost_per_contact": [5],
            "minutes_per_contact": [10],
        }
    )
    tables = {"orders": orders, "touches": touches}
    plain = sl.Study.from_frames(tables, as_of="2026-02-01").contacts()[
        "contact_minutes"
    ]
    assert plain.to_dict() == {"a": 7, "b": 0}
    usual = sl.Study.from_frames(
        {**tables, "contact_costs": costs}, as_of="2026-02-01"
    ).contacts()["contact_minutes"]
    assert usual.to_dict() == {"a": 17, "b": 10}
    with pytest.raises(NotEnoughDataError, match="no table of contacts"):
        sl.Study.from_frames({"orders": orders}, as_of="2026-02-01").contacts()


def test_prospects_are_mailed_too_where_a_scheme_holds_them():
    study = sl.Study.from_yaml(ROOT / "configs" / "sample.yml")
    page = ContactsPage(study, "lifecycle")
    assert page.reachable["customers"].sum() == len(page.segments)
    assert page.reachable.loc["Cold", "customers_reached"] > 0
