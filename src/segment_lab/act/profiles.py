"""Segments as people see them: who they are, what they buy, where they came from, and whom to
write to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import scipy

from segment_lab.data.contracts import MEASURES
from segment_lab.errors import ConfigError, nearest
from segment_lab.segments.segmentation import Segmentation
from segment_lab.texts import say

#: Account columns that describe; measures and personal fields are not among them.
DESCRIBING = ("customer_type", "industry", "region", "owner")
PERSONAL = ("name", "email", "phone", "address")
#: A column of the company's own describes, too, when it has so few values: age bands, not streets.
FEW_VALUES = 20
#: Measures of the customer table that no account tells (beside `contracts.MEASURES`).
COMPUTED = ("state", "p_active", "expected_orders", "expected_revenue")
#: A number is told as the quarter of the base it lies in.
QUARTERS = 4
#: A table says something that is not so less often than this.
CHANCE = 0.05
#: A value is typical where it is so much commoner than in the base: in share points, or so many
#: times as common and held by so many of the segment.
POINTS, TIMES, HOLDERS = 0.1, 2.0, 0.1


def describing(customers: pd.DataFrame) -> list[str]:
    """The account columns that tell what kind of customer it is: the usual ones, and the company's
    own: few values, a yes or no, or a number."""
    usual = [column for column in DESCRIBING if column in customers]
    own = [
        column
        for column in customers.columns.drop(usual)
        if column not in PERSONAL and _tells(column, customers[column])
    ]
    return [*usual, *own]


def _tells(column: str, values: pd.Series) -> bool:
    """Whether an own column may describe customers; what is computed from orders does not."""
    if column in MEASURES or column in COMPUTED or column == "consent":
        return False
    different = values.nunique()
    if pd.api.types.is_string_dtype(values):
        return bool(1 < different <= min(FEW_VALUES, len(values) / FEW_VALUES))
    # A yes or no with gaps arrives as objects.
    kind = pd.api.types.infer_dtype(values, skipna=True)
    is_number = pd.api.types.is_numeric_dtype(values)
    return bool(different > 1 and (is_number or kind == "boolean"))


def banded(values: pd.Series) -> pd.Series:
    """A number as the quarter of the base it lies in (`pandas.Interval`, both ends among the
    values); anything else, and a number of few values, as it is."""
    is_number = pd.api.types.is_numeric_dtype(values)
    if not is_number or pd.api.types.is_bool_dtype(values):
        return values
    known = values.dropna().astype("float64")
    if known.nunique() <= QUARTERS:
        return values
    quarter = pd.qcut(known, QUARTERS, labels=False, duplicates="drop")
    ends = known.groupby(quarter).agg(["min", "max"])
    bands = {
        place: pd.Interval(low, high, closed="both")
        for place, low, high in ends.itertuples(name=None)
    }
    return quarter.map(bands).astype("object").reindex(values.index)


def who(
    seg: Segmentation,
    customers: pd.DataFrame,
    columns: Iterable[str] | None = None,
) -> pd.DataFrame:
    """What is typical of each segment: values noticeably commoner in it than in the whole base,
    beyond chance.

    ``segment, column, value, share, base_share``: the most telling value per segment and column
    (default: `describing`), of the customers of whom it is known; of a number the quarter of the
    base (`banded`). Chance: as many customers drawn from the base at random would hold the value as
    often in less than one of twenty such tables (hypergeometric test, Bonferroni).
    """
    rows = seg.align(customers)
    segments = seg.labels.astype(str).to_numpy()
    asked = describing(rows) if columns is None else columns
    counts = {}
    for column in asked:
        if column in rows and column not in PERSONAL:
            held = banded(rows[column])
            known = held.notna().to_numpy()
            counts[column] = pd.crosstab(segments[known], held.to_numpy()[known])
    cells = sum(count.size for count in counts.values())
    limit = CHANCE / max(cells, 1)
    found = []
    for segment in seg.names:
        for column, count in counts.items():
            if segment in count.index:
                found += _typical(segment, column, count, limit)
    return pd.DataFrame(
        found, columns=["segment", "column", "value", "share", "base_share"]
    )


def _typical(
    segment: str,
    column: str,
    count: pd.DataFrame,
    limit: float,
) -> list[tuple[str, str, Any, float, float]]:
    """The most telling value of a column in a segment; nothing where it hardly differs from the
    base, or chance explains it."""
    held = count.sum()
    known = int(held.sum())
    here = pd.Series(count.loc[segment])
    size = int(here.sum())
    value: Any = (here / max(size, 1) - held / known).idxmax()
    share, base = here[value] / max(size, 1), held[value] / known
    if share < base + POINTS and share < max(TIMES * base, HOLDERS):
        return []
    if scipy.stats.hypergeom.sf(here[value] - 1, known, held[value], size) >= limit:
        return []
    return [(segment, column, value, share, base)]


def purchases(seg: Segmentation, orders: ir.Table) -> pd.DataFrame:
    """Revenue per segment and product in the segmentation's window (one query); empty without a
    product column.

    ``segment, product, revenue``, only what is above 0.
    """
    if "product" not in orders.columns:
        return pd.DataFrame(columns=["segment", "product", "revenue"])
    lines = orders.inner_join(
        ibis.memtable(seg.labels.astype(str).reset_index()), "customer_id"
    )
    if seg.window is not None:
        day = lines.order_date.cast("date")
        lines = lines.filter(day >= seg.window.start, day < seg.window.as_of)
    table = lines.group_by("segment", "product").aggregate(
        revenue=lines.amount.sum().round(2)
    )
    found = (
        orders.get_backend()
        .to_pyarrow(table.order_by("segment", "product"))
        .to_pandas()
    )
    return found[found["product"].notna() & (found["revenue"] > 0)]


def what(bought: pd.DataFrame, names: Sequence[str], *, top: int = 3) -> pd.DataFrame:
    """The products that take most of each segment's money (`purchases`), beside their share in the
    whole base."""
    base = bought.groupby("product")["revenue"].sum() / bought["revenue"].sum()
    frame = bought.assign(
        share=bought["revenue"] / bought.groupby("segment")["revenue"].transform("sum"),
        base_share=bought["product"].map(base),
        order=pd.Categorical(bought["segment"], list(names)),
    )
    frame = frame.sort_values(
        ["order", "share"], ascending=[True, False], kind="stable"
    )
    return frame.groupby("segment", sort=False).head(top)[
        ["segment", "product", "share", "base_share"]
    ]


def moved(now: Segmentation, earlier: Segmentation) -> pd.DataFrame:
    """How each segment's customers moved: now, before, stayed, came in, left, new; and the largest
    source and goal."""
    names = list(now.names)
    flow = now.migration(earlier)
    square = flow.reindex(index=names, fill_value=0)
    off = square.where(~np.eye(len(names), dtype=bool), 0)
    out = pd.DataFrame({"customers": now.sizes()})
    out["before"] = earlier.sizes().reindex(names, fill_value=0)
    out["stayed"] = pd.Series(np.diag(square), index=names)
    out["came_in"] = off.sum(axis=0)
    out["left"] = off.sum(axis=1)
    out["new"] = now.sizes() - flow.sum(axis=0)
    out["mostly_from"] = off.idxmax(axis=0).where(off.max(axis=0) > 0, "")
    out["mostly_to"] = off.idxmax(axis=1).where(off.max(axis=1) > 0, "")
    return out.reindex(names).rename_axis("segment")


def examples(
    seg: Segmentation,
    customers: pd.DataFrame,
    segment: str,
    *,
    n: int = 10,
    personal: bool = False,
) -> pd.DataFrame:
    """`n` customers of a segment, evenly spaced from its largest to its smallest by revenue.

    Identifiers and behaviour only; names and addresses come with ``personal=True``.
    """
    if segment not in seg.names:
        hint = nearest(segment, seg.names)
        raise ConfigError(say("segments.errors.no_segment", name=segment, hint=hint))
    rows = seg.align(customers)[(seg.labels == segment).to_numpy()]
    rows = rows.sort_values("revenue", ascending=False, kind="stable")
    places = np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(int)
    picked = rows.iloc[np.unique(places)]
    columns = ["revenue", "frequency", "recency_days"]
    if personal:
        columns = [*PERSONAL, *columns]
    return picked[[column for column in columns if column in picked]]
