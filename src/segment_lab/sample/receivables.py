"""Invoices and payments of the companies: planted payer types, disputes, credit notes,
consignment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segment_lab.sample.population import DOWNTURN, PLAN, Clock, stream

PAYERS = pd.DataFrame(PLAN["payers"]).set_index("name")
LATE_DAYS, NEVER = 10, np.inf


def payers(people: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Payer type, credit terms (days) and whether it takes goods on consignment, for every
    customer."""
    rng, n = stream(seed, "payers"), len(people)
    return pd.DataFrame(
        {
            "payer": rng.choice(PAYERS.index, n, p=PAYERS["share"]),
            "terms": rng.choice(
                list(PLAN["terms"]),
                n,
                p=list(PLAN["terms"].values()),
            ),
            "consigns": (people["industry"] == "Retail") & (rng.random(n) < 0.25),
        }
    )


def invoices(
    people: pd.DataFrame,
    lines: pd.DataFrame,
    clock: Clock,
    seed: int,
) -> tuple[pd.DataFrame, ...]:
    """One invoice per company order, a credit note per return: tables (invoices, payments,
    truth)."""
    rng = stream(seed, "invoices")
    orders = (
        lines[lines["who"].isin(people.index[people["company"]])]
        .groupby("order_id", as_index=False)
        .agg(who=("who", "first"), day=("day", "first"), amount=("amount", "sum"))
    )
    returned = orders["order_id"].str.startswith("R-")
    credits = orders[returned].assign(
        order_id=orders["order_id"].str.removeprefix("R-")
    )
    bills = (
        orders[~returned]
        .merge(
            credits[["order_id", "day", "amount"]],
            on="order_id",
            how="left",
            suffixes=("", "_credit"),
        )
        .join(payers(people, seed), on="who")
    )
    bills = _behave(
        bills.assign(invoice_id=[f"I{i + 1:06d}" for i in range(len(bills))]),
        clock,
        rng,
    )
    table = pd.concat(
        [_ledger(bills, clock, rng), _credit_notes(bills)], ignore_index=True
    )
    truth = bills[["invoice_id", "real_cause", "paid_day"]].assign(
        never_paid=bills["paid_day"] == NEVER
    )
    return (
        table.sort_values(["day", "invoice_id"], ignore_index=True),
        _payments(bills, clock, rng),
        truth,
    )


def _behave(
    bills: pd.DataFrame,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """When each invoice is due and paid, whether it is disputed, and why it is late."""
    n, plan = len(bills), PAYERS.loc[bills["payer"]].reset_index(names="name")
    consignment = bills["consigns"] & (rng.random(n) < 0.6)
    due = bills["day"] + bills["terms"] + 30 * consignment
    turned = clock.downturn(due)
    disputed = rng.random(n) < plan["dispute"]
    documents = rng.random(n) > np.where(plan["name"] == "dispute-prone", 0.35, 0.02)
    mean = (plan["delay"] + 25 * disputed + 40 * consignment) * (
        1 + DOWNTURN["payment_delay"] * turned
    )
    delay = np.round(rng.gamma(1.6, mean / 1.6)) - (
        plan["name"] == "prompt"
    ) * rng.integers(0, 9, n)
    # Nobody pays before the invoice, nor the rest of one before its credit note.
    paid = np.maximum(due + delay, bills["day_credit"].fillna(bills["day"]) + 1)
    paid = paid.mask(
        rng.random(n) < plan["never"] * (1 + DOWNTURN["never_paid"] * turned), NEVER
    )
    paid = paid.mask(bills["amount"] + bills["amount_credit"] == 0, bills["day_credit"])
    late = np.minimum(paid, clock.days) - due > LATE_DAYS
    cause = np.select(
        [consignment, disputed | ~documents],
        ["consignment", "our_failure"],
        plan["cause"],
    )
    parts = late & bills["day_credit"].isna() & (rng.random(n) < plan["instalments"])
    return bills.assign(
        due_day=due,
        consignment=consignment,
        disputed=disputed,
        documents_sent=documents,
        paid_day=paid,
        real_cause=pd.Series(cause).where(late),
        part_day=np.floor(due + 0.4 * delay.clip(lower=0)).where(parts),
    )


def _ledger(
    bills: pd.DataFrame,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The invoices as they stand at the end: the cause is recorded for less than half of the late
    ones."""
    n, unpaid = len(bills), bills["paid_day"] >= clock.days
    overdue = unpaid & (bills["due_day"] < clock.days)
    return bills.assign(
        kind="invoice",
        cause=bills["real_cause"].where(rng.random(n) < 0.45),
        related_invoice_id=None,
        settled_day=bills["paid_day"].mask(unpaid),
        statement_sent=overdue & (rng.random(n) < 0.6),
        questions_open=unpaid
        & (rng.random(n) < np.where(bills["disputed"], 0.7, 0.03)),
    )


def _credit_notes(bills: pd.DataFrame) -> pd.DataFrame:
    """Negative invoices, settled against the one they relate to."""
    credited = bills[bills["day_credit"].notna()]
    day = credited["day_credit"].astype(int)
    return pd.DataFrame(
        {
            "invoice_id": "CN" + credited["invoice_id"].str[1:],
            "who": credited["who"],
            "day": day,
            "due_day": day,
            "settled_day": day,
            "amount": credited["amount_credit"].astype(int),
            "kind": "credit_note",
            "cause": None,
            "related_invoice_id": credited["invoice_id"],
            "disputed": False,
            "consignment": False,
            "documents_sent": True,
            "statement_sent": False,
            "questions_open": False,
        }
    )


def _payments(
    bills: pd.DataFrame,
    clock: Clock,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """First instalments and final payments that arrived before the end."""
    owed = bills["amount"] + bills["amount_credit"].fillna(0)
    first = (
        (owed * rng.uniform(0.25, 0.6, len(bills)))
        .round()
        .where(bills["part_day"].notna(), 0)
    )
    parts = pd.concat(
        [
            bills[["invoice_id"]].assign(day=bills["part_day"], amount=first),
            bills[["invoice_id"]].assign(day=bills["paid_day"], amount=owed - first),
        ]
    )
    parts = parts[(parts["day"] < clock.days) & (parts["amount"] > 0)]
    parts = parts.sort_values(["day", "invoice_id"], ignore_index=True)
    return parts.assign(payment_id=[f"P{i + 1:06d}" for i in range(len(parts))])
