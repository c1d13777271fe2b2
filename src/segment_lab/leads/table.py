"""Leads as they stood on a day: one row each, with its outcome and when it was decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from segment_lab.errors import DataError, Fault
from segment_lab.texts import say
from segment_lab.window import as_date

# Words that end a lead; files that only say whether a lead converted write yes and no, or 1 and 0.
WON, LOST = ("won", "1", "true", "yes"), ("lost", "0", "false", "no")
UNKNOWN = "(not given)"
#: Columns of a lead that may say when it was decided, where there is no history of stages.
CLOSED = ("decided_on", "closed_on", "close_date", "closed_date")
NOT_ATTRIBUTES = (
    "customer_id",
    "created_on",
    "began_on",
    "status",
    "won",
    "days_to_win",
    *CLOSED,
)


def lead_table(
    leads: ir.Table,
    stages: ir.Table | None = None,
    as_of: dt.date | str | None = None,
    *,
    won: Sequence[str] = WON,
    lost: Sequence[str] = LOST,
) -> pd.DataFrame:
    """One row per lead as it stood at `as_of`: what is known about it, and how it ended.

    A stage entered on or after `as_of` has not happened yet. A lead lost and taken up again is
    open; one once won stays won. Without a stage history the status column speaks, whatever its
    date; a column ``decided_on`` or ``closed_on`` then says when.

    Parameters
    ----------
    leads, stages : Table
        ``lead_id`` and any of ``customer_id, created_on, source, owner, segment, value, status``,
        and more; ``lead_id, stage, entered_on``.
    as_of : date, optional
        Leads created on or after this day are left out.
    won, lost : sequence of str
        The words of ``status`` and ``stage`` that end a lead; every other status is open. Case is
        ignored.

    Returns
    -------
    DataFrame
        Index ``lead_id``, sorted: the columns of `leads` (text that is wholly numeric made
        numeric, columns without a value left out), ``won`` (true / false / null while open), and
        where days of decision are known ``decided_on`` and ``days_to_win``. Leads decided before
        they were created are set aside; ``attrs["impossible"]`` counts them.
    """
    minor = [c for c in leads.columns if c.endswith("_minor")]
    frame = _typed(leads.drop(*minor).to_pandas().set_index("lead_id").sort_index())
    day = None if as_of is None else pd.Timestamp(as_date(as_of))
    if "created_on" in frame and day is not None:
        frame = frame[~(frame["created_on"] >= day)]
    if frame.empty:
        raise DataError(
            say("leads.errors.none"),
            [
                Fault(
                    "leads",
                    say("leads.errors.none_fault"),
                    say("leads.errors.none_advice"),
                )
            ],
        )
    status = frame.get("status", pd.Series("", index=frame.index))
    status = status.astype("str").str.strip().str.lower()
    outcome = np.select(
        [status.isin(spelled(won)), status.isin(spelled(lost))], [1.0, 0.0], np.nan
    )
    frame["won"] = pd.Series(outcome, frame.index).astype("boolean")
    if stages is not None:
        frame = _with_history(frame, stages, as_of, spelled(won), spelled(lost))
    elif closed := next((name for name in CLOSED if name in frame), None):
        frame = _with_closing(frame, pd.to_datetime(frame[closed]), day)
    return _possible(frame)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    out = {}
    for name, values in frame.dropna(axis="columns", how="all").items():
        if name in ("created_on", *CLOSED):
            values = pd.to_datetime(values)
        elif values.dtype.kind not in "iufbM" and name not in ("customer_id", "status"):
            numbers = pd.to_numeric(values, errors="coerce")
            values = (
                numbers if numbers.notna().sum() == values.notna().sum() else values
            )
        out[name] = values
    return pd.DataFrame(out, index=frame.index)


def _with_history(
    frame: pd.DataFrame,
    stages: ir.Table,
    as_of: dt.date | str | None,
    won: list[str],
    lost: list[str],
) -> pd.DataFrame:
    day, word = stages.entered_on.cast("date"), stages.stage.strip().lower()
    known = ibis.literal(True) if as_of is None else day < as_date(as_of)
    closing = word.isin([*won, *lost])
    ends = (
        stages.group_by("lead_id")
        .aggregate(
            first_entry=day.min(where=known),
            won_on=day.min(where=known & word.isin(won)),
            lost_on=day.max(where=known & word.isin(lost)),
            alive_on=day.max(where=known & ~closing),
            closes_later=closing.any(where=~known),
        )
        .to_pandas()
        .set_index("lead_id")
        .reindex(frame.index)
    )
    begun, won_on, lost_on, alive_on = (
        pd.to_datetime(ends[c])
        for c in ("first_entry", "won_on", "lost_on", "alive_on")
    )
    reopened, is_won = lost_on < alive_on, won_on.notna()
    is_lost = lost_on.notna() & ~reopened & ~is_won
    still_open = ends["closes_later"].eq(True) | reopened
    frame["won"] = (
        frame["won"].mask(still_open, pd.NA).mask(is_lost, False).mask(is_won, True)
    )
    frame["decided_on"] = won_on.where(is_won, lost_on.where(is_lost))
    frame["began_on"] = (
        frame["created_on"].fillna(begun) if "created_on" in frame else begun
    )
    return _timed(frame)


def _with_closing(
    frame: pd.DataFrame,
    closed: pd.Series,
    day: pd.Timestamp | None,
) -> pd.DataFrame:
    """Outcomes dated by a column of the leads; what was closed on or after `day` is still open."""
    frame = frame.drop(columns=[name for name in CLOSED if name in frame])
    if day is not None:
        frame["won"] = frame["won"].mask(closed >= day, pd.NA)
    frame["decided_on"] = closed.where(frame["won"].notna())
    frame["began_on"] = frame.get("created_on", pd.NaT)
    return _timed(frame)


def _timed(frame: pd.DataFrame) -> pd.DataFrame:
    days = (frame["decided_on"] - frame["began_on"]).dt.days
    frame["days_to_win"] = days.where(frame["won"].eq(True).fillna(False))
    return frame


def _possible(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the leads that were decided before they began."""
    impossible = pd.Series(False, frame.index)
    if "decided_on" in frame:
        impossible = frame["decided_on"] < frame["began_on"]
    out = frame[~impossible].copy()
    out.attrs["impossible"] = int(impossible.sum())
    return out


def spelled(words: Sequence[str]) -> list[str]:
    return [str(word).strip().lower() for word in words]
