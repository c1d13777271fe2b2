"""Words live in `texts/`: every sentence asked for is there, and computing rooms hold none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import segment_lab
from segment_lab import texts

PACKAGE = Path(segment_lab.__file__).parent
#: What is no prose to a reader of a page: words that files are recognised by, the statement that
#: a warehouse runs, the sample's own data dictionary.
NO_PROSE = (
    "data/guess/vocabulary.py",
    "data/months.py",
    "study/plain.py",
    "sample/tables.py",
)
ROOMS = sorted({path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")})


def strings(tree: ast.AST) -> set[str]:
    """Every string of a module that is no docstring."""
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docs
    }


def keys(tree: ast.AST) -> set[str]:
    """The literal keys that a module hands to `say`."""
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "say"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and "." in str(node.args[0].value)
    }


@pytest.mark.parametrize("language", texts.languages())
def test_every_sentence_asked_for_is_there(language):
    asked = {
        key
        for p in PACKAGE.rglob("*.py")
        for key in keys(ast.parse(p.read_text("utf-8")))
    }
    with texts.speaking(language):
        assert [key for key in sorted(asked) if not texts.has(key)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_holds_a_sentence(room):
    """A sentence: four words or more in a row, with a blank between them."""
    place = PACKAGE / room
    found = []
    for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        name = path.relative_to(PACKAGE).as_posix()
        if name in NO_PROSE:
            continue
        for text in strings(ast.parse(path.read_text("utf-8"))):
            prose = re.search(r"(?:[A-Za-z’']{2,} ){3}[A-Za-z]", text)
            sql = re.search(r"SELECT|ATTACH|IS NULL|CASE WHEN|\bTHEN\b", text)
            if prose and not sql:
                found.append(f"{name}: {text[:80]}")
    assert found == []


def test_what_is_no_prose_is_there():
    assert all((PACKAGE / name).is_file() for name in NO_PROSE)


def test_a_missing_fact_is_an_error():
    with pytest.raises(Exception, match="count"):
        texts.say("words.customers")


def test_counts_and_nouns_agree():
    assert texts.say("words.customers", count=1) == "1 customer"
    assert texts.say("words.customers", count=1234) == "1,234 customers"


#: Where a figure would round to nothing or to all; not limits that a computation knows too.
ROUNDING = {"0", "1", "0.5", "0.005", "0.995", "1e12"}


@pytest.mark.parametrize("language", texts.languages())
def test_no_limit_is_typed_into_a_text(language):
    """A text asks a flag; the limit stands once, where the flag is computed."""
    found = []
    for path in sorted((PACKAGE / "texts" / language).glob("*.yml")):
        for condition in re.findall(
            r"{%-?\s*(?:el)?if (.*?)%}", path.read_text("utf-8")
        ):
            limits = re.findall(r"[<>]=?\s*(-?[\d.]+(?:e\d+)?)", condition)
            found += [f"{path.name}: {condition}" for n in limits if n not in ROUNDING]
    assert found == []
