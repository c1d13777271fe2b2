"""Which column is what: by the words of its header, and by what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain

import pandas as pd

from segment_lab.data.guess.by_content import coded_customer
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.vocabulary import (
    is_never,
    normal,
    ranked,
    vocabulary,
    without_table,
)
from segment_lab.data.quoting import quoted

#: A column with fewer values than this share of the rows is as good as empty.
EMPTY = 0.05
#: A column that most rows must have.
FULL = 0.95
#: A column of more names holds no accounts of the books.
MOST_ACCOUNTS = 30


@dataclass
class Customer:
    """What names the customer: an `expression`, the columns in it, and of what kind they are."""

    expression: str
    columns: tuple[str, ...]
    kind: str
    passed_over: tuple[str, ...] = ()


def first(
    columns: Columns,
    role: str,
    fits: Callable[[Facts], bool],
    taken: Iterable[str | None] = (),
) -> str | None:
    """The first column by the words of a role whose values fit."""
    for name in ranked(columns, role):
        if name not in taken and fits(columns[name]):
            return name
    return None


def is_day(facts: Facts) -> bool:
    """Whether a column dates most rows; what is dated in few is no order date."""
    return facts.filled >= 0.5 and (facts.days >= 0.5 or facts.counted_days)


def is_amount(facts: Facts) -> bool:
    """Whether a column holds amounts: numbers, and not all of them 0."""
    usable = facts.filled > EMPTY and facts.numbers >= 0.9 and facts.days < 0.5
    return usable and bool((facts.amounts().fillna(0) != 0).any())


def is_refund(facts: Facts) -> bool:
    """Whether a column holds what was paid back, and not a flag of 0 and 1."""
    return is_amount(facts) and not set(facts.cells.unique()) <= {"0", "1"}


def order_date(columns: Columns, taken: Iterable[str] = ()) -> str | None:
    """The day something was bought: the first by its words that is full, else the fullest."""
    fitting = [
        n
        for n in ranked(columns, "order_date")
        if n not in taken and is_day(columns[n])
    ]
    full = [
        name
        for name in fitting
        if columns[name].filled >= FULL and columns[name].days >= 0.9
    ]
    if full:
        return full[0]
    if fitting:
        return max(fitting, key=lambda name: columns[name].filled)
    return only_day(columns, taken)


def only_day(columns: Columns, taken: Iterable[str] = ()) -> str | None:
    """The one column that dates nearly every row, whatever it is called; a delivery or a birthday
    is not meant."""
    dated = [
        name
        for name, facts in columns.items()
        if name not in taken and facts.filled >= FULL and facts.days >= 0.9
    ]
    may_be = [name for name in dated if not is_never(name, "order_date")]
    return may_be[0] if len(may_be) == 1 else None


def counted_day(columns: Columns) -> str | None:
    """A column called day that numbers the days from a start that nobody tells."""
    for name in ranked(columns, "order_date"):
        numbered = set(normal(name).split()) & {"day", "день", "dzień", "tag"}
        number = pd.to_numeric(columns[name].cells, errors="coerce")
        if numbered and number.between(0, 9999).all() and number.max() > 31:
            return name
    return None


def customer(columns: Columns, taken: Iterable[str] = ()) -> Customer | None:
    """The person or company: never the record's id, nor a column that is nearly empty.

    A column that says the same in every row is the seller, as long as another one names customers.
    """
    varied = {name: facts for name, facts in columns.items() if facts.distinct > 1}
    named = _customer(varied, taken) or _customer(columns, taken)
    if named is None and (code := coded_customer(columns, taken)):
        return Customer(code, (code,), "code")
    return named


def _customer(columns: Columns, taken: Iterable[str]) -> Customer | None:

    def some(role: str, share: float = EMPTY) -> str | None:
        return first(
            columns,
            role,
            lambda facts: (
                facts.filled > share
                and facts.days < 0.5
                and not facts.fractional
                and not _of_the_books(facts)
            ),
            taken,
        )

    number, company, mail = some("customer_id"), some("company"), some("email")
    person, phone = _person(columns, taken), some("phone")

    def full(name: str | None) -> bool:
        return name is not None and columns[name].filled >= FULL

    if number and full(number):
        return _identified(columns, number, "id")
    if company and full(company):
        return _identified(columns, company, "company")
    if company and columns[company].filled >= 0.3:
        other = next((name for name in (person, mail, phone) if full(name)), None)
        if other and not (number and full(mail)):
            expression = f"coalesce({quoted(company)}, {quoted(other)})"
            return Customer(expression, (company, other), "company")
    for name, kind in ((mail, "email"), (person, "person"), (phone, "phone")):
        if name and full(name):
            passed_over = (number,) if number else ()
            return Customer(name, (name,), kind, passed_over)
    if named := _two_names(columns, taken):
        return named
    return _partly(columns, [number, mail, company, person, phone], taken)


def _partly(
    columns: Columns,
    names: list[str | None],
    taken: Iterable[str],
) -> Customer | None:
    """The fullest of columns that name some customers; else a number that repeats."""
    some = [name for name in names if name]
    if not some:
        return _repeated_id(columns, taken)
    best = max(some, key=lambda name: columns[name].filled)
    return _identified(columns, best, "id")


def _of_the_books(facts: Facts) -> bool:
    """Whether a column names accounts of the books, such as receivables and the bank."""
    words = "|".join(map(re.escape, vocabulary()["accounts"]))
    held = facts.cells.str.contains(words, case=False, regex=True)
    return facts.distinct <= MOST_ACCOUNTS and bool(held.mean() > 0.5)


def _two_names(columns: Columns, taken: Iterable[str]) -> Customer | None:
    """A person by first and last name; a company stands in the column of last names alone."""
    last = first(columns, "last_name", lambda facts: facts.filled >= FULL, taken)
    given = first(columns, "first_name", lambda facts: facts.filled > 0, taken)
    if last is None or given is None:
        return None
    whole = f"{quoted(given)} || ' ' || {quoted(last)}"
    return Customer(f"coalesce({whole}, {quoted(last)})", (last, given), "person")


def _repeated_id(columns: Columns, taken: Iterable[str]) -> Customer | None:
    """A column called ``id``: one that comes again is no record's."""
    for name, facts in columns.items():
        called_id = normal(name) == "id" and name not in taken
        if called_id and facts.filled > EMPTY and facts.unique < 1:
            return Customer(name, (name,), "id")
    return None


def _person(columns: Columns, taken: Iterable[str]) -> str | None:
    def fits(facts: Facts) -> bool:
        is_record = facts.cells.str.fullmatch(r"#\S*\d+").mean() > 0.5
        weak = normal(facts.name) == "name" and facts.unique == 1
        return facts.filled > EMPTY and facts.days < 0.5 and not (is_record or weak)

    return first(columns, "person", fits, taken)


def _identified(columns: Columns, name: str, kind: str) -> Customer:
    """A customer by one column; where cells list several ids, by the first."""
    values = columns[name].cells
    several = values[values.str.contains(";", regex=False)]
    if len(several):
        parts = several.str.split(";").explode().str.strip()
        if parts.isin(values).any():
            return Customer(f"split_part({quoted(name)}, ';', 1)", (name,), "several")
    return Customer(name, (name,), kind)


def order_id(
    columns: Columns,
    frame: pd.DataFrame,
    buyer: Customer | None,
    taken: Iterable[str] = (),
) -> str | None:
    """The number of the order or document: full, and of one customer each."""
    taken = {*taken, *(buyer.columns if buyer else ())}

    def fits(facts: Facts) -> bool:
        dated = facts.days >= 0.5 and facts.unique < 1  # 1/01/2025 can be a number
        if facts.filled < FULL or dated:
            return False
        if facts.rows > 20 and facts.unique < 0.05:
            return False
        return _one_customer_each(frame, facts.name, buyer)

    found = first(columns, "order_id", fits, taken)
    if found:
        return found
    bare = without_table(columns)
    for name, facts in columns.items():
        numbered = (
            facts.cells.str.fullmatch(r"#\S*\d+").mean() > 0.9
            if len(facts.cells)
            else False
        )
        record = normal(bare[name]) == "id" or (normal(name) == "name" and numbered)
        if name not in taken and record and fits(facts):
            return name
    return None


def _one_customer_each(frame: pd.DataFrame, name: str, buyer: Customer | None) -> bool:
    """Whether nearly every value of a column stands beside one customer alone."""
    if not buyer or not len(frame) or buyer.columns[0] not in frame:
        return True  # an expression that was given tells nothing here
    people = frame[buyer.columns[0]].str.lower()
    several = people.groupby(frame[name]).nunique()
    return bool((several <= 1).mean() >= FULL)


def status(columns: Columns, role: str = "status") -> list[str]:
    """Columns of few words that may say what was sold, the most telling header first."""
    found = []
    for name in ranked(columns, role):
        facts = columns[name]
        if facts.filled > EMPTY and facts.distinct <= 100 and facts.days < 0.5:
            found.append(name)
    return found


def is_payment_status(name: str) -> bool:
    """Whether a status tells how far a sale is paid, and not whether there was one."""
    return normal(name) in vocabulary()["payment_status"]


def named(headers: Iterable[str]) -> dict[str, str]:
    """The columns of an order log by the words of the headers alone, for a look at the first
    lines."""
    headers = list(headers)
    found: dict[str, str] = {}
    roles = {
        "order_date": ("order_date",),
        "order_id": ("order_id",),
        "customer_id": ("customer_id", "company", "person", "email", "phone"),
        "quantity": ("quantity",),
        "margin": ("margin",),
        "amount": ("amount", "open_amount"),
        "product": ("product",),
    }
    for name, kinds in roles.items():
        for header in chain.from_iterable(ranked(headers, kind) for kind in kinds):
            if header not in found.values():
                found[name] = header
                break
    if "customer_id" not in found:
        bare = [h for h in headers if normal(h) == "id" and h not in found.values()]
        found |= {"customer_id": bare[0]} if bare else {}
    price = [h for h in ranked(headers, "unit_price") if h not in found.values()]
    if "amount" not in found and price:
        pieces = found.get("quantity")
        found["amount"] = (
            f"{quoted(pieces)} * {quoted(price[0])}" if pieces else price[0]
        )
    return found
