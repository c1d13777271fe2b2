"""The customers of a study: who they are on its day, and what they did next."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from pathlib import Path
from typing import Self

import ibis.expr.types as ir
import pandas as pd

from segment_lab.customers.forecast import CHECKED, LastTime, forecast
from segment_lab.customers.orders import (
    outcomes_expression,
    with_reason,
)
from segment_lab.customers.overview import full_months, orders_by_month
from segment_lab.customers.people import (
    accounts,
    lead_days,
    ordered_later,
    with_accounts,
    with_prospects,
)
from segment_lab.customers.states import StateRule, seasonal_weights
from segment_lab.customers.summarised import nobody, summarised
from segment_lab.data.arguments import Days, checked
from segment_lab.data.conforming import conform
from segment_lab.data.files import asked_for, replacing
from segment_lab.data.intake import raise_faults
from segment_lab.errors import DataError, Fault, NotEnoughDataError
from segment_lab.study.days import StudyDays
from segment_lab.study.grown import reduced
from segment_lab.study.looks_back import log_of
from segment_lab.study.memory import copied
from segment_lab.texts import language, say

#: A forecast, and what came of it.
TOLD = ("expected", "came")


class StudyCustomers(StudyDays):
    """A company's customers on a day; `Study` adds the segmentations made of them."""

    @checked
    def customers(self, prospects: bool = False, predict: bool = False) -> pd.DataFrame:
        """The customer table at as_of, with the account columns of the customers table.

        `prospects` adds customers without an order: frequency and revenue 0, recency null,
        ``touches`` (count) and ``offer``. `predict` adds what customers are expected to do in the
        comparison's horizon, ``expected_orders`` and ``expected_revenue``, and `states`.
        """
        if predict:
            table = self.customers(prospects)
            ahead = self._expected[["expected_orders", "expected_revenue"]]
            return table.join(ahead).join(self.states())
        table, known = self._buyers, self._accounts
        buyers = self._keep("customers", lambda: with_accounts(table, known))
        if not prospects:
            return copied(buyers)

        def everybody() -> pd.DataFrame:
            return with_prospects(
                buyers,
                known,
                self._optional("touches"),
                self._lead_days,
                self.window.as_of,
                self._ordered_later(),
            )

        if any(self.has(table) for table in ("customers", "touches", "leads")):
            found = self.shared("prospects", self.config.offer_stages, everybody)
        else:  # nobody but the buyers, told at once
            found = self._keep("prospects", everybody)
        return copied(found)

    @property
    def _expected(self) -> pd.DataFrame:
        """What every customer is expected to do in the comparison's horizon."""
        days = self.config.comparison.horizon_days
        return self.shared("predicted", days, lambda: self._forecast(days))

    def _forecast(self, days: int) -> pd.DataFrame:
        """What customers are expected to do in the next `days`, its level by how the forecast of
        `days` ago did, where the log reaches back that far."""
        window = self.window
        day = window.as_of - dt.timedelta(days=days)
        last = None
        if (day - window.start).days >= days:
            before = self.at(day)
            rule = StateRule.learn(before.customers(), self.season, day)
            came = float(before.outcomes(days)["future_orders"].sum())
            last = LastTime(rule, before.customers(), came)
        return forecast(self.customers(), self.state_rule, days, last)

    def forecast_check(self) -> pd.DataFrame:
        """What was expected on earlier days, the comparison's horizon apart, and what came since:
        ``expected_orders, came_orders, expected_revenue, came_revenue`` by day, the latest first.

        Each forecast is made as it would have been on its day; a day needs as long a history before
        it as the horizon is.
        """
        days = self.config.comparison.horizon_days
        return self.shared("forecast-check", days, lambda: self._forecast_check(days))

    def _forecast_check(self, days: int) -> pd.DataFrame:
        window = self.window
        found = {}
        for step in range(1, CHECKED + 1):
            day = window.as_of - dt.timedelta(days=step * days)
            if (day - window.start).days < days:
                break
            then = self.at(day)
            expected, came = then._expected, then.outcomes(days)
            found[day] = {
                "expected_orders": expected["expected_orders"].sum(),
                "came_orders": came["future_orders"].sum(),
                "expected_revenue": expected["expected_revenue"].sum(),
                "came_revenue": came["future_revenue"].sum(),
            }
        columns = [f"{told}_{of}" for of in ("orders", "revenue") for told in TOLD]
        return pd.DataFrame.from_dict(found, orient="index", columns=columns)

    @cached_property
    def _buyers(self) -> pd.DataFrame:
        """Who bought: from the log, or as they come summed up; nobody where neither is here."""
        if self.has("orders"):
            return self._reduced[0]
        if not self.has("customer_summary"):
            return nobody()
        if self._parent is not None and self._parent.window.as_of != self.window.as_of:
            self.need_log()
        return summarised(self.table("customer_summary"), self.window.as_of)

    @cached_property
    def _accounts(self) -> pd.DataFrame | None:
        if self._parent is not None:
            return self._parent._accounts  # the same on every day
        if not self.has("customers"):
            return None
        return self.shared("accounts", (), lambda: accounts(self.table("customers")))

    @cached_property
    def _lead_days(self) -> pd.DataFrame:
        if self._parent is not None:
            return self._parent._lead_days  # the same on every day
        leads, stages = self._optional("leads"), self._optional("lead_stages")
        return lead_days(leads, stages, self.config.offer_stages)

    def _ordered_later(self) -> pd.Index:
        """Accounts that nothing but a later order speaks of: they were not known on this day."""
        if not self.has("orders") or not self.has("customers"):
            return pd.Index([], dtype="str")
        return ordered_later(self.table("orders"), self.window.as_of)

    @cached_property
    def _reduced(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        # Reasons are kept as they are said.
        return self.shared("customers", language(), self._reduce)

    def _reduce(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Customers, and every line of the log accounted for."""
        intake = self.intake("orders")
        lines, files = intake.narrow, intake.pieces
        if self._parent is not None or self._whole is not None:
            # What is kept of a log that grows is its last state, not one of the past.
            lines, files = log_of(self), None
        decimals, returns = intake.reading.decimals, self.config.returns
        customers, account = reduced(lines, decimals, files, self.window, returns)
        broken = [
            (say("study.tables.broken", reason=reason), len(lines), 0.0)
            for reason, lines in intake.broken.groupby("reason")
        ]
        if broken:
            account = pd.concat(
                [account, pd.DataFrame(broken, columns=account.columns)],
                ignore_index=True,
            )
        raise_faults(intake, self.config.tolerance, account.set_index("reason").lines)
        if customers.empty:
            fault = Fault(
                "orders",
                say("study.tables.no_purchase", window=self.window),
                say("study.tables.widen"),
                int(account.lines.sum()),
            )
            raise DataError(say("study.tables.nobody"), [fault])
        return customers, account

    def account(self) -> pd.DataFrame:
        """Every order line accounted for: ``reason, lines, revenue``; lines add up to the rows
        read."""
        return self._reduced[1].copy()

    def write_rejected(self, path: Path) -> int:
        """Write every order line that was set aside, as it stood in the source, with its reason;
        the row count."""
        intake = self.intake("orders")
        whole = with_reason(
            conform(intake.raw.table, intake.contract, intake.reading, keep_raw=True),
            self.window,
            self.config.returns,
        )
        bad = whole.filter(whole.reason.notnull())
        bad = bad.select(
            "reason",
            **{
                c.removeprefix("raw."): bad[c]
                for c in bad.columns
                if c.startswith("raw.")
            },
        )
        with asked_for(path), replacing(path) as draft:
            bad.get_backend().to_parquet(bad, str(draft))
            if len(intake.broken):
                rows = pd.read_parquet(draft)
                why = "broken line: " + intake.broken.reason
                broken = intake.broken.assign(reason=why)
                pd.concat(
                    [rows, broken[["reason", "line", "text"]]], ignore_index=True
                ).to_parquet(draft)
        return int(self.connection.read_parquet(str(path)).count().execute())

    def log(self, *, all_time: bool = False) -> ir.Table:
        """Accepted order lines of the window in minor units, or what they add up to by order and
        day (`customers.orders.by_day`), which is quicker to ask of a large base.

        Ids may be whole numbers; `all_time` as in `orders`.
        """
        lines = log_of(self)
        accepted = lines.filter(lines.reason.isnull()).drop("reason")
        return self._seen(accepted, all_time=all_time)

    def need_log(self) -> None:
        """NotEnoughDataError where there is no order log: sums cannot be seen on another day."""
        if not self.has("orders"):
            raise NotEnoughDataError(say("summary.needs_log"))

    def states(self) -> pd.DataFrame:
        """``state`` (new, active, slowing, lapsed), ``p_active`` and ``rhythm_days`` of every
        buyer."""

        self.need_log()
        return self.shared(
            "states", (), lambda: self.state_rule.states(self.customers())
        )

    @cached_property
    def state_rule(self) -> StateRule:
        """How states are told on this base, learned at as_of."""
        return StateRule.learn(self.customers(), self.season, self.window.as_of)

    @cached_property
    def season(self) -> tuple[float, ...]:
        """What a day of January … December counts in orders, 1 on average; empty where the log is
        too short to tell."""
        if not self.has("orders"):
            return ()

        def found() -> tuple[float, ...]:
            months = orders_by_month(self.log())
            return seasonal_weights(full_months(months, self.window))

        return self.shared("season", (), found)

    def drawn(self, limit: int, everybody: int | None = None) -> Self:
        """This study with a random sample of about `limit` customers, or itself where it has no
        more.

        Every customer who is drawn comes with a whole history, the same customers on every day.
        `everybody` is their number, where it is known already.
        """
        everybody = len(self.customers()) if everybody is None else everybody
        if everybody <= limit:
            return self
        part = self._keep(
            ("drawn", limit),
            lambda: type(self)(
                self.config.model_copy(update={"as_of": self.window.as_of}),
                self.base,
                path=self.path,
            ),
        )
        part._whole, part._share = self, limit / everybody
        return part

    @checked
    def outcomes(self, days: Days = 90) -> pd.DataFrame:
        """What customers known at as_of did in the `days` from as_of on; 0 for those who did
        nothing.

        By ``customer_id`` of `customers`: ``future_revenue`` (net), ``future_orders``,
        ``future_margin``. NotEnoughDataError where the period is not over in the data; ask the
        study `at` an earlier day.
        """
        end = self.window.as_of + dt.timedelta(days=days)
        known = (self._parent or self).window.as_of
        if end > known:
            facts = {
                "days": days,
                "as_of": self.window.as_of,
                "end": end,
                "known": known,
            }
            latest = known - dt.timedelta(days=days)
            raise NotEnoughDataError(say("study.day.not_known", latest=latest, **facts))
        out = self._done(self.window.as_of, days).add_prefix("future_")
        # Lets a scorecard refuse labels made later.
        out.attrs["as_of"] = self.window.as_of.isoformat()
        return out

    def bought(self, days: int) -> pd.DataFrame:
        """What customers did in the `days` before as_of: ``orders, revenue`` (``margin``) of those
        who did anything.

        The orders are asked, not two customer tables: with a window that moves along, these begin
        on different days.
        """
        done = self._done(self.window.as_of - dt.timedelta(days=days), days)
        return done[(done["orders"] != 0) | (done["revenue"] != 0)]

    def _done(self, start: dt.date, days: int) -> pd.DataFrame:
        """``orders, revenue`` (``margin``) in ``start <= day < start + days`` of every customer
        known at as_of."""
        intake = self.intake("orders")

        def found() -> pd.DataFrame:
            query = outcomes_expression(log_of(self), start, days, self.config.returns)
            return query.to_pyarrow().to_pandas().set_index("customer_id")

        rows = self.shared("done", (start, days), found)
        out = (
            rows.reindex(self.customers().index)
            .fillna(0)
            .rename(columns=lambda c: c.removeprefix("future_"))
        )
        money = {
            c: out[c].astype("float64") / 10**intake.reading.decimals
            for c in ("revenue", "margin")
            if c in out
        }
        return out.assign(**money).astype({"orders": "int64"})
