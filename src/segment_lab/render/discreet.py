"""E-mail addresses and phone numbers on what people read: shown only where the study says
``personal: true``.

Names and addresses have columns of their own that stay away. An address or a number can also be
the id of a customer, or stand in a cell nobody thought of, so whatever is written for readers
passes here. A number is known by its country code or by the way it is grouped; nine or ten bare
digits may as well be the number of a customer, and stay.
"""

from __future__ import annotations

import re
from typing import Any

#: What stands before the @; the end may be cut off where a text was shortened.
EMAIL = re.compile(r"(?<![\w.+-])(\w)[\w.+-]+@")
#: Ways to write a phone number. Blanks are plain ones: grouped money has others. Eleven or twelve
# digits are a number with its country code, unless they begin like a year or are what a table is
# sorted by.
PHONE = re.compile(
    r"""(?<![\w./+=-]) (?<!data-sort=") (?:
        \+ \d (?: [ ()-]{0,2} \d ){7,14}
      | \d? [ -]? \( \d{2,5} \) (?: [ -]? \d ){5,9}
      | (?: \d{1,2} - )? \d{3} - \d{3} - (?: \d{2} - \d{2} | \d{3,4} )
      | (?!20) [1-9] \d{10,11}
    ) (?! [\w/=-] | [.,]\d )""",
    re.VERBOSE,
)
#: How many of its last digits are shown: enough to find the row again, not to call.
LAST_DIGITS = 3


def discreet(value: Any, personal: bool = False) -> Any:
    """A text, or a document of texts, with the names before an ``@`` cut to one letter and phone
    numbers to their last digits.

    Examples
    --------
    >>> discreet({"why": ["Call anna.nowak@shop.pl, twice."]})
    {'why': ['Call a…@shop.pl, twice.']}
    >>> discreet("Call anna.nowak@shop.pl, twice.", personal=True)
    'Call anna.nowak@shop.pl, twice.'
    >>> discreet("Call +48 600 100 234 about EUR 48,600,100.")
    'Call …234 about EUR 48,600,100.'
    """
    if personal:
        return value
    if isinstance(value, str):
        named = EMAIL.sub(r"\1…@", value) if "@" in value else value
        return PHONE.sub(_last_digits, named)
    if isinstance(value, dict):
        return type(value)({key: discreet(part) for key, part in value.items()})
    if isinstance(value, list):
        return [discreet(part) for part in value]
    return value


def _last_digits(found: re.Match[str]) -> str:
    return "…" + re.sub(r"\D", "", found[0])[-LAST_DIGITS:]
