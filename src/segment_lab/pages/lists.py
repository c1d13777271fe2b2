"""The lists people act on: one row per customer and reason, with all that the person who calls
must know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from segment_lab.act import actions
from segment_lab.contacts.events import click_topics, spoken_with
from segment_lab.customers import trend
from segment_lab.customers.people import consented
from segment_lab.customers.products import favourites, next_products
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.watching import Watching
from segment_lab.segments.segmentation import Segmentation
from segment_lab.study.study import Study
from segment_lab.texts import say

#: How long back a change of segment is looked for, and in which steps.
LOOK_BACK_DAYS = (7, 30, 60, 90)
#: Account columns that a list may show only with ``personal: true``.
PERSONAL = ("name", "email", "phone")
#: So many topics of clicked links are named.
TOPICS = 2
#: What the column ``done`` says of an action that nobody need do again.
DONE = "yes"
COLUMNS = (
    "action_id",
    "kind",
    "customer_id",
    *PERSONAL,
    "owner",
    "segment",
    "previous_segment",
    "changed_since",
    "state",
    "usual_days",
    "silent_days",
    "at_stake",
    "why",
    "offer",
    "channel",
    "in_debt",
    "test_arm",
    "due",
    "made_on",
    "done",
)


@dataclass
class ActionList:
    """Who should be acted on now, by whom, why and by when.

    Parameters
    ----------
    study : Study
    scheme : str
        Whose segments stand beside the names.
    watching : Watching
        The watch lists.
    debtors : Series
        Overdue money by ``customer_id``; empty without invoices.
    arms : Mapping
        Arm of a running test by ``customer_id``.
    personal : bool
        Whether names and addresses may be shown.
    earlier : DataFrame, optional
        Actions of the run before, with the marks that came back.
    a_day : int
        How many actions an owner takes on a working day.
    """

    study: Study
    scheme: str
    watching: Watching
    debtors: pd.Series
    arms: Mapping[str, str]
    personal: bool = False
    earlier: pd.DataFrame | None = None
    a_day: int = actions.A_DAY

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Every open action, the most money at stake first within each list; the columns of
        `COLUMNS`."""
        return self.all[(self.all["done"] == "").to_numpy()].reset_index(drop=True)

    @cached_property
    def all(self) -> pd.DataFrame:
        """The same with those that were done while their reason still stands: they are not asked
        for again."""
        rows = self._made
        as_of = self.study.window.as_of
        if rows.empty:
            return rows
        if self.earlier is None or self.earlier.empty:
            return rows.assign(due=actions.spread(rows, as_of, self.a_day))
        known = self.outcome.drop_duplicates("action_id").set_index("action_id")
        ids = rows["action_id"]
        made_on = pd.to_datetime(ids.map(known["made_on"])).dt.date
        kept = pd.to_datetime(ids.map(known["due"])).dt.date
        rows["made_on"] = made_on.where(made_on.notna(), rows["made_on"])
        rows["due"] = actions.spread(rows, as_of, self.a_day, kept)
        done = ids.map(known["done"]).eq(True)
        return rows.assign(done=done.map({True: DONE, False: ""}))

    @cached_property
    def outcome(self) -> pd.DataFrame:
        """What became of the earlier run's actions (`actions.closed_by`); empty without one."""
        if self.earlier is None or self.earlier.empty:
            return pd.DataFrame()
        study, as_of = self.study, self.study.window.as_of
        since = pd.Timestamp(pd.to_datetime(self.earlier["made_on"]).min()).date()
        orders = study.orders(all_time=True)
        later = orders.filter(orders.order_date.cast("date") >= since)
        bought = later.select("customer_id", "order_date").to_pandas()
        touches = None
        if study.has("touches"):
            found = study.table("touches")
            recent = found.filter(found.touch_date.cast("date") >= since)
            spoken = recent.filter(spoken_with(recent))
            touches = spoken.select("customer_id", "touch_date").to_pandas()
        return actions.closed_by(self.earlier, touches, bought, as_of)

    @cached_property
    def _made(self) -> pd.DataFrame:
        """Every action that the lists of today ask for."""
        parts = [
            self._rows(kind, found)
            for kind, found in self.watching.lists.items()
            if len(found)
        ]
        if not parts:
            return pd.DataFrame(
                columns=[c for c in COLUMNS if self.personal or c not in PERSONAL]
            )
        rows = pd.concat(parts, ignore_index=True)
        return self._described(rows)

    @cached_property
    def broken(self) -> pd.DataFrame:
        """Regulars off their rhythm, the most money at stake first."""
        return self.frame[self.frame["kind"] == "broke_rhythm"]

    @property
    def callable(self) -> pd.DataFrame:
        """Those of them who owe nothing: credit control has the first word with the others."""
        return self.broken[~self.broken["in_debt"].astype(bool)]

    @property
    def owing(self) -> int:
        """How many others there are."""
        return len(self.broken) - len(self.callable)

    def _rows(self, kind: str, found: pd.DataFrame) -> pd.DataFrame:
        as_of = self.study.window.as_of
        last = self.study.customers()["last_order"].reindex(found.index)
        trigger = found.get("birthday", last)
        days = trend.short_of_a_year(self.study.window.days)
        ids = [
            actions.action_id(
                self.study.name, str(customer), kind, pd.Timestamp(day).date()
            )
            for customer, day in trigger.items()
        ]
        rows = found.rename_axis("customer_id").reset_index()
        return rows.assign(
            action_id=ids,
            kind=kind,
            due=actions.due_on(kind, as_of),
            made_on=as_of,
            why=[
                say(f"lists.why.{kind}", days=days, **facts) for facts in _facts(rows)
            ],
        )

    def _described(self, rows: pd.DataFrame) -> pd.DataFrame:
        """With segment, state, channel, what to offer: everything known of each customer."""
        people = self.study.customers(predict=True)
        ids = rows["customer_id"]
        for column in ("owner", "state", *PERSONAL):
            rows[column] = ids.map(people[column]) if column in people else None
        rows["segment"] = ids.map(self._labels(0))
        rows["previous_segment"], rows["changed_since"] = self._previous(rows)
        rows["channel"] = self._channels(ids)
        rows["in_debt"] = ids.map(self.debtors).fillna(0.0)
        rows["test_arm"] = [self.arms.get(customer, "") for customer in ids]
        rows["offer"] = self._offers(ids)
        owes = rows["in_debt"] > 0
        debt = say("lists.owes")
        rows["why"] = rows["why"].mask(owes, rows["why"] + " " + debt)
        rows["done"] = ""
        kept = [c for c in COLUMNS if self.personal or c not in PERSONAL]
        return rows[kept]

    def _labels(self, days: int) -> pd.Series:
        study = self.study
        frozen = study.fitted(self.scheme)
        day = study.window.as_of - dt.timedelta(days=days)
        try:
            earlier: Segmentation = (study.at(day) if days else study).segmentation(
                self.scheme, frozen
            )
        except NotEnoughDataError:
            return pd.Series(dtype="object")
        return earlier.labels.astype(str)

    def _previous(self, rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
        """The segment a customer came from, by today's cuts, and the last day on which it was
        seen there: by the run before, else on an earlier day of the study."""
        before, since = self._last_seen(rows)
        for days in LOOK_BACK_DAYS:
            then = rows["customer_id"].map(self._labels(days))
            moved = then.notna() & (then != rows["segment"]) & (before == "")
            before = before.mask(moved, then)
            day = pd.Timestamp(self.study.window.as_of - dt.timedelta(days=days))
            since = since.mask(moved, day)
        return before, since

    def _last_seen(self, rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
        """What the run before knew: the segment it listed, or the change it had seen itself."""
        before = pd.Series("", index=rows.index)
        since = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[ns]")
        if self.earlier is None or self.earlier.empty:
            return before, since
        known = self.earlier.drop_duplicates("customer_id").set_index("customer_id")
        then = rows["customer_id"].map(known["segment"])
        moved = then.notna() & (then != rows["segment"])
        seen = pd.Timestamp(pd.to_datetime(self.earlier["made_on"]).max())
        before, since = before.mask(moved, then), since.mask(moved, seen)
        kept = rows["customer_id"].map(known["previous_segment"]).fillna("")
        stays = (then == rows["segment"]) & (kept != "")
        days = pd.to_datetime(rows["customer_id"].map(known["changed_since"]))
        return before.mask(stays, kept), since.mask(stays, days)

    def _channels(self, ids: pd.Series) -> list[str]:
        """How the customer may be reached: mail only with a recorded yes."""
        people = self.study.customers()
        allowed = (
            consented(people)
            if "consent" in people
            else pd.Series(False, index=people.index)
        )
        keys = [
            "call_or_mail" if allowed.get(customer, False) else "call"
            for customer in ids
        ]
        return [say(f"lists.channel.{key}") for key in keys]

    def _offers(self, ids: pd.Series) -> list[str]:
        """What to talk about: what the customer clicked on, the own favourites, and what buyers
        like them take next."""
        orders = self.study.orders()
        own, further = {}, {}
        if "product" in orders.columns:
            own = dict(favourites(orders, list(ids)))
            further = dict(next_products(orders, list(ids)))
        clicked = self._clicked()
        texts = []
        for customer in ids:
            facts = {
                "products": own.get(customer),
                "more": further.get(customer, ""),
                "topics": clicked.get(customer, []),
            }
            texts.append(say("lists.offer", **facts).strip())
        return texts

    def _clicked(self) -> dict[str, list[str]]:
        """The topics of links each customer clicked on, the most clicked first."""
        if not self.study.has("touches"):
            return {}
        clicks = click_topics(self.study.table("touches"), self.study.window.as_of)
        named = {}
        for customer, counts in clicks.iterrows():
            ranked = counts[counts > 0].sort_values(ascending=False, kind="stable")
            named[str(customer)] = [str(topic) for topic in ranked.index[:TOPICS]]
        return named


def _facts(rows: pd.DataFrame) -> list[dict[str, object]]:
    """One mapping of facts a row, for the sentence that says why."""
    return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]


def running_arms(campaigns: pd.DataFrame | None, as_of: dt.date) -> dict[str, str]:
    """Customers in a test whose period is not over: the arm each is in."""
    if campaigns is None or campaigns.empty:
        return {}
    days = campaigns.get("horizon_days", pd.Series(90, index=campaigns.index)).fillna(
        90
    )
    ends = pd.to_datetime(campaigns["assigned_on"]) + pd.to_timedelta(days, unit="D")
    running = campaigns[(ends > pd.Timestamp(as_of)).to_numpy()]
    return dict(
        zip(running["customer_id"].astype(str), running["arm"].astype(str), strict=True)
    )
