"""The decision report gathers the same facts that its parts compute, and says where the data do
not reach."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.act import market
from segment_lab.act.campaigns import contacted_since
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages import advice
from segment_lab.pages.decision import DecisionReport

ROOT = Path(__file__).resolve().parents[2]


def told(page):
    """All that is said of the decision: what opens the page, and what follows its table."""
    return [*advice.opening(page), *advice.particulars(page)]


@pytest.fixture(scope="module")
def report():
    return DecisionReport(
        sl.Study.from_yaml(ROOT / "configs" / "sample.yml", methods={"abc": {}}), "abc"
    )


@pytest.fixture
def young(tmp_path):
    """Orders of 150 days: one period of 90 days, and no second one."""
    days = pd.date_range("2026-01-01", periods=150, freq="D")
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i % 40}" for i in range(150)],
            "order_date": days,
            "amount": 10.0,
        }
    )
    frame.to_csv(tmp_path / "o.csv", index=False)
    (tmp_path / "s.yml").write_text("name: young\nsources: {orders: {path: o.csv}}\n")
    return DecisionReport(sl.Study.from_yaml(tmp_path / "s.yml"), "abc")


def test_the_periods_are_a_year_apart_and_add_up(report):
    assert report.back == 365
    assert (
        report.periods
        == "Revenue of the last 90 days against the same days a year before"
    )
    change = report.recent["revenue"].sum() - report.before["revenue"].sum()
    assert report.moves()["change"].sum() == pytest.approx(change, abs=0.01)
    bridge = report.bridge()
    assert bridge["change"].sum() == pytest.approx(change, abs=0.01)
    assert bridge.filter(like="from_").sum(axis=1).tolist() == pytest.approx(
        bridge["change"].tolist(), abs=0.01
    )
    day = pd.Timestamp(report.study.window.as_of)
    orders = report.study.orders().to_pandas()
    recent = orders[
        (orders["order_date"] >= day - pd.Timedelta(days=90))
        & (orders["order_date"] < day)
    ]
    assert report.recent["revenue"].sum() == pytest.approx(
        float(recent["amount"].sum()), abs=0.01
    )
    assert report.change.startswith(
        "Revenue fell by" if change < 0 else "Revenue rose by"
    )


def test_what_breaks_the_cash_does(report):
    lost = float(report.breaking(0.2).loc["customers", "breaks_at"])
    assert lost == pytest.approx(20, abs=0.1)
    assert (
        report.stressed.loc["as_it_is", "cash"]
        <= report.stressed.loc["as_it_is", "revenue"]
    )  # customers pay later


def test_the_page_gets_what_the_study_has(report):
    page = report.page(budget=1000.0)
    assert page.costs is not None
    assert page.effort is not None
    assert page.budget == 1000
    assert page.outcomes is report.recent
    done = report.stages(page)
    assert len(done) == 4


def test_campaigns_that_ran_in_the_horizon_are_known():
    found = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "arm": ["treatment", "holdout", "treatment"],
            "ends_on": pd.to_datetime(["2026-03-01", "2026-03-01", "2026-01-01"]),
        }
    )
    assert contacted_since(found, dt.date(2026, 2, 1)) == ["a"]
    assert contacted_since(None, dt.date(2026, 2, 1)) == []


def test_a_young_base_has_no_second_period(young):
    assert young.back == 90
    for ask in (lambda: young.before, young.moves, young.bridge):
        with pytest.raises(NotEnoughDataError, match="do not reach back"):
            ask()
    assert young.recent["orders"].sum() == 90
    rows, reasons = young.case_figures()
    assert "upsell" not in rows.index
    assert any("do not reach back" in reason for reason in reasons)
    assert young.found is None
    assert list(young.stressed.index) == list(market.applicable(young.recent))
    assert (
        len(young.stressed) == len(market.SCENARIOS) - 2
    )  # a till business has no invoices to be paid late
    assert "days_to_pay" not in young.breaking().index


def test_leads_decided_after_the_day_are_not_decided_on_it(report):
    day = "2025-10-01"
    stages = report.study.table("lead_stages").to_pandas()
    ended = stages["stage"].str.lower().isin(["won", "lost"]) & (
        stages["entered_on"] < pd.Timestamp(day)
    )
    then = DecisionReport(report.study.at(day), "abc")._leads()
    assert set(then.index[then["status"].notna()]) <= set(stages.loc[ended, "lead_id"])
    assert then["status"].eq("won").sum() == then["won"].eq(True).sum() > 0


def test_leads_are_read_in_the_words_of_the_study():
    leads = pd.DataFrame({"lead_id": list("abcd"), "status": ["1", "0", "0", "0"]})
    orders = pd.DataFrame(
        {"customer_id": ["c"], "order_date": ["2026-01-01"], "amount": [1.0]}
    )
    study = sl.Study.from_frames(
        {"orders": orders, "leads": leads}, as_of="2026-02-01", methods={"abc": {}}
    )
    assert DecisionReport(study, "abc")._leads()["status"].eq("won").sum() == 1


def test_who_never_ordered_is_not_named_for_money_that_was_never_spent():
    """The page said that fewer than 20 of 260 prospects may be contacted, and named the largest of
    them with EUR 0."""
    study = sl.Study.from_yaml(
        ROOT / "configs" / "sample.yml", methods={"lifecycle": {}}
    )
    page = DecisionReport(study, "lifecycle").page()
    said = told(page)
    unspent = [
        name for name in page.decided.index if not page.known["revenue"][name] > 0
    ]
    assert unspent
    [about] = [text for text in said if "No orders yet to forecast from" in text]
    assert all(str(name) in about for name in unspent)
    assert not [
        text for text in said if "too few to tell" in text and str(unspent[0]) in text
    ]
    assert not [text for text in said if "(EUR 0)" in text]
