"""What open debt is worth: expected credit loss, net realisable value, and the three pools, by own
roll rates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segment_lab.config.levels import TAILS
from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables.ledger import Ledger, age_buckets, owed, settings
from segment_lab.receivables.rollrates import (
    MIN_MONTHS,
    ROLL_CUTS,
    RollRates,
    roll_rates,
    with_range,
)
from segment_lab.texts import say

# "Ever", in months: after twenty years a chain with any outflow has paid or lost practically
# everything.
EVER = 240


def provision_matrix(items: pd.DataFrame, rates: RollRates) -> pd.DataFrame:
    """Expected credit loss per age bucket (provision matrix, IFRS 9 B5.5.35) from own roll rates.

    `items` (`open_items`) and `rates` are of the same day. Per bucket, the debt older than
    ``loss_days`` apart, and ``total``: ``open_amount, loss_share, expected_loss, net_value`` with
    95 % ranges, and ``basis``: where the rate comes from. The ranges are for what will be lost, not
    for the rate: they hold the uncertainty of the rates, and that a few large debts are lost or
    not, those of one customer together (`RollRates.alike`). Where a bucket never led to a loss (or
    never to a payment) the range reaches to the bound on what was not seen among so many
    customers. NotEnoughDataError where the history is too short for any debt to have become lost.
    """
    _need_losses(rates)
    amounts, old = _split(items, rates)
    share = rates.unpaid(EVER)
    more, less = rates.unseen(share[0])
    spread = _Spread.of(items, rates)
    rng = np.random.default_rng(0)
    out = pd.DataFrame(
        {"open_amount": amounts}, index=pd.Index(rates.buckets, name="bucket")
    )
    losses = spread.drawn(share, rng)
    out["expected_loss"], low, high = with_range(losses)
    out["expected_loss_low"] = np.maximum(low - less * amounts, 0.0)
    out["expected_loss_high"] = np.minimum(high + more * amounts, amounts)
    # Where nothing is open now, the range of the rate itself.
    rate_low, rate_high = np.quantile(share[1:], TAILS, axis=0)
    size = np.where(amounts > 0, amounts, 1.0)
    ends = {
        "low": np.where(amounts > 0, out["expected_loss_low"] / size, rate_low - less),
        "high": np.where(
            amounts > 0, out["expected_loss_high"] / size, rate_high + more
        ),
    }
    out.insert(1, "loss_share", share[0])
    out.insert(2, "loss_share_low", np.clip(ends["low"], 0.0, 1.0))
    out.insert(3, "loss_share_high", np.clip(ends["high"], 0.0, 1.0))
    out["basis"] = np.select(
        [rates.seen() == 0, share[0] == 0],
        [say("receivables.basis.unseen"), say("receivables.basis.no_loss")],
        say("receivables.basis.own"),
    )
    out = out[(rates.seen() > 0) | (amounts > 0)].copy()
    lost = [
        old,
        *[1.0] * 3,
        *[old] * 3,
        say("receivables.basis.old", loss_days=rates.loss_days),
    ]
    out.loc[f"over {rates.loss_days}"] = pd.Series(lost, out.columns)
    # Bounds of several buckets are added: the ends of the total are on the safe side.
    wider = [0.0, -less @ amounts, more @ amounts]
    together = spread.drawn_together(share, rng)
    total = amounts.sum() + old
    loss = np.array([float(value) for value in with_range(together)]) + wider
    loss = np.clip(loss, 0.0, amounts.sum()) + old
    shares = loss / total if total else [np.nan] * 3
    out.loc["total"] = pd.Series([total, *shares, *loss, ""], out.columns)
    for end, other in (("", ""), ("_low", "_high"), ("_high", "_low")):
        out[f"net_value{end}"] = out["open_amount"] - out[f"expected_loss{other}"]
    return out


@dataclass(frozen=True, eq=False)
class _Spread:
    """How far the loss of the open items may lie from what is expected at known rates.

    `owed` (customers, buckets) is what each customer owes, `squares` (buckets) the sum of the
    squared items. Two items of one customer are lost together with the correlation `alike`.
    """

    owed: np.ndarray
    squares: np.ndarray
    alike: float

    @classmethod
    def of(cls, items: pd.DataFrame, rates: RollRates) -> _Spread:
        rows = owed(items.assign(bucket=age_buckets(items, ROLL_CUTS)))
        rows = rows[rows["days_overdue"] <= rates.loss_days]
        customer = pd.factorize(rows["customer_id"])[0]
        bucket = rows["bucket"].cat.codes.to_numpy(dtype="int64")
        money = np.zeros((customer.max(initial=-1) + 1, len(rates.buckets)))
        np.add.at(money, (customer, bucket), rows["open_amount"].to_numpy())
        squares = np.zeros(len(rates.buckets))
        np.add.at(squares, bucket, rows["open_amount"].to_numpy() ** 2)
        return cls(money, squares, rates.alike)

    def drawn(self, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Losses by bucket: what is expected, then a draw for every drawn rate; the shape of
        `share` (1 + draws, buckets)."""
        chance = share * (1 - share)
        joint = (self.owed**2).sum(axis=0)
        variance = chance * ((1 - self.alike) * self.squares + self.alike * joint)
        return _beta(
            share * self.owed.sum(axis=0), variance, self.owed.sum(axis=0), rng
        )

    def drawn_together(self, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The same for all buckets together, shape (1 + draws,)."""
        chance = share * (1 - share)
        joint = ((self.owed @ np.sqrt(chance).T) ** 2).sum(axis=0)
        variance = (1 - self.alike) * chance @ self.squares + self.alike * joint
        amounts = self.owed.sum(axis=0)
        return _beta(share @ amounts, variance, amounts.sum(), rng)


def _beta(
    mean: np.ndarray,
    variance: np.ndarray,
    most: np.ndarray | float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draws between 0 and `most` with these means and variances (beta distributions); the first
    row is the mean itself."""
    most = np.broadcast_to(np.asarray(most, dtype=float), mean.shape)
    share = np.divide(
        mean,
        most,
        out=np.zeros_like(mean),
        where=most > 0,
    )
    relative = np.divide(
        variance,
        most**2,
        out=np.zeros_like(mean),
        where=most > 0,
    )
    room = share * (1 - share)
    moves = (relative > 1e-12) & (room > 1e-9)
    size = np.where(moves, room / np.where(moves, relative, 1.0) - 1, 1.0)
    size = np.maximum(size, 1e-3)
    first, second = (
        np.where(moves, share * size, 1.0),
        np.where(moves, (1 - share) * size, 1.0),
    )
    drawn = np.where(moves, rng.beta(first, second) * most, mean)
    drawn[0] = mean[0]
    return drawn


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
        raise NotEnoughDataError(say("receivables.errors.nothing_overdue"))
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
    ledger: Ledger,
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
    days = ledger.month_starts(as_of)
    if len(days) <= 12 + MIN_MONTHS:
        raise NotEnoughDataError(
            say("receivables.errors.pools_check", needed=MIN_MONTHS + 1)
        )
    stages = then, soon, year = [pd.Timestamp(days[i]) for i in (-13, -10, -1)]
    rates = roll_rates(ledger, days[-13], loss_days=loss_days, months=months)
    stock = ledger.balances([day.date() for day in stages])
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
        np.array([left[then] - left[soon], left[soon] - left[year], left[year]])
        / left[then]
    )
    return out.rename(columns=lambda name: name.replace("share", "forecast"))


def write_off_list(items: pd.DataFrame, loss_days: int = 365) -> pd.DataFrame:
    """Items overdue for more than `loss_days`, largest first: take them off the books to see the
    real state."""
    rows = owed(items)
    columns = [
        "customer_id",
        "due_date",
        "days_overdue",
        "open_amount",
        "disputed",
        "cause",
    ]
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
            say("receivables.errors.no_losses", loss_days=rates.loss_days)
        )
