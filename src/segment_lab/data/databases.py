"""Databases as sources. The order log stays where it is and is reduced there; other tables are
copied once.

Credentials come from the environment alone (``${NAME}`` in the address, or what the driver reads
itself, such as PGPASSWORD). An address with its password filled in lives in memory only.
"""

from __future__ import annotations

import os
import re
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from segment_lab.data.contracts import CONTRACTS
from segment_lab.data.engines import batches
from segment_lab.data.environment import expand
from segment_lab.data.readers import open_file
from segment_lab.data.sources import RawTable, Source
from segment_lab.errors import DataError, Fault
from segment_lab.texts import say

# Scheme → what must be installed beside the package, where something must.
SERVERS = {
    "postgres": ["'ibis-framework[postgres]'", "'psycopg[binary]'"],
    "postgresql": ["'ibis-framework[postgres]'", "'psycopg[binary]'"],
    "spark": ["'pyspark>=4'"],
    **{
        name: [f"'ibis-framework[{name}]'"]
        for name in (
            "bigquery",
            "snowflake",
            "databricks",
            "clickhouse",
            "mysql",
            "mssql",
            "trino",
        )
    },
}
# What drivers say when a server cannot be used; their own words may repeat the address.
REFUSALS = {
    "login": ("password", "authentication", "access denied", "no pg_hba", "role"),
    "no_database": ("database",),
    "unreachable": (
        "refused",
        "timed out",
        "timeout",
        "resolve",
        "translate",
        "unreachable",
    ),
    "no_table": (
        "tablenotfound",
        "notable",
        "undefinedtable",
        "table_or_view_not_found",
    ),
}
BATCH = 100_000


def open_source(
    source: Source,
    base: Path,
    connection: Any,
    where: str = "orders",
) -> RawTable:
    """Open a file, or a table by its URL; `connection` is the study's DuckDB, in whose time zone
    all days are counted.

    Raises
    ------
    DataError
        The scheme is unknown, a package is missing, or the table cannot be reached. The message
        never holds the address: drivers repeat passwords in theirs.
    """
    if source.url is None:
        return open_file(source, base, connection, where)
    url = address(source.url, where)
    scheme, _, rest = url.partition("://")
    fault = Fault(
        source.table or source.path or "query",
        say("data.databases.problem"),
        say("data.databases.check"),
    )
    try:
        if scheme == "duckdb" and source.query:
            return _queried(rest, base, source.query, connection)
        if scheme == "duckdb":
            return _attached(_file(rest, base), str(source.table), connection)
        if scheme == "sqlite":
            return _sqlite(_file(rest, base), source, connection)
        if scheme in SERVERS:
            asked = connection.raw_sql("SELECT current_setting('TimeZone')")
            ((zone,),) = asked.fetchall()
            return _server(url, zone, source, base, connection, where)
        schemes = [f"{name}://" for name in ("duckdb", "sqlite", *sorted(SERVERS))]
        remedy = say("data.databases.schemes", schemes=schemes)
        fault = Fault(where, say("data.databases.scheme"), remedy)
    except DataError:
        raise
    except ImportError as error:
        problem = say("data.databases.package", package=error.name)
        remedy = say("data.databases.install", packages=SERVERS.get(scheme, []))
        fault = Fault(where, problem, remedy)
    except Exception as error:
        fault = _refused(fault, error, scheme)
    raise DataError(say("data.databases.title", where=where), [fault])


def _refused(fault: Fault, error: Exception, scheme: str) -> Fault:
    """What went wrong with a database, in words that hold nothing of its address."""
    said = f"{type(error).__name__} {error}".lower()
    # A server's driver repeats the address, with passwords.
    if scheme in (
        "duckdb",
        "sqlite",
    ):
        first = str(error).splitlines()[0]
        return replace(fault, problem=say("data.databases.said", said=first))
    for kind, words in REFUSALS.items():
        if any(word in said for word in words):
            problem = say(f"data.databases.{kind}")
            return replace(
                fault, problem=problem, remedy=say(f"data.databases.{kind}_check")
            )
    return replace(fault, problem=say("data.databases.said", said=type(error).__name__))


def address(url: str, where: str) -> str:
    """The URL with its ``${NAME}`` filled in; user and password are quoted, so that any password
    fits, also within a variable that holds the whole address.

    Examples
    --------
    >>> address("${NO_SUCH_URL:-postgres://me:a/b@host/crm}", "orders")
    'postgres://me:a%2Fb@host/crm'
    """
    login, at, rest = url.rpartition("@")
    if at:
        filled = expand(login, where, _quoted, "remedy_secret")
        return f"{filled}@{expand(rest, where, example='remedy_address')}"
    scheme, mark, filled = expand(
        url,
        where,
        example="remedy_address",
    ).partition("://")
    login, at, host = filled.rpartition("@")
    user, colon, password = login.partition(":")
    return f"{scheme}{mark}{_quoted(unquote(user))}{colon}{_quoted(unquote(password))}{at}{host}"


def _quoted(value: str) -> str:
    return quote(value, safe="")


def _file(name: str, base: Path) -> Path:
    path = base / Path(name).expanduser()
    if not path.is_file():
        fault = Fault(
            name, say("data.databases.no_file"), say("data.databases.mend_url")
        )
        raise DataError(say("data.file.missing_title"), [fault])
    return path


def _attached(path: Path, name: str, connection: Any) -> RawTable:
    """A DuckDB file beside the study's own tables: one engine, nothing is copied."""
    alias = f"file_{abs(hash(path))}"
    connection.raw_sql(
        f"""ATTACH IF NOT EXISTS '{str(path).replace("'", "''")}' AS {alias} (READ_ONLY)"""
    )
    *schema, table = name.split(".")
    state = path.stat()
    return RawTable(
        connection.table(table, database=(alias, *(schema or ["main"]))),
        is_text=False,
        label=name,
        content=f"{state.st_size}:{state.st_mtime_ns}",
    )


def _queried(name: str, base: Path, query: str, connection: Any) -> RawTable:
    """What a query finds in a DuckDB file, or without one in the files of the folder `base`."""
    database = str(_file(name, base)) if name else ":memory:"
    folder = str(base.resolve()).replace("'", "''")
    with duckdb.connect(database, read_only=bool(name)) as asked:
        asked.execute(f"SET file_search_path = '{folder}'")
        rows = batches(asked.execute(query), BATCH)
        copy, content = _copied(rows, connection)
    is_text = all(kind.is_string() for kind in copy.schema().types)
    return RawTable(copy, is_text=is_text, label=_label(query), content=content)


def _label(query: str) -> str:
    """The files that a query names, or that it is one."""
    files = dict.fromkeys(re.findall(r"'([^']+\.\w+)'", query))
    return ", ".join(files) or say("data.databases.query")


def _sqlite(path: Path, source: Source, connection: Any) -> RawTable:
    """SQLite knows neither dates nor money, so its values are taken as the text they print as,
    like those of a CSV."""
    with sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False
    ) as file:
        name = str(source.table)
        quoted = '"' + name.replace('"', '""') + '"'
        columns = [row[1] for row in file.execute(f"PRAGMA table_info({quoted})")]
        if source.query:
            name, quoted = _label(source.query), f"({source.query})"
            described = file.execute(f"SELECT * FROM {quoted} LIMIT 0").description
            columns = [column[0] for column in described]
        if not columns:
            raise LookupError(name)
        texts = ", ".join(
            f"""CAST("{c.replace('"', '""')}" AS TEXT)""" for c in columns
        )
        cursor = file.execute(f"SELECT {texts} FROM {quoted}")
        schema = pa.schema([(c, pa.string()) for c in columns])

        def rows() -> Iterator[pa.RecordBatch]:
            while rows := cursor.fetchmany(BATCH):
                yield pa.record_batch(
                    [pa.array(c, pa.string()) for c in zip(*rows, strict=True)],
                    schema=schema,
                )

        copy, content = _copied(
            pa.RecordBatchReader.from_batches(schema, rows()), connection
        )
        return RawTable(copy, is_text=True, label=name, content=content)


def _server(
    url: str,
    zone: str,
    source: Source,
    base: Path,
    connection: Any,
    where: str,
) -> RawTable:
    backend = connected(os.getpid(), url, zone)
    if source.path:
        table = backend.read_parquet(
            source.path if "://" in source.path else str(base / source.path)
        )
    elif source.query:
        table = backend.sql(source.query)
    else:
        *schema, name = str(source.table).split(".")
        table = backend.table(name, database=".".join(schema) or None)
    label = source.table or source.path or say("data.databases.query")
    if where == "orders" and not _needs_parsing(table, source, where):
        return RawTable(table, is_text=False, label=label, remote=True)
    copy, content = _copied(
        backend.to_pyarrow_batches(table, chunk_size=BATCH), connection
    )
    return RawTable(copy, is_text=False, label=label, content=content)


@cache
def connected(pid: int, url: str, zone: str) -> Any:
    """One connection per process, address and time zone: it decides on which day a moment falls."""
    if url.startswith("spark://"):
        return _spark(url, zone)
    backend = ibis.connect(url)
    if backend.name == "postgres":
        backend.raw_sql(f"SET TIME ZONE '{zone}'")
    return backend


def _spark(url: str, zone: str) -> Any:
    """``spark://local[2]``, ``spark://host:7077``, or ``spark://`` for the session that
    spark-submit made."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    builder, place = (
        SparkSession.builder.appName("segment_lab"),
        url.removeprefix("spark://"),
    )
    # A bar would break plain logs.
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    if place:
        builder = builder.master(
            place if place.startswith(("local", "yarn", "k8s")) else url
        )
    if (
        "PYSPARK_GATEWAY_PORT" in os.environ
        and SparkContext._active_spark_context is None
    ):
        _join_the_application(SparkContext)
    # A session of its own: the time zone is the study's, not the whole application's.
    backend = ibis.pyspark.connect(builder.getOrCreate().newSession())
    backend._session.conf.set("spark.sql.session.timeZone", zone)
    return backend


def _join_the_application(contexts: Any) -> None:
    """Use the one context that the JVM of spark-submit may hold: the processes that render reports
    share that JVM, and whichever comes first makes the context."""
    from pyspark import SparkConf
    from pyspark.java_gateway import launch_gateway

    gateway = launch_gateway()
    spark = gateway.jvm.org.apache.spark
    one = spark.SparkContext.getOrCreate()
    java = gateway.jvm.org.apache.spark.api.java.JavaSparkContext(one)
    conf = SparkConf(_jconf=one.conf())
    contexts(jsc=java, gateway=gateway, conf=conf)


def _needs_parsing(table: ir.Table, source: Source, where: str) -> bool:
    """Whether days or amounts are written as text: only DuckDB tells the unreadable ones apart, so
    lines are copied."""
    schema = table.schema()
    for column in CONTRACTS[where].columns:
        kind = schema.get(source.columns.get(column.name, column.name) or "")
        text = kind is not None and (
            kind.is_string() or (kind.is_integer() and column.kind == "date")
        )
        if text and column.kind in ("date", "money", "number"):
            return True
    return False


def _copied(rows: pa.RecordBatchReader, connection: Any) -> tuple[ir.Table, str]:
    """Rows as they come, in the study's own engine (which spills to disk, not into pandas); and
    their hash."""
    name = f"copy_{uuid.uuid4().hex}"
    connection.con.register("incoming", rows)
    connection.raw_sql(f"CREATE TEMP TABLE {name} AS SELECT * FROM incoming")
    connection.con.unregister("incoming")
    counted = f"SELECT count(*), sum(hash({name})::HUGEINT) FROM {name}"
    # All rows are fetched: DuckDB 2 takes one for a result that is still read.
    (content,) = connection.raw_sql(counted).fetchall()
    return connection.table(name), str(content)
