"""Customers who order every three weeks, some of whom stopped five months ago."""

from __future__ import annotations

import datetime as dt

import pandas as pd


def orders(as_of: dt.date, customers: int, stopped: int) -> pd.DataFrame:
    """Their orders over two years; ``c00`` to ``c<stopped - 1>`` have been silent since."""
    rows = []
    for i in range(customers):
        last = 150 if i < stopped else 5
        rows += [(f"c{i:02}", day, 100.0 + i) for day in range(700, last, -20 - i % 3)]
    frame = pd.DataFrame(rows, columns=["customer_id", "back", "amount"])
    day = pd.Timestamp(as_of) - pd.to_timedelta(frame["back"], unit="D")
    return frame.assign(order_id=frame.index.astype(str), order_date=day)
