"""Small drawings inside a line of text or a table: sparkline, range bar, bridge, map of areas.

They take their colours from the page's style, so they follow light and dark, and cost a few
hundred bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

SPARK = (112, 28)
RANGE = (150, 22)
BRIDGE_HEIGHT = 200
#: A label of a bridge with more characters is set on two lines.
LABEL, NARROW_LABEL = 11, 8
#: How far bars stand apart, and how wide they are; on a phone as many as fit beside each other.
STEP, NARROW_STEP, BAR_SHARE = 86, 52, 0.6
#: A line of lying bars; where they start, and how long the longest is.
LINE = 26
BARS, NARROW_BARS = (160, 300), (110, 170)
MAP, NARROW_MAP = (602, 200), (364, 330)
#: A rectangle narrower or lower than this has no room for a word.
READABLE = (64, 23)


def sparkline(values: Sequence[float], alt: str) -> Markup:
    """A line of the values with a dot at the last one; nothing where fewer than two are known."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return Markup("")
    width, height = SPARK
    low, high = min(0.0, *known), max(known)
    span = (high - low) or 1.0
    step = (width - 6) / (len(known) - 1)
    points = [
        (3 + i * step, height - 4 - (value - low) / span * (height - 8))
        for i, value in enumerate(known)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return Markup(
        '<svg class="spark" width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<polyline points="{}"/><circle cx="{:.1f}" cy="{:.1f}" r="2.4"/></svg>'
    ).format(width, height, width, height, alt, line, x, y)


def range_bar(
    low: float, value: float, high: float, limits: tuple[float, float], alt: str
) -> Markup:
    """A value with its range on a scale that all rows of a table share; a tick stands at
    nothing."""
    width, height = RANGE
    left, right = min(0.0, limits[0]), max(0.0, limits[1])
    span = (right - left) or 1.0

    def place(money: float) -> float:
        inside = min(max(money, left), right)
        return 4 + (inside - left) / span * (width - 8)

    return Markup(
        '<svg class="range" width="{}" height="{}" role="img" aria-label="{}">'
        '<line class="zero" x1="{:.1f}" x2="{:.1f}" y1="2" y2="{}"/>'
        '<line class="span" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>'
        '<circle cx="{:.1f}" cy="{}" r="4"/></svg>'
    ).format(
        width,
        height,
        alt,
        place(0),
        place(0),
        height - 2,
        place(low),
        place(high),
        height / 2,
        height / 2,
        place(value),
        height / 2,
    )


@dataclass(frozen=True)
class Bar:
    """One bar of a bridge: what stands under it and above it, where it starts and ends, its
    tone."""

    label: str
    text: str
    start: float
    end: float
    tone: str  # total, up or down


def _lines(label: str, longest: int = LABEL) -> tuple[str, ...]:
    """A label on one line, or on two of about the same length where it would run into the next.

    Examples
    --------
    >>> _lines("New"), _lines("Последние 90 дней")
    (('New',), ('Последние', '90 дней'))
    """
    if len(label) <= longest or " " not in label:
        return (label,)
    spaces = [place for place, sign in enumerate(label) if sign == " "]
    middle = min(spaces, key=lambda place: abs(place - len(label) / 2))
    return label[:middle], label[middle + 1 :]


def bridge(bars: Sequence[Bar], alt: str, narrow: bool = False) -> Markup:
    """From one total to another by the parts between them; `narrow` as a phone shows it."""
    step = NARROW_STEP if narrow else STEP
    bar_width = round(step * BAR_SHARE)
    top = max((max(bar.start, bar.end) for bar in bars), default=0.0) or 1.0
    width = step * len(bars)
    pieces = []
    for i, bar in enumerate(bars):
        high, low = max(bar.start, bar.end), min(bar.start, bar.end)
        y = 22 + (1 - high / top) * (BRIDGE_HEIGHT - 50)
        tall = max((high - low) / top * (BRIDGE_HEIGHT - 50), 1.0)
        middle = i * step + step / 2
        pieces.append(
            Markup(
                '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{}" height="{:.1f}"/>'
                '<text class="over" x="{:.1f}" y="{:.1f}">{}</text>'
            ).format(
                bar.tone,
                middle - bar_width / 2,
                y,
                bar_width,
                tall,
                middle,
                y - 6,
                bar.text,
            )
        )
        lines = _lines(bar.label, NARROW_LABEL if narrow else LABEL)
        for line, below in zip(lines, (15, 3) if len(lines) > 1 else (8,), strict=True):
            pieces.append(
                Markup('<text class="under" x="{:.1f}" y="{}">{}</text>').format(
                    middle, BRIDGE_HEIGHT - below, line
                )
            )
    return Markup(
        '<svg class="bridge{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_kind(narrow), width, BRIDGE_HEIGHT, alt, Markup("").join(pieces))


def _kind(narrow: bool) -> str:
    return " narrow" if narrow else ""


def lying_bars(
    rows: Sequence[tuple[str, str, float]], alt: str, narrow: bool = False
) -> Markup:
    """Bars from the left, one a line: what each is called, what it shows in words, its length;
    `narrow` as a phone shows them."""
    longest = max((value for _, _, value in rows), default=0.0) or 1.0
    start, room = NARROW_BARS if narrow else BARS
    width = (NARROW_MAP if narrow else MAP)[0]
    letters = start // 7  # so many fit before the bars
    pieces = []
    for i, (label, text, value) in enumerate(rows):
        middle = LINE * i + LINE / 2
        length = max(value / longest * room, 1.0)
        pieces.append(
            Markup(
                '<text class="side" x="{}" y="{:.1f}">{}</text>'
                '<rect x="{}" y="{:.1f}" width="{:.1f}" height="16"/>'
                '<text x="{:.1f}" y="{:.1f}">{}</text>'
            ).format(
                start - 8,
                middle + 4,
                _cut(label, letters),
                start,
                middle - 8,
                length,
                start + length + 6,
                middle + 4,
                text,
            )
        )
    return Markup(
        '<svg class="lying{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_kind(narrow), width, LINE * len(rows), alt, Markup("").join(pieces))


@dataclass(frozen=True)
class Area:
    """One area of a map: its size, its name, lines of text under it, its tone."""

    size: float
    name: str
    lines: tuple[str, ...]
    tone: str  # up-2, up-1, same, down-1, down-2


def area_map(areas: Sequence[Area], alt: str, narrow: bool = False) -> Markup:
    """Areas in proportion to their size (squarified treemap, Bruls, Huizing & van Wijk 2000);
    `narrow` as a phone shows it."""
    pieces = [_box(area, box) for area, box in _placed(areas, narrow)]
    size = NARROW_MAP if narrow else MAP
    return Markup(
        '<svg class="map{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_kind(narrow), *size, alt, Markup("").join(pieces))


def without_name(areas: Sequence[Area], narrow: bool = False) -> list[str]:
    """Names of the areas that are too small to hold them."""
    return [area.name for area, box in _placed(areas, narrow) if not _readable(box)]


Box = tuple[float, float, float, float]


def _placed(areas: Sequence[Area], narrow: bool) -> list[tuple[Area, Box]]:
    """Every area with its rectangle, the largest first."""
    shown = [area for area in areas if area.size > 0]
    shown.sort(key=lambda area: -area.size)
    width, height = NARROW_MAP if narrow else MAP
    sizes = [area.size for area in shown]
    boxes = _squarified(sizes, 0.0, 0.0, float(width), float(height))
    return list(zip(shown, boxes, strict=True))


def _readable(box: Box) -> bool:
    return box[2] >= READABLE[0] and box[3] >= READABLE[1]


def _box(area: Area, box: Box) -> Markup:
    x, y, wide, tall = box
    rectangle = Markup(
        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
        "<title>{}</title></rect>"
    ).format(
        area.tone,
        x + 1,
        y + 1,
        max(wide - 2, 0.5),
        max(tall - 2, 0.5),
        ", ".join((area.name, *area.lines)),
    )
    if not _readable(box):
        return rectangle
    room = int((wide - 12) / 6.6)
    # A name is cut; a figure that would be is not shown.
    lines = [line for line in area.lines if len(line) <= room]
    texts = [area.name, *lines][: max(int((tall - 4) / 17), 1)]
    written = [
        Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(
            "name" if i == 0 else "line", x + 8, y + 16 + 17 * i, _cut(text, room)
        )
        for i, text in enumerate(texts)
    ]
    return Markup("").join([rectangle, *written])


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 1)].rstrip() + "…"


def _squarified(
    sizes: Sequence[float], x: float, y: float, wide: float, tall: float
) -> list[tuple[float, float, float, float]]:
    """Rectangles of the sizes' shares of a rectangle, rows along its shorter side, as square as
    can be."""
    boxes: list[tuple[float, float, float, float]] = []
    rest = list(sizes)
    while rest:
        scale = wide * tall / sum(rest)
        short = min(wide, tall)
        row = _row([size * scale for size in rest], short)
        depth = sum(row) / short if short else 0.0
        at = 0.0
        for area in row:
            along = area / depth if depth else 0.0
            if wide >= tall:
                boxes.append((x, y + at, depth, along))
            else:
                boxes.append((x + at, y, along, depth))
            at += along
        if wide >= tall:
            x, wide = x + depth, wide - depth
        else:
            y, tall = y + depth, tall - depth
        rest = rest[len(row) :]
    return boxes


def _row(areas: Sequence[float], short: float) -> list[float]:
    """As many of the first areas as stay as square as possible in one row."""
    row = [areas[0]]
    for area in areas[1:]:
        if _worst([*row, area], short) > _worst(row, short):
            break
        row.append(area)
    return row


def _worst(row: Sequence[float], short: float) -> float:
    """The longest side against the shortest of the row's rectangles."""
    total = sum(row)
    return max(short**2 * max(row) / total**2, total**2 / (short**2 * min(row)))
