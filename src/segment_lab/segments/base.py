"""What every segmenter shares: scikit-learn manners, and one rule for pandas and the warehouse."""

from __future__ import annotations

import hashlib
import pickle
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import partial
from types import NoneType
from typing import Any, ClassVar, NamedTuple, Self

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pydantic
import sqlglot
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from segment_lab.data import arguments, embedded
from segment_lab.data.columns import column_faults, index_faults
from segment_lab.data.given import came, names_checked, of_kind
from segment_lab.errors import ArgumentError, ConfigError, DataError, Fault, nearest
from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.texts import say
from segment_lab.window import ObservationWindow

# "spark" compiles as Databricks: the same SQL, and ibis's own Spark compiler wants a running
# session.
DIALECTS = {
    "duckdb": "duckdb",
    "postgres": "postgres",
    "bigquery": "bigquery",
    "snowflake": "snowflake",
    "databricks": "databricks",
    "clickhouse": "clickhouse",
    "sqlite": "sqlite",
    "mysql": "mysql",
    "trino": "trino",
    "spark": "databricks",
    "pyspark": "databricks",
}


class Finding(NamedTuple):
    """What a page says first: a sentence or two, and their figures."""

    sentences: tuple[str, ...]
    figures: dict[str, Any]


class Segmenter(BaseEstimator):
    """Base of the segmenters: `fit` learns cut points, `expression` applies them.

    A subclass names the columns it reads (`columns`; those that may be absent: `optional_columns`)
    and learns in `_fit`, setting ``segment_names_`` and other attributes that end in ``_``. Its
    rule is either `branches` (conditions in order, the first that holds wins) or `expression` (the
    segment's code as one Ibis value). `predict` evaluates it on DuckDB and `to_sql` compiles it,
    so both give the same answer.

    The annotations of ``__init__`` (types, bounds) are the only place where options are described:
    `fit` checks against them, and the study's configuration is validated with the same
    `options_model`.
    """

    method: ClassVar[str]
    #: Whether `fit` needs what the customers did afterwards as `y`.
    supervised: ClassVar[bool] = False
    #: Whether the columns that it reads hold numbers, and those that hold yes and no instead.
    numeric: ClassVar[bool] = True
    flags: ClassVar[tuple[str, ...]] = ()
    segment_names_: tuple[str, ...]
    columns_: tuple[str, ...]

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "__init__" in vars(cls):
            cls.__init__ = names_checked(cls.__init__)  # type: ignore[method-assign]

    def __getattr__(self, name: str) -> Any:
        learned = name.endswith("_") and not name.startswith("_")
        # A property that asks for what `fit` learns comes here too.
        if learned or (name in dir(type(self)) and not self._learned_names()):
            raise NotFittedError(self._not_fitted())
        raise AttributeError(f"{type(self).__name__} has no {name!r}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the customer table that the rule needs."""
        raise NotImplementedError

    @property
    def optional_columns(self) -> tuple[str, ...]:
        """Columns that are read where the table has them; they may hold nulls."""
        return ()

    @property
    def columns_of_words(self) -> tuple[str, ...]:
        """Columns that `fit` reads for the names of the segments alone, not for the rule."""
        return ()

    @classmethod
    def options_model(cls) -> type[pydantic.BaseModel]:
        """The parameters as a pydantic model, made from the annotations and defaults of
        ``__init__``."""
        return arguments.described(cls.__init__)

    def fit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        """Learn from a customer table: one row per ``customer_id`` (the index). `y` is ignored.

        Raises
        ------
        ConfigError
            A parameter is out of bounds; all of them are named.
        DataError
            The table lacks columns, holds nulls, repeated customers or nobody; every fault is
            listed.
        """
        self._check_parameters()
        self._check_frame(customers)
        optional = (c for c in self.optional_columns if c in customers)
        rows = self._checked(customers, (*self.columns, *optional))
        self.columns_ = tuple(rows.columns)
        self._fit(rows)
        return self

    def refit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        """`fit` for the rule alone, as often as judges ask: without what only its words need."""
        return self.fit(customers, y)

    @abstractmethod
    def _fit(self, rows: pd.DataFrame) -> None:
        """Set ``segment_names_`` and the learned attributes from the validated columns."""

    def branches(
        self, table: ir.Table
    ) -> tuple[Sequence[tuple[ir.BooleanValue, int]], int | None]:
        """Conditions in order with their segments' codes, and the code of the rest (None: nobody
        is left)."""
        raise NotImplementedError

    def expression(self, table: ir.Table) -> ir.Value:
        """The code (0-based position in ``segment_names_``) of each row of a customer `table`."""
        return self._cases(table, range(len(self.segment_names_)))

    def prepared(self, table: ir.Table) -> ir.Table:
        """The table with the columns that several conditions ask for; `expression` uses them where
        they are there."""
        return table

    def looked_up(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of a frame with those columns of `prepared` that are looked up faster than
        computed."""
        return rows

    def predict(self, customers: pd.DataFrame) -> np.ndarray:
        """The segment's code for every row, in row order; shape ``(n,)``."""
        self._check_fitted()
        rows = self.looked_up(self._checked(customers))
        found = embedded.evaluate(rows, self.expression, self.prepared, self._learned())
        return found.astype("int32")

    def _learned(self) -> bytes | None:
        """All that the rule is made of; None where that cannot be written down."""
        try:
            state = pickle.dumps((type(self), vars(self)))
        except (pickle.PicklingError, AttributeError, TypeError):
            return None
        return hashlib.blake2b(state, digest_size=20).digest()

    def segment(
        self,
        customers: pd.DataFrame,
        window: ObservationWindow | None = None,
        status: Status | Callable[[], Status] | None = None,
        codes: np.ndarray | None = None,
    ) -> Segmentation:
        """`predict`, as a `Segmentation` with names, parameters and the facts by customer.

        `codes` is what `predict` gives, where somebody has asked it already.
        """
        if codes is None:
            codes = self.predict(customers)
        by_customer = None
        if type(self)._by_customer is not Segmenter._by_customer:
            # By the rule of now: this segmenter may be fitted again before anybody looks.
            by_customer = partial(copy(self)._details, customers)
        return Segmentation(
            pd.Series(codes, index=customers.index),
            self.segment_names_,
            self.method,
            self.describe(),
            window,
            status or Status(),
            by_customer,
        )

    def to_sql(
        self,
        table: str | ir.Table = "customers",
        dialect: str = "duckdb",
        window: ObservationWindow | None = None,
    ) -> str:
        """One SELECT from a customer table to ``customer_id, segment``, after a comment with the
        cut points.

        Parameters
        ----------
        table : str or ibis Table
            Name of the customer table in the warehouse, or an expression that makes it.
        dialect : str
            One of `DIALECTS`.
        window : ObservationWindow, optional
            When the cut points were learned; stated in the comment.
        """
        self._check_fitted()
        of_kind(
            f"{type(self).__name__}.to_sql",
            table=(table, (str, ir.Table)),
            window=(window, (ObservationWindow, NoneType)),
        )
        if isinstance(table, str):
            table = ibis.table(
                {
                    "customer_id": "string",
                    **self._schema,
                },
                name=table,
            )
        rule = table.select("customer_id", segment=self.named(table))
        return explained(rule, dialect, type(self).__name__, self.describe(), window)

    @property
    def reads(self) -> set[str]:
        """Columns that the fitted rule itself looks at; `fit` may have needed more."""
        self._check_fitted()
        table = ibis.table(
            {
                "customer_id": "string",
                **self._schema,
            },
            name="customers",
        )
        return {field.name for field in self.named(table).op().find(ops.Field)}

    def named(self, table: ir.Table) -> ir.StringValue:
        """`expression` with names instead of codes."""
        if type(self).expression is Segmenter.expression:
            return self._cases(table, self.segment_names_)
        code = self.expression(table)
        return ibis.cases(
            *((code == i, name) for i, name in enumerate(self.segment_names_))
        )

    def _cases(self, table: ir.Table, answers: Sequence[Any]) -> ir.Value:
        branches, rest = self.branches(table)
        cases = [(condition, answers[code]) for condition, code in branches]
        # Without a rest, a warehouse row that lacks its values gets no segment, instead of the
        # worst one.
        other = None if rest is None else answers[rest]
        return ibis.cases(*cases, else_=other) if cases else ibis.literal(other)

    def meanings(self) -> dict[str, str]:
        """What each segment means, in plain words; empty where a scheme has nothing to say."""
        return {}

    def meaning_table(self) -> pd.DataFrame:
        """`meanings` as a table: one row per segment, one column ``meaning`` (none where there is
        nothing to say)."""
        texts = pd.Series(self.meanings(), name="meaning", dtype="str")
        table = texts.rename_axis("segment").to_frame()
        return table if len(table) else table[[]]

    def describe(self) -> dict[str, Any]:
        """Parameters and learned cut points, as the report and the manifest print them."""
        return dict(self.get_params(deep=False))

    def _details(self, customers: pd.DataFrame) -> pd.DataFrame | None:
        return self._by_customer(self._checked(customers))

    def _by_customer(self, customers: pd.DataFrame) -> pd.DataFrame | None:
        return None

    def _more_columns(self) -> tuple[str, ...]:
        """Columns that may hold nulls (they are read, not required)."""
        return ()

    @property
    def _nullable(self) -> set[str]:
        return {*self._more_columns(), *self.optional_columns}

    def _check_parameters(self) -> None:
        model, given = self.options_model(), self.get_params(deep=False)
        arguments.refuse(model, given, type(self).__name__)

    def _learned_names(self) -> list[str]:
        return [name for name in vars(self) if name.endswith("_")]

    def _not_fitted(self) -> str:
        return say("segments.errors.not_fitted", segmenter=type(self).__name__)

    def _check_fitted(self) -> None:
        check_is_fitted(self, msg=self._not_fitted())

    def _check_frame(self, customers: Any) -> None:
        facts = {"segmenter": type(self).__name__}
        if not isinstance(customers, pd.DataFrame):
            facts["came"] = came(customers)
            raise ArgumentError(say("segments.errors.no_frame", **facts))
        if not customers.columns.is_unique:
            twice = customers.columns[customers.columns.duplicated()].unique()
            remedy = say("errors.column.twice_remedy")
            faults = [Fault(str(c), say("errors.column.twice"), remedy) for c in twice]
            raise DataError(
                say("segments.errors.table", segmenter=facts["segmenter"]), faults
            )

    def _checked(
        self,
        customers: pd.DataFrame,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """The needed columns, after every fault was looked for; the input is not changed."""
        self._check_frame(customers)
        needed: list[str] = [
            *(columns or getattr(self, "columns_", None) or self.columns)
        ]
        numbers = [name for name in needed if self.numeric and name not in self.flags]
        faults = column_faults(
            customers,
            needed,
            nullable=self._nullable,
            numbers=numbers,
            remedy=say("segments.errors.missing_remedy"),
        )
        faults += _row_faults(customers)
        if faults:
            segmenter = type(self).__name__
            raise DataError(say("segments.errors.table", segmenter=segmenter), faults)
        if [*customers.columns] == needed:
            return customers.copy(deep=False)
        return customers[needed]

    @property
    def _schema(self) -> dict[str, str]:
        return dict.fromkeys(getattr(self, "columns_", self.columns), "float64")


def explained(
    rule: ir.Table,
    dialect: str,
    name: str,
    facts: Mapping[str, Any],
    window: ObservationWindow | None = None,
) -> str:
    """A rule as one SELECT in one of `DIALECTS`, after a comment with the facts that it applies."""
    if dialect not in DIALECTS:
        hint = nearest(dialect, DIALECTS)
        raise ConfigError(say("segments.errors.dialect", dialect=dialect, hint=hint))
    query = ibis.to_sql(rule, dialect=DIALECTS[dialect])
    # Ibis would call functions that only its own connection has.
    if dialect == "sqlite":
        query = sqlglot.transpile(
            ibis.to_sql(rule),
            "duckdb",
            dialect,
            pretty=True,
        )[0]
    learned = say("segments.sql.unknown_window")
    if window:
        learned = say("segments.sql.learned", window=window, as_of=window.as_of)
    comment = ""
    for line in (
        f"{name}: {learned}",
        *(f"{fact}: {value}" for fact, value in facts.items()),
    ):
        comment += f"-- {' '.join(line.split())}\n"
    return comment + str(query)


def _row_faults(customers: pd.DataFrame) -> list[Fault]:
    """What is wrong with the index, which says whose row it is, and a table without rows."""
    faults = index_faults(customers.index)
    if "customer_id" in customers and customers.index.name != "customer_id":
        where, problem = say("errors.index.whose"), say("segments.errors.id_column")
        faults.append(Fault(where, problem, say("segments.errors.id_column_remedy")))
    if customers.empty:
        where, problem = say("segments.errors.rows"), say("segments.errors.empty")
        faults.append(Fault(where, problem, say("segments.errors.empty_remedy")))
    return faults


def shortest_cut(cut: float, values: np.ndarray, closed: str = "right") -> float:
    """The cut point with the fewest decimals that leaves every one of `values` on its side of
    `cut`.

    ``closed="right"`` keeps ``value <= cut`` unchanged, ``"left"`` keeps ``value < cut``. People
    read 30 days, not 29.6; and a short decimal means the same number in every warehouse, while one
    of 17 digits does not: DuckDB reads 298.40000000000003 as a DECIMAL whose way back to a double
    may be off by a bit.
    """
    values = np.asarray(values, dtype="float64")
    side = values <= cut if closed == "right" else values < cut
    below, above = values[side].max(initial=-np.inf), values[~side].min(initial=np.inf)
    for decimals in range(-6, 10):
        short = round(float(cut), decimals) + 0.0
        if (below <= short < above) if closed == "right" else (below < short <= above):
            return short
    return float(cut)
