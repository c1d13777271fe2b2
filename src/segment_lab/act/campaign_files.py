"""The files of a plan: written once, frozen, dated when the campaigns have gone out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from segment_lab.data.files import asked_for, neutralised, replacing
from segment_lab.errors import ConfigError, DataError, Fault
from segment_lab.texts import say


@dataclass(frozen=True)
class PlanFiles:
    """The plans of a study in a folder, one file for each campaign.

    Parameters
    ----------
    folder : path
        Where the files lie, one beside the other.
    name : str
        The study's; a campaign's file is ``<name>-<day of the plan>-<segment>.csv``.

    Examples
    --------
    >>> PlanFiles(Path("plans/shop"), "shop").undated()
    []
    """

    folder: Path
    name: str

    def days(self) -> list[dt.date]:
        """The days that have a plan, in order."""
        day = re.compile(rf"{re.escape(self.name)}-(\d{{4}}-\d\d-\d\d)-.+\.csv")
        found = [day.fullmatch(path.name) for path in self.folder.glob("*.csv")]
        return sorted({dt.date.fromisoformat(match[1]) for match in found if match})

    def of(self, day: dt.date) -> list[Path]:
        """The campaigns of a day's plan."""
        return sorted(self.folder.glob(f"{self.name}-{day}-*.csv"))

    def undated(self) -> list[dt.date]:
        """The days whose plan has not gone out, as far as is known."""
        return [day for day in self.days() if not all(map(_dated, self.of(day)))]

    def freeze(self, campaigns: Sequence[pd.DataFrame], day: dt.date) -> list[Path]:
        """Write the campaigns of a day, once; files that are there already stay as they are.

        Parameters
        ----------
        campaigns : sequence of DataFrame
            From `campaign_plan.Drawing.campaign`.
        day : date
            Of the plan.

        Raises
        ------
        DataError
            A plan of this day was drawn before, and differently.
        """
        filled = [frame for frame in campaigns if len(frame)]
        drawn = {f"{frame['campaign_id'].iloc[0]}.csv": frame for frame in filled}
        kept = {path.name: path for path in self.of(day)}
        if kept:
            for name in {**kept, **drawn}:
                if not _same(drawn.get(name), kept.get(name)):
                    raise _drawn_before(name)
            return [self.folder / name for name in drawn]
        for name, frame in drawn.items():
            with asked_for(self.folder), replacing(self.folder / name) as draft:
                safe = neutralised(frame.assign(assigned_on=""))
                safe.to_csv(draft, index=False, lineterminator="\n")
        return [self.folder / name for name in drawn]

    def went_out(self, day: dt.date, sent: dt.date) -> list[Path]:
        """Fill in when the campaigns of a day's plan went out: those without a date, or all of them
        anew where each has one. Who is in which arm stays.

        ConfigError where they are said to have gone out before they were planned.
        """
        if sent < day:
            raise ConfigError(say("plan.too_early", sent=sent, day=day))
        waiting = [path for path in self.of(day) if not _dated(path)]
        for path in waiting or self.of(day):
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            with asked_for(path), replacing(path) as draft:
                dated = frame.assign(assigned_on=sent.isoformat())
                dated.to_csv(draft, index=False, lineterminator="\n")
        return self.of(day)


def _dated(path: Path) -> bool:
    days = pd.read_csv(
        path,
        usecols=["assigned_on"],
        dtype=str,
    )["assigned_on"]
    return bool(days.notna().all())


def _same(drawn: pd.DataFrame | None, path: Path | None) -> bool:
    """Whether a file holds the same customers in the same arms."""
    if drawn is None or path is None:
        return False
    kept = pd.read_csv(path, dtype=str, keep_default_na=False)
    arms = kept[["customer_id", "arm"]]
    return arms.equals(neutralised(drawn)[["customer_id", "arm"]].astype(str))


def _drawn_before(name: str) -> DataError:
    campaign = name.removesuffix(".csv")
    problem = say("campaigns.experiment.drawn_before", campaign=campaign)
    fault = Fault("campaign_id", problem, say("plan.keep_or_delete"))
    return DataError(say("campaigns.experiment.frozen", file=name), [fault])
