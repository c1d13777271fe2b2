"""Whom a mailing may reach: a segment's customers who agreed, can be reached and owe nothing
overdue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from segment_lab.customers.people import consented
from segment_lab.errors import ConfigError, DataError, Fault, nearest
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say


class Mailing(NamedTuple):
    """`recipients` (customer_id, and email where asked for) and `suppressed` (customers by
    reason)."""

    recipients: pd.DataFrame
    suppressed: pd.DataFrame


def mailing(
    segmentation: Segmentation,
    customers: pd.DataFrame,
    segments: Sequence[str],
    *,
    undelivered: Iterable[str] = (),
    debtors: Iterable[str] = (),
    personal: bool = False,
) -> Mailing:
    """The mailing list of some segments; every customer left out is counted under the first reason
    that holds.

    Parameters
    ----------
    segmentation : Segmentation
        Any scheme.
    customers : DataFrame
        Customer table with ``consent``; only a recorded yes counts.
    segments : sequence of str
        Names of the segments to mail.
    undelivered, debtors : iterable of customer_id
        Whose mail does not arrive; who has overdue debt.
    personal : bool
        Add the ``email`` column; without it the list holds no personal data.

    Raises
    ------
    DataError
        The table has no ``consent`` (or, for `personal`, no ``email``): nobody may be mailed on a
        guess.
    """
    if unknown := [name for name in segments if name not in segmentation.names]:
        hints = [
            say(
                "contacts.unknown_segment",
                name=name,
                hint=nearest(name, segmentation.names),
            )
            for name in unknown
        ]
        raise ConfigError(say("contacts.unknown_segments", hints="; ".join(hints)))
    needed = ["consent", "email"] if personal else ["consent"]
    missing = [name for name in needed if name not in customers]
    if missing:
        problem, remedy = say("contacts.column_missing"), say("contacts.column_remedy")
        faults = [Fault(name, problem, remedy) for name in missing]
        raise DataError(say("contacts.no_list"), faults)
    rows = segmentation.align(customers)[
        segmentation.labels.isin(list(segments)).to_numpy()
    ]
    reasons = {
        "no_consent": ~consented(rows).to_numpy(),
        "undelivered": rows.index.isin(list(undelivered)),
        "overdue_debt": rows.index.isin(list(debtors)),
    }
    if "email" in rows:
        reasons["no_address"] = rows["email"].isna().to_numpy()
    reason = pd.Series("", index=rows.index)
    for name, holds in reasons.items():
        reason = reason.mask(holds & (reason == "").to_numpy(), name)
    counts = reason.value_counts().reindex([*reasons], fill_value=0)
    kept = rows[(reason == "").to_numpy()]
    shown = kept[["email"] if personal else []]
    recipients = shown.rename_axis("customer_id").reset_index()
    suppressed = counts.rename("customers").rename_axis("left_out_because").to_frame()
    return Mailing(recipients, suppressed)


def reachable(
    segmentation: Segmentation,
    customers: pd.DataFrame,
    *,
    undelivered: Iterable[str] = (),
    debtors: Iterable[str] = (),
) -> pd.DataFrame:
    """Per segment: its customers, how many of them a mailing reaches, and the others by reason;
    see `mailing`."""
    out = segmentation.sizes().to_frame()
    lists = {
        name: mailing(
            segmentation, customers, [name], undelivered=undelivered, debtors=debtors
        )
        for name in segmentation.names
    }
    out["customers_reached"] = [len(lists[name].recipients) for name in out.index]
    out["reachable_share"] = out["customers_reached"] / out["customers"]
    reasons = pd.DataFrame(
        {name: found.suppressed["customers"] for name, found in lists.items()}
    ).T
    return out.join(reasons)
