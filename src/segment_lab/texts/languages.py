"""The language and the currency in use, and the files of each language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import Any

import yaml
from babel import Locale

#: The language that pages are written in, where nothing else was asked for.
DEFAULT = "en"
# European English: 30 June 2026; A, B and C.
REGIONS = {"en": "en_GB"}
_language: ContextVar[str] = ContextVar("segment_lab_language", default=DEFAULT)
_currency: ContextVar[str] = ContextVar("segment_lab_currency", default="")


def language() -> str:
    """The language in use."""
    return _language.get()


def currency() -> str:
    """The currency in use; empty where a study names none."""
    return _currency.get()


def languages() -> list[str]:
    """The languages there are folders for."""
    folders = resources.files("segment_lab.texts").iterdir()
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


@cache
def locale(language: str) -> Locale:
    """How a language writes numbers, dates, lists and plurals."""
    return Locale.parse(REGIONS.get(language, language))


@cache
def subject(language: str, name: str) -> dict[str, Any]:
    """The texts of one file, ``<language>/<name>.yml``; none where there is no such file."""
    file = resources.files("segment_lab.texts").joinpath(language, f"{name}.yml")
    return yaml.safe_load(file.read_text("utf-8")) if file.is_file() else {}
