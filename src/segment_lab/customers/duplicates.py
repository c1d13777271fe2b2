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
    nothing = pd.Series("", index=accounts.index)
    keys = {}
    for role, key in (("email", email_key), ("phone", phone_key)):
        keys[role] = accounts[found[role]].map(key) if role in found else nothing
    names = (
        accounts[found["name"]].fillna("").astype("str") if "name" in found else nothing
    )
    keys["name"] = names.map(name_key)
    keys["spelled"] = names.map(spelled)
    tax = (
        accounts[found["tax_id"]].fillna("").astype("str")
        if "tax_id" in found
        else nothing
    )
    keys["tax_id"] = tax.str.replace(r"\W", "", regex=True).str.lower()
    place = [c for c in ("region", "city", "postcode", "zip") if c in accounts]
    keys["place"] = (
        accounts[place[0]].fillna("").astype("str").str.lower() if place else nothing
    )
    return pd.DataFrame(keys).reset_index(drop=True)


def _agreements(keys: pd.DataFrame) -> dict[tuple[int, int], tuple[str, ...]]:
    """Pairs of records with something in common, and what."""
    pairs: dict[tuple[int, int], list[str]] = {}
    for role in ("email", "phone", "tax_id", "name"):
        values = keys.index[keys[role] != ""]
        for _, group in keys.loc[values].groupby(role):
            if len(group) > SHARED and role != "name":
                continue
            # A name of so many is no name: "Test", "Private person".
            if len(group) > 30:
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
    alike = _alike(a, b)
    if "name" not in shared and alike is not None:
        if len(shared) >= 2:  # e-mail and phone: a slip in the name, even in its number
            written = fuzz.ratio(a["spelled"], b["spelled"])
            return max(fuzz.ratio(a["name"], b["name"]), written) >= OTHER_NAME
        return alike >= SAME_NAME
    return len(shared) >= 2 or shared[0] != "name" or _hints(a, b) >= 1


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
    written = fuzz.ratio(a["spelled"], b["spelled"])
    return max(fuzz.ratio(one, other), written)


def _within(one: str, other: str) -> bool:
    """Whether one name is the other with more words, such as a misspelt legal form."""
    short, long = sorted((set(one.split()), set(other.split())), key=len)
    return short < long and max(map(len, short)) > 2


def _hints(a: dict[Any, str], b: dict[Any, str]) -> int:
    """Agreement beside an equal name, less contradictions."""
    score = 0
    apart = True  # no way to reach them that both records name
    if a["email"] and b["email"]:
        apart = False
        one, other = a["email"].split("@")[0], b["email"].split("@")[0]
        score += 1 if one == other and one not in common_words()["mailboxes"] else -1
    if a["phone"] and b["phone"]:
        apart = False
        score += 1 if fuzz.ratio(a["phone"], b["phone"]) >= SAME_NAME else -1
    # A name of letters alone is found many times in a city; one with a number is not.
    telling = bool(re.search(r"\d", a["name"]))
    if apart and telling and a["place"] and a["place"] == b["place"]:
        score += 1
    return score


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
    labels = {"before": before.loc[kept].astype(str), "after": after.loc[kept]}
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
