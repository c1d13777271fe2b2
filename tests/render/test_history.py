"""History as data: a row per run and segment, once each, in the order of the days."""

from __future__ import annotations

import pandas as pd

from segment_lab.render import history


def manifest(day, customers, came=(), before=""):
    rows = [
        {
            "segment": name,
            "customers": count,
            "revenue": 10.0 * count,
            "verdict": "do",
            "actions": 4,
        }
        for name, count in customers.items()
    ]
    return {
        "as_of": day,
        "segments": {"history": {"segments": rows, "came": list(came)}},
        "earlier": {"run": before} if before else {},
    }


def test_a_rerun_adds_nothing_and_an_old_day_joins_the_past(tmp_path):
    july = manifest("2026-07-01", {"VIP": 3, "Dead": 7})
    june = manifest("2026-06-01", {"VIP": 2, "Dead": 8})
    for run, told in (("b", july), ("a", june), ("b", july)):
        history.append(tmp_path, run, told)
    whole = pd.read_parquet(tmp_path / history.HISTORY)
    assert list(whole["run"]) == ["a", "a", "b", "b"]
    assert list(whole["customers"]) == [2, 8, 3, 7]
    assert list(whole.columns) == list(history.COLUMNS)
    assert whole[["done", "bought"]].isna().all(axis=None)
    assert [path.name for path in tmp_path.iterdir()] == [history.HISTORY]


def test_what_came_of_a_run_is_written_into_its_rows_and_stays(tmp_path):
    june = manifest("2026-06-01", {"VIP": 2, "Dead": 8})
    came = [{"segment": "VIP", "done": 3, "bought": 1}]
    july = manifest("2026-07-01", {"VIP": 3, "Dead": 7}, came, before="a")
    history.append(tmp_path, "a", june)
    history.append(tmp_path, "b", july)
    history.append(tmp_path, "a", june)
    vip = history.read(tmp_path).set_index(["run", "segment"]).loc[("a", "VIP")]
    assert (vip["done"], vip["bought"]) == (3, 1)
    assert history.read(tmp_path).query("run == 'b'")["done"].isna().all()


def test_a_run_without_segments_writes_nothing(tmp_path):
    assert (
        history.append(tmp_path, "a", {"as_of": "2026-06-01", "segments": {}}) is None
    )
    assert history.read(tmp_path).empty


def test_two_days_are_a_picture(tmp_path):
    history.append(tmp_path, "a", manifest("2026-06-01", {"VIP": 2}))
    assert history.pictured(tmp_path) == []
    history.append(tmp_path, "b", manifest("2026-07-01", {"VIP": 3}))
    (row,) = history.pictured(tmp_path)
    assert "over 2 runs: from 2 to 3" in row["customers_line"]


def test_a_damaged_history_is_put_aside_and_begun_anew(tmp_path):
    (tmp_path / history.HISTORY).write_bytes(b"half a file")
    assert history.pictured(tmp_path) == []
    history.append(tmp_path, "b", manifest("2026-07-01", {"VIP": 3}))
    assert history.read(tmp_path)["customers"].tolist() == [3]
    assert (tmp_path / "history.damaged").read_bytes() == b"half a file"
