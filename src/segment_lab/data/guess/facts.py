"""What the columns of a file hold: how full they are, how often values repeat, and of what kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import ibis.expr.types as ir
import pandas as pd

from segment_lab.data.magnitudes import SHORT, SUFFIX, factors
from segment_lab.data.months import day_of
from segment_lab.data.reading import CURRENCY_MARKS

#: Rows that are looked at: totals and rare statuses may stand far below the first screen.
ROWS = 200_000
CELLS = 2_000_000
#: Values that tell what kind a column is of.
JUDGED = 2_000
#: No day is written with more letters: "Wednesday, 24 September 2025, 10:15 PM".
LONGEST_DAY = 60

_MARK = rf"(?:(?:{CURRENCY_MARKS})\.?)?"
_NUMBER = (
    rf"['’]?\s*[-−(]?\s*{_MARK}\s*[-−]?\d[\d\s\u00a0\u202f.,'’]*\s*{SUFFIX}\s*{_MARK}"
    r"\s*(?:[)\-−]|[CD]R)?"
)
_DAY = (
    r"(19|20)\d{2}(-\d{2}|[-./] ?\d{1,2}[-./] ?\d{1,2}\.?([ T].*)?)"
    r"|\d{1,2}[-./] ?\d{1,2}[-./] ?\d{2,4}\.?([ ,].*)?"
    r"|\d{1,2}[- .][^\W\d]{3,9}[- .,]+\d{2,4}.*|[^\W\d]{3,9} \d{1,2},? \d{4}.*"
    r"|(19|20)\d{2}[01]\d[0-3]\d(\.0)?"
    r"|\d{4}-W\d{2}"
)
_MAIL = r"['’]?[^@\s]+@[^@\s]+"
_PHONE = r"['’]?\+?[\d\s()\-.]{7,}"


@dataclass(frozen=True)
class Facts:
    """One column of a sample of the rows; empty cells are left out of `cells`."""

    name: str
    rows: int
    cells: pd.Series

    @cached_property
    def filled(self) -> float:
        """Share of the rows that have a value."""
        return len(self.cells) / self.rows if self.rows else 0.0

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return int(self.cells.nunique())

    @property
    def unique(self) -> float:
        """Different values per value: 1 where none comes twice."""
        return self.distinct / len(self.cells) if len(self.cells) else 0.0

    @cached_property
    def numbers(self) -> float:
        """Share of the values that read as a number."""
        return self._share(_NUMBER)

    @cached_property
    def days(self) -> float:
        """Share of the values that look like a day."""
        share = self._share(_DAY)
        return share if share > 0.9 else max(share, self._in_words)

    @property
    def _in_words(self) -> float:
        """Share of the values that name a month in words, and a year."""
        judged = self.cells.head(JUDGED)
        named = [
            len(cell) < LONGEST_DAY and day_of(cell) is not None for cell in judged
        ]
        return sum(named) / len(named) if named else 0.0

    @cached_property
    def mails(self) -> float:
        """Share of the values that look like an e-mail address."""
        return self._share(_MAIL)

    @cached_property
    def phones(self) -> float:
        """Share of the values that look like a telephone number."""
        return self._share(_PHONE)

    @property
    def counted_days(self) -> bool:
        """Whether the values are day numbers of a spreadsheet, or seconds since 1970."""
        number = pd.to_numeric(self.cells.head(JUDGED), errors="coerce")
        serial = number.between(20_000, 80_000).mean()
        epoch = (number.between(6e8, 3e9) | number.between(6e11, 3e12)).mean()
        return bool(len(number)) and max(serial, epoch) > 0.9

    @cached_property
    def fractional(self) -> bool:
        """Whether numbers have one or two digits behind the mark, as money has and no id."""
        cents = self.cells.head(JUDGED).str.fullmatch(r"-?\d+\.(\d?[1-9]|[1-9]\d)")
        return bool(cents.mean() > 0.1)

    def amounts(self) -> pd.Series:
        """The values as numbers, roughly: good enough to compare and to see which are 0."""
        plain = self.cells.str.replace(r"[^\d.,\-−(]", "", regex=True)
        plain = plain.str.rstrip(".")
        plain = plain.str.replace(r"[−(]", "-", regex=True)
        plain = plain.str.replace(r"^(\d.*)-$", r"-\1", regex=True)
        comma = plain.str.contains(r",\d{1,2}$", regex=True).mean() > 0.5
        if comma:
            plain = plain.str.replace(".", "", regex=False).str.replace(
                ",", ".", regex=False
            )
        else:
            plain = plain.str.replace(",", "", regex=False)
        numbers = pd.to_numeric(plain, errors="coerce")
        credit = self.cells.str.contains(r"\d\s*CR\.?$", case=False, regex=True)
        numbers = numbers.mask(credit, -numbers)
        if self.cells.str.contains(SHORT, regex=True).any():
            numbers *= factors(self.cells)
        return numbers

    def _share(self, pattern: str) -> float:
        if not len(self.cells):
            return 0.0
        judged = self.cells
        if len(judged) > JUDGED:  # from all over the file
            judged = judged.iloc[:: len(judged) // JUDGED]
        return float(judged.str.fullmatch(pattern, flags=re.IGNORECASE).mean())


Columns = Mapping[str, Facts]


def look(table: ir.Table) -> tuple[Columns, pd.DataFrame]:
    """The facts of every column on the first rows, and these rows as text (empty cells are
    missing)."""
    rows = max(200, min(ROWS, CELLS // max(1, len(table.columns))))
    return facts_of(sample(table, rows))


def sample(table: ir.Table, rows: int) -> pd.DataFrame:
    """The first rows as text; empty cells and blanks are missing."""
    texts = {name: table[name].cast("string") for name in table.columns}
    frame = table.select(**texts).limit(rows).to_pandas().astype("str")
    trimmed = frame.apply(lambda column: column.str.strip())
    return trimmed.where(frame.notna() & (trimmed != "") & (trimmed != "None"))


def facts_of(frame: pd.DataFrame) -> tuple[Columns, pd.DataFrame]:
    """The facts of a frame of texts, and the frame."""
    found = {
        str(name): Facts(str(name), len(frame), frame[name].dropna()) for name in frame
    }
    return found, frame
