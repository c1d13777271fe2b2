"""Which column is what: by the words of its header, and by what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pandas as pd

from segment_lab.data.currencies import is_converted, without_conversion
from segment_lab.data.guess.adjusted import adjusted_to, taken_off, without_tax
from segment_lab.data.guess.by_content import already_multiplied, coded_customer
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


@dataclass
class Amount:
    """What a line or order is worth, and the columns that were looked at beside it."""

    expression: str
    columns: tuple[str, ...]
    refunded: str | None = None
    net_of: str | None = None
    beside: tuple[str, ...] = ()
    currency: str | None = field(default=None)
    #: The amounts before what was refunded or taken off, where `expression` is after it.
    before: str | None = None
    #: Quantity times price: never an order's total, although every line may say "1 piece".
    by_line: bool = False
    #: What the amounts would be without the tax in them, where they are not.
    untaxed: str | None = None
    #: The two columns of a ledger of which the second is subtracted.
    sides: tuple[str, str] | None = None
    #: The number of pieces that the amount holds already.
    pieces: str | None = None


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
    columns: Columns, names: list[str | None], taken: Iterable[str]
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


def amount(
    columns: Columns, taken: Iterable[str] = (), needed: float = EMPTY
) -> Amount | None:
    """The money of a line or an order: net before gross, less what was refunded of it."""
    fitting = [
        name
        for name in ranked(columns, "amount")
        if name not in taken
        and is_amount(columns[name])
        and columns[name].filled > needed
    ]
    refunded = first(columns, "refunded", is_refund, taken)
    currencies = [
        name
        for name in ranked(columns, "currency")
        if columns[name].filled > EMPTY and columns[name].numbers < 0.5
    ]
    plain = [name for name in currencies if not is_converted(name)]
    several = bool(plain) and len(set(columns[plain[0]].cells.str.lower())) > 1
    converted = [
        name
        for name in columns
        if name not in taken and _is_converted_amount(columns[name])
    ]
    if several and converted:
        chosen = converted[0]
        its_refunds = [
            n
            for n in ranked(columns, "refunded")
            if is_converted(n) and is_amount(columns[n])
        ]
        refunded = its_refunds[0] if its_refunds else refunded
        currency = next((name for name in currencies if is_converted(name)), None)
    else:
        fitting = [name for name in fitting if not is_converted(name)] or fitting
        if not fitting:
            found = _two_sides(columns, taken) or _priced(columns, taken)
            if found:
                found.currency = plain[0] if plain else None
            return found
        chosen = next((n for n in fitting if not _is_expected(n)), fitting[0])
        currency = plain[0] if plain else None
    net_of = untaxed = None
    taken_apart = without_tax(columns, chosen, taken)
    subtotal = first(columns, "subtotal", is_amount, taken)
    taxed = first(columns, "tax", is_amount, taken)
    if taken_apart and refunded:
        untaxed = taken_apart[0]  # what was paid back is with tax too
    elif taken_apart and taken_apart[0] not in columns:
        net, parts = taken_apart
        beside = tuple(name for name in fitting if name not in (*parts, chosen))[:4]
        return Amount(net, parts, None, chosen, beside, currency)
    if (
        subtotal
        and taxed
        and not refunded
        and normal(chosen) in ("total", "order total", "line total", "amount")
    ):
        net_of, chosen = chosen, subtotal
    chosen = _before_fees(columns, chosen)
    adjusted = [n for n in ranked(columns, "adjusted") if is_amount(columns[n])]
    fitting += [name for name in adjusted if name not in (*fitting, *taken)]
    before = None
    expression = chosen
    used: tuple[str, ...] = (chosen,)
    if left := adjusted_to(columns, chosen, taken):
        before, (name, expression) = chosen, left
        used = (name,) if expression == name else (name, chosen)
        if refunded and taken_off(columns, before, name, refunded):
            refunded = None
    if refunded:
        whole = expression if len(used) > 1 else quoted(expression)
        expression = f"{whole} - coalesce({quoted(refunded)}, 0)"
        used = (*used, refunded)
    beside = tuple(name for name in fitting if name not in (*used, before))[:4]
    return Amount(
        expression,
        used,
        refunded,
        net_of,
        beside,
        currency,
        before,
        untaxed=untaxed,
    )


def _is_expected(name: str) -> bool:
    return bool(set(normal(name).split()) & set(vocabulary()["expected"]))


def _two_sides(columns: Columns, taken: Iterable[str]) -> Amount | None:
    """What a ledger charges less what it takes off, from its two columns."""
    by_name = {normal(name): name for name in columns if name not in taken}
    for more, less in vocabulary()["sides"]:
        first_side, second = by_name.get(more), by_name.get(less)
        if first_side is None or second is None:
            continue
        if not (is_amount(columns[first_side]) or is_amount(columns[second])):
            continue
        worth = [columns[name].amounts().abs().sum() for name in (first_side, second)]
        if worth[1] > worth[0]:  # a bank's statement credits what comes in
            first_side, second = second, first_side
        sides = [f"coalesce({quoted(name)}, 0)" for name in (first_side, second)]
        both = first_side, second
        return Amount(" - ".join(sides), both, sides=both)
    return None


def _before_fees(columns: Columns, chosen: str) -> str:
    """What buyers paid, where the amount is what was left of it after the fees of a shop or
    bank."""
    for fee in ranked(columns, "fee"):
        if not is_amount(columns[fee]):
            continue
        left = columns[chosen].amounts().fillna(0)
        kept = columns[fee].amounts().abs().fillna(0)
        for name, facts in columns.items():
            if name == chosen or not is_amount(facts) or len(facts.cells) < 3:
                continue
            # Of a refund the fee comes back: it is added where it was subtracted.
            whole = facts.amounts()
            same = ((whole - left).abs() - kept).abs() < 0.01
            if whole.sum() <= left.sum():
                continue
            if same.mean() >= FULL and columns[chosen].filled >= FULL:
                return name
    return chosen


def _priced(columns: Columns, taken: Iterable[str]) -> Amount | None:
    quantity = first(columns, "quantity", is_amount, taken)
    price = first(columns, "unit_price", is_amount, taken)
    if price and quantity and already_multiplied(columns[quantity], columns[price]):
        return Amount(price, (price,), pieces=quantity)
    if price and quantity:
        product = f"{quoted(quantity)} * {quoted(price)}"
        return Amount(product, (quantity, price), by_line=True)
    if price and (left := adjusted_to(columns, price, taken)):
        return Amount(left[1], (left[0],), before=price)
    return Amount(price, (price,)) if price else None


def _is_converted_amount(facts: Facts) -> bool:
    """Whether a column holds amounts in the account's currency, such as ``Amount in company
    currency``."""
    bare = without_conversion(facts.name)
    named = bare != facts.name and bool(ranked([bare], "amount"))
    return named and is_amount(facts)


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
        fits = [
            h
            for kind in kinds
            for h in ranked(headers, kind)
            if h not in found.values()
        ]
        if fits:
            found[name] = fits[0]
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
