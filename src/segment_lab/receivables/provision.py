"""What open debt is worth: expected credit loss, net realisable value, and the three pools, by own
roll rates."""

from __future__ import annotations

import datetime as dt

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables.ledger import age_buckets, balances, month_starts, owed, settings
from segment_lab.receivables.rollrates import (
    MIN_MONTHS,
    ROLL_CUTS,
    RollRates,
    roll_rates,
    with_range,
)

# "Ever", in months: after twenty years a chain with any outflow has paid or lost practically
# everything.
EVER = 240


def provision_matrix(items: pd.DataFrame, rates: RollRates) -> pd.DataFrame:
    """Expected credit loss per age bucket (provision matrix, IFRS 9 B5.5.35) from own roll rates.

    `items` (`open_items`) and `rates` are of the same day. Per bucket, the debt older than
    ``loss_days`` apart, and ``total``: ``open_amount, loss_share, expected_loss, net_value`` with
    intervals, and ``basis``: where the rate comes from. Where a bucket never led to a loss (or
    never to a payment) the interval is the bound on what was not seen among so many customers.
    NotEnoughDataError where the history is too short for any debt to have become lost.
    """
    _need_losses(rates)
    amounts, old = _split(items, rates)
    share = rates.unpaid(EVER)
    out = pd.DataFrame({"open_amount": amounts}, index=pd.Index(rates.buckets, name="bucket"))
    more, less = rates.unseen(share[0])
    for name, size in (("loss_share", np.ones_like(amounts)), ("expected_loss", amounts)):
        out[name], low, high = with_range(share * size)
        out[f"{name}_low"], out[f"{name}_high"] = low - less * size, high + more * size
    out["basis"] = np.select(
        [rates.seen() == 0, share[0] == 0],
        ["never seen: counted in full", "own history, no loss seen"],
        "own history",
    )
    out = out[(rates.seen() > 0) | (amounts > 0)].copy()
    lost = [old, *[1.0] * 3, *[old] * 3, f"overdue for more than {rates.loss_days} days"]
    out.loc[f"over {rates.loss_days}"] = pd.Series(lost, out.columns)
    # Bounds of several buckets are added: the ends of the total are on the safe side.
    wider = [0, -less @ amounts, more @ amounts]
    loss = np.array([float(value) for value in with_range(share @ amounts)]) + old + wider
    total = amounts.sum() + old
    out.loc["total"] = pd.Series(
        [total, *(loss / total if total else [np.nan] * 3), *loss, ""], out.columns
    )
    for end, other in (("", ""), ("_low", "_high"), ("_high", "_low")):
        out[f"net_value{end}"] = out["open_amount"] - out[f"expected_loss{other}"]
    return out


def pools(items: pd.DataFrame, rates: RollRates) -> pd.DataFrame:
    """Overdue debt in three pools by own roll rates, beside the reference thirds.

    *being repaid* is expected within 3 months, *recoverable within a year* in months 4 to 12,
    *lost* is what is still unpaid after 12 months (and everything already overdue for more than
    ``loss_days``).

    Per pool ``share`` and ``amount`` with intervals, and ``reference``. NotEnoughDataError where
    nothing is overdue, or the history is too short for any debt to have become lost.
    """
    _need_losses(rates)
    amounts, old = _split(items, rates)
    amounts[0] = 0.0
    total = amounts.sum() + old
    if not total > 0:
        raise NotEnoughDataError("Nothing is overdue, so there is nothing to divide into pools.")
    later, lost = ((rates.unpaid(months) @ amounts + old) / total for months in (3, 12))
    out = pd.DataFrame(index=pd.Index(list(settings()["pools"]), name="pool"))
    out["share"], out["share_low"], out["share_high"] = with_range(
        np.column_stack([1 - later, later - lost, lost])
    )
    more, less = rates.unseen(rates.unpaid(12)[0])
    out.loc["lost", "share_high"] += more @ amounts / total
    out.loc["lost", "share_low"] -= less @ amounts / total
    for end in ("", "_low", "_high"):
        out[f"amount{end}"] = out[f"share{end}"] * total
    return out.assign(reference=list(settings()["pools"].values()))


def pools_check(
    invoices: ir.Table,
    payments: ir.Table | None,
    as_of: dt.date | str,
    *,
    loss_days: int = 365,
    months: int = 24,
) -> pd.DataFrame:
    """The pools as they would have been forecast a year ago, beside what has happened since and
    the thirds.

    Per pool ``forecast`` (with interval), ``reference`` and ``happened``, shares of the debt
    overdue then. NotEnoughDataError with fewer than seven month ends before the last year, or
    where `pools` has no answer there.
    """
    days = month_starts(invoices, as_of)
    if len(days) <= 12 + MIN_MONTHS:
        raise NotEnoughDataError("Checking the pools takes a year after at least seven month ends.")
    stages = then, soon, year = [pd.Timestamp(days[i]) for i in (-13, -10, -1)]
    rates = roll_rates(invoices, payments, days[-13], loss_days=loss_days, months=months)
    stock = balances(invoices, payments, [day.date() for day in stages])
    start = owed(stock[stock["as_of"] == then])
    out = pools(start, rates)[["share", "share_low", "share_high", "reference"]]
    overdue = start.loc[start["days_overdue"] > 0, "invoice_id"]
    left = (
        stock[stock["invoice_id"].isin(overdue)]
        .groupby("as_of")["open_amount"]
        .sum()
        .reindex(stages)
        .fillna(0.0)
    )
    out["happened"] = (
        np.array([left[then] - left[soon], left[soon] - left[year], left[year]]) / left[then]
    )
    return out.rename(columns=lambda name: name.replace("share", "forecast"))


def write_off_list(items: pd.DataFrame, loss_days: int = 365) -> pd.DataFrame:
    """Items overdue for more than `loss_days`, largest first: take them off the books to see the
    real state."""
    rows = owed(items)
    columns = ["customer_id", "due_date", "days_overdue", "open_amount", "disputed", "cause"]
    return rows.loc[rows["days_overdue"] > loss_days, columns].sort_values(
        ["open_amount", "customer_id"], ascending=[False, True]
    )


def _split(items: pd.DataFrame, rates: RollRates) -> tuple[np.ndarray, float]:
    rows = owed(items.assign(bucket=age_buckets(items, ROLL_CUTS)))
    old = rows["days_overdue"] > rates.loss_days
    amounts = rows[~old].groupby("bucket", observed=False)["open_amount"].sum()
    return amounts.reindex(rates.buckets).to_numpy(dtype=float, copy=True), float(
        rows.loc[old, "open_amount"].sum()
    )


def _need_losses(rates: RollRates) -> None:
    if not rates.losses_visible:
        raise NotEnoughDataError(
            f"No invoice in this history fell due more than {rates.loss_days} days ago, so what is never paid "
            "cannot be told from what is not paid yet. A longer history or a smaller loss_days answers it."
        )
