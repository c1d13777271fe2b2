"""A discount beside an amount: whether the amount is before it or after it, as far as the file's
own columns prove it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from segment_lab.data.guess.adjusted import CENT, agree
from segment_lab.data.guess.facts import Columns, Facts
from segment_lab.data.guess.vocabulary import holds_any, normal, ranked, vocabulary
from segment_lab.data.quoting import quoted

Kind = Literal["money", "percent", "share"]
#: A column of so many numbers holds discounts.
NUMBERS = 0.9


@dataclass(frozen=True)
class Discount:
    """A column of discounts: in money, in percent, or as a share of the price."""

    column: str
    kind: Kind
    #: Its values as positive numbers; 0 where there is none.
    rates: pd.Series
    #: The column in an expression.
    read: str
    #: Whether its kind is certain: ``10`` under "discount" may be either.
    certain: bool

    def off(self, amount: str) -> str:
        """An expression less the discount."""
        if self.kind == "money":
            return f"{amount} - {self.read}"
        rate = f"{self.read} / 100" if self.kind == "percent" else self.read
        return f"{amount} * (1 - {rate})"

    def taken_off(self, whole: pd.Series) -> pd.Series:
        """Amounts less the discount."""
        off = self.rates.reindex(whole.index).fillna(0)
        if self.kind == "money":
            return whole - off
        rate = off / 100 if self.kind == "percent" else off
        return whole * (1 - rate)


@dataclass(frozen=True)
class Stand:
    """Where an amount stands beside a discount, and the columns that prove it."""

    discount: Discount
    stands: Literal["before", "after", "unknown"]
    proof: str = ""


def discounts(columns: Columns, taken: Iterable[str]) -> list[Discount]:
    """The columns of discounts that take something off somewhere."""
    found = []
    for name in ranked(columns, "discount"):
        if name in taken:
            continue
        discount = _discount(columns[name])
        if discount is not None:
            found.append(discount)
    return found


def _discount(facts: Facts) -> Discount | None:
    cells = facts.cells
    marked = cells.str.endswith("%")
    bare = Facts(facts.name, facts.rows, cells.str.rstrip("% "))
    if not len(cells) or bare.numbers < NUMBERS or facts.days > 0.5:
        return None
    rates = bare.amounts().abs()
    if not (rates.fillna(0) != 0).any():
        return None
    shares = set(vocabulary()["percent"])
    words = set(normal(facts.name).split())
    called = "%" in facts.name or bool(shares & words) or bool(marked.any())
    kind: Kind = "money"
    if called and rates.max() <= 100:
        fractions = ((rates > 0) & (rates < 1)).any() and rates.max() <= 1
        kind = "share" if fractions and not marked.any() else "percent"
    read = f"coalesce({quoted(facts.name)}, 0)"
    if marked.any():
        text = f"replace(replace({quoted(facts.name)}, '%', ''), ',', '.')"
        read = f"coalesce({text}, '0')"
    if (bare.amounts() < 0).any():
        read = f"abs({read})"
    certain = called or rates.max() > 100
    return Discount(facts.name, kind, rates, read, certain)


def beside(columns: Columns, chosen: str, taken: Iterable[str]) -> Stand | None:
    """Where the amounts `chosen` stand beside the first discount of a file; None without one."""
    if holds_any([normal(chosen)], vocabulary()["less_discounts"]):
        return None
    found = discounts(columns, (chosen, *taken))
    stands = [_stand(columns, chosen, discount) for discount in found]
    proved = [stand for stand in stands if stand.stands != "unknown"]
    return next(iter([*proved, *stands]), None)


def _stand(columns: Columns, chosen: str, discount: Discount) -> Stand:
    paid = columns[chosen].amounts()
    for way in _ways(discount):
        for proof, whole in _wholes(columns, chosen, discount.column):
            less = way.taken_off(whole)
            lowered = (less - whole).abs() > CENT
            for extra in _extras(columns):
                after = less + extra.reindex(less.index).fillna(0)
                if lowered.any() and _proved(paid, after, lowered):
                    return Stand(way, "after", proof)
    for proof, whole in _products(columns, chosen):
        cut = discount.rates.reindex(whole.index).fillna(0) != 0
        settled = _listed(columns, discount) or _of_orders(columns, discount)
        if cut.any() and _proved(paid, whole, cut) and not settled:
            return Stand(discount, "before", proof)
    return Stand(discount, "unknown")


def _proved(paid: pd.Series, other: pd.Series, telling: pd.Series) -> bool:
    """Whether two columns are the same money, in the rows that tell the ways apart too."""
    here = telling[telling].index.intersection(paid.index)
    near = (paid.reindex(here) - other.reindex(here)).abs() <= CENT
    return agree(paid, other) and len(here) > 0 and bool(near.mean() >= 0.9)


def _ways(discount: Discount) -> Iterator[Discount]:
    """How the numbers of a discount may be meant."""
    yield discount
    if discount.certain:
        return
    highest = discount.rates.max()
    other: Kind = "share" if highest < 1 else "percent"
    if highest <= 100:
        yield Discount(
            discount.column,
            other,
            discount.rates,
            discount.read,
            certain=False,
        )


def _products(columns: Columns, chosen: str) -> Iterator[tuple[str, pd.Series]]:
    """Quantity times price."""
    for quantity in ranked(columns, "quantity")[:2]:
        for price in ranked(columns, "unit_price")[:3]:
            if chosen in (quantity, price) or quantity == price:
                continue
            pieces, each = columns[quantity].amounts(), columns[price].amounts()
            yield f"{quoted(quantity)} * {quoted(price)}", pieces * each


def _wholes(
    columns: Columns,
    chosen: str,
    discount: str,
) -> Iterator[tuple[str, pd.Series]]:
    """What an amount may have been before a discount."""
    yield from _products(columns, chosen)
    for name, facts in columns.items():
        usable = facts.numbers >= NUMBERS and facts.days < 0.5
        if name not in (chosen, discount) and usable and facts.filled >= 0.5:
            yield quoted(name), facts.amounts()


def _extras(columns: Columns) -> Iterator[pd.Series]:
    """What may have been added after the discount: nothing, tax, shipping, or both."""
    parts = []
    for role in ("tax", "shipping"):
        names = [n for n in ranked(columns, role) if columns[n].numbers >= NUMBERS]
        parts += [columns[name].amounts() for name in names[:2]]
    yield pd.Series(dtype="float64")
    yield from parts
    if len(parts) > 1:
        yield parts[0].add(parts[-1], fill_value=0)


def _listed(columns: Columns, discount: Discount) -> bool:
    """Whether the price is that of a list less the discount already."""
    prices = [
        (name, facts.amounts())
        for name, facts in columns.items()
        if name != discount.column and facts.numbers >= NUMBERS and facts.days < 0.5
    ]
    named = ranked(columns, "unit_price")
    for name, listed in prices:
        less = discount.taken_off(listed)
        lowered = (less - listed).abs() > CENT
        for price in named:
            paid = columns[price].amounts()
            if price != name and lowered.any() and _proved(paid, less, lowered):
                return True
    return False


def _of_orders(columns: Columns, discount: Discount) -> bool:
    """Whether a discount in money is said again on each line of an order."""
    if discount.kind != "money":
        return False
    for number in ranked(columns, "order_id"):
        orders = columns[number].cells.reindex(discount.rates.index)
        within = discount.rates.groupby(orders)
        several = within.size() > 1
        same = (within.max() == within.min()) & (within.max() > 0)
        if several.any() and same[several].any():
            return True
    return False
