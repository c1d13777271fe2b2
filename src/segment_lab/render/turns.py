"""Who computes: kernels start ahead of their turn and end behind it, so that no core waits for
either."""

from __future__ import annotations

import threading
import time
from collections import deque


class Turns:
    """So many `places` to compute, given in the order in which they were asked for."""

    def __init__(self, places: int):
        self._free, self._lock = places, threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    def join(self, place: threading.Event) -> None:
        """Stand behind the others; `place` is set when its turn is there."""
        with self._lock:
            self._waiting.append(place)
            self._call()

    def leave(self, place: threading.Event) -> None:
        """Give a place back, or stop waiting for it."""
        with self._lock:
            if place in self._waiting:
                self._waiting.remove(place)
            else:
                self._free += 1
            self._call()

    def _call(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            self._waiting.popleft().set()


class Turn:
    """The turn of one notebook; `waited` is how long it waited with its kernel ready, in
    seconds."""

    def __init__(self, turns: Turns):
        self.turns, self.waited = turns, 0.0
        self._place = threading.Event()
        self._left = False
        turns.join(self._place)

    def wait(self) -> None:
        """Come back when it is there."""
        asked = time.monotonic()
        self._place.wait()
        self.waited = time.monotonic() - asked

    def over(self) -> None:
        """Leave the place to the next, once."""
        if not self._left:
            self._left = True
            self.turns.leave(self._place)
