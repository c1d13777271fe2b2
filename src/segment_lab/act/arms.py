"""Whether the arms of a campaign can still be compared: who is in both, who is gone, who was
contacted although held out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import scipy

from segment_lab.act.experiment import HOLDOUT, RATIO_ALARM, TREATMENT

#: Below this p-value one arm has lost more customers than the other by more than chance.
LOSS_ALARM = 0.01
KEYS = ["campaign_id", "customer_id"]
#: What an assignment is: two rows that agree in all of it are one row, written twice.
_ASSIGNED = ["arm", "variant", "segment", "assigned_on"]


@dataclass(frozen=True)
class Traces:
    """What is left of customers in the data.

    Parameters
    ----------
    listed : collection of customer_id
        Who is in a table that does not change with what a campaign does: accounts and leads.
    first_seen : mapping of customer_id to day
        First order or contact of everybody: whoever had one before the draw was known by it.
    """

    listed: Collection[str] = ()
    first_seen: Mapping[str, pd.Timestamp] = field(default_factory=dict)

    def lost(self, rows: pd.DataFrame) -> np.ndarray:
        """Which assigned customers (`campaigns.scheduled`) are in no table any more.

        Only what was there before the draw counts: who is found by an order after it would be
        missing from the arm that bought less. A recorded outcome needs no other table.
        """
        ids = rows["customer_id"]
        first = pd.to_datetime(ids.map(dict(self.first_seen)))
        found = ids.isin(list(self.listed)) | (first < rows["assigned_on"])
        if "outcome" in rows:
            found |= rows["outcome"].notna()
        return (~found).to_numpy()


def traces(
    rows: pd.DataFrame,
    undated: Sequence[ir.Table],
    dated: Sequence[tuple[ir.Table, str]],
) -> Traces:
    """What tables hold of the customers of `rows`.

    `undated` tables list customers; `dated` ones come with the column that holds the day.
    """
    people = ibis.memtable(rows[["customer_id"]].drop_duplicates())
    listed: set[str] = set()
    for table in undated:
        ids = table.select("customer_id").semi_join(people, "customer_id").distinct()
        listed |= set(ids.get_backend().to_pyarrow(ids)["customer_id"].to_pylist())
    first: dict[str, pd.Timestamp] = {}
    for table, column in dated:
        own = table.select("customer_id", day=table[column].cast("date"))
        own = own.semi_join(people, "customer_id")
        days = own.group_by("customer_id").aggregate(day=own.day.min())
        found = days.get_backend().to_pyarrow(days).to_pandas()
        for customer, day in zip(
            found["customer_id"], pd.to_datetime(found["day"]), strict=True
        ):
            first[customer] = min(day, first.get(customer, day))
    return Traces(frozenset(listed), first)


def one_row_each(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per campaign and customer; ``twice`` marks customers with several assignments that
    differ (ids that were merged since the draw)."""
    same = [*KEYS, *(column for column in _ASSIGNED if column in rows)]
    single = rows.drop_duplicates(same)
    twice = single.duplicated(KEYS, keep=False)
    return single.assign(twice=twice).drop_duplicates(KEYS).reset_index(drop=True)


def reached(rows: pd.DataFrame, touches: ir.Table | None) -> np.ndarray:
    """Which assigned customers were contacted in the name of their campaign before it ended."""
    if touches is None or "campaign_id" not in touches.columns or rows.empty:
        return np.zeros(len(rows), dtype=bool)
    named = touches.filter(
        touches.campaign_id.isin(rows["campaign_id"].unique().tolist())
    )
    dated = named.select(
        "campaign_id", "customer_id", day=named.touch_date.cast("date")
    )
    contacts = dated.distinct().to_pandas()
    contacts["day"] = pd.to_datetime(contacts["day"])
    both = rows[[*KEYS, "assigned_on", "ends_on"]].merge(contacts, on=KEYS)
    inside = both[
        (both["day"] >= both["assigned_on"]) & (both["day"] < both["ends_on"])
    ]
    keys = pd.MultiIndex.from_frame(rows[KEYS])
    return keys.isin(pd.MultiIndex.from_frame(inside[KEYS]))


def counted(found: pd.DataFrame) -> pd.DataFrame:
    """The rows that an effect is measured on: no customer in several arms, none who is gone."""
    aside = pd.Series(False, index=found.index)
    for flag in ("twice", "gone"):
        if flag in found:
            aside |= found[flag]
    return found[~aside]


def withheld(found: pd.DataFrame) -> list[str]:
    """Campaigns of which one arm has lost more customers than the other: no effect is shown."""
    if "gone" not in found:
        return []
    losing = found.groupby("campaign_id")["gone"].transform("any")
    rows = found[losing.astype(bool)]
    return [str(name) for name, part in rows.groupby("campaign_id") if _uneven(part)]


def _uneven(part: pd.DataFrame) -> bool:
    return loss_p(part) < LOSS_ALARM


def loss_p(part: pd.DataFrame) -> float:
    """How likely chance alone parts the losses of one campaign's two arms like this (Fisher)."""
    counts = pd.crosstab(part["arm"], part["gone"])
    counts = counts.reindex(
        index=[TREATMENT, HOLDOUT], columns=[False, True], fill_value=0
    )
    return float(scipy.stats.fisher_exact(counts.to_numpy()).pvalue)


def checked(found: pd.DataFrame) -> pd.DataFrame:
    """Every campaign's arms, held against each other.

    Parameters
    ----------
    found : DataFrame
        From `campaigns.results`.

    Returns
    -------
    DataFrame, a row per campaign
        ``campaign_id, treated, held`` (assigned), ``twice`` (set aside), ``treated_gone,
        held_gone`` and ``loss_p``, ``held_reached`` (contacted although held out), ``ratio_p``
        (the planned ratio of the arms against the drawn one, where the chances are known), and
        the two alarms, ``uneven_losses`` and ``uneven_sizes``.
    """
    rows = []
    for campaign, part in found.groupby("campaign_id", sort=True):
        treated, held = part[part["arm"] == TREATMENT], part[part["arm"] == HOLDOUT]
        loss, ratio = loss_p(part), _ratio_p(part)
        rows.append(
            {
                "campaign_id": campaign,
                "treated": len(treated),
                "held": len(held),
                "twice": int(part["twice"].sum()),
                "treated_gone": int(treated["gone"].sum()),
                "held_gone": int(held["gone"].sum()),
                "loss_p": loss,
                "held_reached": int(held["reached"].sum()),
                "ratio_p": ratio,
                "uneven_losses": loss < LOSS_ALARM,
                "uneven_sizes": ratio < RATIO_ALARM,
            }
        )
    return pd.DataFrame(rows)


def _ratio_p(part: pd.DataFrame) -> float:
    """Whether the arms still have the planned sizes; null where the chances were not recorded.

    The planned number of held-out customers is the sum of their chances over everybody; that of
    customers in another arm is 1 less their own chance where there are two arms.
    """
    if "probability" not in part or part["probability"].isna().any():
        return float("nan")
    if part["variant"].nunique() != 2:
        return float("nan")
    held = part["arm"] == HOLDOUT
    chance = part["probability"].where(held, 1 - part["probability"])
    expected = float(chance.sum())
    spread = float((chance * (1 - chance)).sum())
    if spread <= 0:
        return float("nan")
    return float(2 * scipy.stats.norm.sf(abs(held.sum() - expected) / np.sqrt(spread)))
