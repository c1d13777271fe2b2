"""Roll rates: how debt moves between age buckets from one month end to the next, and the loss that
follows.

The company's own history is a Markov chain over *paid, current, 1–30 … 90+, lost*; money is what
moves. Debt is
*lost* once it is overdue for more than `loss_days`. Intervals come from a bootstrap over
customers, because the invoices of one customer share their fate.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables.ledger import balances, bucket_names, month_starts, owed, settings

ROLL_CUTS: tuple[int, ...] = tuple(settings()["roll_cuts"])
MIN_MONTHS = 6
DRAWS = 500


@dataclass(frozen=True, eq=False)
class RollRates:
    """Money that moved over `months` month ends.

    `money` has the shape (customers, buckets, buckets + 2): from the bucket at a month end to
    ``paid, <buckets>, lost`` at the next; credit notes count as paid. `losses_visible` says
    whether the history is long enough for any debt to have become lost.
    """

    money: np.ndarray
    buckets: list[str]
    months: int
    loss_days: int
    losses_visible: bool

    def matrix(self) -> pd.DataFrame:
        """Share of each bucket's money (rows) by where it is a month later; null where nothing was
        ever seen."""
        total = self.money.sum(axis=0)
        share = total / np.where(total.sum(axis=1) > 0, total.sum(axis=1), np.nan)[:, None]
        return pd.DataFrame(
            share,
            index=pd.Index(self.buckets, name="bucket"),
            columns=["paid", *self.buckets, "lost"],
        )

    def summary(self) -> pd.DataFrame:
        """Per bucket: share ``paid`` within a month and share that ``rolls_on`` to an older
        bucket, with intervals."""
        draws = self._draws[:, 1:-1, :]
        out = pd.DataFrame(
            {"customers_seen": self.seen()}, index=pd.Index(self.buckets, name="bucket")
        )
        older = np.triu(np.ones(draws.shape[1:]), k=2)
        for name, pick in (("paid", np.eye(1, draws.shape[2])), ("rolls_on", older)):
            values = (draws * pick).sum(axis=2)
            out[name], out[f"{name}_low"], out[f"{name}_high"] = with_range(values)
        out.loc[out["customers_seen"] == 0, out.columns[1:]] = np.nan
        return out

    def unpaid(self, months: int) -> np.ndarray:
        """Share of each bucket's money not paid within `months`, shape (1 + DRAWS, buckets):
        estimate, then draws."""
        share = 1 - np.linalg.matrix_power(self._draws, months)[:, 1:-1, 0]
        return np.where(np.abs(share) < 1e-6, 0.0, share)

    def unseen(self, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far a loss, or a payment, that was never seen may still widen the estimated `share`
        lost.

        1 − .05^(1/n) for n customers (the "rule of three"): upwards where the share is 0,
        downwards where it is 1. Elsewhere the bootstrap says enough, and both are 0; so they are
        where nothing was seen at all.
        """
        bound = 1 - 0.05 ** (1 / np.maximum(self.seen(), 1))
        return np.where(share > 0, 0.0, bound), np.where(
            (share < 1 - 1e-6) | (self.seen() == 0), 0.0, bound
        )

    def seen(self) -> np.ndarray:
        return (self.money.sum(axis=2) > 0).sum(axis=0)

    @cached_property
    def _draws(self) -> np.ndarray:
        """Transition matrices over all states, shape (1 + DRAWS, states, states); the first is the
        estimate."""
        from scipy.sparse import csr_array

        customers, buckets, states = self.money.shape
        pooled, money = self.money.sum(axis=0), csr_array(self.money.reshape(customers, -1).T)
        rng, equal = np.random.default_rng(0), np.full(customers, 1 / customers)
        # One draw at a time: all at once they are DRAWS numbers per customer.
        sums = [
            pooled,
            *(
                (money @ rng.multinomial(customers, equal)).reshape(pooled.shape)
                for _ in range(DRAWS)
            ),
        ]
        drawn = (
            np.array(sums) + 1e-9 * pooled
        )  # a bucket that a draw leaves empty falls back on the estimate
        chain = np.zeros((len(drawn), states, states))
        chain[:, 0, 0] = chain[:, -1, -1] = 1.0
        # Where nothing was ever seen, nothing is assumed to be paid: prudent, and flagged by the
        # callers.
        drawn += np.where(pooled.sum(axis=1, keepdims=True) > 0, 0.0, np.eye(buckets, states, k=1))
        chain[:, 1:-1, :] = drawn / drawn.sum(axis=2, keepdims=True)
        return chain


def roll_rates(
    invoices: ir.Table,
    payments: ir.Table | None,
    as_of: dt.date | str,
    *,
    months: int = 24,
    loss_days: int = 365,
) -> RollRates:
    """Roll rates of the last `months` month ends before `as_of`.

    NotEnoughDataError where there are fewer than six to follow, or nothing was ever open at one.
    """
    days = month_starts(invoices, as_of, months)
    if len(days) <= MIN_MONTHS:
        raise NotEnoughDataError(
            f"Roll rates need {MIN_MONTHS + 1} month ends with invoices; there are {len(days)}."
        )
    items = owed(balances(invoices, payments, days, cuts=ROLL_CUTS))
    moves = _moves(items, days, loss_days)
    if moves.empty:
        raise NotEnoughDataError(
            "Nothing was open at any month end, so debt never moved between buckets."
        )
    buckets = bucket_names(ROLL_CUTS)
    money = np.zeros((moves["customer_id"].nunique(), len(buckets), len(buckets) + 2))
    customer = moves["customer_id"].astype("category").cat.codes.to_numpy(dtype="int64")
    start = moves["bucket"].cat.codes.to_numpy(dtype="int64")
    np.add.at(money, (customer, start, np.zeros_like(start)), moves["paid"].to_numpy())
    np.add.at(
        money, (customer, start, moves["state"].to_numpy(dtype="int64")), moves["left"].to_numpy()
    )
    oldest = (pd.Timestamp(days[-1]) - items["due_date"].min()).days - 1
    return RollRates(money, buckets, len(days) - 1, loss_days, bool(oldest > loss_days))


def _moves(items: pd.DataFrame, days: list[dt.date], loss_days: int) -> pd.DataFrame:
    """Every item open and not yet lost at a month end: what was paid until the next, and the state
    of the rest."""
    following = dict(zip(pd.to_datetime(days[:-1]), pd.to_datetime(days[1:]), strict=True))
    starts = items[items["as_of"].isin(list(following)) & (items["days_overdue"] <= loss_days)]
    starts = starts.assign(then=starts["as_of"].map(following).astype(items["as_of"].dtype))
    ends = items[["as_of", "invoice_id", "open_amount", "days_overdue", "bucket"]]
    both = starts.merge(
        ends,
        how="left",
        left_on=["then", "invoice_id"],
        right_on=["as_of", "invoice_id"],
        suffixes=("", "_end"),
    )
    left = both["open_amount_end"].fillna(0.0).clip(upper=both["open_amount"])
    state = both["bucket_end"].cat.codes + 1
    lost = len(both["bucket"].cat.categories) + 1
    state = state.where(both["days_overdue_end"].fillna(0) <= loss_days, lost)
    return both.assign(left=left, paid=both["open_amount"] - left, state=state)


def with_range(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The estimate (row 0) and the 95 % range of the draws."""
    low, high = np.quantile(values[1:], [0.025, 0.975], axis=0)
    return values[0], low, high
