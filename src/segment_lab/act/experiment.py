"""The experiment: who is contacted and who is held out, drawn so that every machine draws the
same."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from segment_lab.act.economics import detectable_effect
from segment_lab.data.files import replacing
from segment_lab.errors import ConfigError, DataError, Fault
from segment_lab.window import as_date

TREATMENT, HOLDOUT = "treatment", "holdout"
#: Below this p-value the arms differ in size by more than chance: the assignment was not kept.
RATIO_ALARM = 0.001


def draw(customer_id: str, campaign_id: str, salt: str = "") -> str:
    """The customer's lot: SHA-256 of salt, campaign and customer, the same on every machine and in
    every year."""
    return hashlib.sha256("\x1f".join((salt, campaign_id, str(customer_id))).encode()).hexdigest()


def assign(
    segments: pd.Series, *, campaign_id: str, holdout_share: float = 0.2, salt: str = ""
) -> pd.DataFrame:
    """Treatment and holdout arms, stratified by segment: ``segment, lot, arm``, sorted by
    customer_id (unique).

    Within each segment the customers with the lowest lots are held out, so the arms have the sizes
    that were planned: `holdout_share` in (0, 1), rounded to whole customers. Another campaign
    draws other lots; the salt is a study's own.
    """
    if not 0 < holdout_share < 1:
        raise ConfigError(
            f"holdout_share must lie between 0 and 1, got {holdout_share}: without a holdout no effect "
            "can be measured."
        )
    if not segments.index.is_unique:
        raise DataError(
            "The arms cannot be drawn", [Fault("customer_id", "appears more than once")]
        )
    frame = pd.DataFrame(
        {
            "segment": segments.astype(str).to_numpy(),
            "lot": [draw(c, campaign_id, salt) for c in segments.index],
        },
        index=segments.index.astype(str).rename("customer_id"),
    ).sort_index()
    lots = frame.groupby("segment")["lot"]
    held = np.floor(lots.transform("size") * holdout_share + 0.5)
    frame["arm"] = np.where(lots.rank(method="first") <= held, HOLDOUT, TREATMENT)
    return frame


def freeze(
    assignment: pd.DataFrame,
    folder: str | Path,
    *,
    campaign_id: str,
    assigned_on: dt.date | str,
    horizon_days: int,
    scheme: str,
    plan: pd.DataFrame | None = None,
) -> Path:
    """Write ``campaign_<id>.parquet``, a ``campaigns`` table, once.

    `plan` (index segment: ``action, cost_per_contact, predicted_uplift``) registers the
    hypothesis. Writing the same again does nothing; another content is refused, because arms never
    change after the draw.
    """
    frame = (
        assignment[["segment", "arm"]]
        .reset_index()
        .assign(
            campaign_id=campaign_id,
            assigned_on=pd.Timestamp(as_date(assigned_on)),
            horizon_days=horizon_days,
            scheme=scheme,
        )
    )
    if plan is not None:
        frame = frame.join(
            plan[[c for c in ("action", "cost_per_contact", "predicted_uplift") if c in plan]],
            on="segment",
        )
    path = Path(folder) / f"campaign_{campaign_id}.parquet"
    if path.exists():
        kept = pd.read_parquet(path)
        if list(kept) != list(frame) or not kept.equals(frame.astype(kept.dtypes.to_dict())):
            raise DataError(
                f"{path.name} is frozen and holds another assignment",
                [
                    Fault(
                        "campaign_id",
                        f"{campaign_id!r} was drawn before",
                        "Give the new campaign a new id",
                    )
                ],
            )
        return path
    with replacing(path) as draft:
        frame.to_parquet(draft, index=False)
    return path


def sample_ratio(assignment: pd.DataFrame, holdout_share: float) -> pd.DataFrame:
    """Chi-square check that the arms have the planned ratio, overall and per segment; ``ok`` False
    is an alarm.

    Run it on the customers found in the outcome data: a lost or doubly contacted arm shows here
    first.
    """
    rows = {}
    for name, part in [("All", assignment), *assignment.groupby("segment", observed=True)]:
        held, expected = int((part["arm"] == HOLDOUT).sum()), holdout_share * len(part)
        p = float(
            stats.chisquare([held, len(part) - held], [expected, len(part) - expected]).pvalue
        )
        rows[str(name)] = (len(part), held, expected, p, p >= RATIO_ALARM)
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["customers", "holdout", "expected_holdout", "p_value", "ok"]
    ).rename_axis("segment")


def power(customers: pd.Series, rates: pd.Series, holdout_share: float) -> pd.DataFrame:
    """Smallest uplift each segment's arms can show (same index), 80 % power, 5 % two-sided."""
    held = np.floor(customers * holdout_share + 0.5)
    detectable = [
        detectable_effect(*row) for row in zip(rates, customers - held, held, strict=True)
    ]
    return pd.DataFrame(
        {
            "customers": customers,
            "holdout": held.astype(int),
            "natural_rate": rates,
            "detectable": detectable,
        }
    )


def pool(
    customers: pd.Series, rates: pd.Series, groups: pd.Series, believable: pd.Series
) -> pd.DataFrame:
    """Which pilots can be measured alone, which only read together with others of their group,
    which not at all.

    An experiment that cannot show even the largest believable uplift teaches nothing. Half is held
    out: that gives the sharpest answer that these customers allow.

    Parameters
    ----------
    customers, rates, groups, believable : Series, same index
        Size, natural rate, what may be read together (the kind of action), largest believable
        uplift.

    Returns
    -------
    DataFrame
        ``detectable`` alone; ``reach`` and ``limit``: what can be shown and what is believable,
        alone or pooled, as ``measurable`` says (``alone``, ``pooled``, ``no``).
    """
    out = power(customers, rates, 0.5).assign(limit=believable, measurable="alone")
    out["reach"] = out["detectable"]
    small = out["detectable"] > believable
    out.loc[small, "measurable"] = "no"
    for _, names in groups[small].groupby(groups[small]).groups.items():
        n = customers[names].astype("float64")
        if len(names) > 1 and n.sum() > 0:
            rate, limit = (float(np.average(x[names], weights=n)) for x in (rates, believable))
            reach = float(power(pd.Series([n.sum()]), pd.Series([rate]), 0.5)["detectable"].iloc[0])
            out.loc[names, ["reach", "limit"]] = reach, limit
            out.loc[names, "measurable"] = "pooled" if reach <= limit else "no"
    return out
