"""Maps of segments: names in their cells, bands as thick as the customers are many, bubbles."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from segment_lab.errors import NotEnoughDataError
from segment_lab.show import style
from segment_lab.show.figures import SHADES, figure
from segment_lab.show.pictures import maps

CELLS = pd.DataFrame(
    {
        "r_score": [2, 1, 2],
        "f_score": [2, 1, 2],
        "segment": ["Champions", "Lost", "Loyal"],
        "customers": [5, 3, 1],
        "revenue_share": [0.7, 0.1, 0.2],
    }
)


def alt(ax) -> str:
    return ax.figure.get_label()


def test_a_cell_names_its_segments_the_largest_first():
    ax = maps.named_map(CELLS, 2)
    written = [text.get_text() for text in ax.texts]
    assert [text for text in written if text] == ["Champions 5\nLoyal 1", "Lost 3"]
    colours = ax.collections[0].get_array()
    assert colours.compressed().tolist() == pytest.approx([0.9, 0.1])
    assert "Lost 3 customers, 10% of the revenue; Loyal 1 customer, 20%" in alt(ax)


def test_a_phone_shows_the_same_cells_as_text():
    grid = maps.named_grid(CELLS, 2)
    drawn = [text.get_text() for text in maps.named_map(CELLS, 2).texts]
    assert [text for text in grid.texts.to_numpy().ravel() if text] == drawn
    (top, row), (bottom, last) = grid.rows
    assert (top, bottom) == (2, 1)  # the latest buyers on top
    assert row == [([""], 0), (["Champions 5", "Loyal 1"], SHADES)]
    assert last == [(["Lost 3"], 1), ([""], 0)]
    shown = str(figure(maps.named_map, CELLS, 2, narrow=grid))
    assert 'class="sl-shade3"><span>Champions 5</span><span>Loyal 1</span>' in shown
    assert "sl-grid" not in str(figure(maps.named_map, CELLS, 2))


def test_many_scores_leave_room_for_one_name():
    ax = maps.named_map(CELLS, 6)
    assert [t for text in ax.texts if (t := text.get_text())] == [
        "Champions 5",
        "Lost 3",
    ]


def test_bands_are_as_thick_as_the_customers_are_many():
    counts = pd.DataFrame({"A": [6, 1], "B": [2, 0], "C": [0, 1]}, index=["A", "B"])
    ax = maps.flows(counts, "then", "now")
    thick = [band.get_paths()[0].get_extents().height for band in ax.collections]
    assert len(thick) == 4  # nobody, no band
    assert thick[0] == pytest.approx(0.6)  # who stayed lies level
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["A 8", "B 2", "A 7", "B 2", "C 1", "then", "now"]
    assert alt(ax) == "Customers who moved: A to B 2; B to A 1; B to C 1."
    with pytest.raises(NotEnoughDataError, match="Nobody moved"):
        maps.flows(counts * 0, "then", "now")


def test_bubbles_leave_out_empty_segments():
    profile = pd.DataFrame(
        {
            "customers": [3, 2, 0],
            "revenue_share": [0.75, 0.25, 0.0],
            "median_recency_days": [10.0, 200.0, float("nan")],
            "median_monetary_value": [80.0, 20.0, float("nan")],
        },
        index=["Best", "Last", "Nobody"],
    )
    ax = maps.bubbles(profile)
    assert ax.collections[0].get_offsets().tolist() == [[10, 80], [200, 20]]
    large, small = ax.collections[0].get_sizes() - 60
    assert large == pytest.approx(3 * small)  # the area, not the width
    assert [text.get_text() for text in ax.texts] == ["Best\n75%", "Last\n25%"]
    assert "Best 10 days, 80 per order, 75% of the revenue" in alt(ax)


def test_bubbles_are_coloured_by_good_and_bad_news():
    profile = pd.DataFrame(
        {
            "customers": [3, 2],
            "revenue_share": [0.75, 0.25],
            "median_recency_days": [10.0, 200.0],
            "median_monetary_value": [80.0, 20.0],
        },
        index=["Best", "Last"],
    )
    ax = maps.bubbles(profile, tones={"Best": "good-2"})
    drawn = [to_hex(colour) for colour in ax.collections[0].get_facecolors()]
    assert drawn == [style.NEWS["good-2"].lower(), style.NEWS["same"].lower()]
