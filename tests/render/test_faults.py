"""Whatever ends a run early, the last good run stays readable and the next one is clean."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from segment_lab.errors import ConfigError, DataError
from segment_lab.render import history, run_study
from segment_lab.render.publishing import LATEST, Shelf

from .conftest import NOTEBOOKS, PARAMETERS, START, write_notebooks

CODE = "import sys; from segment_lab.render import run_study; run_study(sys.argv[1], out=sys.argv[2], force=True)"

pytestmark = pytest.mark.slow


@pytest.fixture
def start(place):
    """Begin a run in a process of its own; it is gone when the test ends."""
    begun = []

    def begin() -> subprocess.Popen:
        # A shell that starts the tests in the background lets them ignore interrupts, and a child
        # inherits that.
        begun.append(
            subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    CODE,
                    str(place / "study.yml"),
                    str(place / "reports"),
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        )
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()


def assert_readable(place, published: set[str]) -> None:
    """`latest` leads to a complete run, and nothing half-made is visible."""
    shelf = Shelf(place / "reports", "tiny")
    latest = shelf.latest()
    runs = {run.folder: run for run in shelf.runs()}
    assert latest in runs
    assert runs[latest].good
    assert all(run.intact() for run in runs.values())
    found = [path for path in shelf.folder.glob("[!.]*") if path.is_dir()]
    visible = {path.name for path in found} - {LATEST}
    assert visible == {folder.name for folder in runs}
    assert published <= visible
    assert set(history.read(shelf.folder)["run"]) <= visible
    assert not list(shelf.folder.glob("*.damaged"))
    assert (place / "reports" / "index.html").read_text().rstrip().endswith("</html>")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_any_moment(run, start, place):
    (place / "notebooks" / "90_strategy.ipynb").unlink()
    good = run()
    began = time.monotonic()
    whole = start()
    assert whole.wait(120) == 0
    length, chance = time.monotonic() - began, random.Random(6)
    for early in (0.15, 0.45, 0.75):  # while it reads, renders, publishes
        moment = length * chance.uniform(early, early + 0.3)
        victim = start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            victim.wait(moment)
        family = (
            psutil.Process(victim.pid).children(recursive=True)
            if victim.poll() is None
            else []
        )
        victim.kill()
        victim.wait()
        assert_readable(place, {good.folder.name})
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []
    clean = run()
    assert clean.exit_code == 0
    assert not list((place / "reports" / "tiny").glob(".staging*"))
    assert_readable(place, {good.folder.name, clean.folder.name})


def test_killed_between_publishing_and_pointing(run, place, monkeypatch):
    good = run()
    with monkeypatch.context() as patch:
        patch.setattr(
            Shelf, "point", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            run(force=True)
    assert_readable(place, {good.folder.name})
    again = run()
    assert (again.exit_code, again.rendered) == (0, ())
    assert_readable(place, {good.folder.name, again.folder.name})
    assert (place / "reports" / "tiny" / LATEST).resolve() == again.folder


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 300 KB; a limit on the size of files where mounting is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder],
            capture_output=True,
            check=False,
        ).returncode
        == 0
        if shutil.which("mount")
        else False
    )
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, limits[1]))
    yield folder
    if mounted:
        subprocess.run(["umount", "-l", folder], check=True)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_a_clear_error_and_mends(run, place, small_disk):
    def fill() -> None:
        for _ in range(9):
            run_study(place / "study.yml", out=small_disk, force=True, retention=99)

    with pytest.raises(ConfigError, match=r"cannot be written .*(No space|too large)"):
        fill()
    shelf = Shelf(small_disk, "tiny")
    assert all(made.intact() for made in shelf.runs())
    assert shelf.latest() in [None, *(made.folder for made in shelf.runs())]
    assert not list(shelf.folder.glob(".staging*"))
    assert run().exit_code == 0  # elsewhere there is room


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_a_clear_error(run, place):
    (place / "reports").mkdir(mode=0o500)
    with pytest.raises(ConfigError, match="cannot be written"):
        run()


def test_a_file_in_place_of_the_folder_is_a_clear_error(run, place):
    (place / "reports").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        run()


def test_data_removed_during_and_before_a_run(run, place):
    good = run()
    orders = place / "orders.csv"
    kept = orders.read_bytes()
    gone = f"import os; os.remove({str(orders)!r})"
    write_notebooks(
        place / "notebooks",
        {
            "00_data.ipynb": (
                *NOTEBOOKS["00_data.ipynb"][:2],
                gone,
                START,
                "len(study.customers())",
            )
        },
    )
    result = run()
    assert (result.exit_code, result.reports["data"]) == (1, "failed")
    assert "does not exist" in (result.folder / "00_data.html").read_text()
    assert_readable(place, {good.folder.name})
    with pytest.raises(DataError, match="A file is missing"):
        run()
    orders.write_bytes(kept)
    write_notebooks(place / "notebooks")
    assert run().exit_code == 0
    assert_readable(place, {good.folder.name})


def test_an_interrupted_run_ends_its_kernels(start, place):
    mark = f"open({str(place / 'on')!r}, 'w')"
    write_notebooks(
        place / "notebooks",
        {
            "00_data.ipynb": (
                "# Long\nHow long?",
                PARAMETERS,
                mark,
                "import time; time.sleep(100)",
            )
        },
    )
    victim = start()
    while not (place / "on").exists():
        assert victim.poll() is None
        time.sleep(0.1)
    family = psutil.Process(victim.pid).children(recursive=True)
    assert len(family) >= 2
    victim.send_signal(signal.SIGINT)
    assert victim.wait(30) != 0
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
    assert not list((place / "reports" / "tiny").glob("[!.]*"))


def test_runs_are_their_owners_alone_whatever_the_umask(tmp_path):
    shelf = Shelf(tmp_path / "reports", "tiny")
    before = os.umask(0o000)
    try:
        with shelf.locked(1), shelf.staging() as staging:
            (staging / "exports").mkdir()
            (staging / "exports" / "segments.csv").write_text("customer_id\n")
            run = shelf.publish(staging, "run")
    finally:
        os.umask(before)
    modes = {
        path.stat().st_mode & 0o777 for path in (shelf.folder, run, run / "exports")
    }
    assert modes == {0o700}
    assert (run / "exports" / "segments.csv").stat().st_mode & 0o777 == 0o600
