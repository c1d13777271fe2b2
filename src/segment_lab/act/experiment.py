"""The experiment: who is contacted and who is held out, drawn so that every machine draws the
same."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

from segment_lab.data.files import replacing
from segment_lab.errors import ConfigError, DataError, Fault
from segment_lab.texts import say
from segment_lab.window import as_date

TREATMENT, HOLDOUT = "treatment", "holdout"
#: Below this p-value the arms differ in size by more than chance: the assignment was not kept.
RATIO_ALARM = 0.001


def draw(customer_id: str, campaign_id: str, salt: str = "") -> str:
    """The customer's lot: SHA-256 of salt, campaign and customer, the same on every machine and in
    every year."""
    return hashlib.sha256(
        "\x1f".join((salt, campaign_id, str(customer_id))).encode()
    ).hexdigest()


def assign_arms(
    segments: pd.Series,
    *,
    campaign_id: str,
    holdout_share: float = 0.2,
    arms: Sequence[str] = (TREATMENT,),
    salt: str = "",
) -> pd.DataFrame:
    """Treatment and control arms, stratified by segment.

    Parameters
    ----------
    segments : Series, index customer_id (unique)
        The stratum of everybody who takes part.
    campaign_id, salt : str
        Another campaign draws other lots; the salt is a study's own.
    holdout_share : float
        Share left alone, in (0, 1), rounded to whole customers in each segment.
    arms : sequence of str
        Names of the arms that share the rest evenly.

    Returns
    -------
    DataFrame, sorted by customer_id
        ``segment, lot, arm`` and ``probability``: the chance of the customer's own arm. Within
        each segment those with the lowest lots are held out, so the arms have the planned sizes.

    Examples
    --------
    >>> people = pd.Series("A", index=list("abcdef"))
    >>> drawn = assign_arms(people, campaign_id="K1", holdout_share=0.5)
    >>> drawn["arm"].value_counts().to_dict()
    {'treatment': 3, 'holdout': 3}
    """
    if not 0 < holdout_share < 1:
        raise ConfigError(say("campaigns.experiment.bad_share", share=holdout_share))
    if not segments.index.is_unique:
        fault = Fault("customer_id", say("campaigns.experiment.twice"))
        raise DataError(say("campaigns.experiment.not_drawn"), [fault])
    frame = pd.DataFrame(
        {
            "segment": segments.astype(str).to_numpy(),
            "lot": [draw(customer, campaign_id, salt) for customer in segments.index],
        },
        index=segments.index.astype(str).rename("customer_id"),
    ).sort_index()
    lots = frame.groupby("segment")["lot"]
    place, size = lots.rank(method="first").astype(int), lots.transform("size")
    held = np.floor(size * holdout_share + 0.5).astype(int)
    turn = np.maximum(place - held - 1, 0) % len(arms)
    frame["arm"] = np.where(place <= held, HOLDOUT, np.array(arms, dtype=object)[turn])
    drawn = frame.groupby(["segment", "arm"])["lot"].transform("size")
    return frame.assign(probability=drawn / size)


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
        assignment[[c for c in ("segment", "arm", "probability") if c in assignment]]
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
            plan[
                [
                    c
                    for c in ("action", "cost_per_contact", "predicted_uplift")
                    if c in plan
                ]
            ],
            on="segment",
        )
    path = Path(folder) / f"campaign_{campaign_id}.parquet"
    if path.exists():
        kept = pd.read_parquet(path)
        if list(kept) != list(frame) or not kept.equals(
            frame.astype(kept.dtypes.to_dict())
        ):
            fault = Fault(
                "campaign_id",
                say("campaigns.experiment.drawn_before", campaign=campaign_id),
                say("campaigns.experiment.new_id"),
            )
            raise DataError(say("campaigns.experiment.frozen", file=path.name), [fault])
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
    for name, part in [
        ("All", assignment),
        *assignment.groupby("segment", observed=True),
    ]:
        held = int((part["arm"] == HOLDOUT).sum())
        expected = holdout_share * len(part)
        counts = [held, len(part) - held]
        p = float(
            scipy.stats.chisquare(counts, [expected, len(part) - expected]).pvalue
        )
        rows[str(name)] = (len(part), held, expected, p, p >= RATIO_ALARM)
    columns = ["customers", "holdout", "expected_holdout", "p_value", "ok"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis(
        "segment"
    )
