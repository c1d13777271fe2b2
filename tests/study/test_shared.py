"""What the processes of a run share is exact, and asked for once."""

from __future__ import annotations

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.segments.abc import ABCSegmenter
from segment_lab.study import days


@pytest.fixture
def study(monkeypatch, tmp_path):
    """A fresh study of the same sixty orders, as another process would open it, and a cache."""
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    orders = pd.DataFrame(
        {
            "customer_id": [f"c{i % 20}" for i in range(60)],
            "order_date": pd.date_range("2026-01-01", periods=60, freq="D"),
            "amount": [1.0 + i % 20 for i in range(60)],
        }
    )

    def opened(**options):
        return sl.Study.from_frames(
            {"orders": orders}, **{"as_of": "2026-03-10", **options}
        )

    return opened


@pytest.fixture
def asked(monkeypatch):
    """How many customers were told their segment, call by call."""
    calls = []
    predict = ABCSegmenter.predict

    def counted(self, customers):
        calls.append(len(customers))
        return predict(self, customers)

    monkeypatch.setattr(ABCSegmenter, "predict", counted)
    return calls


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Begins another run: what its processes share lies in a folder of its own."""

    def begun(name):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setenv("SEGMENT_LAB_SHARED", str(folder))
        return folder

    return begun


def test_segments_are_told_once_a_run(study, asked, run):
    alone = study().segmentation("abc")
    asked.clear()
    run("first")
    first, second = study().segmentation("abc"), study().segmentation("abc")
    assert asked == [20]
    assert first.labels.equals(alone.labels)
    assert second.labels.equals(alone.labels)


def test_a_later_run_finds_what_is_small(study, asked, run):
    run("first")
    made = study().segmentation("abc")
    run("second")
    found = study().segmentation("abc")
    assert asked == [20]
    assert found.labels.equals(made.labels)


@pytest.mark.parametrize(
    "change", [{"tolerance": 0.5}, {"methods": {"abc": {"cuts": [0.6, 0.9]}}}]
)
def test_a_run_with_other_settings_does_not(study, asked, run, change):
    run("first")
    study().segmentation("abc")
    run("second")
    study(**change).segmentation("abc")
    assert asked == [20, 20]


def test_what_is_large_dies_with_its_run(study, asked, run, monkeypatch, tmp_path):
    monkeypatch.setattr(days, "KEPT_BYTES", 100)
    folder = run("first")
    study().segmentation("abc")
    assert list(folder.glob("codes-abc-*.pickle"))
    assert not list((tmp_path / "cache").glob("codes-abc-*.pickle"))
    run("second")
    study().segmentation("abc")
    assert asked == [20, 20]


def test_what_is_kept_is_its_owners_alone(study, run, tmp_path):
    run("first")
    study().customers()
    kept = list((tmp_path / "cache").glob("customers-*.pickle"))
    assert kept
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


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


def test_who_changes_a_customer_table_changes_nobody_elses(study):
    known = study()
    for prospects in (False, True):
        table = known.customers(prospects)
        table.iloc[:, 0] = -1
        table["new"] = 1
        table.index.name = "mine"
        again = known.customers(prospects)
        assert (again.iloc[:, 0] >= 0).all()
        assert "new" not in again
        assert again.index.name == "customer_id"


def test_accounts_are_read_once_a_run(monkeypatch, run, tmp_path):
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    orders = {"customer_id": ["a", "b"], "order_date": ["2026-01-02"] * 2}
    people = {"customer_id": ["a", "b", "c"], "region": ["N", "S", "N"]}
    tables = {
        "orders": pd.DataFrame({**orders, "amount": [1.0, 2.0]}),
        "customers": pd.DataFrame(people),
    }
    run("first")
    told = sl.Study.from_frames(tables, as_of="2026-03-10").customers(True)

    def nobody(table):
        raise AssertionError("asked again")

    monkeypatch.setattr("segment_lab.study.people.accounts", nobody)
    again = sl.Study.from_frames(tables, as_of="2026-03-10").customers(True)
    pd.testing.assert_frame_equal(again, told)
    assert again["region"].tolist() == ["N", "S", "N"]
