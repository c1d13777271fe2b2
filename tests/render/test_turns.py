"""Notebooks compute in the order in which they were begun, so many at a time."""

from __future__ import annotations

import threading
import time

from segment_lab.render.turns import Turn, Turns


def there(turn: Turn) -> bool:
    return turn._place.is_set()


def test_places_are_given_in_the_order_they_were_asked_for():
    turns = Turns(2)
    first, second, third, fourth = [Turn(turns) for _ in range(4)]
    assert [there(t) for t in (first, second, third, fourth)] == [
        True,
        True,
        False,
        False,
    ]
    second.over()
    assert there(third)
    assert not there(fourth)
    second.over()  # once is enough
    assert not there(fourth)
    first.over()
    assert there(fourth)


def test_who_gives_up_waiting_takes_no_place_along():
    turns = Turns(1)
    first, second, third = [Turn(turns) for _ in range(3)]
    second.over()
    assert not there(third)
    first.over()
    assert there(third)


def test_what_a_kernel_waited_is_known():
    turns = Turns(1)
    first, second = Turn(turns), Turn(turns)
    first.wait()
    threading.Timer(0.2, first.over).start()
    began = time.monotonic()
    second.wait()
    assert first.waited < 0.1 < second.waited <= time.monotonic() - began
