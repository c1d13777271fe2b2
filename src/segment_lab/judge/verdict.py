"""The answer in two or three plain sentences, written from the numbers and their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

NAMES = {
    "rfm": "RFM",
    "abc": "ABC",
    "lifecycle": "lifecycle tiers",
    "clusters": "clusters",
    "rules": "own rules",
}
PLURAL = {"lifecycle", "clusters", "rules"}


def title(name: str) -> str:
    """A scheme's name as a sentence uses it."""
    spoken = "company's own rules" if name == "rules" else NAMES.get(name, name)
    return f"the {spoken}" if name in PLURAL else spoken


def verdict(tables: Mapping[str, pd.DataFrame], days: int | None) -> tuple[str, ...]:
    """Who ranks best (or nobody), what a simple rule does, who moves."""
    trust, differences = tables["trust"], tables["differences"]
    gini = differences[differences["measure"] == "gini"]
    period = f"the next {days} days" if days else "the judged period"
    moves = _moves(tables["movement"], trust, days) if "movement" in tables else ""
    return tuple(s for s in (_winner(trust, gini, period), _baseline(trust, gini), moves) if s)


def better(gini: pd.DataFrame, a: str, b: str) -> bool:
    """Whether `a` ranks certainly better than `b`: the interval of the paired difference leaves
    out 0."""
    return bool(
        (
            (gini["a"] == a) & (gini["b"] == b) & (gini["difference_low"] > 0)
            | (gini["a"] == b) & (gini["b"] == a) & (gini["difference_high"] < 0)
        ).any()
    )


def _winner(trust: pd.DataFrame, gini: pd.DataFrame, period: str) -> str:
    schemes = trust[trust["kind"] == "scheme"].sort_values("gini", ascending=False)
    names, best = [str(n) for n in schemes.index], str(schemes.index[0])
    if (schemes["gini_low"] <= schemes["null_gini"]).all():
        return f"On this base no scheme foretells {period} better than segments dealt at random."
    if len(names) == 1:
        return (
            f"{_start(title(best))} {_verb([best], 'foretell')} {period} with a Gini of "
            f"{schemes['gini'].iloc[0]:.2f} (chance 0, a perfect order 1)."
        )
    tied = [best, *(n for n in names[1:] if not better(gini, best, n))]
    rest = [n for n in names if n not in tied]
    if not rest:
        return (
            f"On this base {_list(tied)} cannot be told apart by what customers spend in {period}: there is no "
            "winner."
        )
    if len(tied) == 1:
        return (
            f"On this base {title(best)} {_verb([best], 'rank')} customers by what they spend in {period} better "
            f"than {_list(rest)}."
        )
    return (
        f"On this base there is no single winner: {_list(tied)} rank customers by what they spend in {period} and "
        f"cannot be told apart; {title(best)} {_verb([best], 'do')} it better than {_list(rest)}."
    )


def _baseline(trust: pd.DataFrame, gini: pd.DataFrame) -> str:
    """Plain spend bands, then the plain rank, against all schemes."""
    known = trust[trust["gini"].notna()].sort_values("gini", ascending=False)
    schemes = [str(n) for n in known.index[known["kind"] == "scheme"]]
    bands = [str(n) for n in known.index if str(n).endswith(" spend bands")]
    for name, words in (
        *((b, f"Plain bands of past spend ({b.split()[0]}) do") for b in bands[:1]),
        ("past-spend rank", "Simply sorting customers by past spend does"),
    ):
        if all(better(gini, name, s) for s in schemes):
            return f"{words} that better than {'all of them' if len(schemes) > 1 else 'it does'}."
    if "past-spend rank" not in known.index:
        return ""
    if ahead := [s for s in schemes if better(gini, s, "past-spend rank")]:
        return (
            f"{_start(_list(ahead))} {_verb(ahead, 'beat')} simply sorting customers by past spend."
        )
    who = "None of them certainly beats" if len(schemes) > 1 else "It does not certainly beat"
    return f"{who} simply sorting customers by past spend."


def _moves(movement: pd.DataFrame, trust: pd.DataFrame, days: int | None) -> str:
    share = movement["moved_share"].sort_values(ascending=False)
    most, least = str(share.index[0]), str(share.index[-1])
    text = (
        f"{f'In {days} days' if days else 'Later'} {share.iloc[0]:.0%} of customers changed segment under "
        f"{title(most)} ({trust['segments'].astype(float)[most]:.0f} names)"
    )
    return f"{text}, {share.iloc[-1]:.0%} under {title(least)}." if len(share) > 1 else f"{text}."


def sentence(section: str, table: pd.DataFrame, schemes: Sequence[str]) -> str:
    """One section in one plain sentence, with figures from its table."""
    return {
        "trust": _trust,
        "misclassification": _missed,
        "homogeneity": _homogeneous,
        "agreement": _agree,
        "differences": _differ,
        "movement": _move,
        "stability": _stable,
        "ambiguity": _ambiguous,
        "sufficiency": _sufficient,
        "actionability": _actionable,
        "interpretability": _interpretable,
    }[section](table, list(schemes))


def _span(values: pd.Series) -> str:
    """``5% (ABC) to 31% (RFM)``."""
    values = values.dropna()  # all spent the same, or too few customers
    if values.empty:
        return "an unknown share"
    low, high = str(values.idxmin()), str(values.idxmax())
    ends = f"{values.min():.0%} ({title(low)})"
    return ends if len(values) == 1 else f"{ends} to {values.max():.0%} ({title(high)})"


def _trust(table: pd.DataFrame, schemes: list[str]) -> str:
    best = table.loc[schemes].sort_values("gini").iloc[-1]
    return (
        f"The best scheme, {title(str(best.name))}, puts the customers who will spend most first with a Gini of "
        f"{best['gini']:.2f} ({best['gini_low']:.2f} to {best['gini_high']:.2f}); segments dealt at random seldom "
        f"pass {best['null_gini']:.2f}."
    )


def _differ(table: pd.DataFrame, schemes: list[str]) -> str:
    pairs = table[
        (table["measure"] == "gini") & table["a"].isin(schemes) & table["b"].isin(schemes)
    ]
    return (
        f"{int(pairs['certain'].sum())} of the {len(pairs)} differences between two schemes are certain; each is "
        "judged alone, so about one in twenty appears by chance."
    )


def _missed(table: pd.DataFrame, schemes: list[str]) -> str:
    rows = table.loc[schemes]
    return (
        f"Of the customers who turn out to be the best fifth, the schemes miss {_span(rows['missed_share'])}, and "
        f"of their money {_span(rows['missed_revenue_share'])}; as many others are served in their place."
    )


def _homogeneous(table: pd.DataFrame, schemes: list[str]) -> str:
    return f"Knowing the segment explains {_span(table['omega2'])} of the differences in what customers spend next."


def _agree(table: pd.DataFrame, schemes: list[str]) -> str:
    best = table.sort_values("ari").iloc[-1]
    return (
        f"{_start(_list([best['a'], best['b']]))} agree most: {best['ari']:.2f} on a scale where 0 is chance and "
        "1 the same."
    )


def _move(table: pd.DataFrame, schemes: list[str]) -> str:
    text = f"Of the customers, {_span(table['moved_share'])} are in another segment than a period before"
    known = table["drift_share"].dropna()
    return f"{text}; new cut points alone relabel {_span(known)}." if len(known) else f"{text}."


def _stable(table: pd.DataFrame, schemes: list[str]) -> str:
    weak = table[table["jaccard"] < 0.6]
    first = (
        f"{len(weak)} of {len(table)} segments are not found again when learned from other customers."
        if len(weak)
        else "Every segment is found again when learned from other customers."
    )
    empty = list(table.index[~table["informative"]].get_level_values("scheme").unique())
    return first + (
        f" For {_list(empty)} that is no evidence: it happens in shuffled data too."
        if empty
        else ""
    )


def _ambiguous(table: pd.DataFrame, schemes: list[str]) -> str:
    return (
        f"A week of silence or 5% of money, more or less, changes the segment of {_span(table['ambiguous_share'])} "
        "of the customers."
    )


def _sufficient(table: pd.DataFrame, schemes: list[str]) -> str:
    last = table.groupby(level="scheme", sort=False)["agreement"].last()
    return (
        f"Learned from one month less, the cut points put customers into the same segments with an agreement of "
        f"{last.min():.2f} ({title(str(last.idxmin()))}) to {last.max():.2f} ({title(str(last.idxmax()))})."
    )


def _actionable(table: pd.DataFrame, schemes: list[str]) -> str:
    filled = table[(table["customers"] > 0) & table["smallest_uplift"].notna()]
    if filled.empty:
        return (
            "Campaigns contacted everybody in the judged period, so nobody knows who buys anyway."
        )
    never = int(np.isinf(filled["smallest_uplift"]).sum())
    return (
        f"In {int((filled['smallest_uplift'] > 0.05).sum())} of {len(filled)} segments a campaign would have to "
        "lift the rate of buying by more than 5 points before anybody could see that it worked"
        + (
            f"; in {never} of them not even all buying would show, because so many buy anyway or they are so few."
            if never
            else "."
        )
    )


def _interpretable(table: pd.DataFrame, schemes: list[str]) -> str:
    return f"Three yes-or-no questions find the segment of {_span(table['accuracy'])} of the customers."


def _list(names: Sequence[str]) -> str:
    words = [title(n) for n in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _verb(names: Sequence[str], verb: str) -> str:
    """The verb in the number of its subject."""
    single = len(names) == 1 and names[0] not in PLURAL
    return verb if not single else f"{verb}{'es' if verb.endswith('o') else 's'}"


def _start(text: str) -> str:
    return text[0].upper() + text[1:]
