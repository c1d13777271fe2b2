"""One look for every figure."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from segment_lab.show import style


def _linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def contrast_to_white(colour: str) -> float:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    luminance = 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)
    return 1.05 / (luminance + 0.05)


def test_given_axes_are_used_and_new_ones_have_the_look():
    _, mine = plt.subplots()
    assert style.axes(mine) is mine
    drawn = style.axes(rows=20)
    assert drawn.figure.get_figheight() > style.axes(rows=3).figure.get_figheight()
    assert plt.rcParams["font.size"] == 11
    plt.close("all")


def test_text_has_contrast_enough_for_small_type():
    assert min(map(contrast_to_white, (style.INK, style.MUTED))) >= 4.5
    assert min(map(contrast_to_white, style.PALETTE[:4])) >= 3  # graphics need 3:1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1_500_000, "1.5M"),
        (1_250_000, "1.25M"),
        (2e9, "2B"),
        (950, "950"),
        (12_000, "12k"),
        (-3_000, "−3k"),
        (0, "0"),
        (0.5, "0.5"),
    ],
)
def test_axis_labels_are_short(value, text):
    assert style.short(value) == text
