"""Named segments over RFM scores, as data: which cell of the score grid has which name, and its
lint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import pydantic
import yaml

from segment_lab import config
from segment_lab.errors import ConfigError, nearest
from segment_lab.segments.claims import Word, profiles
from segment_lab.texts import say

OTHERS = "Others"
Cell = tuple[int, int, int]
#: Lowest and highest score, both included.
Span = tuple[int, int]


class Range(pydantic.BaseModel, extra="forbid", frozen=True):
    """A block of the grid: spans of the recency, frequency and monetary score; a missing one means
    any."""

    r: Span | None = None
    f: Span | None = None
    m: Span | None = None

    def spans(self, n_bins: int) -> tuple[tuple[int, int], ...]:
        """Lowest and highest score of recency, frequency and money."""
        return tuple(span or (1, n_bins) for span in (self.r, self.f, self.m))

    def cells(self, n_bins: int) -> set[Cell]:
        """The cells of the block."""
        return set(product(*(range(low, high + 1) for low, high in self.spans(n_bins))))  # type: ignore[arg-type]


class GridSegment(pydantic.BaseModel, extra="forbid", frozen=True):
    """One named segment: the blocks it claims, the words that must be true of its customers, and
    what it means."""

    name: Annotated[str, pydantic.Field(min_length=1)]
    ranges: tuple[Range, ...]
    words: tuple[Word, ...] = ()
    meaning: str = ""


class Grid(pydantic.BaseModel, extra="forbid", frozen=True):
    """Segments over a cube of scores 1 … `n_bins`, best first. The first range that fits decides,
    if the segment's words are true of the customer; else the first of `otherwise` whose words
    are."""

    name: str = "own grid"
    n_bins: Annotated[int, pydantic.Field(ge=2, le=10)]
    segments: Annotated[tuple[GridSegment, ...], pydantic.Field(min_length=1)]
    #: Name of the packaged texts that say what the segments mean.
    texts: str = ""
    #: Segments for those of whom the words of their scores' segment are not true.
    otherwise: tuple[str, ...] = ()

    @pydantic.model_validator(mode="after")
    def _sound(self) -> Grid:
        names = [rule.name for rule in self.segments]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(say("rfm.errors.named_twice", names=twice))
        if unknown := [name for name in self.otherwise if name not in names]:
            raise ValueError(say("rfm.errors.otherwise", names=unknown, known=names))
        for rule in self.segments:
            spans = [span for block in rule.ranges for span in block.spans(self.n_bins)]
            for low, high in spans:
                if not 1 <= low <= high <= self.n_bins:
                    where = {
                        "name": rule.name,
                        "low": low,
                        "high": high,
                        "n_bins": self.n_bins,
                    }
                    raise ValueError(say("rfm.errors.span", **where))
        return self

    @property
    def guarded(self) -> bool:
        """Whether any segment needs words to be true."""
        return any(rule.words for rule in self.segments)

    @property
    def fallback(self) -> tuple[GridSegment, ...]:
        """The rules of `otherwise`."""
        rules = {rule.name: rule for rule in self.segments}
        return tuple(rules[name] for name in self.otherwise)

    def cells(self) -> set[Cell]:
        """Every cell of the cube."""
        return Range().cells(self.n_bins)

    def resized(self, n_bins: int) -> Grid:
        """The same segments for another number of scores, spread in proportion (best stays best).

        Score ``s`` of `n_bins` takes the place of ``1 + (s - 1)(n - 1)/(n_bins - 1)`` here,
        rounded. Segments that no score reaches any more are left out, unless they are among
        `otherwise`; a grid that claims every cell once still does.
        """
        place = {
            s: 1 + round((s - 1) * (self.n_bins - 1) / (n_bins - 1))
            for s in range(1, n_bins + 1)
        }

        def spread(span: tuple[int, int]) -> tuple[int, int] | None:
            inside = [
                s for s, place_of in place.items() if span[0] <= place_of <= span[1]
            ]
            return (inside[0], inside[-1]) if inside else None

        rules = []
        for rule in self.segments:
            blocks = [
                [spread(span) for span in block.spans(self.n_bins)]
                for block in rule.ranges
            ]
            ranges = [Range(r=r, f=f, m=m) for r, f, m in blocks if r and f and m]
            if ranges or rule.name in self.otherwise:
                rules.append(rule.model_copy(update={"ranges": tuple(ranges)}))
        return Grid(
            name=f"{self.name}, spread over {n_bins} scores",
            n_bins=n_bins,
            segments=tuple(rules),
            texts=self.texts,
            otherwise=self.otherwise,
        )


@dataclass(frozen=True)
class GridReport:
    """What `lint_grid` found: cells (r, f, m) without or with several names, customers of whom no
    segment's words are true (as the words that are), and rules that never decide."""

    grid: str
    cells: int
    unclaimed: tuple[Cell, ...]
    overlaps: Mapping[Cell, tuple[str, ...]]
    never_fires: tuple[str, ...]
    left_over: tuple[tuple[str, ...], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every cell is claimed exactly once, and every customer has a segment."""
        return not (
            self.unclaimed or self.overlaps or self.never_fires or self.left_over
        )

    def __str__(self) -> str:
        if self.ok:
            return say("rfm.grid.sound", grid=self.grid, cells=self.cells)
        return say(
            "rfm.grid.faulty",
            grid=self.grid,
            cells=self.cells,
            unclaimed=len(self.unclaimed),
            overlaps=len(self.overlaps),
            others=OTHERS,
            never=self.never_fires,
            left_over=[" ".join(words) for words in self.left_over],
        )


def lint_grid(grid: Grid | Mapping[str, Any] | str | Path) -> GridReport:
    """Look for gaps, overlaps and rules that never fire in a grid of segments, given as
    `load_grid` takes it; with its words, for every customer that there can be."""
    grid = load_grid(grid)
    claims: dict[Cell, list[str]] = {cell: [] for cell in sorted(grid.cells())}
    for rule in grid.segments:
        for cell in set().union(*(block.cells(grid.n_bins) for block in rule.ranges)):
            claims[cell].append(rule.name)
    decide, left_over = _decided(grid, {tuple(names) for names in claims.values()})
    return GridReport(
        grid.name,
        len(claims),
        tuple(cell for cell, names in claims.items() if not names),
        {cell: tuple(names) for cell, names in claims.items() if len(names) > 1},
        tuple(rule.name for rule in grid.segments if rule.name not in decide),
        left_over,
    )


def _decided(
    grid: Grid, claims: set[tuple[str, ...]]
) -> tuple[set[str], tuple[tuple[str, ...], ...]]:
    """The rules that decide for somebody, and the words of those in claimed cells for whom none
    does."""
    words = {rule.name: set(rule.words) for rule in grid.segments}
    decide, left_over = set(), set()
    for names, true in product(claims, profiles()):
        first = next(
            (name for name in (*names, *grid.otherwise) if words[name] <= true), None
        )
        if first:
            decide.add(first)
        elif names:
            left_over.add(tuple(sorted(true)))
    return decide, tuple(sorted(left_over))


def load_grid(source: Grid | Mapping[str, Any] | str | Path) -> Grid:
    """A grid from a packaged name (``quintiles``, ``terciles``), a YAML file or a mapping,
    validated."""
    if isinstance(source, Grid):
        return source
    data = source if isinstance(source, Mapping) else _named(str(source))
    try:
        return Grid.model_validate(data)
    except pydantic.ValidationError as error:
        places = [".".join(map(str, e["loc"])) or "grid" for e in error.errors()]
        faults = "; ".join(
            f"{p}: {e['msg']}" for p, e in zip(places, error.errors(), strict=True)
        )
        shown = "" if isinstance(source, Mapping) else source
        raise ConfigError(
            say("rfm.errors.invalid_grid", source=shown, faults=faults)
        ) from None


def _named(source: str) -> Any:
    if source in config.names("rfm"):
        return config.packaged(f"rfm/{source}")
    if Path(source).suffix in {".yml", ".yaml"} and Path(source).is_file():
        return yaml.safe_load(Path(source).read_text(encoding="utf-8"))
    hint = nearest(source, config.names("rfm"))
    raise ConfigError(say("rfm.errors.unknown_grid", source=source, hint=hint))


@cache
def default_grid(n_bins: int) -> Grid:
    """The packaged grid for a number of scores: terciles, quintiles, or quintiles spread in
    proportion."""
    named = {3: "terciles", 5: "quintiles"}
    return (
        load_grid(named[n_bins])
        if n_bins in named
        else load_grid("quintiles").resized(n_bins)
    )
