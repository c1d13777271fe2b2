"""Keys that people read: names of segments, and the texts of packaged playbooks.

Data, SQL and Python know a segment by its English name; `shown` gives the words that readers see.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from segment_lab.texts.languages import DEFAULT, language, subject
from segment_lab.texts.numerals import decimal

#: Files whose keys are the English texts themselves.
GROUPS = ("names", "playbooks")
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def shown(text: Any) -> str:
    """The words that a reader sees for a segment's name or a packaged playbook's text.

    A text that is none of these (a company's own, a customer's name) stands as it is. A name may
    be made of parts: "Frequent, high revenue", "Silent 31–90 days, 2+ orders".

    Examples
    --------
    >>> from segment_lab.texts import speaking
    >>> shown("Champions"), shown("Our best")
    ('Champions', 'Our best')
    >>> with speaking("en-XA"):
    ...     shown("Champions"), shown("Our best")
    ('Čĥáámƥííóóñš', 'Our best')
    """
    spoken = language()
    return str(text) if spoken == DEFAULT else _shown(spoken, str(text))


def told(code: Any) -> str:
    """The words that a table shows for a code of the data: a state, a cause, a treatment.

    A text that is no code is `shown`. Sentences take codes as they are: they compare them.

    Examples
    --------
    >>> told("our failure"), told("Champions")
    ('our failure', 'Champions')
    """
    spoken, text = language(), str(code)
    if spoken == DEFAULT:
        return text
    codes = subject(spoken, "codes")
    if found := codes.get(text) or codes.get(NUMBER.sub("#", text)):
        return _filled(str(found), text)
    head, _, column = text.rpartition(" ")
    # Why a row was set aside ("no customer_id"); the column is called what it is.
    is_column = "_" in column or column in subject(DEFAULT, "columns")
    if is_column and (found := codes.get(f"{head} *")):
        return str(found).replace("*", column)
    return shown(text)


def with_names(fact: Any) -> Any:
    """A fact of a sentence, names of segments in it as readers see them."""
    if type(fact) is str:
        return shown(fact)
    if type(fact) in (list, tuple):
        return type(fact)(with_names(part) for part in fact)
    return fact


@cache
def _shown(language: str, text: str) -> str:
    for group in GROUPS:
        if found := subject(language, group).get(text):
            return str(found)
    # A name is capitalised; "new" alone is a company's own word.
    if text[:1].islower() and not NUMBER.search(text):
        return text
    words = [_part(language, piece) for piece in text.split(", ")]
    if not all(words):
        return text
    name = ", ".join(words)
    return name[:1].upper() + name[1:] if text[:1].isupper() else name


def _part(language: str, piece: str) -> str:
    """One part of a name, its numbers as they were; empty where it is none."""
    pattern = NUMBER.sub("#", piece)
    known = _parts(language)
    found = known.get(pattern) or known.get(pattern[:1].lower() + pattern[1:])
    if not found:
        return _rule(language, piece)
    return _filled(found, piece)


def _filled(words: str, original: str) -> str:
    """Each # in `words` is a number of the `original`, as the language writes it."""
    written = []
    for number in NUMBER.findall(original):
        plain = number.replace(",", "")
        decimals = len(plain.partition(".")[2])
        written.append(
            decimal(float(plain), decimals) if plain != number or decimals else number
        )
    numbers = iter(written)
    return re.sub("#", lambda _: next(numbers, ""), words)


def _rule(language: str, piece: str) -> str:
    """A rule over a column ("Revenue over 164.43") in the words of its header; empty where it is
    none."""
    headers = subject(DEFAULT, "columns")
    for key, rule in _rules().items():
        if not (found := rule.fullmatch(piece)):
            continue
        for column, header in headers.items():
            if header.lower() == found["column"].lower():
                value = _filled(NUMBER.sub("#", found["value"]), found["value"])
                pattern = str(subject(language, "campaigns")["response"][key])
                named = str(subject(language, "columns").get(column, header))
                said = pattern.replace("{{ column }}", named)
                return said.replace("{{ value }}", value)
    return ""


@cache
def _rules() -> dict[str, re.Pattern[str]]:
    """How a rule over a column is written in English."""
    patterns = {}
    for key in ("to", "over", "is", "is_not"):
        written = re.escape(subject(DEFAULT, "campaigns")["response"][key])
        written = re.sub(r"\\\{\\\{\\ (\w+)\\ \\\}\\\}", r"(?P<\1>.+)", written)
        patterns[key] = re.compile(written)
    return patterns


@cache
def _parts(language: str) -> dict[str, str]:
    parts = {
        str(part): str(words) for part, words in subject(language, "name_parts").items()
    }
    features = subject(language, "clusters")["feature"]
    for feature, english in subject(DEFAULT, "clusters")["feature"].items():
        for level in ("low", "high"):
            if "{" not in english[level]:
                parts[english[level]] = features[feature][level]
    return parts
