"""A log that grows by a file: the first customer table, and the one after a month has come.

Each table is made in a process of its own, as a study asks for it; imports are not counted, and
what is kept lies in a cache of its own. One order in 200 of the last month began before it.

    python benchmarks/growth.py [--lines 10] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LOG = """
COPY (
    SELECT 'C' || (hash(i // 4) % ({n} // 20))::VARCHAR AS customer_id,
        'O' || (i // 4)::VARCHAR AS order_id,
        (day + CASE WHEN i % 800 = 3 THEN 31 ELSE 0 END)::TIMESTAMP AS order_date,
        round((hash(i + 3) % 20000) / 100.0 - 8, 2)::DOUBLE AS amount,
        strftime(order_date, '%Y%m') AS month
    FROM (SELECT i, DATE '2023-01-01' + (hash(i // 4 + 7) % 1000)::INT AS day
          FROM range({n}) t(i))
    ORDER BY month
) TO '{folder}' (FORMAT parquet, PARTITION_BY (month))"""


def table(study: str, whole: bool) -> dict[str, float]:
    """Seconds by the clock and of CPU of one customer table, and what identifies it."""
    import segment_lab as sl
    from segment_lab.study import grown  # noqa: F401  (imports are not counted)

    opened = sl.Study.from_yaml(study)
    opened._keep_copies = not whole
    began, cpu = time.perf_counter(), time.process_time()
    customers = opened.customers()
    return {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "customers": len(customers),
        "revenue": float(customers.revenue.sum()),
        "gap_days": float(customers.gap_days.sum()),
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measured(label: str, study: Path, cache: Path, *options: str) -> dict[str, float]:
    """`table` in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, "--child", str(study)]
    env = {**os.environ, "SEGMENT_LAB_CACHE": str(cache)}
    done = subprocess.run(
        [*command, *options], env=env, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    facts = (
        f"{found['seconds']:8.1f} s{found['cpu']:8.1f} s of CPU{found['mb']:8.0f} MB"
    )
    print(f"{label:<34}{facts}", flush=True)
    return found


def compare(millions: float, rounds: int, folder: Path) -> None:
    """The log without its last month, then with it; the same read whole."""
    import duckdb

    log, aside = folder / "log", folder / "aside"
    duckdb.sql(LOG.format(n=int(millions * 1e6), folder=log))
    study = folder / "study.yml"
    study.write_text(f"name: log\nsources:\n  orders: {{path: {log}}}\n")
    last = sorted(log.iterdir())[-1]
    first, later, whole = [], [], []
    for number in range(rounds):
        cache = folder / f"cache{number}"
        last.rename(aside)
        first.append(measured("first table", study, cache))
        aside.rename(last)
        later.append(measured("after a new file", study, cache))
        whole.append(measured("read whole, nothing kept", study, cache, "--whole"))
        for name in ("customers", "revenue", "gap_days"):
            assert later[-1][name] == whole[-1][name], name
    spent = [statistics.median(run["cpu"] for run in runs) for runs in (first, later)]
    print(f"of the first table's CPU: {spent[1] / spent[0]:.3f}")
    plain = statistics.median(run["cpu"] for run in whole)
    print(f"of reading all files, nothing kept: {spent[1] / plain:.3f}")


def main() -> None:
    """Measure and print seconds and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=float, default=10.0, help="millions of lines")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--whole", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(table(arguments.child, arguments.whole)))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(arguments.lines, arguments.rounds, Path(folder))


if __name__ == "__main__":
    main()
