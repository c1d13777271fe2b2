"""`customer_table`: the customer table of an order log, without a study file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from segment_lab.data.arguments import Day, checked
from segment_lab.data.sources import raw_frame
from segment_lab.study.config import StudyConfig, validate
from segment_lab.study.study import Study
from segment_lab.window import as_date


@checked
def customer_table(
    orders: Any,
    as_of: Day | None = None,
    columns: Mapping[str, str | None] | None = None,
    *,
    start: Day | None = None,
    returns: str = "net",
    timezone: str = "UTC",
    tolerance: float = 0.05,
    **reading: Any,
) -> pd.DataFrame:
    """One row per customer from an order log, without a study.

    Parameters
    ----------
    orders : frame, table or path
        A pandas or polars frame, an Arrow or Ibis table, or the path of a CSV, Parquet or Excel
        file.
    as_of : date, optional
        Reference day; only orders before it count. Default: the day after the last order, never
        today.
    columns : mapping, optional
        Canonical name (``customer_id, order_id, order_date, amount, margin``) to column or SQL
        expression.
    start : date, optional
        First day that counts.
    returns : {"net", "drop"}
        Negative lines reduce revenue, or are left out. They are never orders.
    timezone : str
        Zone that decides on which day an order with a time zone falls.
    tolerance : float
        Share of the lines that may be unreadable and are then set aside; with more the table is
        refused.
    **reading
        What a study file may say of a source: ``where, decimals, date_format, delimiter,
        duplicates`` …

    Returns
    -------
    DataFrame
        Index ``customer_id``; columns of METHODS' customer table. ``attrs["account"]`` holds
        ``{reason: lines}``: accepted and set-aside lines add up to the lines read.

    Raises
    ------
    DataError
        A needed column is missing, no line is usable, or too many cannot be read; every fault is
        listed.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame({"order_date": ["2026-01-01", "2026-01-11"], "amount": [5, 7]})
    >>> table = customer_table(log.assign(customer_id="a"), as_of="2026-01-21")
    >>> table.loc["a", ["recency_days", "frequency", "revenue"]].tolist()
    [10.0, 2.0, 12.0]
    """
    where = str(orders) if isinstance(orders, (str, Path)) else "<orders>"
    config = {
        "name": "orders",
        "as_of": as_of and as_date(as_of),
        "timezone": timezone,
        "returns": returns,
        "tolerance": tolerance,
        "sources": {
            "orders": {"path": where, "columns": dict(columns or {}), **reading}
        },
        "window": {"start": as_date(start) if start else dt.date.min}
        if start or as_of
        else {},
    }
    study = Study(validate(StudyConfig, config, "customer_table"), Path.cwd())
    study._keep_copies = False
    if where == "<orders>":
        study._frames = {"orders": raw_frame(orders)}
    table, account = study._reduced
    table.attrs["account"] = dict(zip(account.reason, account.lines, strict=True))
    return table
