"""The guard against leakage: columns of a lead that are only known once it is won or lost.

A model fed with one of these looks brilliant on past leads and knows nothing about a new one. Each
column is judged by its name and, on the data, by what it gives away alone; refused columns never
reach the model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from segment_lab.errors import DataError, Fault, nearest
from segment_lab.leads.table import NOT_ATTRIBUTES
from segment_lab.texts import say

# What people or systems write down while or after a lead is decided; `trusted` names exceptions.
KNOWN_AFTER = re.compile(
    r"(^|_)tags?($|_)|lead_(quality|profile|grade|rating)|^last_.*activity"
    r"|(^|_)(won|lost|loss|outcome|status|stage|closed?|closing|converted|conversion|decided|contract"
    r"|invoice)(_|$)"
)
# A number that differs for every lead is a running number if it is called one; an amount may
# differ too.
IDENTIFIER = re.compile(r"(^|_)(id|number|no|nr|code|key|guid|uuid)(_|$)")
AUC_LIMIT = 0.95
# A level fixes the outcome when CERTAIN of its leads (at least LEVEL_SIZE) ended one way, while at
# most COMMON of all did; a column is refused when such levels hold DECIDED_LIMIT of the leads.
CERTAIN, LEVEL_SIZE, COMMON, DECIDED_LIMIT = 0.98, 30, 0.8, 0.05
BINS, FOLDS, PRIOR = 20, 5, 20

#: What is measured of each column.
FIGURES = (
    "auc_alone",
    "auc_filled",
    "decided_share",
    "filled_decided",
    "filled_open",
)


def leakage(
    leads: pd.DataFrame,
    *,
    leaky: Sequence[str] = (),
    trusted: Sequence[str] = (),
    seed: int = 0,
) -> pd.DataFrame:
    """Every column of a `lead_table`: used by the model, refused or ignored, and the figure that
    decided.

    Parameters
    ----------
    leads, leaky, trusted : DataFrame, sequences of str
        The table. Columns known only after the outcome: refused by name. Columns whose name looks
        like that but that are known before; they still have to pass the test.
    seed : int
        Deals the leads into folds.

    Returns
    -------
    DataFrame
        Index ``column``: ``verdict`` (used / refused / ignored), ``reason``, ``auc_alone``
        (out-of-fold, of the win rates of its values or of 20 bins), ``auc_filled`` (of being
        filled at all), ``decided_share`` (of leads with a value that all but fixes the outcome),
        ``filled_decided`` and ``filled_open``.
    """
    columns = [str(c) for c in leads.columns if c not in NOT_ATTRIBUTES]
    faults = []
    for option, names in (("leaky", leaky), ("trusted", trusted)):
        for name in names:
            if name not in columns:
                hint = nearest(name, columns)
                problem = say("leads.errors.column")
                faults.append(Fault(f"{option}: {name}", problem, hint))
    if faults:
        raise DataError(say("leads.errors.leaky"), faults)
    decided = leads["won"].notna().to_numpy()
    won = leads.loc[decided, "won"].astype(bool).to_numpy()
    folds = np.random.default_rng(seed).permutation(len(won)) % FOLDS
    out = pd.DataFrame(
        {name: _figures(leads[name], decided, won, folds) for name in columns},
        index=list(FIGURES),
        dtype="float64",
    ).T
    reasons = [
        _judge(name, leads[name], out.T[name], name in leaky, name in trusted)
        for name in columns
    ]
    out.insert(0, "verdict", [verdict for verdict, _ in reasons])
    out.insert(1, "reason", [reason for _, reason in reasons])
    return out.rename_axis("column").sort_values(
        "auc_alone", ascending=False, kind="stable"
    )


def levels(values: pd.Series) -> np.ndarray:
    """Integer level of each value: text by value, numbers in 20 quantile bins, empty as its own
    level."""
    if values.dtype.kind in "iufM" and values.nunique() > BINS:
        bins = pd.qcut(
            values.rank(),
            BINS,
            labels=False,
            duplicates="drop",
        )
        values = pd.Series(bins, index=values.index)
    return pd.factorize(
        values.astype(object).where(values.notna(), None), use_na_sentinel=False
    )[0]


def level_rates(codes: np.ndarray, won: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Win rate of each row's level over the `known` rows, drawn to the overall rate by 20 leads'
    weight."""
    size = codes.max(initial=-1) + 1
    wins = np.bincount(
        codes[known],
        weights=won[known],
        minlength=size,
    )
    n = np.bincount(codes[known], minlength=size)
    return ((wins + PRIOR * won[known].mean()) / (n + PRIOR))[codes]


def auc(won: np.ndarray, score: np.ndarray) -> float:
    """Probability that a won lead scores above a lost one, ties counted half; null where all ended
    alike."""
    from sklearn.metrics import roc_auc_score

    if won.all() or not won.any():
        return float("nan")
    return float(roc_auc_score(won, score))


def _figures(
    values: pd.Series,
    decided: np.ndarray,
    won: np.ndarray,
    folds: np.ndarray,
) -> dict[str, float]:
    if not len(won):
        return dict.fromkeys(FIGURES, np.nan)
    codes, filled = levels(values[decided]), values.notna().to_numpy()
    rates = np.empty(len(won))
    for fold in range(FOLDS):
        rates[folds == fold] = level_rates(codes, won, folds != fold)[folds == fold]
    by_fill = auc(won, filled[decided].astype(float))
    return {
        "auc_alone": auc(won, rates),
        "auc_filled": max(by_fill, 1 - by_fill),
        "decided_share": max(
            _fixed(codes, won), _fixed(filled[decided].astype(int), won)
        ),
        "filled_decided": filled[decided].mean(),
        "filled_open": filled[~decided].mean() if (~decided).any() else np.nan,
    }


def _fixed(codes: np.ndarray, won: np.ndarray) -> float:
    """Share of the leads in levels that all but fix the outcome."""
    n, wins = np.bincount(codes), np.bincount(codes, weights=won)
    rate = np.divide(
        wins,
        n,
        out=np.zeros(len(n)),
        where=n > 0,
    )
    overall = won.mean()
    sure = (rate >= CERTAIN) & (overall <= COMMON) | (rate <= 1 - CERTAIN) & (
        1 - overall <= COMMON
    )
    return float(n[sure & (n >= LEVEL_SIZE)].sum() / len(won))


def _judge(
    name: str,
    values: pd.Series,
    row: pd.Series,
    declared: bool,
    trusted: bool,
) -> tuple[str, str]:
    plain = re.sub(r"\W+", "_", name.lower()).strip("_")
    facts: dict[Any, Any] = row.to_dict()
    refused = {
        "declared": declared,
        "named": bool(KNOWN_AFTER.search(plain)) and not trusted,
        "perfect": row["auc_alone"] > AUC_LIMIT,
        "filled": row["auc_filled"] > AUC_LIMIT,
        "late": row["filled_open"] < 0.02 and row["filled_decided"] > 0.1,
        "levels": row["decided_share"] >= DECIDED_LIMIT,
    }
    for reason, holds in refused.items():
        if holds:
            return "refused", say(f"leads.refused.{reason}", **facts)
    distinct, filled, kind = values.nunique(), values.notna().sum(), values.dtype.kind
    if distinct < 2 and filled == len(values):
        return "ignored", say("leads.ignored.constant")
    numbered = distinct == len(values) and IDENTIFIER.search(plain)
    if numbered or (kind not in "iufbM" and distinct > filled / 2):
        return "ignored", say("leads.ignored.identifier")
    return "used", ""
