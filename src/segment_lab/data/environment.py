"""What a study file takes from the environment: ``${NAME}`` and ``${NAME:-default}``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from segment_lab.errors import DataError, Fault
from segment_lab.texts import say

VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def expand(
    text: str,
    where: str,
    quoted: Callable[[str], str] = str,
    example: str = "remedy",
) -> str:
    """The text with its variables filled in.

    Parameters
    ----------
    text, where : str
        What stands in the study file, and under which name errors speak of it.
    quoted : callable
        How a value is written, for example percent-encoded within an address.
    example : {"remedy", "remedy_address", "remedy_secret"}
        What an unset variable would hold: a folder, an address, or a password.

    Raises
    ------
    DataError
        A variable is not set and has no default.

    Examples
    --------
    >>> expand("${NO_SUCH_FOLDER:-exports}/orders.csv", "orders")
    'exports/orders.csv'
    """

    def value_of(match: re.Match[str]) -> str:
        name, default = match.groups()
        value = os.environ.get(name, default)
        if value is None:
            remedy = say(f"data.variable.{example}", name=name)
            fault = Fault(name, say("data.variable.problem"), remedy)
            raise DataError(say("data.variable.title", where=where), [fault])
        return quoted(value)

    return VARIABLE.sub(value_of, text)
