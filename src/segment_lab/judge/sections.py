"""How each section of the scorecard is shown: caption, order of rows and columns, words in the
headers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from segment_lab.judge.registry import METRICS
from segment_lab.judge.verdict import NAMES
from segment_lab.show.html import Html, table

# Section → what its table shows, and what it takes.
SECTIONS = {
    "trust": (
        "How well each scheme, learned before the period, foretells it, with 95% intervals.",
        "",
    ),
    "differences": (
        "Differences between schemes, each with its 95% interval; certain when that leaves out 0.",
        "it takes two schemes, or a customer table for the baselines",
    ),
    "misclassification": (
        "The customers who turn out to be the top fifth: how many each scheme misses, what they "
        "spend, and how many of the others it takes for them.",
        "",
    ),
    "homogeneity": (
        "Share of the differences in future spending that lies between segments (η²), and what is left "
        "of it when the gain by chance is taken off (ω²).",
        "",
    ),
    "agreement": (
        "Agreement of every two schemes: 1 the same, 0 no more than chance.",
        "it takes two schemes",
    ),
    "movement": (
        "Customers in another segment than before: they moved, or the cut points drifted.",
        "it takes labels on a later day",
    ),
    "stability": (
        "How much of each segment is found again when the scheme is learned from other customers.",
        "it takes segmenters and a customer table",
    ),
    "ambiguity": (
        "Customers so near a cut that a week of silence or 5% of money, more or less, changes the segment.",
        "it takes segmenters and a customer table",
    ),
    "sufficiency": (
        "By days of data: agreement with the cut points of a month earlier, and the Gini gained on them.",
        "it takes the schemes on earlier days",
    ),
    "actionability": (
        "Size, reach, who buys with no campaign, and the smallest uplift one with 20% held out could "
        "show, in points.",
        "it takes a customer table",
    ),
    "interpretability": (
        "How often three yes-or-no questions about a customer find the segment.",
        "it takes a customer table",
    ),
}


LABELS = {name: m.title for name, m in METRICS.items()} | {
    "null_gini": "Gini that chance reaches",
    "learned": "Worth of a segment learned from",
    "eta2": "η²",
    "null_eta2": "η² by chance",
    "omega2": "ω²",
    "ami": "AMI",
    "ari": "ARI",
    "null_v": "V by chance",
    "moved_share": "Moved",
    "null_share": "Moved, if dealt at random",
    "drift_share": "Relabelled by new cut points",
    "total_share": "Changed in all",
    "jaccard": "Found again",
    "null_jaccard": "The same in shuffled data",
}


def shown(section: str, frame: pd.DataFrame, schemes: Sequence[str]) -> Html:
    """A section's table for a report: best first, the words of the field in the headers, failures
    below."""
    below = ""
    if section == "trust":
        failed = frame.loc[frame["gini"].isna(), "learned"]
        below = "; ".join(f"{name}: {why}" for name, why in failed.items())
        frame = frame[frame["gini"].notna()].sort_values("gini", ascending=False)
        last = ["segments", "kind", "learned"]
        frame = frame[[*frame.columns.drop(last), *last]]
    elif section == "misclassification":
        frame = frame.sort_values("missed_revenue_share")
    elif section == "actionability":
        frame = frame[frame["customers"] > 0]
    elif section == "differences":
        frame = frame[(frame["measure"] == "gini") & frame["a"].isin(schemes)].drop(
            columns="measure"
        )
    pairs = "a" in frame  # a row per pair of schemes: its number says nothing
    frame = frame.replace({"a": NAMES, "b": NAMES}) if pairs else frame.rename(index=NAMES)
    return table(frame, SECTIONS[section][0], labels=LABELS, note=below, index=not pairs)


def flow_table(counts: pd.DataFrame, caption: str) -> Html:
    """A flow or migration matrix as shares of its rows; rows and columns without customers are
    left out."""
    counts = counts.loc[counts.sum(axis=1) > 0, counts.sum(axis=0) > 0]
    shares = counts.div(counts.sum(axis=1), axis=0)
    return table(shares, caption, formats=dict.fromkeys(shares.columns, "share"))
