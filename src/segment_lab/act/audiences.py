"""Who may get an action: the customers of a segment without those who are an exception, counted by
reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import pandas as pd

from segment_lab.act.limits import History
from segment_lab.act.playbook import Entry

#: Why a customer is left out, in the order in which the reasons are asked.
RUNNING, DISPUTE, DEBT, NO_CONSENT = "running_test", "dispute", "debt", "no_consent"
#: Nowhere to send an e-mail to.
NO_ADDRESS = "no_address"
#: The entry's own limit: once, or so many contacts in so many days.
LIMIT = "limit_reached"
EXCEPTIONS = (RUNNING, DISPUTE, DEBT, NO_CONSENT, NO_ADDRESS, LIMIT)
#: Channels that need consent, and an address; other reasons hold for every channel.
NEEDED_FOR = {
    NO_CONSENT: frozenset({"email", "sms"}),
    NO_ADDRESS: frozenset({"email"}),
}


def counted(
    entries: Mapping[str, Sequence[Entry]],
    people: pd.DataFrame,
    exceptions: pd.DataFrame,
    history: History | None = None,
) -> pd.DataFrame:
    """Every action of every segment with its audience.

    Parameters
    ----------
    entries : mapping
        From `Playbook.options`.
    people : DataFrame, index customer_id
        ``segment, revenue, monetary_value``.
    exceptions : DataFrame, index customer_id
        Any of `EXCEPTIONS` but the last as flags; customers who are missing are none.
    history : History, optional
        Contacts so far, for entries that have a limit.

    Returns
    -------
    DataFrame
        The entry's words and costs; ``members``, one count per exception, ``customers`` left;
        ``belief``, the key of what is expected; ``scale``, how much larger the orders of an
        action's customers are than their segment's.
    """
    rows = []
    for segment, choices in entries.items():
        members = people[people["segment"] == segment]
        for entry in choices:
            reason = audience(members, entry, exceptions, history)
            row = {"segment": segment, **_described(entry), **_counts(reason)}
            rows.append(row | {"scale": _scale(members, entry)})
    return pd.DataFrame(rows)


def valued(counted: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Actions from `counted` with the money of their segments (`evidence.evidence`), ready for
    `verdicts.decide`: ``margin, margin_se, natural_rate, break_even`` (share of contacts that must
    buy because of it)."""
    money = [
        _money(cast(pd.Series, known.loc[segment]), cost, scale)
        for segment, cost, scale in zip(
            counted["segment"],
            counted["cost_per_contact"],
            counted["scale"],
            strict=True,
        )
    ]
    return counted.drop(columns="scale").join(pd.DataFrame(money, index=counted.index))


def audience(
    members: pd.DataFrame,
    entry: Entry,
    exceptions: pd.DataFrame,
    history: History | None = None,
) -> pd.Series:
    """Each member's reason to be left out; empty for those who may get the action."""
    chosen = most_valuable(members, entry.top)
    flags = exceptions.reindex(chosen.index)
    if history is not None and entry.limit is not None:
        flags = flags.assign(**{LIMIT: history.over(chosen, entry)})
    reason = pd.Series("", index=chosen.index)
    for name in reversed(EXCEPTIONS):
        channels = NEEDED_FOR.get(name)
        if name not in flags or (channels and entry.channel not in channels):
            continue
        reason[flags[name].eq(True).to_numpy()] = name
    return reason


def most_valuable(members: pd.DataFrame, top: int | None) -> pd.DataFrame:
    """The `top` members by revenue; all of them without it."""
    if top is None:
        return members
    return members.sort_values("revenue", ascending=False, kind="stable").head(top)


def _described(entry: Entry) -> dict[str, object]:
    words = entry.model_dump(exclude={"segment", "when", "uplift", "limit"})
    return words | {"belief": entry.belief}


def _counts(reason: pd.Series) -> dict[str, int]:
    left_out = {name: int((reason == name).sum()) for name in EXCEPTIONS}
    return {"members": len(reason), **left_out, "customers": int((reason == "").sum())}


def _scale(members: pd.DataFrame, entry: Entry) -> float:
    """The top of a segment brings as much more as its orders are larger."""
    usual = members["monetary_value"].mean()
    if entry.top is None or not usual > 0:
        return 1.0
    top = most_valuable(members, entry.top)["monetary_value"].mean()
    return float(top / usual)


def _money(facts: pd.Series, cost: float, scale: float) -> dict[str, object]:
    """The segment's figures for one of its actions."""
    margin = float(facts["margin_per_conversion"]) * scale
    needed = cost / margin if margin > 0 else np.inf
    return {
        "margin": margin,
        "margin_se": float(facts["margin_se"]) * scale,
        "margin_basis": facts["margin_basis"],
        "margin_in_horizon": float(facts.get("margin_in_horizon", np.nan)) * scale,
        "natural_rate": facts["planning_rate"],
        "break_even": needed if np.isfinite(margin) else np.nan,
        "horizon_days": facts.get("horizon_days", np.nan),
    }
