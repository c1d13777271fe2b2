"""The figures of the sample study, as values and not as words: what a change of the house may not
change.

Read from a published run: the segment of every customer, the figures of the manifest, and every
table of every page as the twelve digits that the page keeps for sorting (plus the digits of its
intervals).

``python tests/invariants/golden.py RUN_FOLDER`` compares; ``--write`` records what stands there
now. A change on purpose is a commit of its own that says why, with the file written anew.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

RECORDED = Path(__file__).with_name("golden.json")
#: Tables longer than this are kept as a digest of their rows.
WHOLE = 40


class Tables(HTMLParser):
    """The numbers of every table of a page, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.interval = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self.tables.append([])
        if tag == "tr" and self.tables:
            self.tables[-1].append([])
        if given.get("data-sort") and self.tables and self.tables[-1]:
            self.tables[-1][-1].append(f"{float(str(given['data-sort'])):.9g}")
        self.interval = tag == "span" and given.get("class") == "ci"

    def handle_data(self, data: str) -> None:
        if self.interval and self.tables and self.tables[-1]:
            digits = re.findall(r"\d[\d.]*", data.replace(",", ""))
            self.tables[-1][-1].extend(f"ci {digit}" for digit in digits)
        self.interval = False


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def tables_of(page: Path) -> list[Any]:
    """Every table with numbers, in the order of the page; a long one as its size and a digest."""
    parser = Tables()
    parser.feed(page.read_text(encoding="utf-8"))
    numbers = [[row for row in table if row] for table in parser.tables]
    found: list[Any] = []
    for rows in numbers:
        if not rows:
            continue
        long = len(rows) > WHOLE
        found.append(
            {"rows": len(rows), "digest": digest(rows)}
            if long
            else [" ".join(row) for row in rows]
        )
    return found


def figures(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """The numbers that each report hands to the manifest, in their order, whatever their names."""
    found: dict[str, list[str]] = {}
    for report in manifest["reports"]:
        shown = (report.get("headline") or {}).get("figures", {})
        values = [figure["value"] for figure in shown.values()]
        found[report["name"]] = [
            f"{v:.9g}"
            for v in values
            if isinstance(v, int | float) and math.isfinite(v)
        ]
    return found


def golden(run: Path) -> dict[str, Any]:
    """All that is held of one published run."""
    segments = pd.read_parquet(run / "segments.parquet").sort_index()
    labels = {
        column: segments[column].astype(str)
        for column in segments
        if segments[column].dtype != "float64"
    }
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    return {
        "segments": {
            column: {
                "sizes": values.value_counts().sort_index().to_dict()
                if values.nunique() < 30
                else {},
                "digest": digest(values.tolist()),
            }
            for column, values in labels.items()
        },
        "figures": figures(manifest),
        "tables": {
            page.name: tables_of(page) for page in sorted(run.glob("[0-9][0-9]_*.html"))
        },
    }


def differences(now: Any, then: Any, path: str = "") -> list[str]:
    """Where two records differ, one line each."""
    if isinstance(then, dict) and isinstance(now, dict):
        keys = sorted({*then, *now})
        return [
            line
            for key in keys
            for line in differences(now.get(key), then.get(key), f"{path}/{key}")
        ]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(now, then, strict=True))
        return [
            line for i, (a, b) in pairs for line in differences(a, b, f"{path}[{i}]")
        ]
    if now == then or _alike(now, then):
        return []
    return [f"{path}: recorded {str(then)[:300]}, now {str(now)[:300]}"]


def _alike(now: Any, then: Any) -> bool:
    """Whether two rows of figures differ by no more than the same model fitted on another processor:
    the fifth digit of a fraction. Counts and money are compared to the last digit."""
    if not (isinstance(now, str) and isinstance(then, str)):
        return False
    pairs = list(zip_longest(now.split(), then.split(), fillvalue=""))
    return all(a == b or _same_fraction(a, b) for a, b in pairs)


def _same_fraction(now: str, then: str) -> bool:
    try:
        one, other = float(now), float(then)
    except ValueError:
        return False
    fractions = not (one.is_integer() or other.is_integer()) and abs(other) < 100
    return fractions and math.isclose(one, other, rel_tol=5e-5)


def main(folder: str, *options: str) -> int:
    found = golden(Path(folder))
    if "--write" in options:
        RECORDED.write_text(
            json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        return 0
    lines = differences(found, json.loads(RECORDED.read_text(encoding="utf-8")))
    print("\n".join(lines) or "every figure is as recorded")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
