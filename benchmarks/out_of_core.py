"""Logs and bases beyond memory: time and peak memory of whole commands as the log grows, under one
memory limit.

`assign` reduces the log and writes every customer's segment in the engine; `run` renders the
reports of a large base.

    python benchmarks/out_of_core.py --lines 1 10 50 200 --limit 3GB
    python benchmarks/out_of_core.py --command run --lines 10 --per-customer 10 [--against REVISION]

The first ends at ten million customers; the second is a million customers in the reports, and with
`--against` an earlier revision does the same in turn.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from report import earlier

SOURCE = Path(__file__).resolve().parents[1] / "src"
SEGMENT_LAB = [sys.executable, "-m", "segment_lab"]
STUDY = """
name: large
as_of: 2025-09-27
sources: {orders: {path: log.parquet}}
methods: {rfm: {}, abc: {}, lifecycle: {}, clusters: {}}
"""


def make(millions: float, folder: Path, per_customer: int) -> None:
    """A log in the order of its dates, four lines an order, and its study file."""
    import duckdb

    n = int(millions * 1e6)
    connection = duckdb.connect(
        config={"memory_limit": "3GB", "temp_directory": str(folder / "spill")}
    )
    # Customers differ: how often they buy falls off with the square of a uniform number.
    connection.execute(f"""COPY (SELECT
        'C' || (pow(hash(i // 4) / 18446744073709551616.0, 1.5) * {n // per_customer})::BIGINT::VARCHAR AS customer_id,
        'O' || (i // 4)::VARCHAR AS order_id, (DATE '2023-01-01' + (i * 1000 // {n})::INT) AS order_date,
        round((hash(i + 3) % 20000) / 100.0 - 8, 2)::DOUBLE AS amount FROM range({n}) t(i))
        TO '{folder / "log.parquet"}' (FORMAT parquet)""")
    (folder / "large.yml").write_text(STUDY, "utf-8")


def watched(
    command: list[str], folder: Path, limit: str, source: Path
) -> tuple[float, float, float]:
    """Seconds, peak memory of the process and all its children, and peak of what was spilled to
    disk (both GB), with the package from `source`."""
    env = {
        **os.environ,
        "PYTHONPATH": str(source),
        "SEGMENT_LAB_MEMORY_LIMIT": limit,
        "SEGMENT_LAB_TEMP": str(folder / "spill"),
        "SEGMENT_LAB_CACHE": str(folder / "cache" / source.parent.name),
    }
    (folder / "spill").mkdir(exist_ok=True)
    start, memory, spilled = time.perf_counter(), 0, 0
    with (
        (folder / "log.txt").open("w") as log,
        subprocess.Popen(command, env=env, stdout=log, stderr=log) as running,
    ):
        while running.poll() is None:
            memory = max(memory, _memory(running.pid))
            spilled = max(spilled, sum(_size(f) for f in (folder / "spill").rglob("*")))
            time.sleep(0.1)
    if running.returncode:
        sys.exit((folder / "log.txt").read_text("utf-8")[-2000:])
    return time.perf_counter() - start, memory / 1e9, spilled / 1e9


def _memory(pid: int) -> int:
    try:
        main = psutil.Process(pid)
        # Shared pages of forked workers count once: the proportional share.
        return sum(
            p.memory_full_info().pss for p in [main, *main.children(recursive=True)]
        )
    except psutil.Error:
        return 0


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _commands(
    options: argparse.Namespace, study: str, folder: Path
) -> Iterator[tuple[str, list[str], Path]]:
    """What is timed: a label, the command, and the sources it runs with."""
    if options.command == "assign":
        for method in options.method:
            out = ["--out", str(folder / f"{method}.parquet")]
            command = [*SEGMENT_LAB, "assign", study, "--method", method, *out]
            yield f"assign {method}", command, SOURCE
        return
    only = ["--only", options.only] if options.only else []
    command = [*SEGMENT_LAB, "run", study, *only, "--out", str(folder / "reports")]
    if options.against:
        theirs = earlier(options.against, folder) / "src"
        out = ["--out", str(folder / "reports-earlier")]
        yield f"run, {options.against}", [*command[:-2], *out], theirs
    yield "run", command, SOURCE


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--lines",
        type=float,
        nargs="+",
        default=[1.0, 10.0, 50.0],
        help="millions of order lines",
    )
    parser.add_argument("--per-customer", type=int, default=20, help="lines a customer")
    parser.add_argument("--command", choices=["assign", "run"], default="assign")
    parser.add_argument(
        "--method",
        nargs="+",
        default=["rfm"],
        help="for assign: rfm, abc, lifecycle, clusters",
    )
    parser.add_argument("--only", help="for run: reports, comma-separated")
    parser.add_argument("--limit", default="3GB", help="memory limit of the engine")
    parser.add_argument("--against", help="for run: an earlier revision, in turn")
    options = parser.parse_args()
    print(
        "| lines | customers | command | seconds | per million lines | peak GB | spilled GB |"
    )
    print("|---:|---:|---|---:|---:|---:|---:|")
    for millions in options.lines:
        with tempfile.TemporaryDirectory(
            dir=os.environ.get("SEGMENT_LAB_TEMP")
        ) as name:
            folder = Path(name)
            make(millions, folder, options.per_customer)
            study = str(folder / "large.yml")
            for label, command, source in _commands(options, study, folder):
                seconds, memory, spilled = watched(
                    command, folder, options.limit, source
                )
                print(
                    f"| {millions:g} M | {millions / options.per_customer:g} M | {label} | {seconds:.1f} | "
                    f"{seconds / millions:.2f} | {memory:.2f} | {spilled:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
