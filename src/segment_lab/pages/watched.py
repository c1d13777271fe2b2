"""Every watch list of a study in a line: its rule, who acts on it, how many are on it, and how it
did before."""

from __future__ import annotations

from typing import Any

import pandas as pd

from segment_lab.act import watch
from segment_lab.errors import SegmentLabError
from segment_lab.pages.front.wings import Wings
from segment_lab.pages.lists import ActionList
from segment_lab.pages.watching import debts, stuck_deals
from segment_lab.texts import say

#: What the sentences of the rules read.
LIMITS: dict[str, Any] = {
    "gaps": watch.BROKEN_AFTER_GAPS,
    "orders": watch.RHYTHM_ORDERS,
    "lapsed": watch.LAPSED_AFTER_DAYS,
    "growth": watch.GROWTH,
    "late_share": watch.LATE_SHARE,
    "large_share": watch.LARGE_SHARE,
    "fresh": watch.FRESH_DAYS,
    "ahead": watch.AHEAD_DAYS,
}


def watched(actions: ActionList, wings: Wings) -> pd.DataFrame:
    """The watch lists: ``list, rule, who_acts, on_it_today, back_test, whole_list``.

    Lists whose data the study does not have say so instead of a back-test.
    """
    rows = [_of_customers(actions, name) for name in watch.RULES]
    rows.append(_of_debts(wings))
    rows.append(_of_deals(wings, actions.watching.horizon_days))
    return pd.DataFrame(rows)


def _of_customers(actions: ActionList, name: str) -> dict[str, Any]:
    watching = actions.watching
    found = watching.back_tests.get(name)
    said = _tested(found, "bought", watching.horizon_days)
    if not _has_data(actions, name):
        said = say(f"lists.no_data.{name}")
    return {
        "list": say(f"lists.kind.{name}"),
        "rule": say(f"lists.rule.{name}", **LIMITS),
        "who_acts": say("lists.who.account"),
        "on_it_today": len(watching.lists[name]),
        "back_test": said,
        "whole_list": "actions.xlsx",
    }


def _has_data(actions: ActionList, name: str) -> bool:
    people = actions.watching.facts.customers
    if name == "birthday":
        return any(column in people for column in watch.BIRTHDAYS)
    if name == "unanswered":
        return actions.study.has("touches")
    return name != "loss_making" or bool(
        "margin" in people and people["margin"].notna().any()
    )


def _of_debts(wings: Wings) -> dict[str, Any]:
    nothing = "debt" if wings.study.has("invoices") else "invoices"
    row = {
        "list": say("lists.kind.debt"),
        "rule": say(f"lists.no_data.{nothing}"),
        "who_acts": say("lists.who.credit"),
        "on_it_today": 0,
        "back_test": say(f"lists.no_data.{nothing}"),
        "whole_list": "debtors.xlsx",
    }
    if wings.debtors.empty:
        return row
    try:
        facts, found = debts(wings.receivables)
    except SegmentLabError:
        return row
    row["rule"] = say("lists.rule.debt", **facts)
    row["on_it_today"] = int(facts["named"])
    row["back_test"] = _tested(found, "paid", int(facts["horizon_days"]))
    return row


def _of_deals(wings: Wings, horizon_days: int) -> dict[str, Any]:
    row = {
        "list": say("lists.kind.stuck_deal"),
        "rule": say("lists.rule.stuck_deal"),
        "who_acts": say("lists.who.deal"),
        "on_it_today": 0,
        "back_test": say("lists.no_data.stuck_deal"),
        "whole_list": "leads.xlsx",
    }
    if wings.leads.empty or "stuck" not in wings.leads:
        return row
    row["on_it_today"] = int(wings.leads["stuck"].eq(True).sum())
    try:
        found = stuck_deals(wings.study, horizon_days)
    except SegmentLabError:
        return row
    row["back_test"] = _tested(found, "won", horizon_days)
    return row


def _tested(found: watch.BackTest | None, outcome: str, days: int) -> str:
    """A back-test in words."""
    if found is None:
        return say("lists.back_test.short", days=days)
    if not found.named:
        return say("lists.back_test.nobody", days=days)
    return say(f"lists.back_test.{outcome}", days=days, **vars(found))
