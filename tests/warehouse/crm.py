"""The sample CRM in databases, with the types a database gives it."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import yaml
from pyarrow import csv

import segment_lab as sl
from datasets import ROOT
from segment_lab.data.contracts import CONTRACTS

FILES = {
    path.stem: path
    for path in sorted((ROOT / "data" / "sample").glob("*.csv"))
    if path.stem in CONTRACTS
}
TYPES = {
    "id": "text",
    "text": "text",
    "date": "date",
    "money": "numeric(14,2)",
    "number": "double precision",
    "flag": "boolean",
}

# How many clusters there are is asked elsewhere; what they become in a database is asked here.
QUICK = {"clusters": {"k": 5, "bootstraps": 5}}
PASSWORD = "s3cret/@word"  # characters that a URL would have to quote


class _Stream(io.RawIOBase):
    """A file whose blocks go to a function."""

    def __init__(self, send: Callable[[bytes], object]):
        self.send = send

    def writable(self) -> bool:
        return True

    def write(self, block) -> int:
        self.send(bytes(block))
        return len(block)


class Server:
    """A running server; `url` leaves the password to the environment variable PGPASSWORD."""

    def __init__(self, port: int, schema: str = "public"):
        self.port = port
        self.url = f"postgres://postgres:${{PGPASSWORD}}@127.0.0.1:{port}/postgres"
        self.dsn = {
            "host": "127.0.0.1",
            "port": port,
            "user": "postgres",
            "password": PASSWORD,
            "dbname": "postgres",
            "options": f"-c search_path={schema}",
        }

    def within(self, schema: str) -> Server:
        """The same server with tables of its own."""
        import psycopg

        with psycopg.connect(**self.dsn, autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        return Server(self.port, schema)

    def load(self, name: str, arrow: pa.Table, types: dict[str, str]) -> None:
        """A table from Arrow rows; `types` are PostgreSQL's."""
        import psycopg

        columns = ", ".join(
            f'"{column}" {types[column]}' for column in arrow.column_names
        )
        with (
            psycopg.connect(**self.dsn, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                f'DROP TABLE IF EXISTS "{name}"; CREATE TABLE "{name}" ({columns})'
            )
            with cursor.copy(f'COPY "{name}" FROM STDIN (FORMAT csv, HEADER)') as copy:
                csv.write_csv(
                    arrow, _Stream(copy.write)
                )  # quotes text but no null, as PostgreSQL wants it


@cache
def rows(table: str) -> tuple[pa.Table, dict[str, str]]:
    """A sample table as text, and its column types; columns beyond the contract are numbers where
    they can be."""
    frame = pd.read_csv(FILES[table], dtype=str, keep_default_na=False).replace(
        "", None
    )
    contract, kinds = CONTRACTS[table], {}
    for column in frame:
        number = (
            pd.to_numeric(frame[column], errors="coerce")
            .notna()
            .eq(frame[column].notna())
            .all()
        )
        kinds[column] = (
            TYPES[contract.column(column).kind]
            if column in contract.names
            else "double precision"
            if number
            else "text"
        )
    return pa.Table.from_pandas(frame, preserve_index=False), kinds


def into_postgres(server) -> None:
    for table in FILES:
        server.load(table, *rows(table))


def into_duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as file:
        for table in FILES:
            given, kinds = rows(table)
            file.register("given", given)
            typed = ", ".join(f'"{c}"::{kind} AS "{c}"' for c, kind in kinds.items())
            file.execute(f"CREATE TABLE {table} AS SELECT {typed} FROM given")


def into_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as file:
        for table in FILES:
            given, kinds = rows(table)
            file.execute(
                f"CREATE TABLE {table} ({', '.join(f'{c} {k}' for c, k in kinds.items())})"
            )
            marks = ", ".join("?" * len(kinds))
            file.executemany(
                f"INSERT INTO {table} VALUES ({marks})",
                zip(*given.to_pydict().values(), strict=True),
            )


def sample() -> sl.Study:
    """The sample study over its CSV files."""
    return sl.Study.from_yaml(ROOT / "configs" / "sample.yml", methods=QUICK)


def study_file(folder: Path, url: str, **sources: dict) -> Path:
    """The sample study with every table at `url`."""
    config = yaml.safe_load((ROOT / "configs" / "sample.yml").read_text())
    config["methods"] |= QUICK
    config["sources"] = {
        table: {"url": url, "table": table} for table in FILES
    } | sources
    path = folder / "study.yml"
    path.write_text(yaml.safe_dump(config))
    return path
