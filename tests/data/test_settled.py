"""A file that says when each invoice was paid needs no table of payments."""

from __future__ import annotations

import pytest

import segment_lab as sl
from datasets import dataset
from segment_lab.data.guess import first_config


def test_the_public_receivables_are_read_as_published(tmp_path):
    """84 invoices open at 2013-06-30, 12 of them overdue (IBM, late payment histories)."""
    path = dataset("accounts_receivable", "WA_Fn-UseC_-Accounts-Receivable.csv")
    text, proposal = first_config(path, tmp_path / "s.yml")
    (tmp_path / "s.yml").write_text(text)
    assert not any(
        "payments are not in this file" in doubt for doubt in proposal.doubts
    )
    items = sl.Study.from_yaml(tmp_path / "s.yml").ledger.open_items("2013-07-01")
    late = items[items["days_overdue"] > 0]
    assert (len(items), len(late)) == (84, 12)
    assert items["open_amount"].sum() == pytest.approx(5119.85)
    assert late["open_amount"].sum() == pytest.approx(835.56)


HEAD = "invoice_no,customer,invoice_date,due_date,amount,{}\n"
ROWS = "1,a,2026-01-05,2026-02-04,100,{}\n2,b,2026-01-09,2026-02-08,50,{}\n"


@pytest.mark.parametrize(
    ("header", "settled"),
    [
        ("paid_date", True),
        ("Payment received", True),
        ("last payment date", False),
        ("expected payment date", False),
        ("payment terms date", False),
    ],
)
def test_only_a_payment_in_full_settles(header, settled, tmp_path):
    path = tmp_path / "bills.csv"
    path.write_text(HEAD.format(header) + ROWS.format("2026-02-01", ""))
    _, proposal = first_config(path, tmp_path / "s.yml")
    mapped = proposal.sources["invoices"]["columns"]
    assert mapped.get("settled_date") == (header if settled else None)


@pytest.mark.parametrize(
    ("header", "values", "disputed"),
    [
        ("disputed", ("yes", "no"), "disputed = 'yes'"),
        ("disputed", ("no", "no"), None),
        ("dispute", ("wrong price", ""), None),
    ],
)
def test_a_dispute_is_a_yes(header, values, disputed, tmp_path):
    path = tmp_path / "bills.csv"
    path.write_text(HEAD.format(header) + ROWS.format(*values))
    _, proposal = first_config(path, tmp_path / "s.yml")
    assert proposal.sources["invoices"]["columns"].get("disputed") == disputed


def test_a_due_day_settles_how_the_other_days_are_written(tmp_path):
    path = tmp_path / "bills.csv"
    path.write_text(
        "invoice_no,customer,invoice_date,due_date,amount,paid_date\n"
        "1,a,01/02/2026,03/03/2026,10,\n"
        "2,b,02/02/2026,31/03/2026,20,03/02/2026\n"
    )
    _, proposal = first_config(path, tmp_path / "s.yml")
    assert proposal.sources["invoices"]["date_format"] == "%d/%m/%Y"
    assert proposal.doubts == []
