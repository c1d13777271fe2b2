"""How often a customer may get an action, and who has had it, from campaigns and touches."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.act.campaigns import scheduled
from segment_lab.act.experiment import TREATMENT
from segment_lab.act.playbook import Entry

#: What a company does to a customer; the other events are what the customer does.
OUTBOUND = ("delivered", "call")
_FACTS = ("offer", "action", "segment")


@dataclass(frozen=True)
class History:
    """Contacts before a day.

    Parameters
    ----------
    as_of : date
        Only what happened before it counts.
    campaigns : DataFrame, optional
        The table of that name; who was held out had no contact by it.
    touches : ibis Table, optional
        Of these the `OUTBOUND` events count.
    """

    as_of: dt.date
    campaigns: pd.DataFrame | None = None
    touches: ir.Table | None = None

    @cached_property
    def treated(self) -> pd.DataFrame:
        """Who was contacted by a campaign: ``campaign_id, customer_id, assigned_on, offer, action,
        segment``; what a table does not say is null."""
        columns = ["campaign_id", "customer_id", "assigned_on", *_FACTS]
        if self.campaigns is None or self.campaigns.empty:
            return pd.DataFrame(columns=columns)
        rows = scheduled(self.campaigns, self.as_of)
        return rows[rows["arm"] == TREATMENT].reindex(columns=columns)

    def over(self, members: pd.DataFrame, entry: Entry) -> np.ndarray:
        """Which members (index customer_id, column ``segment``) may not get `entry` again."""
        full = np.zeros(len(members), dtype=bool)
        limit = entry.limit
        if limit is None:
            return full
        if limit.once:
            full |= self._had(members, entry)
        if limit.at_most is not None and limit.in_days is not None:
            counts = self.contacts(limit.in_days).reindex(members.index, fill_value=0)
            full |= (counts >= limit.at_most).to_numpy()
        return full

    def contacts(self, days: int) -> pd.Series:
        """Contacts of each customer in the last `days`, whatever the channel: campaigns, and
        touches that belong to none of them."""
        since = pd.Timestamp(self.as_of - dt.timedelta(days=days))
        recent = self.treated[self.treated["assigned_on"] >= since]
        counts = recent.groupby("customer_id").size()
        if self.touches is None:
            return counts
        own = self._outbound().filter(lambda t: t.day >= since.date())
        if "campaign_id" in own.columns and len(self.treated):
            keys = ["campaign_id", "customer_id"]
            named = ibis.memtable(self.treated[keys].drop_duplicates().astype(str))
            own = own.anti_join(named, keys)
        spoken = own.group_by("customer_id").aggregate(n=own.count())
        found = spoken.get_backend().to_pyarrow(spoken).to_pandas()
        more = found.set_index("customer_id")["n"]
        return counts.add(more, fill_value=0).astype("int64")

    def _had(self, members: pd.DataFrame, entry: Entry) -> np.ndarray:
        """Who got this very action: by its words, or where a campaign does not name them by its
        kind and segment."""
        rows = self.treated
        named = rows[rows["offer"] == entry.action]
        unnamed = rows[rows["offer"].isna() & (rows["action"] == entry.kind)]
        had = set(named["customer_id"]) | self._touched(
            entry, set(named["campaign_id"])
        )
        found = np.asarray(members.index.isin(list(had)))
        pairs = pd.MultiIndex.from_frame(unnamed[["customer_id", "segment"]])
        own = pd.MultiIndex.from_arrays([members.index, members["segment"].astype(str)])
        return found | np.asarray(own.isin(pairs))

    def _touched(self, entry: Entry, campaigns: set[str]) -> set[str]:
        """Who was contacted in the name of these campaigns, or about this very action."""
        if self.touches is None:
            return set()
        rows = self._outbound()
        asked = []
        if "topic" in rows.columns:
            asked.append(rows.topic == entry.action)
        if "campaign_id" in rows.columns and campaigns:
            asked.append(rows.campaign_id.isin(sorted(campaigns)))
        if not asked:
            return set()
        ids = rows.filter(ibis.or_(*asked)).select("customer_id").distinct()
        return set(ids.get_backend().to_pyarrow(ids)["customer_id"].to_pylist())

    def _outbound(self) -> ir.Table:
        """Contacts that the company made before the day, with their ``day``."""
        assert self.touches is not None
        rows = self.touches.mutate(day=self.touches.touch_date.cast("date"))
        made = rows.event.isin(OUTBOUND)
        return rows.filter(made, rows.day < self.as_of)
