"""When will an invoice be paid? A distribution of the payment day for every open invoice.

The day follows from terms, amount, dispute, a common trend and the customer's own habit (with and
without a dispute), each customer's shrunk to that of all by how much of its history there is:
a linear model with random effects (Laird & Ware 1982), fitted by EM. Invoices that are still open
say only "later than today": they are replaced by what is expected beyond that day (Buckley & James
1979). What is left over has no assumed shape: it is the survival curve of the residuals (Kaplan &
Meier 1958). Apart from the day stands the chance that an invoice is never paid, the customer's own
share shrunk to that of all.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables.ledger import Ledger
from segment_lab.receivables.payments import invoice_history
from segment_lab.texts import say
from segment_lab.window import as_date

MIN_PAID = 50
ROUNDS = 15
#: Residuals beyond so many standard deviations are drawn in while habits are learned.
FAR = 3.0
#: Invoices of everybody that weigh as much as a customer's own in the chance of never.
PRIOR = 20
POINTS = 200


@dataclass(frozen=True, eq=False)
class PaymentDays:
    """What the paid invoices before `as_of` teach; made by `learn`.

    `residuals` are equally likely days around the expected one, rising. `habit` and `doubt` have
    a row per customer in `customers`: the own habit (plain, and when disputed) and its covariance;
    `prior` is the covariance of habits between customers, `noise` the variance within.
    """

    as_of: pd.Timestamp
    loss_days: int
    coefficients: np.ndarray
    customers: pd.Index
    habit: np.ndarray
    doubt: np.ndarray
    prior: np.ndarray
    noise: float
    residuals: np.ndarray
    never: pd.Series
    never_overall: float

    def habits(self, invoices: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Own habit of each invoice's customer, shape (n, 2), and their covariance (n, 2, 2)."""
        place = self.customers.get_indexer(pd.Index(invoices["customer_id"]))
        known = place >= 0
        habit = np.where(known[:, None], self.habit[place], 0.0)
        doubt = np.where(known[:, None, None], self.doubt[place], self.prior)
        return habit, doubt

    def days(self, invoices: pd.DataFrame) -> np.ndarray:
        """Equally likely days from issue to payment, given that it is paid: shape (n, POINTS)."""
        fixed, own = design(invoices, self.as_of)
        habit, doubt = self.habits(invoices)
        middle = fixed @ self.coefficients + (own * habit).sum(axis=1)
        wider = np.sqrt(1 + np.einsum("ni,nij,nj->n", own, doubt, own) / self.noise)
        return middle[:, None] + wider[:, None] * self.residuals

    def never_paid(self, invoices: pd.DataFrame) -> np.ndarray:
        """Chance, at issue, that an invoice is not paid within ``loss_days`` after it is due."""
        own = invoices["customer_id"].map(self.never)
        return own.fillna(self.never_overall).to_numpy(dtype=float)


@dataclass(frozen=True, eq=False)
class Outlook:
    """The payment days of some invoices as seen on a day.

    `days` (n, POINTS) counts from the issue; `weights` (n, POINTS) are the chances of those days,
    given what has passed without payment; they add up to 1 − `never` (n,).
    """

    days: np.ndarray
    weights: np.ndarray
    never: np.ndarray

    def beyond(self, limit: np.ndarray) -> np.ndarray:
        """Chance of a payment after `limit` days from the issue, or never."""
        return (self.weights * (self.days > limit[:, None])).sum(axis=1) + self.never

    def quantile(self, level: float) -> np.ndarray:
        """Days from the issue by which it is paid with this chance, given that it is paid."""
        paid = self.weights.cumsum(axis=1)
        reached = paid >= level * paid[:, -1:] - 1e-12
        return np.take_along_axis(
            self.days,
            reached.argmax(axis=1)[:, None],
            axis=1,
        )[:, 0]


def payment_history(ledger: Ledger, as_of: dt.date | str) -> pd.DataFrame:
    """`invoice_history` with ``disputed``, for `learn`; index ``invoice_id``."""
    ledger.need_payments()
    history = invoice_history(ledger, as_of)
    disputed = ledger.rows.select("invoice_id", "disputed").execute()
    flags = disputed.drop_duplicates("invoice_id").set_index("invoice_id")["disputed"]
    return history.assign(disputed=flags.reindex(history.index).eq(True).fillna(False))


def learn(
    history: pd.DataFrame,
    as_of: dt.date | str,
    *,
    loss_days: int = 365,
    months: int = 24,
) -> PaymentDays:
    """Learn payment days from the invoices of the last `months`.

    `history` comes from `payment_history`, of this day or a later one: what happened on `as_of` or
    after is not looked at. NotEnoughDataError under `MIN_PAID` paid invoices.
    """
    day = pd.Timestamp(as_date(as_of))
    recent = (history["issue_date"] < day) & (
        history["issue_date"] >= day - pd.DateOffset(months=months)
    )
    rows = history[recent]
    paid = (rows["closed_on"] < day).to_numpy()
    if paid.sum() < MIN_PAID:
        raise NotEnoughDataError(
            say("receivables.errors.few_paid", needed=MIN_PAID, n=int(paid.sum()))
        )
    due_for = (day - rows["due_date"]).dt.days
    took = (rows["closed_on"] - rows["due_date"]).dt.days.where(paid, np.inf)
    old = (due_for > loss_days).to_numpy()
    gone = old & (took > loss_days).to_numpy()
    never, never_overall = _never(rows["customer_id"], old, gone)

    rows, paid = rows[~gone], paid[~gone]
    until = rows["closed_on"].where(paid, day)
    # An open invoice is paid on this day at the earliest, which is half a day after the last.
    waited = (until - rows["issue_date"]).dt.days.to_numpy(dtype=float) - 0.5 * ~paid
    codes, customers = pd.factorize(rows["customer_id"])
    fitted = _fitted(waited, paid, codes, len(customers), *design(rows, day))
    return PaymentDays(
        day,
        loss_days,
        customers=pd.Index(customers),
        never=never,
        never_overall=never_overall,
        **fitted,
    )


def outlook(
    model: PaymentDays,
    invoices: pd.DataFrame,
    as_of: dt.date | str,
) -> Outlook:
    """The payment days of open `invoices`, given that they were unpaid at the start of `as_of`.

    `invoices` need ``customer_id, issue_date, due_date, amount, disputed``.
    """
    days = np.round(model.days(invoices))
    passed = days_passed(invoices, as_of)
    weights = (days >= passed[:, None]) / POINTS
    late = weights.sum(axis=1) == 0
    # Older than all that was ever seen: paid today if at all, as likely as the longest wait.
    days[late] = np.maximum(days[late], passed[late, None])
    weights[late] = 1 / POINTS**2
    never = model.never_paid(invoices)
    alive = weights * (1 - never)[:, None]
    total = alive.sum(axis=1) + never
    return Outlook(days, alive / total[:, None], never / total)


def days_passed(
    invoices: pd.DataFrame, as_of: dt.date | str | pd.Timestamp
) -> np.ndarray:
    day = as_of if isinstance(as_of, pd.Timestamp) else pd.Timestamp(as_date(as_of))
    return (day - invoices["issue_date"]).dt.days.to_numpy()


def design(invoices: pd.DataFrame, day: pd.Timestamp) -> tuple[np.ndarray, np.ndarray]:
    """What all invoices have in common (n, 5): level, dispute, terms, size, time; and the
    customer's own (n, 2): level, dispute."""
    one = np.ones(len(invoices))
    disputed = invoices["disputed"].to_numpy(dtype=float)
    terms = (invoices["due_date"] - invoices["issue_date"]).dt.days.to_numpy(
        dtype=float
    )
    size = np.log(np.maximum(invoices["amount"].to_numpy(dtype=float), 0.01))
    years = (invoices["issue_date"] - day).dt.days.to_numpy(dtype=float) / 365
    return np.column_stack([one, disputed, terms, size, years]), np.column_stack(
        [one, disputed]
    )


def _never(
    customer: pd.Series,
    old: np.ndarray,
    gone: np.ndarray,
) -> tuple[pd.Series, float]:
    """Share of invoices never paid, per customer and overall, among those old enough to tell."""
    if not old.any():
        return pd.Series(dtype=float), 0.0
    overall = float(gone.sum() / old.sum())
    by = (
        pd.DataFrame(
            {
                "old": old,
                "gone": gone,
            }
        )
        .groupby(customer.to_numpy())
        .sum()
    )
    return (by["gone"] + PRIOR * overall) / (by["old"] + PRIOR), overall


def _fitted(
    waited: np.ndarray,
    paid: np.ndarray,
    codes: np.ndarray,
    customers: int,
    fixed: np.ndarray,
    own: np.ndarray,
) -> dict[str, Any]:
    """The random-effects model by EM, with open invoices and far residuals drawn in each round."""
    width = own.shape[1]
    products = np.zeros((customers, width, width))
    np.add.at(products, codes, own[:, :, None] * own[:, None, :])
    noise = float(np.var(waited[paid]) / 2) + 1e-6
    prior = np.eye(width) * noise
    habit = np.zeros((customers, width))
    target = waited.copy()
    for _ in range(ROUNDS):
        shared = target - (own * habit[codes]).sum(axis=1)
        coefficients = np.linalg.lstsq(fixed, shared, rcond=None)[0]
        rest = target - fixed @ coefficients
        sums = np.zeros((customers, width))
        np.add.at(sums, codes, own * rest[:, None])
        doubt = np.linalg.inv(products / noise + np.linalg.inv(prior))
        habit = np.einsum("cij,cj->ci", doubt, sums / noise)
        spread = (habit**2).mean(axis=0) + np.diagonal(
            doubt,
            axis1=1,
            axis2=2,
        ).mean(axis=0)
        prior = np.diag(np.maximum(spread, 1e-3))
        leverage = np.einsum("ni,nij,nj->n", own, doubt[codes], own) / noise
        middle = fixed @ coefficients + (own * habit[codes]).sum(axis=1)
        error = (target - middle)[paid]
        noise = float((error**2).mean() + noise * leverage[paid].mean()) + 1e-6
        residuals = (waited - middle) / np.sqrt(np.maximum(1 - leverage, 0.2))
        steps, chances = _survival(residuals, paid)
        target = middle + _drawn_in(waited - middle, paid, steps, chances, noise)
    cumulated = chances.cumsum() / chances.sum()
    levels = (np.arange(POINTS) + 0.5) / POINTS
    place = np.searchsorted(cumulated, levels).clip(max=len(steps) - 1)
    return {
        "coefficients": coefficients,
        "habit": habit,
        "doubt": doubt,
        "prior": prior,
        "noise": noise,
        "residuals": steps[place],
    }


def _survival(residuals: np.ndarray, paid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Residuals in rising order and the chance of each (Kaplan & Meier): 0 where still open."""
    order = np.argsort(residuals, kind="stable")
    at_risk = len(order) - np.arange(len(order))
    alive = np.cumprod(1 - paid[order] / at_risk)
    return residuals[order], -np.diff(alive, prepend=1.0)


def _drawn_in(
    residuals: np.ndarray,
    paid: np.ndarray,
    steps: np.ndarray,
    chances: np.ndarray,
    noise: float,
) -> np.ndarray:
    """Residuals to learn from: what is expected beyond the present day for open invoices (Buckley
    & James), and none farther than `FAR` standard deviations (Huber)."""
    left = chances[::-1].cumsum()[::-1]
    sums = (chances * steps)[::-1].cumsum()[::-1]
    place = np.searchsorted(steps, residuals).clip(max=len(steps) - 1)
    beyond = np.where(
        left[place] > 1e-9, sums[place] / np.maximum(left[place], 1e-9), residuals
    )
    told = np.where(paid, residuals, np.maximum(beyond, residuals))
    limit = FAR * np.sqrt(noise)
    return np.clip(told, -limit, limit)
