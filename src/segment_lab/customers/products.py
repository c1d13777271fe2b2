"""What customers buy: their own favourites, and what buyers like them take next."""

from __future__ import annotations

from collections.abc import Sequence

import ibis.expr.types as ir
import pandas as pd

#: A next product needs so many customers who took it after the same favourite.
FEWEST_FOLLOWERS = 5


def favourites(orders: ir.Table, customers: Sequence[str], most: int = 2) -> pd.Series:
    """The products each customer spent most on.

    Parameters
    ----------
    orders : ibis Table
        Accepted order lines with ``product``.
    customers : sequence of str
        Whose favourites are asked for.
    most : int
        At most so many each.

    Returns
    -------
    Series of tuple of str
        By ``customer_id``; customers without a named product are absent.
    """
    theirs = _of(customers, _spent(orders))
    by_customer = _most_first(theirs).groupby("customer_id")
    top = by_customer.head(most)
    return top.groupby("customer_id")["product"].agg(tuple)


def next_products(orders: ir.Table, customers: Sequence[str]) -> pd.Series:
    """The product a customer has not bought that most buyers of the same favourite have.

    Returns
    -------
    Series of str
        By ``customer_id``; absent where too few others show the way (`FEWEST_FOLLOWERS`).
    """
    spent = _spent(orders)
    by_customer = _most_first(spent).groupby("customer_id")
    favourite = by_customer["product"].first()
    taken_next = _taken_next(spent, favourite)
    theirs = _of(customers, spent)
    found: dict[str, str] = {}
    for customer, own in theirs.groupby("customer_id")["product"]:
        bought = set(own)
        for product in taken_next.get(favourite[customer], []):
            if product not in bought:
                found[str(customer)] = product
                break
    return pd.Series(found, dtype="object")


def _taken_next(spent: pd.DataFrame, favourite: pd.Series) -> dict[str, list[str]]:
    """By favourite, what enough of its buyers took as well, the most taken first."""
    rows = spent.assign(favourite=spent["customer_id"].map(favourite))
    others = rows[rows["product"] != rows["favourite"]]
    by_way = others.groupby(["favourite", "product"])
    followers = by_way["customer_id"].nunique()
    enough = followers[followers >= FEWEST_FOLLOWERS]
    most_first = enough.sort_values(ascending=False, kind="stable")
    ways = most_first.reset_index().groupby("favourite")
    return dict(ways["product"].agg(list))


def _of(customers: Sequence[str], spent: pd.DataFrame) -> pd.DataFrame:
    """The rows of these customers."""
    return spent[spent["customer_id"].isin(list(customers))]


def _most_first(spent: pd.DataFrame) -> pd.DataFrame:
    """The rows by spending; of equal ones the product first in the alphabet."""
    return spent.sort_values(["amount", "product"], ascending=[False, True])


def _spent(orders: ir.Table) -> pd.DataFrame:
    """Net spending by customer and product; products that came to nothing are left out."""
    named = orders.filter(orders["product"].notnull())
    by = named.group_by(["customer_id", "product"])
    sums = by.aggregate(amount=named.amount_minor.sum())
    rows = orders.get_backend().to_pyarrow(sums).to_pandas()
    sold = rows[rows["amount"] > 0]
    return sold.astype({"customer_id": str, "product": str})
