"""What page one takes from receivables and leads: a key figure each, and the names that come
first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from segment_lab.errors import SegmentLabError
from segment_lab.leads.page import LeadsPage
from segment_lab.pages.front.tiles import Tile
from segment_lab.receivables.page import ReceivablesPage
from segment_lab.study.study import Study
from segment_lab.texts import say

#: Columns of the list of debtors, as far as they are known.
DEBTOR_COLUMNS = (
    "customer_id",
    "owner",
    "plan",
    "what",
    "first_step",
    "overdue_amount",
    "credit",
    "net_overdue",
    "invoices",
    "max_days_overdue",
    "cause",
    "source",
    "evidence",
    "ready",
    "stop_shipping",
    "expected_on",
    "never_amount",
)


@dataclass
class Wings:
    """The debtors and the open leads of a study.

    Parameters
    ----------
    study : Study
    personal : bool
        Whether names may be shown.
    """

    study: Study
    personal: bool = False

    @cached_property
    def debtors(self) -> pd.DataFrame:
        """One row and one plan per debtor, whom to call first on top; empty without invoices."""
        if not self.study.has("invoices"):
            return pd.DataFrame()
        people = self._people
        owners = people.get("owner", None)
        try:
            plans = self.receivables.book.plans(owners)
        except SegmentLabError:
            return pd.DataFrame()
        rows = plans.rename_axis("customer_id").reset_index()
        kept = rows[[name for name in DEBTOR_COLUMNS if name in rows]]
        if self.personal and "name" in people:
            kept.insert(1, "name", kept["customer_id"].map(people["name"]))
        return kept

    @cached_property
    def instalments(self) -> pd.DataFrame:
        """Dated instalments of the debtors whose plan asks for them; empty where there are none."""
        if self.debtors.empty:
            return pd.DataFrame()
        return self.receivables.book.instalments().reset_index(drop=True)

    @cached_property
    def leads(self) -> pd.DataFrame:
        """Every open lead, the most worth first; empty without leads."""
        if not self.study.has("leads"):
            return pd.DataFrame()
        try:
            rows = self.leads_page.leads.waiting()
        except SegmentLabError:
            return pd.DataFrame()
        return rows.rename_axis("lead_id").reset_index()

    @property
    def tiles(self) -> list[Tile]:
        """Overdue money and the open pipeline."""
        return [*self._overdue(), *self._pipeline()]

    def _overdue(self) -> list[Tile]:
        if self.debtors.empty:
            return []
        items = self.receivables.book.items
        owed = float(items["open_amount"].sum())
        late = float(self.debtors["overdue_amount"].sum())
        note = say("front.tiles.of_open", share=late / owed) if owed > 0 else ""
        try:
            history = tuple(self.receivables.book.dso["overdue"].iloc[-12:])
        except SegmentLabError:
            history = ()
        return [
            Tile(
                "overdue",
                "money",
                late,
                more_is_better=False,
                history=history,
                note=note,
            )
        ]

    def _pipeline(self) -> list[Tile]:
        if self.leads.empty:
            return []
        note = say("front.tiles.deals", leads=len(self.leads))
        if "value" not in self.leads or self.leads["value"].isna().all():
            return [Tile("open_leads", "count", float(len(self.leads)))]
        return [
            Tile(
                "pipeline",
                "money",
                float(self.leads["value"].sum()),
                note=note,
            )
        ]

    def first_debtors(self) -> pd.DataFrame:
        """``name, owner, why`` of every debtor, in the order of the list."""
        rows = self.debtors.to_dict("records")
        # Where no debtor has an owner, the words for that would stand beside every name.
        owned = any(
            _text(row.get("owner")) != say("receivables.nobody") for row in rows
        )
        return pd.DataFrame(
            {
                "name": [_named(row, "customer_id") for row in rows],
                "owner": [_text(row.get("owner")) if owned else "" for row in rows],
                "why": [
                    say(
                        "front.week.debt",
                        overdue=row["overdue_amount"],
                        oldest=row["max_days_overdue"],
                        plan=say(f"front.week.plans.{row['plan']}"),
                    )
                    for row in rows
                ],
            }
        )

    def first_leads(self) -> pd.DataFrame:
        """``name, owner, why`` of every open lead, in the order of the list."""
        rows = self.leads.to_dict("records")
        return pd.DataFrame(
            {
                "name": [str(row["lead_id"]) for row in rows],
                "owner": [_text(row.get("owner")) for row in rows],
                "why": [self._why(row) for row in rows],
            }
        )

    def _why(self, row: dict[Any, Any]) -> str:
        facts = {
            name: None if pd.isna(row.get(name)) else row[name] for name in LEAD_FACTS
        }
        return say("front.week.lead", **facts)

    @cached_property
    def _people(self) -> pd.DataFrame:
        return self.study.customers()

    @cached_property
    def receivables(self) -> ReceivablesPage:
        """The page of the debtors, with its book."""
        return ReceivablesPage(self.study)

    @cached_property
    def leads_page(self) -> LeadsPage:
        """The page of the leads, with their analysis."""
        from segment_lab.leads.model import LeadModel

        return LeadsPage(self.study, LeadModel(**self.study.options("leads")))


LEAD_FACTS = ("stage", "days_waiting", "chance_share", "value", "stuck")


def _named(row: dict[Any, Any], key: str) -> str:
    return _text(row.get("name")) or str(row[key])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
