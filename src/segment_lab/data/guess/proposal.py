"""The first study of a file: which table it is, how it is read, and what a person must know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from segment_lab.data.guess import (
    amounts,
    buyers,
    calls,
    money,
    repeats,
    rows,
    scale,
    staged,
    tables,
    totals,
)
from segment_lab.data.guess import columns as choose
from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.by_content import order_by_total
from segment_lab.data.guess.campaigns import campaigns, is_test
from segment_lab.data.guess.columns import Customer
from segment_lab.data.guess.facts import Columns, Facts, facts_of
from segment_lab.data.guess.invoices import invoices
from segment_lab.data.guess.one_currency import currency
from segment_lab.data.guess.opening import (
    Opened,
    Proposal,
    cannot_tell,
    may_be_tree,
    opened,
    read_again,
)
from segment_lab.data.guess.related import together
from segment_lab.data.guess.signs import Sold
from segment_lab.data.guess.sold import first_line, is_deal, sold
from segment_lab.data.guess.values import layout, named_zone, offset_zone
from segment_lab.data.guess.vocabulary import normal
from segment_lab.data.quoting import quoted
from segment_lab.errors import ConfigError, DataError, Fault, nearest
from segment_lab.texts import say

#: Headers of the books' own accounts, which below headings name no customer.
LEDGER = ("account", "konto", "счет", "счёт")
#: A column that was given, and no expression or constant.
PLAIN_NAME = re.compile(r"[^\W\d][\w ]*")


def propose(path: Path, given: Mapping[str, str] | None = None) -> Proposal:
    """The first study of a file.

    Parameters
    ----------
    path : Path
        CSV, Excel, JSON, Parquet; a folder of files alike, or of the tables of one system.
    given : mapping, optional
        Canonical order column to column or expression, where a person said so.

    Raises
    ------
    DataError
        A needed column cannot be told; the message lists what the file has.
    """
    given = dict(given or {})
    file = together(path) or opened(path)
    other = None if given else _other_table(file)
    if other in ("payments", "undated"):
        problem, remedy = say(f"init.fault.{other}"), say(f"init.fault.{other}_remedy")
        title = say("init.fault.title", file=path.name)
        raise DataError(title, [Fault(other, problem, remedy)])
    if other:
        proposal = Proposal({}, took=file.took, doubts=file.doubts)
        readers = {
            "invoices": invoices,
            "campaigns": campaigns,
            "calls": calls.calls,
            "staged": staged.leads,
        }
        read = readers.get(other) or getattr(tables, other)
        read(file, proposal)
        return proposal
    return orders(file, given)


def _other_table(file: Opened) -> str | None:
    if is_test(file.columns):
        return "campaigns"
    if calls.is_log(file.columns):
        return "calls"
    if staged.stages(file.columns):
        return "staged"
    return tables.recognised(file.columns, file.frame)


def orders(file: Opened, given: dict[str, str]) -> Proposal:
    """The first study of an order log."""
    _check_given(file, given)
    proposal = Proposal(
        {},
        took=list(file.took),
        doubts=list(file.doubts),
    )
    if "fill_down" in file.source:
        merged = file.source["fill_down"]
        proposal.took.append(say("init.took.fill_down", columns=merged))
    if down := rows.heads(file.columns, file.frame):
        file.source["fill_down"] = [*file.source.get("fill_down", []), *down]
        file.frame[down] = file.frame[down].ffill()
        file.columns, file.frame = facts_of(file.frame)
        proposal.took.append(say("init.took.heads", columns=down))
    taken = [name for name in given.values() if name in file.columns]
    buyer = _customer(file, given, taken)
    shaped_as = rows.tree(file.columns) if may_be_tree(file, buyer) else None
    dated = given.get("order_date") or choose.order_date(file.columns, taken)
    if buyer is None or normal(buyer.columns[0]) in LEDGER or not dated:
        shaped_as = shaped_as or rows.headed(file.columns, file.frame)
    if shaped_as:
        read_again(file, shaped_as)
        buyer = Customer("heading", ("heading",), "heading")
        given.setdefault("order_date", shaped_as.day)
        proposal.took.append(say("init.took.tree", column=shaped_as.column))
    day = given.get("order_date") or choose.order_date(file.columns, taken)
    day = day or rows.first_of_the_day(file.columns, file.frame, buyer)
    day = day or choose.counted_day(file.columns)
    paid = _amount(file, given, taken)
    missing = [
        name
        for name, value in (
            ("customer_id", buyer),
            ("order_date", day),
            ("amount", paid),
        )
        if not value
    ]
    if missing:
        raise cannot_tell(file, missing)
    assert buyer is not None
    assert day is not None
    assert paid is not None
    found = _what_was_sold(file, proposal, buyer, day, paid, given)
    _finish(file, proposal, buyer, day, paid, found, given)
    return proposal


def _check_given(file: Opened, given: Mapping[str, str]) -> None:
    """Whoever names a column that the file has not is told so, and which it has."""
    for column in given.values():
        if PLAIN_NAME.fullmatch(column) and column not in file.frame:
            hint = nearest(column, file.frame.columns)
            raise ConfigError(say("init.fault.no_column", column=column, hint=hint))


def _customer(
    file: Opened,
    given: Mapping[str, str],
    taken: list[str],
) -> Customer | None:
    if "customer_id" in given:
        expression = given["customer_id"]
        return Customer(expression, (expression,), "given")
    return choose.customer(file.columns, taken)


def _amount(file: Opened, given: Mapping[str, str], taken: list[str]) -> Amount | None:
    if "amount" in given:
        return Amount(given["amount"], (given["amount"],))
    return amounts.amount(file.columns, taken)


def _what_was_sold(
    file: Opened,
    proposal: Proposal,
    buyer: Customer,
    day: str,
    paid: Amount,
    given: dict[str, str],
) -> Sold:
    """Set totals aside, fill cells down, leave in what was sold."""
    source = file.source
    aside = totals.totals(file.columns, file.frame, buyer, day, paid)
    proposal.took += aside.notes
    file.set_aside(aside)
    if buyer.columns[0] in file.frame and buyer.kind != "heading":
        question = rows.left_empty(file.frame, buyer)
        proposal.doubts += [question] if question else []
    if day == rows.first_of_the_day(file.columns, file.frame, buyer):
        source["fill_down"] = [*source.get("fill_down", []), day]
        file.frame[day] = file.frame[day].ffill()
        file.columns, file.frame = facts_of(file.frame)
        proposal.took.append(say("init.took.day_down", column=day))
    return _sold(file, buyer, day, paid, given)


def _sold(
    file: Opened,
    buyer: Customer,
    day: str,
    paid: Amount,
    given: dict[str, str],
) -> Sold:
    taken = [*given.values(), *buyer.columns, day, *paid.columns]
    order = given.get("order_id") or choose.order_id(
        file.columns, file.frame, buyer, taken
    )
    order = order or order_by_total(
        file.columns, file.frame, [*buyer.columns, day], paid.columns[0]
    )
    if order:
        given.setdefault("order_id", order)
        if (
            day in file.source.get("fill_down", [])
            and not file.frame[order].isna().any()
        ):
            # Else the day would be filled within an order alone.
            file.source["fill_down"].append(order)
    whose = [*buyer.columns, day]
    again = repeats.said_again(file.columns, file.frame, order, whose, paid)
    if again is None:
        return sold(file.columns, file.frame, order, taken, paid)
    kept = file.frame[file.frame[again.column].fillna("").isin(again.kept)]
    file.columns, file.frame = facts_of(kept.reset_index(drop=True))
    found = sold(file.columns, file.frame, order, taken, paid)
    found.conditions.insert(0, again.condition)
    words = {
        "kept": _told(again.kept),
        "left": _told(again.left),
    }
    found.notes.append(say("init.took.said_again", column=again.column, **words))
    return found


def _told(values: tuple[str, ...]) -> list[str]:
    return [value or say("init.took.nothing") for value in values]


def _counted_once(
    file: Opened,
    proposal: Proposal,
    order: str | None,
    paid: Amount,
) -> bool:
    """Whether an order's total stands on each of its lines and counts once."""
    once, question = repeats.counted_once(file.columns, file.frame, order, paid)
    if once:
        file.source["amount_per"] = "order"
        facts = {
            "column": paid.columns[0],
            "lines": len(file.frame),
            "orders": file.frame[order].nunique(),
        }
        proposal.took.append(say("init.took.amount_per", **facts))
    if question:
        proposal.doubts.append(question)
    return once


def _columns(
    file: Opened,
    proposal: Proposal,
    buyer: Customer,
    day: str,
    paid: Amount,
    given: Mapping[str, str],
) -> dict[str, str]:
    """Which canonical column is read from what."""
    found = {
        "customer_id": buyer.expression,
        "order_id": given.get("order_id"),
        "order_date": day,
        "amount": paid.expression,
    }
    for name in ("margin", "product", "quantity"):
        used = [*given.values(), *buyer.columns, *found.values(), *paid.columns]
        found[name] = given.get(name) or _beside(file.columns, name, used)
    if found["margin"] in file.columns and "margin" not in given:
        found["margin"] = scale.whole(file, proposal, str(found["margin"]))
    return {name: text for name, text in found.items() if text}


def _finish(
    file: Opened,
    proposal: Proposal,
    buyer: Customer,
    day: str,
    paid: Amount,
    found: Sold,
    given: dict[str, str],
) -> None:
    order = given.get("order_id")
    source = file.source
    proposal.currency = currency(file.columns, file.frame, paid, found, order)
    # Among the rows that count, another column may date them: when a deal was won.
    kept = facts_of(file.frame[found.rows].reset_index(drop=True))[0]
    if "order_date" not in given:
        day = choose.order_date(kept) or day
    for name in (*buyer.columns, day):
        if name in file.frame:
            first_line(found, file.frame, name, order)
    once = _counted_once(file, proposal, order, paid)
    money.told(file, proposal, paid, found)
    columns = _columns(file, proposal, buyer, day, paid, given)
    if found.first_line:
        down = [*source.get("fill_down", []), *found.first_line]
        source["fill_down"] = list(dict.fromkeys(down))
    buyers.nobody(file, proposal, buyer, paid, found)
    if found.conditions:
        source["where"] = " AND ".join(found.conditions)
    proposal.took += found.notes
    proposal.doubts += found.doubts
    source["columns"] = columns
    _zone(file, proposal, day)
    buyers.one_customer(file, proposal, buyer)
    day = source["columns"]["order_date"]
    others = [n for n, facts in file.columns.items() if facts.days >= 0.9 and n != day]
    written, doubts = layout(file.raw.table, day, columns["amount"], beside=others)
    proposal.doubts += doubts
    proposal.sources["orders"] = source | written
    proposal.methods = {
        "rfm": {},
        "abc": {},
        "lifecycle": {},
        "clusters": {},
    }
    _repeated(file, proposal, once)
    if (
        found.decided
        and is_deal(file.columns)
        and {"sold", "lost"} <= set(found.states)
    ):
        tables.leads_beside(file, proposal, buyer, paid, found)


def _beside(columns: Columns, role: str, taken: Iterable[str | None]) -> str | None:
    def fits(facts: Facts) -> bool:
        if facts.filled <= choose.EMPTY:
            return False
        return role == "product" or facts.numbers > 0.9

    return choose.first(columns, role, fits, taken)


def _zone(file: Opened, proposal: Proposal, day: str) -> None:
    named = named_zone(file.columns[day].cells) if day in file.columns else None
    if named:
        marks = "|".join(named.marks)
        without = f"regexp_replace({quoted(day)}, ' ({marks})$', '')"
        file.source["columns"]["order_date"] = without
        proposal.timezone = named.place
        facts = {
            "marks": list(named.marks),
            "zone": named.place,
        }
        proposal.took.append(say("init.took.named_zone", **facts))
    elif day in file.columns:
        zone, offsets = offset_zone(file.columns[day].cells)
        proposal.timezone = zone or "UTC"
        if zone:
            proposal.took.append(
                say(
                    "init.took.offset",
                    offset=offsets[0],
                    zone=zone,
                )
            )
        elif offsets:
            proposal.doubts.append(say("init.doubt.offsets", offsets=offsets))


def _repeated(file: Opened, proposal: Proposal, once: bool) -> None:
    repeats = int(file.frame.duplicated().sum())
    if repeats and not once:
        proposal.doubts.append(say("init.doubt.repeated", rows=repeats))
