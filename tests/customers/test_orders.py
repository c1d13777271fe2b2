"""The customer table: by hand, against published figures, and as invariants over random logs."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segment_lab as sl
from datasets import dataset
from segment_lab.errors import ConfigError, DataError

LOG = pd.DataFrame(
    [
        ("a", "1", "2026-01-01", 10.0),
        ("a", "1", "2026-01-01", 5.5),
        ("a", "2", "2026-01-11", 20.0),
        ("a", "3", "2026-01-31", 4.5),
        ("a", "R1", "2026-02-05", -4.5),
        ("b", "4", "2026-01-20", 7.0),
        ("b", "R2", "2026-01-21", -7.0),
        ("c", "R3", "2026-01-05", -1.0),
        ("d", "5", "2026-02-01", 3.0),
        ("d", "5", "2026-02-01", -3.0),
        ("d", "6", "2026-02-02", 8.0),
    ],
    columns=["customer_id", "order_id", "order_date", "amount"],
)


def test_by_hand():
    table = sl.customer_table(LOG, as_of="2026-02-10")
    a = table.loc["a"]
    assert (a.frequency, a.repeat_frequency, a.revenue) == (3, 2, 35.5)
    assert (a.recency_days, a.tenure_days, a.t_x, a.gap_days) == (10, 40, 30, 15.0)
    assert a.monetary_value == pytest.approx(35.5 / 3)
    assert a.return_share == pytest.approx(4.5 / 40.0)


def test_returns_are_netted_and_are_no_orders():
    table = sl.customer_table(LOG, as_of="2026-02-10")
    assert table.loc["b", ["frequency", "revenue", "return_share"]].tolist() == [
        1,
        0.0,
        1.0,
    ]
    # Order 5 of d was cancelled under its own number: it is none.
    assert table.loc["d", ["frequency", "revenue", "recency_days"]].tolist() == [
        1,
        8.0,
        8,
    ]
    # c only returned something: no purchase, so no customer of the window, but the money is
    # accounted for.
    assert "c" not in table.index
    assert table.attrs["account"]["returns by customers without a purchase"] == 1
    dropped = sl.customer_table(LOG, as_of="2026-02-10", returns="drop")
    assert dropped.loc["b", "revenue"] == 7.0
    assert dropped.loc["d", "frequency"] == 2


def test_nothing_on_or_after_as_of_is_seen():
    table = sl.customer_table(LOG, as_of="2026-01-31")
    assert table.loc["a", "revenue"] == 35.5
    assert table.loc["a", "last_order"] == pd.Timestamp("2026-01-11")
    assert "d" not in table.index
    assert table.attrs["account"]["later than this report (from 2026-01-31 on)"] == 5


def test_default_as_of_is_the_day_after_the_last_line():
    assert sl.customer_table(LOG[LOG.amount > 0]).loc["d", "recency_days"] == 1


@pytest.mark.parametrize(
    "ids",
    [["007", "7", " x ", "x", "u.01", "u.02", "u.0", "😀", "Ä", "17850.0", "17850"]],
)
def test_text_ids_stay_as_they_are(ids, tmp_path):
    log = pd.DataFrame({"customer_id": ids, "order_date": "2026-01-01", "amount": 1})
    path = tmp_path / "log.csv"
    log.to_csv(path, index=False)
    for source in (log, str(path)):
        assert set(sl.customer_table(source).index) == set(ids)


def test_float_ids_made_by_pandas_lose_their_false_decimals():
    log = pd.DataFrame(
        {"customer_id": [17850.0, np.nan, 3.5], "order_date": "2026-01-01", "amount": 1}
    )
    table = sl.customer_table(log, tolerance=0.5)
    assert list(table.index) == ["17850", "3.5"]
    assert table.attrs["account"]["no customer_id"] == 1


def test_every_kind_of_input_gives_the_same_table(tmp_path):
    import duckdb
    import ibis
    import pyarrow as pa

    log = LOG.assign(order_date=pd.to_datetime(LOG.order_date))
    log.to_parquet(tmp_path / "log.parquet")
    log.to_csv(tmp_path / "log.csv", index=False)
    log.to_csv(tmp_path / "log.csv.gz", index=False)
    log.to_csv(tmp_path / "semicolon.csv", index=False, sep=";", decimal=",")
    log.to_excel(tmp_path / "log.xlsx", index=False, engine="xlsxwriter")
    connection = duckdb.connect(str(tmp_path / "crm.duckdb"))
    connection.execute("CREATE TABLE orders AS SELECT * FROM log")
    connection.close()
    expected = sl.customer_table(log)
    inputs = [
        (LOG, {}),
        (pa.Table.from_pandas(log), {}),
        (ibis.memtable(log), {}),
        *(
            (tmp_path / name, {})
            for name in ("log.parquet", "log.csv", "log.csv.gz", "log.xlsx")
        ),
        (tmp_path / "semicolon.csv", {"decimal": ","}),
        (
            ibis.duckdb.connect(str(tmp_path / "crm.duckdb"), read_only=True).table(
                "orders"
            ),
            {},
        ),
    ]
    for source, options in inputs:
        pd.testing.assert_frame_equal(
            sl.customer_table(source, **options), expected, check_index_type=False
        )


def test_time_zone_decides_the_day(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("customer_id,order_date,amount\na,2026-01-01T23:30:00Z,5\n")
    assert sl.customer_table(path).loc["a", "last_order"] == pd.Timestamp("2026-01-01")
    berlin = sl.customer_table(path, timezone="Europe/Berlin")
    assert berlin.loc["a", "last_order"] == pd.Timestamp("2026-01-02")


def test_all_faults_at_once():
    log = pd.DataFrame({"who": ["a"], "amount": [1]})
    with pytest.raises(DataError) as caught:
        sl.customer_table(log, columns={"amount": "price", "amont": "x"})
    message = str(caught.value)
    for word in ("customer_id", "order_date", "'price'", "did you mean 'amount'"):
        assert word in message


def test_window_errors_are_plain():
    with pytest.raises(ConfigError, match="YYYY-MM-DD"):
        sl.customer_table(LOG, as_of="yesterday")
    with pytest.raises(DataError, match="later than this report"):
        sl.customer_table(LOG, as_of="2020-01-01")
    with pytest.raises(ConfigError, match="not before as_of"):
        sl.customer_table(LOG, as_of="2026-01-10", start="2026-01-10")


def reference(log: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """The same table by plain pandas, money in cents."""
    log = log[(log.customer_id != "") & (log.day < as_of)].copy()
    orders = (
        log.groupby(["customer_id", "order_id"])
        .agg(
            day=("day", "min"),
            net=("cents", "sum"),
            back=("cents", lambda c: -c[c < 0].sum()),
        )
        .reset_index()
    )
    orders["counts"] = (orders.net > 0) | ((orders.net == 0) & (orders.back == 0))
    rows = {}
    for customer, part in orders.groupby("customer_id"):
        bought = part[part.counts]
        if len(bought):
            days = pd.to_datetime(bought.day).sort_values().drop_duplicates()
            rows[customer] = {
                "frequency": len(bought),
                "revenue": part.net.sum() / 100,
                "recency_days": (pd.Timestamp(as_of) - days.max()).days,
                "t_x": (days.max() - days.min()).days,
                "gap_days": days.diff().dt.days.median(),
            }
    return pd.DataFrame.from_dict(rows, orient="index")


lines = st.lists(
    st.tuples(
        st.sampled_from(["", "a", "b", "007"]),
        st.sampled_from(list("123456")),
        st.integers(0, 60),
        st.integers(-2000, 5000),
    ),
    min_size=1,
    max_size=40,
)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=6)
@given(lines)
def test_conservation_and_agreement_with_pandas(rows):
    log = pd.DataFrame(rows, columns=["customer_id", "order_id", "n", "cents"])
    # One order has one date: the log of a real shop.
    log["day"] = [
        str(dt.date(2026, 1, 1) + dt.timedelta(days=(int(o) * 7 + len(c)) % 60))
        for c, o in zip(log.customer_id, log.order_id, strict=True)
    ]
    as_of = "2026-02-15"
    expected = reference(log, as_of)
    names = ["customer_id", "order_id", "order_date", "amount"]
    given_log = log.assign(order_date=log.day, amount=log.cents / 100)[names]
    if expected.empty:
        with pytest.raises((DataError, ConfigError)):
            sl.customer_table(given_log, as_of=as_of, tolerance=1)
        return
    table = sl.customer_table(given_log, as_of=as_of, tolerance=1)
    pd.testing.assert_frame_equal(
        table[list(expected)],
        expected.sort_index(),
        check_dtype=False,
        check_names=False,
        check_index_type=False,
    )
    assert sum(table.attrs["account"].values()) == len(log)


@cache
def in_order() -> pd.DataFrame:
    return sl.customer_table(LOG)


@settings(max_examples=6)
@given(st.randoms(use_true_random=False))
def test_row_order_does_not_matter(random):
    order = list(range(len(LOG)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(sl.customer_table(LOG.iloc[order]), in_order())


def test_money_is_summed_exactly():
    log = pd.DataFrame(
        {
            "customer_id": "a",
            "order_id": [str(i) for i in range(30_000)],
            "order_date": "2026-01-01",
            "amount": 0.1,
        }
    )
    assert sl.customer_table(log).loc["a", "revenue"] == 3000.0


def test_online_retail_published_figures():
    path = dataset("online_retail", "online_retail.csv.gz")
    columns = {
        "customer_id": "CustomerID",
        "order_id": "InvoiceNo",
        "order_date": "InvoiceDate",
        "amount": "Quantity * UnitPrice",
    }
    table = sl.customer_table(
        path,
        "2011-12-10",
        columns,
        where="UnitPrice > 0",
        returns="drop",
        tolerance=0.3,
    )
    assert (len(table), table.frequency.sum()) == (4338, 18532)
    assert table.revenue.sum() == pytest.approx(8_911_407.904, abs=1e-6)
    assert (table.frequency > 1).mean() == pytest.approx(0.656, abs=5e-4)
    top = table.revenue.nlargest(round(len(table) * 0.2)).sum() / table.revenue.sum()
    assert top == pytest.approx(0.746, abs=5e-4)
    assert table.attrs["account"]["accepted"] == 397_884


def test_cdnow_published_summary():
    log, published = (
        dataset("cdnow", "CDNOW_sample.txt"),
        dataset("cdnow", "cdnow_customers_summary.csv"),
    )
    columns = {"customer_id": "sample_id", "order_date": "date", "amount": "dollars"}
    table = sl.customer_table(
        log,
        "1997-10-01",
        columns,
        delimiter="whitespace",
        date_format="%Y%m%d",
        header=["master_id", "sample_id", "date", "cds", "dollars"],
    )
    summary = pd.read_csv(published)
    assert len(table) == len(summary) == 2357
    assert (table.repeat_frequency.to_numpy() == summary.frequency.to_numpy()).all()
    # Published in weeks; T runs to 1997-09-30, the last observed day.
    assert np.abs(table.t_x.to_numpy() / 7 - summary.recency).max() < 0.006
    assert np.abs((table.tenure_days.to_numpy() - 1) / 7 - summary["T"]).max() < 0.006


def test_an_empty_log_says_so():
    empty = pd.DataFrame(
        {
            "customer_id": pd.Series([], dtype="str"),
            "order_date": pd.Series([], dtype="datetime64[s]"),
            "amount": pd.Series([], dtype="float64"),
        }
    )
    with pytest.raises(DataError, match="the file holds no rows"):
        sl.customer_table(empty, as_of="2026-02-01")
