"""What callers hand over: the names of arguments, and what kinds of things they are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from segment_lab.errors import ArgumentError, nearest
from segment_lab.texts import say

F = TypeVar("F", bound=Callable[..., Any])


def named(function: Callable[..., Any]) -> Callable[[Any, Any], Mapping[str, Any]]:
    """What binds arguments to the names of a function, or says which name is unknown, missing or
    given twice."""
    signature = inspect.signature(function)
    own = [name for name in signature.parameters if name not in ("self", "cls")]
    where = public_name(function)

    def bound(args: Sequence[Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return signature.bind(*args, **given).arguments
        except TypeError as error:
            faults = [
                say("errors.arguments.unknown", name=name, hint=nearest(name, own))
                for name in given
                if name not in own
            ]
            title = say("errors.arguments.title", where=where)
            raise ArgumentError(title, faults or [_told(error, own)]) from None

    return bound


def _told(error: TypeError, own: Sequence[str]) -> str:
    """Too many arguments, or one that is missing, as Python words it."""
    return say("errors.arguments.call", error=error, names=own)


def public_name(function: Callable[..., Any]) -> str:
    """How a function is called by those who use it: a class by its name, a method without the
    class that happens to hold it."""
    holder, _, name = function.__qualname__.rpartition(".")
    return holder if name == "__init__" else name


def names_checked(function: F) -> F:
    """A function whose arguments are checked by name alone: as a segmenter's options, whose values
    `fit` looks at."""
    names = named(function)

    @wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        names(args, given)
        return function(*args, **given)

    return cast("F", call)


def of_kind(where: str, **given: tuple[Any, type | tuple[type, ...]]) -> None:
    """ArgumentError with every value that is of another type than the one beside it."""
    faults = []
    for name, (value, kinds) in given.items():
        if not isinstance(value, kinds):
            several = kinds if isinstance(kinds, tuple) else (kinds,)
            wanted = [getattr(kind, "__name__", str(kind)) for kind in several]
            facts = {"name": name, "kinds": wanted, "came": came(value)}
            faults.append(say("errors.arguments.kind", **facts))
    if faults:
        raise ArgumentError(say("errors.arguments.title", where=where), faults)


def came(value: Any) -> str:
    """A value as an error shows it: a short one itself, of others the kind."""
    kind = type(value)
    plain = repr(value)
    if kind.__module__ == "builtins" and len(plain) > 200:
        return plain[:200] + "…"
    if "\n" in plain or len(plain) > 200 or " at 0x" in plain:
        room = kind.__module__.partition(".")[0]
        return f"{room} {kind.__name__}"
    return plain
