"""How good the customer base itself is: what is filled, what is valid, who stands in it twice.

Two records are one customer where two things agree that are seldom shared: an e-mail, a phone, a
name in its normal form, a tax number. One alone is not enough, unless it belongs to no third record
and the names do not contradict it. Names are compared without legal form, case, accents and
alphabet, so that «ООО "Ромашка"» meets "Romashka LLC".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import combinations
from typing import Any, cast

import numpy as np
import pandas as pd
import yaml
from rapidfuzz import fuzz

# A value that more records share is a switchboard or a shared mailbox, and tells nobody apart.
SHARED = 4
# Names at least so alike (0 to 100) are one name with a slip of the pen; below the second they
# contradict each other.
SAME_NAME, OTHER_NAME = 88.0, 62.0
#: Columns that hold an e-mail, a phone, a name, by words in their names.
ROLES = {
    "email": r"e-?mail|почт",
    "phone": r"phone|mobile|tel(efon)?\b|телефон|komórk|handy",
    "name": r"^name$|full.?name|customer.?name|company|firma|назван|наимен|фио|nazwa",
    "tax_id": r"\b(inn|инн|nip|vat|ust|tax)",
}
#: Columns that say where or who somebody is, besides.
ADDRESS = (
    r"address|адрес|adres|street|улица|ulica|"
    r"contact.?(name|person)|контакт|surname|(first|last) ?name"
)
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}")


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


# Filled and valid
# -------------------------------------------------------------------------------------------------


def roles(columns: Iterable[str]) -> dict[str, str]:
    """Which column holds e-mails, phones, names and tax numbers, as far as their names say."""
    columns = list(columns)
    found: dict[str, str] = {}
    for role, pattern in ROLES.items():
        for column in columns:
            if (
                re.search(pattern, column.lower().replace("_", " "))
                and column not in found.values()
            ):
                found[role] = column
                break
    return found


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


# Normal forms
# -------------------------------------------------------------------------------------------------


def email_key(value: Any) -> str:
    """An e-mail in the form in which two spellings of it are equal; empty where it is none.

    Examples
    --------
    >>> email_key(" Anna.Nowak+shop@Gmail.com "), email_key("nobody"), email_key(None)
    ('annanowak@gmail.com', '', '')
    """
    text = "" if pd.isna(value) else str(value).strip().lower().removeprefix("mailto:")
    if not _EMAIL.fullmatch(text):
        return ""
    local, _, domain = text.partition("@")
    domain = domain.replace("googlemail.com", "gmail.com")
    if domain == "gmail.com":
        local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}"


def phone_key(value: Any) -> str:
    """A phone number's last ten digits, as far as it has so many; empty where it is none.

    Examples
    --------
    >>> phone_key("+7 (495) 123-45-67"), phone_key("8 495 1234567"), phone_key("n/a")
    ('4951234567', '4951234567', '')
    """
    text = "" if pd.isna(value) else str(value)
    text = re.split(r"(?i)ext|доб|wew|#|;|/", text)[0]
    digits = re.sub(r"\D", "", text).removeprefix("00")
    if not 7 <= len(digits) <= 15 or len(set(digits)) < 3:
        return ""
    if len(digits) <= 10:
        return digits.lstrip("0")
    national = digits[-10:]
    return national.lstrip("0")


@cache
def _words() -> dict[str, Any]:
    text = (
        resources.files("segment_lab.customers")
        .joinpath("names.yml")
        .read_text("utf-8")
    )
    return yaml.safe_load(text)


@cache
def name_key(name: str) -> str:
    """A name without legal form, case, accents and alphabet, its words in order of the alphabet.

    Examples
    --------
    >>> name_key('ООО "Ромашка"'), name_key("Romashka, LLC"), name_key("Müller GmbH & Co. KG")
    ('romashka', 'romashka', 'mueller')
    """
    return " ".join(sorted(_plain_words(name)))


@cache
def _plain_words(name: str) -> tuple[str, ...]:
    """The words of a name without legal form, case, accents and alphabet."""
    parted = re.sub(r"(?<=\d)(?=[^\W\d])|(?<=[^\W\d])(?=\d)", " ", name)
    text = parted.casefold()
    for cyrillic, latin in _words()["letters"].items():
        text = text.replace(cyrillic, latin)
    text = "".join(
        c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)
    )
    # Z o.o. and s.a. are words of letters.
    text = re.sub(r"\b(\w)\.(?=\s?\w\b)", r"\1", text)
    words = re.sub(r"[^\w]+", " ", text).split()
    plain = " ".join(words)
    for form in _words()["legal_forms"]:
        plain = re.sub(rf"(?:^|(?<=\s)){form}(?=\s|$)", "", plain)
    return tuple(plain.split() or words)


def spelled(name: str) -> str:
    """The words of `name_key` as they were written, without blanks.

    Examples
    --------
    >>> spelled("Nowak, Jan"), spelled("JanNowak")
    ('nowakjan', 'jannowak')
    """
    return "".join(_plain_words(name))


# Duplicates
# -------------------------------------------------------------------------------------------------


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
        score += 1 if one == other and one not in _words()["mailboxes"] else -1
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
    """Segments that change when records are merged: ``before, after, customers``.

    Parameters
    ----------
    before, after : Series
        Segment by ``customer_id``, with and without the duplicates.
    pairs : DataFrame
        What `duplicates` found.
    """
    kept = pairs["merge_into"].drop_duplicates()
    kept = kept[kept.isin(after.index) & kept.isin(before.index)]
    changes = pd.DataFrame(
        {"before": before.loc[kept].to_numpy(), "after": after.loc[kept].to_numpy()}
    ).astype("str")
    changes = changes[changes["before"] != changes["after"]]
    return changes.groupby(["before", "after"]).size().rename("customers").reset_index()


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
