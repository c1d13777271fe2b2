"""E-mail addresses on what people read: shown only where the study says ``personal: true``.

Names and addresses have columns of their own that stay away. An address can also be the id of a
customer, or stand in a cell nobody thought of, so whatever is written for readers passes here.
"""

from __future__ import annotations

import re
from typing import Any

#: What stands before the @; the end may be cut off where a text was shortened.
EMAIL = re.compile(r"(?<![\w.+-])(\w)[\w.+-]+@")


def discreet(value: Any, personal: bool = False) -> Any:
    """A text, or a document of texts, with the names before an ``@`` cut to one letter.

    Examples
    --------
    >>> discreet({"why": ["Call anna.nowak@shop.pl, twice."]})
    {'why': ['Call a…@shop.pl, twice.']}
    >>> discreet("Call anna.nowak@shop.pl, twice.", personal=True)
    'Call anna.nowak@shop.pl, twice.'
    """
    if personal:
        return value
    if isinstance(value, str):
        return EMAIL.sub(r"\1…@", value)
    if isinstance(value, dict):
        return type(value)({key: discreet(part) for key, part in value.items()})
    if isinstance(value, list):
        return [discreet(part) for part in value]
    return value
