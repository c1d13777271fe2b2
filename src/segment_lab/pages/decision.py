"""What the decision report gathers from a study: the verdicts, the market around them, the case
figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd

from segment_lab.act import campaigns, kpis, market
from segment_lab.act.evidence import YEAR, returners, silence_limit
from segment_lab.act.limits import History
from segment_lab.act.tested import TrialAction
from segment_lab.act.trial import campaign_of
from segment_lab.contacts.events import engagement_table, usual_minutes
from segment_lab.customers.people import consented
from segment_lab.data.files import digest
from segment_lab.data.keeping import Keeper
from segment_lab.errors import DataError, NotEnoughDataError
from segment_lab.leads.table import lead_table
from segment_lab.pages import choosing
from segment_lab.pages.verdicts import Page
from segment_lab.receivables.payments import invoice_history, receivables_table
from segment_lab.schemes import scheme as declared
from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.study.study import Study
from segment_lab.texts import language, say

T = TypeVar("T")
#: A change is shown where windows of equal length hold this share of the segment or more.
ALIKE = 0.8


@dataclass
class DecisionReport:
    """One scheme's decisions for a study on its day.

    Parameters
    ----------
    study : Study
    scheme : str, optional
        Whose segments are acted on; the study file's by default, or else the one that the
        evidence chooses (`choosing.chosen`).
    horizon_days : int, optional
        How long a customer has to buy; also the length of the periods that are compared. The study
        file's by default.
    seed : int, optional
        Of every draw; the study file's by default.
    """

    study: Study
    scheme: str = ""
    horizon_days: int = 0
    seed: int | None = None

    def __post_init__(self) -> None:
        asked = self.study.config.strategy
        self.scheme = self.scheme or asked.scheme or choosing.chosen(self.study).scheme
        self.horizon_days = self.horizon_days or asked.horizon_days
        self.seed = asked.seed if self.seed is None else self.seed

    @cached_property
    def now(self) -> Segmentation:
        """The segments today."""
        return self.study.segmentation(self.scheme)

    @cached_property
    def people(self) -> pd.DataFrame:
        """The rows behind the segments, with each customer's state by his own rhythm."""
        rows = self.study.population(self.scheme)
        return rows if "state" in rows else rows.join(self.study.states()["state"])

    @cached_property
    def earlier(self) -> Segmentation:
        """The segments at the beginning of the horizon."""
        return self._segments(self.horizon_days)

    @cached_property
    def found(self) -> pd.DataFrame | None:
        """Everybody whom a campaign drew, with what they bought; None without campaigns."""
        return self.study.campaign_results() if self.study.has("campaigns") else None

    def page(self, **given: Any) -> Page:
        """The verdicts by the study file's strategy, as far as nothing else is `given`.

        Parameters
        ----------
        **given
            ``playbook`` (a path from the study file's folder), and the limits of `Page`: ``budget,
            hours, holdout_share, margin_rate``.
        """
        asked = self.study.config.strategy
        named = ("playbook", "budget", "hours", "holdout_share", "margin_rate")
        limits = {name: getattr(asked, name) for name in named} | given
        playbook = limits.pop("playbook")
        path = self.study.base / playbook if playbook else None
        return Page(
            self.now,
            self.people,
            self.earlier,
            self.recent,
            costs=self._table("contact_costs"),
            found=self.found,
            effort=self.effort,
            returns=self.returns,
            exceptions=self.exceptions,
            history=self.history,
            change=self.change_of_segments,
            playbook=str(path) if path else None,
            seed=self.seed or 0,
            segments_on=self._segments_on,
            tested=self.tested,
            keep=self._keeper(limits, path),
            **limits,
        )

    def _keeper(self, limits: Mapping[str, Any], path: Path | None) -> Keeper:
        """Keeps what a page finds under all that it is made of; names are in a language."""
        study = self.study
        playbook = digest(path) if path and path.exists() else ""
        scheme = (self.scheme, study.options(self.scheme))
        made_of = (*scheme, self.horizon_days, self.seed, sorted(limits.items()))

        def keep(name: str, options: Any, make: Callable[[], T]) -> T:
            asked = (made_of, playbook, language(), options)
            return study.shared(f"page-{name}", asked, make)

        return keep

    @cached_property
    def change_of_segments(self) -> pd.Series:
        """Change of each segment's customers over the horizon (`Study.change`); null where the log
        is too short, or most of the segment lies outside windows of equal length."""
        names = list(self.now.names)
        try:
            found = self.study.change(self.scheme, self.horizon_days).table()
        except NotEnoughDataError:
            return pd.Series(float("nan"), index=names)
        seen = found["customers_now"] / self.now.sizes().where(lambda sizes: sizes > 0)
        return found["change_share"].where(seen >= ALIKE).reindex(names)

    @cached_property
    def effort(self) -> pd.Series | None:
        """Minutes of contact with each customer in the last year; None without contacts."""
        study = self.study
        if not study.has("touches"):
            return None

        def found() -> pd.Series:
            touches = study.table("touches")
            since = study.window.as_of - dt.timedelta(days=YEAR)
            recent = touches.filter(touches.touch_date.cast("date") >= since)
            usual = None
            if study.has("contact_costs"):
                usual = usual_minutes(study.table("contact_costs"))
            table = engagement_table(recent, study.window.as_of, minutes=usual)
            return table["contact_minutes"]

        return study.shared("effort", (), found)

    @cached_property
    def returns(self) -> pd.DataFrame | None:
        """What lapsed customers spent in the year after they came back; None where the log is too
        short."""
        study = self.study
        gaps = study.customers()["gap_days"]
        if study.window.days <= 2 * YEAR or gaps.isna().all():
            return None
        silent_days = max(int(silence_limit(gaps)), self.horizon_days)

        def found() -> pd.DataFrame:
            lines = study.log(all_time=True)
            return returners(lines, study.window.as_of, silent_days)

        return study.shared("returners", silent_days, found)

    @cached_property
    def exceptions(self) -> pd.DataFrame:
        """Customers who first settle, gave no consent or address, or are in a running test, as
        flags."""
        index = self.now.codes.index
        flags = pd.DataFrame(index=index)
        drawn = self._table("campaigns")
        if drawn is not None:
            busy = campaigns.running(drawn, self.study.window.as_of)
            flags["running_test"] = index.isin(busy)
        if self.study.has("invoices"):
            debts = receivables_table(
                self.study.ledger, self.study.window.as_of
            ).reindex(index)
            flags["dispute"] = debts["disputed_open"].fillna(0) > 0
            flags["debt"] = debts["overdue_amount"].fillna(0) > 0
        if "consent" in self.people and self.people["consent"].notna().any():
            flags["no_consent"] = ~consented(self.people).reindex(
                index, fill_value=False
            )
        if "email" in self.people and self.people["email"].notna().any():
            address = self.people["email"].fillna("").reindex(index, fill_value="")
            flags["no_address"] = address.eq("")
        return flags

    @cached_property
    def tested(self) -> TrialAction | None:
        """The action of the trial that response segments were learned from; None for others."""
        if not declared(self.scheme).from_campaign or self.found is None:
            return None
        rows = campaign_of(campaigns.measurable(self.found))
        return TrialAction.of(rows, self.study.fitted(self.scheme).effects_)

    @property
    def history(self) -> History:
        """Contacts so far, which a playbook's limits ask for."""
        touches = self.study.table("touches") if self.study.has("touches") else None
        return History(self.study.window.as_of, self._table("campaigns"), touches)

    @property
    def running_tests(self) -> pd.DataFrame:
        """Campaigns whose horizon is not over (`campaigns.running_tests`)."""
        if self.found is None:
            raise NotEnoughDataError(say("campaigns.no_table"))
        return campaigns.running_tests(self.found)

    def stages(self, page: Page) -> pd.DataFrame:
        """Where the study stands in the four stages of `campaigns.stages`."""
        done = self.found is not None and len(campaigns.measurable(self.found))
        return campaigns.stages(
            cast(Status, self.now.status),
            customers=len(self.people),
            days=self.study.window.days,
            campaigns=self.found,
            measured=page.measured if done else None,
        )

    # The market: the last period beside the one before it.

    @cached_property
    def back(self) -> int:
        """Days from the last period to the one it is compared with: a year, where the data reach
        (the same season)."""
        return (
            365
            if self.study.window.days > 365 + 2 * self.horizon_days
            else self.horizon_days
        )

    @cached_property
    def recent(self) -> pd.DataFrame:
        """What customers did in the last `horizon_days`."""
        return self.study.bought(self.horizon_days)

    @cached_property
    def before(self) -> pd.DataFrame:
        """What they did in the period before (NotEnoughDataError where the data do not reach
        back)."""
        if self.back + self.horizon_days + 1 >= self.study.window.days:
            raise NotEnoughDataError(say("market.no_second_period"))
        before = self._on(self.back).bought(self.horizon_days)
        if not before["revenue"].sum() > 0:
            raise NotEnoughDataError(say("market.nothing_before"))
        return before

    @property
    def periods(self) -> str:
        """The two periods in words."""
        return say("market.periods", days=self.horizon_days, back=self.back)

    @property
    def change(self) -> str:
        """The change between the periods in words."""
        share = self.recent["revenue"].sum() / self.before["revenue"].sum() - 1
        return say("market.change", share=share)

    def moves(self) -> pd.DataFrame:
        """The change by what customers did (`market.movement`)."""
        before = self.before  # first: it says where the data do not reach
        return market.movement(before, self.recent, self._customers(self.back).index)

    def bridge(self) -> pd.DataFrame:
        """The change by segment and factor (`market.bridge`)."""
        before = self.before
        began = self.study.window.as_of - dt.timedelta(days=self.horizon_days)
        found = self.study.change(self.scheme, self.back, began)
        parts = market.bridge(before, self.recent, found.then.labels, found.now.labels)
        return parts.rename(
            columns={factor: f"from_{factor}" for factor in market.FACTORS}
        )

    @cached_property
    def stressed(self) -> pd.DataFrame:
        """The last period's revenue and cash in each scenario (`market.stress`)."""
        return market.stress(
            self._paying, period_days=self.horizon_days, seed=self.seed or 0
        )

    def breaking(self, share: float = 0.2) -> pd.DataFrame:
        """What takes `share` of the cash away, each alone (`market.reverse_stress`)."""
        floor = (1 - share) * market.cash(self._paying, self.horizon_days)
        found = market.reverse_stress(
            self._paying, floor, period_days=self.horizon_days
        )
        return found.map("{:.3g}".format, na_action="ignore")

    def dependence(self) -> str:
        """How much hangs on the largest customers."""
        return say("market.concentration", **market.dependence(self.recent["revenue"]))

    @cached_property
    def _paying(self) -> pd.DataFrame:
        if not self.study.has("invoices"):
            return self.recent
        day = self.study.window.as_of
        return self.recent.join(
            market.payment(invoice_history(self.study.ledger, day), day)
        )

    # Case figures.

    def case_figures(self) -> tuple[pd.DataFrame, list[str]]:
        """Four figures often quoted (`kpis.collect`), and why others are missing."""
        figures = [self._return_of_lapsed, self._upsell]
        if self.study.has("leads"):
            figures.append(self._lead_conversion)
        return kpis.collect(*figures, self._lifetime_value)

    def _return_of_lapsed(self) -> dict[str, Any]:
        days = self.horizon_days
        contacted = campaigns.contacted_since(self.found, self._on(days).window.as_of)
        return kpis.return_of_lapsed(
            self._customers(days), self.recent, days=days, contacted=contacted
        )

    def _upsell(self) -> dict[str, Any]:
        return kpis.upsell(self.before, self.recent)

    def _lead_conversion(self) -> dict[str, Any]:
        return kpis.lead_conversion(self._leads(), self.study.window.as_of)

    def _lifetime_value(self) -> dict[str, Any]:
        study = self.study
        decimals = study.intake("orders").reading.decimals
        first = kpis.first_year(study.log(all_time=True), decimals)
        warm_up = kpis.warm_up(study.customers()["gap_days"])
        return kpis.lifetime_value(first, study.window.as_of, warm_up)

    def _leads(self) -> pd.DataFrame:
        """The leads as they stood on the day, as the leads report reads them; the file's status
        may be of today."""
        study, words = self.study, self.study.options("leads")
        history = study.table("lead_stages") if study.has("lead_stages") else None
        try:
            rows = lead_table(
                study.table("leads"),
                history,
                study.window.as_of,
                won=words["won"],
                lost=words["lost"],
            )
        except DataError as error:
            raise NotEnoughDataError(str(error)) from None
        return rows.assign(
            status=rows["won"].map(
                {
                    True: "won",
                    False: "lost",
                }
            )
        )

    @cached_property
    def _frozen(self) -> Any:
        """The rule to read earlier days by: clusters and response segments made again would have
        other names."""
        renamed = self.scheme == "clusters" or declared(self.scheme).from_campaign
        return self.study.fitted(self.scheme) if renamed else None

    def _on(self, days: int) -> Study:
        """The study so many days ago."""
        return (
            self.study.at(self.study.window.as_of - dt.timedelta(days=days))
            if days
            else self.study
        )

    def _customers(self, days: int) -> pd.DataFrame:
        return self._on(days).customers()

    def _segments(self, days: int) -> Segmentation:
        return self._on(days).segmentation(self.scheme, self._frozen)

    def _segments_on(self, day: dt.date) -> pd.Series:
        """The segment of each customer on the day a campaign was drawn; of nobody before the
        window begins."""
        try:
            return self.study.at(day).segmentation(self.scheme, self._frozen).labels
        except NotEnoughDataError:
            return pd.Series(dtype="object")

    def _table(self, name: str) -> pd.DataFrame | None:
        return self.study.table(name).to_pandas() if self.study.has(name) else None
