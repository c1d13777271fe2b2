"""Simulated ledgers with known fate: does the provision's range hold what is lost?

``python benchmarks/calibration_receivables.py [LEDGERS] [CUSTOMERS]`` prints how often the amount
that is lost in the end lies inside the 95 % range, and expected ÷ lost. About a second a ledger.
"""

from __future__ import annotations

import sys

import ibis
import numpy as np
import pandas as pd

from segment_lab.receivables.book import Book
from segment_lab.receivables.ledger import Ledger

LOSS_DAYS = 365


def ledger(
    seed: int, customers: int, months: int = 36
) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Invoices with their fate, and the day of the report. Customers differ in size, pace and the
    share they never pay; one invoice in eight is very late."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2022-01-01")
    end = start + pd.DateOffset(months=months)
    never_share = rng.beta(0.4, 8, customers)
    pace = rng.lognormal(2.6, 0.7, customers)
    size = rng.lognormal(6, 1, customers)
    who = np.repeat(
        np.arange(customers), rng.poisson(rng.gamma(2, 0.6, customers) * months)
    )
    day = rng.integers(0, (end - start).days, len(who))
    amount = np.round(size[who] * rng.lognormal(0, 0.6, len(who)), 2) + 1
    never = rng.random(len(who)) < never_share[who]
    delay = np.round(rng.gamma(0.8, 1, len(who)) * pace[who] * 1.6 - 5)
    slow = rng.random(len(who)) < 0.12
    delay = np.where(slow, delay + rng.exponential(120, len(who)).round(), delay)
    issued = start + pd.to_timedelta(day, unit="D")
    due = issued + pd.Timedelta(days=30)
    settled = due + pd.to_timedelta(np.maximum(delay, -30), unit="D")
    frame = pd.DataFrame(
        {
            "invoice_id": [f"I{number}" for number in range(len(who))],
            "customer_id": [f"c{number}" for number in who],
            "issue_date": issued,
            "due_date": due,
            "amount": amount,
            "settled_date": settled.where(~never, pd.NaT),
        }
    )
    return frame, end


def main(ledgers: int = 20, customers: int = 150) -> None:
    """Expected and realised loss over so many ledgers."""
    inside, expected, lost = 0, 0.0, 0.0
    for seed in range(ledgers):
        frame, end = ledger(seed, customers)
        known = frame.assign(
            settled_date=frame["settled_date"].where(frame["settled_date"] < end)
        )
        total = Book(Ledger(ibis.memtable(known)), end.date()).provision.loc["total"]
        unpaid = frame[(frame["issue_date"] < end) & ~(frame["settled_date"] < end)]
        took = (unpaid["settled_date"] - unpaid["due_date"]).dt.days
        gone = unpaid["amount"][took.isna() | (took > LOSS_DAYS)].sum()
        inside += total["expected_loss_low"] <= gone <= total["expected_loss_high"]
        expected, lost = expected + total["expected_loss"], lost + gone
    print(
        f"{ledgers} ledgers of {customers} customers: inside the 95 % range {inside / ledgers:.3f}"
    )
    print(f"expected / lost {expected / lost:.3f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
