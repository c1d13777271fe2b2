"""`Segmentation`: the one result type of every method, frozen, whatever made the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.errors import DataError, Fault
from segment_lab.window import ObservationWindow


@dataclass(frozen=True)
class Status:
    """Whether a segmentation may be acted on: ``PROPER``, or ``PRELIMINARY`` with the reason."""

    kind: str = "PRELIMINARY"
    reason: str = "data sufficiency has not been assessed yet"

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Which customer belongs to which segment, and how that was decided.

    Parameters
    ----------
    codes : Series of int, index ``customer_id`` (unique)
        Position of the customer's segment in `names`.
    names : sequence of str
        Segment names in canonical order, best first; empty segments included.
    method : str
        The scheme's short name (``"rfm"``, ``"abc"`` …).
    parameters : mapping, optional
        What the scheme was fitted with, cut points included.
    window : ObservationWindow, optional
    status : Status, optional
    details : DataFrame, optional
        Per customer extras on the same index (scores, matched rules, probabilities).
    """

    codes: pd.Series
    names: tuple[str, ...]
    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    window: ObservationWindow | None = None
    status: Status = field(default_factory=Status)
    details: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        names = tuple(str(n) for n in self.names)
        codes = pd.Series(self.codes).rename("segment").rename_axis("customer_id").copy()
        if faults := _faults(codes, names):
            raise DataError(f"These are not valid segments ({self.method})", faults)
        object.__setattr__(self, "codes", codes.astype("int32"))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    @classmethod
    def from_labels(
        cls,
        labels: pd.Series | Mapping[str, str],
        *,
        names: Sequence[str] | None = None,
        method: str = "own",
        **kwargs: Any,
    ) -> Segmentation:
        """Labels from anywhere: a Series or mapping from customer to segment name.

        Without `names` the order of a categorical is kept; other labels are ordered by name.
        """
        series = pd.Series(labels)
        if names is None:
            names = (
                list(series.cat.categories)
                if isinstance(series.dtype, pd.CategoricalDtype)
                else sorted(series.dropna().astype(str).unique())
            )
        names = [str(name) for name in names]
        position = {name: code for code, name in enumerate(names)}
        texts = series.astype(object).map(lambda v: position.get(str(v), -1) if pd.notna(v) else -1)
        return cls(texts.astype("int64"), tuple(names), method, **kwargs)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def labels(self) -> pd.Series:
        """The segment of every customer as an ordered categorical, index ``customer_id``."""
        values = pd.Categorical.from_codes(
            self.codes.to_numpy(), categories=list(self.names), ordered=True
        )  # type: ignore[call-overload]
        return pd.Series(values, index=self.codes.index, name="segment")

    def sizes(self) -> pd.Series:
        """Customers per segment in canonical order; an empty segment counts 0."""
        counts = np.bincount(self.codes.to_numpy(), minlength=len(self.names))
        return pd.Series(counts, index=pd.Index(self.names, name="segment"), name="customers")

    def profile(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Size, revenue and typical behaviour of each segment, from a customer table that holds
        all its customers.

        One row per segment: ``customers, customer_share, revenue, revenue_share``, ``margin`` and
        ``margin_share`` where known, and the medians of recency (days), frequency (orders),
        revenue per order and gap (days).
        """
        rows = self.align(customers)
        by = rows.groupby(self.labels.array, observed=False)
        out = self.sizes().to_frame()
        out["customer_share"] = out["customers"] / max(len(self), 1)
        for money in ("revenue", "margin"):
            if money in rows and rows[money].notna().any():
                total = by[money].sum().to_numpy()
                out[money] = total
                out[f"{money}_share"] = total / total.sum() if total.sum() else np.nan
        for column in ("recency_days", "frequency", "monetary_value", "gap_days", "tenure_days"):
            if column in rows:
                out[f"median_{column}"] = by[column].median().to_numpy()
        return out

    def migration(self, earlier: Segmentation) -> pd.DataFrame:
        """Customers by segment then (rows) and now (columns), over those in both; counts."""
        both = earlier.codes.index.intersection(self.codes.index)
        counts = contingency(
            earlier.codes.loc[both].to_numpy(),
            self.codes.loc[both].to_numpy(),
            len(earlier.names),
            len(self.names),
        )
        return pd.DataFrame(
            counts,
            index=pd.Index(earlier.names, name="earlier"),
            columns=pd.Index(self.names, name="now"),
        )

    def align(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The rows of `customers` in the order of this segmentation; an error names who is
        missing."""
        missing = self.codes.index.difference(customers.index)
        if len(missing):
            raise DataError(
                "The customer table does not hold every segmented customer",
                [
                    Fault(
                        "customer_id",
                        "missing from the table",
                        "Pass the table the segments were made from",
                        len(missing),
                        tuple(map(str, missing[:3])),
                    )
                ],
            )
        return customers.loc[self.codes.index]

    def replace(self, **changes: Any) -> Segmentation:
        """A copy with other values; the original stays as it is."""
        return replace(self, **changes)

    def to_frame(self) -> pd.DataFrame:
        """``segment`` and the details, one row per customer: what the exports hold."""
        frame = self.labels.to_frame()
        return frame if self.details is None else frame.join(self.details)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {n:,}" for name, n in self.sizes().items())
        return f"Segmentation({self.method}: {len(self):,} customers; {sizes}; {self.status.kind})"

    def _repr_html_(self) -> str:
        from segment_lab.show.html import table

        sizes = self.sizes().to_frame()
        sizes["customer_share"] = sizes["customers"] / max(len(self), 1)
        caption = (
            f"{self.method}: {len(self):,} customers in {len(self.names)} segments ({self.status})"
        )
        return table(sizes, caption)._repr_html_()


def _faults(codes: pd.Series, names: tuple[str, ...]) -> list[Fault]:
    faults = []
    if len(set(names)) != len(names) or not names:
        faults.append(Fault("names", f"must be unique and not empty, got {list(names)}"))
    twice = codes.index[codes.index.duplicated()]
    if len(twice):
        faults.append(
            Fault(
                "customer_id",
                "appears more than once",
                "Keep one row per customer",
                len(twice),
                tuple(map(str, twice[:3])),
            )
        )
    outside = ~codes.isin(range(len(names)))
    if outside.any():
        faults.append(
            Fault(
                "segment",
                f"is none of {list(names)}",
                "Give every customer one of the names",
                int(outside.sum()),
                tuple(map(str, codes.index[outside][:3])),
            )
        )
    return faults


def contingency(a: np.ndarray, b: np.ndarray, rows: int = 0, columns: int = 0) -> np.ndarray:
    """Counts by code of `a` (rows) and code of `b` (columns), of at least that shape."""
    a, b = np.asarray(a, dtype="int64"), np.asarray(b, dtype="int64")
    rows, columns = (
        max(least, int(codes.max(initial=-1)) + 1) for least, codes in ((rows, a), (columns, b))
    )
    return np.bincount(a * columns + b, minlength=rows * columns).reshape(rows, columns)


def best_jaccard(a: np.ndarray, b: np.ndarray, k: int = 0) -> np.ndarray:
    """Per code of `a` (at least `k`): the best |A∩B| / |A∪B| over the codes of `b`; NaN for an
    empty one."""
    table = contingency(a, b, k)
    sizes = table.sum(axis=1, keepdims=True)
    best = (table / np.maximum(sizes + table.sum(axis=0) - table, 1)).max(axis=1)
    return np.where(sizes[:, 0] > 0, best, np.nan)
