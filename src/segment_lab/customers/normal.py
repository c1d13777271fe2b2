"""E-mails, phones and names in the form in which two spellings of them are equal.

Names are compared without legal form, case, accents and alphabet, so that «ООО "Ромашка"» meets
"Romashka LLC".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd

from segment_lab.config import read

#: Columns that hold an e-mail, a phone, a name, by words in their names.
ROLES = {
    "email": r"e-?mail|почт",
    "phone": r"phone|mobile|tel(efon)?\b|телефон|komórk|handy",
    "name": r"^name$|full.?name|customer.?name|company|firma|назван|наимен|фио|nazwa",
    "tax_id": r"\b(inn|инн|nip|vat|ust|tax)",
}
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}")


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
def common_words() -> dict[str, Any]:
    """Legal forms, mailboxes and other words that tell nobody apart."""
    text = (
        resources.files("segment_lab.customers")
        .joinpath("names.yml")
        .read_text("utf-8")
    )
    return read(text)


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
    for cyrillic, latin in common_words()["letters"].items():
        text = text.replace(cyrillic, latin)
    text = "".join(
        c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)
    )
    # Z o.o. and s.a. are words of letters.
    text = re.sub(r"\b(\w)\.(?=\s?\w\b)", r"\1", text)
    words = re.sub(r"[^\w]+", " ", text).split()
    plain = " ".join(words)
    for form in common_words()["legal_forms"]:
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
