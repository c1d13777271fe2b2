"""How good a customer base is: what is filled, what is valid, and how many are in it twice."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from segment_lab.customers.duplicates import duplicates
from segment_lab.customers.normal import ROLES, email_key, phone_key, roles

#: Columns that say where or who somebody is, besides.
ADDRESS = (
    r"address|адрес|adres|street|улица|ulica|"
    r"contact.?(name|person)|контакт|surname|(first|last) ?name"
)


@dataclass(frozen=True)
class Quality:
    """The state of a customer base, as plain tables.

    Attributes
    ----------
    completeness : DataFrame
        Per column: ``filled, share, invalid`` (values that cannot be right; null where nothing is
        known of the column).
    reach : DataFrame
        Per segment: ``customers, by_email, by_phone, nowhere`` (shares).
    pairs : DataFrame
        ``customer_id, merge_into, agrees`` (what two records have in common), one row per record
        that stands for a customer known under another id.
    records, customers : int
        Records, and the customers behind them.
    """

    completeness: pd.DataFrame
    reach: pd.DataFrame
    pairs: pd.DataFrame
    records: int
    customers: int


def quality(accounts: pd.DataFrame, segments: pd.Series | None = None) -> Quality:
    """Completeness, validity, reach and duplicates of a customer base.

    Parameters
    ----------
    accounts : DataFrame
        One row per record, index ``customer_id``.
    segments : Series, optional
        The segment of each customer.
    """
    pairs = duplicates(accounts)
    return Quality(
        completeness(accounts),
        reach(accounts, segments),
        pairs,
        len(accounts),
        len(accounts) - len(pairs),
    )


def anonymous(customers: pd.DataFrame) -> pd.DataFrame:
    """The table without names, addresses and tax numbers; ids that are addresses become numbers.

    Examples
    --------
    >>> people = pd.DataFrame({"E-Mail": ["a@b.de"], "revenue": [5]}, index=["a@b.de"])
    >>> anonymous(people)
       revenue
    1        5
    """
    personal = re.compile("|".join([*ROLES.values(), ADDRESS]))
    kept = [
        name
        for name in customers
        if not personal.search(str(name).lower().replace("_", " "))
    ]
    shown = customers[kept]
    if any(map(email_key, shown.index)):
        shown = shown.set_axis(range(1, len(shown) + 1))
    return shown


def completeness(accounts: pd.DataFrame) -> pd.DataFrame:
    """Per column how many records have a value, and how many of these cannot be right."""
    found = roles(accounts.columns)
    checks = {"email": email_key, "phone": phone_key}
    rows = []
    for column in accounts.columns:
        values = accounts[column]
        filled = values.notna() & (values.astype("str").str.strip() != "")
        invalid = float("nan")
        for role, key in checks.items():
            if found.get(role) == column:
                invalid = float((values[filled].map(key) == "").sum())
        if pd.api.types.is_datetime64_any_dtype(values):
            years = values.dt.year
            invalid = float(((years < 1970) | (values > pd.Timestamp.today())).sum())
        rows.append((column, int(filled.sum()), filled.mean(), invalid))
    frame = pd.DataFrame(rows, columns=["column", "filled", "share", "invalid"])
    return frame.set_index("column")


def reach(accounts: pd.DataFrame, segments: pd.Series | None = None) -> pd.DataFrame:
    """Per segment the share of customers with a valid e-mail, a valid phone, or neither."""
    found = roles(accounts.columns)
    labels = pd.Series("all", index=accounts.index) if segments is None else segments
    ids = labels.index
    has = {}
    for role, key in (("email", email_key), ("phone", phone_key)):
        values = pd.Series("", index=ids)
        if role in found:
            values = accounts[found[role]].reindex(ids).map(key)
        has[role] = values != ""
    facts = pd.DataFrame(
        {
            "customers": 1,
            "by_email": has["email"],
            "by_phone": has["phone"],
            "nowhere": ~(has["email"] | has["phone"]),
        }
    )
    by = facts.groupby(labels.astype("str"))
    shares = by[["by_email", "by_phone", "nowhere"]].mean()
    return by[["customers"]].sum().join(shares).rename_axis("segment")
