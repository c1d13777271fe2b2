"""Small segments that are served alike share a row; nobody is lost, nothing else is merged."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from segment_lab.pages.front.merging import merged
from segment_lab.pages.front.treatments import Seen, Treatment, shown_rows

YEARS = Seen(1000)


def row(
    name: str, stance: str = "keep_in_touch", few: bool = True, **more
) -> Treatment:
    facts = {"serve": "Mail only", "by": "Marketing", "share": 0.1, "few": few, **more}
    verdict = "your_judgement"
    return Treatment(name, "", 5, 3, stance, verdict, verdict, **facts)


def test_small_segments_that_are_served_alike_are_one_row():
    kept = row("Champions", "protect", few=False, serve="Call")
    rows = [
        kept,
        row("Lost", history=(1.0, 2.0), depends=("ABC",)),
        row("Big", few=False),
        row("Loyal"),
    ]
    found = merged(rows)
    assert [made.segment for made in found] == ["Champions", "Lost", "Big"]
    assert found[0] is kept
    one = found[1]
    assert [part.segment for part in one.of] == ["Lost", "Loyal"]
    assert (one.customers, one.reachable, one.history) == (10, 6, (1.0, 2.0))
    assert one.share == pytest.approx(0.2)
    assert one.depends == ("ABC",)
    assert "At most 3 can be reached in each" in one.why


def test_a_row_of_several_names_and_links_each():
    found = shown_rows(
        merged([row("Lost", card="a#1"), row("Loyal", card="a#2")]), YEARS
    )
    assert found[0]["name"] == "Lost · Loyal"
    assert [part["card"] for part in found[0]["parts"]] == ["a#1", "a#2"]


def test_a_row_of_a_few_says_who_each_are():
    """The first thing that is said of each; of more what is usual among them all."""
    told = {
        "Lost": "One or two orders so far. Silent for long.",
        "Loyal": "Come back again and again.",
    }
    rows = [replace(row(name), who=who) for name, who in told.items()]
    found = shown_rows(merged(rows), YEARS)[0]["who"]
    assert found == "Lost: One or two orders so far. Loyal: Come back again and again."
    people = pd.DataFrame({"frequency": [2, 4], "recency_days": [30, 50]})
    many = [*rows, row("A"), row("B", people=people.assign(gap_days=12.0))]
    found = shown_rows(merged(many), YEARS)[0]["who"]
    assert found.startswith("3 orders each, the last 40 days ago")


def test_another_stance_or_treatment_is_another_row():
    rows = [row("A"), row("B", "grow"), row("C", serve="Call")]
    assert len(merged(rows)) == 3
