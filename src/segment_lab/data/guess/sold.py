"""What was sold: the statuses, events and cancellations of a file, and its currencies."""

from __future__ import annotations

import pandas as pd

from segment_lab.data.guess import ledgers, marks, trial_orders
from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.columns import (
    EMPTY,
    is_payment_status,
    status,
)
from segment_lab.data.guess.facts import Columns, facts_of
from segment_lab.data.guess.signs import (
    Sold,
    are_documents,
    by_debit,
    positive,
    written_positive,
)
from segment_lab.data.guess.vocabulary import (
    holds_any,
    is_draft,
    is_in_part,
    is_paid,
    is_trial,
    normal,
    state,
    states_of,
    vocabulary,
)
from segment_lab.data.quoting import one_of, quoted
from segment_lab.texts import say

COUNTS = ("sold", "returned")


def sold(
    columns: Columns,
    frame: pd.DataFrame,
    order: str | None,
    taken: list[str],
    paid: Amount,
) -> Sold:
    """Which rows are sales, by status, event and cancellation; which lower the revenue."""
    found = Sold(pd.Series(True, index=frame.index))
    names = [n for n in status(columns) if n not in taken and columns[n].distinct <= 40]
    chosen = _telling(columns, names) or _by_its_words(columns, [*taken, *names])
    events = [n for n in status(columns, "event") if n not in [*taken, *names]]
    event = _telling(columns, events)
    documents = event is not None and are_documents(states_of(columns[event].cells))
    if event and (documents or not chosen):
        _by_event(found, columns, frame, event, paid)
    if chosen:
        left = facts_of(frame[found.rows])[0] if documents else columns
        _by_status(found, left, frame, chosen, order, paid, billed=documents)
    elif names and columns[names[0]].distinct > 1:
        found.doubts.append(_asked(columns, names[0]))
    elif events and not event and _is_event(events[0]):
        found.doubts.append(_asked(columns, events[0]))
    if not documents:
        ledgers.described(found, columns, frame, taken, paid)
    ledgers.balances(found, columns, frame, taken)
    names += [chosen] if chosen and chosen not in names else []
    for name in [*events, *names]:
        written_positive(found, columns, frame, name, paid)
    by_debit(found, columns, paid, taken)
    marks.cancelled(found, columns, frame, taken, paid)
    trial_orders.left_out(found, columns, frame, taken)
    marks.paid_back(found, columns, frame, taken, paid)
    _not_asked(found, columns, frame, [*taken, *names, *events], paid)
    return found


def _is_event(name: str) -> bool:
    """Whether rows are things that happened, not all of them sales."""
    words = set(vocabulary()["happenings"])
    return not words.isdisjoint(normal(name).split())


def _telling(columns: Columns, names: list[str]) -> str | None:
    """The first column of which some values say sold, and most are understood."""
    for name in names:
        said = states_of(columns[name].cells)
        if "sold" in said and "lost" in said:
            return name
    for name in names:
        said = states_of(columns[name].cells)
        if ("sold" in said or "lost" in said) and len(said) > 1:
            return name
    return next(
        (name for name in names if "sold" in states_of(columns[name].cells)), None
    )


def _by_its_words(columns: Columns, taken: list[str]) -> str | None:
    """A column that no header calls a status, but whose few words all say how sales ended: some
    well, some not."""
    for name, facts in columns.items():
        few = 2 <= facts.distinct <= 12 and facts.filled > EMPTY
        if name in taken or not few or facts.numbers > 0.5 or facts.days > 0.5:
            continue
        said = states_of(facts.cells)
        if "sold" in said and "lost" in said and "unknown" not in said:
            return name
    return None


def _by_status(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    name: str,
    order: str | None,
    paid: Amount,
    billed: bool = False,
) -> None:
    """Leave in what a status calls sold; of documents that are `billed` it may tell payment."""
    said = states_of(columns[name].cells)
    found.decided, found.states = name, said
    kept = [value for kind in COUNTS for value in said.get(kind, ())]
    undone = _undone(columns, frame, name, said, paid)
    kept = [value for value in kept if value not in undone]
    every = [value for values in said.values() for value in values]
    left = [value for value in every if value not in kept]
    unpaid = [value for value in said.get("open", []) if not is_draft(value)]
    payment = is_payment_status(name) or _is_invoice(order, said)
    payment = payment or (billed and _tells_payment(said))
    if payment:
        drafts = [value for value in every if is_draft(value) or is_trial(value)]
        left = [*said.get("lost", []), *undone, *drafts]
        kept = [value for value in every if value not in left]
        if unpaid:
            facts = {"values": unpaid, "condition": one_of(name, unpaid)}
            found.doubts.append(say("init.doubt.unpaid", column=name, **facts))
    if not kept and "unknown" in said:  # what is lost is known: the others may be sales
        kept = [value for value in said["unknown"] if not is_trial(value)]
        left = [value for value in every if value not in kept]
    if not left or not kept:
        return
    counts = frame[name].value_counts()
    first_line(found, frame, name, order)
    kept = [value for value in counts.index if value in kept]
    left = [value for value in counts.index if value in left]
    if payment:
        condition = " OR ".join(
            [f"{quoted(name)} IS NULL", f"NOT {one_of(name, left)}"]
        )
        found.rows &= ~frame[name].isin(left)
        condition = f"({condition})"
    else:
        condition = one_of(name, kept)
        found.rows &= frame[name].isin(kept)
    found.conditions.append(condition)
    facts = {
        "kept": listed(counts, kept),
        "left": listed(counts, left),
    }
    found.notes.append(say("init.took.status", column=name, **facts))
    asked = [value for value in said.get("unknown", []) if value in left]
    asked = [value for value in asked if not is_trial(value)]
    if trials := [value for value in left if is_trial(value)]:
        found.trials.append(f"({quoted(name)} IS NULL OR NOT {one_of(name, trials)})")
    if _tells_payment(said):  # a sale may stand although nobody has paid for it yet
        asked += [value for value in unpaid if value in left]
    if asked and not payment:
        found.doubts.append(say("init.doubt.unknown_status", column=name, values=asked))


def _tells_payment(said: dict[str, list[str]]) -> bool:
    """Whether what was sold is called paid, so that the status tells how far a sale is paid."""
    return all(is_paid(value) for value in said.get("sold", ())) and "sold" in said


def _is_invoice(order: str | None, said: dict[str, list[str]]) -> bool:
    """Whether rows are invoices and their status tells whether they are paid."""
    words = vocabulary()["invoice_numbers"]
    named = order is not None and any(word in normal(order) for word in words)
    return named and _tells_payment(said)


def first_line(found: Sold, frame: pd.DataFrame, name: str, order: str | None) -> None:
    """A value that stands in the first line of an order alone is meant for all of its lines."""
    if name in found.first_line or order not in frame or name == order:
        return
    empty = frame[name].isna()
    if empty.any():
        above = frame[name].notna().groupby(frame[order]).any()
        if frame[order][empty].map(above).fillna(False).mean() > 0.9:
            found.first_line.append(name)
            frame[name] = frame.groupby(order)[name].transform("first")


def _undone(
    columns: Columns,
    frame: pd.DataFrame,
    name: str,
    said: dict[str, list[str]],
    paid: Amount,
) -> list[str]:
    """Statuses of orders that were paid back in full, where no column holds what was paid back:
    such an order brought nothing, and its amount is positive."""
    if paid.refunded or are_documents(said):
        return []
    back = [v for v in said.get("returned", []) if not is_in_part(v)]
    return back if positive(columns, frame, name, back, paid) else []


def _not_asked(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    used: list[str],
    paid: Amount,
) -> None:
    """A column that nothing was made of, though its words sound like lost or returned sales, or
    like rows that hold no goods."""
    for name, facts in columns.items():
        few = 2 <= facts.distinct <= 12 and facts.filled > EMPTY
        if name in used or not few or facts.numbers > 0.5 or facts.days > 0.5:
            continue
        said = states_of(columns[name].cells)
        back = said.get("returned", [])
        back = back if positive(columns, frame, name, back, paid) else []
        ending = [*said.get("lost", []), *back, *_no_goods(said)]
        ending = [value for value in ending if (frame[name][found.rows] == value).any()]
        unknown = set(said.get("unknown", [])) - set(ending)
        if ending and len(unknown) <= facts.distinct / 2:
            counts = facts.cells.value_counts()
            example = f"NOT {one_of(name, ending)}"
            values = listed(counts, ending)
            found.doubts.append(
                say("init.doubt.ended", column=name, values=values, example=example)
            )


def _no_goods(said: dict[str, list[str]]) -> list[str]:
    """Values that call a row tax or shipping."""
    words = set(vocabulary()["no_goods"])
    values = said.get("unknown", [])
    return [value for value in values if words & set(normal(value).split())]


def _by_event(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    name: str,
    paid: Amount,
) -> None:
    said = states_of(columns[name].cells)
    kept = [value for kind in COUNTS for value in said.get(kind, ())]
    lower = [value.lower() for value in kept]
    if holds_any(lower, vocabulary()["documents"]):
        # Beside invoices a payment is no sale of its own.
        kept = [value for value in kept if not _is_payment(value)]
        kept = _without_announcements(found, name, kept)
    back = said.get("returned", [])
    other = ledgers.on_the_other_side(columns, frame, name, kept, back, paid)
    kept = [value for value in kept if value not in other]
    found.payments_out = bool(other) or found.payments_out
    left = columns[name].distinct - len(kept)
    if not left:
        if "returned" in said:
            found.notes.append(
                say("init.took.refund_rows", column=name, values=said["returned"])
            )
        return
    found.rows &= frame[name].isin(kept)
    found.conditions.append(one_of(name, kept))
    found.notes.append(
        say(
            "init.took.event",
            column=name,
            kept=kept,
            left=left,
        )
    )


def _without_announcements(found: Sold, name: str, kept: list[str]) -> list[str]:
    """Documents without the orders and offers that other documents among them bill."""
    words = vocabulary()["announcements"]
    early = [value for value in kept if holds_any([value.lower()], words)]
    others = [value for value in kept if value not in early]
    bills = [value for value in others if state(value) == "sold"]
    if not early or not bills:
        return kept
    found.notes.append(
        say("init.took.announced", column=name, values=early, bills=bills)
    )
    return [value for value in kept if value not in early]


def _is_payment(value: str) -> bool:
    return holds_any([value.lower()], vocabulary()["payment_documents"])


def _asked(columns: Columns, name: str) -> str:
    counts = columns[name].cells.value_counts()
    example = f"where: {one_of(name, [str(counts.index[0])])}"
    values = listed(counts, list(counts.index))
    return say("init.doubt.status", column=name, values=values, example=example)


def listed(counts: pd.Series, values: list[str]) -> str:
    shown = [f"{value} ({counts[value]:,})" for value in values[:6]]
    return ", ".join(shown) + (" …" if len(values) > 6 else "")


def missing_amounts(
    columns: Columns,
    frame: pd.DataFrame,
    paid: Amount,
    found: Sold,
) -> int:
    """Sales without an amount, where they are a part of all: a deal won, its sum not written."""
    name = paid.columns[0]
    if not found.decided or name not in frame:
        return 0
    rows = frame[found.rows]
    empty = int(rows[name].isna().sum())
    return empty if EMPTY < empty / max(1, len(rows)) < 0.5 else 0


#: What headers of a stage of deals hold.
STAGES = (
    "deal",
    "lead",
    "opportunity",
    "stage",
    "сделк",
    "стади",
    "этап",
    "szans",
    "etap",
)


def is_deal(columns: Columns) -> bool:
    """Whether a file's status is a stage of deals, which end won or lost."""
    return holds_any(map(normal, columns), STAGES)
