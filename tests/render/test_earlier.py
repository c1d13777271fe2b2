"""The run before as input: chosen by its day, its marks read from what people sent back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

import regulars
import segment_lab as sl
from segment_lab.errors import ConfigError
from segment_lab.pages.front.gather import Gathering
from segment_lab.render import earlier
from segment_lab.render.books import write_book
from segment_lab.render.publishing import Run
from segment_lab.texts import speaking

AS_OF = dt.date(2026, 1, 1)


def published(day: str, name: str, *, status: str = "ok", actions: bool = True) -> Run:
    files = {"actions.parquet": {"bytes": 1, "sha256": name}} if actions else {}
    facts = {
        "as_of": day,
        "status": status,
        "complete": True,
        "files": files,
        "finished": "",
    }
    return Run(Path(name), facts)


def test_the_run_before_is_chosen_by_its_day():
    runs = [
        published("2026-01-01", "c"),
        published("2025-12-31", "b"),
        published("2025-12-31", "z", status="failed"),
        published("2025-12-30", "a"),
        published("2025-12-31", "y", actions=False),
    ]
    for order in (runs, runs[::-1]):
        found = earlier.earlier_run(order, "2026-01-01")
        assert found is not None
        assert found.folder.name == "b"
    assert earlier.described(found) == {
        "run": "b",
        "as_of": "2025-12-31",
        "actions": "b",
    }
    assert earlier.earlier_run(runs, "2025-12-30") is None


@pytest.mark.parametrize("name", ["back.xlsx", "back.csv"])
def test_marks_come_back_in_the_list_that_was_sent(tmp_path, name):
    sent = pd.DataFrame({"action_id": ["a-1", "a-2", "a-3"], "done": ["x", "", "no"]})
    path = tmp_path / name
    if name.endswith("xlsx"):
        write_book(
            path, {"All": sent, "Novak": sent.assign(done=["", "yes", ""])}, "Actions"
        )
        assert earlier.marked_done(path) == ["a-1", "a-2"]
    else:
        sent.to_csv(path, index=False)
        assert earlier.marked_done(path) == ["a-1"]


def test_a_list_without_its_columns_is_refused(tmp_path):
    (tmp_path / "back.csv").write_text("action_id\na-1\n")
    with pytest.raises(ConfigError, match="done"):
        earlier.marked_done(tmp_path / "back.csv")
    with pytest.raises(ConfigError, match="nowhere"):
        earlier.marked_done(tmp_path / "nowhere.csv")


def listed(as_of: dt.date, before: pd.DataFrame | None, touches: pd.DataFrame):
    tables = {"orders": regulars.orders(AS_OF, 30, 6), "touches": touches}
    study = sl.Study.from_frames(tables, as_of=as_of, title="Shop")
    with speaking(currency="EUR"):
        return Gathering(study, "rfm", 90, {}, earlier=before)


def test_a_day_later_nothing_is_asked_twice_and_calls_close_their_action(tmp_path):
    called = pd.DataFrame(
        {
            "customer_id": ["c00", "c01", "c03", "c04"],
            "touch_date": [
                pd.Timestamp(AS_OF),
                pd.Timestamp(AS_OF) - pd.Timedelta(days=9),
                pd.Timestamp(AS_OF),
                pd.Timestamp(AS_OF),
            ],
            "channel": ["phone", "call", "visit", "meeting"],
            "event": ["call", "call", "visit", "visit"],
        }
    )
    first = listed(AS_OF, None, called).actions
    first.all.to_parquet(tmp_path / "actions.parquet")
    marked = first.frame.loc[first.frame["customer_id"] == "c02", "action_id"]
    before = earlier.earlier_actions(tmp_path / "actions.parquet", marked)
    made = listed(AS_OF + dt.timedelta(days=1), before, called)
    second = made.actions

    gone = set(first.frame["customer_id"]) - set(second.frame["customer_id"])
    # Called, marked as done, visited in person; a visit to the web site closes nothing.
    assert {"c00", "c02", "c04"} <= gone
    assert "c03" in set(second.frame["customer_id"])
    assert "c01" in set(second.frame["customer_id"])  # the call was before the list
    again = second.frame[second.frame["action_id"].isin(first.frame["action_id"])]
    assert set(again["made_on"]) == {AS_OF}
    assert second.all["action_id"].is_unique
    with speaking(currency="EUR"):
        said = made.front().parts()[0]["lines"][0]
    assert said.startswith(
        f"Of {len(first.frame)} actions on the list of 1 January 2026, 3 were"
    )

    # Two days later the closed ones stay closed.
    second.all.to_parquet(tmp_path / "actions.parquet")
    before = earlier.earlier_actions(tmp_path / "actions.parquet")
    third = listed(AS_OF + dt.timedelta(days=2), before, called).actions
    assert not {"c00", "c02"} & set(third.frame["customer_id"])
