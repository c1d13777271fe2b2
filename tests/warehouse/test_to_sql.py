"""One statement in the warehouse gives every customer the segment that Python gave."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from decimal import Decimal
from functools import cache

import crm
import duckdb
import pandas as pd
import pyarrow as pa
import pytest
import sqlglot

import segment_lab as sl
from datasets import ROOT, dataset, datasets_folder
from segment_lab.errors import ConfigError
from segment_lab.segments.base import DIALECTS

STUDIES = {
    "sample": (),
    "cdnow": ("cdnow", "CDNOW_master.txt"),
    "online_retail": ("online_retail", "online_retail.csv.gz"),
}
SCHEMES = [
    (name, method)
    for name, methods in {
        "sample": ("rfm", "abc", "lifecycle", "clusters", "rules", "receivables"),
        "cdnow": ("rfm", "abc", "lifecycle", "clusters"),
        "online_retail": ("rfm", "abc", "lifecycle", "clusters"),
    }.items()
    for method in methods
]
#: A log of half a million lines proves with the others what two shorter ones prove.
LONG = ("online_retail",)
PAIRS = [
    pytest.param(*pair, marks=[pytest.mark.slow] if pair[0] in LONG else [])
    for pair in SCHEMES
]
FROM_ORDERS = [
    parameters
    for pair, parameters in zip(SCHEMES, PAIRS, strict=True)
    if pair[1] != "receivables"
]
FROM_CUSTOMERS_ALONE = ("receivables", "engagement")
TYPES = {
    "string": "text",
    "large_string": "text",
    "int64": "bigint",
    "double": "double precision",
    "bool": "boolean",
    "date32[day]": "date",
}


def as_sqlite(value):
    """SQLite has neither days nor decimals: days are ISO text there, money is a number."""
    if isinstance(value, dt.date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


class Warehouse:
    """A study's tables as a warehouse holds them, in DuckDB, PostgreSQL and SQLite."""

    def __init__(self, study: sl.Study, server):
        self.study, self.server, self.duck, self.loaded = (
            study,
            server,
            duckdb.connect(),
            set(),
        )
        self.lite = sqlite3.connect(":memory:")

    def load(self, name: str, rows: pa.Table) -> None:
        if name in self.loaded:
            return
        self.loaded.add(name)
        self.duck.register("rows", rows)
        self.duck.execute(f'CREATE TABLE "{name}" AS SELECT * FROM rows')
        kinds = {
            f.name: "timestamp"
            if str(f.type).startswith("timestamp")
            else "numeric"
            if pa.types.is_decimal(f.type)
            else TYPES[str(f.type)]
            for f in rows.schema
        }
        self.server.load(name, rows, kinds)
        texts = ", ".join(f'"{column}"' for column in rows.column_names)
        marks = ", ".join("?" * rows.num_columns)
        self.lite.execute(f'CREATE TABLE "{name}" ({texts})')
        values = [
            [as_sqlite(value) for value in column.to_pylist()]
            for column in rows.columns
        ]
        self.lite.executemany(
            f'INSERT INTO "{name}" VALUES ({marks})', zip(*values, strict=True)
        )

    def orders(self) -> None:
        """Accepted lines; money as exact decimals."""
        table = self.study.table("orders")
        digits = self.study.intake("orders").reading.decimals
        money = {
            m: (table[f"{m}_minor"].cast(f"decimal(18, {digits})") / 10**digits).cast(
                f"decimal(18, {digits})"
            )
            for m in ("amount", "margin")
            if m in table.columns
        }
        kept = [
            c for c in ("customer_id", "order_id", "order_date") if c in table.columns
        ]
        self.load("orders", table.select(*kept, **money).to_pyarrow())

    def accounts(self) -> None:
        if self.study.has("customers"):
            self.load("customers", self.study.table("customers").to_pyarrow())

    def population(self, method: str) -> str:
        frame = self.study.population(method).reset_index()
        days = {c: frame[c].dt.date for c in frame if frame[c].dtype.kind == "M"}
        rows = pa.Table.from_pandas(frame.assign(**days), preserve_index=False)
        empty = [f.name for f in rows.schema if pa.types.is_null(f.type)]
        self.load(f"people_{method}", rows.drop_columns(empty))
        return f"people_{method}"

    def answers(self, method: str, **options) -> list[pd.Series]:
        """``customer_id → segment`` as each database finds it, strings alone."""
        import psycopg

        with psycopg.connect(**self.server.dsn) as connection:
            rows = connection.execute(
                self.study.to_sql(method, "postgres", **options)
            ).fetchall()
        found = [
            rows,
            self.duck.execute(
                self.study.to_sql(method, "duckdb", **options)
            ).fetchall(),
        ]
        found.append(
            self.lite.execute(self.study.to_sql(method, "sqlite", **options)).fetchall()
        )
        return [pd.Series(dict(rows), dtype="str").sort_index() for rows in found]


@pytest.fixture(scope="module")
def warehouses(server, sample):
    """The warehouse of a study, made when it is first asked for."""

    @cache
    def of(name: str) -> Warehouse:
        if name == "sample":
            return Warehouse(sample, server.within(name))
        dataset(*STUDIES[name])
        os.environ.setdefault("SEGMENT_LAB_DATASETS", str(datasets_folder()))
        study = sl.Study.from_yaml(ROOT / "configs" / f"{name}.yml", methods=crm.QUICK)
        return Warehouse(study, server.within(name))

    return of


@pytest.fixture(scope="module")
def sample() -> sl.Study:
    return crm.sample()


def expected(study: sl.Study, method: str) -> pd.Series:
    labels = study.fitted(method).segment(study.population(method)).labels
    return labels.astype("str").sort_index()


@pytest.mark.parametrize(("name", "method"), FROM_ORDERS)
def test_from_the_order_table_every_buyer_gets_the_segment_of_python(
    warehouses, name, method
):
    warehouse = warehouses(name)
    warehouse.orders()
    warehouse.accounts()
    wanted = expected(warehouse.study, method)
    wanted = wanted[
        wanted.index.isin(warehouse.study.customers().index)
    ]  # prospects never ordered
    for found in warehouse.answers(method):
        pd.testing.assert_series_equal(
            found, wanted, check_names=False, check_index_type=False
        )


@pytest.mark.parametrize(("name", "method"), PAIRS)
def test_from_the_customer_table_everybody_gets_the_segment_of_python(
    warehouses, name, method
):
    warehouse = warehouses(name)
    wanted = expected(warehouse.study, method)
    for found in warehouse.answers(
        method, source="customers", table=warehouse.population(method)
    ):
        pd.testing.assert_series_equal(
            found, wanted, check_names=False, check_index_type=False
        )


def test_prospects_are_among_the_lifecycle_of_the_sample(sample):
    assert len(expected(sample, "lifecycle")) > len(sample.customers())


def statements(study: sl.Study) -> list[tuple[str, str]]:
    """Every scheme, from each table that it can be read from."""
    both = [method for method in study.methods if method not in FROM_CUSTOMERS_ALONE]
    return [
        *((method, "customers") for method in study.methods),
        *((method, "orders") for method in both),
    ]


def parses(study: sl.Study, dialect: str, method: str, source: str) -> None:
    text = study.to_sql(method, dialect, source=source, table="crm_table")
    assert "as of 1 July 2026" in text.splitlines()[0]
    assert "crm_table" in text
    assert ("order_date" in text) == (source == "orders")
    parsed = sqlglot.parse_one(text, read=DIALECTS[dialect])
    assert isinstance(parsed, sqlglot.exp.Select)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_warehouse_can_parse_it_and_reads_the_date_of_its_cut_points(
    sample, dialect
):
    """Dealt out: each statement to a quarter of the dialects, each dialect a quarter of them."""
    found = statements(sample)
    dealt = found[sorted(DIALECTS).index(dialect) % 4 :: 4]
    assert {"customers", "orders"} == {source for _, source in dealt}
    for method, source in dealt:
        parses(sample, dialect, method, source)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_warehouse_can_parse_every_statement(sample, dialect):
    for method, source in statements(sample):
        parses(sample, dialect, method, source)


def test_a_dialect_that_no_test_parses_is_refused(sample):
    with pytest.raises(ConfigError, match="mssql"):
        sample.to_sql("rfm", "mssql")


def test_what_orders_cannot_give_is_said(sample):
    with pytest.raises(
        ConfigError, match=r"invoices_n, max_days_overdue.*source='customers'"
    ):
        sample.to_sql("receivables")


@pytest.mark.parametrize("method", ["rfm", "abc", "lifecycle"])
def test_the_day_moves_and_the_cuts_stay(sample, method):
    """A scheduler runs the statement every night: on another day, people are described anew."""
    earlier = "2026-05-01"
    moved = sample.at(earlier)
    wanted = (
        sample.fitted(method).segment(moved.population(method)).labels.astype("str")
    )
    wanted = wanted[wanted.index.isin(moved.customers().index)].sort_index()
    orders = sample.table("orders")
    rows = orders.select(
        "customer_id", "order_id", "order_date", amount=orders.amount_minor / 10**4
    ).to_pyarrow()
    lite = sqlite3.connect(":memory:")
    lite.execute("CREATE TABLE orders (customer_id, order_id, order_date, amount)")
    days = [[as_sqlite(v) for v in column.to_pylist()] for column in rows.columns]
    lite.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", zip(*days, strict=True))
    accounts = sample.table("customers").to_pandas()[["customer_id", "vip"]]
    accounts.assign(vip=accounts.vip.eq(True).astype(int)).to_sql("customers", lite)
    text = sample.to_sql(method, "sqlite", day=":day")
    found = pd.Series(
        dict(lite.execute(text, {"day": earlier}).fetchall()), dtype="str"
    )
    pd.testing.assert_series_equal(
        found.sort_index(), wanted, check_names=False, check_index_type=False
    )
    assert (
        found.value_counts().to_dict()
        != expected(sample, method).value_counts().to_dict()
    )


def test_a_day_is_a_date_a_parameter_or_the_warehouses_own(sample):
    assert "CURRENT_DATE" in sample.to_sql("rfm", "postgres", day="current_date")
    with pytest.raises(ConfigError, match="is not a date"):
        sample.to_sql("rfm", day="tonight; DROP TABLE orders")
    with pytest.raises(ConfigError, match="source='orders'"):
        sample.to_sql("rfm", source="customers", day="current_date")


LINES = pd.DataFrame(
    [
        ("a", "1", "2026-01-01", 10.05),
        ("a", "2", "2026-01-11", 20.10),
        ("a", "3", "2026-01-31", 4.55),
        ("a", "R", "2026-02-05", -4.55),
        ("b", "4", "2026-01-20", 7.0),
        ("b", "5", "2026-01-24", 7.0),
        ("b", "6", "2026-01-29", 7.0),
        ("c", "7", "2026-01-29", 1.0),
        ("c", "7", "2026-01-29", -1.0),
        ("d", "8", "2026-01-30", 0.29),
    ],
    columns=["customer_id", "order_id", "order_date", "amount"],
)


@pytest.mark.parametrize(
    "kinds",
    [("date", "double precision"), ("text", "numeric(12,2)"), ("timestamp", "numeric")],
)
def test_days_and_money_of_any_type_give_the_same_answer(server, kinds):
    rules = [
        {
            "name": "even",
            "when": "gap_days >= 15 AND revenue = 30.15",
        },  # gaps 10 and 20: the median is 15
        {"name": "odd", "when": "gap_days = 4.5"},
        {"name": "cents", "when": "revenue = 0.29"},
    ]
    study = sl.Study.from_frames(
        {"orders": LINES}, as_of="2026-02-10", methods={"rules": {"rules": rules}}
    )
    wanted = expected(study, "rules").to_dict()
    assert wanted == {
        "a": "even",
        "b": "odd",
        "d": "cents",
    }  # c cancelled all: no order
    rows = pa.Table.from_pandas(
        LINES
        if kinds[0] == "text"
        else LINES.assign(
            order_date=pd.to_datetime(LINES.order_date).dt.date
            if kinds[0] == "date"
            else pd.to_datetime(LINES.order_date)
        )
    )
    server.load(
        "sales",
        rows,
        {
            "customer_id": "text",
            "order_id": "text",
            "order_date": kinds[0],
            "amount": kinds[1],
        },
    )
    import psycopg

    with psycopg.connect(**server.dsn) as connection:
        assert (
            dict(
                connection.execute(
                    study.to_sql("rules", "postgres", table="sales")
                ).fetchall()
            )
            == wanted
        )
    duck = duckdb.connect()
    duck.register("sales", rows)
    assert (
        dict(duck.execute(study.to_sql("rules", "duckdb", table="sales")).fetchall())
        == wanted
    )
