"""What a run says while it works: a bar on a terminal, plain lines or JSON lines elsewhere."""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
from typing import Any

from segment_lab.texts import say


class Progress:
    """Events of a run on standard error; safe to call from threads.

    Parameters
    ----------
    as_json : bool
        One JSON object per line, with ``time``, ``event`` and what belongs to it.
    """

    def __init__(self, as_json: bool = False):
        self.as_json = as_json
        self._lock = threading.Lock()
        self._bar: Any = None

    def say(self, event: str, text: str, **facts: Any) -> None:
        """Report one event; `text` for people, `facts` for programs."""
        now = dt.datetime.now(dt.UTC).astimezone()
        with self._lock:
            if self.as_json:
                line = json.dumps(
                    {
                        "time": now.isoformat(timespec="milliseconds"),
                        "event": event,
                        "text": text,
                        **facts,
                    },
                    default=str,
                )
            else:
                line = text if self._bar is not None else f"{now:%H:%M:%S} {text}"
            if self._bar is not None:
                self._bar.write(line, file=sys.stderr)
            else:
                print(line, file=sys.stderr, flush=True)

    def begin(self, total: int) -> None:
        """Show a bar over `total` reports, on a terminal only."""
        if sys.stderr.isatty() and not self.as_json and total:
            from tqdm import tqdm

            self._bar = tqdm(
                total=total,
                unit=say("render.run.unit"),
                desc=say("render.run.rendering"),
                file=sys.stderr,
                leave=False,
            )

    def step(self) -> None:
        """One report more is done."""
        with self._lock:
            if self._bar is not None:
                self._bar.update()

    def end(self) -> None:
        """Take the bar away."""
        with self._lock:
            if self._bar is not None:
                self._bar.close()
                self._bar = None
