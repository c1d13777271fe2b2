"""What a column is by what it holds, where its header says nothing: last resorts, each said."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from segment_lab.data.guess.facts import Columns, Facts

#: Codes: letters with digits, of one length, as long as no word is often.
_CODE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/=_-]{8,}")
#: A number that groups lines must do so at least so often to be believed.
FEW = 3
NEARLY_ALL = 0.95
#: Headers that may number orders, or anything else: one order of several lines tells.
MAY_NUMBER = ("code", "kod", "kód", "код", "ref", "reference", "uid")


def coded_customer(columns: Columns, taken: Iterable[str] = ()) -> str | None:
    """The one column of codes that come again, as customers do and records do not."""

    def fits(facts: Facts) -> bool:
        if facts.filled < NEARLY_ALL or not facts.distinct >= 10:
            return False
        judged = facts.cells.head(1000)
        coded = judged.map(lambda cell: bool(_CODE.fullmatch(cell))).mean()
        one_length = judged.str.len().nunique() < 2
        return bool(coded >= NEARLY_ALL and one_length and 0.01 < facts.unique < 0.98)

    found = [
        name for name, facts in columns.items() if name not in taken and fits(facts)
    ]
    return found[0] if len(found) == 1 else None


def order_by_total(
    columns: Columns,
    frame: pd.DataFrame,
    whose: list[str],
    money: str,
) -> str | None:
    """The number of an order where no header names it: beneath it, customer, day and amount are
    the same on each line while the lines differ.

    Without it a total that stands on each line would be added up.
    """
    whose = [name for name in whose if name in frame]
    if money not in frame or not whose:
        return None
    together = [*whose, money]
    best, most = None, 0
    for name, facts in columns.items():
        if name in together or facts.filled < NEARLY_ALL or not facts.distinct > 1:
            continue
        sizes = frame.groupby(name).size()
        several = sizes[sizes > 1].index
        needed = 1 if name.strip().lower() in MAY_NUMBER else FEW
        if len(several) < needed:
            continue
        lines = frame[frame[name].isin(several)].drop_duplicates()
        within = lines.groupby(name)
        alike = within[together].nunique(dropna=False).max(axis=1) < 2
        differ = within.size() > 1
        if (alike & differ).mean() >= NEARLY_ALL and facts.distinct > most:
            best, most = name, facts.distinct
    return best


def already_multiplied(quantity: Facts, price: Facts) -> bool:
    """Whether a price is that of all pieces: divided by the quantity it takes far fewer values."""
    pieces, paid = quantity.amounts(), price.amounts()
    several = (pieces.reindex(paid.index) > 1) & paid.notna()
    if several.sum() < 10 * FEW:
        return False
    paid = paid[several]
    each = (paid / pieces.reindex(paid.index)).round(2)
    return bool(each.nunique() < 0.5 * paid.nunique())


def may_be_pieces(columns: Columns, money: str, prices: Iterable[str]) -> str | None:
    """The price beside an amount of small whole numbers, which may be a number of pieces."""
    if money not in columns:
        return None
    values = columns[money].amounts().dropna()
    small = len(values) > 20 and bool(((values % 1 == 0) & (values.abs() <= 100)).all())
    if not small or values.nunique() > 50:
        return None
    for name in prices:
        if name != money and columns[name].amounts().median() > 3 * values.median():
            return name
    return None
