"""What a run hands on of a study without orders."""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.render.lists import FRONT, expected_days, write_lists, write_read
from segment_lab.texts import say, speaking

pytestmark = pytest.mark.slow
AS_OF = dt.date(2026, 6, 1)


@pytest.fixture(scope="module")
def study() -> sl.Study:
    """Three debtors of 18 monthly invoices; b and c have not paid the newest."""
    rows = []
    for month in range(1, 19):
        due = AS_OF - dt.timedelta(days=30 * month)
        issued = due - dt.timedelta(days=20)
        for customer in "abc":
            paid = None if month == 1 and customer != "a" else due
            rows.append((f"{customer}{month}", customer, issued, due, paid, 100.0))
    columns = [
        "invoice_id",
        "customer_id",
        "issue_date",
        "due_date",
        "settled_date",
        "amount",
    ]
    invoices = pd.DataFrame(rows, columns=columns)
    return sl.Study.from_frames({"invoices": invoices}, as_of=AS_OF, currency="EUR")


def test_a_study_of_invoices_alone_writes_page_one_and_its_debtors(study, tmp_path):
    written = write_lists(study, tmp_path)
    assert written.files == [FRONT, "debtors.xlsx"]
    assert written.history == {}
    assert "overdue" in json.loads((tmp_path / FRONT).read_text())["headline"]
    sheets = pd.read_excel(tmp_path / "debtors.xlsx", None, engine="calamine")
    owing = next(iter(sheets.values()))
    assert set(owing["Customer id"]) == {"b", "c"}


def test_a_further_language_has_the_same_debtors_in_its_words(study, tmp_path):
    with speaking("pl"):
        assert write_read(study, tmp_path) == [FRONT, "debtors.xlsx"]
    text = (tmp_path / FRONT).read_text("utf-8")
    assert "overdue" not in text
    assert {"b", "c"} <= set(json.dumps(json.loads(text)).split('"'))


def test_the_day_each_invoice_is_expected_is_a_sheet_of_the_debtors():
    days = pd.DataFrame(
        {
            "customer_id": ["b", "c"],
            "open_amount": [10.004, 20.0],
            "expected_on": pd.to_datetime(["2026-03-01", "2026-02-01"]),
        },
        index=["I1", "I2"],
    )
    book = SimpleNamespace(payment_days=days)
    wings = SimpleNamespace(receivables=SimpleNamespace(book=book))
    (title, rows), *others = expected_days(wings).items()
    assert title == "When they pay"
    assert not others
    assert rows["invoice_id"].tolist() == ["I2", "I1"]
    assert rows["open_amount"].tolist() == [20.0, 10.0]


def test_who_buys_daily_is_not_said_to_buy_every_1_day():
    facts = {"silent_days": 18, "at_stake": 8393.0, "days": None}
    daily = say("lists.why.broke_rhythm", usual_days=0.6, **facts)
    assert daily.startswith("Buys every day, silent for 18 days; spent ")
    weekly = say("lists.why.broke_rhythm", usual_days=7, **facts)
    assert weekly.startswith("Buys every 7 days, silent for 18; spent ")
