"""How every segment is served, whatever its campaigns' verdicts: stance, effort, and where freed
hours go.

A stance needs no experiment. It follows from what the segment is worth, whether its customers are
still in their rhythm, and whether they come back by themselves.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
import pandas as pd

PROTECT, GROW, WIN_BACK = "protect", "grow", "win_back"
KEEP_IN_TOUCH, LET_GO, EMPTY = "keep_in_touch", "let_go", "empty"
STANCES = (PROTECT, GROW, WIN_BACK, KEEP_IN_TOUCH, LET_GO, EMPTY)
#: Stances that take no hours of people, and those that freed hours go to, the first that exist.
UNSTAFFED = (KEEP_IN_TOUCH, LET_GO)
RECEIVERS = ((PROTECT, WIN_BACK), (GROW,))


@dataclass(frozen=True)
class StanceRules:
    """Where the borders between stances lie.

    Parameters
    ----------
    valuable : float
        A segment whose customers are worth this many times the average is valuable.
    leading : float
        So is one with this share of all money.
    modest, little : float
        Below these multiples of the average a segment is worth keeping in touch, or letting go.
    low_rate : float
        Where so few or more buy anyway within the horizon (the upper end of the 95 % range), nobody
        is let go.
    """

    valuable: float = 1.5
    leading: float = 0.25
    modest: float = 0.75
    little: float = 0.5
    low_rate: float = 0.10


def stances(
    known: pd.DataFrame,
    rules: StanceRules = StanceRules(),
    winnable: Container[str] = (),
    called: Container[str] = (),
) -> pd.DataFrame:
    """The stance of every segment, with the effort it takes now and should take.

    Parameters
    ----------
    known : DataFrame, index segment
        From `evidence.evidence`.
    rules : StanceRules
        Where the borders lie.
    winnable : container of str
        Segments in which more than mail is expected to pay, or is tested: lapsed ones are won
        back.
    called : container of str
        Segments of which customers are called or visited by a campaign: mail alone is not enough
        for them.

    Returns
    -------
    DataFrame, same index
        ``stance, worth_index`` (money per customer as a multiple of the average); ``hours_now,
        hours_proposed, hours_freed, hours_gained`` of a year's contacts, null where nobody's
        minutes are known.

    Examples
    --------
    >>> segment = {"customers": 50, "customer_share": 0.5, "new_share": 0.0, "slowing_share": 0.0}
    >>> best = {**segment, "revenue_share": 0.9, "lapsed_share": 0.1, "natural_rate_high": 0.8}
    >>> last = {**segment, "revenue_share": 0.1, "lapsed_share": 1.0, "natural_rate_high": 0.04}
    >>> stances(pd.DataFrame([best, last], index=["A", "C"]))["stance"].tolist()
    ['protect', 'let_go']
    """
    share = known["revenue_share"]
    if "margin_share" in known and known["margin_share"].notna().all():
        share = known["margin_share"]
    out = pd.DataFrame(index=known.index)
    out["worth_index"] = share / known["customer_share"].replace(0, np.nan)
    rows = known.assign(worth_index=out["worth_index"], money_share=share)
    out["stance"] = [_stance(row, rules) for _, row in rows.iterrows()]
    named = out.index.isin([name for name in out.index if name in winnable])
    out.loc[named & (rows["lapsed_share"] > 0.5), "stance"] = WIN_BACK
    spoken_to = out.index.isin([name for name in out.index if name in called])
    out.loc[spoken_to & (out["stance"] == KEEP_IN_TOUCH), "stance"] = GROW
    return out.join(_effort(known, out["stance"]))


def _stance(row: pd.Series, rules: StanceRules) -> str:
    if not row["customers"] > 0:
        return EMPTY
    worth = row["worth_index"]
    valuable = worth >= rules.valuable or row["money_share"] >= rules.leading
    if row["lapsed_share"] > 0.5:
        return _stance_of_lapsed(row, valuable, rules)
    if valuable:
        return PROTECT
    if worth < rules.little and not row["new_share"] > 0.5:
        return KEEP_IN_TOUCH
    return GROW


def _stance_of_lapsed(row: pd.Series, valuable: bool, rules: StanceRules) -> str:
    if valuable:
        return WIN_BACK
    comes_back = row["natural_rate_high"] >= rules.low_rate
    if comes_back and row["worth_index"] >= rules.modest:
        return WIN_BACK
    if comes_back or row["worth_index"] >= rules.little:
        return KEEP_IN_TOUCH
    return LET_GO if row["natural_rate_high"] < rules.low_rate else KEEP_IN_TOUCH


def _effort(known: pd.DataFrame, stance: pd.Series) -> pd.DataFrame:
    """Hours now and proposed: those spent where mail is enough go to the segments at stake, by
    what they bring; a segment that takes more of the hours than it brings of revenue gets none."""
    columns = ["hours_now", "hours_proposed", "hours_freed", "hours_gained"]
    if "minutes" not in known:
        return pd.DataFrame(np.nan, index=known.index, columns=columns)
    now = known["minutes"] / 60
    freed = now.where(stance.isin(UNSTAFFED), 0.0)
    gained = pd.Series(0.0, index=known.index)
    revenue = known["revenue"].clip(lower=0)
    short_of_time = now * revenue.sum() <= revenue * now.sum()
    for receivers in RECEIVERS:
        money = revenue.where(stance.isin(receivers) & short_of_time, 0.0)
        if money.sum() > 0:
            gained = freed.sum() * money / money.sum()
            break
    proposed = now - freed + gained
    return pd.concat(
        [now, proposed, freed, gained],
        axis=1,
        keys=columns,
    )
