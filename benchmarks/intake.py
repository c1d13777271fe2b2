"""What `init` and `check` make of every file of the corpus: its totals, or what they say.

Run: python benchmarks/intake.py [part of a name] [--write FILE]. The right answers stand in
tests/data/corpus/right.yml; a file whose answer differs is marked. With --write the table is
written as a page, beside what came of the files before `init` read what columns hold
(tests/data/corpus/before.yml).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "data"))
from test_guess_corpus import CORPUS, FILES, RIGHT, outcome

from segment_lab.texts import speaking

NUMBERS = (
    "customers",
    "orders",
    "revenue",
    "documents",
    "open",
    "leads",
    "stages",
    "contacts",
)
#: Letters of what init says that are shown.
SHOWN = 100


def main(part: str = "", write: Path | None = None) -> None:
    """One line a file, then how many are right."""
    names = [name for name in RIGHT if part in name]
    results = []
    print(f"{'file':<26} {'':<5} {'totals':<58} says")
    for name, found in outcomes(names):
        right = is_right(RIGHT[name], found)
        results.append((name, found, right))
        mark = "" if right else "WRONG"
        print(f"{name:<26} {mark:<5} {totals(found):<58} {said(found)}", flush=True)
    exact = sum(right for _, _, right in results)
    print(f"{exact} of {len(names)} files as they should be")
    if write:
        write.write_text(page(results), encoding="utf-8")


def outcomes(names: list[str]) -> Iterator[tuple[str, dict]]:
    """Each file with what `init`, `check` and the study make of it."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder, speaking(currency=""):
            yield name, outcome(FILES[name], Path(folder) / "study.yml")


def totals(found: dict) -> str:
    """The totals in a line."""
    known = [key for key in NUMBERS if key in found]
    return ", ".join(f"{key} {found[key]:,}" for key in known)


def said(found: dict) -> str:
    """The beginning of what was refused, asked or taken."""
    words = found.get("refused") or found.get("stops") or found["says"]
    told = " ".join(words.split())
    return told if len(told) <= SHOWN else told[: SHOWN - 1] + "…"


def is_right(right: dict, found: dict) -> bool:
    """Whether the totals are the right ones, every row is accounted for, and what must be said is
    said."""
    for key in ("refused", "stops", "says"):
        if right.get(key, "") not in found.get(key, ""):
            return False
    if "stops" not in right and "stops" in found:
        return False
    if any(told != there for told, there in found.get("rows", {}).values()):
        return False
    told = (*NUMBERS, "worth", "reached", "who", "first", "last")
    return all(found.get(key) == right[key] for key in right if key in told)


def page(results: list[tuple[str, dict, bool]]) -> str:
    """The table as a page of the documentation."""
    before = yaml.safe_load((CORPUS / "before.yml").read_text("utf-8"))
    lines = [HEAD.format(right=sum(r for *_, r in results), files=len(results))]
    for folder in ("cases", "exports", "invented"):
        lines.append(f"\n## {folder}\n")
        lines.append("| File | Right | Before | Now | What init says |")
        lines.append("|---|---|---|---|---|")
        for name, found, right in results:
            if FILES[name].parent.name != folder:
                continue
            now = totals(found) or ("refused" if "refused" in found else "–")
            due = totals(RIGHT[name]) or "a word"
            cells = [name, due, before.get(name, "–"), now, said(found)]
            mark = "" if right else " **wrong**"
            cells = [cell.replace("|", "\\|") for cell in cells]
            lines.append("| " + " | ".join([*cells[:3], cells[3] + mark, cells[4]]))
            lines[-1] += " |"
    return "\n".join(lines) + "\n"


HEAD = """# What comes of people's files

Made by `python benchmarks/intake.py --write docs/intake.md`; not written by hand. {right} of {files}
files give the right totals without an edit, or the right question. *Before* is what the same files
gave when `init` knew columns by their names alone, and of the last kinds (from `in_teur.csv` on) what
they gave before these kinds were mended. Rows accepted and rows set aside add up to the
rows of every file."""


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("part", nargs="?", default="")
    arguments.add_argument("--write", type=Path)
    main(**vars(arguments.parse_args()))
