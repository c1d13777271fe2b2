"""Order log → customer table (and the segments made of it), side by side in one run: segment_lab,
raw DuckDB, polars, pandas, lifetimes, pymc-marketing, and a floor (every column read, nothing
grouped).

Each contender runs in a process of its own (so peak memory is its own), in turn, several rounds;
medians and ratios to raw DuckDB are printed. Peers may live in an environment of their own
(`--peers`); those not installed are named.

    python benchmarks/customer_table.py --lines 10 --format parquet csv --shape lines orders
    --peers other/bin/python python benchmarks/customer_table.py --lines 10 --format parquet --task
    segments
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# The same columns by hand in SQL: what an expert would write for one clean file, without checks.
RAW = """
WITH o AS (SELECT customer_id, {order}, {day} AS d, count(*) AS lines,
                  sum(round(amount * 100)::BIGINT)::BIGINT AS a,
                  -sum(least(round(amount * 100)::BIGINT, 0))::BIGINT AS r
           FROM {source} GROUP BY ALL),
     g AS (SELECT *, a > 0 OR (a = 0 AND r = 0) AS bought FROM o),
     w AS (SELECT *, d - lag(d) OVER (PARTITION BY customer_id, bought ORDER BY d) AS gap FROM g)
SELECT customer_id, min(d) FILTER (bought) AS f, max(d) FILTER (bought) AS l, count(*) FILTER (bought) AS n,
       sum(lines) AS lines, sum(a) AS a, sum(r) AS r, median(nullif(gap, 0)) FILTER (bought) AS gap
FROM w GROUP BY customer_id"""

# The shapes of a log: four lines an order with text ids, or a line per order with whole-number ids
# and no order id.
SHAPES = {
    "lines": (
        "'C' || (hash(i // 4) % ({n} // 20))::VARCHAR",
        "'O' || (i // 4)::VARCHAR AS order_id,",
        4,
    ),
    "orders": ("(hash(i) % ({n} // 20))::BIGINT", "", 1),
}


def make(
    millions: float,
    folder: Path,
    shape: str = "lines",
    formats: tuple[str, ...] = ("parquet", "csv"),
) -> None:
    """An order log of `millions` lines: 20 lines a customer, some returns."""
    import duckdb

    n = int(millions * 1e6)
    customer, order, per = SHAPES[shape]
    connection = duckdb.connect()
    connection.execute(f"""CREATE VIEW log AS SELECT {customer.format(n=n)} AS customer_id, {order}
        (DATE '2023-01-01' + (hash(i // {per} + 7) % 1000)::INT)::TIMESTAMP + INTERVAL 10 HOUR AS order_date,
        round((hash(i + 3) % 20000) / 100.0 - 8, 2)::DOUBLE AS amount FROM range({n}) t(i)""")
    for form in formats:
        options = "FORMAT csv, HEADER" if form == "csv" else "FORMAT parquet"
        connection.execute(f"COPY log TO '{folder / f'log.{form}'}' ({options})")


def reader(path: Path) -> str:
    """What stands behind FROM."""
    return (
        f"read_csv('{path}', header = true)" if path.suffix == ".csv" else f"'{path}'"
    )


def floor(path: Path) -> int:
    import duckdb

    duckdb.sql(f"SELECT sum(hash(COLUMNS(*))) FROM {reader(path)}").fetchall()
    return 1


def raw_sql(path: Path) -> str:
    """`RAW` for the columns this log has."""
    import duckdb

    ordered = "order_id" in duckdb.sql(f"SELECT * FROM {reader(path)} LIMIT 0").columns
    order, day = (
        ("order_id", "min(order_date::DATE)")
        if ordered
        else ("order_date::DATE AS day", "day")
    )
    return RAW.format(source=reader(path), order=order, day=day)


def raw_duckdb(path: Path) -> int:
    import duckdb

    return len(duckdb.sql(raw_sql(path)).to_arrow_table().to_pandas())


def segment_lab(path: Path) -> int:
    import segment_lab as sl

    return len(sl.customer_table(path, as_of="2026-01-01"))


def segment_lab_lean(path: Path) -> int:
    os.environ["SEGMENT_LAB_MEMORY_LIMIT"] = (
        "350MB"  # of the engine; it spills the rest to disk
    )
    return segment_lab(path)


def polars(path: Path) -> int:
    import polars as pl

    log = (
        pl.scan_csv(path, try_parse_dates=True)
        if path.suffix == ".csv"
        else pl.scan_parquet(path)
    )
    cents = (pl.col("amount") * 100).round().cast(pl.Int64)
    keys = (
        ["order_id"]
        if "order_id" in log.collect_schema()
        else [pl.col("order_date").dt.date().alias("day")]
    )
    orders = log.group_by("customer_id", *keys).agg(
        pl.col("order_date").min().dt.date().alias("d"),
        cents.sum().alias("a"),
        (-cents.clip(upper_bound=0)).sum().alias("r"),
    )
    table = (
        orders.filter(pl.col("a") > 0)
        .group_by("customer_id")
        .agg(
            pl.col("d").min().alias("f"),
            pl.col("d").max().alias("l"),
            pl.len().alias("n"),
            pl.col("a").sum(),
            pl.col("r").sum(),
            pl.col("d").sort().diff().dt.total_days().median().alias("gap"),
        )
    )
    return len(table.collect(engine="streaming"))


def _frame(path: Path) -> Any:
    import pandas as pd

    return (
        pd.read_csv(path, parse_dates=["order_date"])
        if path.suffix == ".csv"
        else pd.read_parquet(path)
    )


def pandas(path: Path) -> int:
    log = _frame(path)
    log["cents"] = (log.amount * 100).round().astype("int64")
    keys = [
        "customer_id",
        "order_id"
        if "order_id" in log
        else log.order_date.dt.normalize().rename("day"),
    ]
    orders = log.groupby(keys, sort=False).agg(
        d=("order_date", "min"), a=("cents", "sum")
    )
    orders = orders[orders.a > 0].reset_index()
    orders["gap"] = orders.sort_values("d").groupby("customer_id").d.diff().dt.days
    return len(
        orders.groupby("customer_id", sort=False).agg(
            f=("d", "min"),
            l=("d", "max"),
            n=("d", "size"),
            a=("a", "sum"),
            gap=("gap", "median"),
        )
    )


def lifetimes(path: Path) -> int:
    from lifetimes.utils import summary_data_from_transaction_data

    return len(
        summary_data_from_transaction_data(
            _frame(path), "customer_id", "order_date", "amount"
        )
    )


def pymc_marketing(path: Path) -> int:
    from pymc_marketing.clv.utils import rfm_summary

    return len(rfm_summary(_frame(path), "customer_id", "order_date", "amount"))


def segment_lab_rfm(path: Path) -> int:
    import segment_lab as sl

    customers = sl.customer_table(path, as_of="2026-01-01")
    return len(sl.RFMSegmenter().fit(customers).segment(customers))


def segment_lab_every_rule(path: Path) -> int:
    """All rule-based segmentations of one log: RFM, ABC, lifecycle tiers, own rules."""
    import segment_lab as sl

    customers = sl.customer_table(path, as_of="2026-01-01")
    rules = [
        {"name": "Large", "when": "revenue > 2000 AND recency_days < 200"},
        {"name": "Silent", "when": "recency_days > 300"},
        {"name": "New", "when": "tenure_days < 90"},
    ]
    schemes = (
        sl.RFMSegmenter(),
        sl.ABCSegmenter(),
        sl.LifecycleSegmenter(),
        sl.RuleSegmenter(rules),
    )
    return min(len(scheme.fit(customers).segment(customers)) for scheme in schemes)


def pymc_rfm_segments(path: Path) -> int:
    from pymc_marketing.clv.utils import rfm_segments

    return len(rfm_segments(_frame(path), "customer_id", "order_date", "amount"))


TASKS = {
    "table": (
        floor,
        raw_duckdb,
        segment_lab,
        segment_lab_lean,
        polars,
        pandas,
        lifetimes,
        pymc_marketing,
    ),
    "segments": (
        raw_duckdb,
        segment_lab_rfm,
        segment_lab_every_rule,
        pymc_rfm_segments,
    ),
}
CONTENDERS = {f.__name__: f for task in TASKS.values() for f in task}
OURS = [name for name in CONTENDERS if name.startswith(("floor", "raw", "segment_lab"))]


def child(name: str, path: str) -> None:
    """Run one contender, warm of imports; print seconds, peak memory and rows."""
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.suppress(ValueError),
        ):  # some cannot rank so few
            warm = Path(folder) / f"log{Path(path).suffix}"
            _small(Path(path), warm)
            CONTENDERS[name](warm)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    start = time.perf_counter()
    rows = CONTENDERS[name](Path(path))
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "seconds": seconds,
                "rows": rows,
                "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def _small(path: Path, target: Path) -> None:
    import duckdb

    options = "(FORMAT csv, HEADER)" if path.suffix == ".csv" else "(FORMAT parquet)"
    duckdb.sql(f"COPY (SELECT * FROM '{path}' LIMIT 1000) TO '{target}' {options}")


def measure(
    name: str, path: Path, peers: str, script: str = __file__
) -> dict[str, float]:
    """One run in a fresh process."""
    python = sys.executable if name in OURS else peers
    done = subprocess.run(
        [python, "-W", "ignore", script, "--child", name, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {
            "missing": (
                done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
            )[-1][:120]
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--lines",
        type=float,
        nargs="+",
        default=[1.0, 10.0],
        help="millions of order lines",
    )
    parser.add_argument(
        "--format", nargs="+", default=["parquet", "csv"], choices=["parquet", "csv"]
    )
    parser.add_argument("--shape", nargs="+", default=["lines"], choices=list(SHAPES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--task", default="table", choices=list(TASKS))
    parser.add_argument("--only", nargs="+", choices=list(CONTENDERS))
    parser.add_argument(
        "--peers", default=sys.executable, help="interpreter that has the peers"
    )
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    options.only = options.only or [f.__name__ for f in TASKS[options.task]]
    print(
        "| lines | shape, format | contender | seconds (median) | × raw DuckDB | peak MB |"
    )
    print("|---:|---|---|---:|---:|---:|")
    for millions in options.lines:
        for shape in options.shape:
            with tempfile.TemporaryDirectory() as folder:
                make(millions, Path(folder), shape, tuple(options.format))
                for form in options.format:
                    report(
                        f"{millions:g} M | {shape}, {form}",
                        Path(folder) / f"log.{form}",
                        options,
                    )


def report(label: str, path: Path, options: argparse.Namespace) -> None:
    """Contenders in turn, round after round, so that a slow minute of the machine hits all
    alike."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in options.only}
    for _ in range(options.rounds):
        for name in runs:
            if not runs[name] or "missing" not in runs[name][-1]:
                runs[name].append(measure(name, path, options.peers))
    base = (
        statistics.median(r["seconds"] for r in runs["raw_duckdb"])
        if "raw_duckdb" in runs
        else float("nan")
    )
    for name, results in runs.items():
        if "missing" in results[-1]:
            print(f"| {label} | {name} | not measured: {results[-1]['missing']} | | |")
            continue
        seconds = statistics.median(r["seconds"] for r in results)
        print(
            f"| {label} | {name} | {seconds:.2f} | {seconds / base:.2f} | "
            f"{max(r['mb'] for r in results):,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
