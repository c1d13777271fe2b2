"""What the machine does at night: places that take nothing, a home that is none, a stop from
outside; one clear message, the right exit code, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import ibis.backends.duckdb
import pytest
from click.testing import CliRunner

import segment_lab as sl
from segment_lab.cli import main
from segment_lab.data import leftovers
from segment_lab.data.damaged import in_words, unreadable
from segment_lab.data.files import asked_for
from segment_lab.errors import ConfigError, DataError
from segment_lab.render.catalog import prepare
from segment_lab.render.publishing import Shelf
from segment_lab.render.worker import SETTINGS, ForkServer

LINES = [
    f"k{i % 40},2025-{1 + i % 9:02d}-{1 + i % 28:02d},{10 + i % 30}.50"
    for i in range(300)
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    head = "customer_id,order_date,amount"
    (tmp_path / "orders.csv").write_text("\n".join([head, *LINES]) + "\n")
    (tmp_path / "s.yml").write_text("name: s\nsources:\n  orders: {path: orders.csv}\n")
    (tmp_path / "taken").write_text("a file, where a folder is wanted")
    return tmp_path


WRITERS = {
    "init": ["init", "orders.csv", "--out", "taken/s.yml"],
    "assign": ["assign", "s.yml", "--method", "rfm", "--out", "taken/s.parquet"],
    "check": ["check", "s.yml", "--rejected", "taken/rejected.parquet"],
    "sample": ["sample", "--customers", "100", "--out", "taken/sample"],
}


@pytest.mark.parametrize("command", WRITERS)
def test_a_place_that_takes_nothing_is_one_sentence(command, folder):
    before = sorted(path.name for path in folder.iterdir())
    done = CliRunner().invoke(main, WRITERS[command])
    assert done.exit_code == 2, done.output
    assert "cannot be written: " in done.stderr
    assert "where it should not" not in done.stderr
    after = {path.name for path in folder.iterdir()}
    assert after - {"cache"} == {*before}


def test_assign_says_so_before_it_reads(folder):
    done = CliRunner().invoke(main, WRITERS["assign"])
    assert "reducing" not in done.stderr


def test_the_rejected_lines_are_whole_or_not_there(folder, monkeypatch):
    whole = ibis.backends.duckdb.Backend.to_parquet

    def full(self, table, path, **options):
        whole(self, table, path, **options)
        if "r.parquet" in str(path):
            raise duckdb.IOException(f'IO Error: "{path}": No space left on device')

    monkeypatch.setattr("ibis.backends.duckdb.Backend.to_parquet", full)
    done = CliRunner().invoke(main, ["check", "s.yml", "--rejected", "r.parquet"])
    assert done.exit_code == 2
    assert "r.parquet cannot be written: No space left on device" in done.stderr
    assert not list(folder.glob("*r.parquet*"))


def test_other_errors_of_the_engine_stay_what_they_are():
    with pytest.raises(duckdb.IOException), asked_for(Path("x")):
        raise duckdb.IOException("IO Error: something else")
    with pytest.raises(ConfigError, match="already"), asked_for(Path("x")):
        raise ConfigError("already in words")


def test_a_file_that_may_not_be_read_says_whose_turn_it_is():
    refused = PermissionError(13, "Permission denied", "orders.csv")
    said = str(unreadable("orders", "orders.csv", refused))
    assert "orders: Permission denied. Let the user that runs this" in said


def test_a_child_leaves_no_copies_of_customers_behind(tmp_path, monkeypatch):
    (tmp_path / "copying.py").write_text(
        "from segment_lab.data.textfiles import scratch\n"
        "def copy():\n    return str(scratch())\n"
    )
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    paths = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    monkeypatch.setenv("PYTHONPATH", paths)
    monkeypatch.setenv("TMPDIR", str(temporary))
    server = ForkServer(1)
    made = server.call("copying:copy", {}, tmp_path / "answer")
    server.close()
    assert Path(made).parent == temporary
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("home", ["/proc/nobody", ""])
def test_without_a_home_libraries_keep_their_settings_in_the_run(
    home, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", home or str(tmp_path))
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    server = ForkServer(1, tmp_path / "shared")
    found = [
        server.call("os:getenv", {"key": name}, tmp_path / "answer")
        for name in SETTINGS
    ]
    server.close()
    expected = [str(tmp_path / "shared" / name.lower()) for name in SETTINGS]
    assert found == (expected if home else [None] * len(SETTINGS))


def test_folders_of_sockets_are_swept_as_others_are(tmp_path):
    old = time.time() - 2 * leftovers.UNTOUCHED
    gone, alive = tmp_path / "sl-99999999-ab", tmp_path / f"sl-{os.getpid()}-ab"
    for path in (gone, alive):
        path.mkdir()
        os.utime(path, (old, old))
    leftovers.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [alive.name]


def test_sockets_lie_where_their_paths_are_short(tmp_path, monkeypatch):
    assert leftovers.for_sockets() == leftovers.temporary()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("deep" * 40)))
    assert len(str(leftovers.for_sockets())) <= leftovers.LONGEST


@pytest.mark.parametrize("name", ["[x]{y}", "100%s", 'it\'s "a"; b|c', "Отчёты"])
def test_no_name_of_a_folder_is_taken_for_more(name, folder):
    place = folder / name
    place.mkdir()
    for file in ("orders.csv", "s.yml"):
        (folder / file).rename(place / file)
    run = sl.run_study(place / "s.yml", out=place / "out", only=["abc"])
    assert run.reports == {"abc": "ok"}


def test_only_returns_are_told_once_before_any_page(folder):
    lines = [",".join([*line.split(",")[:2], "-9"]) for line in LINES]
    text = "\n".join(["customer_id,order_date,amount", *lines])
    (folder / "orders.csv").write_text(text + "\n")
    with pytest.raises(DataError, match="No amount is above zero"):
        sl.run_study("s.yml", out=folder / "reports")
    assert not list((folder / "reports" / "s").glob("[!.]*"))


def test_a_mistyped_year_never_becomes_the_latest_run(folder):
    with pytest.raises(ConfigError, match="more than ten years after the last order"):
        sl.run_study("s.yml", as_of="2205-10-01", out=folder / "reports")
    assert sl.Study.from_yaml("s.yml", as_of="2026-10-01").customers().shape[0] == 40
    done = CliRunner().invoke(main, ["check", "s.yml", "--as-of", "tomorrow"])
    assert done.stderr.startswith("Error: 'tomorrow' is not a date")


def test_what_a_process_of_the_run_could_not_do_is_its_last_line(folder, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError(
            "Traceback (most recent call last):\n  at x\nKeyError: 'oops'"
        )

    monkeypatch.setattr("segment_lab.render.run_study", broken)
    done = CliRunner().invoke(main, ["run", "s.yml"])
    assert done.exit_code == 1
    assert "KeyError: 'oops'" in done.stderr
    assert "Traceback (" not in done.stderr


def test_a_list_of_studies_of_another_user_is_told_before_the_work(
    tmp_path, monkeypatch
):
    (tmp_path / "index.html").write_text("theirs")
    monkeypatch.setattr("os.access", lambda path, _: Path(path).name != "index.html")
    with (
        pytest.raises(ConfigError, match=r"cannot be written .*Permission denied"),
        Shelf(tmp_path, "s").locked(1),
    ):
        pytest.fail("began to work")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("mark", ["reading", "to render"])
def test_a_run_that_is_stopped_tidies_up(number, code, mark, folder):
    temporary = folder / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-m", "segment_lab", "run", "s.yml"]
    run = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    said = ""
    while mark not in said:
        said += run.stderr.readline()
    run.send_signal(number)
    said += run.communicate(timeout=60)[1]
    assert run.returncode == code
    assert "Stopped from outside" in said
    assert "Traceback" not in said
    assert not list(temporary.iterdir())
    assert not list((folder / "reports" / "s").glob(".staging*"))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("InsufficientPrivilege", "the user may not read this table. Grant it"),
        ("OperationalError", r"stopped answering while it was read \(OperationalError"),
    ],
)
def test_what_a_server_refuses_while_it_is_read_holds_no_address(kind, said):
    error = type(kind, (Exception,), {"__module__": "psycopg.errors"})
    with pytest.raises(DataError, match=said) as caught, in_words("orders", "orders"):
        raise error("connection to postgres://me:secret@host failed")
    assert "secret" not in str(caught.value)


def test_a_server_that_goes_away_after_the_check_is_told_too(folder, monkeypatch):
    gone = type("OperationalError", (Exception,), {"__module__": "psycopg"})

    def lost(_):
        raise gone("server closed the connection")

    monkeypatch.setattr("segment_lab.render.since.by_month", lost)
    with pytest.raises(DataError, match="stopped answering while it was read"):
        prepare(str(folder / "s.yml"), None, {})
