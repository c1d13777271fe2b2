"""Who stands in a customer base twice.

Two records are one customer where two things agree that are seldom shared: an e-mail, a phone, a
name in its normal form, a tax number. One alone is not enough, unless it belongs to no third record
and the names do not contradict it.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any, cast

import numpy as np
import pandas as pd
from rapidfuzz import fuzz

from segment_lab.customers.normal import (
    common_words,
    email_key,
    name_key,
    phone_key,
    roles,
    spelled,
)

# A value that more records share is a switchboard or a shared mailbox, and tells nobody apart.
SHARED = 4
# Names at least so alike (0 to 100) are one name with a slip of the pen; below the second they
# contradict each other.
SAME_NAME, OTHER_NAME = 88.0, 62.0
# More records of one name are no person's: "Test", "Private person".
MOST_OF_A_NAME = 30
# Columns that say where a customer is, the first there is.
PLACES = ("region", "city", "postcode", "zip")


def duplicates(accounts: pd.DataFrame) -> pd.DataFrame:
    """Records that stand for a customer known under another id.

    Parameters
    ----------
    accounts : DataFrame
        Index ``customer_id``; columns for e-mail, phone, name or tax number are found by name.

    Returns
    -------
    DataFrame
        ``customer_id, merge_into, agrees``: into which record each goes (the first of its group in
        the table), and what agreed, for example ``email, name``.
    """
    keys = _keys(accounts)
    agrees = _agreements(keys)
    records = keys.to_dict("records")
    leader = list(range(len(keys)))

    def root(place: int) -> int:
        while leader[place] != place:
            leader[place] = leader[leader[place]]
            place = leader[place]
        return place

    why: dict[int, tuple[str, ...]] = {}
    for (one, other), shared in agrees.items():
        if not _same(records[one], records[other], shared):
            continue
        first, second = sorted((root(one), root(other)))
        leader[second] = first
        why.setdefault(other, shared)
    rows = []
    for place in range(len(keys)):
        if (first := root(place)) != place:
            agreed = ", ".join(why.get(place, ("name",)))
            rows.append((accounts.index[place], accounts.index[first], agreed))
    return pd.DataFrame(rows, columns=["customer_id", "merge_into", "agrees"])


def _keys(accounts: pd.DataFrame) -> pd.DataFrame:
    """The normal forms of each record; empty where there is nothing."""
    found = roles(accounts.columns)
    places = [name for name in PLACES if name in accounts]
    nothing = pd.Series("", index=accounts.index)

    def texts(column: str | None) -> pd.Series:
        if column is None:
            return nothing
        return accounts[column].fillna("").astype("str")

    keys = {}
    for role, key in (("email", email_key), ("phone", phone_key)):
        keys[role] = accounts[found[role]].map(key) if role in found else nothing
    names = texts(found.get("name"))
    keys["name"] = names.map(name_key)
    keys["spelled"] = names.map(spelled)
    tax = texts(found.get("tax_id")).str.replace(r"\W", "", regex=True)
    keys["tax_id"] = tax.str.lower()
    place = texts(places[0] if places else None)
    keys["place"] = place.str.lower()
    return pd.DataFrame(keys).reset_index(drop=True)


def _agreements(keys: pd.DataFrame) -> dict[tuple[int, int], tuple[str, ...]]:
    """Pairs of records with something in common, and what."""
    pairs: dict[tuple[int, int], list[str]] = {}
    for role in ("email", "phone", "tax_id", "name"):
        most = MOST_OF_A_NAME if role == "name" else SHARED
        named = keys[keys[role] != ""]
        for _, group in named.groupby(role):
            if len(group) > most:
                continue
            for pair in combinations(group.index, 2):
                pairs.setdefault(pair, []).append(role)
    return {pair: tuple(shared) for pair, shared in sorted(pairs.items())}


def _same(a: dict[Any, str], b: dict[Any, str], shared: tuple[str, ...]) -> bool:
    """Whether what agrees is enough, and nothing contradicts it."""
    if "tax_id" in shared:
        return True
    if a["tax_id"] and b["tax_id"]:  # two companies
        return False
    several = len(shared) >= 2
    alike = _alike(a, b)
    if "name" not in shared and alike is not None:
        if several:  # e-mail and phone: a slip in the name, even in its number
            return _written_alike(a, b) >= OTHER_NAME
        return alike >= SAME_NAME
    if several or shared[0] != "name":
        return True
    return _hints(a, b) >= 1


def _alike(a: dict[Any, str], b: dict[Any, str]) -> float | None:
    """How alike two names are, 0 to 100; null where one is missing, 0 where numbers differ.

    A slip in the first letter changes the order of the words, a lost blank their number: names are
    held against each other in order of the alphabet and as they were written.
    """
    one, other = a["name"], b["name"]
    if not (one and other):
        return None
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return 0.0
    if _within(one, other):
        return 100.0
    return _written_alike(a, b)


def _written_alike(a: dict[Any, str], b: dict[Any, str]) -> float:
    """How alike two names are in order of the alphabet or as they were written."""
    in_order = fuzz.ratio(a["name"], b["name"])
    as_written = fuzz.ratio(a["spelled"], b["spelled"])
    return max(in_order, as_written)


def _within(one: str, other: str) -> bool:
    """Whether one name is the other with more words, such as a misspelt legal form."""
    words = (set(one.split()), set(other.split()))
    short, long = sorted(words, key=len)
    return short < long and max(map(len, short)) > 2


def _hints(a: dict[Any, str], b: dict[Any, str]) -> int:
    """Agreement beside an equal name, less contradictions."""
    score = 0
    apart = True  # no way to reach them that both records name
    if a["email"] and b["email"]:
        apart = False
        score += 1 if _one_mailbox(a["email"], b["email"]) else -1
    if a["phone"] and b["phone"]:
        apart = False
        nearly = fuzz.ratio(a["phone"], b["phone"]) >= SAME_NAME
        score += 1 if nearly else -1
    # A name of letters alone is found many times in a city; one with a number is not.
    telling = bool(re.search(r"\d", a["name"]))
    one_place = bool(a["place"]) and a["place"] == b["place"]
    if apart and telling and one_place:
        score += 1
    return score


def _one_mailbox(one: str, other: str) -> bool:
    """Whether two addresses have the same name before the @, and it is a person's."""
    name = one.split("@")[0]
    if name != other.split("@")[0]:
        return False
    return name not in common_words()["mailboxes"]


def merge_into(accounts: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The base after merging: what the kept record lacks is taken from those merged into it."""
    target = pd.Series(accounts.index, index=accounts.index)
    target.update(pairs.set_index("customer_id")["merge_into"])
    name = cast("str | None", accounts.index.name)
    return accounts.groupby(target, sort=False).first().rename_axis(name)


def moved(before: pd.Series, after: pd.Series, pairs: pd.DataFrame) -> pd.DataFrame:
    """Segments that change when records are merged: ``before, after, customers``, and how many of
    them are ``merged``. The others change because the cuts between segments move.

    Parameters
    ----------
    before, after : Series
        Segment by ``customer_id``, with and without the duplicates.
    pairs : DataFrame
        What `duplicates` found.
    """
    kept = after.index.intersection(before.index)
    labels = {
        "before": before.loc[kept].astype(str),
        "after": after.loc[kept],
    }
    changes = pd.DataFrame(labels).astype("str")
    changes["merged"] = kept.isin(pairs["merge_into"])
    changes = changes[changes["before"] != changes["after"]]
    by = changes.groupby(["before", "after"])["merged"]
    return by.agg(customers="size", merged="sum").reset_index()


def score(found: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    """Precision and recall of found pairs against the planted ones (``customer_id,
    merge_into``), whichever of the two is kept."""

    def groups(pairs: pd.DataFrame) -> set[frozenset[str]]:
        members = pairs.groupby("merge_into")["customer_id"].agg(list)
        links = set()
        for kept, others in members.items():
            links |= {frozenset(pair) for pair in combinations([kept, *others], 2)}
        return links

    planted, claimed = groups(truth), groups(found)
    right = len(planted & claimed)
    return {
        "precision": right / len(claimed) if claimed else np.nan,
        "recall": right / len(planted) if planted else np.nan,
    }
