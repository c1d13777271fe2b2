"""Days with their month in words, in the languages that exports come in."""

from __future__ import annotations

import datetime as dt

import pytest

import segment_lab as sl
from segment_lab.data.conforming import INSTALMENT, LINE
from segment_lab.data.months import day_of


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("5 января 2025", (2025, 1, 5)),
        ("24 Декабрь 2024 10:00:15", (2024, 12, 24)),
        ("15 февраля 2025 г.", (2025, 2, 15)),
        ("Январь 2025 г.", (2025, 1, 1)),
        ("sob., 5 sty 2025, 10:22", (2025, 1, 5)),
        ("2 października 2025 r.", (2025, 10, 2)),
        ("15. März 2025", (2025, 3, 15)),
        ("1er mai 2025", (2025, 5, 1)),
        ("5 de enero de 2025", (2025, 1, 5)),
        ("28 dicembre 2025", (2025, 12, 28)),
        ("3 mei 2025", (2025, 5, 3)),
        ("Sunday, January 5th, 2025", (2025, 1, 5)),
        ("Mon Mar 03 2025 10:00:00 GMT+0100", (2025, 3, 3)),
        ("Jan 5, 2025 10:22:05 PM PST", (2025, 1, 5)),
        ("Jan-05-25", (2025, 1, 5)),
        ("05-Jan-25", (2025, 1, 5)),
        ("Jan-25", (2025, 1, 1)),
        ("2025 sty 5", (2025, 1, 5)),
    ],
)
def test_days_in_words_are_read(text, day):
    assert day_of(text) == dt.date(*day)


@pytest.mark.parametrize(
    "text", ["31 feb 2025", "5 jan 10:00", "Mars 50g", "7 maja", "marketplace 2025", ""]
)
def test_other_texts_are_no_days(text):
    assert day_of(text) is None


def test_a_study_reads_them_without_being_told(tmp_path):
    (tmp_path / "o.csv").write_text(
        "customer_id,order_date,amount\na,5 stycznia 2025,5\nb,15 lutego 2025,6\n",
        encoding="utf-8",
    )
    (tmp_path / "s.yml").write_text("name: s\nsources: {orders: {path: o.csv}}\n")
    last = sl.Study.from_yaml(tmp_path / "s.yml").customers().last_order.max()
    assert str(last)[:10] == "2025-02-15"


def test_the_lines_of_one_invoice_are_one_document():
    import pandas as pd

    lines = pd.DataFrame(
        {
            "invoice_id": ["I1", "I1", "I2"],
            "customer_id": ["a", "a", "b"],
            "issue_date": ["2025-01-05"] * 3,
            "due_date": ["2025-02-04"] * 3,
            "amount": [100.0, 50.0, 60.0],
        }
    )
    study = sl.Study.from_frames({"invoices": lines}, as_of="2025-03-01")
    open_items = study.ledger.balances(["2025-03-01"])
    assert open_items.open_amount.tolist() == [150, 60]
    counts = study.check()[0].counts
    assert counts.to_dict() == {"accepted": 2, "invoice line": 1}


def test_instalments_of_one_invoice_are_told():
    import pandas as pd

    lines = pd.DataFrame(
        {
            "invoice_id": ["I1", "I1", "I1"],
            "customer_id": ["a"] * 3,
            "issue_date": ["2025-01-05"] * 3,
            "due_date": ["2025-03-04", "2025-02-04", "2025-02-04"],
            "amount": [100.0, 50.0, 25.0],
        }
    )
    study = sl.Study.from_frames({"invoices": lines}, as_of="2025-03-01")
    counts = study.check()[0].counts
    assert counts.to_dict() == {"accepted": 1, LINE: 1, INSTALMENT: 1}
    kept = study.table("invoices").to_pandas().iloc[0]
    assert (str(kept["due_date"])[:10], kept["amount"]) == ("2025-02-04", 175)
