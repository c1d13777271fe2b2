"""What a line or an order is worth: net before gross, whole before fees, less what came back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from segment_lab.data.currencies import is_converted, without_conversion
from segment_lab.data.guess import discounts as discounted
from segment_lab.data.guess.adjusted import adjusted_to, taken_off, without_tax
from segment_lab.data.guess.by_content import already_multiplied
from segment_lab.data.guess.columns import EMPTY, FULL, first, is_amount, is_refund
from segment_lab.data.guess.discounts import Stand, discounts
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.vocabulary import normal, ranked, vocabulary
from segment_lab.data.quoting import quoted


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
    #: A discount beside it, and whether the price or total is before it or after it.
    discount: Stand | None = None


def amount(
    columns: Columns,
    taken: Iterable[str] = (),
    needed: float = EMPTY,
) -> Amount | None:
    """The money of a line or an order: net before gross, less what was refunded of it and what a
    discount takes off."""
    found = _amount(columns, taken, needed)
    if found is None or found.discount or found.before or len(found.columns) > 1:
        return found
    if found.expression in columns:
        found.discount = discounted.beside(columns, found.expression, taken)
        if found.discount and found.discount.stands == "before":
            found.expression = found.discount.discount.off(quoted(found.expression))
    return found


def _amount(
    columns: Columns,
    taken: Iterable[str] = (),
    needed: float = EMPTY,
) -> Amount | None:
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
    proved = taken_apart is not None and taken_apart[0] == subtotal
    called = normal(chosen) in ("total", "order total", "line total", "amount")
    if subtotal and taxed and not refunded and (proved or called):
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
        found = Amount(product, (quantity, price), by_line=True)
        off = discounts(columns, (quantity, price, *taken))
        rates = [discount for discount in off if discount.kind != "money"]
        if rates:
            found.expression = rates[0].off(product)
            found.discount = Stand(rates[0], "before")
        elif off:
            found.discount = Stand(off[0], "unknown")
        return found
    if price and (left := adjusted_to(columns, price, taken)):
        return Amount(left[1], (left[0],), before=price)
    return Amount(price, (price,)) if price else None


def _is_converted_amount(facts: Facts) -> bool:
    """Whether a column holds amounts in the account's currency, such as ``Amount in company
    currency``."""
    bare = without_conversion(facts.name)
    named = bare != facts.name and bool(ranked([bare], "amount"))
    return named and is_amount(facts)
