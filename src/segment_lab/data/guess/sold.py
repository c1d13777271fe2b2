"""What was sold: the statuses, events and cancellations of a file, and its currencies."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pandas as pd

from segment_lab.data.guess.columns import (
    EMPTY,
    FULL,
    Amount,
    is_payment_status,
    status,
)
from segment_lab.data.guess.facts import Columns
from segment_lab.data.guess.vocabulary import (
    literal,
    normal,
    one_of,
    quoted,
    ranked,
    state,
    vocabulary,
)
from segment_lab.data.reading import CURRENCY_MARKS, FALSE, TRUE, currency_of
from segment_lab.texts import say

COUNTS = ("sold", "returned")
#: What stands in a column of cancelled orders.
YES = (*TRUE, "oui", "si", "sí", "sì", "x", "+", "✓")


@dataclass
class Sold:
    """Conditions that leave in what was sold; which rows of the sample those are."""

    rows: pd.Series
    conditions: list[str] = field(default_factory=list)
    #: Columns that stand only in an order's first line.
    first_line: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    #: A column, and its values in rows that lower the revenue although their amounts are positive.
    lowering: tuple[str, list[str]] | None = None
    #: The column that tells won from lost, and its words by what they say.
    decided: str | None = None
    states: dict[str, list[str]] = field(default_factory=dict)


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
    chosen = _telling(columns, names)
    if chosen:
        _by_status(found, columns, frame, chosen, order, paid)
    elif names and columns[names[0]].distinct > 1:
        found.doubts.append(_asked(columns, names[0]))
    events = [n for n in status(columns, "event") if n not in [*taken, *names]]
    event = _telling(columns, events)
    if event and not chosen:
        _by_event(found, columns, frame, event)
    for name in [*events, *names]:
        _written_positive(found, columns, frame, name, paid)
    _by_debit(found, columns, frame, paid, taken)
    _by_cancellation(found, columns, frame, taken)
    _not_asked(found, columns, frame, [*taken, *names, *events])
    return found


def _states(columns: Columns, name: str) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for value in columns[name].cells.value_counts().index:
        said.setdefault(state(value), []).append(value)
    return said


def _telling(columns: Columns, names: list[str]) -> str | None:
    """The first column of which some values say sold, and most are understood."""
    for name in names:
        said = _states(columns, name)
        if "sold" in said and "lost" in said:
            return name
    for name in names:
        said = _states(columns, name)
        if ("sold" in said or "lost" in said) and len(said) > 1:
            return name
    return next((name for name in names if "sold" in _states(columns, name)), None)


def _by_status(
    found: Sold,
    columns: Columns,
    frame: pd.DataFrame,
    name: str,
    order: str | None,
    paid: Amount,
) -> None:
    said = _states(columns, name)
    found.decided, found.states = name, said
    kept = [value for kind in COUNTS for value in said.get(kind, ())]
    undone = _undone(columns, frame, name, said, paid)
    kept = [value for value in kept if value not in undone]
    every = [value for values in said.values() for value in values]
    left = [value for value in every if value not in kept]
    if is_payment_status(name):
        left = [*said.get("lost", []), *undone]
        kept = [value for value in every if value not in left]
        if said.get("open"):
            facts = {"values": said["open"], "condition": one_of(name, said["open"])}
            found.doubts.append(say("init.doubt.unpaid", column=name, **facts))
    if not kept and "unknown" in said:  # what is lost is known: the others may be sales
        kept = said["unknown"]
        left = [value for value in every if value not in kept]
    if not left or not kept:
        return
    counts = frame[name].value_counts()
    first_line(found, frame, name, order)
    kept = [value for value in counts.index if value in kept]
    left = [value for value in counts.index if value in left]
    if is_payment_status(name):
        condition = " OR ".join(
            [f"{quoted(name)} IS NULL", f"NOT {one_of(name, left)}"]
        )
        found.rows &= ~frame[name].isin(left)
        condition = f"({condition})"
    else:
        condition = one_of(name, kept)
        found.rows &= frame[name].isin(kept)
    found.conditions.append(condition)
    facts = {"kept": _listed(counts, kept), "left": _listed(counts, left)}
    found.notes.append(say("init.took.status", column=name, **facts))
    if "unknown" in said and not is_payment_status(name):
        found.doubts.append(
            say("init.doubt.unknown_status", column=name, values=said["unknown"])
        )


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
    if paid.refunded or _are_documents(said):
        return []
    back = [v for v in said.get("returned", []) if not _in_part(v)]
    return back if _positive(columns, frame, name, back, paid) else []


def _in_part(value: str) -> bool:
    parts = ("part", "частич", "części", "teil", "parc", "parz", "gedeelt")
    return any(word in value.lower() for word in parts)


def _are_documents(said: dict[str, list[str]]) -> bool:
    """Whether values name documents or events, of which a return is one of its own, and not how
    far an order is."""
    words = vocabulary()["documents"]
    names = [
        value.lower() for kind in ("sold", "unknown") for value in said.get(kind, ())
    ]
    return any(word in value for value in names for word in words)


def _positive(
    columns: Columns, frame: pd.DataFrame, name: str, values: list[str], paid: Amount
) -> bool:
    """Whether the amounts beside these values are written without a minus."""
    if not values or paid.columns[0] not in columns:
        return False
    amounts = columns[paid.columns[0]].amounts().reindex(frame.index)
    amounts = amounts[frame[name].isin(values)]
    return bool((amounts > 0).sum() > (amounts < 0).sum())


def _written_positive(
    found: Sold, columns: Columns, frame: pd.DataFrame, name: str, paid: Amount
) -> None:
    """Rows of returns whose amounts have no minus: the word says that they lower the revenue."""
    said = _states(columns, name)
    back = said.get("returned", [])
    if found.lowering or paid.refunded or not back or not _are_documents(said):
        return
    if _positive(columns, frame, name, back, paid):
        found.lowering = name, back
        found.notes.append(say("init.took.lowering", column=name, values=back))


def _by_debit(
    found: Sold, columns: Columns, frame: pd.DataFrame, paid: Amount, taken: list[str]
) -> None:
    """A mark of debit or credit beside amounts without a sign: the rarer of the two lowers."""
    if found.lowering or paid.columns[0] not in columns:
        return
    for name, facts in columns.items():
        marks = {value.lower().strip(". ") for value in facts.cells.unique()[:3]}
        pair = any(marks == set(words) for words in vocabulary()["debit_credit"])
        if name in taken or not pair or facts.filled < FULL:
            continue
        if (columns[paid.columns[0]].amounts() < 0).any():
            return
        counts = facts.cells.value_counts()
        found.lowering = name, [str(counts.index[-1])]
        found.notes.append(
            say("init.took.lowering", column=name, values=found.lowering[1])
        )
        kept = {"more": str(counts.index[0]), "less": str(counts.index[-1])}
        found.doubts.append(say("init.doubt.debit", column=name, **kept))
        return


def signed(expression: str, lowering: tuple[str, list[str]] | None) -> str:
    """An amount that is negative in the rows that lower the revenue."""
    if lowering is None:
        return expression
    condition = one_of(*lowering)
    whole = quoted(expression) if re.fullmatch(r"[^()+*/]+", expression) else expression
    return f"CASE WHEN {condition} THEN -abs({whole}) ELSE {whole} END"


def _not_asked(
    found: Sold, columns: Columns, frame: pd.DataFrame, used: list[str]
) -> None:
    """A column that nothing was made of, though its words sound like lost or returned sales."""
    for name, facts in columns.items():
        few = 2 <= facts.distinct <= 12 and facts.filled > EMPTY
        if name in used or not few or facts.numbers > 0.5 or facts.days > 0.5:
            continue
        said = _states(columns, name)
        ending = [*said.get("lost", []), *said.get("returned", [])]
        ending = [value for value in ending if (frame[name][found.rows] == value).any()]
        if ending and len(said.get("unknown", [])) <= facts.distinct / 2:
            counts = facts.cells.value_counts()
            example = f"NOT {one_of(name, ending)}"
            values = _listed(counts, ending)
            found.doubts.append(
                say("init.doubt.ended", column=name, values=values, example=example)
            )


def _by_event(found: Sold, columns: Columns, frame: pd.DataFrame, name: str) -> None:
    said = _states(columns, name)
    kept = [value for kind in COUNTS for value in said.get(kind, ())]
    words = vocabulary()["documents"]
    if any(word in value.lower() for value in kept for word in words):
        # Beside invoices a payment is no sale of its own.
        kept = [value for value in kept if not _is_payment(value)]
    left = columns[name].distinct - len(kept)
    if not left:
        if "returned" in said:
            found.notes.append(
                say("init.took.refund_rows", column=name, values=said["returned"])
            )
        return
    found.rows &= frame[name].isin(kept)
    found.conditions.append(one_of(name, kept))
    found.notes.append(say("init.took.event", column=name, kept=kept, left=left))


def _by_cancellation(
    found: Sold, columns: Columns, frame: pd.DataFrame, taken: list[str]
) -> None:
    for name in ranked(columns, "cancelled"):
        facts = columns[name]
        rare = 0 < facts.filled < 0.6 and facts.days >= 0.9
        if rare and name not in taken:
            found.conditions.append(f"{quoted(name)} IS NULL")
            rows = int(frame[name].notna().sum())
            found.rows &= frame[name].isna()
            found.notes.append(say("init.took.cancelled", column=name, rows=rows))
            return
        yes = [v for v in facts.cells.unique()[:8] if v.lower() in YES]
        others = [
            v for v in facts.cells.unique()[:8] if v.lower() not in (*YES, *FALSE)
        ]
        here = frame[name].isin(yes)
        if yes and not others and name not in taken and here.mean() < 0.6:
            found.conditions.append(
                f"({quoted(name)} IS NULL OR NOT {one_of(name, yes)})"
            )
            found.rows &= ~here
            facts_of_note = {"values": yes, "rows": int(here.sum())}
            found.notes.append(say("init.took.flagged", column=name, **facts_of_note))
            return


def _is_payment(value: str) -> bool:
    return any(word in value.lower() for word in vocabulary()["payment_documents"])


def _asked(columns: Columns, name: str) -> str:
    counts = columns[name].cells.value_counts()
    example = f"where: {one_of(name, [str(counts.index[0])])}"
    values = _listed(counts, list(counts.index))
    return say("init.doubt.status", column=name, values=values, example=example)


def _listed(counts: pd.Series, values: list[str]) -> str:
    shown = [f"{value} ({counts[value]:,})" for value in values[:6]]
    return ", ".join(shown) + (" …" if len(values) > 6 else "")


def currency(
    columns: Columns, frame: pd.DataFrame, paid: Amount, found: Sold, order: str | None
) -> str:
    """The currency of the amounts; with several, the commonest, and a condition that keeps the
    others out."""
    name = paid.currency
    if name is None:
        return _marked(columns, paid, found)
    counts = columns[name].cells.value_counts()
    counts = counts[[len(value) <= 4 for value in counts.index]]
    if counts.empty:
        return ""
    main = str(counts.index[0])
    if len(counts) > 1:
        first_line(found, frame, name, order)
        found.conditions.append(f"{quoted(name)} = {literal(main)}")
        found.rows &= frame[name] == main
        listed = _listed(counts, list(counts.index))
        found.doubts.append(
            say("init.doubt.currencies", column=name, values=listed, main=main)
        )
    return main.upper()


def _marked(columns: Columns, paid: Amount, found: Sold) -> str:
    """The currency that amounts carry themselves, or that their header names; with several, the
    commonest, and a condition that keeps the others out."""
    facts = columns.get(paid.columns[0])
    if facts is None:
        return ""
    marks = facts.cells.str.extract(rf"({CURRENCY_MARKS})", expand=False).dropna()
    if len(marks):
        code = marks.map(currency_of)
        counts = code.value_counts()
        main = str(counts.index[0])
        if len(counts) > 1:
            others = sorted(set(marks[code != main]))
            pattern = literal("|".join(map(re.escape, others)))
            name = facts.name
            # A row without an amount is no row of another currency: it is rejected with a reason.
            cell = f"coalesce({quoted(name)}, '')"
            found.conditions.append(f"NOT regexp_matches({cell}, {pattern})")
            found.rows &= ~found.rows.index.isin(code.index[code != main])
            listed = _listed(counts, list(counts.index))
            facts_of_doubt = {"column": name, "values": listed, "main": main}
            found.doubts.append(say("init.doubt.currencies", **facts_of_doubt))
        return str(marks[code == main].value_counts().index[0])
    named = facts.name.rsplit(None, 1)[-1].strip("().,") if " " in facts.name else ""
    known = named and pd.Series([named]).str.fullmatch(CURRENCY_MARKS).item()
    return named if known else ""


def missing_amounts(
    columns: Columns, frame: pd.DataFrame, paid: Amount, found: Sold
) -> int:
    """Sales without an amount, where they are a part of all: a deal won, its sum not written."""
    name = paid.columns[0]
    if not found.decided or name not in frame:
        return 0
    rows = frame[found.rows]
    empty = int(rows[name].isna().sum())
    return empty if EMPTY < empty / max(1, len(rows)) < 0.5 else 0


def is_deal(columns: Columns) -> bool:
    """Whether a file's status is a stage of deals, which end won or lost."""
    return any(
        word in normal(name)
        for name in columns
        for word in (
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
    )
