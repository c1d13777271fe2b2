"""Roll rates: how debt moves between ages from one month end to the next, and the loss that
follows.

The company's own history is a Markov chain over *paid, current, 1–30, 31–60 … lost*; money is what
moves. Debt is *lost* once it is overdue for more than `loss_days`. Every month of age is a state of
its own: taken together, old debt seems to be paid faster than it is, because the younger half of it
is. Uncertainty of the rates comes from a bootstrap over customers, because the invoices of one
customer share their fate; how much they share it is `alike`. See decision 0090.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from segment_lab.config.levels import TAILS
from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables.ledger import Ledger, bucket_names, owed, settings
from segment_lab.texts import say

ROLL_CUTS: tuple[int, ...] = tuple(settings()["roll_cuts"])
MIN_MONTHS = 6
DRAWS = 500
#: Debt overdue for longer than this is old: what is known of all of it helps a bucket that few
#: customers were seen in.
OLD = 90
#: Likeness of the invoices of one customer where the history cannot tell it.
ALIKE = 0.3
FEWEST_FATES = 30


@dataclass(frozen=True, eq=False)
class RollRates:
    """Money that moved over `months` month ends.

    `money` has the shape (customers, buckets, buckets + 2): from the bucket at a month end to
    ``paid, <buckets>, lost`` at the next; credit notes count as paid. `losses_visible` says
    whether the history is long enough for any debt to have become lost; `alike` is the correlation
    of being lost between two overdue invoices of one customer.
    """

    money: np.ndarray
    buckets: list[str]
    months: int
    loss_days: int
    losses_visible: bool
    alike: float = ALIKE

    def matrix(self) -> pd.DataFrame:
        """Share of each bucket's money (rows) by where it is a month later; null where nothing was
        ever seen."""
        moved = self.money.sum(axis=0)
        whole = moved.sum(axis=1, keepdims=True)
        return pd.DataFrame(
            moved / np.where(whole > 0, whole, np.nan),
            index=pd.Index(self.buckets, name="bucket"),
            columns=["paid", *self.buckets, "lost"],
        )

    def summary(self) -> pd.DataFrame:
        """Per bucket: share ``paid`` within a month and share that ``rolls_on`` to an older
        bucket, with intervals."""
        draws = self._draws[:, 1:-1, :]
        out = pd.DataFrame(index=pd.Index(self.buckets, name="bucket"))
        out["customers_seen"] = self.seen()
        older = np.triu(np.ones(draws.shape[1:]), k=2)
        paid = np.eye(1, draws.shape[2])
        for name, pick in (("paid", paid), ("rolls_on", older)):
            share, low, high = with_range((draws * pick).sum(axis=2))
            out[name] = share
            out[f"{name}_low"] = low
            out[f"{name}_high"] = high
        unseen = out["customers_seen"] == 0
        out.loc[unseen, out.columns[1:]] = np.nan
        return out

    def unpaid(self, months: int) -> np.ndarray:
        """Share of each bucket's money not paid within `months`, shape (1 + DRAWS, buckets):
        estimate, then draws."""
        after = np.linalg.matrix_power(self._draws, months)
        share = 1 - after[:, 1:-1, 0]
        return np.where(np.abs(share) < 1e-6, 0.0, share)

    def unseen(self, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far a loss, or a payment, that was never seen may still widen the estimated `share`
        lost.

        1 − .05^(1/n) for n customers (the "rule of three"): upwards where the share is 0,
        downwards where it is 1. Elsewhere the bootstrap says enough, and both are 0; so they are
        where nothing was seen at all.
        """
        seen = self.seen()
        bound = 1 - 0.05 ** (1 / np.maximum(seen, 1))
        all_lost = (share >= 1 - 1e-6) & (seen > 0)
        upwards = np.where(share > 0, 0.0, bound)
        downwards = np.where(all_lost, bound, 0.0)
        return upwards, downwards

    def seen(self) -> np.ndarray:
        """How many customers ever owed money in each bucket."""
        return (self.money.sum(axis=2) > 0).sum(axis=0)

    @cached_property
    def _draws(self) -> np.ndarray:
        """Transition matrices over all states, shape (1 + DRAWS, states, states); the first is the
        estimate."""
        from scipy.sparse import csr_array

        customers, buckets, states = self.money.shape
        pooled = self.money.sum(axis=0)
        money = csr_array(self.money.reshape(customers, -1).T)
        rng = np.random.default_rng(0)
        equal = np.full(customers, 1 / customers)
        seen = pooled.sum(axis=1, keepdims=True) > 0
        # Where nothing was ever seen, nothing is assumed to be paid: prudent, and flagged by the
        # callers.
        unpaid = np.eye(buckets, states, k=1)
        chain = np.zeros((1 + DRAWS, states, states))
        chain[:, 0, 0] = chain[:, -1, -1] = 1.0
        # One draw at a time: all at once they are DRAWS numbers per customer.
        for draw in range(1 + DRAWS):
            drawn = pooled
            if draw:
                counts = rng.multinomial(customers, equal)
                drawn = (money @ counts).reshape(pooled.shape)
                drawn = drawn + self._stranger(rng)
            drawn = np.where(seen, drawn, unpaid)
            chain[draw, 1:-1, :] = drawn / drawn.sum(axis=1, keepdims=True)
        return chain

    def _stranger(self, rng: np.random.Generator) -> np.ndarray:
        """One more customer in every bucket, of mean size and random weight, who pays as old debt
        does or as the bucket does: what a few customers show is not certain."""
        pooled = self.money.sum(axis=0)
        total = pooled.sum(axis=1)
        pays = rng.random(len(total)) < self._usually_paid(pooled, total)
        paid = np.eye(1, pooled.shape[1])
        moved = np.where(pays[:, None], paid, _onward(pooled))
        size = total / np.maximum(self.seen(), 1)
        weight = size * rng.exponential(size=len(total)) + 1e-9 * total
        return weight[:, None] * moved

    def _usually_paid(self, pooled: np.ndarray, total: np.ndarray) -> np.ndarray:
        """Share of each bucket's money paid within a month; of old debt the share of all of it."""
        paid = pooled[:, 0]
        usual = paid / np.where(total > 0, total, 1.0)
        old = np.array([self._is_old(name) for name in self.buckets])
        owed_long = np.where(old, total, 0.0).sum()
        if owed_long == 0:
            return usual
        of_all_old = (paid * old).sum() / owed_long
        return np.where(old, of_all_old, usual)

    def _is_old(self, name: str) -> bool:
        low = name.rstrip("+").split("–")[0]
        return low.isdigit() and int(low) > OLD


def _onward(pooled: np.ndarray) -> np.ndarray:
    """Where money that is not paid goes, as shares of it; the next bucket where none was seen."""
    unpaid = pooled.copy()
    unpaid[:, 0] = 0.0
    rest = unpaid.sum(axis=1, keepdims=True)
    seen = rest > 0
    next_bucket = np.eye(
        pooled.shape[0],
        pooled.shape[1],
        k=2,
    )
    return np.where(seen, unpaid / np.where(seen, rest, 1.0), next_bucket)


def roll_rates(
    ledger: Ledger,
    as_of: dt.date | str,
    *,
    months: int = 24,
    loss_days: int = 365,
) -> RollRates:
    """Roll rates of the last `months` month ends before `as_of`.

    NotEnoughDataError where there are fewer than six to follow, or nothing was ever open at one.
    """
    ledger.need_payments()
    days = ledger.month_starts(as_of, months)
    if len(days) <= MIN_MONTHS:
        facts = {"needed": MIN_MONTHS + 1, "n": len(days)}
        raise NotEnoughDataError(say("receivables.errors.few_months", **facts))
    items = owed(ledger.balances(days, cuts=ROLL_CUTS))
    moves = _moves(items, days, loss_days)
    if moves.empty:
        raise NotEnoughDataError(say("receivables.errors.nothing_open"))
    oldest = (pd.Timestamp(days[-1]) - items["due_date"].min()).days - 1
    return RollRates(
        money=_moved_money(moves),
        buckets=bucket_names(ROLL_CUTS),
        months=len(days) - 1,
        loss_days=loss_days,
        losses_visible=bool(oldest > loss_days),
        alike=_alike(items, days[-1], loss_days),
    )


def _moved_money(moves: pd.DataFrame) -> np.ndarray:
    """Money by customer, bucket and where it went: `RollRates.money`."""
    customers = moves["customer_id"].astype("category").cat
    buckets = moves["bucket"].cat
    customer = customers.codes.to_numpy(dtype="int64")
    start = buckets.codes.to_numpy(dtype="int64")
    end = moves["state"].to_numpy(dtype="int64")
    k = len(bucket_names(ROLL_CUTS))
    money = np.zeros((len(customers.categories), k, k + 2))
    paid_at = np.zeros_like(end)
    np.add.at(money, (customer, start, paid_at), moves["paid"].to_numpy())
    np.add.at(money, (customer, start, end), moves["left"].to_numpy())
    return money


def _alike(items: pd.DataFrame, last: dt.date, loss_days: int) -> float:
    """How alike the fates of one customer's overdue invoices are: the intraclass correlation of
    being lost among invoices once seen 31 to 60 days overdue, long enough ago to know."""
    once = items["days_overdue"].between(31, 60)
    known = items["due_date"] < pd.Timestamp(last) - pd.Timedelta(days=loss_days + 31)
    rows = items[once & known].drop_duplicates("invoice_id")
    gone = set(items.loc[items["days_overdue"] > loss_days, "invoice_id"])
    lost = rows["invoice_id"].isin(gone).astype(float)
    sizes = rows.groupby("customer_id").size()
    if len(rows) < FEWEST_FATES or (sizes < 2).all() or lost.nunique() < 2:
        return ALIKE
    means = lost.groupby(rows["customer_id"]).transform("mean")
    n, groups = len(rows), len(sizes)
    of_means = (means - lost.mean()) ** 2
    of_invoices = (lost - means) ** 2
    between = of_means.sum() / (groups - 1)
    within = of_invoices.sum() / max(n - groups, 1)
    usual_size = (n - (sizes**2).sum() / n) / (groups - 1)
    correlation = (between - within) / (between + (usual_size - 1) * within)
    return float(np.clip(correlation, 0.0, 1.0))


def _moves(items: pd.DataFrame, days: list[dt.date], loss_days: int) -> pd.DataFrame:
    """Every item open and not yet lost at a month end: what was paid until the next, and the state
    of the rest."""
    month_ends = pd.to_datetime(days)
    following = pd.Series(month_ends[1:], index=month_ends[:-1])
    followed = items["as_of"].isin(following.index)
    starts = items[followed & (items["days_overdue"] <= loss_days)]
    then = starts["as_of"].map(following).astype(items["as_of"].dtype)
    starts = starts.assign(then=then)
    ends = items[["as_of", "invoice_id", "open_amount", "days_overdue", "bucket"]]
    both = starts.merge(
        ends,
        how="left",
        left_on=["then", "invoice_id"],
        right_on=["as_of", "invoice_id"],
        suffixes=("", "_end"),
    )
    owed_then = both["open_amount"]
    left = both["open_amount_end"].fillna(0.0).clip(upper=owed_then)
    state = both["bucket_end"].cat.codes + 1
    lost = len(both["bucket"].cat.categories) + 1
    not_lost = both["days_overdue_end"].fillna(0) <= loss_days
    state = state.where(not_lost, lost)
    return both.assign(left=left, paid=owed_then - left, state=state)


def with_range(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The estimate (row 0) and the 95 % range of the draws."""
    low, high = np.quantile(values[1:], TAILS, axis=0)
    return values[0], low, high
