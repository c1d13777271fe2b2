"""Reports: `segment-lab run` beside the plain toolchain, over the same notebooks, in one sitting.

The plain way is a loop of ``papermill`` and ``jupyter nbconvert --to html`` on the command line.
Each side starts with an empty cache of its own.

    python benchmarks/report.py [--config configs/sample.yml] [--only data,rfm,abc]
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from segment_lab.render.catalog import Report, chosen

BIN = Path(sys.executable).parent


def timed(label: str, *commands: list[str], cache: Path) -> tuple[float, float]:
    """Seconds by the clock and of CPU of commands run one after another; their last words where
    one fails."""
    env = {**os.environ, "SEGMENT_LAB_CACHE": str(cache), "MPLBACKEND": "agg"}
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(
                f"{label}: {' '.join(command)} ended with {done.returncode}\n{done.stderr[-2000:]}"
            )
    seconds, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(f"{label:<44}{seconds:8.1f} s{cpu:8.1f} s of CPU", flush=True)
    return seconds, cpu


def loop(reports: list[Report], config: Path, folder: Path) -> list[list[str]]:
    """The plain way, as commands."""
    commands = []
    for report in reports:
        out = folder / report.file
        commands.append(
            [
                str(BIN / "papermill"),
                str(report.path),
                str(out),
                "-p",
                "config",
                str(config),
                "--cwd",
                str(report.path.parent),
                "--no-progress-bar",
            ]
        )
        commands.append([str(BIN / "jupyter"), "nbconvert", "--to", "html", str(out)])
    return commands


def with_change(config: Path, folder: Path) -> Path:
    """The study file with one more option changed: fewer scores in RFM. It stays beside its
    data."""
    data = yaml.safe_load(config.read_text("utf-8"))
    for source in data["sources"].values():
        if "path" in source and "$" not in source["path"]:
            source["path"] = str((config.parent / source["path"]).resolve())
    data.setdefault("methods", {})["rfm"] = {"n_bins": 3}
    target = folder / config.name
    target.write_text(yaml.safe_dump(data), "utf-8")
    return target


def main() -> None:
    """Measure and print seconds and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=Path("configs/sample.yml"))
    parser.add_argument("--only", help="reports, comma-separated")
    arguments = parser.parse_args()
    config, only = arguments.config.resolve(), arguments.only
    reports = chosen(only.split(",") if only else None)
    folder = Path(tempfile.mkdtemp(prefix="segment_lab_bench_"))
    try:
        run = [
            str(BIN / "segment-lab"),
            "run",
            "--out",
            str(folder / "out"),
            *(["--only", only] if only else []),
        ]
        print(f"{len(reports)} notebooks of {config.name}, {os.cpu_count()} cores")
        plain = timed(
            "papermill + nbconvert, one by one",
            *loop(reports, config, folder),
            cache=folder / "cache1",
        )
        mine, cache = [*run, str(config)], folder / "cache2"
        first = timed("segment-lab run, first", mine, cache=cache)
        again = timed("segment-lab run, nothing changed", mine, cache=cache)
        changed = [*run, str(with_change(config, folder))]
        one = timed("segment-lab run, one option of RFM changed", changed, cache=cache)
        # On a busy machine the clock says little; of the CPU, `run` uses all cores at once.
        for label, (seconds, cpu) in (
            ("first", first),
            ("nothing changed", again),
            ("one option changed", one),
        ):
            print(f"ratio, {label:<37}{seconds / plain[0]:8.3f}  {cpu / plain[1]:8.3f} of CPU")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
