"""Files that are no order log: customers summed up, leads, contacts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from segment_lab.data.guess import amounts, scale
from segment_lab.data.guess import columns as choose
from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.columns import Customer
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.opening import (
    Opened,
    Proposal,
)
from segment_lab.data.guess.signs import Sold
from segment_lab.data.guess.values import day_layout, layout, number_layout
from segment_lab.data.guess.vocabulary import (
    holds_any,
    normal,
    ranked,
    states_of,
    touch,
    vocabulary,
)
from segment_lab.data.quoting import literal, quoted
from segment_lab.texts import say


def recognised(columns: Columns, frame: pd.DataFrame) -> str | None:
    """Which table a file is, where it is no order log: ``invoices, payments, touches, leads,
    summary, undated``."""
    due = choose.first(
        columns, "due_date", lambda f: f.filled > choose.EMPTY and f.days >= 0.5
    )
    money = amounts.amount(columns)
    owed = choose.first(columns, "open_amount", choose.is_amount)
    if due and (owed or (money and not _ordered(columns))):
        return "invoices"
    buyer = choose.customer(columns)
    if not buyer and choose.first(
        columns, "payment_id", lambda f: f.filled > choose.FULL
    ):
        return "payments"
    if _summed_up(columns):
        dated = _last_order(columns) or _recency(columns)
        worth = money or _brought_in(columns, [])
        return "summary" if dated and worth and buyer else "undated"
    if buyer and _brought_in_all(columns, frame, buyer):
        return "undated"
    if buyer and _event(columns) and not money and _touched(columns):
        return "touches"
    number = choose.first(columns, "order_id", lambda f: f.unique == 1) or _bare_id(
        columns
    )
    statuses = [
        name for name in ranked(columns, "lead_status") if columns[name].filled > 0.3
    ]
    if number and statuses and not money and ranked(columns, "created_on"):
        return "leads"
    return None


def _brought_in_all(columns: Columns, frame: pd.DataFrame, buyer: Customer) -> bool:
    """Whether rows are customers, and a column holds what each brought or ordered in all."""
    once_each = all(columns[name].unique == 1 for name in buyer.columns)
    if not once_each or choose.order_id(columns, frame, buyer):
        return False
    if _counted(columns):
        return True
    words = vocabulary()["lifetime"]
    for name, facts in columns.items():
        header = f" {normal(name)} "
        named = any(f" {word} " in header for word in words)
        if named and choose.is_amount(facts):
            return True
    return False


def _ordered(columns: Columns) -> bool:
    """Whether the day is that of an order, due like every delivery, and of no invoice."""
    headers = list(map(normal, columns))
    if holds_any(headers, vocabulary()["invoice_numbers"]):
        return False
    return not set(headers).isdisjoint(vocabulary()["order_days"])


def _bare_id(columns: Columns) -> str | None:
    return next(
        (
            name
            for name, facts in columns.items()
            if name.lower() == "id" and facts.unique == 1
        ),
        None,
    )


def _event(columns: Columns) -> str | None:
    def fits(facts: Facts) -> bool:
        known = [touch(value) is not None for value in facts.cells]
        return bool(known) and sum(known) / len(known) > 0.5

    named = choose.first(columns, "event", fits) or choose.first(
        columns, "status", fits
    )
    if named:
        return named
    few = [name for name, facts in columns.items() if 2 <= facts.distinct <= 12]
    return next((name for name in few if fits(columns[name])), None)


def _touched(columns: Columns) -> str | None:
    """The day of a contact."""
    return choose.first(
        columns, "touch_date", lambda f: f.filled > 0.5 and f.days > 0.5
    )


def _summed_up(columns: Columns) -> bool:
    """Whether rows are customers with the number of their orders and the day of the last, or how
    long ago it was."""
    count = _counted(columns)
    dated = _last_order(columns) is not None or bool(ranked(columns, "recency"))
    return count is not None and dated


def _counted(columns: Columns) -> str | None:
    return choose.first(
        columns, "summary_orders", lambda f: f.numbers > 0.9 and f.days < 0.5
    )


def _recency(columns: Columns) -> str | None:
    """How many days ago each customer last bought."""
    return choose.first(
        columns, "recency", lambda f: f.numbers > 0.9 and not f.fractional
    )


def _last_order(columns: Columns) -> str | None:
    return choose.first(
        columns, "summary_last", lambda f: f.days >= 0.5 and f.filled > 0.3
    )


# Customers summed up
# -------------------------------------------------------------------------------------------------


def summary(file: Opened, proposal: Proposal) -> None:
    """Customers with the number of their orders, their revenue and the day of the last order."""
    columns = file.columns
    count = _counted(columns)
    last = _last_order(columns)
    begun = choose.first(
        columns, "summary_first", lambda f: f.days >= 0.5 and f.filled > 0.3
    )
    buyer = choose.customer(columns)
    ago = _recency(columns) if last is None else None
    taken = [name for name in (count, last, begun, ago) if name]
    paid = _brought_in(columns, taken) or amounts.amount(columns, taken)
    assert buyer is not None
    assert paid is not None
    scale.written_short(file, proposal, paid.columns)
    paid.expression = scale.to_units(file, proposal, paid.expression, paid.columns)
    today = dt.date.today().isoformat()
    dated = last or f"DATE '{today}' - {quoted(str(ago))}"
    mapping = {
        "customer_id": buyer.expression,
        "orders": _whole(columns, str(count)),
        "revenue": paid.expression,
        "last_order": dated,
        "first_order": begun,
    }
    written, doubts = layout(file.raw.table, dated, paid.expression)
    source = file.source | {
        "columns": {name: text for name, text in mapping.items() if text}
    }
    proposal.sources["customer_summary"] = source | written
    proposal.doubts += doubts
    proposal.methods = {
        "rfm": {},
        "abc": {},
        "clusters": {},
    }
    proposal.currency = next(iter(_currencies(columns)), "")
    if ago:
        proposal.took.append(say("summary.took_ago", orders=count, ago=ago))
        proposal.doubts.append(say("summary.day_ago", ago=ago, day=today))
    else:
        proposal.took.append(say("summary.took", orders=count, last=last))
        proposal.doubts.append(say("summary.day"))
    told = str(last or ago)
    if columns[told].filled < 1:
        kept = f"{quoted(told)} IS NOT NULL"
        proposal.sources["customer_summary"]["where"] = kept
        empty = columns[told].rows - len(columns[told].cells)
        proposal.took.append(say("summary.without_order", column=told, rows=empty))


def _brought_in(columns: Columns, taken: list[str]) -> Amount | None:
    """What customers brought in all, by its own words."""
    name = choose.first(columns, "summary_revenue", choose.is_amount, taken)
    return Amount(_whole(columns, name), (name,)) if name else None


def _whole(columns: Columns, name: str) -> str:
    """A column, or the sum of those that differ from it in one word, such as online and offline;
    one that is their sum stands for all."""
    kin = [other for other in columns if _one_word_apart(name, other)]
    kin = [other for other in kin if choose.is_amount(columns[other])]
    parts = {one: columns[one].amounts().fillna(0) for one in (name, *kin)}
    for one, values in parts.items():
        rest = sum(other for key, other in parts.items() if key != one)
        if kin and bool(((values - rest).abs() < 0.01).all()):
            return one
    return " + ".join(f"coalesce({quoted(one)}, 0)" for one in parts) if kin else name


def _one_word_apart(first: str, other: str) -> bool:
    one, two = normal(first).split(), normal(other).split()
    if len(one) != len(two) or len(one) < 3:
        return False
    apart = [pair for pair in zip(one, two, strict=True) if pair[0] != pair[1]]
    return len(apart) == 1 and set(apart[0]).isdisjoint(vocabulary()["no_parts"])


def _currencies(columns: Columns) -> list[str]:
    """The one currency that a column names."""
    for name in ranked(columns, "currency"):
        found = {cell.strip().upper() for cell in columns[name].cells}
        if len(found) == 1:
            return sorted(found)
    return []


# Leads
# -------------------------------------------------------------------------------------------------


def leads(file: Opened, proposal: Proposal) -> None:
    """Leads or contacts with a status, without amounts."""
    columns = file.columns
    number = choose.first(columns, "order_id", lambda f: f.unique == 1) or _bare_id(
        columns
    )
    status = next(n for n in ranked(columns, "lead_status") if columns[n].filled > 0.3)
    _leads(file, proposal, str(number), status, choose.customer(columns), None)
    proposal.took.append(say("init.took.leads", status=status))
    said = states_of(columns[status].cells)
    if "sold" in said and "lost" in said:
        options = {"won": said["sold"], "lost": said["lost"]}
        proposal.methods["leads"] = options
        proposal.took.append(say("init.took.leads_end", **options))
    else:
        proposal.doubts.append(say("init.doubt.won", values=_values(columns, status)))


def leads_beside(
    file: Opened,
    proposal: Proposal,
    buyer: Customer,
    paid: Amount,
    found: Sold,
) -> None:
    """Deals with their status are leads too: won, lost and open ones."""
    number = proposal.sources["orders"]["columns"].get("order_id")
    if number is None or found.decided is None:
        return
    if file.columns[number].unique < 1:
        return  # lines of orders are no deals
    _leads(file, proposal, number, found.decided, buyer, paid, found)
    options = {
        "won": found.states["sold"],
        "lost": found.states["lost"],
    }
    proposal.methods["leads"] = options
    proposal.took.append(say("init.took.leads_too", status=found.decided))


def _leads(
    file: Opened,
    proposal: Proposal,
    number: str,
    status: str,
    buyer: Customer | None,
    paid: Amount | None,
    found: Sold | None = None,
) -> None:
    columns = file.columns
    full: dict[str, str | None] = {
        "lead_id": number,
        "status": status,
    }
    created = choose.first(
        columns, "created_on", lambda f: f.filled > 0.5 and f.days > 0.5
    )
    full |= {"created_on": created} if created else {}
    full |= {"customer_id": buyer.expression} if buyer else {}
    for name, role in (("owner", "owner"), ("source", "lead_source")):
        column = choose.first(columns, role, lambda f: f.filled > 0.3, full.values())
        full |= {name: column} if column else {}
    full |= {"value": paid.expression} if paid else {}
    if paid and found and found.one_currency:
        # A lead counts in any currency; values are compared in one.
        whole = paid.expression
        whole = quoted(whole) if whole in columns else whole
        value = f"CASE WHEN {found.one_currency} THEN {whole} END"
        full |= {"value": value, "currency": None}
    kept = (
        "path",
        "url",
        "query",
        "encoding",
        "skip",
        "sheet",
        "delimiter",
        "totals",
        "fill_down",
        "groups",
    )
    source: dict[str, Any] = {
        key: file.source[key] for key in kept if key in file.source
    }
    if found and found.trials:
        source["where"] = " AND ".join(found.trials)
    written: dict[str, Any] = {}
    if created:
        written, doubts = layout(
            file.raw.table, created, paid.columns[0] if paid else None
        )
        written.pop("decimals", None)
        proposal.doubts += [] if "orders" in proposal.sources else doubts
    elif paid:
        written = number_layout(file.raw.table, paid.columns[0])
    proposal.sources["leads"] = source | {"columns": full} | written


def _values(columns: Columns, name: str) -> list[str]:
    return list(columns[name].cells.value_counts().index[:8])


# Contacts
# -------------------------------------------------------------------------------------------------


def touches(file: Opened, proposal: Proposal) -> None:
    """Contact events: who was reached, when, how, and what became of it."""
    columns = file.columns
    buyer, event = choose.customer(columns), _event(columns)
    day = _touched(columns)
    channel = next(iter(ranked(columns, "channel")), None)
    if channel is None:
        way = "email" if buyer and buyer.kind == "email" else "other"
        proposal.doubts.append(say("init.doubt.channel", channel=way))
        channel = literal(way)
    assert buyer is not None
    assert event is not None
    assert day is not None
    cases, unknown = [], []
    for value in columns[event].cells.value_counts().index:
        known = touch(value)
        if known is None:
            unknown.append(value)
        elif known != value.lower():
            cases.append(
                f"WHEN {quoted(event)} = {literal(value)} THEN {literal(known)}"
            )
    expression = (
        f"CASE {' '.join(cases)} ELSE lower({quoted(event)}) END" if cases else event
    )
    mapping = {"customer_id": buyer.expression, "touch_date": day, "channel": channel}
    source = file.source | {"columns": mapping | {"event": expression}}
    written, doubts = day_layout(file.raw.table, day)
    proposal.sources["touches"] = source | written
    proposal.doubts += doubts
    proposal.took.append(say("init.took.touches", event=event))
    if unknown:
        proposal.doubts.append(
            say("init.doubt.unknown_events", column=event, values=unknown)
        )
