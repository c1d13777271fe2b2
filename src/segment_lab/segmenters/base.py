"""What every segmenter shares: scikit-learn manners, and one rule for pandas and the warehouse."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Self

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from segment_lab import engine
from segment_lab.errors import DataError, Fault
from segment_lab.segmentation import Segmentation, Status
from segment_lab.window import ObservationWindow


class Segmenter(BaseEstimator):
    """Base of the segmenters: `fit` learns cut points, `expression` applies them.

    A subclass names the columns it reads (`columns`), learns in `_fit` (setting ``segment_names_`` and other
    attributes that end in ``_``), and returns the segment's code as an Ibis expression from `expression`.
    `predict` evaluates that expression on DuckDB and `to_sql` compiles it, so both give the same answer.
    """

    method: ClassVar[str]
    segment_names_: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the customer table that the rule reads."""
        raise NotImplementedError

    def fit(self, customers: pd.DataFrame, y: Any = None) -> Self:
        """Learn from a customer table: one row per ``customer_id`` (the index). `y` is ignored."""
        self._fit(self._checked(customers))
        return self

    @abstractmethod
    def _fit(self, rows: pd.DataFrame) -> None:
        """Set ``segment_names_`` and the learned attributes from the validated columns."""

    @abstractmethod
    def expression(self, table: ir.Table) -> ir.Value:
        """The code (0-based position in ``segment_names_``) of each row of a customer `table`."""

    def predict(self, customers: pd.DataFrame) -> np.ndarray:
        """The segment's code for every row, in row order; shape ``(n,)``."""
        check_is_fitted(self)
        return engine.evaluate(self._checked(customers), self.expression).astype("int32")

    def segment(self, customers: pd.DataFrame, window: ObservationWindow | None = None,
                status: Status | None = None) -> Segmentation:
        """`predict`, as a `Segmentation` with names, parameters and details."""
        codes = pd.Series(self.predict(customers), index=customers.index)
        return Segmentation(codes, self.segment_names_, self.method, self.describe(), window,
                            status or Status(), self._details(customers))

    def to_sql(self, table: str = "customers", dialect: str = "duckdb") -> str:
        """One SELECT from a customer table to ``customer_id, segment`` in any dialect Ibis compiles."""
        check_is_fitted(self)
        source = ibis.table({"customer_id": "string", **self._schema}, name=table)
        return str(ibis.to_sql(source.select("customer_id", segment=self.named(source)), dialect=dialect))

    def named(self, table: ir.Table) -> ir.StringValue:
        """`expression` with names instead of codes."""
        code = self.expression(table)
        return ibis.cases(*((code == i, name) for i, name in enumerate(self.segment_names_)))

    def describe(self) -> dict[str, Any]:
        """Parameters and learned cut points, as the report and the manifest print them."""
        return dict(self.get_params(deep=False))

    def _details(self, customers: pd.DataFrame) -> pd.DataFrame | None:
        return None

    def _more_columns(self) -> tuple[str, ...]:
        """Columns that may hold nulls (they are read, not required)."""
        return ()

    def _checked(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The needed columns, after every fault was looked for; the input is not changed."""
        faults = []
        if not isinstance(customers, pd.DataFrame):
            raise TypeError(f"{type(self).__name__} needs a customer table (pandas DataFrame), got "
                            f"{type(customers).__name__}. segment_lab.customer_table makes one from orders.")
        for column in self.columns:
            if column not in customers:
                faults.append(Fault(column, f"is missing; the table has {', '.join(map(str, customers.columns))}",
                                    "segment_lab.customer_table makes it from orders"))
            elif column not in self._more_columns() and customers[column].isna().any():
                null = customers.index[customers[column].isna()]
                faults.append(Fault(column, "is null", "Segment buyers only, or fill the column", len(null),
                                    tuple(map(str, null[:3]))))
        if not customers.index.is_unique:
            faults.append(Fault("customer_id (the index)", "is not unique", "Keep one row per customer"))
        if customers.empty:
            faults.append(Fault("rows", "there are none", "Check the window and the filters"))
        if faults:
            raise DataError(f"{type(self).__name__} cannot use this customer table", faults)
        return customers[list(self.columns)]

    @property
    def _schema(self) -> dict[str, str]:
        return dict.fromkeys(self.columns, "float64")
