"""A query is compiled once for all days and cut points, and reads as if Ibis had written it."""

from __future__ import annotations

import datetime as dt
import gc

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

import segment_lab as sl
from segment_lab.data import embedded

days = st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1))
numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=8)


@pytest.fixture(scope="module")
def connection():
    made = embedded.connect()
    made.raw_sql("CREATE TABLE orders (a DOUBLE, n BIGINT, day DATE, word VARCHAR)")
    return made


def question(orders, start, end, cut, weight, word):
    """A query with what studies ask: a window, cut points, reasons in words, days between."""
    rows = orders.filter(orders.day >= start, orders.day < end)
    branches = [
        (rows.a <= cut, 0),
        (rows.a * weight - cut > 1.5, 1),
        (rows.word == word, 2),
    ]
    return rows.mutate(
        segment=ibis.cases(*branches, else_=3),
        since=ibis.literal(end).delta(rows.day, unit="day"),
        reason=ibis.literal(f"before the window ({start}) {word}"),
        rest=rows.a - weight,
        whole=rows.n > 7,
    )


@settings(max_examples=2 * settings().max_examples)
@given(days, days, numbers, numbers, texts)
def test_a_remembered_statement_is_the_one_ibis_writes(start, end, cut, weight, word):
    connection = embedded.shared()
    schema = {"a": "float64", "n": "int64", "day": "date", "word": "string"}
    query = question(ibis.table(schema, name="orders"), start, end, cut, weight, word)
    assert connection.compile(query) == Backend.compile(connection, query)


def test_other_days_and_cut_points_are_no_other_query(connection):
    orders = connection.table("orders")
    first = dt.date(2026, 1, 1)
    for step in range(20):
        day = first + dt.timedelta(days=step)
        question(orders, first, day, 1.5 + step, 0.25 / (1 + step), "x").execute()
        question(orders, first, day, 1.5 + step, 0.25 / (1 + step), "x").to_pyarrow()
    # On the first day both days are one, and once the cut point is a number that stands there.
    assert len(connection.statements) <= 3


def test_other_columns_or_words_are_another_query(connection):
    orders = connection.table("orders")
    before = len(connection.statements)
    for query in (
        orders.a > 1.5,
        orders.n > 1.5,
        orders.a >= 1.5,
        orders.word == "1.5",
    ):
        connection.compile(query)
        connection.compile(query)
    assert len(connection.statements) == before + 4


def test_a_limit_and_a_frame_in_memory_are_compiled_as_ever(connection):
    orders = connection.table("orders")
    assert "LIMIT 3" in connection.compile(orders, limit=3)
    for value in (1, 2):
        frame = ibis.memtable(pd.DataFrame({"x": [value]}))
        assert connection.to_pandas(frame.x.sum()) == value


@pytest.fixture
def compiled(monkeypatch, tmp_path):
    """What is compiled anew, in a cache of its own."""
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path))
    anew, compile_anew = [], Backend.compile

    def counted(self, expr, **options):
        anew.append(expr)
        return compile_anew(self, expr, **options)

    monkeypatch.setattr(Backend, "compile", counted)
    return anew


def test_another_study_of_frames_with_the_same_columns_compiles_nothing(compiled):
    def revenue(amount: float) -> float:
        orders = pd.DataFrame(
            {
                "customer_id": ["a", "b", "b"],
                "order_date": pd.to_datetime(
                    ["2026-01-01", "2026-01-05", "2026-02-01"]
                ),
                "amount": [1.0, 2.0, amount],
            }
        )
        study = sl.Study.from_frames({"orders": orders}, as_of="2026-03-01")
        return study.customers().loc["b", "revenue"]

    assert revenue(5.0) == 7
    before = len(compiled)
    assert before > 0
    assert revenue(6.0) == 8
    assert len(compiled) == before


def test_two_frames_of_one_name_are_two_tables(connection):
    one, two = (
        embedded.by_name(ibis.memtable(pd.DataFrame({"x": [x]})), connection, "rows")
        for x in (1, 2)
    )
    assert one.x.sum().execute() == 1
    assert two.x.sum().execute() == 2


def test_a_rule_on_other_rows_answers_for_these():
    def rule(table):
        return (table.x > 1.5).ifelse(1, 0)

    assert embedded.evaluate(pd.DataFrame({"x": [1.0, 2.0]}), rule).tolist() == [0, 1]
    assert embedded.evaluate(pd.DataFrame({"x": [3.0]}), rule).tolist() == [1]
    assert embedded.evaluate(pd.DataFrame({"x": [1, 2]}), rule).tolist() == [0, 1]
    assert embedded.evaluate(pd.DataFrame({"x": []}), rule).tolist() == []


def test_another_process_reads_the_statement_that_one_has_compiled(compiled, tmp_path):
    day = dt.date(2026, 1, 1)
    for made in (embedded.connect(), embedded.connect()):  # each remembers for itself
        made.raw_sql("CREATE TABLE orders (a DOUBLE, n BIGINT, day DATE, word VARCHAR)")
        rows = made.table("orders")
        statement = made.compile(rows.filter(rows.day < day, rows.a > 2.5).select("n"))
        assert "MAKE_DATE(2026, 1, 1)" in statement
        assert "2.5" in statement
    assert len(compiled) == 1
    [kept] = tmp_path.glob("statement-*.sql")
    kept.write_text(kept.read_text()[:-5])  # cut off: not believed
    made = embedded.connect()
    made.raw_sql("CREATE TABLE orders (a DOUBLE, n BIGINT, day DATE, word VARCHAR)")
    rows = made.table("orders")
    again = made.compile(rows.filter(rows.day < day, rows.a > 2.5).select("n"))
    assert again == statement
    assert len(compiled) == 2


def test_a_frame_that_nobody_asks_for_any_more_is_let_go():
    connection = embedded.connect()
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    table = embedded.by_name(ibis.memtable(frame), connection, "let_go")
    names = "SELECT view_name FROM duckdb_views() WHERE view_name LIKE 'frame_let_go%'"
    assert table.count().execute() == 2
    assert len(connection.con.sql(names).fetchall()) == 1
    del table
    gc.collect()
    assert not connection.con.sql(names).fetchall()
