"""Do the expected payment days come true? Judged on days that have passed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables.payment_day import LEVEL, weekly
from segment_lab.receivables.payment_model import (
    MIN_PAID,
    PaymentDays,
    days_passed,
    learn,
    outlook,
)
from segment_lab.texts import say
from segment_lab.window import as_date

#: Days to payment that are expected of invoices.
Rival = Callable[[pd.DataFrame], np.ndarray]


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
        rival = _own_means(history, day)
        judged = _judged(model, history, day, rival)
        new.append(judged.assign(waited=(last - history["issue_date"]).dt.days))
        cash.append(_cash_judged(model, history, day, weeks, rival))
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
    model: PaymentDays, history: pd.DataFrame, day: pd.Timestamp, rival: Rival
) -> pd.DataFrame:
    """Invoices issued in the week after a stop: what was forecast at their issue, what came."""
    end = day + pd.Timedelta(days=7)
    rows = history[(history["issue_date"] >= day) & (history["issue_date"] < end)]
    days = model.days(rows)
    terms = (rows["due_date"] - rows["issue_date"]).dt.days
    tail = (1 - LEVEL) / 2
    low, middle, high = np.quantile(days, [tail, 0.5, 1 - tail], axis=1)
    own = rival(rows)
    return pd.DataFrame(
        {
            "took": (rows["closed_on"] - rows["issue_date"]).dt.days,
            "terms": terms,
            "middle": np.maximum(middle, 0),
            "low": np.round(low).clip(min=0),
            "high": np.round(high),
            "late": (days > terms.to_numpy()[:, None] + 0.5).mean(axis=1),
            "own_mean": own,
            "own_late": own - terms,
        },
        rows.index,
    )


def _cash_judged(
    model: PaymentDays,
    history: pd.DataFrame,
    day: pd.Timestamp,
    weeks: int,
    rival: Rival,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cash by week after a stop from the invoices open at it: as it came, forecast, by own
    means."""
    unpaid = ~(history["closed_on"] < day) & (history["issue_date"] < day)
    rows = history[unpaid].assign(open_amount=lambda frame: frame["amount"])
    passed = days_passed(rows, day)
    money = rows["amount"].to_numpy(dtype=float)

    def by_week(took: np.ndarray) -> np.ndarray:
        week = np.clip((took - passed) // 7, 0, weeks)
        return np.bincount(week.astype(int), money, weeks + 1)[:weeks]

    took = (rows["closed_on"] - rows["issue_date"]).dt.days.fillna(1e6).to_numpy()
    forecast = weekly(outlook(model, rows, day), rows, day, weeks)
    return by_week(took), forecast, by_week(rival(rows))


def _own_means(history: pd.DataFrame, day: pd.Timestamp) -> Rival:
    """The rival: each customer's mean days to payment among the invoices paid by then."""
    past = history[history["closed_on"] < day]
    took = (past["closed_on"] - past["issue_date"]).dt.days
    means, of_all = took.groupby(past["customer_id"]).mean(), took.mean()

    def expected(rows: pd.DataFrame) -> np.ndarray:
        return rows["customer_id"].map(means).fillna(of_all).to_numpy(dtype=float)

    return expected
