"""Roll rates, provision and pools on books whose rates are known by construction."""

from __future__ import annotations

import datetime as dt
import tracemalloc

import ibis
import numpy as np
import pandas as pd
import pytest
from test_ledger import bill, invoices, payments

from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables import provision, rollrates
from segment_lab.receivables.answer import finding
from segment_lab.receivables.book import Book
from segment_lab.receivables.ledger import Ledger
from segment_lab.show import note

AS_OF = dt.date(2026, 1, 1)


def book(
    paid_share: float,
    after: int = 15,
    customers: int = 8,
    months: int = 18,
    **options: object,
) -> Book:
    """One invoice of 100 per customer and month, due on the month's last day; so much is paid so
    long after it."""
    rows, paid = [], []
    for month in pd.date_range(end="2025-12-01", periods=months, freq="MS"):
        due = month + pd.offsets.MonthEnd()
        for customer in range(customers):
            name = f"{month:%y%m}-{customer}"
            rows.append(
                bill(name, f"c{customer}", str(month.date()), str(due.date()), 100)
            )
            if due + pd.Timedelta(days=after) < pd.Timestamp(AS_OF) and paid_share:
                paid.append(
                    (
                        name,
                        str((due + pd.Timedelta(days=after)).date()),
                        100 * paid_share,
                    )
                )
    return Book(Ledger(invoices(rows), payments(*paid)), AS_OF, **options)


@pytest.fixture(scope="module")
def half() -> Book:
    return book(0.5, loss_days=100)


def test_roll_rates_by_hand(half: Book):
    matrix = half.rates.matrix()
    assert matrix.loc["current", "paid"] == 0.5
    assert (
        matrix.loc["current", ["1–30", "31–60"]].sum() == 0.5
    )  # a month later is 28 to 31 days overdue
    # Half of every invoice never comes: what is once overdue stays so.
    assert matrix.loc[["1–30", "31–60", "61–90"], "paid"].tolist() == [0, 0, 0]
    assert matrix.dropna().sum(axis=1).tolist() == pytest.approx(
        [1.0] * len(matrix.dropna())
    )
    summary = half.rates.summary()
    assert summary.loc["current", "customers_seen"] == 8
    assert (
        summary.loc["current", "paid_low"]
        <= summary.loc["current", "paid"]
        <= summary.loc["current", "paid_high"]
    )


def test_a_large_book_takes_neither_the_square_of_its_invoices_nor_all_draws_at_once():
    connection = ibis.duckdb.connect()
    one = (
        invoices([bill("I1", "a", "2026-01-01", "2026-01-31", 300)])
        .to_pandas()
        .dropna(axis=1)
    )
    rows = connection.create_table("invoices", one)
    plan = connection.raw_sql(
        f"EXPLAIN {ibis.to_sql(Ledger(rows).recorded())}"
    ).fetchall()
    assert "HASH_JOIN" in str(plan)
    assert "NL_JOIN" not in str(plan)
    money = np.random.default_rng(1).exponential(size=(20_000, 2, 4))
    rates = rollrates.RollRates(money, ["current", "late"], 6, 365, True)
    tracemalloc.start()
    rates.summary()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # all draws at once: 80 MB, twice


def test_provision_by_hand(half: Book):
    table = half.provision
    assert table.loc["current", "open_amount"] == 800
    assert table.loc["current", "loss_share"] == pytest.approx(
        matrix_loss(half), abs=1e-9
    )
    assert table.loc["1–30", "loss_share"] == 1
    # Eight customers never paid after a month: that alone does not say that nobody ever will.
    assert 0 < table.loc["1–30", "loss_share_low"] <= 0.05 ** (1 / 8) + 1e-9
    assert (
        table.loc["over 100", "expected_loss"]
        == provision.write_off_list(half.items, 100)["open_amount"].sum()
    )
    assert table.loc["total", "open_amount"] == half.items["open_amount"].sum()
    assert table.loc["total", "expected_loss"] == pytest.approx(
        table["expected_loss"].iloc[:-1].sum()
    )
    assert np.allclose(
        table["net_value"] + table["expected_loss"], table["open_amount"]
    )
    assert (table["expected_loss_low"] <= table["expected_loss"] + 1e-9).all()
    assert (table["expected_loss"] <= table["expected_loss_high"] + 1e-9).all()


def matrix_loss(half: Book) -> float:
    row = half.rates.matrix().loc["current"]
    return 1 - row["paid"] / (1 - row["current"])


def test_a_loss_never_seen_is_bounded_by_the_rule_of_three():
    prompt = book(1.0, after=10, customers=30, loss_days=200)
    table = prompt.provision
    assert table.loc["total", "expected_loss"] == 0
    assert table.loc["current", "loss_share_high"] == pytest.approx(
        1 - 0.05 ** (1 / 30)
    )  # about 3 in 30
    assert table.loc["current", "basis"] == "own history, no loss seen"
    assert table.loc["total", "expected_loss_high"] == pytest.approx(
        3000 * (1 - 0.05 ** (1 / 30))
    )
    value = pd.Series(pd.Categorical(["A"] * 30), prompt.customers.index)
    assert "No debt was ever lost" in finding(prompt, value).sentences[1]


def test_a_bucket_never_seen_is_counted_in_full():
    prompt = book(1.0, after=10, loss_days=200)
    items = prompt.items.assign(days_overdue=75)
    table = provision.provision_matrix(items, prompt.rates)
    assert table.loc["61–90", "basis"] == "never seen: counted in full"
    assert table.loc["total", "expected_loss"] == items["open_amount"].sum()


def test_too_short_a_history_has_no_answer():
    with pytest.raises(NotEnoughDataError, match="month ends"):
        _ = book(0.5, months=6).rates
    young = book(
        0.5, months=10
    )  # roll rates, but nothing can have been overdue for a year
    assert young.rates.months == 9
    with pytest.raises(NotEnoughDataError, match="365 days"):
        _ = young.provision
    nobody = pd.Series(pd.Categorical(["A"]), ["c0"])
    assert "too short" in finding(young, nobody).sentences[1]
    assert "365 days" in str(note(lambda: young.provision))


def test_without_overdue_debt_there_are_no_pools(half: Book):
    with pytest.raises(NotEnoughDataError, match="Nothing is overdue"):
        provision.pools(half.items[half.items["days_overdue"] <= 0], half.rates)


def test_pools_are_shares_of_overdue_debt_and_the_check_tells_the_truth():
    slow = book(
        0.6, after=70, months=26, loss_days=200
    )  # 60 % comes in the third month, the rest never
    pools = provision.pools(slow.items, slow.rates)
    assert pools["share"].sum() == pytest.approx(1)
    assert pools["amount"].sum() == pytest.approx(
        slow.customers["overdue_amount"].sum()
    )
    assert pools["reference"].tolist() == [0.333] * 3
    check = slow.pools_check()
    assert check["happened"].sum() == pytest.approx(1)
    assert check["forecast"].tolist() == pytest.approx(
        check["happened"].tolist(), abs=0.06
    )
    with pytest.raises(NotEnoughDataError, match="year"):
        book(0.5).pools_check()


def test_intervals_do_not_depend_on_the_run_or_on_row_order(half: Book):
    again = rollrates.roll_rates(half.ledger, AS_OF, loss_days=100)
    assert np.array_equal(half.rates.unpaid(12), again.unpaid(12))
    assert provision.pools(half.items[::-1], again).equals(
        provision.pools(half.items, half.rates)
    )


def test_the_future_changes_no_rate(half: Book):
    then = dt.date(2025, 10, 1)
    early = half.ledger.invoices.filter(lambda t: t.issue_date.date() < then)
    paid = half.ledger.payments.filter(lambda t: t.payment_date.date() < then)
    cut = rollrates.roll_rates(Ledger(early, paid), then, loss_days=100)
    assert np.array_equal(
        cut.money, rollrates.roll_rates(half.ledger, then, loss_days=100).money
    )
