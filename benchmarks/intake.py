"""What `init` and `check` make of every file of the corpus: its totals, or what they say.

Run: python benchmarks/intake.py [part of a name]. The right answers stand in
tests/data/corpus/right.yml; a file whose answer differs is marked.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "data"))
from test_guess_corpus import FILES, RIGHT, outcome

from segment_lab.texts import speaking

NUMBERS = ("customers", "orders", "revenue", "documents", "open")


def main(part: str = "") -> None:
    """One line a file, then how many are right."""
    right_files = 0
    names = [name for name in RIGHT if part in name]
    print(f"{'file':<26} {'':<5} {'totals':<58} says")
    for name in names:
        with tempfile.TemporaryDirectory() as folder, speaking(currency=""):
            found = outcome(FILES[name], Path(folder) / "study.yml")
        right = is_right(RIGHT[name], found)
        right_files += right
        totals = ", ".join(f"{key} {found[key]:,}" for key in NUMBERS if key in found)
        words = found.get("refused") or found.get("stops") or found["says"]
        first = words.splitlines()[0] if words else ""
        print(f"{name:<26} {'' if right else 'WRONG':<5} {totals:<58} {first[:100]}")
    print(f"{right_files} of {len(names)} files as they should be")


def is_right(right: dict, found: dict) -> bool:
    """Whether the totals are the right ones, and what must be said is said."""
    for key in ("refused", "stops", "says"):
        if right.get(key, "") not in found.get(key, ""):
            return False
    if "stops" not in right and "stops" in found:
        return False
    numbers = {
        key: value for key, value in right.items() if key in (*NUMBERS, "who", "last")
    }
    return all(found.get(key) == value for key, value in numbers.items())


if __name__ == "__main__":
    main(*sys.argv[1:])
