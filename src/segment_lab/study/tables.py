"""The data of a study: its tables, the window they are seen in, the customers and what they did
next."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import ibis
import ibis.expr.types as ir
import pandas as pd
from filelock import FileLock

from segment_lab.customers.forecast import LastTime, forecast
from segment_lab.customers.merging import merged, targets
from segment_lab.customers.orders import (
    collect,
    customer_expression,
    outcomes_expression,
    with_reason,
)
from segment_lab.customers.overview import full_months, monthly
from segment_lab.customers.people import (
    accounts,
    ordered_later,
    with_accounts,
    with_prospects,
)
from segment_lab.customers.states import StateRule, seasonal_weights
from segment_lab.customers.summarised import nobody, summarised
from segment_lab.data import embedded
from segment_lab.data.contracts import CONTRACTS, conform
from segment_lab.data.files import as_it_was, cache_folder, replacing
from segment_lab.data.intake import Intake, raise_faults, take_in
from segment_lab.data.sources import raw_frame
from segment_lab.errors import (
    ConfigError,
    DataError,
    Fault,
    NotEnoughDataError,
    nearest,
)
from segment_lab.study.config import StudyConfig, WindowConfig, load, validate
from segment_lab.texts import say, speak
from segment_lab.texts.languages import spoken_first
from segment_lab.window import ObservationWindow, as_date

T = TypeVar("T")
#: Names the folder that the processes of a run share.
SHARED = "SEGMENT_LAB_SHARED"
#: What dates a study without orders.
OTHER_DAYS = (
    "first_order",
    "last_order",
    "created_on",
    "entered_on",
    "issue_date",
    "touch_date",
)


class StudyData:
    """A company's tables and the window they are seen in; `Study` adds the segmentations made of
    them."""

    def __init__(
        self,
        config: StudyConfig,
        base: Path,
        *,
        path: Path | None = None,
        parent: Self | None = None,
    ):
        self.config, self.base, self.path, self._parent = config, base, path, parent
        self.name, self.title, self.currency = (
            config.name,
            config.title or config.name,
            config.currency,
        )
        self._kept: dict[Any, Any] = {}
        speak(spoken_first(config.lang), config.currency)

    @classmethod
    def from_yaml(
        cls,
        path: str | Path,
        as_of: dt.date | str | None = None,
        methods: Mapping[str, Mapping[str, Any]] | None = None,
        **overrides: Any,
    ) -> Self:
        """Read a study file. `as_of`, `methods` and other keywords replace what the file says.

        ConfigError lists every fault of the file and of what replaces it.
        """
        changes: dict[str, Any] = dict(overrides)
        if as_of is not None:
            changes["as_of"] = as_date(as_of)
        if methods:
            changes["methods"] = {m: dict(o) for m, o in methods.items()}
        path = Path(path)
        return cls(load(path, changes), path.resolve().parent, path=path.resolve())

    @classmethod
    def from_frames(
        cls, tables: Mapping[str, Any], name: str = "frames", **config: Any
    ) -> Self:
        """A study over frames that are already here (pandas, polars or Arrow), canonical column
        names."""
        sources = {table: {"path": f"<{table}>"} for table in tables}
        study = cls(
            validate(
                StudyConfig, {"name": name, "sources": sources, **config}, "study"
            ),
            Path.cwd(),
        )
        study._frames = {t: raw_frame(f) for t, f in tables.items()}
        return study

    _frames: Mapping[str, Any] = {}
    # Notebooks ask many questions of a text file, so it is parsed once and kept; one table is one
    # pass.
    _keep_copies = True
    # A study of a sample of the customers: the whole it was drawn from, and the share.
    _whole: Self | None = None
    _share = 1.0

    # Data.

    @cached_property
    def connection(self) -> Any:
        """The study's DuckDB connection; its time zone decides on which day an order falls."""
        if above := self._parent or self._whole:
            return above.connection
        connection = embedded.connect()
        connection.raw_sql(f"SET TimeZone = '{self.config.timezone}'")
        return connection

    def has(self, table: str) -> bool:
        """Whether the study has this table."""
        if table not in CONTRACTS:
            hint = nearest(table, CONTRACTS)
            raise ConfigError(say("study.tables.no_table", table=table, hint=hint))
        return table in self.config.sources

    def intake(self, table: str) -> Intake:
        """One table as taken in: accepted lines, rejects, counts by reason."""
        if self._parent is not None:
            return self._parent.intake(table)
        if self._whole is not None:
            whole = self._whole
            return self._keep(
                ("intake", table), lambda: whole.intake(table).drawn(self._share)
            )
        if not self.has(table):
            facts = {"name": self.name, "table": table, "file": self.path}
            raise NotEnoughDataError(say("study.tables.missing", **facts))
        return self._keep(("intake", table), lambda: self._taken_in(table))

    def _taken_in(self, table: str) -> Intake:
        intake = take_in(
            table,
            self.config.sources[table],
            self.base,
            self.connection,
            self.config.timezone,
            self._frames.get(table),
            self._keep_copies,
        )
        if table == "merges" or not self.has("merges"):
            return intake
        return self._under_one_id(intake, self._merges)

    @staticmethod
    def _under_one_id(intake: Intake, into: pd.Series) -> Intake:
        """A table in which each customer has one id; tables with a row per customer remember the
        ids they came with."""
        remember = intake.contract.key == "customer_id"
        renamed = intake.under_other_ids(lambda lines: merged(lines, into, remember))
        marks = hashlib.sha256(into.to_csv().encode()).hexdigest()[:16]
        renamed.__dict__["fingerprint"] = f"{intake.fingerprint}:{marks}"
        return renamed

    @cached_property
    def _merges(self) -> pd.Series:
        """Into which id each record goes that is a customer known under another id."""
        table = self.table("merges").select("customer_id", "merge_into")
        return targets(table.to_pandas().map(as_it_was))

    def merged(self, pairs: pd.DataFrame) -> Self:
        """This study with records counted as one customer: ``customer_id, merge_into``.

        The same as a table ``merges`` in the study file.
        """
        into = targets(pairs)
        part = type(self)(
            self.config.model_copy(update={"as_of": self.window.as_of}),
            self.base,
            path=self.path,
        )
        part.__dict__["connection"] = self.connection
        for name in self.config.sources:
            renamed = self._under_one_id(self.intake(name), into)
            part._kept["intake", name] = renamed
        return part

    def table(self, name: str) -> ir.Table:
        """Accepted rows of a table under canonical names, as an Ibis table; money in readable
        amounts."""
        return self.intake(name).accepted

    def orders(self, *, all_time: bool = False) -> ir.Table:
        """Accepted order lines of the window: ``customer_id, order_date, amount`` and what else
        the source has.

        With ``returns: drop`` lines below zero are left out here too. `all_time` adds what lies
        before the window: a campaign, or a customer's first order, may be older than what
        describes customers today.
        """
        table, window = self.table("orders"), self.window
        inside = table.order_date < ibis.literal(window.as_of)
        if not all_time:
            inside &= table.order_date >= ibis.literal(window.start)
        if self.config.returns == "drop":
            inside &= table.amount_minor >= 0
        return table.filter(inside)

    def check(self) -> list[Intake]:
        """Take every table in; a DataError lists the faults of all of them at once."""
        intakes, faults = [], []
        for name in self.config.sources:
            try:
                intakes.append(self.intake(name))
            except DataError as error:
                faults += [
                    Fault(
                        f"{error.title}: {f.where}",
                        f.problem,
                        f.remedy,
                        f.rows,
                        f.examples,
                    )
                    for f in error.faults
                ]
        for intake in intakes:
            faults += intake.faults(self.config.tolerance)
        if faults:
            raise DataError(say("study.tables.unusable", name=self.name), faults)
        return intakes

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all the data and of how they are read."""
        prints = [
            f"{n}:{self.intake(n).fingerprint}" for n in sorted(self.config.sources)
        ]
        return hashlib.sha256(
            "|".join([self.config.timezone, *prints]).encode()
        ).hexdigest()[:16]

    # Time.

    @cached_property
    def window(self) -> ObservationWindow:
        """What is observed; without orders, the days around `as_of`."""
        rule = self.config.window
        # Nothing to look up: spares a scan of the log.
        if self.config.as_of and rule.start and self._parent is None:
            return ObservationWindow(rule.start, self.config.as_of)
        first, last = self._span
        as_of = self.config.as_of or last + dt.timedelta(days=1)
        if as_of <= first and self._parent is not None:
            raise NotEnoughDataError(
                say("study.day.before_first", first=first, as_of=as_of)
            )
        if rule.start and as_of <= rule.start and self._parent is not None:
            raise NotEnoughDataError(
                say("study.day.before_window", start=rule.start, as_of=as_of)
            )
        if as_of <= first:
            days = {"as_of": as_of, "first": first, "last": last}
            raise ConfigError(say("study.day.not_after_first", **days))
        # Days before the first order are no observed days: nobody must take them for data.
        start = (
            max(first, as_of - dt.timedelta(days=rule.days))
            if rule.days
            else rule.start or first
        )
        return ObservationWindow(start, as_of)

    @cached_property
    def _span(self) -> tuple[dt.date, dt.date]:
        if above := self._parent or self._whole:
            return above._span
        if not self.has("orders"):
            return self._other_days()
        intake = self.intake("orders")
        raise_faults(intake, self.config.tolerance)
        accepted: Any = intake.summary.loc["accepted"].to_dict()
        return pd.Timestamp(accepted["first"]).date(), intake.last_day

    def _other_days(self) -> tuple[dt.date, dt.date]:
        """Without orders: the first and last day any table knows; where none has dates, as_of must
        be given."""
        days: list[Any] = []
        for name in self.config.sources:
            lines = self.intake(name).lines
            for column in OTHER_DAYS:
                if column in lines.columns:
                    ends = (
                        lines.aggregate(
                            first=lines[column].min(), last=lines[column].max()
                        )
                        .execute()
                        .iloc[0]
                    )
                    days += [pd.Timestamp(d).date() for d in ends if pd.notna(d)]
        if days:
            return min(days), max(days)
        if self.config.as_of is None:
            raise ConfigError(say("study.day.no_dates", name=self.name))
        return self.config.as_of - dt.timedelta(days=1), self.config.as_of

    def at(self, as_of: dt.date | str, days: int | None = None) -> Self:
        """The same study as it stood on an earlier day: only what happened before it is seen.

        With `days` it is seen through a window of so many days instead of the study's own: what two
        days are compared through must be equally long.
        """
        day = as_date(as_of)
        if day > self.window.as_of:
            raise ConfigError(say("study.day.future", day=day, as_of=self.window.as_of))
        root = self._parent or self
        changes: dict[str, Any] = {"as_of": day}
        if days is not None:
            changes["window"] = WindowConfig(days=days)
        return root._keep(
            ("at", day, days),
            lambda: type(self)(
                root.config.model_copy(update=changes),
                root.base,
                path=root.path,
                parent=root,
            ),
        )

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

    # Customers
    # --------------------------------------------------------------------------------------------

    def customers(self, prospects: bool = False, predict: bool = False) -> pd.DataFrame:
        """The customer table at as_of, with the account columns of the customers table.

        `prospects` adds customers without an order: frequency and revenue 0, recency null,
        ``touches`` (count) and ``offer``. `predict` adds what customers are expected to do in the
        comparison's horizon, ``expected_orders`` and ``expected_revenue``, and `states`.
        """
        if predict:
            table = self.customers(prospects)
            days = self.config.comparison.horizon_days
            expected = self.shared("predicted", days, lambda: self._forecast(days))
            ahead = expected[["expected_orders", "expected_revenue"]]
            return table.join(ahead).join(self.states())
        table, known = self._buyers, self._accounts
        buyers = self._keep("customers", lambda: with_accounts(table, known))
        if not prospects:
            return buyers.copy()
        return self.shared(
            "prospects",
            self.config.offer_stages,
            lambda: with_prospects(
                buyers,
                known,
                self._optional("touches"),
                self._optional("leads"),
                self._optional("lead_stages"),
                self.window.as_of,
                self.config.offer_stages,
                self._ordered_later(),
            ),
        ).copy()

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

    def _ordered_later(self) -> pd.Index:
        """Accounts that nothing but a later order speaks of: they were not known on this day."""
        if not self.has("orders") or not self.has("customers"):
            return pd.Index([], dtype="str")
        return ordered_later(self.table("orders"), self.window.as_of)

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
            months = full_months(monthly(self.orders()), self.window)
            return seasonal_weights(months["orders"])

        return self.shared("season", (), found)

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
        bad.get_backend().to_parquet(bad, str(path))
        if len(intake.broken):
            rows = pd.read_parquet(path)
            broken = intake.broken.assign(reason="broken line: " + intake.broken.reason)
            pd.concat(
                [rows, broken[["reason", "line", "text"]]], ignore_index=True
            ).to_parquet(path)
        return int(self.connection.read_parquet(str(path)).count().execute())

    @cached_property
    def _reduced(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        intake = self.intake("orders")

        def found() -> tuple[pd.DataFrame, pd.DataFrame]:
            rule = (self.window, self.config.returns, intake.reading.decimals)
            return collect(customer_expression(intake.narrow, *rule))

        customers, account = self.shared("customers", (), found)
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

    def need_log(self) -> None:
        """NotEnoughDataError where there is no order log: sums cannot be seen on another day."""
        if not self.has("orders"):
            raise NotEnoughDataError(say("summary.needs_log"))

    @cached_property
    def _accounts(self) -> pd.DataFrame | None:
        return accounts(self.table("customers")) if self.has("customers") else None

    def _optional(self, table: str) -> ir.Table | None:
        return self.table(table) if self.has(table) else None

    def outcomes(self, days: int = 90) -> pd.DataFrame:
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
            query = outcomes_expression(intake.lines, start, days, self.config.returns)
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

    # Keeping
    # ----------------------------------------------------------------------------------------------

    def _keep(self, key: Any, make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def shared(self, name: str, options: Any, make: Callable[[], T]) -> T:
        """`make()` once per process, or once for all processes of a run; gone when that ends."""
        folder = os.environ.get(SHARED)
        if folder is None:
            return self._keep(("shared", name, options), make)
        return self.cached(name, options, make, Path(folder))

    def cached(
        self, name: str, options: Any, make: Callable[[], T], folder: Path | None = None
    ) -> T:
        """`make()` once per data, window, options and code version: in memory, and on disk between
        processes, in the user's cache or another `folder`."""
        import joblib

        from segment_lab import code_fingerprint

        key = hashlib.sha256(
            repr(
                (
                    name,
                    options,
                    self.fingerprint,
                    self.window,
                    self.config.returns,
                    code_fingerprint(),
                )
            ).encode()
        ).hexdigest()[:24]

        path = (folder or cache_folder()) / f"{name}-{key}.joblib"

        def kept() -> T | None:
            try:
                return cast(T, joblib.load(path))
            except (
                OSError,
                EOFError,
                ValueError,
                KeyError,
                ImportError,
                AttributeError,
            ):
                return None  # not there, or cut off by a killed run: make it again

        def load_or_make() -> T:
            if (found := kept()) is not None:
                return found
            # Reports of one run ask for the same at the same time: one makes it, the others wait.
            with FileLock(path.with_suffix(".lock")):
                if (found := kept()) is not None:
                    return found
                value = make()
                with replacing(path) as draft:
                    joblib.dump(value, draft)
                return value

        return self._keep(("cached", key), load_or_make)
