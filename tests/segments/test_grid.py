"""Grids are data, and their lint finds what published grids get wrong."""

from __future__ import annotations

from itertools import product

import pytest
from bases import base

from segment_lab.customers.states import StateRule
from segment_lab.errors import ConfigError
from segment_lab.segments.grid import OTHERS, default_grid, lint_grid, load_grid
from segment_lab.segments.rfm import RFMSegmenter
from segment_lab.texts import phrases

NAMES = [
    "Champions",
    "Loyal",
    "Potential Loyalist",
    "New",
    "Promising",
    "Need Attention",
    "About To Sleep",
    "Can't Lose",
    "At Risk",
    "Hibernating",
    "Lost",
]
# The grid of the R package rfm's vignette: name, then lowest and highest score of R, F and M;
# first match wins.
VIGNETTE = {
    "Champions": "55 55 55",
    "Potential Loyalist": "35 35 25",
    "Loyal Customers": "24 24 24",
    "Promising": "34 13 35",
    "New Customers": "45 13 15",
    "Can't Lose Them": "12 34 45",
    "At Risk": "12 25 45",
    "Need Attention": "13 35 35",
    "About To Sleep": "23 13 14",
    "Lost": "11 15 15",
}


def vignette_grid() -> dict:
    spans = {
        name: dict(zip("rfm", ([int(a), int(b)] for a, b in text.split()), strict=True))
        for name, text in VIGNETTE.items()
    }
    return {
        "name": "R vignette",
        "n_bins": 5,
        "segments": [{"name": n, "ranges": [s]} for n, s in spans.items()],
    }


def claims(grid) -> dict[tuple, list[str]]:
    """Who claims each cell, by brute force."""

    def inside(score, span):
        return span is None or span[0] <= score <= span[1]

    return {
        cell: [
            rule.name
            for rule in grid.segments
            if any(
                inside(cell[0], b.r) and inside(cell[1], b.f) and inside(cell[2], b.m)
                for b in rule.ranges
            )
        ]
        for cell in product(range(1, grid.n_bins + 1), repeat=3)
    }


def test_the_default_grid_claims_all_125_cells_once_with_the_eleven_names():
    grid = load_grid("quintiles")
    assert [rule.name for rule in grid.segments] == NAMES
    found = claims(grid)
    assert len(found) == 125
    assert {len(names) for names in found.values()} == {1}
    assert found[5, 5, 5] == ["Champions"]
    assert found[1, 1, 1] == ["Lost"]
    assert found[1, 5, 5] == ["Can't Lose"]
    assert found[5, 1, 1] == ["New"]


def test_the_tercile_grid_claims_all_27_cells_once_with_names_of_the_finer_grid():
    grid = load_grid("terciles")
    assert {rule.name for rule in grid.segments} <= set(NAMES)
    assert [len(names) for names in claims(grid).values()] == [1] * 27


@pytest.mark.parametrize("n_bins", range(2, 11))
def test_every_number_of_scores_has_a_complete_grid(n_bins):
    grid = default_grid(n_bins)
    assert lint_grid(grid).ok
    found = claims(grid)
    assert {len(names) for names in found.values()} == {1}
    assert (found[(n_bins,) * 3], found[1, 1, 1]) == (["Champions"], ["Lost"])


def test_packaged_segments_say_what_they_mean():
    for n_bins in (3, 4, 5):
        fitted = RFMSegmenter(n_bins).fit(base())
        assert all(fitted.meanings().values())
    own = load_grid("terciles").model_dump() | {"texts": ""}
    assert set(RFMSegmenter(3, grid=own).fit(base()).meanings().values()) == {""}


def test_the_lint_finds_the_gaps_and_overlaps_of_the_published_grid():
    report = lint_grid(vignette_grid())
    found = claims(load_grid(vignette_grid()))
    assert set(report.unclaimed) == {cell for cell, names in found.items() if not names}
    assert report.overlaps == {
        cell: tuple(names) for cell, names in found.items() if len(names) > 1
    }
    assert (len(report.unclaimed), len(report.overlaps)) == (10, 58)
    assert "10 have no segment" in str(report)
    assert "58 have several" in str(report)


def test_the_lint_names_a_rule_that_never_fires():
    grid = {
        "n_bins": 2,
        "segments": [
            {"name": "All", "ranges": [{}]},
            {"name": "Best", "ranges": [{"r": [2, 2]}]},
        ],
    }
    report = lint_grid(grid)
    assert report.never_fires == ("Best",)
    assert report.unclaimed == ()
    assert not report.ok


def test_the_lint_knows_the_words():
    grid = {
        "n_bins": 2,
        "segments": [
            {"name": "Best", "words": ["lately", "often"], "ranges": [{}]},
            {"name": "Rest", "words": ["silent"], "ranges": []},
            {"name": "Nobody", "words": ["silent", "rich"], "ranges": []},
        ],
    }
    alone = lint_grid(grid)
    assert alone.never_fires == ("Rest", "Nobody")
    assert ("few", "lately", "rich") in alone.left_over
    report = lint_grid({**grid, "otherwise": ["Rest", "Nobody"]})
    assert report.never_fires == ("Nobody",)
    assert {words for words in report.left_over if "silent" in words} == set()
    assert ("few", "lately", "rich") in report.left_over
    assert "few lately rich" in str(report)
    assert not report.ok


def test_those_of_whom_no_words_are_true_become_others():
    grid = {
        "n_bins": 2,
        "segments": [{"name": "Best", "words": ["lately"], "ranges": [{}]}],
    }
    table = base(200)
    result = RFMSegmenter(2, grid=grid).fit(table).segment(table)
    assert result.names == ("Best", OTHERS)
    lately = StateRule.learn(table).states(table)["state"].isin(["active", "new"])
    assert ((result.labels == "Best") == lately).all()


@pytest.mark.parametrize("name", ["terciles", "quintiles"])
def test_a_description_says_what_the_grid_demands(name):
    for rule in load_grid(name).segments:
        said = phrases(f"rfm.meaning.{name}.{rule.name}")
        assert {*rule.words} == {*said} - {"advice"}


def test_cells_that_nobody_claims_become_others():
    grid = {
        "n_bins": 2,
        "segments": [{"name": "Best", "ranges": [{"r": [2, 2], "f": [2, 2]}]}],
    }
    import pandas as pd

    table = pd.DataFrame(
        {"recency_days": [1, 9], "frequency": [9, 1], "revenue": [9.0, 1.0]},
        index=["a", "b"],
    )
    result = RFMSegmenter(n_bins=2, grid=grid).fit(table).segment(table)
    assert result.names == ("Best", OTHERS)
    assert result.labels.tolist() == ["Best", OTHERS]


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (
            {"n_bins": 5, "segments": [{"name": "x", "ranges": [{"r": [4, 6]}]}]},
            r"x: \[4, 6\] is no range of scores",
        ),
        (
            {"n_bins": 5, "segments": [{"name": "x", "ranges": [{"r": [3, 2]}]}]},
            r"\[3, 2\] is no range",
        ),
        ({"n_bins": 5, "segments": [{"name": "x", "ranges": [{}]}] * 2}, "named twice"),
        ({"n_bins": 5, "segments": [{"name": "x", "range": [{}]}]}, "range"),
        (
            {
                "n_bins": 5,
                "segments": [{"name": "x", "ranges": [{}], "words": ["nice"]}],
            },
            "words",
        ),
        (
            {
                "n_bins": 5,
                "segments": [{"name": "x", "ranges": [{}]}],
                "otherwise": ["y"],
            },
            "otherwise names y",
        ),
        ({"n_bins": 5, "segments": []}, "at least 1"),
        ("quintile", "did you mean 'quintiles'"),
        ("no/such/file.yml", "There is no grid"),
    ],
)
def test_a_wrong_grid_is_told_plainly(grid, message):
    with pytest.raises(ConfigError, match=message):
        load_grid(grid)


def test_a_grid_comes_from_a_file_too(tmp_path):
    import yaml

    path = tmp_path / "own.yml"
    path.write_text(yaml.safe_dump(vignette_grid()), encoding="utf-8")
    assert load_grid(str(path)) == load_grid(path) == load_grid(vignette_grid())


def test_a_grid_for_another_number_of_scores_is_refused():
    from bases import base

    with pytest.raises(ConfigError, match="made for 3 scores, but n_bins is 5"):
        RFMSegmenter(grid="terciles").fit(base())
