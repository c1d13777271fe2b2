"""Words that decide what a row counts for, in the languages that exports come in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

import ibis
import ibis.expr.types as ir

from segment_lab.config import read


@cache
def spellings() -> dict[str, Any]:
    """The packaged words: ``table.column`` → canonical word → spellings."""
    text = (
        resources.files("segment_lab.data").joinpath("spellings.yml").read_text("utf-8")
    )
    return read(text)


def known_words(table: str, column: str) -> tuple[str, ...]:
    """The canonical words of a column; none where any text will do."""
    return tuple(spellings().get(f"{table}.{column}", ()))


def plain(text: str) -> str:
    """A word without case, hyphens, underscores and blanks around it."""
    return " ".join(text.replace("_", " ").replace("-", " ").lower().split())


def understood(value: ir.StringValue, table: str, column: str) -> ir.StringValue:
    """The canonical word of each spelling; null for words that are not known."""
    bare = _plain(value)
    branches = []
    for word, known in spellings()[f"{table}.{column}"].items():
        branches.append((bare.isin([*known, plain(word)]), word))
    return ibis.cases(*branches, else_=ibis.null("string"))


def in_person(channel: ir.StringValue) -> ir.BooleanValue:
    """Whether people meet over a channel: a visit by it is no visit to a web site."""
    return _plain(channel).isin(spellings()["in_person"]).fill_null(False)


def _plain(value: ir.StringValue) -> ir.StringValue:
    """`plain` of a column."""
    spaced = value.lower().replace("_", " ").replace("-", " ")
    return spaced.re_replace(r"\s+", " ").strip()


def currency_column(columns: Iterable[str]) -> str | None:
    """The raw column that names a currency, where there is one."""
    known = spellings()["currency"]
    for name in columns:
        if plain(name) in known:
            return name
    return None


def offers(stages: Iterable[str]) -> list[str]:
    """Those stage names in which a commercial offer was made.

    Examples
    --------
    >>> offers(["New", "Proposal/Price Quote", "Отправлено КП", "Oferta wysłana", "Angebot", "Won"])
    ['Proposal/Price Quote', 'Отправлено КП', 'Oferta wysłana', 'Angebot']
    """
    found = []
    for stage in stages:
        name = plain(stage)
        for part in spellings()["offer"]:
            # Short words are words of their own: "кп" is not a part of "скпак".
            if part in name.split() or (len(part) > 3 and part in name):
                found.append(stage)
                break
    return found
