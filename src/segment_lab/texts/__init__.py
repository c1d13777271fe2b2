"""Every sentence a reader sees: templates in one folder per language, filled with facts.

``texts/<language>/<subject>.yml`` holds Jinja2 templates under nested keys; `say` fills one of
them. A sentence is a whole template with its own plurals, never glued from pieces, so that a
further language is one more folder; what it lacks is said in English.

Some texts are keys in data, SQL and Python as well: segment names, and actions of the packaged
playbooks. `shown` gives the words that readers see for them; in English they stand for themselves.

Filters of a template: ``count, days, number, share`` (a figure as tables show it),
``money, cents`` (with the currency), ``percent`` (a share without decimals), ``date, month``,
``plural(one=…, few=…, many=…, other=…)``, ``listed`` (A, B and C) and ``quoted`` (“A”, “B”).
``levels.measured`` and ``levels.expected`` are how sure the ranges are (config/levels.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from babel.lists import format_list
from jinja2 import Environment, StrictUndefined

from segment_lab import errors
from segment_lab.config import levels
from segment_lab.texts import formats
from segment_lab.texts.languages import (
    DEFAULT,
    currency,
    known,
    language,
    languages,
    locale,
    read_all,
    speak,
    speaking,
    subject,
)
from segment_lab.texts.names import shown, with_names
from segment_lab.texts.numerals import percent

__all__ = [
    "DEFAULT",
    "currency",
    "has",
    "known",
    "language",
    "languages",
    "phrases",
    "say",
    "shown",
    "speak",
    "speaking",
    "warm",
]
BLANKS = re.compile(r"[ \t\n]+")  # not the unbreakable ones inside numbers
#: A sentence that ends in an abbreviation ("30 июня 2026 г.") has one full stop.
STOPS = re.compile(r"(?<=\w)\.\.(?=\s|$)")


def say(key: str, /, **facts: Any) -> str:
    """The sentence of a key, filled with facts.

    Parameters
    ----------
    key : str
        ``subject.key``: the file in the language's folder, then the path of keys in it.
    **facts
        What the template names. A fact that is missing is an error, never an empty space.

    Examples
    --------
    >>> say("words.customers", count=1), say("words.customers", count=1234)
    ('1 customer', '1,234 customers')
    """
    spoken = language()
    if spoken != DEFAULT:
        facts = {name: with_names(value) for name, value in facts.items()}
    text = _template(spoken, key)(facts)
    return STOPS.sub(".", BLANKS.sub(" ", text).strip())


errors.say = say


def has(key: str) -> bool:
    """Whether there is a sentence of this key."""
    return isinstance(_found(language(), key), str)


def phrases(key: str) -> dict[str, str]:
    """A group of plain texts as they stand, for example the meanings of a method's segments."""
    found = _found(language(), key)
    return dict(found) if isinstance(found, dict) else {}


def _found(language: str, key: str) -> Any:
    name, *path = key.split(".")
    found: Any = subject(language, name)
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def warm() -> None:
    """Read all that sentences are made of before they are asked for."""
    read_all()
    say("words.customers", count=1234)
    percent(0.5)


@cache
def _template(language: str, key: str) -> Callable[[Mapping[str, Any]], str]:
    """What fills the sentence of a key with facts."""
    text = _found(language, key)
    if not isinstance(text, str):
        raise KeyError(f"texts/{language} has no sentence {key!r}")
    if "{" not in text:  # nothing to fill in
        return lambda facts: text
    return _environment(language).from_string(text).render


@cache
def _environment(language: str) -> Environment:
    """The filters that templates may use; they write as the language in use does."""
    rules = locale(language)

    def plural(number: float, **forms: str) -> str:
        return forms.get(rules.plural_form(abs(number)), forms["other"])

    def listed(names: Iterable[Any]) -> str:
        return format_list([str(name) for name in names], locale=rules)

    def quoted(names: Iterable[Any]) -> list[str]:
        marks = str(subject(language, "words")["quoted"])
        return [marks.format(name) for name in names]

    # Show escapes.
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    environment.filters |= {
        "plural": plural,
        "listed": listed,
        "quoted": quoted,
        **formats.SPOKEN,
    }
    environment.globals["levels"] = {
        "measured": levels.MEASURED,
        "expected": levels.EXPECTED,
    }
    return environment
