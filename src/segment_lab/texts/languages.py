"""The language and the currency in use, and the files of each language."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import Any

from babel import Locale

from segment_lab.config import read
from segment_lab.errors import ConfigError, nearest
from segment_lab.texts import pseudo

#: The language that pages are written in, where nothing else was asked for.
DEFAULT = "en"
#: Set for the processes of a run: it goes before what the study file says.
VARIABLE = "SEGMENT_LAB_LANG"
# European English: 30 June 2026; A, B and C.
REGIONS = {"en": "en_GB", pseudo.NAME: "en_GB"}
#: What is said in the body of a ``with speaking(…)``: language, currency.
_aside: ContextVar[tuple[str | None, str | None]] = ContextVar(
    "segment_lab", default=(None, None)
)
#: What is said otherwise: in every thread and every cell of a notebook.
_common: dict[str, str] = {}


def language() -> str:
    """The language in use."""
    return (
        _aside.get()[0]
        or _common.get("language")
        or os.environ.get(VARIABLE, "").strip()
    ) or DEFAULT


def currency() -> str:
    """The currency in use; empty where a study names none."""
    aside = _aside.get()[1]
    return _common.get("currency", "") if aside is None else aside


def languages() -> list[str]:
    """The languages there are folders for."""
    folders = resources.files("segment_lab.texts").iterdir()
    return sorted(f.name for f in folders if f.is_dir() and len(f.name) == 2)


def known(names: Iterable[str]) -> tuple[str, ...]:
    """These languages, each once; a ConfigError names the nearest where there is no such folder.

    Examples
    --------
    >>> known(["en", "en"])
    ('en',)
    """
    from segment_lab.texts import say

    chosen = tuple(dict.fromkeys(names))
    there = [*languages(), pseudo.NAME]
    for name in chosen:
        if name not in there:
            hint = nearest(name, languages())
            raise ConfigError(say("languages.unknown", name=repr(name), hint=hint))
    return chosen


def speak(language: str | None = None, currency: str | None = None) -> None:
    """Set language and currency for all that is said from here on in this process (in the body of
    a ``with speaking(…)`` for the rest of it)."""
    aside = _aside.get()
    if aside != (None, None):
        _aside.set((language or aside[0], aside[1] if currency is None else currency))
        return
    if language is not None:
        _common["language"] = language
    if currency is not None:
        _common["currency"] = currency


def spoken_first(wanted: tuple[str, ...]) -> str | None:
    """The first language that a study asks for, unless the process was started for another."""
    return wanted[0] if wanted and not os.environ.get(VARIABLE) else None


@contextmanager
def speaking(
    language: str | None = None, currency: str | None = None
) -> Iterator[None]:
    """Language and currency for the body of a ``with`` alone."""
    before = _aside.get()
    token = _aside.set(
        (language or before[0], before[1] if currency is None else currency)
    )
    try:
        yield
    finally:
        _aside.reset(token)


@cache
def locale(language: str) -> Locale:
    """How a language writes numbers, dates, lists and plurals."""
    return Locale.parse(REGIONS.get(language, language))


@cache
def subject(language: str, name: str) -> dict[str, Any]:
    """The texts of one file, ``<language>/<name>.yml``; what it lacks is said in English."""
    if language == pseudo.NAME:
        return pseudo.accented(_file(DEFAULT, name))
    if language == DEFAULT:
        return _file(DEFAULT, name)
    return _over(_file(DEFAULT, name), _file(language, name))


def read_all() -> None:
    """Read every file of the default language, and of the one in use, before it is asked for."""
    folder = resources.files("segment_lab.texts").joinpath(DEFAULT)
    for file in folder.iterdir():
        name = file.name.removesuffix(".yml")
        if name != file.name:
            subject(DEFAULT, name)
            subject(language(), name)


def _file(language: str, name: str) -> dict[str, Any]:
    file = resources.files("segment_lab.texts").joinpath(language, f"{name}.yml")
    return (read(file.read_text("utf-8")) or {}) if file.is_file() else {}


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`below` with the texts of `above`; a text never hides a group of texts."""
    out = dict(below)
    for key, value in above.items():
        old = out.get(key)
        if isinstance(old, dict):
            out[key] = _over(old, value) if isinstance(value, dict) else old
        elif value is not None:
            out[key] = value
    return out
