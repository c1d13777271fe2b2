"""Segments where the data are: one SQL statement for a warehouse, and bases too large for
pandas."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from sqlglot import exp

from segment_lab.customers.merging import BEFORE
from segment_lab.customers.orders import COLUMNS, as_frame, buyers_expression
from segment_lab.customers.states import COLUMNS as RHYTHM
from segment_lab.customers.states import StateRule
from segment_lab.data.embedded import drawn
from segment_lab.data.files import asked_for, refuse_unwritable, replacing
from segment_lab.data.intake import raise_faults
from segment_lab.errors import ConfigError, DataError, Fault
from segment_lab.segments.base import DIALECTS, explained
from segment_lab.study.people import StudyCustomers
from segment_lab.study.plain import OrdersStatement
from segment_lab.texts import say
from segment_lab.window import ObservationWindow, as_date

#: A day that moves: the warehouse's own, or a parameter that whoever runs the statement fills in.
PARAMETER = re.compile(r"[:@$]\w+")


def statement(
    study: StudyCustomers,
    fitted: Any,
    dialect: str,
    source: str,
    table: str | None,
    accounts: str,
    day: str | None = None,
) -> str:
    """See `Study.to_sql`."""
    if source == "customers":
        if day:
            raise ConfigError(say("study.large.day_of_customers"))
        return str(fitted.to_sql(table or source, dialect, window=study.window))
    rule = str(fitted.to_sql("people", dialect, window=study.window))
    intake = study.intake("orders")
    wanted = fitted.reads - {"customer_id"}
    joined = account_columns(study, fitted, wanted - {*COLUMNS})
    orders = OrdersStatement(
        table or source,
        accounts,
        study.window,
        study.config.returns,
        intake.reading.decimals,
        columns=tuple(name for name in COLUMNS if name in wanted),
        account_columns=tuple(joined),
        absent=tuple(sorted(wanted - {*COLUMNS, *joined})),
        order_ids="order_id" in intake.lines.columns,
        day=day and day_expression(day, DIALECTS[dialect]),
        days=study.config.window.days,
    )
    if day:
        rule = f"-- {say('study.large.counted_on', day=day)}\n{rule}"
    cuts, select, query = rule.partition("SELECT")
    return f"{cuts}{orders.sql(DIALECTS[dialect])}\n{select}{query}"


def day_expression(day: str, dialect: str) -> str:
    """A day as SQL: ``current_date``, a parameter such as ``:day``, or a date.

    Examples
    --------
    >>> day_expression("current_date", "sqlite"), day_expression("2026-06-30", "postgres")
    ('CURRENT_DATE', "'2026-06-30'")
    """
    if day.lower() == "current_date":
        return exp.CurrentDate().sql(dialect)
    return day if PARAMETER.fullmatch(day) else f"'{as_date(day)}'"


def account_columns(
    study: StudyCustomers,
    segmenter: Any,
    wanted: set[str],
    lacking_key: str = "not_in_lines",
) -> dict[str, Any]:
    """Types of those `wanted` columns that the accounts hold; a ConfigError where others are not
    optional."""
    known = study.table("customers").schema() if study.has("customers") else {}
    if lacking := wanted - {*known, *segmenter.optional_columns}:
        facts = {"method": segmenter.method, "columns": sorted(lacking)}
        raise ConfigError(say(f"study.large.{lacking_key}", **facts))
    return {column: known[column] for column in sorted(wanted & {*known})}


@dataclass(frozen=True)
class StateStatement:
    """The states of a base as SQL, asked for in the manner of a fitted segmenter.

    Parameters
    ----------
    rule : StateRule
        As learned at the study's as_of.
    """

    rule: StateRule
    method = "state"
    optional_columns = ()
    reads = frozenset({"customer_id", *RHYTHM})

    def to_sql(
        self,
        table: str = "customers",
        dialect: str = "duckdb",
        window: ObservationWindow | None = None,
    ) -> str:
        """One SELECT from a customer table to ``customer_id, state, p_active, rhythm_days``; null
        for whoever has not bought."""
        source = ibis.table(
            {"customer_id": "string", **dict.fromkeys(RHYTHM, "float64")}, table
        )
        told = {"state": self.rule.state, "p_active": self.rule.p_active}
        told["rhythm_days"] = self.rule.rhythm
        bought = source.frequency > 0
        columns = {
            name: ibis.ifelse(bought, says(source), None) for name, says in told.items()
        }
        facts = {"typical_gap": self.rule.typical_gap, "season": list(self.rule.season)}
        if self.rule.season:
            facts["season_before"] = self.rule.as_of
        rows = source.select("customer_id", **columns)
        return explained(rows, dialect, type(self.rule).__name__, facts, window)


@dataclass(frozen=True)
class Assignment:
    """Segments of every buyer, written by the engine to the Parquet file `path`: ``customer_id,
    segment``.

    `profile` holds per segment, best first, ``customers, customer_share, revenue, revenue_share``
    and the means ``recency_days, frequency``; `learned_on` counts the customers that the rule,
    `segmenter`, was learned on; `taught`, that it was learned from what they did afterwards.
    """

    path: Path
    profile: pd.DataFrame
    learned_on: int
    segmenter: Any
    taught: bool = False

    @property
    def note(self) -> str:
        """What was sampled, in one sentence."""
        everybody = int(self.profile["customers"].sum())
        facts = {"learned_on": self.learned_on, "customers": everybody}
        if self.taught:
            return say("study.large.taught", **facts)
        if self.learned_on == everybody:
            return say("study.large.learned_on_all", customers=everybody)
        return say("study.large.learned_on_some", **facts)


def assign(
    study: StudyCustomers,
    segmenter: Any,
    target: Path,
    limit: int,
    seed: int,
    progress: Callable[[str], None],
    taught: Callable[[int], tuple[Any, int]] | None = None,
) -> Assignment:
    """See `Study.assign`.

    `taught` gives, for the number of customers, a rule that learns from what followed an earlier
    day, and on how many it was learned.
    """
    refuse_unwritable(target)
    intake = study.intake("orders")
    raise_faults(intake, study.config.tolerance)
    wanted = {
        *segmenter.columns,
        *segmenter.optional_columns,
        "recency_days",
        "frequency",
        "revenue",
    }
    joined = account_columns(study, segmenter, wanted - {*COLUMNS}, "not_in_engine")
    people = buyers_expression(
        intake.lines,
        study.window,
        study.config.returns,
        intake.reading.decimals,
        wanted,
    )
    if joined:
        accounts = _accounts(study, list(joined), people)
        people = people.left_join(accounts, "customer_id").drop("customer_id_right")
    progress(say("study.large.reducing"))
    with people.cache() as customers:
        everybody = int(customers.count().execute())
        if not everybody:
            fault = Fault(
                "orders", say("study.tables.no_purchase", window=study.window)
            )
            raise DataError(say("study.tables.nobody"), [fault])
        facts = {"learned_on": min(everybody, limit), "customers": everybody}
        progress(say("study.large.learning", **facts))
        if taught:
            segmenter, learned_on = taught(everybody)
        else:
            few = (
                drawn(customers, limit / everybody, seed)
                if everybody > limit
                else customers
            )
            learned_on = _learn(segmenter, few, joined)
        progress(say("study.large.assigning"))
        labelled = customers.mutate(segment=segmenter.named(customers))
        _write(labelled.select("customer_id", "segment"), target)
        profile = _profile(labelled, segmenter.segment_names_)
        return Assignment(target, profile, learned_on, segmenter, taught is not None)


def _learn(segmenter: Any, few: ir.Table, joined: dict[str, Any]) -> int:
    """Fit a segmenter to customers where they are; their number."""
    rows = few.get_backend().to_pyarrow(few.order_by("customer_id"))
    accounts = (
        rows.select(["customer_id", *joined]).to_pandas().set_index("customer_id")
    )
    segmenter.fit(as_frame([rows]).join(accounts))
    return len(accounts)


def _accounts(study: StudyCustomers, columns: list[str], beside: ir.Table) -> ir.Table:
    """Account columns, one row per customer, in the engine where the orders are."""
    table = (
        _kept_first(study.table("customers"))
        .select("customer_id", *columns)
        .distinct(on="customer_id", keep="first")
    )
    if table.get_backend() is beside.get_backend():
        return table
    copy = ibis.memtable(table.to_pyarrow())
    # Ibis hands a copy to Spark only with a query, not with a cached one.
    beside.get_backend().execute(copy.count())
    return copy


def _kept_first(accounts: ir.Table) -> ir.Table:
    """Accounts in whose order the record that others were merged into comes before these."""
    if BEFORE not in accounts.columns:
        return accounts
    return accounts.order_by(ibis.asc(BEFORE, nulls_first=True))


def _write(table: ir.Table, target: Path) -> None:
    """Parquet at `target` (a folder of it, from Spark), complete or not at all."""
    with asked_for(target), replacing(target) as draft:
        table.get_backend().to_parquet(table, str(draft))
        if target.is_dir():
            shutil.rmtree(target)


def _profile(labelled: ir.Table, names: tuple[str, ...]) -> pd.DataFrame:
    table = labelled.group_by("segment").aggregate(
        customers=labelled.count(),
        revenue=labelled.revenue.sum(),
        recency_days=labelled.recency_days.mean(),
        frequency=labelled.frequency.mean(),
    )
    frame = table.to_pandas().set_index("segment").reindex(names)
    frame["customers"] = frame["customers"].fillna(0).astype("int64")
    frame["revenue"] = frame["revenue"].fillna(0).round(2)
    for name, share in (("customers", "customer_share"), ("revenue", "revenue_share")):
        frame.insert(
            int(frame.columns.get_loc(name)) + 1, share, frame[name] / frame[name].sum()
        )
    return frame
