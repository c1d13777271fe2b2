"""The answer as facts: which schemes lead, whether a plain rule is ahead, who moves most.

A scheme is called better only where the joint interval of the difference leaves out 0, which holds
for all pairs at once: among schemes that are equally good, one is named in at most 5 of 100 cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Verdict:
    """What the trust table and the differences say.

    Attributes
    ----------
    best : str
        The scheme with the greatest ranking power; `power` is it.
    tied : tuple of str
        The best and those it is not certainly ahead of; `behind` are the others.
    chance : bool
        No scheme ranks certainly better than groups dealt at random.
    plain : {"bands", "rank", "beaten", "level", ""}
        A plain rule beats every scheme (bands of past spend, or the mere order of it), some schemes
        (`ahead`) beat the order, or nothing is certain; empty without baselines.
    bands : int
        The number of bands where they are meant.
    moving : tuple of (str, float, int)
        The schemes whose customers change segment most and least: name, share, segments.
    """

    best: str
    power: float
    tied: tuple[str, ...]
    behind: tuple[str, ...]
    chance: bool
    plain: str = ""
    ahead: tuple[str, ...] = ()
    bands: int = 0
    moving: tuple[tuple[str, float, int], ...] = ()


def verdict(tables: Mapping[str, pd.DataFrame]) -> Verdict:
    """Read the answer from the sections ``trust, differences`` and, where there, ``movement``."""
    trust = tables["trust"]
    power = tables["differences"]
    power = power[power["measure"] == "ranking_power"]
    schemes = trust[trust["kind"] == "scheme"]
    schemes = schemes.sort_values("ranking_power", ascending=False, kind="stable")
    names = [str(name) for name in schemes.index]
    best = names[0]
    behind = [name for name in names[1:] if better(power, best, name)]
    tied = [name for name in names if name not in behind]
    by_chance = schemes["ranking_power_low"] <= schemes["null_power"]
    plain, ahead, bands = _plain(trust, power, names)
    moving: tuple[tuple[str, float, int], ...] = ()
    if "movement" in tables:
        moving = _moving(tables["movement"], trust)
    return Verdict(
        best=best,
        power=float(schemes["ranking_power"].iloc[0]),
        tied=tuple(tied),
        behind=tuple(behind),
        chance=bool(by_chance.all()),
        plain=plain,
        ahead=ahead,
        bands=bands,
        moving=moving,
    )


def better(power: pd.DataFrame, a: str, b: str) -> bool:
    """Whether `a` ranks certainly better than `b`, by the joint interval of their difference."""
    forward = (power["a"] == a) & (power["b"] == b)
    backward = (power["a"] == b) & (power["b"] == a)
    above = forward & (power["joint_low"] > 0)
    below = backward & (power["joint_high"] < 0)
    return bool((above | below).any())


def _plain(
    trust: pd.DataFrame,
    power: pd.DataFrame,
    schemes: list[str],
) -> tuple[str, tuple[str, ...], int]:
    """Plain spend bands, then the plain order, against all schemes."""
    judged = trust["ranking_power"].notna()
    known = trust[judged & (trust["kind"] == "baseline")]
    known = known.sort_values("ranking_power", ascending=False)
    bands = known.index[known["band_count"] > 0]
    if len(bands):
        best = str(bands[0])
        if all(better(power, best, scheme) for scheme in schemes):
            return "bands", (), int(known["band_count"][best])
    rank = "past-spend rank"
    if rank not in known.index:
        return "", (), 0
    if all(better(power, rank, scheme) for scheme in schemes):
        return "rank", (), 0
    ahead = [scheme for scheme in schemes if better(power, scheme, rank)]
    reading = "beaten" if ahead else "level"
    return reading, tuple(ahead), 0


def _moving(
    movement: pd.DataFrame, trust: pd.DataFrame
) -> tuple[tuple[str, float, int], ...]:
    share = movement["moved_share"].sort_values(ascending=False)
    ends = [share.index[0]]
    if len(share) > 1:
        ends.append(share.index[-1])
    found = []
    for name in ends:
        segments = int(trust.loc[name, "segments"])
        found.append((str(name), float(share[name]), segments))
    return tuple(found)
