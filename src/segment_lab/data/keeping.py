"""What was worked out once and is kept in a file of its own, to be found again."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from segment_lab.data.files import replacing
from segment_lab.data.leftovers import with_room

T = TypeVar("T")


class Keeper(Protocol):
    """Gives what `make` makes, or what was made before under the same name and options; a study's
    `shared` is one."""

    def __call__(self, name: str, options: Any, make: Callable[[], T]) -> T: ...


def made_anew(name: str, options: Any, make: Callable[[], T]) -> T:
    """The keeper of somebody who keeps nothing."""
    return make()


def mark(*facts: object) -> str:
    """A short name of facts, the same in every process."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:24]


def keep(path: Path, value: object, *, lasting: bool = True) -> None:
    """Keep a value, in one step, for its owner alone; `lasting` beyond the run or not.

    Raises
    ------
    ConfigError
        The disk is full.
    """
    with (
        with_room(path.parent),
        replacing(path, private=True, lasting=lasting) as draft,
        draft.open("wb") as file,
    ):
        pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)


def kept(path: Path, kind: type[T]) -> T | None:
    """The value of this type that is kept there; None where there is none, or what a killed run
    or a damaged disk left of it."""
    try:
        with path.open("rb") as file:
            value = pickle.load(file)
    except Exception:  # damaged bytes raise whatever they happen to spell
        return None
    return value if isinstance(value, kind) else None
