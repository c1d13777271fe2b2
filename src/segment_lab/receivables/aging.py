"""Aging: open items by age and size, and days sales outstanding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd

from segment_lab.receivables.ledger import (
    SCALE,
    UNALLOCATED,
    Ledger,
    bucket_names,
    owed,
)

SALES_DAYS = 90


def amount_bands(
    amounts: pd.Series, shares: Sequence[float] = (0.5, 0.8, 0.95)
) -> list[float]:
    """Round band edges from the data's own quantiles, rising and distinct."""
    if amounts.empty:
        return []
    raw = np.quantile(amounts, shares)
    size = 10.0 ** np.floor(np.log10(np.maximum(raw, 1e-9)))
    return sorted({float(edge) for edge in np.round(raw / size) * size})


def aging_matrix(
    items: pd.DataFrame, bands: Sequence[float] | None = None
) -> pd.DataFrame:
    """Open money by age bucket (rows) and size of the item (columns), with totals and the number
    of items.

    `bands` are upper edges in money, from the quantiles of the open items when left out.
    Unallocated credit is its own last row, so that the total is the ledger's.
    """
    rows = owed(items)
    bands = amount_bands(rows["open_amount"]) if bands is None else sorted(bands)
    edges = [0.0, *bands]
    names = [
        f"{low:,.0f}–{high:,.0f}" for low, high in zip(edges, bands, strict=False)
    ] + [f"over {edges[-1]:,.0f}"]
    place = np.searchsorted(
        bands,
        rows["open_amount"].to_numpy(),
        side="left",
    )
    band = pd.Categorical(
        np.array(names, dtype=object)[place], categories=names, ordered=True
    )
    by_cell = rows.assign(band=band).groupby(["bucket", "band"], observed=False)
    matrix = by_cell["open_amount"].sum().unstack()
    matrix.columns = pd.Index(names)
    matrix["open_amount"] = matrix.sum(axis=1)
    matrix["items"] = rows.groupby("bucket", observed=False).size()
    credit = items[items["open_amount"] < 0]
    if len(credit):
        matrix.index = matrix.index.astype("str")
        matrix.loc[UNALLOCATED] = [0.0] * len(names) + [
            credit["open_amount"].sum(),
            len(credit),
        ]
    return matrix.astype({"items": int})


def oldest_share(matrix: pd.DataFrame) -> float:
    """Share of the debt in `aging_matrix` that is in its oldest bucket."""
    owing = matrix["open_amount"].drop(UNALLOCATED, errors="ignore")
    return float(owing[bucket_names()[-1]] / (owing.sum() or 1))


def dso(ledger: Ledger, days: Sequence[dt.date | str]) -> pd.DataFrame:
    """Days sales outstanding at each of `days`.

    ``dso`` = receivables ÷ net credit sales of the last 90 days × 90; ``best_possible`` puts only
    what is not yet due above the line, so the difference is the days lost to late payment.
    ``countback`` takes whole days of sales off the receivables, latest first, until none is left:
    it does not move when sales do. Receivables count every open item, and unallocated credit
    reduces them.

    Per day: ``receivables, overdue, sales`` (money), ``dso, best_possible, countback`` (days; null
    without sales).
    """
    items = ledger.balances(days)
    moves = ledger.movements.filter(ibis._.kind != "payment")
    daily = (
        moves.group_by("day")
        .aggregate(units=ibis._.units.sum())
        .order_by("day")
        .execute()
    )
    sales = daily.set_index("day")["units"] / SCALE
    late = items["days_overdue"].where(items["open_amount"] > 0, 0) > 0
    out = pd.DataFrame(
        index=pd.DatetimeIndex(
            pd.to_datetime([str(d) for d in days]), name="as_of"
        ).as_unit("s")
    )
    out["receivables"] = (
        items.groupby("as_of")["open_amount"].sum().reindex(out.index).fillna(0.0)
    )
    out["overdue"] = (
        items[late].groupby("as_of")["open_amount"].sum().reindex(out.index).fillna(0.0)
    )
    out["sales"] = [
        sales[
            (sales.index < day) & (sales.index >= day - pd.Timedelta(days=SALES_DAYS))
        ].sum()
        for day in out.index
    ]
    seen = (out.index - daily["day"].min()).days >= SALES_DAYS
    per_day = (out["sales"] / SALES_DAYS).where((out["sales"] > 0) & seen)
    out["dso"] = out["receivables"] / per_day
    out["best_possible"] = (out["receivables"] - out["overdue"]) / per_day
    out["countback"] = [
        _countback(sales[sales.index < day], day, receivables)
        for day, receivables in zip(out.index, out["receivables"], strict=True)
    ]
    return out


def _countback(sales: pd.Series, day: pd.Timestamp, receivables: float) -> float:
    if receivables <= 0:
        return 0.0
    covered = sales[::-1].cumsum()
    reached = covered[covered >= receivables]
    if reached.empty:
        return float("nan")
    last = reached.index[0]
    return float((day - last).days - (reached.iloc[0] - receivables) / sales[last])
