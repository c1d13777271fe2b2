"""The ledger as of a day: part-payments, credit notes, settlements, conservation, and the
published figures."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from datasets import dataset
from segment_lab.receivables import aging, ledger
from segment_lab.receivables.answer import dso_caption
from segment_lab.receivables.ledger import Ledger
from segment_lab.receivables.payments import invoice_history, receivables_table


def invoices(rows: list[dict]) -> ibis.Table:
    frame = pd.DataFrame(rows)
    for name in frame.columns.intersection(["issue_date", "due_date", "settled_date"]):
        frame[name] = pd.to_datetime(frame[name])
    return ibis.memtable(frame)


def payments(*rows: tuple[str, str, float]) -> ibis.Table:
    frame = pd.DataFrame(rows, columns=["invoice_id", "payment_date", "amount"])
    return ibis.memtable(
        frame.assign(payment_date=pd.to_datetime(frame["payment_date"])).astype(
            {"invoice_id": "str", "amount": "float"}
        )
    )


def bill(
    invoice: str, customer: str, issued: str, due: str, amount: float, **more: object
) -> dict:
    return {
        "invoice_id": invoice,
        "customer_id": customer,
        "issue_date": issued,
        "due_date": due,
        "amount": amount,
        "kind": "invoice",
        "disputed": False,
        "settled_date": None,
        "related_invoice_id": None,
        **more,
    }


INVOICES = invoices(
    [
        bill("I1", "a", "2026-01-05", "2026-02-04", 100),  # 40 paid: 60 open
        bill("I2", "a", "2026-01-10", "2026-02-09", 50),  # credited 20, paid 30
        bill(
            "CN1",
            "a",
            "2026-01-20",
            "2026-01-20",
            20,
            kind="credit_note",
            related_invoice_id="I2",
        ),
        bill(
            "I3",
            "b",
            "2026-02-01",
            "2026-03-03",
            200,
            settled_date="2026-03-10",
            disputed=True,
        ),
        bill(
            "CN2", "b", "2026-02-15", "2026-02-15", -15, kind="credit_note"
        ),  # belongs to no invoice
        bill("I4", "b", "2026-02-20", "2026-02-28", 80),  # overpaid by 20
        bill("I5", "c", "2026-03-20", "2026-04-20", 10),  # not issued yet
    ]
)
PAYMENTS = payments(
    ("I1", "2026-02-10", 40),
    ("I2", "2026-02-01", 30),
    ("I4", "2026-03-01", 100),
    ("X", "2026-03-01", 5),
)
DAY = "2026-03-06"


def test_open_items_by_hand():
    items = Ledger(INVOICES, PAYMENTS).open_items(DAY)
    assert items["open_amount"].to_dict() == {
        "I1": 60,
        "CN2": -15,
        "I3": 200,
        "I4": -20,
    }
    assert items.loc["I1", ["days_overdue", "bucket"]].tolist() == [29, "1–30"]
    assert items.loc["I3", "days_overdue"] == 2
    assert (items.loc[["CN2", "I4"], "bucket"] == "unallocated").all()


def test_nothing_of_the_day_itself_or_later_is_known():
    assert (
        Ledger(INVOICES, PAYMENTS).open_items("2026-02-10").loc["I1", "open_amount"]
        == 100
    )
    assert (
        Ledger(INVOICES, PAYMENTS).open_items("2026-02-11").loc["I1", "open_amount"]
        == 60
    )
    assert "I3" in Ledger(INVOICES, PAYMENTS).open_items("2026-03-10").index
    assert "I3" not in Ledger(INVOICES, PAYMENTS).open_items("2026-03-11").index


def test_an_invoice_due_on_the_balance_day_is_not_late():
    assert (
        Ledger(INVOICES, PAYMENTS).open_items("2026-02-05").loc["I1", "bucket"]
        == "current"
    )
    assert (
        Ledger(INVOICES, PAYMENTS).open_items("2026-02-06").loc["I1", "bucket"]
        == "1–30"
    )


def test_reconcile_by_hand():
    assert Ledger(INVOICES, PAYMENTS).reconcile(DAY).to_dict() == {
        "invoiced": 430,
        "credited": 35,
        "paid": 170,
        "open": 260,
        "unallocated": 35,
        "paid_without_invoice": 5,
    }


def test_settled_date_closes_only_what_payments_left_open():
    table = invoices(
        [bill("I1", "a", "2026-01-01", "2026-01-31", 100, settled_date="2026-02-20")]
    )
    part = payments(("I1", "2026-02-01", 30))
    assert Ledger(table, part).open_items("2026-02-15")["open_amount"].tolist() == [70]
    assert Ledger(table, part).reconcile("2026-02-21")[
        ["paid", "open", "unallocated"]
    ].tolist() == [100, 0, 0]


def test_minimal_columns_suffice():
    bare = INVOICES.select(
        "invoice_id", "customer_id", "issue_date", "due_date", "amount"
    )
    items = Ledger(bare, None).open_items(DAY)
    assert items["open_amount"].sum() == pytest.approx(100 + 50 + 20 + 200 - 15 + 80)


def test_history_says_when_an_invoice_was_closed_and_how_late():
    due = {
        "late": "2026-01-11",
        "early": "2026-01-31",
        "open": "2026-02-01",
        "young": "2026-04-01",
        "back": "2026-01-11",
    }
    table = invoices(
        [bill(name, "a", "2026-01-01", day, 10) for name, day in due.items()]
    )
    paid = payments(
        ("late", "2026-01-14", 4),
        ("late", "2026-01-21", 6),
        ("late", "2026-02-02", 1),
        ("early", "2026-01-05", 10),
        ("back", "2026-01-06", 10),
        ("back", "2026-01-08", -10),
        ("back", "2026-01-13", 10),
    )
    history = invoice_history(Ledger(table, paid), "2026-02-11")
    assert history["days_late"].dropna().to_dict() == {
        "back": 2,
        "early": 0,
        "late": 10,
        "open": 9,
    }  # young: not known
    assert history.loc["late", "closed_on"] == pd.Timestamp(
        "2026-01-21"
    )  # a later overpayment does not move it


def test_receivables_table_by_hand():
    table = receivables_table(Ledger(INVOICES, PAYMENTS), DAY)
    assert table.index.tolist() == ["a", "b"]
    assert table["open_amount"].tolist() == [60, 200]
    assert table["unallocated"].tolist() == [0, 35]
    assert table["overdue_amount"].tolist() == [60, 200]
    assert table["max_days_overdue"].tolist() == [29, 2]
    assert table["disputed_open"].tolist() == [0, 200]
    assert table["invoices_n"].tolist() == [2, 2]
    assert table["mean_days_late"].tolist() == [
        14.5,
        1.5,
    ]  # a: 29 and 0; b: 2 so far, and 1
    assert table["parts_share"].tolist() == [0.5, 0]
    assert table.loc["a", "largest_paid"] == 50
    assert table.loc["b", "days_since_payment"] == 5


def test_aging_matrix_keeps_every_cent_and_shows_credit_apart():
    items = Ledger(INVOICES, PAYMENTS).open_items(DAY)
    matrix = aging.aging_matrix(items, bands=[100])
    assert matrix.loc["1–30"].tolist() == [60, 200, 260, 2]
    assert matrix.loc["unallocated", "open_amount"] == -35
    assert matrix["open_amount"].sum() == items["open_amount"].sum()
    assert aging.aging_matrix(items)["open_amount"].sum() == items["open_amount"].sum()
    nothing = aging.aging_matrix(items.iloc[:0])
    assert nothing["items"].sum() == 0
    assert aging.oldest_share(nothing) == 0


def test_old_debt_is_a_share_of_what_is_owed_not_of_the_balance():
    # 60 overdue for 104 days, 10 for 29; credit of 35
    items = Ledger(INVOICES, PAYMENTS).open_items("2026-05-20")
    assert aging.oldest_share(aging.aging_matrix(items)) == pytest.approx(60 / 70)


def test_dso_by_hand():
    # 900 sold evenly in the 90 days before; 300 open, of it 100 overdue.
    table = invoices(
        [
            bill(
                f"I{i}",
                "a",
                str(dt.date(2026, 1, 1) + dt.timedelta(10 * i)),
                "2026-03-01" if i == 6 else "2026-06-01",
                100,
            )
            for i in range(9)
        ]
    )
    paid = payments(*((f"I{i}", "2026-03-20", 100) for i in range(6)))
    row = aging.dso(Ledger(table, paid), ["2026-04-01"]).iloc[0]
    assert row[["receivables", "overdue", "sales"]].tolist() == [300, 100, 900]
    assert row["dso"] == 30
    assert row["best_possible"] == 20
    assert row["countback"] == 30  # the last 300 were sold from 2 March on
    young = aging.dso(Ledger(table, paid), ["2026-03-01"])
    assert young["dso"].isna().all()  # sales of 90 days are not known yet
    assert "is not known" in dso_caption(young)
    remark = dso_caption(aging.dso(Ledger(table, paid), ["2026-03-01", "2026-04-01"]))
    assert remark.startswith("Customers take 30 days to pay; 20 if nobody paid late.")
    assert remark.endswith("over actual sales: 30 days.")


def random_book(seed: int, n: int = 80) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Invoices and credit notes in any state: unissued, prepaid, overpaid, credited twice,
    settled, unrelated."""
    rng = np.random.default_rng(seed)

    def days(size: int) -> list[str]:
        return [
            str(dt.date(2026, 1, 1) + dt.timedelta(int(day)))
            for day in rng.integers(0, 120, size)
        ]

    kinds, settled = rng.choice(["invoice", "credit_note"], n, p=[0.8, 0.2]), days(n)
    rows = [
        bill(
            f"I{i}",
            rng.choice(list("abcde")),
            issued,
            due,
            int(cents) / 100,
            kind=kinds[i],
            settled_date=settled[i] if rng.random() < 0.3 else None,
            related_invoice_id=f"I{rng.integers(0, n + 9)}"
            if rng.random() < 0.7
            else None,
        )
        for i, (issued, due, cents) in enumerate(
            zip(days(n), days(n), rng.integers(1, 10**7, n), strict=True)
        )
    ]
    paid = zip(
        [f"I{i}" for i in rng.integers(0, n + 9, 2 * n)],
        days(2 * n),
        rng.integers(1, 10**7, 2 * n) / 100,
        strict=True,
    )
    return pd.DataFrame(rows), pd.DataFrame(
        paid, columns=["invoice_id", "payment_date", "amount"]
    )


@pytest.mark.parametrize("seed", range(3))
def test_conservation_order_and_ignorance_of_the_future(seed: int):
    rows, paid = random_book(seed)
    table, money, day = (
        invoices(rows.to_dict("records")),
        payments(*paid.itertuples(index=False)),
        "2026-02-20",
    )
    items = Ledger(table, money).open_items(day)
    proof = Ledger(table, money).reconcile(day)
    assert items["open_amount"].sum() == pytest.approx(
        proof["invoiced"] - proof["credited"] - proof["paid"], abs=1e-4
    )
    assert items["open_amount"].sum() == pytest.approx(
        proof["open"] - proof["unallocated"], abs=1e-4
    )
    known = pd.to_datetime(paid["payment_date"]) < pd.Timestamp(day)
    stray = paid[known & ~paid["invoice_id"].isin(rows["invoice_id"])]["amount"].sum()
    assert proof["paid_without_invoice"] == pytest.approx(stray)

    settled = pd.to_datetime(rows["settled_date"])
    then = rows.assign(settled_date=settled.where(settled < pd.Timestamp(day)))[::-1]
    before = payments(*paid[known][::-1].itertuples(index=False))
    past = Ledger(invoices(then.to_dict("records")), before).open_items(day)
    pd.testing.assert_frame_equal(past, items)


@pytest.fixture(scope="module")
def ibm() -> ibis.Table:
    path = dataset("accounts_receivable", "WA_Fn-UseC_-Accounts-Receivable.csv")
    raw = pd.read_csv(path, dtype=str)
    return invoices(
        [
            bill(
                r.invoiceNumber,
                r.customerID,
                _iso(r.InvoiceDate),
                _iso(r.DueDate),
                float(r.InvoiceAmount),
                disputed=r.Disputed == "Yes",
                settled_date=_iso(r.SettledDate),
            )
            for r in raw.itertuples()
        ]
    )


def _iso(text: str) -> str:
    return dt.datetime.strptime(text, "%m/%d/%Y").date().isoformat()


def test_published_payment_delays(ibm: ibis.Table):
    history = invoice_history(Ledger(ibm, None), "2014-06-01")
    late = history[history["days_late"] > 0]
    assert (len(history), len(late), round(late["amount"].sum(), 2)) == (
        2466,
        877,
        53960.78,
    )
    assert round(100 * len(late) / len(history), 1) == 35.6
    bands = (
        pd.cut(history["days_late"], [-1, 0, 15, 30, 1000])
        .value_counts(sort=False)
        .tolist()
    )
    assert [round(100 * n / 2466, 1) for n in bands[1:3]] == [28.5, 6.7]
    assert bands[3] == 8


def test_published_open_items(ibm: ibis.Table):
    items = Ledger(ibm, None).open_items("2013-07-01")  # the close of 2013-06-30
    assert (len(items), round(items["open_amount"].sum(), 2)) == (84, 5119.85)
    late = ledger.overdue(items)
    assert (len(late), round(late["open_amount"].sum(), 2), set(late["bucket"])) == (
        12,
        835.56,
        {"1–30"},
    )
    proof = Ledger(ibm, None).reconcile("2013-07-01")
    assert proof["open"] == pytest.approx(proof["invoiced"] - proof["paid"])


@pytest.mark.parametrize("day", ["2024-11-05", "2026-07-01"])
def test_the_sample_agrees_with_plain_pandas(day: str):
    folder = Path(__file__).parents[2] / "data" / "sample"
    raw = pd.read_csv(
        folder / "invoices.csv", parse_dates=["issue_date", "due_date", "settled_date"]
    )
    paid = pd.read_csv(folder / "payments.csv", parse_dates=["payment_date"])
    issued, then = raw[raw["issue_date"] < day], paid[paid["payment_date"] < day]
    bills = issued[issued["kind"] == "invoice"].set_index("invoice_id")["amount"]
    notes = (
        issued[issued["kind"] == "credit_note"]
        .groupby("related_invoice_id")["amount"]
        .sum()
        .abs()
    )
    left = (
        bills.sub(notes, fill_value=0).sub(
            then.groupby("invoice_id")["amount"].sum(), fill_value=0
        )
    ).round(2)

    items = Ledger(ibis.memtable(raw), ibis.memtable(paid)).open_items(day)
    assert len(items) > 100
    assert (
        items["open_amount"].sort_index().to_dict()
        == left[left != 0].sort_index().to_dict()
    )


def test_a_day_asked_for_again_is_not_asked_of_the_engine(monkeypatch):
    ledger = Ledger(INVOICES, PAYMENTS)
    days = ["2026-02-10", DAY]
    first = ledger.balances(days)
    alone = pd.concat([ledger.balances([day]) for day in days], ignore_index=True)
    pd.testing.assert_frame_equal(first, alone)
    monkeypatch.setattr(type(ledger), "_known_by", None)
    wide = ledger.balances(days, cuts=(10, 20))
    assert wide["open_amount"].equals(first["open_amount"])
    assert wide["bucket"].cat.categories[1] == "1–10"
