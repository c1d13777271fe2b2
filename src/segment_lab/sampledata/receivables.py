"""Invoices and payments of the companies: planted payer types, disputes, credit notes, consignment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segment_lab.sampledata.population import Clock, stream

#: Planted payers: share, mean delay after the due day, chance of two instalments, of never paying (the rest),
#: of a dispute, and why they are late. Prompt ones pay around the due day.
PAYERS = pd.DataFrame(
    [("prompt",        .50, 3, .01, .001, .01, "not_a_priority"),
     ("slow",          .25, 26, .04, .004, .02, "not_a_priority"),
     ("distressed",    .12, 55, .45, .070, .02, "cash_trouble"),
     ("deliberate",    .06, 80, .08, .200, .04, "deliberate"),
     ("dispute-prone", .07, 30, .05, .030, .45, "our_failure")],
    columns=["name", "share", "delay", "instalments", "never", "dispute", "cause"])
TERMS, TERM_SHARES = np.array([14, 30, 60]), (.35, .50, .15)
LATE_DAYS, NEVER = 10, np.inf


def payers(people: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Payer type, credit terms and consignment of every customer (used for companies only)."""
    rng, n = stream(seed, "payers"), len(people)
    return pd.DataFrame({"payer": rng.choice(len(PAYERS), n, p=PAYERS["share"]),
                         "terms": rng.choice(TERMS, n, p=TERM_SHARES),
                         "consigns": rng.random(n) < .25 * (people["industry"] == "Retail").fillna(False)})


def invoices(people: pd.DataFrame, lines: pd.DataFrame, clock: Clock, seed: int) -> tuple[pd.DataFrame, ...]:
    """One invoice per company order, a credit note per return: tables (invoices, payments, truth)."""
    rng = stream(seed, "invoices")
    traits = payers(people, seed)
    orders = lines[people["company"].to_numpy()[lines["who"]]].groupby("order_id", as_index=False).agg(
        who=("who", "first"), day=("day", "first"), amount=("amount", "sum"))
    credit = orders["order_id"].str.startswith("R-")
    bills, credits = orders[~credit].reset_index(drop=True), orders[credit].reset_index(drop=True)
    bills = bills.sort_values(["day", "order_id"], ignore_index=True).join(traits, on="who")
    bills["credited"] = _by_order(bills, credits, "amount").fillna(0).astype(int)
    bills = _behaviour(bills, _by_order(bills, credits, "day"), clock, rng)
    bills["invoice_id"] = [f"I{i + 1:06d}" for i in range(len(bills))]
    table = pd.concat([_documents(bills, clock, rng), _credit_notes(bills, credits)], ignore_index=True)
    truth = pd.DataFrame({"invoice_id": bills["invoice_id"], "real_cause": bills["real_cause"],
                          "never_paid": bills["paid_day"] == NEVER, "paid_on": clock.dates(bills["paid_day"])})
    return table.sort_values(["day", "invoice_id"], ignore_index=True), _payments(bills, clock, rng), truth


def _by_order(bills: pd.DataFrame, credits: pd.DataFrame, column: str) -> pd.Series:
    """What the return of each billed order says, missing where nothing came back."""
    return bills["order_id"].map(credits.set_index(credits["order_id"].str.removeprefix("R-"))[column])


def _behaviour(bills: pd.DataFrame, credit_day: pd.Series, clock: Clock, rng: np.random.Generator) -> pd.DataFrame:
    """When each invoice is due and paid, whether it is disputed, and why it is late."""
    n, plan = len(bills), PAYERS.iloc[bills["payer"]].reset_index(drop=True)
    consignment = bills["consigns"] & (rng.random(n) < .6)
    due = bills["day"] + bills["terms"] + np.where(consignment, 30, 0)
    disputed = rng.random(n) < plan["dispute"]
    documents = rng.random(n) > np.where(plan["name"] == "dispute-prone", .35, .02)
    mean = (plan["delay"] + 25 * disputed + 40 * consignment) * (1 + .8 * clock.downturn(due))
    delay = np.round(rng.gamma(1.6, mean / 1.6)) - np.where(plan["name"] == "prompt", rng.integers(0, 9, n), 0)
    paid = np.maximum(due + delay, np.maximum(bills["day"] + 1, credit_day.fillna(0) + 1))
    never = rng.random(n) < plan["never"] * (1 + clock.downturn(due))
    fully_credited = bills["amount"] + bills["credited"] == 0
    bills = bills.assign(due_day=due, consignment=consignment, disputed=disputed, documents_sent=documents,
                         paid_day=np.where(fully_credited, credit_day, np.where(never, NEVER, paid)))
    cause = np.select([consignment, disputed | ~documents], ["consignment", "our_failure"], plan["cause"])
    late = np.minimum(bills["paid_day"], clock.days) - due > LATE_DAYS
    instalments = (rng.random(n) < plan["instalments"]) & (delay > LATE_DAYS) & ~fully_credited & credit_day.isna()
    return bills.assign(real_cause=np.where(late, cause, None),
                        part_day=np.where(instalments, np.floor(due + .4 * delay), np.nan))


def _documents(bills: pd.DataFrame, clock: Clock, rng: np.random.Generator) -> pd.DataFrame:
    """The invoices as the ledger knows them at the end: the cause is recorded for less than half."""
    n, still_open = len(bills), bills["paid_day"] >= clock.days
    overdue = still_open & (bills["due_day"] < clock.days)
    return bills[["invoice_id", "who", "day", "due_day", "amount", "disputed", "consignment", "documents_sent"]].assign(
        kind="invoice", cause=bills["real_cause"].where(rng.random(n) < .45, None),
        settled_day=bills["paid_day"].where(~still_open), related_invoice_id=None,
        statement_sent=overdue & (rng.random(n) < .6),
        questions_open=still_open & (rng.random(n) < np.where(bills["disputed"], .7, .03)))


def _credit_notes(bills: pd.DataFrame, credits: pd.DataFrame) -> pd.DataFrame:
    """Negative invoices that settle themselves against the one they relate to."""
    order = credits["order_id"].str.removeprefix("R-")
    related = order.map(bills.set_index("order_id")["invoice_id"])
    return pd.DataFrame({
        "invoice_id": "CN" + related.str[1:], "who": credits["who"], "day": credits["day"], "due_day": credits["day"],
        "amount": credits["amount"], "disputed": False, "consignment": False, "documents_sent": True,
        "kind": "credit_note", "cause": None, "settled_day": credits["day"].astype(float),
        "related_invoice_id": related, "statement_sent": False, "questions_open": False})


def _payments(bills: pd.DataFrame, clock: Clock, rng: np.random.Generator) -> pd.DataFrame:
    """First instalments and final payments that arrived before the end."""
    owed = bills["amount"] + bills["credited"]
    first = np.where(bills["part_day"].notna(), np.round(owed * rng.uniform(.25, .6, len(bills))), 0).astype(int)
    parts = pd.concat([
        pd.DataFrame({"invoice_id": bills["invoice_id"], "day": bills["part_day"], "amount": first}),
        pd.DataFrame({"invoice_id": bills["invoice_id"], "day": bills["paid_day"], "amount": owed - first})])
    parts = parts[(parts["day"] < clock.days) & (parts["amount"] > 0)]
    parts = parts.sort_values(["day", "invoice_id"], ignore_index=True)
    return parts.assign(payment_id=[f"P{i + 1:06d}" for i in range(len(parts))])
