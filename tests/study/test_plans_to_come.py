"""Campaigns that are not drawn yet, or drawn and not sent, stop nothing."""

from __future__ import annotations

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.errors import DataError
from segment_lab.pages.decision import DecisionReport

CONFIG = "name: shop\nsources:\n  orders: {path: orders.csv}\n  campaigns: {path: plans/shop/*.csv}\n"
PLAN = pd.DataFrame(
    {
        "campaign_id": "shop-2026-07-01-a",
        "customer_id": ["C1", "C2"],
        "arm": ["email", "holdout"],
        "assigned_on": "",
        "control": "holdout",
    }
)


@pytest.fixture
def place(tmp_path):
    days = pd.date_range("2025-01-01", periods=200, freq="2D").strftime("%Y-%m-%d")
    orders = {"order_date": days, "amount": 10.0, "margin": 4.0}
    ids = [f"C{i % 40}" for i in range(200)]
    pd.DataFrame({"customer_id": ids} | orders).to_csv(tmp_path / "orders.csv")
    (tmp_path / "shop.yml").write_text(CONFIG)
    return tmp_path


def test_before_the_first_plan_there_are_no_campaigns(place):
    assert not sl.Study.from_yaml(place / "shop.yml").has("campaigns")
    (place / "plans" / "shop").mkdir(parents=True)
    assert not sl.Study.from_yaml(place / "shop.yml").has("campaigns")


def test_a_pattern_that_passes_over_files_is_still_a_fault(place):
    folder = place / "plans" / "shop"
    folder.mkdir(parents=True)
    PLAN.to_parquet(folder / "plan.parquet")
    with pytest.raises(DataError):
        sl.Study.from_yaml(place / "shop.yml").table("campaigns")


def test_a_plan_without_a_date_waits_and_is_no_fault(place):
    folder = place / "plans" / "shop"
    folder.mkdir(parents=True)
    PLAN.to_csv(folder / "shop-2026-07-01-a.csv", index=False)
    study = sl.Study.from_yaml(place / "shop.yml")
    (intake,) = [found for found in study.check() if found.name == "campaigns"]
    assert intake.counts.to_dict() == {"accepted": 0, "not sent yet": 2}
    page = DecisionReport(study, "rfm").page()
    assert page.left_out["running_test"].sum() == 0
