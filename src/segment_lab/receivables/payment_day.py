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
DRAWS = 400
LEVEL = 0.9
CALL_DAYS = 30


@dataclass(frozen=True, eq=False)
class PaymentDays:
    """What the paid invoices before `as_of` teach; made by `learn`.

    `residuals` are equally likely days around the expected one, rising. `effects` and `doubt` have
    a row per customer in `customers`: the own habit (plain, and when disputed) and its covariance;
    `prior` is the covariance of habits between customers, `noise` the variance within.
    """

    as_of: pd.Timestamp
    loss_days: int
    coefficients: np.ndarray
    customers: pd.Index
    effects: np.ndarray
    doubt: np.ndarray
    prior: np.ndarray
    noise: float
    residuals: np.ndarray
    never: pd.Series
    never_overall: float

    def habits(self, invoices: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Own effects of each invoice's customer, shape (n, 2), and their covariance (n, 2, 2)."""
        place = self.customers.get_indexer(pd.Index(invoices["customer_id"]))
        known = place >= 0
        effects = np.where(known[:, None], self.effects[place], 0.0)
        doubt = np.where(known[:, None, None], self.doubt[place], self.prior)
        return effects, doubt

    def days(self, invoices: pd.DataFrame) -> np.ndarray:
        """Equally likely days from issue to payment, given that it is paid: shape (n, POINTS)."""
        fixed, own = _design(invoices, self.as_of)
        effects, doubt = self.habits(invoices)
        middle = fixed @ self.coefficients + (own * effects).sum(axis=1)
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
        return np.take_along_axis(self.days, reached.argmax(axis=1)[:, None], axis=1)[
            :, 0
        ]


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
    fitted = _fitted(waited, paid, codes, len(customers), *_design(rows, day))
    return PaymentDays(
        day,
        loss_days,
        customers=pd.Index(customers),
        never=never,
        never_overall=never_overall,
        **fitted,
    )


def outlook(
    model: PaymentDays, invoices: pd.DataFrame, as_of: dt.date | str
) -> Outlook:
    """The payment days of open `invoices`, given that they were unpaid at the start of `as_of`.

    `invoices` need ``customer_id, issue_date, due_date, amount, disputed``.
    """
    days = np.round(model.days(invoices))
    passed = _passed(invoices, as_of)
    weights = (days >= passed[:, None]) / POINTS
    late = weights.sum(axis=1) == 0
    # Older than all that was ever seen: paid today if at all, as likely as the longest wait.
    days[late] = np.maximum(days[late], passed[late, None])
    weights[late] = 1 / POINTS**2
    never = model.never_paid(invoices)
    alive = weights * (1 - never)[:, None]
    total = alive.sum(axis=1) + never
    return Outlook(days, alive / total[:, None], never / total)


def payment_days(model: PaymentDays, invoices: pd.DataFrame) -> pd.DataFrame:
    """When each open invoice will be paid, index as `invoices`.

    ``customer_id, open_amount, due_date``; ``expected_on`` (the middle day, if it is paid) with
    ``earliest_on`` and ``latest_on`` (90 % range); ``late_share`` (chance of a payment after the
    due date, or none; 1 once overdue), ``never_share`` and ``call_share`` (chance that it is still
    unpaid in 30 days).
    """
    seen = outlook(model, invoices, model.as_of)
    out = invoices[["customer_id", "open_amount", "due_date"]].copy()
    tail = (1 - LEVEL) / 2
    for name, level in (("expected", 0.5), ("earliest", tail), ("latest", 1 - tail)):
        wait = pd.to_timedelta(seen.quantile(level), unit="D")
        out[f"{name}_on"] = (invoices["issue_date"] + wait).dt.normalize()
    terms = (invoices["due_date"] - invoices["issue_date"]).dt.days.to_numpy()
    out["late_share"] = seen.beyond(terms)
    out["never_share"] = seen.never
    out["call_share"] = seen.beyond(_passed(invoices, model.as_of) + CALL_DAYS)
    return out


def call_order(days: pd.DataFrame, as_of: dt.date | str) -> pd.DataFrame:
    """Whom the collector calls first: debtors by the overdue money that will not come by itself.

    `days` from `payment_days`. Per customer with overdue invoices: ``overdue_amount``,
    ``not_coming`` (overdue money expected to be still unpaid in 30 days without a call),
    ``never_amount`` (expected never to be paid), and ``expected_on`` of the largest overdue
    invoice.
    """
    late = days[days["due_date"] < pd.Timestamp(as_date(as_of)) - pd.Timedelta(days=1)]
    late = late.sort_values("open_amount", ascending=False, kind="stable")
    late = late.assign(
        not_coming=late["open_amount"] * late["call_share"],
        never_amount=late["open_amount"] * late["never_share"],
    )
    by = late.groupby("customer_id", sort=False)
    out = by.agg(
        overdue_amount=("open_amount", "sum"),
        not_coming=("not_coming", "sum"),
        never_amount=("never_amount", "sum"),
        expected_on=("expected_on", "first"),
    )
    return out.sort_values("not_coming", ascending=False, kind="stable")


def cash_calendar(
    model: PaymentDays, invoices: pd.DataFrame, weeks: int = 8, seed: int = 0
) -> pd.DataFrame:
    """Cash expected from the open invoices by week, index ``week`` (its first day).

    ``expected`` with its 90 % range ``expected_low, expected_high``. The range draws the habit of
    every customer once for all its invoices, and then each invoice's day. Invoices not yet issued
    are not in it.
    """
    starts = model.as_of + pd.to_timedelta(7 * np.arange(weeks), unit="D")
    money = invoices["open_amount"].to_numpy(dtype=float)
    expected = _weekly(
        outlook(model, invoices, model.as_of), invoices, model.as_of, weeks
    )
    drawn = _drawn_weeks(model, invoices, weeks, money, np.random.default_rng(seed))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    out = {"expected": expected, "expected_low": low, "expected_high": high}
    return pd.DataFrame(out, index=pd.Index(starts, name="week"))


def _weekly(
    seen: Outlook, invoices: pd.DataFrame, day: pd.Timestamp, weeks: int
) -> np.ndarray:
    week = (seen.days - _passed(invoices, day)[:, None]) // 7
    money = invoices["open_amount"].to_numpy(dtype=float)
    paid = [
        (seen.weights * (week == number)).sum(axis=1) @ money for number in range(weeks)
    ]
    return np.array(paid)


def _drawn_weeks(
    model: PaymentDays,
    invoices: pd.DataFrame,
    weeks: int,
    money: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Cash by week in every draw, shape (DRAWS, weeks)."""
    fixed, own = _design(invoices, model.as_of)
    effects, doubt = model.habits(invoices)
    codes, names = pd.factorize(invoices["customer_id"])
    first = np.unique(codes, return_index=True)[1]
    roots = np.linalg.cholesky(doubt[first] + 1e-9 * np.eye(2))
    passed = _passed(invoices, model.as_of)
    seen = outlook(model, invoices, model.as_of)
    cash = np.zeros((DRAWS, weeks + 1))
    for draw in range(DRAWS):
        shift = (roots @ rng.standard_normal((len(names), 2, 1)))[:, :, 0]
        middle = fixed @ model.coefficients + (own * (effects + shift[codes])).sum(
            axis=1
        )
        # The residuals that are still possible are equally likely.
        start = np.searchsorted(model.residuals, passed - 0.5 - middle)
        left = np.maximum(POINTS - start, 1)
        pick = np.minimum(
            start + (rng.random(len(money)) * left).astype(int), POINTS - 1
        )
        days = np.maximum(np.round(middle + model.residuals[pick]), passed)
        week = np.clip((days - passed) // 7, 0, weeks).astype(int)
        week[rng.random(len(money)) < seen.never] = weeks
        cash[draw] = np.bincount(week, money, weeks + 1)
    return cash[:, :weeks]


def payment_check(
    history: pd.DataFrame,
    as_of: dt.date | str,
    *,
    stops: int = 26,
    weeks: int = 6,
    loss_days: int = 365,
    months: int = 24,
) -> pd.DataFrame:
    """The forecast as it would have been made at the start of each of the last weeks, against what
    came.

    At every stop the model knows what was known then. Judged are the invoices issued in the week
    after it, as forecast at their issue, and the cash of the `weeks` after it from the invoices
    open at it. The rival is the customer's own mean of days to payment so far. Whether an invoice
    is disputed is taken as known; the data carry no date for it.

    Index ``figure``: ``days_missed`` (mean absolute error), ``late_auc`` (chance of late against
    late or not), ``inside`` (share of payments inside the 90 % range), ``weekly_cash_missed``
    (sum of absolute errors ÷ cash that came); columns ``forecast``, ``own_mean``.
    NotEnoughDataError where fewer than `MIN_PAID` invoices can be judged.
    """
    from sklearn.metrics import roc_auc_score

    last = pd.Timestamp(as_date(as_of))
    days = [last - pd.Timedelta(days=7 * (weeks + step)) for step in range(stops)]
    new, cash = [], []
    for day in days:
        try:
            model = learn(history, day.date(), loss_days=loss_days, months=months)
        except NotEnoughDataError:
            break
        judged = _judged(model, history, day)
        new.append(judged.assign(waited=(last - history["issue_date"]).dt.days))
        cash.append(_cash_judged(model, history, day, weeks))
    rows = pd.concat(new) if new else pd.DataFrame()
    if len(rows) < MIN_PAID:
        raise NotEnoughDataError(
            say("receivables.errors.few_judged", needed=MIN_PAID, n=len(rows))
        )
    came, forecast, own_mean = (
        np.concatenate(part) for part in zip(*cash, strict=True)
    )
    # Still open: late once the terms have passed, else not known yet.
    rows = rows[rows["took"].notna() | (rows["waited"] > rows["terms"])]
    late = ~(rows["took"] <= rows["terms"])
    paid = rows[rows["took"].notna()]
    known = late.nunique() == 2
    figures = {
        "days_missed": [
            (paid[name] - paid["took"]).abs().mean() for name in ("middle", "own_mean")
        ],
        "late_auc": [
            roc_auc_score(late, rows[name]) if known else np.nan
            for name in ("late", "own_late")
        ],
        "inside": [paid["took"].between(paid["low"], paid["high"]).mean(), np.nan],
        "weekly_cash_missed": [
            np.abs(guess - came).sum() / max(came.sum(), 1e-9)
            for guess in (forecast, own_mean)
        ],
        "invoices": [len(rows), len(rows)],
    }
    out = pd.DataFrame.from_dict(
        figures, orient="index", columns=["forecast", "own_mean"]
    )
    return out.rename_axis("figure")


def _judged(
    model: PaymentDays, history: pd.DataFrame, day: pd.Timestamp
) -> pd.DataFrame:
    """Invoices issued in the week after a stop: what was forecast at their issue, what came."""
    end = day + pd.Timedelta(days=7)
    rows = history[(history["issue_date"] >= day) & (history["issue_date"] < end)]
    days = model.days(rows)
    terms = (rows["due_date"] - rows["issue_date"]).dt.days
    tail = (1 - LEVEL) / 2
    own = _own_mean(history, day, rows)
    return pd.DataFrame(
        {
            "took": (rows["closed_on"] - rows["issue_date"]).dt.days,
            "terms": terms,
            "middle": np.maximum(np.quantile(days, 0.5, axis=1), 0),
            "low": np.round(np.quantile(days, tail, axis=1)).clip(min=0),
            "high": np.round(np.quantile(days, 1 - tail, axis=1)),
            "late": (days > terms.to_numpy()[:, None] + 0.5).mean(axis=1),
            "own_mean": own,
            "own_late": own - terms,
        },
        rows.index,
    )


def _cash_judged(
    model: PaymentDays, history: pd.DataFrame, day: pd.Timestamp, weeks: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cash by week after a stop from the invoices open at it: as it came, forecast, by own
    means."""
    unpaid = ~(history["closed_on"] < day) & (history["issue_date"] < day)
    rows = history[unpaid].assign(open_amount=lambda frame: frame["amount"])
    passed = _passed(rows, day)
    money = rows["amount"].to_numpy(dtype=float)

    def by_week(took: np.ndarray) -> np.ndarray:
        week = np.clip((took - passed) // 7, 0, weeks)
        return np.bincount(week.astype(int), money, weeks + 1)[:weeks]

    took = (rows["closed_on"] - rows["issue_date"]).dt.days.fillna(1e6).to_numpy()
    forecast = _weekly(outlook(model, rows, day), rows, day, weeks)
    return by_week(took), forecast, by_week(_own_mean(history, day, rows))


def _own_mean(
    history: pd.DataFrame, day: pd.Timestamp, rows: pd.DataFrame
) -> np.ndarray:
    """The rival: each customer's mean days to payment among the invoices paid by then."""
    past = history[history["closed_on"] < day]
    took = (past["closed_on"] - past["issue_date"]).dt.days
    means = took.groupby(past["customer_id"]).mean()
    return rows["customer_id"].map(means).fillna(took.mean()).to_numpy(dtype=float)


def _passed(invoices: pd.DataFrame, as_of: dt.date | str | pd.Timestamp) -> np.ndarray:
    day = as_of if isinstance(as_of, pd.Timestamp) else pd.Timestamp(as_date(as_of))
    return (day - invoices["issue_date"]).dt.days.to_numpy()


def _design(invoices: pd.DataFrame, day: pd.Timestamp) -> tuple[np.ndarray, np.ndarray]:
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
    customer: pd.Series, old: np.ndarray, gone: np.ndarray
) -> tuple[pd.Series, float]:
    """Share of invoices never paid, per customer and overall, among those old enough to tell."""
    if not old.any():
        return pd.Series(dtype=float), 0.0
    overall = float(gone.sum() / old.sum())
    by = pd.DataFrame({"old": old, "gone": gone}).groupby(customer.to_numpy()).sum()
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
    effects = np.zeros((customers, width))
    target = waited.copy()
    for _ in range(ROUNDS):
        shared = target - (own * effects[codes]).sum(axis=1)
        coefficients = np.linalg.lstsq(fixed, shared, rcond=None)[0]
        rest = target - fixed @ coefficients
        sums = np.zeros((customers, width))
        np.add.at(sums, codes, own * rest[:, None])
        doubt = np.linalg.inv(products / noise + np.linalg.inv(prior))
        effects = np.einsum("cij,cj->ci", doubt, sums / noise)
        spread = (effects**2).mean(axis=0) + np.diagonal(doubt, axis1=1, axis2=2).mean(
            axis=0
        )
        prior = np.diag(np.maximum(spread, 1e-3))
        leverage = np.einsum("ni,nij,nj->n", own, doubt[codes], own) / noise
        middle = fixed @ coefficients + (own * effects[codes]).sum(axis=1)
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
        "effects": effects,
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
