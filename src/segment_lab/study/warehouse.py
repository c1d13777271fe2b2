"""Segments where the data are: one SQL statement for a warehouse, and bases too large for
pandas."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from segment_lab.customers.orders import COLUMNS, as_frame, buyers_expression
from segment_lab.data.engine import drawn
from segment_lab.data.intake import raise_faults
from segment_lab.errors import ConfigError, DataError, Fault
from segment_lab.segments.base import DIALECTS
from segment_lab.study.plain import OrdersStatement
from segment_lab.study.tables import StudyData


def statement(
    study: StudyData, fitted: Any, dialect: str, source: str, table: str | None, accounts: str
) -> str:
    """See `Study.to_sql`."""
    if source == "customers":
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
    )
    cuts, select, query = rule.partition("SELECT")
    return f"{cuts}{orders.sql(DIALECTS[dialect])}\n{select}{query}"


def account_columns(study: StudyData, segmenter: Any, wanted: set[str]) -> dict[str, Any]:
    """Types of those `wanted` columns that the accounts hold; a ConfigError where others are not
    optional."""
    known = study.table("customers").schema() if study.has("customers") else {}
    if lacking := wanted - {*known, *segmenter.optional_columns}:
        raise ConfigError(
            f"{segmenter.method} reads {', '.join(sorted(lacking))}, which order lines do not hold. "
            f"Start from a customer table that does: source='customers'."
        )
    return {column: known[column] for column in sorted(wanted & {*known})}


@dataclass(frozen=True)
class Assignment:
    """Segments of every buyer, written by the engine to the Parquet file `path`: ``customer_id,
    segment``.

    `profile` holds per segment, best first, ``customers, customer_share, revenue, revenue_share``
    and the means ``recency_days, frequency``; `learned_on` counts the customers that the rule,
    `segmenter`, was learned on.
    """

    path: Path
    profile: pd.DataFrame
    learned_on: int
    segmenter: Any

    @property
    def note(self) -> str:
        """What was sampled, in one sentence."""
        everybody = int(self.profile["customers"].sum())
        if self.learned_on == everybody:
            return f"The rule was learned on all {everybody:,} customers."
        return (
            f"The rule was learned on a random sample of {self.learned_on:,} of {everybody:,} customers and then "
            "applied to all of them; sizes and money are of all."
        )


def assign(
    study: StudyData,
    segmenter: Any,
    target: Path,
    limit: int,
    seed: int,
    progress: Callable[[str], None],
) -> Assignment:
    """See `Study.assign`."""
    intake = study.intake("orders")
    raise_faults(intake, study.config.tolerance)
    wanted = {
        *segmenter.columns,
        *segmenter.optional_columns,
        "recency_days",
        "frequency",
        "revenue",
    }
    joined = account_columns(study, segmenter, wanted - {*COLUMNS})
    people = buyers_expression(
        intake.lines, study.window, study.config.returns, intake.reading.decimals, wanted
    )
    if joined:
        people = people.left_join(_accounts(study, list(joined), people), "customer_id").drop(
            "customer_id_right"
        )
    progress("reducing the order log to one row per customer")
    with people.cache() as customers:
        everybody = int(customers.count().execute())
        if not everybody:
            raise DataError(
                "Nobody bought anything in the window",
                [Fault("orders", f"no purchase in {study.window}")],
            )
        few = customers
        if everybody > limit:
            few = drawn(customers, limit / everybody, seed)
        progress(f"learning the rule on {min(everybody, limit):,} of {everybody:,} customers")
        rows = few.get_backend().to_pyarrow(few.order_by("customer_id"))
        frame = as_frame([rows]).join(
            rows.select(["customer_id", *joined]).to_pandas().set_index("customer_id")
        )
        segmenter.fit(frame)
        progress("assigning segments")
        labelled = customers.mutate(segment=segmenter.named(customers))
        _write(labelled.select("customer_id", "segment"), target)
        return Assignment(
            target, _profile(labelled, segmenter.segment_names_), len(frame), segmenter
        )


def _accounts(study: StudyData, columns: list[str], beside: ir.Table) -> ir.Table:
    """Account columns, one row per customer, in the engine where the orders are."""
    table = (
        study.table("customers")
        .select("customer_id", *columns)
        .distinct(on="customer_id", keep="first")
    )
    if table.get_backend() is beside.get_backend():
        return table
    copy = ibis.memtable(table.to_pyarrow())
    beside.get_backend().execute(
        copy.count()
    )  # Ibis hands a copy to Spark only with a query, not with a cached one
    return copy


def _write(table: ir.Table, target: Path) -> None:
    """Parquet at `target` (a folder of it, from Spark), complete or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    table.get_backend().to_parquet(table, str(draft))
    if target.is_dir():
        shutil.rmtree(target)
    draft.replace(target)


def _profile(labelled: ir.Table, names: tuple[str, ...]) -> pd.DataFrame:
    table = labelled.group_by("segment").aggregate(
        customers=labelled.count(),
        revenue=labelled.revenue.sum(),
        recency_days=labelled.recency_days.mean(),
        frequency=labelled.frequency.mean(),
    )
    frame = table.to_pandas().set_index("segment").reindex(names)
    frame[["customers", "revenue"]] = frame[["customers", "revenue"]].fillna(0)
    frame["customers"], frame["revenue"] = (
        frame["customers"].astype("int64"),
        frame["revenue"].round(2),
    )
    for name, share in (("customers", "customer_share"), ("revenue", "revenue_share")):
        frame.insert(int(frame.columns.get_loc(name)) + 1, share, frame[name] / frame[name].sum())
    return frame
