"""Which segmentation is acted on, and whether its advice also holds under the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

#: Why a scheme is acted on: the study file names it; it is settled and ranks best; it alone has a
#: playbook; none is settled.
FILE, BEST, ONLY, FIRST = "file", "best", "only", "first"
#: Most of a segment: beyond this share another scheme confirms its stance.
MOST = 0.5
#: Ranking powers that print alike are a tie.
DIGITS = 2


@dataclass(frozen=True)
class Choice:
    """The scheme that is acted on.

    Parameters
    ----------
    scheme, reason : str
        Its name, and one of `FILE`, `BEST`, `ONLY`, `FIRST`.
    able : tuple of str
        Every scheme that has a playbook, in the study file's order.
    powers : mapping of str to float
        Ranking power of each that was judged.
    level : tuple of str
        Others that qualify as well and that the data cannot tell from the chosen one.
    better : tuple of str
        Schemes that certainly rank customers better, but have no playbook to act by.
    """

    scheme: str
    reason: str
    able: tuple[str, ...] = ()
    powers: Mapping[str, float] = field(default_factory=dict)
    level: tuple[str, ...] = ()
    better: tuple[str, ...] = ()


def choose(
    able: Sequence[str],
    settled: Collection[str] = (),
    powers: Mapping[str, float] | None = None,
    worse: Collection[tuple[str, str]] = (),
) -> Choice:
    """The settled scheme with the highest ranking power; else the first that has a playbook.

    Parameters
    ----------
    able : sequence of str
        Schemes with a playbook, in the study file's order, which also decides ties.
    settled : collection of str
        Schemes that may be acted on (PROPER or FIXED).
    powers : mapping of str to float, optional
        Ranking power of each judged scheme; none where the log is too short to judge.
    worse : collection of (str, str)
        Pairs of which the first certainly ranks worse than the second.

    Examples
    --------
    >>> powers = {"rfm": 0.61, "abc": 0.58, "clusters": 0.70}
    >>> choose(["rfm", "abc"], {"rfm", "abc"}, powers).scheme
    'rfm'
    >>> choose(["abc", "clusters"], {"abc"}, powers).reason
    'best'
    >>> choose(["abc", "clusters"]).reason
    'first'
    """
    known = powers or {}
    powers = {name: known[name] for name in able if pd.notna(known.get(name))}
    ranked = [name for name in powers if name in settled]

    def is_behind(name: str) -> bool:
        return any((name, other) in worse for other in ranked)

    good = [name for name in ranked if not is_behind(name)]
    if not good:
        return Choice(able[0], FIRST, tuple(able), powers)
    best = max(good, key=lambda name: round(powers[name], DIGITS))
    level = tuple(name for name in good if name != best)
    return Choice(best, BEST, tuple(able), powers, level)


def certainly_worse(differences: pd.DataFrame) -> set[tuple[str, str]]:
    """Pairs (worse, better) whose joint interval of the difference in ranking power leaves out 0.

    Parameters
    ----------
    differences : DataFrame
        ``measure, a, b, joint_low, joint_high`` of a scorecard: a less b.
    """
    power = differences[differences["measure"] == "ranking_power"]
    ahead = power[power["joint_low"] > 0]
    behind = power[power["joint_high"] < 0]
    return {
        *zip(ahead["b"], ahead["a"], strict=True),
        *zip(behind["a"], behind["b"], strict=True),
    }


def agreement(
    labels: pd.Series,
    stances: pd.Series,
    other_labels: pd.Series,
    other_stances: pd.Series,
) -> pd.Series:
    """Share of each segment's customers whom another scheme gives the same stance.

    Parameters
    ----------
    labels, other_labels : Series by ``customer_id``
        Segments under the scheme that is acted on, and under another.
    stances, other_stances : Series by segment
        What each segment gets.

    Returns
    -------
    Series by segment
        Of the customers both schemes hold; null where there are none.

    Examples
    --------
    >>> mine = pd.Series(["A", "A", "A", "B"])
    >>> theirs = pd.Series(["x", "x", "y", "y"])
    >>> other = pd.Series({"x": "protect", "y": "grow"})
    >>> stances = pd.Series({"A": "protect", "B": "protect"})
    >>> agreement(mine, stances, theirs, other).round(2).tolist()
    [0.67, 0.0]
    """
    given = labels.astype(str).map(stances)
    others = other_labels.astype(str).map(other_stances).reindex(labels.index)
    known = given.notna() & others.notna()
    same = (given == others)[known]
    return same.groupby(labels.astype(str)[known]).mean().reindex(stances.index)


def differing(shares: pd.DataFrame) -> pd.Series:
    """The schemes under which most of a segment's customers would get another stance.

    Parameters
    ----------
    shares : DataFrame
        From `agreement`: a row per segment, a column per other scheme; null where it holds none of
        these customers.

    Returns
    -------
    Series of tuple of str
        By segment, of those that any other scheme holds.

    Examples
    --------
    >>> shares = pd.DataFrame({"rfm": [0.9, 0.6], "abc": [0.8, 0.2]}, index=["A", "B"])
    >>> differing(shares).tolist()
    [(), ('abc',)]
    """
    held = shares.dropna(how="all")
    against = [
        tuple(held.columns[(row < MOST).to_numpy()]) for _, row in held.iterrows()
    ]
    return pd.Series(against, index=held.index, dtype="object")
