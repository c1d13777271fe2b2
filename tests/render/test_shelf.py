"""Runs are ordered by the day they are about; old ones go without taking the year with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segment_lab.render.publishing import MANIFEST, Run, Shelf


@pytest.fixture
def shelf(tmp_path):
    shelf = Shelf(tmp_path, "shop")
    shelf.folder.mkdir()
    return shelf


def publish(
    shelf: Shelf, day: str, finished: str, *, status="ok", complete=True, name=""
) -> Path:
    manifest = {
        "as_of": day,
        "finished": finished,
        "status": status,
        "complete": complete,
        "files": {},
    }
    with shelf.staging() as staging:
        (staging / MANIFEST).write_text(json.dumps(manifest))
        folder = shelf.publish(
            staging, name or f"{day}-{finished}", instead=status == "failed"
        )
    run = Run(folder, manifest)
    if run.good:
        shelf.point(run)
    return folder


def test_a_back_fill_joins_the_history_and_is_not_the_present(shelf):
    present = publish(shelf, "2026-06-30", "10")
    old = publish(shelf, "2026-03-31", "11")
    assert shelf.latest() == present.resolve()
    assert [run.folder for run in shelf.runs()] == [present, old]
    shelf.prune(1, old)
    assert old.exists()


def test_a_rerun_of_the_same_day_becomes_the_present(shelf):
    publish(shelf, "2026-06-30", "10")
    again = publish(shelf, "2026-06-30", "11")
    assert shelf.latest() == again.resolve()


def test_ten_failing_nights_and_what_ifs_do_not_wipe_a_year(shelf):
    year = [
        publish(shelf, f"2026-{month:02}-01", f"{month:02}") for month in range(1, 11)
    ]
    for night in range(10):
        publish(
            shelf,
            "2026-11-01",
            f"{20 + night}",
            status="failed",
            name=f"{night}-failed",
        )
        publish(
            shelf,
            "2026-11-01",
            f"{20 + night}",
            complete=False,
            name=f"what-if-{night}",
        )
        shelf.prune(10)
    assert all(folder.exists() for folder in year)
    assert len([run for run in shelf.runs() if not run.good]) == 10


def test_the_same_failure_again_is_one_folder(shelf):
    for night in range(3):
        publish(
            shelf,
            "2026-11-01",
            f"{night}",
            status="failed",
            name="2026-11-01-ab-failed",
        )
    assert [run.folder.name for run in shelf.runs()] == ["2026-11-01-ab-failed"]
    assert shelf.runs()[0].manifest["finished"] == "2"
