"""What the processes of a run share is exact, and asked for once."""

from __future__ import annotations

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.segments.abc import ABCSegmenter


@pytest.fixture
def study():
    """A fresh study of the same sixty orders, as another process would open it."""
    orders = pd.DataFrame(
        {
            "customer_id": [f"c{i % 20}" for i in range(60)],
            "order_date": pd.date_range("2026-01-01", periods=60, freq="D"),
            "amount": [1.0 + i % 20 for i in range(60)],
        }
    )
    return lambda: sl.Study.from_frames({"orders": orders}, as_of="2026-03-10")


def test_segments_are_told_once_a_run(study, monkeypatch, tmp_path):
    alone = study().segmentation("abc")
    monkeypatch.setenv("SEGMENT_LAB_SHARED", str(tmp_path))
    asked = []
    predict = ABCSegmenter.predict

    def counted(self, customers):
        asked.append(len(customers))
        return predict(self, customers)

    monkeypatch.setattr(ABCSegmenter, "predict", counted)
    first, second = study().segmentation("abc"), study().segmentation("abc")
    assert asked == [20]
    assert first.labels.equals(alone.labels)
    assert second.labels.equals(alone.labels)


def test_another_day_is_told_anew(study, monkeypatch, tmp_path):
    monkeypatch.setenv("SEGMENT_LAB_SHARED", str(tmp_path))
    now = study().segmentation("abc")
    then = study().at("2026-01-31").segmentation("abc")
    assert len(now) == 20
    assert not then.labels.equals(now.labels)
    assert then.window.as_of.isoformat() == "2026-01-31"


def test_there_is_one_ledger_for_all_days():
    day = pd.Timestamp("2026-01-05")
    bills = pd.DataFrame(
        {
            "invoice_id": ["I1"],
            "customer_id": ["a"],
            "issue_date": [day],
            "due_date": [day],
            "amount": [60.0],
        }
    )
    study = sl.Study.from_frames({"invoices": bills}, as_of="2026-03-10")
    assert study.ledger is study.at("2026-02-10").ledger
    assert study.ledger.movements is study.ledger.movements
    assert study.ledger.open_items("2026-02-10")["open_amount"].tolist() == [60.0]
