"""Small drawings: sizes that follow the values, words for those who cannot see them, nothing
unescaped."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lab.show.svg import (
    MAP,
    Area,
    Bar,
    _squarified,
    area_map,
    bridge,
    lying_bars,
    range_bar,
    sparkline,
    without_name,
)

#: Room for a picture on a phone of 390 points.
PHONE = 366
SIZES = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=30)


@given(SIZES)
def test_areas_are_in_proportion_and_fill_the_map(sizes):
    sizes = sorted(sizes, reverse=True)
    width, height = MAP
    boxes = _squarified(sizes, 0.0, 0.0, width, height)
    areas = [wide * tall for _, _, wide, tall in boxes]
    total = width * height
    assert sum(areas) == pytest.approx(total)
    assert areas == pytest.approx(
        [size / sum(sizes) * total for size in sizes], rel=1e-6, abs=1e-6
    )
    for x, y, wide, tall in boxes:
        assert -1e-6 <= x <= x + wide <= width + 1e-6
        assert -1e-6 <= y <= y + tall <= height + 1e-6


def test_names_are_escaped_and_the_alternative_text_is_there():
    text = str(
        area_map([Area(1.0, '<b>"A" & co', ("1 customer",), "same")], 'Map of "all"')
    )
    root = ElementTree.fromstring(text)
    assert root.get("aria-label") == 'Map of "all"'
    assert root.get("role") == "img"
    assert "<b>" not in text


def test_areas_too_small_for_a_name_are_told():
    areas = [
        Area(size, name, (), "same") for name, size in {"A": 97, "B": 2, "C": 1}.items()
    ]
    drawn = ElementTree.fromstring(str(area_map(areas, "map")))
    written = {text.text for text in drawn.iter() if text.get("class") == "name"}
    assert written == {"A"}
    assert without_name(areas) == ["B", "C"]


def test_a_sparkline_needs_two_points_and_stays_inside():
    assert sparkline([1.0], "one") == ""
    points = re.search(r'points="([^"]+)"', sparkline([5, 0, 10], "three"))
    pairs = [tuple(map(float, pair.split(","))) for pair in points[1].split()]
    assert [round(y) for _, y in pairs] == [14, 24, 4]


def test_unknown_values_are_left_out_of_a_sparkline():
    assert sparkline([1.0, float("nan"), 2.0], "two").count(",") == 2


def test_the_tick_of_a_range_stands_at_nothing():
    text = str(range_bar(-50, 0, 50, (-50, 50), "range"))
    middle = 75.0
    assert f'class="zero" x1="{middle:.1f}"' in text
    assert f'cx="{middle:.1f}"' in text


def test_a_bridge_of_losses_stays_on_the_paper():
    bars = [
        Bar("Before", "10", 0, 10, "total"),
        Bar("Lost", "−4", 10, 6, "down"),
        Bar("Now", "6", 0, 6, "total"),
    ]
    root = ElementTree.fromstring(str(bridge(bars, "from 10 to 6")))
    heights = [float(r.get("height")) for r in root.findall("rect")]
    assert heights[0] == pytest.approx(heights[1] + heights[2])


def test_on_a_phone_bars_and_their_labels_stay_apart():
    bars = [Bar("Bought less", "-1", 0.0, 10.0, "down") for _ in range(7)]
    wide, narrow = bridge(bars, "bridge"), bridge(bars, "bridge", narrow=True)
    assert [len(_under(drawn)) for drawn in (wide, narrow)] == [7, 14]
    root = ElementTree.fromstring(str(narrow))
    assert float(root.get("viewBox").split()[2]) <= PHONE
    left = [
        float(bar.get("x")) for bar in root.iter() if bar.get("x") and bar.get("width")
    ]
    assert min(b - a for a, b in pairwise(left)) > 31


def test_on_a_phone_lying_bars_leave_room_for_what_they_show():
    root = ElementTree.fromstring(
        str(lying_bars([("negotiation", "EUR 144,230", 2.0)], "leads", narrow=True))
    )
    width = float(root.get("viewBox").split()[2])
    assert width <= PHONE
    label, value = root.findall("text")
    assert label.text == "negotiation"
    assert float(value.get("x")) + 6.5 * len(value.text) <= width


def _under(drawn) -> list[str]:
    root = ElementTree.fromstring(str(drawn))
    return [text.text for text in root.iter() if text.get("class") == "under"]
