"""One plan per debtor, and instalments that add up."""

from __future__ import annotations

import pandas as pd
import pytest
from test_ledger import bill, invoices

from segment_lab.receivables import collection
from segment_lab.receivables.answer import finding
from segment_lab.receivables.book import Book
from segment_lab.receivables.ledger import Ledger
from segment_lab.receivables.plans import PLANS, debtor_plans, instalments
from segment_lab.show.tables import first_rows

DAY = pd.Timestamp("2026-04-01").date()
LEDGER = Ledger(
    invoices(
        [
            bill("I1", "a", "2026-01-01", "2026-01-31", 500, cause="deliberate"),
            bill("I2", "a", "2026-01-05", "2026-02-04", 90, cause="our_failure"),
            bill("I3", "b", "2026-01-01", "2026-01-31", 200, cause="cash_trouble"),
            bill("I4", "b", "2026-01-03", "2026-02-02", 100.01, cause="deliberate"),
            bill("C1", "b", "2026-03-01", "2026-03-01", 50, kind="credit_note"),
            bill("I5", "c", "2024-01-01", "2024-01-31", 70, cause="deliberate"),
            bill("I6", "d", "2026-03-20", "2026-05-01", 70),
        ]
    )
)


@pytest.fixture(scope="module")
def plans() -> pd.DataFrame:
    book = Book(LEDGER, DAY)
    causes = collection.causes(book.items, book.customers)
    todo = collection.checklist(book.items)
    return debtor_plans(book.items, book.customers, causes, todo, owners={"a": "Ann"})


def test_every_debtor_has_one_plan(plans):
    assert plans.index.is_unique
    assert plans["plan"].to_dict() == {
        "a": "put_right",
        "b": "instalments",
        "c": "write_off",
    }
    assert set(plans["plan"]) <= set(PLANS)
    assert plans["owner"].to_dict()["a"] == "Ann"
    assert plans.loc["a", ["overdue_amount", "invoices"]].tolist() == [590, 2]
    assert plans.loc["b", ["credit", "net_overdue"]].tolist() == pytest.approx(
        [50, 250.01]
    )


def test_instalments_add_up_to_the_cent(plans):
    parts = instalments(plans, DAY)
    assert parts["customer_id"].unique().tolist() == ["b"]
    assert parts["amount"].sum() == pytest.approx(250.01, abs=1e-9)
    assert len(parts) == 5  # none under 50
    assert parts["due_on"].iloc[0] == pd.Timestamp("2026-04-15")
    assert parts["due_on"].is_monotonic_increasing


def test_open_items_alone_claim_neither_speed_nor_losses():
    bare = Ledger(LEDGER.invoices.drop("settled_date"))
    book = Book(bare, DAY)
    assert not bare.knows_payments
    assert book.customers["mean_days_late"].isna().all()
    assert book.aging()["open_amount"].sum() == book.items["open_amount"].sum()
    for ask in (lambda: book.rates, lambda: book.dso, lambda: book.payment_days):
        with pytest.raises(Exception, match="list of open items"):
            ask()
    assert len(book.plans()) == 3


def test_the_page_says_that_open_items_tell_neither_speed_nor_losses():
    bare = Book(Ledger(LEDGER.invoices.drop("settled_date")), DAY)
    value = pd.Series("A", index=bare.customers.index, dtype="category")
    said = " ".join(finding(bare, value).sentences)
    assert "list of open items without payments" in said
    paid = Ledger(
        invoices(
            [bill("I1", "a", "2026-01-01", "2026-01-31", 5, settled_date="2026-02-01")]
        )
    )
    assert "list of open items" not in " ".join(
        finding(Book(paid, DAY), value).sentences
    )


def test_what_is_cut_on_the_page_is_folded_whole_below():
    rows = pd.DataFrame({"customer": [f"c{i}" for i in range(12)], "open": range(12)})
    page = str(first_rows(rows, "Debtors", 10))
    assert "All 12 rows" in page
    assert page.count("c11") == 1
    assert page.count("c9<") == 2
    assert "<details" not in str(first_rows(rows.head(10), "Debtors", 10))
