"""Amounts that are not in whole units: a file gives them in thousands, millions or cents, and its
header, the lines above it or a column of units say so."""

from __future__ import annotations

import re
from collections.abc import Iterable

from segment_lab.data.guess.adjusted import hundred_times
from segment_lab.data.guess.amounts import Amount
from segment_lab.data.guess.facts import Columns
from segment_lab.data.guess.opening import Opened, Proposal
from segment_lab.data.guess.vocabulary import normal, ranked, vocabulary
from segment_lab.data.magnitudes import factors
from segment_lab.data.quoting import one_of, quoted
from segment_lab.data.reading import CURRENCY_MARKS
from segment_lab.texts import say

_MONEY = rf"(?:{CURRENCY_MARKS}|元|円)"
#: Letters that mean a scale only right beside a currency, or alone in brackets.
_LETTERS = {
    1_000: r"k|K|T|t",
    100_000: r"L",
    1_000_000: r"M|MM|m|mm|Mn|mn",
    1_000_000_000: r"B|bn|Bn|BN",
}
#: In brackets these are no other unit.
_IN_BRACKETS = {
    1_000: r"k|K|['’]?000s?",
    1_000_000: r"M|MM",
}
#: What needs no currency beside it.
_ALONE = {
    1_000_000: r"[x×*] ?1[ .,'’]?000[ .,'’]?000\b|百万[元円]|\b[Mm]illion(?= |[)\]]|$)",
    10_000: r"万[元円]",
    1_000: (
        r"['’]000s?\b|[x×*] ?1[ .,'’]?000\b|\bin 1[ .,'’]?000\b|т\. ?р\.|千[元円]"
        r"|\be ?Ft\b|\b[Tt]housand(?= [A-Z]{3}\b| of|[)\]]|$)"
    ),
}
#: Kinds of Stripe's records, and currencies that have no cents.
ANSWERED = {
    "charge",
    "payment_intent",
    "invoice",
    "refund",
    "balance_transaction",
    "checkout.session",
}
NO_CENTS = ("JPY", "KRW", "VND", "CLP", "UGX", "XAF", "XOF", "PYG")


def scale_of(text: str) -> int:
    """By how much the amounts below a header are to be multiplied: 1 where it does not say.

    Examples
    --------
    >>> scale_of("Revenue (k€)"), scale_of("Umsatz in TEUR"), scale_of("Сумма, тыс. руб.")
    (1000, 1000, 1000)
    >>> scale_of("Amount ($M)"), scale_of("Wartość (mln zł)"), scale_of("Amount SEK")
    (1000000, 1000000, 1)
    """
    words = set(normal(text).split())
    for scale, names in vocabulary()["scales"].items():
        if words & set(names):
            return int(scale)
    for scale, letters in _LETTERS.items():
        before = rf"(?<!\w)(?:{letters}) ?{_MONEY}(?!\w)"
        behind = rf"(?<![^\W\d_]){_MONEY} ?(?:{letters})(?!\w)"
        if re.search(f"{before}|{behind}", text):
            return scale
    for scale, letters in _IN_BRACKETS.items():
        if re.search(rf"[(\[](?:in )?(?:{letters})[)\]]", text):
            return scale
    for scale, form in _ALONE.items():
        if re.search(form, text):
            return scale
    return 1


def to_units(
    file: Opened,
    proposal: Proposal,
    expression: str,
    names: Iterable[str],
) -> str:
    """An amount in whole units, made of the columns `names`; what was multiplied is said."""
    money = [name for name in names if name in file.columns]
    said = {name: scale_of(name) for name in money}
    large = {name: scale for name, scale in said.items() if scale > 1}
    whole = quoted(expression) if expression in file.columns else f"({expression})"
    if large:
        column, scale = next(iter(large.items()))
        proposal.took.append(say("init.took.scaled", column=column, scale=scale))
        return f"{whole} * {scale}"
    if not money:
        return expression
    for line in file.above:
        scale = scale_of(line)
        if scale > 1:
            facts = {"column": money[0], "scale": scale}
            proposal.took.append(say("init.took.scaled_above", line=line, **facts))
            return f"{whole} * {scale}"
    return _by_unit(file.columns, proposal, whole, money[0]) or expression


def _by_unit(
    columns: Columns,
    proposal: Proposal,
    whole: str,
    money: str,
) -> str | None:
    """An amount whose unit stands in a column beside it, as ``k EUR`` does."""
    units = ranked(columns, "currency") + ranked(columns, "unit")
    for name in units:
        values = list(columns[name].cells.unique()[:40])
        by_scale: dict[int, list[str]] = {}
        for value in values:
            by_scale.setdefault(scale_of(value), []).append(value)
        large = {scale: told for scale, told in by_scale.items() if scale > 1}
        if not large:
            continue
        scale, told = next(iter(large.items()))
        facts = {"column": money, "unit": name, "values": told, "scale": scale}
        proposal.took.append(say("init.took.scaled_by", **facts))
        if len(by_scale) == 1:
            return f"{whole} * {scale}"
        cases = [
            f"WHEN {one_of(name, told)} THEN {whole} * {scale}"
            for scale, told in large.items()
        ]
        return f"CASE {' '.join(cases)} ELSE {whole} END"
    return None


def written_short(file: Opened, proposal: Proposal, names: Iterable[str]) -> None:
    """Values such as ``12.5k`` are read as what they mean; that is said."""
    for name in names:
        if name not in file.columns:
            continue
        cells = file.columns[name].cells
        short = cells[factors(cells) > 1]
        if len(short):
            facts = {"rows": len(short), "example": short.iloc[0]}
            proposal.took.append(say("init.took.written_short", column=name, **facts))


def currency_in(header: str) -> str:
    """The mark or code of the currency that a header with a scale names: ``TEUR`` holds EUR."""
    if scale_of(header) == 1:
        return ""
    found = re.search(rf"(?<![^\W\d_kKTtMme])({CURRENCY_MARKS})(?!\w)", header)
    found = found or re.search(rf"({CURRENCY_MARKS}) ?[kKTMm]+(?!\w)", header)
    return found[1] if found else ""


def whole(file: Opened, proposal: Proposal, name: str) -> str:
    """A column of money beside the amount, such as a margin, in whole units."""
    if set(normal(name).split()) & set(vocabulary()["hundredths"]):
        proposal.took.append(say("init.took.cents", column=name))
        return f"{quoted(name)} / 100"
    return to_units(file, proposal, name, [name])


def cents(file: Opened, proposal: Proposal, paid: Amount) -> None:
    """Amounts that their header calls cents are hundredths."""
    name = paid.columns[0]
    if name not in file.columns:
        return
    called = set(normal(name).split()) & set(vocabulary()["hundredths"])
    answered = _answered_in_cents(file.columns)
    if not called and not answered and not hundred_times(file.columns, name):
        return
    amounts = file.columns[name].amounts().dropna()
    whole = bool((amounts % 1 == 0).all())
    if whole and len(paid.columns) == 1:
        paid.expression = f"{quoted(name)} / 100"
        proposal.took.append(say("init.took.cents", column=name))
    elif whole and (answered or called) and not paid.by_line:
        paid.expression = f"({paid.expression}) / 100"
        proposal.took.append(say("init.took.cents", column=name))


def _answered_in_cents(columns: Columns) -> bool:
    """Whether records are answers of Stripe, which name their kind and count in the smallest unit;
    a few currencies have none."""
    if "object" not in columns:
        return False
    kinds = set(columns["object"].cells.unique())
    codes = columns["currency"].cells.str.upper() if "currency" in columns else None
    without = codes is not None and codes.isin(NO_CENTS).any()
    return bool(kinds) and kinds <= ANSWERED and not without
