"""What is kept on disk belongs to the data it was made of: other values, another fingerprint."""

from __future__ import annotations

import pandas as pd
import pytest

import segment_lab as sl

LOG = pd.DataFrame(
    {
        "customer_id": ["a", "a", "b", "c"],
        "amount": [1.0, 2.0, 2.0, 9.0],
        "order_date": ["2026-01-01", "2026-01-05", "2026-01-09", "2026-01-31"],
    }
)
PEOPLE = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c"],
        "vip": [True, False, False],
        "region": ["N", None, "S"],
    }
)


def fingerprint(orders: pd.DataFrame = LOG, people: pd.DataFrame = PEOPLE) -> str:
    return sl.Study.from_frames(
        {"orders": orders, "customers": people}, as_of="2026-02-01"
    ).fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"orders": LOG.assign(customer_id=["x", "x", "y", "z"])},  # other customers
        {
            "orders": LOG.assign(customer_id=["a", "b", "b", "c"])
        },  # an order moved to another
        {
            "orders": LOG.assign(order_date=["2026-01-02", *LOG["order_date"][1:]])
        },  # another day, not the last
        {"people": PEOPLE.assign(vip=[False, True, False])},
        {"people": PEOPLE.assign(region=[None, "N", "S"])},
    ],
)
def test_other_values_with_equal_totals_have_another_fingerprint(changes):
    assert fingerprint(**changes) != fingerprint()


def test_the_order_of_the_rows_makes_no_difference():
    assert fingerprint(LOG.iloc[::-1], PEOPLE.iloc[[2, 0, 1]]) == fingerprint()


def test_where_nothing_tells_two_states_apart_no_two_are_taken_for_the_same(
    monkeypatch,
):
    """An engine without a hash: what another process kept is not shown."""
    monkeypatch.setattr(
        "ibis.backends.duckdb.Backend.has_operation",
        classmethod(lambda cls, operation: False),
    )
    study = sl.Study.from_frames({"orders": LOG}, as_of="2026-02-01")
    assert study.fingerprint == study.fingerprint
    assert fingerprint() != fingerprint()
