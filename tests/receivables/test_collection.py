"""Causes, suggestions, checklist, exposure and the conflict cell, on frames small enough to
read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_ledger import bill, invoices

from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables import collection, ledger
from segment_lab.receivables.answer import finding
from segment_lab.receivables.book import Book
from segment_lab.receivables.ledger import Ledger
from segment_lab.receivables.notes import exposure_note, suggestion_note
from segment_lab.receivables.payments import receivables_table
from segment_lab.texts import phrases, say, speaking

CUSTOMER = {
    "late_recent": 0.0,
    "late_before": 0.0,
    "invoiced_recent": 100.0,
    "invoiced_before": 100.0,
    "days_since_payment": 5.0,
    "largest_paid": 0.0,
    "late_share": 0.1,
    "parts_share": 0.0,
}
ITEM = {
    "customer_id": "c",
    "open_amount": 100.0,
    "days_overdue": 40,
    "issue_date": pd.Timestamp("2026-01-01"),
    "disputed": False,
    "cause": None,
    "consignment": False,
    "documents_sent": True,
    "statement_sent": True,
    "questions_open": False,
    "bucket": "31–60",
}


def frames(
    item: dict | None = None, customer: dict | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One item of customer c as given, beside a larger and a smaller current one that only set the
    scale."""
    rows = [
        {**ITEM, **(item or {})},
        {**ITEM, "customer_id": "x", "open_amount": 500.0},
    ]
    items = pd.DataFrame(rows, index=pd.Index(["I1", "I2"], name="invoice_id"))
    items["bucket"] = pd.Categorical(
        items["bucket"], [*ledger.bucket_names(), ledger.UNALLOCATED]
    )
    people = pd.DataFrame(
        [{**CUSTOMER, **(customer or {})}, CUSTOMER],
        index=pd.Index(["c", "x"], name="customer_id"),
    )
    return items, people


@pytest.mark.parametrize(
    ("cause", "evidence", "item", "customer"),
    [
        ("our_failure", "disputed", {"disputed": True, "consignment": True}, {}),
        ("our_failure", "waits for an answer", {"questions_open": True}, {}),
        ("our_failure", "papers", {"documents_sent": False}, {}),
        ("consignment", "consignment", {"consignment": True}, {"parts_share": 0.9}),
        ("cash_trouble", "50% of the invoices in parts", {}, {"parts_share": 0.5}),
        (
            "cash_trouble",
            "12 days later",
            {},
            {"late_recent": 20.0, "late_before": 8.0, "invoiced_recent": 70.0},
        ),
        (
            "deliberate",
            "90 days",
            {"days_overdue": 61},
            {"days_since_payment": 90.0, "largest_paid": 100.0},
        ),
        ("not_a_priority", "80% of all", {}, {"late_share": 0.8}),
    ],
)
def test_each_sign_gives_its_suggestion_with_evidence(
    cause: str, evidence: str, item: dict, customer: dict
):
    row = collection.causes(*frames(item, customer)).loc["I1"]
    assert (row["cause"], row["source"]) == (cause, "suggested")
    assert evidence in row["evidence"]
    assert row["treatment"] == say(f"receivables.treatments.{cause}")


@pytest.mark.parametrize(
    "customer",
    [
        {"late_recent": 20.0, "late_before": 8.0},  # slower, but buying as before
        {
            "days_since_payment": 90.0,
            "largest_paid": 99.0,
        },  # silent, but never paid so much
        {
            "late_recent": np.nan,
            "days_since_payment": np.nan,
            "late_share": np.nan,
            "largest_paid": np.nan,
        },
    ],
)
def test_half_a_sign_is_none(customer: dict):
    row = collection.causes(*frames({}, customer)).loc["I1"]
    assert pd.isna(row["cause"])
    assert (row["source"], row["treatment"]) == (
        "unknown",
        collection.treatment("unknown"),
    )


def test_who_owed_nothing_that_was_due_kept_no_silence():
    """An account that bought little pays no invoice for months; one that is three days overdue is
    no case for legal."""
    quiet = {"days_since_payment": 90.0, "largest_paid": 100.0}
    fresh = collection.causes(*frames({"days_overdue": 3}, quiet)).loc["I1"]
    assert pd.isna(fresh["cause"])
    old = collection.causes(*frames({"days_overdue": 60}, quiet)).loc["I1"]
    assert old["cause"] == "deliberate"


def test_a_recorded_cause_is_used_whatever_the_signs():
    row = collection.causes(*frames({"cause": "deliberate", "disputed": True})).loc[
        "I1"
    ]
    assert (row["cause"], row["source"], row["evidence"]) == (
        "deliberate",
        "recorded",
        "as recorded",
    )
    assert (
        collection.causes(*frames({"cause": "who knows"})).loc["I1", "source"]
        == "unknown"
    )


def test_suggestions_are_judged_where_the_cause_is_recorded():
    said = collection.suggestion_check(
        *frames({"cause": "our_failure", "disputed": True})
    )
    assert said[["recorded", "suggested", "agree", "baseline"]].tolist() == [1, 1, 1, 1]
    assert said["agree_low"] < 0.25  # one agreement proves little
    assert np.isnan(collection.suggestion_check(*frames())["agree"])


def test_suggestions_are_believed_only_where_they_beat_the_commonest_cause():
    check = pd.Series(
        {
            "recorded": 120,
            "suggested": 100,
            "agree": 0.7,
            "agree_low": 0.6,
            "agree_high": 0.8,
            "baseline": 0.5,
        }
    )
    said = str(suggestion_note(check))
    assert "sl-info" in said
    assert (
        "agreed for 70% of 100 invoices (95% range 60% to 80%); always naming the most common "
        "cause agrees for 50%." in said
    )
    assert "sl-warning" in str(suggestion_note(check.replace(0.5, 0.65)))
    assert "None of the 120 overdue invoices" in str(
        suggestion_note(check.replace(100, 0))
    )
    assert "has a recorded cause" in str(
        suggestion_note(collection.suggestion_check(*frames()))
    )


def test_causes_are_summed_up_and_none_is_lost():
    found = pd.DataFrame(
        {
            "cause": ["deliberate", None, "deliberate"],
            "source": ["recorded", "unknown", "recorded"],
            "treatment": ["Stop.", "Ask.", "Stop."],
            "open_amount": [10.0, 50.0, 20.0],
        }
    )
    sums = collection.by_cause(found)
    assert sums.index.tolist() == [("unknown", "unknown"), ("deliberate", "recorded")]
    assert sums[["treatment", "invoices", "amount"]].to_numpy().tolist() == [
        ["Ask.", 1, 50.0],
        ["Stop.", 2, 30.0],
    ]
    assert collection.by_cause(found.iloc[:0]).empty


def test_checklist_says_what_is_missing_and_what_is_unknown():
    items, _ = frames(
        {"documents_sent": False, "questions_open": True, "statement_sent": None}
    )
    todo = collection.checklist(items)
    assert todo.loc["I1", "next_step"] == (
        "Send the delivery papers; Was a statement of account sent?; Answer the open questions"
    )
    assert todo["ready"].to_dict() == {"I1": False, "I2": True}
    assert todo.loc["I2", "next_step"] == "Collect"
    assert collection.checklist(items.iloc[:0]).empty
    assert collection.causes(items.iloc[:0], frames()[1]).empty


def test_every_cause_of_the_data_has_a_treatment():
    causes = ledger.settings()["causes"]
    assert set(causes) == {
        "not_a_priority",
        "our_failure",
        "deliberate",
        "cash_trouble",
        "consignment",
    }
    assert set(phrases("receivables.treatments")) == {*causes, "unknown"}


def test_value_payment_counts_everybody_once():
    value = pd.Series(
        pd.Categorical(list("AAB"), ["A", "B"], ordered=True), list("xyz")
    )
    payment = pd.Series(
        pd.Categorical(["Prompt", "Overdue", "Prompt"], ["Prompt", "Overdue"]),
        list("xyz"),
    )
    cells = collection.value_payment(value, payment, pd.Series({"y": 70.0}))
    assert cells["customers"].to_numpy().tolist() == [[1, 1], [1, 0]]
    assert cells["overdue"].to_numpy().tolist() == [[0, 70], [0, 0]]


BOOK = invoices(
    [
        bill("I1", "a", "2026-01-01", "2026-01-31", 300),
        bill("I2", "a", "2026-03-01", "2026-03-31", 100),
        bill("I3", "b", "2026-01-10", "2026-06-30", 50),
        bill("I4", "c", "2025-01-10", "2025-02-10", 80),
    ]
)


def test_exposure_by_hand():
    # a bought for 100 and 300 in the last 90 days, b for 50
    people = receivables_table(Ledger(BOOK), "2026-04-01")
    out = collection.exposure(
        people, pd.Index(["a", "b", "c", "nobody"]), horizon_days=45
    )
    assert out.index.tolist() == ["a", "c", "b"]
    assert out.loc[
        "a", ["overdue_amount", "open_amount", "expected", "exposure"]
    ].tolist() == [
        300,
        400,
        200,
        600,
    ]
    assert out.loc["c", "expected"] == 0
    # c: no invoice in 90 days, so with Jeffreys' half the next 45 bring none with a chance of
    # (2/3)^½ = .816, one with .136, two with .034: 97.5 % are reached at two of 80.
    assert out.loc["c", ["expected_low", "expected_high"]].tolist() == [0, 160]
    assert (out["expected_low"] <= out["expected"]).all()
    assert (out["expected"] <= out["expected_high"]).all()


def test_the_conflict_is_the_best_class_in_debt():
    book = Book(Ledger(BOOK, None), pd.Timestamp("2026-04-01").date())
    value = pd.Series(
        pd.Categorical(["A", "A", "B"], ["A", "B"], ordered=True), list("abc")
    )
    assert book.conflict(value).index.tolist() == ["a"]
    assert book.debtors().index.tolist() == ["a", "c"]
    with speaking(currency="EUR"):
        sentences, figures = finding(book, value)
    assert sentences[0] == "Customers owe EUR 530; EUR 380 of it is overdue."
    assert figures["conflict_overdue_amount"] == 300


def test_exposure_check_compares_with_what_came():
    rows = [
        bill(f"I{i}", "a", str(day.date()), str(day.date()), 10)
        for i, day in enumerate(pd.date_range("2025-01-01", "2026-03-31", freq="3D"))
    ]
    check = collection.exposure_check(Ledger(invoices(rows), None), "2026-04-01", 90)
    assert check[["customers", "expected", "happened", "inside"]].tolist() == [
        1,
        300,
        300,
        1,
    ]
    book = Book(Ledger(invoices(rows), None), pd.Timestamp("2026-04-01").date())
    with speaking(currency="EUR"):
        said = str(exposure_note(book.exposure_check(90) * [1, 1, 1.5, 1], 90))
    assert (
        "was EUR 300; they were then invoiced EUR 450, 50% more than expected" in said
    )
    with pytest.raises(NotEnoughDataError, match="Nobody had been invoiced"):
        book.exposure_check(800)


def test_a_book_without_a_month_end_has_no_dso():
    young = Book(
        Ledger(invoices([bill("I1", "a", "2026-03-05", "2026-04-01", 300)])),
        pd.Timestamp("2026-03-20").date(),
    )
    with pytest.raises(NotEnoughDataError, match="do not say when invoices were paid"):
        _ = young.dso
    assert young.reconcile().loc["open", "amount"] == 300
