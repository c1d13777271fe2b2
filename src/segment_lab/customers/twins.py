"""One customer under several ids: ids that differ in writing alone, and what they touch."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

#: More customers are not compared with each other.
COMPARED = 2_000_000


@dataclass(frozen=True)
class Twins:
    """Ids that become one when they are written in one way.

    Parameters
    ----------
    way : {"case", "float", "zeros", "phone"}
        What they differ in: capitals and blanks, a trailing ``.0``, leading zeros, the signs and
        the country code of a telephone number.
    ids : int
        How many ids have a twin.
    share : float
        Their share of the revenue.
    examples : tuple of str
        Two ids that are one.
    """

    way: str
    ids: int
    share: float
    examples: tuple[str, str]

    def expression(self, inner: str) -> str:
        """The expression that makes them one; `inner` is how the customer is read now."""
        ways = {
            "case": f"lower(trim({inner}))",
            "float": f"regexp_replace({inner}, '^([0-9]+)[.]0$', '\\1')",
            "zeros": f"regexp_replace({inner}, '^0+([0-9])', '\\1')",
            "phone": f"right(regexp_replace({inner}, '[^0-9]', ''), 10)",
        }
        return ways[self.way]


def twins(customers: pd.DataFrame) -> list[Twins]:
    """Ids of the customer table that are most likely one customer's.

    Parameters
    ----------
    customers : DataFrame
        Index ``customer_id``, column ``revenue``.

    Examples
    --------
    >>> table = pd.DataFrame({"revenue": [10.0, 30.0, 60.0]}, index=["ann", "Ann ", "bob"])
    >>> found = twins(table)[0]
    >>> found.way, found.ids, found.share
    ('case', 2, 0.4)
    """
    if not 1 < len(customers) <= COMPARED:
        return []
    ids = pd.Series(customers.index.astype("str"), index=customers.index)
    plain = ids.str.strip().str.lower()
    digits = plain.str.replace(r"[^0-9]", "", regex=True)
    telephone = plain.str.fullmatch(r"['’]?\+?[\d\s()\-.]{10,}") & (
        digits.str.len() >= 10
    )
    signed = telephone & plain.str.contains(r"\+|[ ()\-]", regex=True)
    forms = {
        "case": plain,
        "float": ids.str.replace(r"^(\d+)\.0$", r"\1", regex=True),
        "zeros": ids.str.replace(r"^0+(\d)", r"\1", regex=True),
        # A number of a country code alone is an id like any other, unless some are signed.
        "phone": digits.str[-10:].where(telephone & bool(signed.any()), ids),
    }
    revenue = customers["revenue"]
    found = []
    for way, form in forms.items():
        pair = form.duplicated(keep=False)
        if pair.any():
            whole = revenue.sum()
            share = float(revenue[pair.to_numpy()].sum() / whole) if whole else 0.0
            first = form[pair].sort_values(kind="stable").iloc[0]
            examples = ids[form == first].sort_values()
            found.append(
                Twins(way, int(pair.sum()), share, (examples.iloc[0], examples.iloc[1]))
            )
    return found
