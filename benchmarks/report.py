"""Reports: `segment-lab run` beside the plain toolchain and an earlier revision, in one sitting.

The plain way is a loop of ``papermill`` and ``jupyter nbconvert --to html`` on the command line.
The earlier revision is checked out into a folder of its own and runs in this environment, in turn
with this one. Each side starts with an empty cache of its own. On a busy machine read the CPU.

    python benchmarks/report.py [--config configs/sample.yml] [--only data,rfm,abc]
                                [--against d464a49] [--turns 2] [--without-loop]
    python benchmarks/report.py --looks
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import yaml

from segment_lab.render.catalog import Report, chosen

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"


def timed(
    label: str, *commands: list[str], cache: Path, source: Path | None = None
) -> tuple[float, float]:
    """Seconds by the clock and of CPU of commands run one after another, with the package from
    `source`; their last words where one fails."""
    env = {**os.environ, "SEGMENT_LAB_CACHE": str(cache), "MPLBACKEND": "agg"}
    env["PYTHONPATH"] = str(source or SOURCE)
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(
                f"{label}: {' '.join(command)} ended with {done.returncode}\n{done.stderr[-2000:]}"
            )
    seconds, used = (
        time.perf_counter() - began,
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
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


def earlier(revision: str, folder: Path) -> Path:
    """The sources of a revision, in a folder of their own."""
    target = folder / "earlier"
    target.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", revision], capture_output=True, check=True
    )
    subprocess.run(["tar", "x", "-C", str(target)], input=archive.stdout, check=True)
    # Papermill finds engines by the installed package's entry points; this one's come first.
    project = tomllib.loads((target / "pyproject.toml").read_text("utf-8"))["project"]
    info = target / "src" / "segment_lab-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: segment-lab\nVersion: 0.1.0\n"
    )
    lines = []
    for group, points in project["entry-points"].items():
        lines.append(f"[{group}]")
        lines += [f"{name} = {place}" for name, place in points.items()]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return target


def compare(
    revision: str, config: Path, turns: int, folder: Path, only: str | None
) -> None:
    """Both revisions in turn, each from an empty cache: the whole run, then the pages that both
    have; medians, their ratios, and CPU a page."""
    there = earlier(revision, folder)
    both = [r for r in chosen(only.split(",") if only else None) if _there(r, there)]
    named = ",".join(report.name for report in both)
    whole = in_turn(revision, there, config, turns, folder / "whole", only)
    like = in_turn(revision, there, config, turns, folder / "like", named)
    print(f"ratio of CPU, this revision to {revision}: {_ratio(whole):.3f}")
    print(f"the same of the {len(both)} pages of both: {_ratio(like):.3f}")
    for side, spent in like.items():
        print(f"{side}: {statistics.median(spent) / len(both):.1f} s of CPU a page")


def _there(report: Report, folder: Path) -> bool:
    return (folder / "notebooks" / report.file).exists()


def _ratio(spent: dict[str, list[float]]) -> float:
    """This revision's median to the other's."""
    before, now = map(statistics.median, spent.values())
    return now / before


def in_turn(
    revision: str, there: Path, config: Path, turns: int, folder: Path, only: str | None
) -> dict[str, list[float]]:
    """Seconds of CPU of both revisions from cold, the earlier one first."""
    theirs = there / config.relative_to(ROOT)
    sides = {revision: (there / "src", theirs), "this revision": (SOURCE, config)}
    spent: dict[str, list[float]] = {side: [] for side in sides}
    part = ["--only", only] if only else []
    what = f"{len(only.split(','))} pages" if only else "all"
    for turn in range(turns):
        for side, (source, study) in sides.items():
            out = folder / f"{side}-{turn}".replace(" ", "-")
            command = [sys.executable, "-m", "segment_lab", "run", str(study), *part]
            command += ["--out", str(out)]
            cache = out.with_suffix(".cache")
            label = f"{side}, {what}, from cold"
            spent[side].append(timed(label, command, cache=cache, source=source)[1])
    return spent


def looks(config: Path, folder: Path) -> None:
    """What somebody waits for who works in a notebook, or tries one parameter."""
    say = f"import segment_lab as sl; s = sl.Study.from_yaml({str(config)!r})"
    command = [sys.executable, "-c", f"{say}; print(s.segmentation('rfm').sizes())"]
    cache = folder / "looks"
    timed("a notebook's first table, cold", command, cache=cache)
    timed("a notebook's first table, warm", command, cache=cache)
    run = [sys.executable, "-m", "segment_lab", "run", str(config), "--only", "rfm"]
    run += ["--out", str(folder / "looks-out")]
    timed("one report", run, cache=cache)
    changed = [*run, "-p", "rfm.n_bins=3"]
    timed("one report, one parameter changed", changed, cache=cache)


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
    parser.add_argument(
        "--against", help="an earlier revision to run in turn with this one"
    )
    parser.add_argument(
        "--looks",
        action="store_true",
        help="a notebook's first table, and one report with one parameter changed",
    )
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument(
        "--without-loop", action="store_true", help="leave the plain way out"
    )
    arguments = parser.parse_args()
    config, only = arguments.config.resolve(), arguments.only
    reports = chosen(only.split(",") if only else None)
    folder = Path(tempfile.mkdtemp(prefix="segment_lab_bench_"))
    try:
        if arguments.looks:
            looks(config, folder)
        if arguments.against:
            compare(arguments.against, config, arguments.turns, folder, only)
        if arguments.without_loop or arguments.looks:
            return
        run = [
            sys.executable,
            "-m",
            "segment_lab",
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
            print(
                f"ratio, {label:<37}{seconds / plain[0]:8.3f}  {cpu / plain[1]:8.3f} of CPU"
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
