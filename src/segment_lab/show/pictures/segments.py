"""Pictures of a segmentation: scores, sizes, concentration, the choice of k, profiles."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.show import style
from segment_lab.show.pictures.shapes import bars, heat_map, in_words
from segment_lab.texts import say, shown
from segment_lab.texts.formats import MISSING, decimal, percent, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOUBLINGS = 3  # times a value is doubled or halved until its colour is strongest
SMALL = 1e-9  # so that nothing can be compared with nothing
#: Measures of which less is better: colours show good and bad, not high and low.
LESS_IS_BETTER = ("recency_days", "gap_days", "return_share")


def score_heatmap(scores: pd.DataFrame, n_bins: int, ax: Axes | None = None) -> Axes:
    """Customers by recency score (rows, latest on top) and frequency score. `scores`:
    `RFMSegmenter.scores`."""
    steps = range(1, n_bins + 1)
    counted = pd.crosstab(scores["r_score"], scores["f_score"])
    counts = counted.reindex(index=steps, columns=steps, fill_value=0)
    ax = heat_map(
        counts[::-1],
        across=say("pictures.frequency_score"),
        down=say("pictures.recency_score"),
        ax=ax,
    )
    row, column = map(int, np.unravel_index(counts.to_numpy().argmax(), counts.shape))
    alt = say(
        "pictures.scores",
        most=counts.iloc[row, column],
        recency=counts.index[row],
        frequency=counts.columns[column],
    )
    return style.described(ax, alt)


def sizes(profile: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Customers per segment as bars, best on top. `profile`: ``customers, customer_share``."""
    name = words("customers")
    ax = bars(profile, {name: "customers"}, kind="count", ax=ax)
    return style.described(ax, in_words(name, profile[["customers"]], "count"))


def shares(
    profile: pd.DataFrame,
    money: str = "revenue",
    ax: Axes | None = None,
) -> Axes:
    """Per segment its share of the customers and of the money, as paired bars, best on top.

    `profile`: `Segmentation.profile`.
    """
    columns = {
        say("pictures.share_of_customers"): "customer_share",
        say("pictures.share_of_money", money=money): f"{money}_share",
    }
    drawn = profile[[*columns.values()]].fillna(0)
    ax = bars(drawn, columns, ax=ax)
    return style.described(ax, in_words(say("pictures.shares", money=money), drawn))


def spent(means: pd.Series, what: str, ax: Axes | None = None) -> Axes:
    """Money per customer of each segment as bars, best on top; `what` says which money."""
    drawn = means.to_frame("money")
    ax = bars(
        drawn,
        {what: "money"},
        kind="money",
        along=what,
        ax=ax,
    )
    return style.described(ax, in_words(what, drawn, "money"))


def value_and_effort(
    classes: pd.DataFrame,
    money: str = "revenue",
    ax: Axes | None = None,
) -> Axes:
    """Per class its share of the customers, of the money and of the contact minutes.

    `classes`: ``customer_share``, ``<money>_share`` and ``effort_share``.
    """
    columns = {
        say("pictures.of_customers"): "customer_share",
        money: f"{money}_share",
        say("pictures.of_minutes"): "effort_share",
    }
    drawn = classes[[*columns.values()]].fillna(0)
    ax = bars(drawn, columns, along=say("pictures.of_all"), ax=ax)
    return style.described(
        ax, in_words(say("pictures.value_and_effort", money=money), drawn)
    )


def lorenz(
    curve: pd.DataFrame,
    top: float = 0.2,
    money: str = "revenue",
    ax: Axes | None = None,
) -> Axes:
    """The share of the money that the best customers hold; the dashed line is equality. `curve`:
    `lorenz_curve`."""
    ax = style.axes(ax)
    share, held = _held(curve, top)
    ax.plot(
        [0, 1],
        [0, 1],
        linestyle="--",
        color=style.MUTED,
        linewidth=1.2,
    )
    ax.plot(
        curve["customer_share"],
        curve["value_share"],
        color=style.PALETTE[0],
    )
    ax.plot(
        [share, share, 0],
        [0, held, held],
        color=style.PALETTE[1],
        linewidth=1.4,
    )
    ax.plot(share, held, "o", color=style.PALETTE[1])
    ax.annotate(
        say("pictures.best_hold", top=top, held=held).replace(" / ", "\n"),
        (share, held),
        xytext=(12, -18),
        textcoords="offset points",
        va="top",
        color=style.INK,
    )
    ax.set(
        xlabel=say("pictures.customers_best_first"),
        ylabel=say("pictures.share_of_money_axis", money=money),
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    for axis in (ax.xaxis, ax.yaxis):
        style.numbers(axis, "share")
    steps = pd.Series(
        {percent(step): _held(curve, step)[1] for step in (0.1, 0.2, 0.5)}
    )
    return style.described(
        ax, style.listed(say("pictures.held", money=money), steps, "share")
    )


def _held(curve: pd.DataFrame, top: float) -> tuple[float, float]:
    """The point of a Lorenz curve nearest to the best `top`: whole customers, at least one, as in
    `abc.pareto`."""
    points = curve.iloc[1:]
    nearest = points.iloc[int((points["customer_share"] - top).abs().argmin())]
    return float(nearest["customer_share"]), float(nearest["value_share"])


def k_search(search: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Stability and separation by number of segments, the chosen one marked. `search`:
    `k_search_`."""
    if search.empty:
        raise NotEnoughDataError(say("pictures.one_group"))
    ax = style.axes(ax)
    for i, (column, label) in enumerate(
        {
            "jaccard": say("pictures.stability"),
            "jaccard_min": say("pictures.weakest"),
            "silhouette": say("pictures.separation"),
        }.items()
    ):
        ax.plot(
            search.index,
            search[column],
            "o-",
            color=style.PALETTE[i],
            label=label,
        )
    ax.axhline(0.75, color=style.MUTED, linestyle="--", linewidth=1.2)
    ax.text(
        search.index.min(), 0.76, "valid", ha="left", va="bottom", color=style.MUTED
    )
    for k in search.index[search["chosen"]]:
        ax.axvspan(
            k - 0.25,
            k + 0.25,
            color=style.GRID,
            zorder=0,
        )
    ax.set(
        xlabel=say("pictures.number"),
        ylim=(min(0, search["silhouette"].min()), 1.02),
    )
    ax.set_xticks(search.index)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1)
    written = (
        search[["jaccard", "silhouette"]]
        .map(lambda value: decimal(value, 2), na_action="ignore")
        .fillna(MISSING)
    )
    both = "; ".join(
        say("pictures.searched", k=k, stability=row.jaccard, separation=row.silhouette)
        for k, row in written.iterrows()
    )
    return style.described(ax, say("pictures.search", rows=both))


def profile_heatmap(
    medians: pd.DataFrame,
    overall: pd.Series,
    ax: Axes | None = None,
) -> Axes:
    """Typical values per segment (rows), coloured by how far they are better (orange) or worse than
    `overall`: more, and less of what is in `LESS_IS_BETTER`.

    `medians` has one numeric column per measure, `overall` the median of all customers in the same
    columns.
    """
    typical = overall[medians.columns].astype(float).clip(lower=0)
    doublings: Any = np.log2((medians.clip(lower=0) + SMALL) / (typical + SMALL))
    turned = [column for column in medians if column in LESS_IS_BETTER]
    doublings[turned] = -doublings[turned]
    measures = [words(column).lower() for column in medians]
    written = medians.map(_short)
    ax = heat_map(
        doublings.fillna(0).clip(-DOUBLINGS, DOUBLINGS).set_axis(measures, axis=1),
        texts=written,
        low=-DOUBLINGS,
        high=DOUBLINGS,
        diverging=True,
        ax=ax,
    )
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
    rows = "; ".join(
        f"{shown(name)}: {', '.join(row)}" for name, row in written.T.items()
    )
    return style.described(ax, say("pictures.typical", measures=measures, rows=rows))


def _short(value: float) -> str:
    return MISSING if np.isnan(value) else style.short(float(f"{value:.3g}"))


def overlap_heatmap(overlap: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """How many customers meet the rule of the row and that of the column as well, coloured by
    their share of the row. `overlap`: `overlap_matrix`."""
    own = pd.Series(np.diag(overlap), overlap.index).clip(lower=1)
    written = overlap.map(lambda n: style.short(n) if n >= 10_000 else decimal(n, 0))
    ax = heat_map(
        overlap.div(own, axis=0),
        texts=written,
        high=1,
        across=say("pictures.rule_too"),
        down=say("pictures.rule"),
        ax=ax,
    )
    pairs = {
        say("pictures.pair", one=one, other=other): overlap.loc[one, other]
        for one, other in combinations(overlap.index, 2)
    }
    met = pd.Series(pairs, dtype="float64").loc[lambda counts: counts > 0]
    if met.empty:
        return style.described(ax, say("pictures.no_pair"))
    return style.described(ax, style.listed(say("pictures.pairs"), met, "count"))
