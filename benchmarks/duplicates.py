"""Planted duplicates against found ones: precision and recall of `customers.quality.duplicates`.

Run: python benchmarks/duplicates.py [customers] [--write FOLDER]. The rules were tuned on seed 0.
With a folder, the normal forms and the planted pairs are written there, on which
`duplicates_splink.py` runs another linkage program.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from segment_lab.customers.duplicates import _keys, duplicates, score

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from planted_duplicates import base_with_duplicates


def main(customers: int = 5000, folder: Path | None = None) -> None:
    """Five seeds, one line each."""
    print(
        f"{'seed':>4} {'records':>8} {'planted':>8} {'found':>6} {'precision':>9} {'recall':>7} s"
    )
    for seed in range(5):
        base = base_with_duplicates(seed, customers)
        if folder:
            folder.mkdir(exist_ok=True)
            keys = _keys(base.customers).set_index(base.customers.index)
            keys.reset_index().to_parquet(folder / f"seed{seed}_keys.parquet")
            base.truth.to_parquet(folder / f"seed{seed}_truth.parquet", index=False)
        start = time.perf_counter()
        found = duplicates(base.customers)
        seconds = time.perf_counter() - start
        figures = score(found, base.truth)
        print(
            f"{seed:>4} {len(base.customers):>8,} {len(base.truth):>8,} {len(found):>6,} "
            f"{figures['precision']:>9.3f} {figures['recall']:>7.3f} {seconds:.1f}"
        )


if __name__ == "__main__":
    arguments = sys.argv[1:]
    place = arguments.index("--write") if "--write" in arguments else len(arguments)
    target = Path(arguments[place + 1]) if place < len(arguments) else None
    main(*map(int, arguments[:place]), folder=target)
