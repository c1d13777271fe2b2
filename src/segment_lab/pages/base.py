"""The customer base itself: what is filled, who can be reached, and what merging would change."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pandas as pd

from segment_lab.customers.duplicates import moved
from segment_lab.customers.people import accounts
from segment_lab.customers.quality import Quality, quality
from segment_lab.data.files import neutralised
from segment_lab.errors import NotEnoughDataError
from segment_lab.study.study import Study
from segment_lab.texts import say

MERGE = "merge.csv"
#: The schemes by which customers are grouped, the first that applies.
GROUPED_BY = ("rfm", "abc", "lifecycle")


class CustomerBase:
    """The state of a study's customers table, by segment where a scheme applies.

    Raises
    ------
    NotEnoughDataError
        The study has no table of customers.
    """

    def __init__(self, study: Study):
        if not study.has("customers"):
            raise NotEnoughDataError(say("data_page.no_base"))
        self.study = study

    @cached_property
    def scheme(self) -> str:
        """The scheme whose segments are shown; empty where none applies."""
        applying = self.study.methods
        return next((name for name in GROUPED_BY if name in applying), "")

    @cached_property
    def segments(self) -> pd.Series | None:
        """The segment of every customer; none where the data do not suffice."""
        return self._labels(self.study)

    def _labels(self, study: Study) -> pd.Series | None:
        if not self.scheme:
            return None
        try:
            return study.segmentation(self.scheme).labels
        except NotEnoughDataError:
            return None

    @cached_property
    def quality(self) -> Quality:
        """Completeness, validity, reach by segment, duplicates, of the records known on the day."""

        def found() -> Quality:
            records = accounts(self.study.table("customers"))
            known = self.study.customers(prospects=True).index
            return quality(records[records.index.isin(known)], self.segments)

        grouped = self.study.options(self.scheme) if self.scheme else {}
        return self.study.shared("quality", (self.scheme, grouped), found)

    @cached_property
    def moved(self) -> pd.DataFrame:
        """Customers whose segment changes once records are merged (`duplicates.moved`); ``before``
        is the segment of the record that stays."""
        pairs, before = self.quality.pairs, self.segments
        nothing = pd.DataFrame(
            {
                "before": [],
                "after": [],
                "customers": [],
                "merged": [],
            }
        )
        if before is None or pairs.empty:
            return nothing
        after = self._labels(self.study.merged(pairs))
        return nothing if after is None else moved(before, after, pairs)

    def write_merge(self, folder: Path) -> list[str]:
        """Write the pairs as `merge.csv`, which a study reads as its table ``merges``; the files
        written."""
        pairs = self.quality.pairs
        if pairs.empty:
            return []
        neutralised(pairs).to_csv(folder / MERGE, index=False, lineterminator="\n")
        return [MERGE]

    def sheets(self) -> dict[str, pd.DataFrame]:
        """What is known of the base as the sheets of a workbook."""
        found = {
            say("data_page.sheets.columns"): self.quality.completeness.reset_index(),
            say("data_page.sheets.reach"): self.quality.reach.reset_index(),
        }
        if len(self.moved):
            found[say("data_page.sheets.moved")] = self.moved
        return found
