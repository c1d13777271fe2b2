"""Whatever versions are installed: what Ibis calls is there, and an open result does no harm."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest
from sqlglot import exp

from segment_lab.data import embedded
from segment_lab.data.engines import adapt


@pytest.fixture
def connection():
    return embedded.connect()


def test_a_result_that_was_left_open_does_no_harm(connection):
    connection.con.execute("SELECT * FROM range(10)").fetchone()
    frame = ibis.memtable(pd.DataFrame({"x": [1, 2]}))
    assert connection.to_pandas(frame.x.sum()) == 3


def test_tables_come_and_go_and_rows_come_in_pieces(connection):
    frame = ibis.memtable(pd.DataFrame({"x": range(10)}))
    connection.create_table("numbers", frame)
    pieces = connection.to_pyarrow_batches(connection.table("numbers"), chunk_size=4)
    assert sum(piece.num_rows for piece in pieces) == 10
    connection.drop_table("numbers")
    assert "numbers" not in connection.list_tables()
    with frame.mutate(y=frame.x.sum()).cache() as kept:
        assert kept.count().execute() == 10


def test_adapting_again_changes_nothing():
    import duckdb

    before = duckdb.DuckDBPyConnection.register, exp.Drop.__init__
    adapt()
    assert (duckdb.DuckDBPyConnection.register, exp.Drop.__init__) == before
