"""Keys that people read: names of segments, and the texts of packaged playbooks.

Data, SQL and Python know a segment by its English name; `shown` gives the words that readers see.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from segment_lab.texts.languages import DEFAULT, language, subject

#: Files whose keys are the English texts themselves.
GROUPS = ("names", "playbooks")
NUMBER = re.compile(r"\d[\d.,]*")


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
    numbers = iter(NUMBER.findall(text))
    if found := codes.get(text) or codes.get(NUMBER.sub("#", text)):
        return re.sub("#", lambda _: next(numbers, ""), str(found))
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
        return ""
    numbers = iter(NUMBER.findall(piece))
    return re.sub("#", lambda _: next(numbers, ""), found)


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
