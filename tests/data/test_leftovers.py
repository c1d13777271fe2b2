"""Full disks, and what a killed process leaves: one clear line, and nothing stays."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import segment_lab as sl
from segment_lab.cli import main
from segment_lab.data import files, leftovers, textfiles
from segment_lab.errors import ConfigError

ORDERS = "customer_id,order_date,amount\n" + "".join(
    f"c{i % 7},2026-01-{1 + i % 28:02d},{i}.50\n" for i in range(200)
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A study in a folder, with a cache of its own."""
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "s.yml").write_text("name: s\nsources: {orders: {path: orders.csv}}\n")
    return tmp_path


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def told(place: Path) -> str:
    """What `check` says in one line when it stops."""
    result = CliRunner().invoke(main, ["check", str(place / "s.yml")])
    assert result.exit_code == 2, result.output
    assert result.output.count("\n") == 1
    return result.output


def test_a_full_cache_disk_is_one_clear_line_and_leaves_nothing(place, monkeypatch):
    monkeypatch.setattr(files, "_to_disk", full)
    assert f"no space left on the disk of {place / 'cache'}" in told(place)
    assert not list((place / "cache").glob(".*.tmp"))


def test_the_engine_that_finds_no_room_says_so_too(place, monkeypatch):
    full_disk = (
        '_duckdb IO Error: Could not write file "x.tmp": No space left on device'
    )
    assert leftovers.is_full(RuntimeError(full_disk))
    assert not leftovers.is_full(RuntimeError("Could not read"))


def test_a_full_folder_for_temporary_files_is_one_clear_line(place, monkeypatch):
    (place / "orders.csv").write_text(ORDERS, encoding="cp1251")
    source = "{orders: {path: orders.csv, encoding: cp1251}}"
    (place / "s.yml").write_text(f"name: s\nsources: {source}\n")
    monkeypatch.setattr(textfiles, "_transcoded", full)
    assert f"no space left on the disk of {leftovers.temporary()}" in told(place)


def test_a_home_that_cannot_be_written_is_one_clear_line(place, monkeypatch):
    (place / "file").write_text("")
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(place / "file" / "cache"))
    assert "SEGMENT_LAB_CACHE" in told(place)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\x80\x04garbage", b"\0" * 500])
def test_what_is_kept_is_made_anew_where_it_is_damaged(place, content):
    before = sl.Study.from_yaml(place / "s.yml").customers()
    for path in (place / "cache").iterdir():
        path.write_bytes(content)
    after = sl.Study.from_yaml(place / "s.yml").customers()
    pd.testing.assert_frame_equal(after, before)


def test_what_a_killed_process_left_goes_and_the_rest_stays(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    old = time.time() - 2 * leftovers.UNTOUCHED
    names = {
        f".orders-1.parquet.{gone.pid}-7.tmp": False,
        f"segment_lab_{gone.pid}_abc": False,
        f".orders-2.parquet.{os.getpid()}-7.tmp": True,
        "orders-1.parquet": True,
        ".orders.tmp": True,
    }
    for name in names:
        path = tmp_path / name
        path.mkdir() if name.startswith("segment") else path.write_text("x")
        os.utime(path, (old, old))
    fresh = tmp_path / f".fresh.{gone.pid}-7.tmp"
    fresh.write_text("still written, perhaps by a process of another machine")
    leftovers.sweep(tmp_path)
    assert {name: (tmp_path / name).exists() for name in names} == names
    assert fresh.exists()


def test_other_faults_are_not_taken_for_a_full_disk(tmp_path):
    with pytest.raises(ValueError, match="odd"), leftovers.with_room(tmp_path):
        raise ValueError("odd")
    with pytest.raises(ConfigError, match="no space"), leftovers.with_room(tmp_path):
        full()
