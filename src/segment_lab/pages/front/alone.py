"""Page one of a study without a log of orders: debtors, leads, contacts, customers summed up."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from segment_lab.contacts.page import ContactsPage
from segment_lab.contacts.segmenter import engagement_finding
from segment_lab.errors import NotEnoughDataError, SegmentLabError
from segment_lab.judge.agreement import agreement
from segment_lab.leads.page import finding as leads_finding
from segment_lab.pages.comparison_sentences import scheme_name
from segment_lab.pages.front.document import has_owner
from segment_lab.pages.front.pictures import bars_picture
from segment_lab.pages.front.wings import Wings
from segment_lab.receivables.answer import finding as debts_finding
from segment_lab.segments.abc import ABCSegmenter
from segment_lab.study.study import Study
from segment_lab.texts import say
from segment_lab.texts.formats import SPOKEN

#: How many names stand in a column.
NAMES = 10
#: A source with fewer decided leads is not compared.
FEWEST_DECIDED = 30
#: Agreement from which two schemes divide the customers partly alike, and much alike.
ALIKE = (0.3, 0.6)


@dataclass
class Part:
    """What one table says on page one."""

    headline: str
    tiles: list[dict[str, str]]
    columns: list[dict[str, Any]]
    sure: tuple[str, ...] = ()
    picture: dict[str, Any] | None = None


class AloneFront:
    """Page one of the tables that stand without orders, the most urgent table first.

    Parameters
    ----------
    study : Study
        Without orders.
    wings : Wings
        Its debtors and leads.
    """

    def __init__(self, study: Study, wings: Wings):
        self.study = study
        self.wings = wings

    def parts(self) -> list[Part]:
        """One part for each table that has something to say.

        Raises
        ------
        NotEnoughDataError
            No table has.
        """
        makers: dict[str, Callable[[], Part]] = {
            "invoices": self._debts,
            "leads": self._leads,
            "customer_summary": self._customers,
            "touches": self._contacts,
        }
        found = []
        reasons = []
        for table, make in makers.items():
            if not self.study.has(table):
                continue
            try:
                found.append(make())
            except SegmentLabError as reason:
                reasons.append(str(reason))
        if not found:
            raise NotEnoughDataError(" ".join(reasons) or say("front.no_orders"))
        return found

    def shown(self) -> dict[str, Any]:
        """The document, as the template of page one takes it."""
        parts = self.parts()
        sure = [line for part in parts for line in part.sure]
        week = [column for part in parts for column in part.columns]
        sections = [
            {
                "heading": say("front.week.heading"),
                "lines": [],
                "columns": week,
                "wide": True,
            },
            {
                "heading": say("alone.sure.heading"),
                "lines": [*sure, say("alone.sure.no_orders")],
                "columns": [],
                "wide": True,
            },
        ]
        return {
            "study": self.study.title,
            "title": say("alone.title", study=self.study.title),
            "as_of": say("front.as_of", day=self.study.window.as_of),
            "headline": " ".join(part.headline for part in parts),
            "trust": [],
            "tiles": [tile for part in parts for tile in part.tiles],
            "pictures": [part.picture for part in parts if part.picture],
            "rows": [],
            "words": {},
            "parts": sections if week else sections[1:],
        }

    def _debts(self) -> Part:
        page = self.wings.receivables
        found = debts_finding(page.book, page.value)
        figures = found.figures
        owed, late = figures["open_amount"], figures["overdue_amount"]
        debtors = self.wings.first_debtors()
        tiles = [_tile("debtors.open", "money", owed)]
        tiles += [tile.shown() for tile in self.wings.tiles if tile.key == "overdue"]
        if "expected_loss" in figures:
            total: Any = page.book.provision.loc["total"]
            low, high = total["expected_loss_low"], total["expected_loss_high"]
            note = say("alone.debtors.loss_range", low=low, high=high)
            tiles.append(_tile("debtors.loss", "money", figures["expected_loss"], note))
        try:
            dso = page.book.dso["dso"].dropna()
        except NotEnoughDataError:
            dso = pd.Series(dtype="float64")
        if len(dso):
            tiles.append(_tile("debtors.dso", "count", float(dso.iloc[-1])))
        ages = bars_picture("ages", page.book.aging()["open_amount"], "money")
        if late <= 0:
            return Part(
                say("alone.debtors.none", owed=owed), tiles, [], found.sentences, ages
            )
        first = debtors.iloc[0]
        told = say(
            "alone.debtors.headline",
            overdue=late,
            share=late / owed if owed else 0.0,
            customer=first["name"],
            first=float(self.wings.debtors["overdue_amount"].iloc[0]),
        )
        column = _column("debtors.first", debtors, "debtors.xlsx", len(debtors))
        return Part(told, tiles, [column], found.sentences[1:], ages)

    def _leads(self) -> Part:
        found = leads_finding(self.wings.leads_page.leads)
        rows = self.wings.leads
        decided = self.wings.leads_page.leads.leads["won"].dropna()
        note = say("alone.leads.decided", decided=len(decided))
        rate = _tile("leads.win_rate", "percent", found.figures["win_rate"], note)
        if rows.empty:
            by_source = self._won_by_source()
            first = {"source": "", "share": 0.0}
            if len(by_source) > 1:
                first = {
                    "source": by_source.index[0],
                    "share": by_source.iloc[0],
                }
            facts = {
                "won": int(decided.sum()),
                "decided": len(decided),
                **first,
            }
            told = say("alone.leads.none", **facts)
            drawn = None
            if len(by_source):
                drawn = bars_picture("sources", by_source, "percent")
            return Part(told, [rate], [], found.sentences[1:], drawn)
        names = self.wings.first_leads()
        stuck = _flag(rows, "stuck")
        hot = (
            rows["band"].eq("Hot").fillna(False).astype(bool)
            if "band" in rows
            else stuck & False
        )
        value = float(rows["value"].sum()) if "value" in rows else 0.0
        told = say(
            "alone.leads.headline",
            waiting=len(rows),
            value=value,
            hot=int(hot.sum()),
            stuck=int(stuck.sum()),
        )
        tiles = [tile.shown() for tile in self.wings.tiles if tile.key != "overdue"]
        columns = []
        for key, chosen in (("hot", hot), ("stuck", stuck)):
            if chosen.any():
                tiles.append(_tile(f"leads.{key}", "count", float(chosen.sum())))
                own = names[chosen.to_numpy()]
                columns.append(
                    _column(f"leads.first_{key}", own, "leads.xlsx", len(rows))
                )
        if not columns:
            columns = [_column("leads.first_open", names, "leads.xlsx", len(rows))]
        stages = self.wings.leads_page.leads.board().sum(axis=1)
        drawn = bars_picture("stages", stages, "count")
        return Part(told, [*tiles, rate], columns, found.sentences, drawn)

    def _won_by_source(self) -> pd.Series:
        """Share won of the decided leads of each source, the best first; small sources left out."""
        leads = self.wings.leads_page.leads.leads
        decided = leads[leads["won"].notna()]
        if "source" not in decided:
            return pd.Series(dtype="float64")
        by_source = decided["won"].astype("float64").groupby(decided["source"])
        enough = by_source.mean()[by_source.size() >= FEWEST_DECIDED]
        return enough.sort_values(ascending=False, kind="stable").head(NAMES)

    def _customers(self) -> Part:
        customers = self.study.customers()
        spent = customers[customers["revenue"] > 0]
        if spent.empty:
            raise NotEnoughDataError(say("front.no_scheme"))
        classes = ABCSegmenter().fit(spent).segment(spent).labels
        best = spent[(classes == "A").to_numpy()]
        silent = best.sort_values("recency_days", ascending=False, kind="stable")
        silent = silent[silent["recency_days"] > customers["recency_days"].median()]
        total = float(customers["revenue"].sum())
        told = say(
            "alone.customers.headline",
            customers=len(customers),
            revenue=total,
            best=len(best),
            share=float(best["revenue"].sum()) / total,
            silent=len(silent),
        )
        tiles = [
            _tile("customers.people", "count", float(len(customers))),
            _tile("customers.revenue", "money", total),
            _tile(
                "customers.once", "percent", float((customers["frequency"] == 1).mean())
            ),
        ]
        shown_name = (
            silent["name"] if self.wings.personal and "name" in silent else silent.index
        )
        names = pd.DataFrame(
            {
                "name": [str(name) for name in shown_name],
                "owner": silent["owner"].fillna("").to_list()
                if "owner" in silent
                else "",
                "why": [
                    say(
                        "alone.customers.why",
                        revenue=row["revenue"],
                        orders=row["frequency"],
                        days=row["recency_days"],
                    )
                    for row in silent.to_dict("records")
                ],
            }
        )
        columns = [_column("customers.first", names, "", 0)] if len(names) else []
        money = spent["revenue"].groupby(classes, observed=True).sum()
        drawn = bars_picture("classes", money, "money")
        return Part(told, tiles, columns, tuple(self._agreements()), drawn)

    def _agreements(self) -> list[str]:
        """How far each two schemes divide the customers alike."""
        found = agreement(self.study.segmentations(), draws=20)
        lines = []
        for row in found.to_dict("records"):
            names = {
                "a": scheme_name(row["a"]),
                "b": scheme_name(row["b"]),
            }
            likeness = bisect_right(ALIKE, row["ami"])
            facts = {"likeness": likeness, "ami": row["ami"]}
            lines.append(say("summary.agreement", **facts, **names))
        return lines

    def _contacts(self) -> Part:
        page = ContactsPage(self.study)
        delivery_known = bool(page.contacts["delivered"].sum())
        found = engagement_finding(page.states, delivery_known)
        figures = found.figures
        told = say(
            "alone.contacts.headline",
            clicked=figures["clicked_customers"],
            customers=figures["customers"],
            undelivered=figures["undelivered_customers"],
            days=page.states.parameters["days"],
        )
        tiles = [
            _tile("contacts.people", "count", float(figures["customers"])),
            _tile("contacts.clicked", "count", float(figures["clicked_customers"])),
            _tile(
                "contacts.undelivered", "count", float(figures["undelivered_customers"])
            ),
        ]
        answers = page.states.labels.value_counts(sort=False)
        drawn = bars_picture("answers", answers, "count")
        return Part(told, tiles, [], found.sentences, drawn)


def _tile(key: str, kind: str, value: float, note: str = "") -> dict[str, str]:
    """A key figure of this page, as the template takes it."""
    label = say(f"alone.{key}")
    return {
        "label": label,
        "value": SPOKEN[kind](value),
        "note": note,
        "tone": "",
        "spark": "",
    }


def _flag(rows: pd.DataFrame, name: str) -> pd.Series:
    """A yes/no column, no where it is absent or empty."""
    if name not in rows:
        return pd.Series(False, index=rows.index)
    return rows[name].eq(True).fillna(False).astype(bool)


def _column(key: str, rows: pd.DataFrame, file: str, all_rows: int) -> dict[str, Any]:
    """The first names of a list and the file that holds all of them."""
    first = rows.head(NAMES)
    items = [{**row, "warning": ""} for row in first.to_dict("records")]
    return {
        "heading": say(f"alone.{key}", count=len(items)),
        "items": items,
        "note": "",
        "file": file,
        "file_text": say("front.week.all", count=all_rows, owners=has_owner(rows))
        if file
        else "",
    }
