"""The words that headers, statuses and totals are written in; they stand in ``words.yml`` and
``more_words.yml``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Literal

import pandas as pd

from segment_lab.config import read

#: Of fewer headers a common beginning is chance.
FEW_HEADERS = 4
#: Letters of words that may be written as one: of shorter ones another word may be made.
LONG = 8
State = Literal["lost", "returned", "open", "sold", "unknown"]
#: What words of a status can say, the plainest first.
NAMED_STATES: tuple[State, ...] = ("lost", "returned", "open", "sold")

#: Headers that mean a role only where they are the whole header: a "product name" is no name.
_WHOLE = (
    "name user day value sum sale type action art source account firm person contact kontakt num "
    "paid item value order data document balance typ stan konto numer nr number номер nummer gross "
    "razem gesamt итого kind rodzaj tipo soort nom nome nombre naam numero número référence "
    "fase estado время zeit time czas période период месяц period month monat miesiąc okres "
    "mois mes mese maand week неделя cancelled canceled void voided importe importo bedrag "
    "totale net result день booking reservation guest гость gość gast пациент completed "
    "spolu celkem celkom valor partner ks db kelt doklad sorszám "
    "pago sold cari ad rest "
    "наименование test тест тестовый testowe sandbox live production "
    "training"
)


def _spellings(word: str) -> list[str]:
    """A word as it is, and without the marks of its Latin letters: ``zamówienie`` is typed
    ``zamowienie``, ``Währung`` is ``Wahrung`` or ``Waehrung``."""
    german = word.translate(_GERMAN)
    apart = unicodedata.normalize("NFD", word.replace("ł", "l").replace("ß", "ss"))
    bare = re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", apart)
    return list(dict.fromkeys((word, unicodedata.normalize("NFC", bare), german)))


_GERMAN = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
    }
)
WHOLE = frozenset(spelling for word in _WHOLE.split() for spelling in _spellings(word))


@cache
def vocabulary() -> dict[str, Any]:
    """All words by subject, each also as it is typed without its marks."""
    words, further = (
        read(resources.files(__package__).joinpath(name).read_text("utf-8"))
        for name in ("words.yml", "more_words.yml")
    )
    return _in_all_spellings(_joined(words, further))


def _joined(words: Any, further: Any) -> Any:
    """Words, and those of further languages behind them."""
    if isinstance(words, list):
        return [*words, *further]
    return words | {name: _joined(words[name], further[name]) for name in further}


def _in_all_spellings(words: Any) -> Any:
    if isinstance(words, dict):
        return {name: _in_all_spellings(inner) for name, inner in words.items()}
    if any(isinstance(word, list) for word in words):
        return [*words, *[[_spellings(w)[-1] for w in pair] for pair in words]]
    spelled = [_spellings(str(word)) for word in words]
    return list(dict.fromkeys(form for forms in spelled for form in forms))


@lru_cache(maxsize=100_000)
def normal(header: str) -> str:
    """A header as plain words: ``CustomerID``, ``customer_id`` and ``Customer-Id`` are all
    ``customer id``."""
    spaced = re.sub(r"(?<=[a-zа-яßäöüąćęłńóśźż])(?=[A-ZА-ЯÄÖÜĄĆĘŁŃÓŚŹŻ])", " ", header)
    plain = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", spaced)).strip().lower()
    return re.sub(r"\bi d\b", "id", plain)


def ranked(headers: Iterable[str], role: str) -> list[str]:
    """The headers that name a role, most telling first: the whole header before a part of it."""
    headers = list(headers)
    bare = without_table(headers)
    ranks = {name: _rank(name, role) or _rank(bare[name], role) for name in headers}
    found = [header for header, rank in ranks.items() if rank is not None]
    return sorted(found, key=ranks.__getitem__)  # type: ignore[arg-type]


def is_never(header: str, role: str) -> bool:
    """Whether a word of a header says that it is never meant by a role."""
    plain = f" {normal(header)} "
    return any(word in plain for word in _never(role))


def without_table(headers: Iterable[str]) -> dict[str, str]:
    """Headers without the name of their table, where all begin with it."""
    headers = list(headers)
    start = _in_front_of_all(tuple(headers))
    return {header: header.removeprefix(start) for header in headers}


@lru_cache(maxsize=1000)
def _in_front_of_all(headers: tuple[str, ...]) -> str:
    """What stands before the name of every column, as the table's name does in ``Invoices id,
    Invoices date …``."""
    if len(headers) < FEW_HEADERS:
        return ""
    start = re.match(r"[^ ._:/]+[ ._:/]", headers[0])
    everywhere = start and all(header.startswith(start[0]) for header in headers)
    return start[0] if start and everywhere else ""


_TAX = "(?:tax|taxes|vat|gst|mwst|ust|ндс|btw|iva|tva|taxe|dph|áfa|moms|mva|пдв|kdv)"
_WITHOUT = (
    "ex|excl|excluding|without|net of|before|ohne|exkl|zzgl|без|bez|hors|sin|senza"
    "|sem|ekskl|eks|fără"
)
_WITH = "inc|incl|including|with|after|inkl|mit|с|с учетом|z|toutes|con|s|com|cu|із|з"
_EXCLUDING = rf"(?:{_WITHOUT}) {_TAX}|{_TAX} (?:hariç|nélkül)|ht"
_INCLUDING = rf"(?:{_WITH}) {_TAX}|{_TAX} dahil|ttc"


@lru_cache(maxsize=100_000)
def _rank(header: str, role: str) -> tuple[int, int, int] | None:
    """How tellingly a header names a role, lower is more; None where it does not.

    Of two that differ in nothing but the tax, such as ``Total (ex tax)`` and ``Total (inc tax)``,
    the one without it comes first.
    """
    plain = f" {normal(header)} "
    bare, taxed = _without_tax_words(plain)
    ways = [_rank_of(plain, role, 1)]
    if bare != plain:
        ways.append(_rank_of(bare, role, taxed))
    return min((way for way in ways if way), default=None)


def _rank_of(plain: str, role: str, taxed: int) -> tuple[int, int, int] | None:
    if is_never(plain, role):
        return None
    part = None
    for place, word in enumerate(_means(role)):
        if plain.strip() == word.strip():
            return 0, place, taxed
        # ORDERDATE is ORDER DATE.
        if len(word) > LONG and plain.strip() == word.replace(" ", ""):
            return 0, place, taxed
        if part is None and word in plain and word.strip() not in WHOLE:
            part = 1, place, taxed
    return part


def _without_tax_words(plain: str) -> tuple[str, int]:
    """A header without "incl. VAT" and its kin, and whether that said without (0) or with (2)."""
    for taxed, words in ((0, _EXCLUDING), (2, _INCLUDING)):
        bare = re.sub(rf" (?:{words}) ", " ", plain)
        if bare.strip() and bare != plain:
            return bare, taxed
    return plain, 1


def says_tax(header: str) -> bool:
    """Whether a header says that the tax is in its amounts, or that it is not: ``incl. VAT``,
    ``net``, ``brutto``."""
    plain = f" {normal(header)} "
    words = plain.split()
    compound = any(word.startswith(("nett", "brutt")) for word in words)
    named = not set(words).isdisjoint(vocabulary()["net_or_gross"])
    return _without_tax_words(plain)[1] != 1 or named or compound


def holds_any(texts: Iterable[str], words: Iterable[str]) -> bool:
    """Whether one of the words stands anywhere in one of the texts."""
    held = list(words)
    return any(word in text for text in texts for word in held)


@cache
def _means(role: str) -> tuple[str, ...]:
    return tuple(map(_bounded, vocabulary()["columns"][role]))


@cache
def _never(role: str) -> tuple[str, ...]:
    return tuple(map(_bounded, vocabulary()["never"].get(role, ())))


def _bounded(word: str) -> str:
    """A word between blanks; ``-datum`` is the end of a longer one, so without the first."""
    return f"{normal(word)} " if word.startswith("-") else f" {normal(word)} "


def state(value: str) -> State:
    """What the value of a status, stage or event says about a sale."""
    plain = value.strip().lower().replace("_", " ").replace("ё", "е")
    plain = plain.replace("credit card", "card").replace("i\u0307", "i")  # of İade
    for name, codes in vocabulary()["codes"].items():
        if plain in codes:
            return name
    for name in NAMED_STATES:
        if any(
            word.replace("ё", "е") in plain for word in vocabulary()["states"][name]
        ):
            return name
    return "unknown"


def states_of(cells: pd.Series) -> dict[str, list[str]]:
    """The different values of a status by what they say, commonest first."""
    said: dict[str, list[str]] = {}
    for value in cells.value_counts().index:
        said.setdefault(state(value), []).append(value)
    return said


def is_draft(value: str) -> bool:
    """Whether a document was not sent yet."""
    return any(word in value.lower() for word in vocabulary()["drafts"])


def is_trial(value: str) -> bool:
    """Whether a status or mode says that something was only tried out."""
    return value.strip().lower().replace("_", " ") in vocabulary()["trials"]


def is_live(value: str) -> bool:
    """Whether a mode says that something was meant: the opposite of a trial."""
    return value.strip().lower() in vocabulary()["live"]


def is_in_part(value: str) -> bool:
    """Whether something was done in part alone."""
    parts = ("part", "частич", "części", "teil", "parc", "parz", "gedeelt")
    return any(word in value.lower() for word in parts)


def is_paid(value: str) -> bool:
    """Whether a document is paid in full."""
    plain = value.lower()
    return not is_in_part(plain) and any(word in plain for word in vocabulary()["paid"])


def code_of(currency: str) -> str:
    """The code of a currency that is written out; other texts in capitals.

    Examples
    --------
    >>> code_of("Российский рубль"), code_of("US Dollar"), code_of("eur")
    ('RUB', 'USD', 'EUR')
    """
    plain = currency.lower()
    for code, parts in vocabulary()["currencies"].items():
        if any(part in plain for part in parts):
            return str(code)
    return currency.strip().upper()


def is_balance(value: str) -> bool:
    """Whether a row carries what an account held before or holds after: no document."""
    plain = value.strip().lower()
    return any(plain.startswith(word) for word in vocabulary()["balances"])


def touch(value: str) -> str | None:
    """The event of a touch that a word means, as the package calls it."""
    plain = value.strip().lower()
    for name, meanings in vocabulary()["touches"].items():
        if plain == name or plain in meanings:
            return name
    return None


def is_guest(value: str) -> bool:
    """Whether an id stands for nobody in particular."""
    return value.strip().lower() in vocabulary()["guests"]


def total_of(value: str) -> str | None:
    """What a totals row sums up: ``Total Anna`` gives ``Anna``, ``Total`` an empty text; None for
    other values."""
    plain = value.strip().rstrip(":").strip()
    for word in sorted(vocabulary()["totals"], key=len, reverse=True):
        if plain.lower() == word:
            return ""
        start = re.fullmatch(
            rf"{re.escape(word)}[\s:]+(?:for |of |по |für |dla )?(.+)", plain, re.I
        )
        end = re.fullmatch(rf"(.+?)[\s:]+{re.escape(word)}", plain, re.I)
        if start or end:
            return (start or end)[1].strip()  # type: ignore[index]
    return None
