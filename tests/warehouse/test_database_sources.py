"""A study over databases: the same customers and segments as from CSV, and no password anywhere."""

from __future__ import annotations

import crm
import pandas as pd
import pyarrow as pa
import pytest
import yaml

import segment_lab as sl
from segment_lab.data.databases import address, connected
from segment_lab.errors import ConfigError, DataError
from segment_lab.study.config import StudyConfig, validate
from segment_lab.study.study import Study

METHODS = ("rfm", "abc", "lifecycle", "clusters", "rules", "receivables", "engagement")

# The server's first test reads every table; on a busy machine that takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def from_csv():
    return crm.sample()


@pytest.fixture(scope="module")
def databases(server, tmp_path_factory):
    """A study file per kind of database."""
    folder = tmp_path_factory.mktemp("databases")
    crm.into_postgres(server)
    crm.into_duckdb(folder / "crm.duckdb")
    crm.into_sqlite(folder / "crm.sqlite")
    urls = {
        "postgres": server.url,
        "duckdb": "duckdb://crm.duckdb",
        "sqlite": f"sqlite://{folder}/crm.sqlite",
    }

    def of(kind: str):
        return crm.study_file(folder, urls[kind])

    return of


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", crm.PASSWORD)


def same(study: sl.Study, wanted: sl.Study, methods=METHODS) -> None:
    pd.testing.assert_frame_equal(study.customers(), wanted.customers())
    pd.testing.assert_frame_equal(study.account(), wanted.account())
    for method in methods:
        found, expected = (
            s.fitted(method).segment(s.population(method)).labels
            for s in (study, wanted)
        )
        pd.testing.assert_series_equal(found, expected)


@pytest.mark.parametrize("kind", ["postgres", "duckdb", "sqlite"])
def test_a_study_over_a_database_finds_what_it_finds_in_csv(databases, from_csv, kind):
    study = sl.Study.from_yaml(databases(kind))
    same(study, from_csv)
    study.check()


@pytest.mark.parametrize("kind", ["postgres", "duckdb", "sqlite"])
def test_an_earlier_day_in_a_database_is_that_of_csv(databases, from_csv, kind):
    study = sl.Study.from_yaml(databases(kind))
    earlier = "2026-03-01"
    pd.testing.assert_frame_equal(
        study.at(earlier).outcomes(90), from_csv.at(earlier).outcomes(90)
    )
    pd.testing.assert_frame_equal(
        study.at(earlier).customers(), from_csv.at(earlier).customers()
    )


@pytest.mark.parametrize("kind", ["postgres", "duckdb", "sqlite"])
def test_a_query_finds_what_its_table_finds(databases, from_csv, kind, tmp_path):
    written = yaml.safe_load(databases(kind).read_text("utf-8"))
    source = written["sources"]["orders"]
    url = source["url"].replace("duckdb://", f"duckdb://{databases(kind).parent}/")
    source = {"url": url, "query": "SELECT * FROM orders WHERE amount IS NOT NULL"}
    written["sources"] = {"orders": source}
    (tmp_path / "asked.yml").write_text(yaml.safe_dump(written), "utf-8")
    study = sl.Study.from_yaml(tmp_path / "asked.yml")
    wanted = from_csv.customers()["revenue"].dropna()
    found = study.customers()["revenue"]
    pd.testing.assert_series_equal(found, wanted.loc[found.index])
    if kind == "postgres":
        assert study.intake("orders").lines.get_backend().name == "postgres"


def test_the_order_log_stays_in_the_server(databases):
    study = sl.Study.from_yaml(databases("postgres"))
    assert study.intake("orders").lines.get_backend().name == "postgres"
    assert study.table("customers").get_backend().name == "duckdb"
    assert study.intake(
        "touches"
    ).raw.content  # copied once; a change of the rows changes the fingerprint


@pytest.mark.parametrize(
    "changed",
    [
        {"customer_id": ["x", "y", "z"]},
        {"customer_id": ["b", "a", "c"]},
        {"order_date": ["2026-01-02", "2026-01-09", "2026-01-31"]},
    ],
)
def test_order_logs_in_a_server_with_equal_totals_are_told_apart(
    server, tmp_path, changed
):
    log = {
        "customer_id": ["a", "b", "c"],
        "order_date": ["2026-01-01", "2026-01-09", "2026-01-31"],
        "amount": ["5", "6", "7"],
    }
    types = {"customer_id": "text", "order_date": "date", "amount": "numeric"}
    path = crm.study_file(
        tmp_path, server.url, orders={"url": server.url, "table": "told_apart"}
    )

    def fingerprint(rows, order=(0, 1, 2)) -> str:
        server.load("told_apart", pa.table(rows).take(list(order)), types)
        intake = sl.Study.from_yaml(path, as_of="2026-02-01").intake("orders")
        assert intake.lines.get_backend().name == "postgres"
        return intake.fingerprint

    assert fingerprint(log | changed) != fingerprint(log) == fingerprint(log, (2, 0, 1))


def test_one_connection_per_address(databases):
    connected.cache_clear()
    for _ in range(2):
        study = sl.Study.from_yaml(databases("postgres"))
        study.table("customers"), study.customers()
    assert connected.cache_info().currsize == 1


def test_the_password_is_nowhere(databases, tmp_path, monkeypatch, capfd):
    """Not on a page, in a manifest, in the cache, in a message or a repr, quoted or not."""
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    path = databases("postgres")
    study = sl.Study.from_yaml(path)
    study.fitted("abc")
    result = sl.run_study(path, only=["data"], out=tmp_path / "reports")
    assert result.exit_code == 0
    shown = [repr(study), repr(study.config), *map(str, capfd.readouterr())]
    written = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert any(p.suffix == ".html" for p in written)
    assert any(p.suffix == ".pickle" for p in written)
    for form in (
        crm.PASSWORD,
        crm.PASSWORD.replace("/", "%2F").replace("@", "%40"),
        crm.PASSWORD.split("/")[0],
    ):
        assert not any(form in text for text in shown)
        assert not [p for p in written if form.encode() in p.read_bytes()]


@pytest.mark.parametrize(
    "change",
    [
        {"table": "no_such_table"},
        {"url": "postgres://nobody:${PGPASSWORD}@127.0.0.1:{port}/postgres"},
        {"url": "postgres://postgres:${PGPASSWORD}@127.0.0.1:1/postgres"},
        {"url": "postgres://x:${PGPASSWORD}@[bad/db"},
        {"url": "oracle9://x:${PGPASSWORD}@127.0.0.1/db"},
    ],
)
def test_a_database_that_cannot_be_read_says_so_without_its_address(
    databases, server, tmp_path, change
):
    source = {"url": server.url, "table": "orders"} | change
    source["url"] = source["url"].replace("{port}", str(server.port))
    study = sl.Study.from_yaml(crm.study_file(tmp_path, server.url, orders=source))
    with pytest.raises(
        DataError, match=r"The database of orders cannot be read"
    ) as caught:
        study.customers()
    told = "".join(
        map(str, (caught.value, caught.value.__cause__, caught.value.__context__))
    )
    assert "s3cret" not in told
    assert "127.0.0.1" not in told


@pytest.mark.parametrize(
    "url",
    [
        "postgres://me:hunter2@host/db",
        "postgres://host/db?user=me&password=hunter2",
        "postgres://me:${PG:-hunter2}@host/db",
    ],
)
def test_a_password_in_the_study_file_is_refused_without_being_repeated(tmp_path, url):
    with pytest.raises(ConfigError, match="write \\$\\{NAME\\} in its place") as caught:
        sl.Study.from_yaml(crm.study_file(tmp_path, url))
    assert "hunter2" not in str(caught.value)


def test_any_password_fits_into_an_address(monkeypatch):
    monkeypatch.setenv("PW", "a:b/c@d?e#f")
    assert (
        address("postgres://me:${PW}@host:1/db", "orders")
        == "postgres://me:a%3Ab%2Fc%40d%3Fe%23f@host:1/db"
    )
    monkeypatch.setenv("CRM_URL", "postgres://me@host/db")
    assert address("${CRM_URL}", "orders") == "postgres://me@host/db"


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "2026-01-01"), ("Asia/Tokyo", "2026-01-02")]
)
def test_a_moment_falls_on_the_day_of_the_study_zone(server, tmp_path, zone, day):
    moments = pa.table(
        {
            "customer_id": ["a"],
            "order_date": ["2026-01-01 20:00:00+00"],
            "amount": ["5"],
        }
    )
    server.load(
        "moments",
        moments,
        {"customer_id": "text", "order_date": "timestamptz", "amount": "numeric"},
    )
    server.load(
        "seen",
        moments.rename_columns(["customer_id", "touch_date", "channel"]).append_column(
            "event", pa.array(["call"])
        ),
        {
            "customer_id": "text",
            "touch_date": "timestamptz",
            "channel": "text",
            "event": "text",
        },
    )
    study = sl.Study.from_yaml(
        crm.study_file(
            tmp_path,
            server.url,
            orders={"url": server.url, "table": "moments"},
            touches={"url": server.url, "table": "seen"},
        ),
        timezone=zone,
    )
    assert study.customers().last_order.dt.date.astype(str).tolist() == [day]
    assert str(study.table("touches").touch_date.execute()[0])[:10] == day


def test_text_days_and_amounts_in_a_server_are_parsed_as_in_a_file(server, tmp_path):
    table = pa.table(
        {
            "customer_id": ["a", "b", " ", "d"],
            "amount": ["5", "6", "7", "8"],
            "order_date": ["2026-01-01", "nonsense", "2026-01-03", "2026-01-03"],
        }
    )
    server.load("texts", table, dict.fromkeys(table.column_names, "text"))
    study = sl.Study.from_yaml(
        crm.study_file(
            tmp_path, server.url, orders={"url": server.url, "table": "texts"}
        ),
        as_of="2026-02-01",
        tolerance=1,
    )
    assert list(study.customers().index) == ["a", "d"]
    assert dict(study.account()[["reason", "lines"]].itertuples(index=False)) == {
        "accepted": 2,
        "no customer_id": 1,
        "unreadable order_date": 1,
    }


def test_floats_that_are_no_amount_and_blank_ids_are_set_aside_in_the_server(
    server, tmp_path
):
    table = pa.table(
        {
            "customer_id": ["a", "b", " \t", "d", None],
            "order_date": ["2026-01-01"] * 5,
            "amount": ["5.125", "NaN", "7", "Infinity", "1"],
        }
    )
    server.load(
        "floats",
        table,
        {"customer_id": "text", "order_date": "date", "amount": "double precision"},
    )
    study = sl.Study.from_yaml(
        crm.study_file(
            tmp_path, server.url, orders={"url": server.url, "table": "floats"}
        ),
        as_of="2026-02-01",
        tolerance=1,
    )
    assert study.customers().revenue.to_dict() == {"a": 5.125}  # its decimals are kept
    assert dict(study.account()[["reason", "lines"]].itertuples(index=False)) == {
        "accepted": 1,
        "no customer_id": 2,
        "unreadable amount": 2,
    }
    rejected = tmp_path / "rejected.parquet"
    assert study.write_rejected(rejected) == 4


def test_folders_of_parquet_are_partitions(tmp_path):
    import duckdb

    duckdb.sql(f"""COPY (SELECT * FROM (VALUES ('a', DATE '2026-01-01', 5.0, '007'), ('b', DATE '2026-01-02', 6.0, '8'))
                   t(customer_id, order_date, amount, product)) TO '{tmp_path / "log"}'
                   (FORMAT parquet, PARTITION_BY (product))""")
    for place in ("log", "log/*/*.parquet", "log/product=*/*.parquet"):
        study = Study(
            validate(
                StudyConfig, {"name": "p", "sources": {"orders": {"path": place}}}, "t"
            ),
            tmp_path,
        )
        lines = study.table("orders").order_by("customer_id").to_pandas()
        assert lines["product"].tolist() == ["007", "8"]
        assert study.fingerprint
