"""One plan per debtor: what is done next, by whom, and what it should bring.

A debtor's overdue invoices may have several causes; the debtor gets one plan. What we failed to do
is put right before anything else is asked for. Then the cause that holds most of the overdue money
decides. Debt that is old enough to count as lost is written off, unless there is something to put
right.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from segment_lab.receivables.ledger import overdue, settings
from segment_lab.texts import say
from segment_lab.window import as_date

#: The plan that each cause asks for.
PLAN_OF = {
    "our_failure": "put_right",
    "consignment": "take_back",
    "cash_trouble": "instalments",
    "deliberate": "legal",
    "not_a_priority": "remind",
    "unknown": "ask",
}
PLANS = ("put_right", "take_back", "instalments", "legal", "write_off", "remind", "ask")


def debtor_plans(
    items: pd.DataFrame,
    customers: pd.DataFrame,
    causes: pd.DataFrame,
    checklist: pd.DataFrame,
    *,
    calls: pd.DataFrame | None = None,
    owners: Mapping[str, str] | pd.Series | None = None,
    loss_days: int = 365,
) -> pd.DataFrame:
    """One row per customer with overdue debt, with one plan.

    Parameters
    ----------
    items, customers, causes, checklist : DataFrame
        From `Ledger.open_items`, `receivables_table`, `collection.causes` and
        `collection.checklist` of one day.
    calls : DataFrame, optional
        From `payment_day.call_order`: orders the debtors and adds its columns.
    owners : mapping or Series, optional
        Responsible person by ``customer_id``.
    loss_days : int
        Debt overdue for longer counts as lost.

    Returns
    -------
    DataFrame
        Index ``customer_id``, whom to call first on top: ``owner, plan`` (one of `PLANS`),
        ``what`` (in words), ``first_step`` (what the checklist still asks for, else the plan),
        ``cause, source, evidence`` (of the largest invoice behind the plan), ``overdue_amount,
        credit`` (not applied to an invoice), ``net_overdue, open_amount, invoices,
        max_days_overdue, ready`` (the checklist is in order for all of them), ``stop_shipping``;
        with `calls` also ``not_coming, never_amount, expected_on``.
    """
    late = overdue(items)
    rows = causes.assign(cause=causes["cause"].fillna("unknown"))
    decisive = _decisive(rows)
    old = late["days_overdue"] > loss_days
    lost = old.groupby(late["customer_id"]).all().reindex(decisive.index)
    plan = decisive["cause"].map(PLAN_OF)
    nothing_of_ours = plan != "put_right"
    plan = plan.mask(lost & nothing_of_ours, "write_off")

    by = late.groupby("customer_id")
    out = pd.DataFrame({"plan": plan}, index=decisive.index)
    out["what"] = [say(f"receivables.plans.{name}") for name in out["plan"]]
    out["first_step"] = _first_steps(checklist, out["what"])
    out = out.join(decisive)
    out["overdue_amount"] = by["open_amount"].sum()
    out["credit"] = customers["unallocated"].reindex(out.index).fillna(0.0)
    out["net_overdue"] = (out["overdue_amount"] - out["credit"]).clip(lower=0)
    out["open_amount"] = customers["open_amount"].reindex(out.index)
    out["invoices"] = by.size()
    out["max_days_overdue"] = by["days_overdue"].max()
    out["ready"] = checklist["ready"].groupby(checklist["customer_id"]).all()
    out["stop_shipping"] = out["plan"].isin(["legal", "write_off", "instalments"])
    names = pd.Series(dict(owners) if owners is not None else {}, dtype="object")
    responsible = out.index.to_series().map(names).astype("object")
    responsible = responsible.fillna(say("receivables.nobody"))
    out.insert(0, "owner", responsible.astype("str"))
    if calls is None:
        return out.sort_values("overdue_amount", ascending=False, kind="stable")
    out = out.join(calls[["not_coming", "never_amount", "expected_on"]])
    return out.sort_values(
        ["not_coming", "overdue_amount"],
        ascending=False,
        kind="stable",
        na_position="last",
    )


def instalments(plans: pd.DataFrame, as_of: dt.date | str) -> pd.DataFrame:
    """The instalments of the debtors whose plan they are: ``customer_id, due_on, amount``.

    Equal parts, a month apart; as many as keep a part at or above the smallest sensible one
    (``config/receivables.yml``), and no more than the most allowed. The parts add up to the net
    overdue amount to the cent.
    """
    rules = settings()["instalments"]
    first = pd.Timestamp(as_date(as_of)) + pd.Timedelta(days=rules["first_days"])
    pays_in_parts = plans["plan"] == "instalments"
    rows = []
    for customer, owed in plans.loc[pays_in_parts, "net_overdue"].items():
        count = int(np.clip(owed // rules["smallest"], 1, rules["most"]))
        part = round(owed / count, 2)
        last = round(owed - part * (count - 1), 2)
        parts = [part] * (count - 1) + [last]
        for number, amount in enumerate(parts):
            due_on = first + pd.DateOffset(months=number)
            rows.append((customer, due_on, amount))
    found = pd.DataFrame(rows, columns=["customer_id", "due_on", "amount"])
    return found.astype({"due_on": "datetime64[us]", "amount": "float64"})


def _decisive(rows: pd.DataFrame) -> pd.DataFrame:
    """Per debtor the cause that decides, with the source and evidence of its largest invoice."""
    by_cause = rows.groupby(["customer_id", "cause"])["open_amount"]
    money = by_cause.sum().reset_index()
    ours = money["cause"] == "our_failure"
    known = money["cause"] != "unknown"
    # First what we failed to do, then any known cause by its money, then the unknown.
    money = money.assign(rank=np.select([ours, known], [2, 1], 0))
    money = money.sort_values(["rank", "open_amount"], ascending=False, kind="stable")
    decisive = money.drop_duplicates("customer_id").set_index("customer_id")["cause"]
    invoices = rows.sort_values("open_amount", ascending=False, kind="stable")
    behind = invoices["cause"] == invoices["customer_id"].map(decisive)
    first = invoices[behind].drop_duplicates("customer_id")
    largest = first.set_index("customer_id")
    return largest[["cause", "source", "evidence"]]


def _first_steps(checklist: pd.DataFrame, what: pd.Series) -> pd.Series:
    """What is still to be put in order for a debtor's invoices, each once; else the plan."""
    todo = checklist[~checklist["ready"]]
    by_invoice = zip(todo["customer_id"], todo["next_step"], strict=True)
    steps: dict[str, list[str]] = {}
    for customer, text in by_invoice:
        known = steps.setdefault(customer, [])
        for step in text.split("; "):
            if step not in known:
                known.append(step)
    joined = {customer: "; ".join(parts) for customer, parts in steps.items()}
    return what.index.to_series().map(joined).fillna(what)
