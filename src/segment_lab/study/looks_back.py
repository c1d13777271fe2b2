"""A long log, summed once for all the days on which a run looks back at it.

A run asks for customers on a dozen days, of everybody and of a sample. Each answer needs no more of
the log than what every order brought on every day, which is written into the run's folder by
whoever asks first.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
from filelock import FileLock

from segment_lab.customers.orders import by_day
from segment_lab.data.embedded import drawn
from segment_lab.data.files import replacing
from segment_lab.study import days


def log_of(study: Any) -> ir.Table:
    """The lines of a study's log for tables of a day; what they add up to by order and day
    (`customers.orders.by_day`), where processes share a folder that can hold it."""
    folder = os.environ.get(days.SHARED)
    root = study._parent or study
    whole = root._whole or root
    # Returns that are left out are left out line by line.
    if folder is None or study.config.returns == "drop":
        return study.intake("orders").narrow
    if len(whole.customers()) <= days.MANY:
        return study.intake("orders").narrow
    return root._keep("log by day", lambda: _summed(root, Path(folder)))


def _summed(root: Any, folder: Path) -> ir.Table:
    path = folder / f"log-by-day-{root._key('log', ())}.parquet"
    with FileLock(path.with_suffix(".lock")):
        if not path.exists():
            if root._whole is None:
                rows = by_day(root.intake("orders").narrow)
            else:
                rows = drawn(log_of(root._whole), root._share)
            with replacing(path, private=True) as draft:
                root.connection.to_parquet(rows, str(draft))
    name = "log_by_day" if root._whole is None else "log_by_day_drawn"
    table: ir.Table = root.connection.read_parquet(str(path), table_name=name)
    return table
