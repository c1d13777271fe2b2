"""Every public name has an example in its docstring, and every example runs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import segment_lab
from segment_lab import show, texts

#: Public names whose example is still to come. Each goes when its class has one; none is added.
#: Rooms whose examples take no study file: they run here. Those of the others run with their rooms.
ROOMS = (texts, show, importlib.import_module("segment_lab.contacts"))


def modules() -> list[str]:
    found = []
    for room in ROOMS:
        found += [
            m.name for m in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
        ]
    return [*(room.__name__ for room in ROOMS), *found]


def has_example(place, name: str) -> bool:
    finder = doctest.DocTestFinder(recurse=True)
    return any(test.examples for test in finder.find(getattr(place, name), name))


@pytest.mark.parametrize("name", sorted(segment_lab.__all__))
def test_a_public_name_has_an_example_that_runs(name):
    thing = getattr(segment_lab, name)
    module = importlib.import_module(thing.__module__)
    tests = doctest.DocTestFinder().find(thing, name, module=module)
    assert any(test.examples for test in tests)
    runner = doctest.DocTestRunner(
        optionflags=doctest.NORMALIZE_WHITESPACE
        | doctest.ELLIPSIS
        | doctest.IGNORE_EXCEPTION_DETAIL
    )
    failed = [test.name for test in tests if runner.run(test).failed]
    assert failed == []


@pytest.mark.parametrize("name", sorted(set(show.__all__) - {"Html"}))
def test_what_a_notebook_shows_has_an_example(name):
    assert has_example(show, name)


@pytest.mark.parametrize("name", modules())
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
