"""However a log is split into files, and in whatever order they come: the customers that grow with
it are those of the whole."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lab.customers import growing
from segment_lab.data import embedded
from segment_lab.window import ObservationWindow

WINDOW = ObservationWindow(dt.date(2026, 1, 3), dt.date(2026, 2, 1))
TYPES = {
    "customer_id": "VARCHAR",
    "order_id": "VARCHAR",
    "order_date": "DATE",
    "amount_minor": "BIGINT",
    "margin_minor": "BIGINT",
    "reason": "VARCHAR",
}
#: Few customers, orders and days, so that an order spans files, is cancelled, and comes back; the
#: last value is the file that a line lies in.
LINE = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["1", "2", "3", None]),
    st.integers(1, 9).map(lambda day: dt.date(2026, 1, day)),
    st.sampled_from([-5, -2, 0, 2, 5]),
    st.sampled_from([None, 1, -1]),
    st.sampled_from([None, None, None, None, "no amount"]),
    st.integers(0, 2),
)


@pytest.fixture(scope="module")
def connection():
    return embedded.connect()


def written(connection, name, lines, without):
    """Lines as a table of the engine."""
    columns = {c: kind for c, kind in TYPES.items() if c not in without}
    declared = ", ".join(f"{c} {kind}" for c, kind in columns.items())
    connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE {name} ({declared})")
    if lines:
        places = [list(TYPES).index(column) for column in columns]
        rows = [[line[place] for place in places] for line in lines]
        marks = ", ".join("?" * len(columns))
        connection.con.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    return connection.table(name)


def kept(connection, name, question):
    """An answer as a table of the engine."""
    if not isinstance(question, str):
        question = connection.compile(question)
    connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE next AS {question}")
    connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM next")
    return connection.table(name)


def sorted_rows(table) -> pd.DataFrame:
    """Customers that can be compared; what a reason has no orders of may be unknown or nothing."""
    frame = table.drop("days", "gone").to_pandas()
    frame = frame[sorted(frame.columns)]
    sums = ["revenue", "returned", "margin"]
    frame = frame.assign(**{c: frame[c].astype("float64") for c in sums if c in frame})
    return frame.sort_values(["set_aside", "customer_id"], ignore_index=True)


@given(
    st.lists(LINE, min_size=2, max_size=30),
    st.permutations(range(3)),
    st.sampled_from(["net", "drop"]),
    st.sampled_from([(), ("order_id",), ("margin_minor",)]),
    st.booleans(),
)
def test_any_split_in_any_order(connection, log, arrival, returns, without, rewritten):
    """Also with the kept orders and customers made anew each time, or only once."""
    seen = []
    since = []
    for number in arrival:
        part = [line[:-1] for line in log if line[-1] == number]
        seen += part
        lines = written(connection, "lines", seen, without)
        orders = growing.orders_to_keep(lines, WINDOW, returns)
        whole = kept(connection, "whole_orders", orders)
        whole = kept(connection, "whole", growing.customers_to_keep(whole))
        if number == arrival[0]:
            orders = kept(connection, "orders", connection.table("whole_orders"))
            customers = kept(connection, "customers", whole)
            continue
        since = part if rewritten else since + part
        lines = written(connection, "lines", since, without)
        came = growing.orders_to_keep(lines, WINDOW, returns)
        came = kept(connection, "came", came)
        changed = growing.changed_statement("orders", "came", orders.columns)
        kept(connection, "changed", changed)
        tables = ("customers", "changed", "came")
        grown = growing.grown_statement(*tables, customers.columns)
        grown = kept(connection, "grown", grown)
        pd.testing.assert_frame_equal(
            sorted_rows(grown), sorted_rows(whole), check_dtype=False
        )
        if rewritten:
            kept(connection, "orders", "FROM orders UNION ALL BY NAME FROM came")
            kept(connection, "customers", "FROM grown")


def test_by_hand(connection):
    """Order 1 of a moves to an earlier day; order 2 of a is cancelled by its own return; b is new."""
    jan = dt.date(2026, 1, 10)
    days = [jan + dt.timedelta(days=n) for n in range(20)]
    before = [
        ("a", "1", days[5], 10, None, None),
        ("a", "2", days[9], 4, None, None),
        ("a", "3", days[15], 1, None, None),
    ]
    after = [
        ("a", "1", days[1], 2, None, None),
        ("a", "2", days[16], -4, None, None),
        ("b", "4", days[16], 7, None, None),
    ]
    lines = written(connection, "lines", before, ())
    orders = kept(connection, "orders", growing.orders_to_keep(lines, WINDOW, "net"))
    customers = kept(connection, "customers", growing.customers_to_keep(orders))
    lines = written(connection, "lines", after, ())
    kept(connection, "came", growing.orders_to_keep(lines, WINDOW, "net"))
    changed = growing.changed_statement("orders", "came", orders.columns)
    kept(connection, "changed", changed)
    tables = ("customers", "changed", "came")
    grown = kept(
        connection, "grown", growing.grown_statement(*tables, customers.columns)
    )
    table = grown.to_pandas().set_index("customer_id")
    a = table.loc["a"]
    assert (a.frequency, a.revenue, a.returned, a.lines) == (2, 13, 4, 5)
    assert (a.first_order.date(), a.last_order.date()) == (days[1], days[15])
    assert a.gap_days == 14
    assert table.loc["b", ["frequency", "revenue"]].tolist() == [1, 7]
