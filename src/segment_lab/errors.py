"""The exceptions of the package: each says what was expected, what came, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


class SegmentLabError(Exception):
    """Base of every error the package raises on purpose. The command line turns it into exit code
    2."""


class ConfigError(SegmentLabError):
    """A study file, a parameter or a playbook is not what it must be."""


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
        text = f"{self.where}: {self.problem}"
        if self.rows is not None:
            text += f" ({self.rows:,} row{'s' if self.rows != 1 else ''})"
        if self.examples:
            text += f"; for example {', '.join(repr(e) for e in self.examples)}"
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
    close = difflib.get_close_matches(str(name), valid, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}Valid names: {', '.join(valid)}"
