"""A log that grows by files: the customer table is the one that reading all of it gives, and only
new files are read."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.data import pieces

LINES = pd.DataFrame(
    [
        ("a", "1", "2026-01-01", 10.0),
        ("a", "2", "2026-01-11", 20.0),
        ("b", "3", "2026-01-20", 7.0),
        ("c", "4", "2026-01-21", 3.0),
        (None, "5", "2026-01-22", 1.0),
    ],
    columns=["customer_id", "order_id", "order_date", "amount"],
)
#: Its second half of order 4, which begins in January; the return of order 3; somebody new.
FEBRUARY = pd.DataFrame(
    [
        ("c", "4", "2026-02-01", 2.0),
        ("b", "3", "2026-02-02", -7.0),
        ("d", "6", "2026-02-03", 9.0),
        ("a", "7", "2026-02-10", 4.0),
    ],
    columns=LINES.columns,
)


@pytest.fixture(autouse=True)
def every_log_is_long(monkeypatch):
    monkeypatch.setattr(pieces, "LONG", 0)


def write(folder: Path, name: str, lines: pd.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.parquet"
    lines.assign(order_date=pd.to_datetime(lines.order_date)).to_parquet(path)
    return path


def study_of(folder: Path, **settings):
    config = {"name": "log", "sources": {"orders": {"path": str(folder)}}, **settings}
    config.setdefault("tolerance", 0.9)
    path = folder.parent / "study.yml"
    path.write_text(pd.io.json.ujson_dumps(config))
    return sl.Study.from_yaml(path)


def read_whole(folder: Path, **settings):
    """The table and its account, all files read at once and nothing kept."""
    study = study_of(folder, **settings)
    study._keep_copies = False
    return study.customers(), study.account()


def same(folder: Path, **settings) -> pd.DataFrame:
    table, account = read_whole(folder, **settings)
    study = study_of(folder, **settings)
    pd.testing.assert_frame_equal(study.customers(), table)
    pd.testing.assert_frame_equal(study.account(), account)
    return table


@pytest.fixture
def read_files(monkeypatch):
    """Names of the files whose lines are read."""
    read = []
    lines = pieces.Pieces.lines

    def noted(self, files, with_names=False):
        read.extend(piece.file.stem for piece in files)
        return lines(self, files, with_names)

    monkeypatch.setattr(pieces.Pieces, "lines", noted)
    return read


def test_a_new_file_alone_is_read(tmp_path, read_files):
    folder = tmp_path / "log"
    early = LINES.assign(
        order_date="2025-12-01", order_id=["e1", "e2", "e3", "e4", "e5"]
    )
    write(folder, "2025", early)
    write(folder, "01", LINES)
    same(folder)
    assert set(read_files) == {"01", "2025"}
    read_files.clear()
    same(folder)
    assert read_files == []
    write(folder, "02", FEBRUARY)
    table = same(folder)
    # Counted once by day, and once as orders.
    assert read_files == ["02", "02"]
    # b's order of January was returned under its own number; c's is one, on its first day.
    assert table.loc["b", ["frequency", "revenue"]].tolist() == [1, 7.0]
    assert table.loc["c", "last_order"] == pd.Timestamp("2026-01-21")
    read_files.clear()
    same(folder)
    assert read_files == []


def test_a_changed_old_file_is_noticed(tmp_path, read_files):
    folder = tmp_path / "log"
    first = write(folder, "01", LINES)
    write(folder, "02", FEBRUARY)
    same(folder)
    before = first.stat()
    write(folder, "01", LINES.assign(amount=LINES.amount + 1))
    os.utime(first, ns=(before.st_atime_ns, before.st_mtime_ns))
    read_files.clear()
    table = same(folder)
    assert "01" in read_files
    assert table.loc["a", "revenue"] == 36.0
    first.unlink()
    write(folder, "03", LINES.assign(order_date="2026-03-01", order_id="9"))
    same(folder)


def test_a_look_back_leaves_what_is_kept(tmp_path, read_files):
    folder = tmp_path / "log"
    write(folder, "01", LINES)
    write(folder, "02", FEBRUARY)
    same(folder)
    read_files.clear()
    table, _ = read_whole(folder, as_of="2026-02-02")
    found = study_of(folder, as_of="2026-02-02").customers()
    pd.testing.assert_frame_equal(found, table)
    assert study_of(folder).at("2026-02-02").customers().equals(table)
    same(folder)
    assert read_files == []


def test_a_lost_or_damaged_file_of_the_cache_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "log"
    write(folder, "01", LINES)
    write(folder, "02", FEBRUARY)
    same(folder)
    for pattern in ("log-*.pickle", "log-*.parquet", "tally-*.pickle"):
        for file in (tmp_path / "cache").glob(pattern):
            file.write_bytes(b"cut off")
        same(folder)
