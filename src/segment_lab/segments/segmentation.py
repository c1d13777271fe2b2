"""`Segmentation`: the one result type of every method, frozen, whatever made the labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from segment_lab.customers.ids import among
from segment_lab.data.columns import column_faults, index_faults
from segment_lab.data.given import names_checked, of_kind
from segment_lab.errors import (
    ArgumentError,
    DataError,
    Fault,
    UnknownNameError,
    nearest,
)
from segment_lab.texts import say
from segment_lab.window import ObservationWindow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What may be asked for later: a callable gives it, when somebody looks at it.
LATER = ("status", "by_customer")
#: Measures of behaviour whose median every profile shows.
MEDIANS = ("recency_days", "frequency", "monetary_value", "gap_days", "tenure_days")


@dataclass(frozen=True)
class Status:
    """Whether a segmentation may be acted on: ``PROPER``, ``FIXED`` or ``PRELIMINARY``, and why.

    Parameters
    ----------
    kind : str
    key : str
        The text of the reason; it is filled when somebody reads it, in the reader's language.
    facts : mapping
        What the text names.

    Examples
    --------
    >>> str(Status("PRELIMINARY", "comparison.status.few_days", {"days": 9, "needed": 30}))
    'PRELIMINARY: less than 30 days of data (9)'
    """

    kind: str = "PRELIMINARY"
    key: str = "segments.not_assessed"
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why, in the language in use."""
        return say(self.key, **self.facts)

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
    status : Status or callable, optional
        A callable gives the status, and is asked when somebody looks at it: that takes many fits.
    by_customer : DataFrame or callable, optional
        Per customer extras on the same index (scores, matched rules, probabilities), or what
        computes them when somebody looks at them.

    Examples
    --------
    >>> mine = Segmentation.from_labels(pd.Series(["small", "key", "small"], index=["a", "b", "c"]))
    >>> mine.sizes().to_dict()
    {'key': 1, 'small': 2}
    """

    codes: pd.Series
    names: tuple[str, ...]
    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    window: ObservationWindow | None = None
    status: Status | Callable[[], Status] = field(default_factory=Status)
    by_customer: Any = field(default_factory=lambda: None)

    def __post_init__(self) -> None:
        of_kind(
            "Segmentation",
            codes=(self.codes, (pd.Series, list, np.ndarray, Mapping)),
            names=(self.names, (tuple, list, pd.Index, np.ndarray)),
            parameters=(self.parameters, Mapping),
            window=(self.window, (ObservationWindow, NoneType)),
            status=(None if callable(self.status) else self.status, (Status, NoneType)),
        )
        names = tuple(str(n) for n in self.names)
        codes = (
            pd.Series(self.codes).rename("segment").rename_axis("customer_id").copy()
        )
        if faults := _faults(codes, names):
            raise DataError(say("segments.errors.invalid", method=self.method), faults)
        object.__setattr__(self, "codes", codes.astype("int32"))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        for name in LATER:
            given = self.__dict__[name]
            if callable(given):
                object.__setattr__(self, f"_{name}", given)
                object.__delattr__(self, name)

    def __getattr__(self, name: str) -> Any:
        """The status or the details, when they are looked at for the first time."""
        given = self.__dict__.get(f"_{name}") if name in LATER else None
        if given is None:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        found = given()
        object.__setattr__(self, name, found)
        return found

    def __getstate__(self) -> dict[str, Any]:
        """What a file can hold: a read-only view of the parameters it cannot."""
        return {**self.__dict__, "parameters": dict(self.parameters)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        parameters = MappingProxyType(state["parameters"])
        self.__dict__.update({**state, "parameters": parameters})

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
        many = (pd.Series, Mapping, list, tuple, np.ndarray, pd.Index, pd.Categorical)
        of_kind("Segmentation.from_labels", labels=(labels, many))
        if names is not None:
            of_kind("Segmentation.from_labels", names=(names, (list, tuple, pd.Index)))
        series = pd.Series(labels)
        if names is None and isinstance(series.dtype, pd.CategoricalDtype):
            names = list(series.cat.categories)
        elif names is None:
            names = sorted(series.dropna().astype(str).unique())
        names = [str(name) for name in names]
        texts = (
            series.astype(object)
            .where(series.notna(), None)
            .map(str, na_action="ignore")
        )
        codes = (
            pd.Index(names).get_indexer(pd.Index(texts))
            if names
            else np.full(len(texts), -1)
        )
        return cls(pd.Series(codes, index=series.index), tuple(names), method, **kwargs)

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
        return pd.Series(
            counts, index=pd.Index(self.names, name="segment"), name="customers"
        )

    def __getitem__(self, name: str) -> pd.Index:
        """The customers of one segment.

        Raises
        ------
        KeyError
            There is no such segment; the nearest name is given.
        """
        if name not in self.names:
            hint = nearest(name, self.names)
            raise UnknownNameError(
                say("segments.errors.no_segment", name=name, hint=hint)
            )
        return self.codes.index[self.codes.to_numpy() == self.names.index(name)]

    def profile(
        self, customers: pd.DataFrame, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Size, revenue and typical behaviour of each segment.

        Parameters
        ----------
        customers : DataFrame
            A customer table of all segmented customers, or a part of it: then the part is
            described.
        columns : sequence of str, optional
            Further numeric or yes/no columns: the median, or the share of yes, of each segment.

        Returns
        -------
        DataFrame
            One row per segment: ``customers, customer_share, revenue, revenue_share``, ``margin``
            and ``margin_share`` where known, and the medians of recency (days), frequency
            (orders), revenue per order and gap (days); ``median_<column>`` or
            ``<column>_share`` of the further columns.

        Raises
        ------
        TypeError
            `customers` is no table, but ids such as ``segments["Champions"]`` gives.
        DataError
            None of the customers is in the table, or a further column is neither numeric nor
            yes/no.
        """
        if not isinstance(customers, pd.DataFrame):
            raise ArgumentError(say("segments.errors.not_a_table", name=self.names[0]))
        if faults := _profile_faults(customers):
            raise DataError(say("segments.errors.profile"), faults)
        rows, part = self._part(customers)
        by = rows.groupby(part.labels.array, observed=False)
        out = part.sizes().to_frame()
        out["customer_share"] = out["customers"] / max(len(part), 1)
        for money in ("revenue", "margin"):
            if money in rows and rows[money].notna().any():
                total = by[money].sum().to_numpy()
                out[money] = total
                out[f"{money}_share"] = total / total.sum() if total.sum() else np.nan
        for column in MEDIANS:
            if column in rows:
                out[f"median_{column}"] = by[column].median().to_numpy()
        for column in columns or ():
            name, values = _measurable(rows, column)
            groups = values.groupby(part.labels.array, observed=False)
            typical = groups.mean() if name.endswith("_share") else groups.median()
            out[name] = typical.to_numpy()
        return out

    def _part(self, customers: pd.DataFrame) -> tuple[pd.DataFrame, Segmentation]:
        """The rows that are segmented, and the segmentation of those alone."""
        if self.codes.index.equals(customers.index):
            return customers, self  # a million ids are not looked up again
        described = among(self.codes.index, customers.index)
        if described.all():
            return customers.loc[self.codes.index], self
        known = self.codes[described]
        if known.empty:
            self.align(customers)  # an error that names who is missing
        by_customer = (
            None if self.by_customer is None else self.by_customer.loc[known.index]
        )
        return customers.loc[known.index], self.replace(
            codes=known, by_customer=by_customer
        )

    def plot(
        self, customers: pd.DataFrame | None = None, ax: Axes | None = None
    ) -> Axes:
        """Draw the sizes of the segments; with a customer table, beside their share of the money.

        Parameters
        ----------
        customers : DataFrame, optional
            The customer table, or a part of it.
        ax : Axes, optional
            Where to draw; new by default. It is returned.
        """
        from segment_lab.show.pictures import segments as pictures

        if customers is not None:
            return pictures.shares(self.profile(customers), ax=ax)
        sizes = self.sizes().to_frame()
        sizes["customer_share"] = sizes["customers"] / max(len(self), 1)
        return pictures.sizes(sizes, ax=ax)

    def migration(self, earlier: Segmentation) -> pd.DataFrame:
        """Customers by segment then (rows) and now (columns), over those in both; counts."""
        of_kind("migration", earlier=(earlier, Segmentation))
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
        of_kind("align", customers=(customers, pd.DataFrame))
        if self.codes.index.equals(customers.index):
            return customers
        missing = self.codes.index.difference(customers.index)
        if len(missing):
            problem = say("segments.errors.not_in_table")
            remedy = say("segments.errors.not_in_table_remedy")
            fault = Fault(
                "customer_id", problem, remedy, len(missing), _examples(missing)
            )
            raise DataError(say("segments.errors.incomplete"), [fault])
        return customers.loc[self.codes.index]

    def replace(self, **changes: Any) -> Segmentation:
        """A copy with other values; the original stays as it is."""
        unseen = [name for name in LATER if name not in self.__dict__]
        given = {name: self.__dict__[f"_{name}"] for name in unseen}
        return replace(self, **{**given, **changes})

    def to_frame(self) -> pd.DataFrame:
        """``segment`` and the details, one row per customer: what the exports hold."""
        frame = self.labels.to_frame()
        return frame if self.by_customer is None else frame.join(self.by_customer)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {n:,}" for name, n in self.sizes().items())
        status = cast(Status, self.status).kind
        facts = {
            "method": self.method,
            "customers": len(self),
            "sizes": sizes,
            "status": status,
        }
        return say("segments.repr", **facts)

    def _repr_html_(self) -> str:
        from segment_lab.show import table

        sizes = self.sizes().to_frame()
        sizes["customer_share"] = sizes["customers"] / max(len(self), 1)
        caption = say(
            "segments.table",
            method=self.method,
            customers=len(self),
            segments=len(self.names),
            status=self.status,
        )
        return table(sizes, caption)._repr_html_()


# A misspelt argument is told with the nearest name.
Segmentation.__init__ = names_checked(Segmentation.__init__)  # type: ignore[method-assign]


def _profile_faults(customers: pd.DataFrame) -> list[Fault]:
    shown = [c for c in ("revenue", "margin", *MEDIANS) if c in customers]
    faults = column_faults(customers, shown, nullable=shown, numbers=shown)
    return [*faults, *index_faults(customers.index)]


def _measurable(rows: pd.DataFrame, column: str) -> tuple[str, pd.Series]:
    """How a further column of a profile is called, and its values as numbers."""
    if column not in rows:
        hint = nearest(column, map(str, rows.columns))
        fault = Fault(column, say("segments.errors.no_column"), hint)
        raise DataError(say("segments.errors.profile"), [fault])
    values = rows[column]
    yes_no = pd.api.types.is_bool_dtype(values.dtype)
    if values.dtype == object:  # yes and no with blanks between them
        yes_no = bool(values.dropna().isin([True, False]).all())
    if yes_no:
        return f"{column}_share", values.astype("boolean").astype("Float64")
    try:
        return f"median_{column}", pd.to_numeric(values)
    except (ValueError, TypeError):
        words = tuple(values.dropna().astype(str).unique()[:3])
        problem = say("segments.errors.not_measurable")
        remedy = say("segments.errors.not_measurable_remedy")
        fault = Fault(column, problem, remedy, examples=words)
        raise DataError(say("segments.errors.profile"), [fault]) from None


def _faults(codes: pd.Series, names: tuple[str, ...]) -> list[Fault]:
    faults = []
    if len(set(names)) != len(names) or not names:
        faults.append(Fault("names", say("segments.errors.names", names=list(names))))
    twice = codes.index[codes.index.duplicated()]
    if len(twice):
        problem, remedy = (
            say("segments.errors.twice"),
            say("errors.index.twice_remedy"),
        )
        faults.append(
            Fault("customer_id", problem, remedy, len(twice), _examples(twice))
        )
    outside = ~codes.isin(range(len(names)))
    if outside.any():
        problem = say("segments.errors.outside", names=list(names))
        remedy = say("segments.errors.outside_remedy")
        examples = _examples(codes.index[outside])
        faults.append(Fault("segment", problem, remedy, int(outside.sum()), examples))
    return faults


def _examples(ids: pd.Index) -> tuple[str, ...]:
    return tuple(map(str, ids[:3]))


def contingency(
    a: np.ndarray, b: np.ndarray, rows: int = 0, columns: int = 0
) -> np.ndarray:
    """Counts by code of `a` (rows) and code of `b` (columns), of at least that shape."""
    a, b = np.asarray(a, dtype="int64"), np.asarray(b, dtype="int64")
    rows, columns = (
        max(least, int(codes.max(initial=-1)) + 1)
        for least, codes in ((rows, a), (columns, b))
    )
    return np.bincount(a * columns + b, minlength=rows * columns).reshape(rows, columns)


def best_jaccard(a: np.ndarray, b: np.ndarray, k: int = 0) -> np.ndarray:
    """Per code of `a` (at least `k`): the best |A∩B| / |A∪B| over the codes of `b`; NaN for an
    empty one."""
    table = contingency(a, b, k)
    sizes = table.sum(axis=1, keepdims=True)
    best = (table / np.maximum(sizes + table.sum(axis=0) - table, 1)).max(axis=1)
    return np.where(sizes[:, 0] > 0, best, np.nan)
