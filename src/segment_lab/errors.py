"""The exceptions of the package: each says what was expected, what came, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


def say(key: str, /, **facts: Any) -> str:
    """A sentence of `texts`, which stands above this module and puts its own `say` here."""
    return f"{key}: {facts}"


class SegmentLabError(ValueError):
    """Base of every error the package raises on purpose. The command line turns it into exit code
    2."""


class ConfigError(SegmentLabError):
    """A study file, a parameter or a playbook is not what it must be."""


class ArgumentError(ConfigError, TypeError):
    """An argument has a name, a type or a value that the function cannot use; all are named."""

    def __init__(self, title: str, faults: Iterable[str] = ()):
        super().__init__("\n".join([title, *(f"  - {fault}" for fault in faults)]))


class UnknownNameError(ConfigError, KeyError):
    """Nothing goes by this name; the nearest one is given."""

    __str__ = Exception.__str__  # a KeyError would put it in quotes


class NotEnoughDataError(SegmentLabError):
    """The question has no answer on so little data. Reports show the reason instead of a figure."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an input, complete enough to be mended without a debugger."""

    where: str
    problem: str
    remedy: str = ""
    rows: int | None = None
    examples: Sequence[str] = field(default_factory=tuple)

    def __str__(self) -> str:
        examples = ", ".join(map(repr, self.examples))
        how_many = say("errors.rows", rows=self.rows) if self.rows is not None else ""
        such_as = say("errors.examples", examples=examples) if examples else ""
        text = f"{self.where}: {self.problem}{how_many and ' ' + how_many}{such_as}"
        return f"{text}. {self.remedy}" if self.remedy else f"{text}."


class DataError(SegmentLabError):
    """Every fault found in an input, raised once."""

    def __init__(self, title: str, faults: Iterable[Fault] = ()):
        self.title = title
        self.faults = tuple(faults)
        super().__init__(title, self.faults)

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"  - {fault}" for fault in self.faults)])


def nearest(name: str, valid: Iterable[str]) -> str:
    """``"did you mean 'x'? Valid names: …"`` for an unknown `name`."""
    valid = list(valid)
    meant = close(name, valid)
    # Names are keys: they stand as they are in every language.
    return f"{meant and meant + ' '}{say('errors.valid')} {', '.join(valid)}"


def close(name: str, valid: Iterable[str]) -> str:
    """``"did you mean 'x'?"``, where a valid name is like an unknown one."""
    found = difflib.get_close_matches(
        str(name),
        list(valid),
        n=1,
        cutoff=0.5,
    )
    return say("errors.nearest", name=repr(found[0])) if found else ""
