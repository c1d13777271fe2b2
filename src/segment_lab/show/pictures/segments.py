"""Pictures of a segmentation: scores, sizes, concentration, the choice of k, profiles."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from segment_lab.errors import NotEnoughDataError
from segment_lab.show import style
from segment_lab.texts.formats import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def score_heatmap(scores: pd.DataFrame, n_bins: int, ax: Axes | None = None) -> Axes:
    """Customers by recency score (rows, latest on top) and frequency score. `scores`:
    `RFMSegmenter.scores`."""
    ax = style.axes(ax, rows=n_bins + 1)
    steps = range(1, n_bins + 1)
    cells = pd.crosstab(scores["r_score"], scores["f_score"])
    counts = cells.reindex(index=steps, columns=steps, fill_value=0).to_numpy()
    _heat(ax, counts[::-1], counts[::-1] / max(counts.max(), 1))
    ax.set(xlabel="Frequency score (right: most often)", ylabel="Recency score (top: latest)")
    ax.set_xticks(range(n_bins), [str(s) for s in steps])
    ax.set_yticks(range(n_bins), [str(s) for s in reversed(steps)])
    row, column = np.unravel_index(counts.argmax(), counts.shape)
    return style.described(
        ax,
        f"Customers by recency and frequency score; the largest cell has {counts.max():,} "
        f"customers at recency {steps[row]} and frequency {steps[column]}.",
    )


def sizes(profile: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Customers per segment as bars, best on top. `profile`: ``customers, customer_share``."""
    ax = style.axes(ax, rows=len(profile))
    names = [_wrapped(name) for name in profile.index]
    bars = ax.barh(names, profile["customers"], color=style.PALETTE[0])
    ax.bar_label(bars, [f"{n:,}" for n in profile["customers"]], padding=3, fontsize=10)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.14)
    style.numbers(ax.xaxis)
    alt = style.listed(words("customers"), profile["customers"], "count")
    return style.described(ax, alt)


def shares(profile: pd.DataFrame, money: str = "revenue", ax: Axes | None = None) -> Axes:
    """Per segment its share of the customers and of the money, as paired bars, best on top.

    `profile`: `Segmentation.profile`.
    """
    pairs = {"customers": "customer_share", money: f"{money}_share"}
    ax = style.axes(ax, height=1.2 + 0.55 * len(profile))
    place = np.arange(len(profile))
    written = pd.DataFrame(index=profile.index)
    for i, (label, column) in enumerate(pairs.items()):
        values = profile[column].fillna(0)
        written[label] = ["<1%" if 0 < v < 0.005 else f"{100 * v:.0f}%" for v in values]
        bars = ax.barh(
            place + (i - 0.5) * 0.38,
            values,
            height=0.36,
            color=style.PALETTE[i],
            label=f"share of {label}",
        )
        ax.bar_label(bars, written[label], padding=3, fontsize=10)
    ax.set_yticks(place, [_wrapped(name) for name in profile.index])
    ax.set_ylim(len(profile) - 0.45, -0.55)
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.14)
    style.numbers(ax.xaxis, "share")
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    both = "; ".join(
        f"{name} {' and '.join(row)}"
        for name, row in zip(written.index, written.to_numpy(), strict=True)
    )
    return style.described(ax, f"Share of customers and of {money}: {both}.")


def lorenz(
    curve: pd.DataFrame, top: float = 0.2, money: str = "revenue", ax: Axes | None = None
) -> Axes:
    """The share of the money that the best customers hold; the dashed line is equality. `curve`:
    `lorenz_curve`."""
    ax = style.axes(ax)
    share, held = _held(curve, top)
    ax.plot([0, 1], [0, 1], linestyle="--", color=style.MUTED, linewidth=1.2)
    ax.plot(curve["customer_share"], curve["value_share"], color=style.PALETTE[0])
    ax.plot([share, share, 0], [0, held, held], color=style.PALETTE[1], linewidth=1.4)
    ax.plot(share, held, "o", color=style.PALETTE[1])
    ax.annotate(
        f"the best {top:.0%}\nhold {held:.0%}",
        (share, held),
        xytext=(12, -18),
        textcoords="offset points",
        va="top",
        color=style.INK,
    )
    ax.set(
        xlabel="Share of customers, best first",
        ylabel=f"Share of {money}",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    for axis in (ax.xaxis, ax.yaxis):
        style.numbers(axis, "share")
    steps = pd.Series({f"{step:.0%}": _held(curve, step)[1] for step in (0.1, 0.2, 0.5)})
    return style.described(
        ax, style.listed(f"Share of the {money} that the best customers hold", steps, "share")
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
        raise NotEnoughDataError(
            "There is only one kind of customer, so no numbers of segments were compared."
        )
    ax = style.axes(ax)
    for i, (column, label) in enumerate(
        {
            "jaccard": "stability, mean",
            "jaccard_min": "stability, weakest",
            "silhouette": "separation (silhouette)",
        }.items()
    ):
        ax.plot(search.index, search[column], "o-", color=style.PALETTE[i], label=label)
    ax.axhline(0.75, color=style.MUTED, linestyle="--", linewidth=1.2)
    ax.text(search.index.min(), 0.76, "valid", ha="left", va="bottom", color=style.MUTED)
    for k in search.index[search["chosen"]]:
        ax.axvspan(k - 0.25, k + 0.25, color=style.GRID, zorder=0)
    ax.set(
        xlabel="Number of segments (shaded: chosen)",
        ylim=(min(0, search["silhouette"].min()), 1.02),
    )
    ax.set_xticks(search.index)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1)
    written = (
        search[["jaccard", "silhouette"]].map("{:.2f}".format, na_action="ignore").fillna("unknown")
    )
    both = "; ".join(f"{k}: {row.jaccard} and {row.silhouette}" for k, row in written.iterrows())
    return style.described(ax, f"Stability and separation by number of segments: {both}.")


def profile_heatmap(medians: pd.DataFrame, overall: pd.Series, ax: Axes | None = None) -> Axes:
    """Typical values per segment (rows), coloured by how far they lie above (orange) or below
    `overall`.

    `medians` has one numeric column per measure, `overall` the median of all customers in the same
    columns.
    """
    ax = style.axes(ax, height=1.5 + 0.5 * len(medians))
    values, typical = (
        medians.to_numpy(dtype="float64"),
        overall[medians.columns].to_numpy(dtype="float64"),
    )
    ratio = np.nan_to_num(np.log2((values.clip(0) + 1e-9) / (typical.clip(0) + 1e-9))).clip(-3, 3)
    ax.imshow(ratio, cmap=f"{style.DIVERGING}_r", vmin=-3, vmax=3, aspect="auto")
    written = medians.map(
        lambda value: "–" if np.isnan(value) else style.short(float(f"{value:.3g}"))
    )
    for row, column in np.ndindex(values.shape):
        ax.text(
            column,
            row,
            str(written.iloc[row, column]),
            ha="center",
            va="center",
            color="white" if abs(ratio[row, column]) > 2 else style.INK,
        )
    measures = [words(c).lower() for c in medians]
    ax.set_xticks(range(len(measures)), [_wrapped(measure, 12) for measure in measures])
    ax.set_yticks(range(len(medians)), [_wrapped(name) for name in medians.index])
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.grid(visible=False)
    rows = "; ".join(
        f"{name}: {', '.join(row)}"
        for name, row in zip(written.index, written.to_numpy(), strict=True)
    )
    return style.described(ax, f"Typical {', '.join(measures)} by segment: {rows}.")


def overlap_heatmap(overlap: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """How many customers meet the rule of the row and that of the column as well. `overlap`:
    `overlap_matrix`."""
    ax = style.axes(ax, rows=len(overlap) + 1)
    counts = overlap.to_numpy()
    _heat(ax, counts, counts / np.maximum(np.diag(counts), 1)[:, None])
    ax.set(ylabel="Meets this rule …", xlabel="… and this one too")
    ax.set_xticks(range(len(overlap.columns)), list(overlap.columns))
    ax.set_yticks(range(len(overlap)), list(overlap.index))
    pairs = pd.Series(
        {
            f"{one} and {other}": overlap.loc[one, other]
            for one, other in combinations(overlap.index, 2)
        },
        dtype="float64",
    )
    return style.described(
        ax,
        style.listed("Customers who meet two rules", pairs[pairs > 0], "count")
        if pairs.any()
        else "Nobody meets two rules.",
    )


def _heat(ax: Axes, counts: np.ndarray, shade: np.ndarray) -> None:
    """Counts in cells shaded by `shade` (0 … 1)."""
    ax.imshow(shade, cmap=style.SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(counts.shape):
        n = int(counts[row, column])
        ax.text(
            column,
            row,
            style.short(n) if n >= 10_000 else f"{n:,}",
            ha="center",
            va="center",
            color="white" if shade[row, column] > 0.55 else style.INK,
            fontsize=11 if len(counts) <= 6 else 8,
        )
    ax.grid(visible=False)


def _wrapped(text: str, width: int = 22) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(str(text), width)) or str(text)
