"""The book in words: the report's answer, the rules of the alerts, days sales outstanding."""

from __future__ import annotations

from typing import Any

import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.receivables import aging
from segment_lab.receivables.alerts import AlertRules
from segment_lab.receivables.book import Book
from segment_lab.segments.base import Finding
from segment_lab.texts import say


def finding(book: Book, value: pd.Series) -> Finding:
    """The report's answer: what is late, what will be lost, who is valuable and late."""
    open_amount = float(book.customers["open_amount"].sum())
    late = float(book.customers["overdue_amount"].sum())
    conflict = book.conflict(value)
    figures: dict[str, Any] = {
        "open_amount": open_amount,
        "overdue_amount": late,
        "overdue_share": late / open_amount if open_amount else 0.0,
        "debtor_customers": len(book.debtors()),
        "conflict_customers": len(conflict),
        "conflict_overdue_amount": conflict["overdue_amount"].sum(),
    }
    owed = say(
        "receivables.headline.owed", open_amount=open_amount, overdue_amount=late
    )
    loss, more = _expected_loss(book)
    best = say("receivables.headline.no_conflict")
    if len(conflict):
        amount = conflict["overdue_amount"].sum()
        best = say("receivables.headline.conflict", count=len(conflict), amount=amount)
    return Finding((owed, loss, best), figures | more)


def _expected_loss(book: Book) -> tuple[str, dict[str, float]]:
    try:
        total: Any = book.provision.loc["total"]
    except NotEnoughDataError:
        unpaid = not book.ledger.knows_payments
        return say("receivables.headline.loss_unknown", no_payments=unpaid), {}
    figures = {name: total[name] for name in ("expected_loss", "net_value")}
    key = "loss" if total["expected_loss"] > 0 else "no_loss"
    said = say(
        f"receivables.headline.{key}",
        loss=total["expected_loss"],
        low=total["expected_loss_low"],
        high=total["expected_loss_high"],
    )
    return said, figures


def rules_in_words(rules: AlertRules) -> str:
    """What raises an alert, with the names of the rules."""
    key = "old" if rules.min_amount == float("inf") else "both"
    return say(
        f"receivables.alerts.{key}", days=rules.min_days, amount=rules.min_amount
    )


def dso_caption(frame: pd.DataFrame) -> str:
    """The last month end of `aging.dso` in words."""
    now = frame.iloc[-1]
    if pd.isna(now["dso"]):
        return say("receivables.dso.unknown", days=aging.SALES_DAYS)
    countback = None if pd.isna(now["countback"]) else now["countback"]
    return say(
        "receivables.dso.caption",
        dso=now["dso"],
        best_possible=now["best_possible"],
        countback=countback,
        days=aging.SALES_DAYS,
    )
