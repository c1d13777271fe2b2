"""Every sentence a reader sees: templates in one folder per language, filled with facts.

``texts/<language>/<subject>.yml`` holds Jinja2 templates under nested keys; `say` fills one of
them. A sentence is a whole template with its own plurals, never glued from pieces, so that a
further language is one more folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import Any

import yaml
from babel import Locale
from babel.lists import format_list
from jinja2 import Environment, StrictUndefined, Template

from segment_lab.texts.formats import format_value

#: The language that pages are written in, where nothing else was asked for.
DEFAULT = "en"
_language: ContextVar[str] = ContextVar("segment_lab_language", default=DEFAULT)
_currency: ContextVar[str] = ContextVar("segment_lab_currency", default="")


def language() -> str:
    """The language in use."""
    return _language.get()


def languages() -> list[str]:
    """The languages there are folders for."""
    folders = resources.files(__name__).iterdir()
    return sorted(f.name for f in folders if f.is_dir() and len(f.name) == 2)


def speak(language: str | None = None, currency: str | None = None) -> None:
    """Set language and currency for all that is said from here on in this process."""
    if language is not None:
        _language.set(language)
    if currency is not None:
        _currency.set(currency)


@contextmanager
def speaking(language: str | None = None, currency: str | None = None) -> Iterator[None]:
    """Language and currency for the body of a ``with`` alone."""
    before = _language.get(), _currency.get()
    speak(language, currency)
    try:
        yield
    finally:
        speak(*before)


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
    return " ".join(_template(language(), key).render(facts).split())


def has(key: str) -> bool:
    """Whether there is a sentence of this key."""
    return isinstance(_found(language(), key), str)


def phrases(key: str) -> dict[str, str]:
    """A group of plain texts as they stand, for example the meanings of a method's segments."""
    found = _found(language(), key)
    return dict(found) if isinstance(found, dict) else {}


@cache
def _subject(language: str, subject: str) -> dict[str, Any]:
    file = resources.files(__name__).joinpath(language, f"{subject}.yml")
    return yaml.safe_load(file.read_text("utf-8")) if file.is_file() else {}


def _found(language: str, key: str) -> Any:
    subject, *path = key.split(".")
    found: Any = _subject(language, subject)
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return found


@cache
def _template(language: str, key: str) -> Template:
    text = _found(language, key)
    if not isinstance(text, str):
        raise KeyError(f"texts/{language} has no sentence {key!r}")
    return _environment(language).from_string(text)


@cache
def _environment(language: str) -> Environment:
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # show escapes
    locale = Locale(language)

    def plural(number: float, **forms: str) -> str:
        """The form that the language's plural rule asks for: ``one, few, many, other``."""
        return forms.get(locale.plural_form(abs(number)), forms["other"])

    def listed(names: Any) -> str:
        """``A, B and C`` as the language joins a list."""
        return format_list([str(name) for name in names], locale=locale)

    def money(value: Any, kind: str = "money") -> str:
        """Rounded money with the study's currency, where it has one."""
        text = str(format_value(value, kind).unescape())
        currency = _currency.get()
        return f"{currency} {text}" if currency else text

    def shown(kind: str) -> Any:
        return lambda value: str(format_value(value, kind).unescape())

    environment.filters |= {
        "plural": plural,
        "listed": listed,
        "money": money,
        "cents": lambda value: money(value, "cents"),
        "percent": lambda value: f"{100 * value:.0f} %".replace("-", "−"),
        **{kind: shown(kind) for kind in ("count", "days", "number", "date", "share")},
    }
    return environment
