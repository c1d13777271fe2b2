"""What customers buy, and what buyers like them took next."""

from __future__ import annotations

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.customers.products import (
    FEWEST_FOLLOWERS,
    favourites,
    next_products,
)


@pytest.fixture
def orders():
    """Six buyers whose favourite is tea: five took a cup as well, two a kettle. Ann took nothing
    else, Ben has the cup, Cy's favourite is nobody else's."""
    lines = [(f"f{i}", product) for i in range(5) for product in ("tea", "cup")]
    lines += [("f0", "kettle"), ("f1", "kettle")]
    lines += [("ann", "tea"), ("ben", "tea"), ("ben", "cup"), ("cy", "lamp")]
    log = pd.DataFrame(lines, columns=["customer_id", "product"])
    log["amount"] = log["product"].map(
        {"tea": 9.0, "cup": 4.0, "kettle": 5.0, "lamp": 7.0}
    )
    log["order_date"] = "2026-01-05"
    log["order_id"] = [str(number) for number in range(len(log))]
    study = sl.Study.from_frames({"orders": log}, as_of="2026-02-01")
    return study.orders()


def test_the_next_product_is_what_most_buyers_of_the_same_favourite_took(orders):
    found = next_products(orders, ["ann", "ben", "cy"])
    assert dict(found) == {"ann": "cup"}


def test_too_few_followers_show_no_way(orders):
    # f2 has the cup; the kettle was taken by two, fewer than show the way.
    assert FEWEST_FOLLOWERS > 2
    assert not len(next_products(orders, ["f2"]))


def test_favourites_are_what_most_was_spent_on(orders):
    assert dict(favourites(orders, ["f0", "ann"])) == {
        "f0": ("tea", "kettle"),
        "ann": ("tea",),
    }
