"""The same study on a local Spark: the log stays there, and customers and segments are DuckDB's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import crm
import pandas as pd
import pytest
import yaml

import segment_lab as sl
from needs import absent

pytestmark = pytest.mark.timeout(600)  # Spark takes its time to begin
URL = "spark://local[2]"
METHODS = ("rfm", "abc", "lifecycle", "clusters")


def needs_spark() -> None:
    """Skip, or fail where SEGMENT_LAB_SPARK is "required"."""
    if not find_spec("pyspark"):
        absent("spark", "pyspark is not installed (run tests/warehouse/run_spark.sh)")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        absent("spark", "Spark needs Java 17 or 21")


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """The sample from CSV, and the same study with its order log in Spark (other tables as
    before)."""
    needs_spark()
    folder = tmp_path_factory.mktemp("spark")
    os.environ["SPARK_LOCAL_DIRS"] = str(folder / "spill")
    crm.into_duckdb(folder / "crm.duckdb")
    import duckdb

    with duckdb.connect(str(folder / "crm.duckdb"), read_only=True) as file:
        file.execute(f"COPY orders TO '{folder}/orders.parquet' (FORMAT parquet)")
        file.execute(f"COPY customers TO '{folder}/customers.parquet' (FORMAT parquet)")
    path = crm.study_file(
        folder,
        "duckdb://crm.duckdb",
        orders={"url": URL, "path": "orders.parquet"},
        customers={"url": URL, "path": "customers.parquet"},
    )
    yield sl.Study.from_yaml(path), crm.sample()
    from pyspark.sql import SparkSession

    SparkSession.builder.getOrCreate().stop()


def test_customers_and_the_account_of_lines_are_those_of_duckdb(studies):
    spark, local = studies
    assert spark.intake("orders").lines.get_backend().name == "pyspark"
    assert (
        spark.table("customers").get_backend().name == "duckdb"
    )  # small tables are copied, the log is not
    pd.testing.assert_frame_equal(spark.customers(), local.customers())
    pd.testing.assert_frame_equal(spark.account(), local.account())


@pytest.mark.parametrize("method", METHODS)
def test_segments_are_those_of_duckdb(studies, method):
    found, expected = (
        s.fitted(method).segment(s.population(method)).labels for s in studies
    )
    pd.testing.assert_series_equal(found, expected)


@pytest.mark.parametrize("method", [*METHODS, "rules"])
def test_the_compiled_statement_runs_on_spark(studies, method, tmp_path):
    from pyspark.sql import SparkSession

    spark, local = studies
    session, folder = SparkSession.builder.getOrCreate(), spark.base
    session.read.parquet(str(folder / "orders.parquet")).createOrReplaceTempView(
        "orders"
    )
    session.read.parquet(str(folder / "customers.parquet")).createOrReplaceTempView(
        "customers"
    )
    rows = session.sql(local.to_sql(method, "pyspark")).collect()
    wanted = local.fitted(method).segment(local.population(method))
    wanted = wanted.labels.astype("str")[local.customers().index]
    assert dict(rows) == wanted.to_dict()


@pytest.mark.parametrize("method", ["rfm", "lifecycle"])
def test_segments_assigned_by_spark_are_those_of_duckdb(studies, method, tmp_path):
    """The same sample is drawn, and Spark itself writes the answer."""
    there, here = (
        study.assign(method, tmp_path / str(i), limit=600)
        for i, study in enumerate(studies)
    )
    assert there.path.is_dir()  # a folder of Parquet: every executor writes its part
    assert (there.learned_on, there.note) == (here.learned_on, here.note)
    found = [
        pd.read_parquet(a.path).set_index("customer_id").segment.sort_index()
        for a in (there, here)
    ]
    pd.testing.assert_series_equal(*found)
    pd.testing.assert_frame_equal(there.profile, here.profile)


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "2026-01-01"), ("Asia/Tokyo", "2026-01-02")]
)
def test_a_moment_falls_on_the_day_of_the_study_zone(studies, tmp_path, zone, day):
    import duckdb

    duckdb.sql(f"""COPY (SELECT 'a' AS customer_id, TIMESTAMPTZ '2026-01-01 20:00:00+00' AS order_date, 5.0 AS amount)
                   TO '{tmp_path}/moments.parquet' (FORMAT parquet)""")
    (tmp_path / "study.yml").write_text(
        yaml.safe_dump(
            {
                "name": "zone",
                "timezone": zone,
                "sources": {"orders": {"url": URL, "path": "moments.parquet"}},
            }
        )
    )
    assert sl.Study.from_yaml(
        tmp_path / "study.yml"
    ).customers().last_order.dt.date.astype(str).tolist() == [day]


SUBMITTED = """
import sys
import segment_lab as sl
sys.exit(sl.run_study("study.yml", out="reports", only=sys.argv[1:]).exit_code)
"""


def test_reports_share_the_application_that_spark_submit_started(tmp_path):
    """The processes that render talk to one JVM, and the exit code reaches the scheduler."""
    needs_spark()
    import pyspark

    rows = [
        {
            "customer_id": f"C{i % 40}",
            "order_date": f"2026-0{1 + i % 6}-1{i % 9}",
            "amount": 5.0 + i,
        }
        for i in range(200)
    ]
    orders = pd.DataFrame(rows).astype({"order_date": "datetime64[us]"})
    orders.to_parquet(tmp_path / "orders.parquet")
    study = {
        "name": "submitted",
        "sources": {"orders": {"url": "spark://", "path": "orders.parquet"}},
    }
    (tmp_path / "study.yml").write_text(yaml.safe_dump(study))
    (tmp_path / "run_study.py").write_text(SUBMITTED)
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    command = [str(submit), "--master", "local[2]", "run_study.py", "data", "abc"]
    here = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    env = {**os.environ, **here, "SPARK_LOCAL_DIRS": str(tmp_path / "spill")}
    ended = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=500
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    pages = {page.stem for page in tmp_path.glob("reports/submitted/2*/*.html")}
    assert {"00_data", "20_abc"} <= pages
