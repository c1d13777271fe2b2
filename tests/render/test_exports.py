"""The segment files: complete, harmless in a spreadsheet, the same bytes for the same segments."""

from __future__ import annotations

from zipfile import ZipFile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lab.render.exports import (
    neutralised,
    write_matched,
    write_segments,
    write_sheet,
)
from segment_lab.study.study import Study

from .conftest import write_study


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "＝1",
        "=cmd|' /C calc'!A0",
    ],
)
def test_text_that_would_run_gets_an_apostrophe(text):
    assert neutralised(pd.DataFrame({"a": [text]})).a[0] == f"'{text}"


@given(st.lists(st.text(max_size=8), max_size=6))
def test_nothing_runs_and_harmless_text_stays(texts):
    out = list(neutralised(pd.DataFrame({"a": texts}, dtype=object)).a)
    for before, after in zip(texts, out, strict=True):
        assert after in (before, f"'{before}")
        assert not after.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_files_hold_every_customer_and_scheme(tmp_path):
    config = write_study(tmp_path)
    done = write_segments(str(config), None, str(tmp_path))
    frame = pd.read_parquet(tmp_path / "segments.parquet")
    study = Study.from_yaml(config)
    assert done["customers"] == len(frame) == 40
    expected = ["state", "p_active", "expected_orders", "expected_revenue"]
    assert list(frame.columns) == ["customer_id", "rfm", "abc", *expected]
    assert done["schemes"] == ["rfm", "abc"]
    table = study.customers(predict=True).sort_index()
    assert list(frame.state) == list(table["state"])
    for name in expected[1:]:
        assert frame[name].to_numpy() == pytest.approx(
            table[name].to_numpy(), abs=0.0051
        )
    assert frame.customer_id.is_monotonic_increasing
    expected = study.segmentation("rfm").labels.astype("str").sort_index()
    assert list(frame.rfm) == list(expected)
    types = {"customer_id": "str", **dict.fromkeys(expected[1:], "float64")}
    csv = pd.read_csv(tmp_path / "segments.csv", dtype=types)
    sheet = pd.read_excel(tmp_path / "segments.xlsx", dtype=types, engine="calamine")
    pd.testing.assert_frame_equal(csv, frame, check_dtype=False)
    pd.testing.assert_frame_equal(sheet, frame, check_dtype=False)


def test_what_is_expected_says_how_far_it_is_usually_off(tmp_path):
    short = write_segments(str(write_study(tmp_path)), None, str(tmp_path))
    assert short["forecast"] == {"horizon": 90, "days": 0}
    assert "order log is too short for a check" in heads(tmp_path / "segments.xlsx")
    told = {"horizon": 90, "days": 3, "orders": 0.12, "revenue": 0.2}
    frame = pd.DataFrame({"customer_id": ["a"], "expected_orders": [1.5]})
    write_sheet(frame, tmp_path / "told.xlsx", told)
    said = heads(tmp_path / "told.xlsx")
    assert "Checked on 3 earlier days" in said
    assert "off by 12% in orders and 20% in revenue on average" in said


def heads(path) -> str:
    """The comments of a sheet."""
    with ZipFile(path) as book:
        return book.read("xl/comments1.xml").decode()


def test_ids_stay_text(tmp_path):
    frame = pd.DataFrame(
        {"customer_id": ["007", "1e5", "=x", "http://a"], "rfm": ["A"] * 4}
    )
    write_sheet(neutralised(frame), tmp_path / "a.xlsx")
    read = pd.read_excel(tmp_path / "a.xlsx", dtype="str", engine="calamine")
    assert list(read.customer_id) == ["007", "1e5", "'=x", "http://a"]


def test_same_frame_same_bytes(tmp_path):
    frame = pd.DataFrame({"customer_id": ["a"], "rfm": ["A"]})
    for name in ("1.xlsx", "2.xlsx"):
        write_sheet(frame, tmp_path / name)
    assert (tmp_path / "1.xlsx").read_bytes() == (tmp_path / "2.xlsx").read_bytes()


def test_every_customer_stands_with_the_rules_that_hold(tmp_path):
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "b", "b", "c"],
            "order_id": ["1", "2", "3", "4"],
            "order_date": pd.to_datetime(["2026-01-01", "2026-01-02"] * 2),
            "amount": [10.0, 100.0, 100.0, 300.0],
        }
    )
    rules = [
        {"name": "Big", "when": "revenue >= 200"},
        {"name": "Often", "when": "frequency >= 2"},
    ]
    study = Study.from_frames(
        {"orders": orders}, as_of="2026-02-01", methods={"rules": {"rules": rules}}
    )
    write_matched(study, tmp_path)
    read = pd.read_csv(tmp_path / "rules_matched.csv", keep_default_na=False)
    assert read.drop(columns="segment").to_numpy().tolist() == [
        ["b", 2, "Big; Often"],
        ["c", 1, "Big"],
        ["a", 0, ""],
    ]
