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
    best = str(schemes.index[0])
    behind = [str(n) for n in schemes.index[1:] if better(power, best, str(n))]
    tied = [str(n) for n in schemes.index if n not in behind]
    plain, ahead, bands = _plain(trust, power, [str(n) for n in schemes.index])
    return Verdict(
        best,
        float(schemes["ranking_power"].iloc[0]),
        tuple(tied),
        tuple(behind),
        bool((schemes["ranking_power_low"] <= schemes["null_power"]).all()),
        plain,
        ahead,
        bands,
        _moving(tables["movement"], trust) if "movement" in tables else (),
    )


def better(power: pd.DataFrame, a: str, b: str) -> bool:
    """Whether `a` ranks certainly better than `b`, by the joint interval of their difference."""
    forward = (power["a"] == a) & (power["b"] == b) & (power["joint_low"] > 0)
    backward = (power["a"] == b) & (power["b"] == a) & (power["joint_high"] < 0)
    return bool((forward | backward).any())


def _plain(
    trust: pd.DataFrame, power: pd.DataFrame, schemes: list[str]
) -> tuple[str, tuple[str, ...], int]:
    """Plain spend bands, then the plain order, against all schemes."""
    known = trust[trust["ranking_power"].notna() & (trust["kind"] == "baseline")]
    known = known.sort_values("ranking_power", ascending=False)
    bands = known.index[known["band_count"] > 0]
    if len(bands) and all(better(power, str(bands[0]), scheme) for scheme in schemes):
        return "bands", (), int(known.loc[bands[0], "band_count"])
    if "past-spend rank" not in known.index:
        return "", (), 0
    if all(better(power, "past-spend rank", scheme) for scheme in schemes):
        return "rank", (), 0
    ahead = tuple(
        scheme for scheme in schemes if better(power, scheme, "past-spend rank")
    )
    return ("beaten" if ahead else "level"), ahead, 0


def _moving(
    movement: pd.DataFrame, trust: pd.DataFrame
) -> tuple[tuple[str, float, int], ...]:
    share = movement["moved_share"].sort_values(ascending=False)
    ends = [share.index[0], share.index[-1]] if len(share) > 1 else [share.index[0]]
    return tuple((str(n), float(share[n]), int(trust.loc[n, "segments"])) for n in ends)
