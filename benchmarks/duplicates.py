"""Planted duplicates against found ones: precision and recall of `customers.quality.duplicates`.

Run: python benchmarks/duplicates.py [customers]. The rules were tuned on seed 0; no
other linkage program has been run beside it yet.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from segment_lab.customers.duplicates import duplicates, score

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from planted_duplicates import base_with_duplicates  # noqa: E402


def main(customers: int = 5000) -> None:
    """Five seeds, one line each."""
    print(
        f"{'seed':>4} {'records':>8} {'planted':>8} {'found':>6} {'precision':>9} {'recall':>7} s"
    )
    for seed in range(5):
        base = base_with_duplicates(seed, customers)
        start = time.perf_counter()
        found = duplicates(base.customers)
        seconds = time.perf_counter() - start
        figures = score(found, base.truth)
        print(
            f"{seed:>4} {len(base.customers):>8,} {len(base.truth):>8,} {len(found):>6,} "
            f"{figures['precision']:>9.3f} {figures['recall']:>7.3f} {seconds:.1f}"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
