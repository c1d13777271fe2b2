"""A language made by code from the English texts: accented and a third longer.

Whatever a page shows without accents did not come from ``texts/``; whatever is cut off would be
cut off in a language with longer words. It is CLDR's ``en-XA``, and no folder.
"""

from __future__ import annotations

import re
from typing import Any

NAME = "en-XA"
PLAIN = "abcdefghiklnoprstuwyzABCDEGHIKLNOPRSTUWYZ"
ACCENTED = "áƀčďéƒǧĥíķĺñóƥřšťúŵýžÁƁČĎÉǦĤÍĶĹÑÓƤŘŠŤÚŴÝŽ"
MARKED = str.maketrans(PLAIN, ACCENTED)
#: What stands in a template for something else: an expression, a tag, code, an address, an entity.
CODE = re.compile(
    r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<[^>]*>|`[^`]*`|\]\([^)]*\)|&\w+;)", re.S
)
#: What stands before the words that an expression holds: forms of a word, choices, pieces.
CHOICE = re.compile(
    r"(?:\b(?:one|few|many|other)=|append\(|join\(|~ ?|\belse |\bor |\{\{-? |(?<!\bin )\()$"
)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
WORD = re.compile(r"[^\W\d_]{3,}")
DOUBLED = re.compile(r"[áéíóúýř]", re.I)


def text(english: str) -> str:
    """One text, its placeholders as they were.

    Examples
    --------
    >>> text("{{ count | count }} customers of `rfm`")
    '{{ count | count }} čúúšťóómééřřš óƒ `rfm`'
    """
    parts = CODE.split(english)
    return "".join(
        _chosen(part) if i % 2 else _words(part) for i, part in enumerate(parts)
    )


def _chosen(code: str) -> str:
    """An expression, its words accented; keys, formats and what is compared as they were."""

    def marked(found: re.Match[str]) -> str:
        is_said = CHOICE.search(code[: found.start()]) and "%" not in found[0]
        return _words(found[0]) if is_said else found[0]

    return QUOTED.sub(marked, code)


def _words(plain: str) -> str:
    return WORD.sub(
        lambda found: DOUBLED.sub(r"\g<0>\g<0>", found[0]), plain.translate(MARKED)
    )


def accented(texts: Any, key: str = "") -> Any:
    """All texts of a file, its keys as they were."""
    if isinstance(texts, dict):
        return {name: accented(value, str(name)) for name, value in texts.items()}
    if isinstance(texts, list):
        return [accented(value) for value in texts]
    return text(texts) if isinstance(texts, str) else texts
