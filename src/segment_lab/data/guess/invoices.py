"""Invoices and open items: what is owed, since when and until when."""

from __future__ import annotations

import pandas as pd

from segment_lab.data.guess import (
    amounts,
    money,
    repeats,
    rows,
    scale,
    settled,
    totals,
    trial_orders,
)
from segment_lab.data.guess import columns as choose
from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.columns import Customer
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.one_currency import currency
from segment_lab.data.guess.opening import (
    Opened,
    Proposal,
    cannot_tell,
    may_be_tree,
    read_again,
)
from segment_lab.data.guess.signs import Sold, by_debit, signed
from segment_lab.data.guess.values import layout
from segment_lab.data.guess.vocabulary import (
    is_draft,
    is_paid,
    ranked,
    state,
    vocabulary,
)
from segment_lab.data.quoting import literal, one_of, quoted
from segment_lab.texts import say


def invoices(file: Opened, proposal: Proposal) -> None:
    """Open items or invoices: what is owed, since when and until when."""
    columns = file.columns
    buyer = choose.customer(columns)
    shaped_as = (
        rows.tree(columns) if buyer is None and may_be_tree(file, buyer) else None
    )
    if shaped_as:
        read_again(file, shaped_as)
        columns, buyer = file.columns, Customer("heading", ("heading",), "heading")
        proposal.took.append(say("init.took.tree", column=shaped_as.column))
    due = choose.first(
        columns, "due_date", lambda f: f.filled > choose.EMPTY and f.days >= 0.5
    )
    closed = settled.settled_on(columns, [due])
    issued = _issued(columns, closed) or _issued(columns)
    closed = None if closed == issued else closed
    owed = choose.first(columns, "open_amount", choose.is_amount)
    paid = Amount(owed, (owed,)) if owed else _billed(columns, proposal)
    if not (buyer and issued and due and paid):
        names = {"customer_id": buyer, "order_date": issued, "amount": paid}
        raise cannot_tell(file, [name for name, value in names.items() if not value])
    aside = totals.totals(columns, file.frame, buyer, issued, paid)
    proposal.took += aside.notes
    file.set_aside(aside)
    columns = file.columns
    number = choose.order_id(columns, file.frame, buyer, [issued, due, *paid.columns])
    once, question = repeats.counted_once(file.columns, file.frame, number, paid)
    if once or (question and owed):  # what is still open is the document's in any case
        question = None
        file.source["amount_per"] = "order"
        facts = {
            "lines": len(file.frame),
            "orders": file.frame[number].nunique(),
        }
        proposal.took.append(
            say("init.took.amount_per", column=paid.columns[0], **facts)
        )
    proposal.doubts += [question] if question else []
    _voided(file, proposal, paid, closed)
    mapping = {
        "invoice_id": number,
        "customer_id": buyer.expression,
        "issue_date": issued,
    }
    mapping |= {
        "due_date": _due(columns, due, issued, proposal),
        "amount": paid.expression,
    }
    mapping["kind"] = _kind(columns, proposal)
    mapping["settled_date"] = closed
    mapping["disputed"] = settled.disputed(columns)
    found = _sides_and_currencies(file, proposal, paid, number)
    money.discounts(proposal, paid)
    scale.written_short(file, proposal, paid.columns)
    if closed:
        paid.expression = settled.as_billed(columns, paid, closed)
    paid.expression = scale.to_units(file, proposal, paid.expression, paid.columns)
    mapping["amount"] = signed(paid.expression, found.lowering, columns)
    source = file.source | {
        "columns": {name: text for name, text in mapping.items() if text}
    }
    days = [due, closed] if closed else [due]
    written, doubts = layout(file.raw.table, issued, mapping["amount"], *days)
    proposal.sources["invoices"] = source | written
    proposal.doubts += doubts
    proposal.methods = {}
    proposal.took.append(
        say(
            "init.took.invoices",
            due=due,
            amount=paid.columns[0],
        )
    )
    rest = len(paid.columns) > 1
    if closed:
        proposal.took.append(say("init.took.settled", column=closed))
        return
    proposal.doubts.append(
        say(f"init.doubt.{'open_items' if owed or rest else 'no_payments'}")
    )


def _issued(columns: Columns, *taken: str | None) -> str | None:
    """The day of an invoice."""

    def fits(facts: Facts) -> bool:
        return facts.filled > 0.3 and facts.days >= 0.3

    return choose.first(columns, "order_date", fits, taken)


def _voided(file: Opened, proposal: Proposal, paid: Amount, closed: str | None) -> None:
    """Invoices that were never sent or were cancelled; and those of which the status alone says
    that they are paid, no column that has the day (`closed`)."""
    for name in choose.status(file.columns):
        facts = file.columns[name]
        values = facts.cells.value_counts()
        gone = [v for v in values.index if state(v) == "lost" or is_draft(v)]
        done = [v for v in values.index if state(v) == "sold" and is_paid(v)]
        if len(paid.columns) > 1 or not _still_owed(file, paid, name, done, closed):
            done = []  # the file itself has 0 there
        left = [*gone, *done]
        if name in paid.columns or not left or len(left) == len(values):
            continue
        conditions = [one_of(name, gone)] if gone else []
        if done:
            called = one_of(name, done)
            undated = f"({called} AND {quoted(closed)} IS NULL)" if closed else called
            conditions.append(undated)
        without = " OR ".join(conditions)
        file.source["where"] = f"({quoted(name)} IS NULL OR NOT ({without}))"
        if closed:
            here = facts.cells.index.difference(file.columns[closed].cells.index)
            undated_values = facts.cells.loc[here].value_counts()
            values = values.where(~values.index.isin(done), undated_values)
        counted = [f"{value} ({int(values[value]):,})" for value in left]
        proposal.took.append(
            say("init.took.no_debt", column=name, values=counted, paid=bool(done))
        )
        return


def _still_owed(
    file: Opened,
    paid: Amount,
    name: str,
    done: list[str],
    closed: str | None,
) -> bool:
    """Whether what is called paid has amounts all the same, the whole invoice's, and no day on
    which it was paid."""
    amounts = file.columns[paid.columns[0]].amounts().reindex(file.frame.index)
    called = file.frame[name].isin(done)
    if closed:
        called &= ~file.frame.index.isin(file.columns[closed].cells.index)
    return bool((amounts[called].fillna(0) != 0).any())


def _sides_and_currencies(
    file: Opened,
    proposal: Proposal,
    paid: Amount,
    number: str | None,
) -> Sold:
    """Which documents lower what is owed by their side of the account; one currency alone."""
    columns = file.columns
    names = ranked(columns, "currency")
    paid.currency = names[0] if names else None
    found = Sold(pd.Series(True, index=file.frame.index))
    by_debit(found, columns, paid, list(paid.columns), owed=True)
    proposal.currency = currency(columns, file.frame, paid, found, number)
    trial_orders.left_out(found, columns, file.frame, paid.columns)
    conditions = [file.source["where"]] if "where" in file.source else []
    conditions += found.conditions
    if conditions:
        file.source["where"] = " AND ".join(conditions)
    proposal.took += found.notes
    proposal.doubts += found.doubts
    return found


def _billed(columns: Columns, proposal: Proposal) -> Amount | None:
    """What customers owe of their invoices: with tax, less what they have paid so far."""
    whole = choose.first(columns, "with_tax", choose.is_amount)
    billed = Amount(whole, (whole,)) if whole else amounts.amount(columns)
    if billed is None or billed.expression not in columns:
        return billed
    paid = choose.first(
        columns, "paid_so_far", choose.is_amount, [billed.expression, *billed.columns]
    )
    if paid is None:
        return billed
    proposal.took.append(say("init.took.paid_so_far", column=paid))
    rest = f"{quoted(billed.expression)} - coalesce({quoted(paid)}, 0)"
    return Amount(rest, (billed.expression, paid))


def _due(columns: Columns, due: str, issued: str, proposal: Proposal) -> str:
    if columns[due].filled == 1:
        return due
    empty = columns[due].rows - len(columns[due].cells)
    proposal.took.append(say("init.took.no_due_date", rows=empty, column=issued))
    return f"coalesce({quoted(due)}, {quoted(issued)})"


def _kind(columns: Columns, proposal: Proposal) -> str | None:
    """Documents that lower what is owed, by their names."""

    def fits(facts: Facts) -> bool:
        return facts.filled > 0.5 and facts.distinct <= 20 and facts.numbers < 0.5

    name = choose.first(columns, "invoice_kind", fits)
    if name is None:
        return None
    lowering = []
    for value in columns[name].cells.value_counts().index:
        if any(
            word in value.lower().replace("-", " ") for word in vocabulary()["credits"]
        ):
            lowering.append(value)
    if not lowering:
        return None
    proposal.took.append(say("init.took.credits", column=name, values=lowering))
    tests = ", ".join(literal(value) for value in lowering)
    return (
        f"CASE WHEN {quoted(name)} IN ({tests}) THEN 'credit_note' ELSE 'invoice' END"
    )
