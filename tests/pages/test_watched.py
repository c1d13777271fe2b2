"""Watch lists in words: each with its rule, who acts, and what became of the same list before."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

import regulars
import segment_lab as sl
from segment_lab.act import watch
from segment_lab.contacts.events import unanswered
from segment_lab.pages.front.cards import document as cards_of
from segment_lab.pages.front.gather import Gathering
from segment_lab.pages.watched import watched
from segment_lab.pages.watching import stuck_deals
from segment_lab.render.index import segments_page
from segment_lab.texts import speaking

AS_OF = dt.date(2026, 1, 1)


def days_before(*days: int) -> list[pd.Timestamp]:
    return [pd.Timestamp(AS_OF) - pd.Timedelta(days=day) for day in days]


def touches() -> pd.DataFrame:
    rows = [
        ("c00", 3, "email", "clicked"),
        ("c01", 3, "email", "clicked"),
        ("c01", 3, "call", "call"),
        ("c02", 9, "call", "call"),
        ("c02", 2, "visit", "visit"),
        ("c03", 1, "email", "opened"),
        ("c04", 4, "email", "clicked"),
        ("c04", 2, "Field-Visit", "visit"),
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "back", "channel", "event"])
    return frame.assign(touch_date=days_before(*frame["back"])).drop(columns="back")


def leads() -> dict[str, pd.DataFrame]:
    """Ten won within 20 days; at the test day four were stuck (one won since), two were fresh
    (both won since)."""
    stages = []
    ends = {}
    for i in range(10):
        stages += [(f"w{i}", "new", 400), (f"w{i}", "won", 390 - i)]
        ends[f"w{i}"] = "won"
    for i in range(4):
        stages.append((f"stuck{i}", "new", 200))
        ends[f"stuck{i}"] = "open"
    stages.append(("stuck0", "won", 30))
    ends["stuck0"] = "won"
    for i in range(2):
        stages += [(f"fresh{i}", "new", 95), (f"fresh{i}", "won", 40)]
        ends[f"fresh{i}"] = "won"
    history = pd.DataFrame(stages, columns=["lead_id", "stage", "back"])
    history["entered_on"] = days_before(*history.pop("back"))
    created = history.groupby("lead_id")["entered_on"].min()
    table = pd.DataFrame({"created_on": created, "status": pd.Series(ends)})
    return {"leads": table.rename_axis("lead_id").reset_index(), "lead_stages": history}


@pytest.fixture(scope="module")
def study() -> sl.Study:
    tables = {"orders": regulars.orders(AS_OF, 40, 10), "touches": touches(), **leads()}
    return sl.Study.from_frames(tables, as_of=AS_OF, title="Shop")


def test_interest_is_answered_by_a_call_on_that_day_or_later(study):
    found = unanswered(study.table("touches"), AS_OF)
    assert found.to_dict() == {"c00": 3.0, "c02": 2.0}


def test_stuck_deals_are_tested_on_an_earlier_day(study):
    found = stuck_deals(study, 90)
    assert found is not None
    assert (found.named, found.bought, found.others_share) == (4, 1, 1.0)


def test_every_list_has_a_rule_somebody_who_acts_and_a_back_test(study):
    with speaking(currency="EUR"):
        made = Gathering(study, "rfm", 90, {})
        rows = watched(made.actions, made.wings).set_index("list")
        page = cards_of(made)
    lines = {row["list"]: row for row in page["watched"]["rows"]}
    assert lines["Broke their rhythm"]["whole_list"] == "actions.xlsx"
    assert lines["Birthdays"]["whole_list"] == ""  # nobody is on it
    shown = segments_page(page)
    assert 'id="watch-lists" class="sl-details" open' in shown
    assert shown.count('<th scope="row">') == len(rows)
    week = next(p for p in made.front().parts() if p["heading"] == "This week")
    assert week["file"] == "segments.html#watch-lists"
    assert len(rows) == len(watch.RULES) + 2
    assert rows.notna().all(axis=None)
    assert (rows[["rule", "who_acts", "back_test"]] != "").all(axis=None)
    assert not rows.to_string().count("{{")
    assert rows["back_test"]["Birthdays"].startswith("No birthdays")
    debt = rows["back_test"]["Debt above a limit or age"]
    assert debt == "No invoices in the data."
    said = rows["back_test"]["Stuck deals"]
    assert said.startswith("90 days ago 4 open deals were stuck; 25%")
    assert said.endswith("100% of the other open deals.")
    broken = rows.loc["Broke their rhythm"]
    assert broken["on_it_today"] == 10
    assert broken["back_test"] == (
        "90 days ago 10 customers were on this list; 0% (0% to 28%) have bought since, "
        "100% of all others."
    )
    # c00 and c02 show interest, both silent for 150 days.
    assert rows["on_it_today"]["Interest nobody answered"] == 2


def test_the_segment_a_customer_came_from_is_the_one_the_run_before_listed(study):
    with speaking(currency="EUR"):
        first = Gathering(study, "rfm", 90, {}).actions.all
        before = first.assign(made_on=dt.date(2025, 12, 30), previous_segment="")
        before["segment"] = before["segment"].where(
            before["customer_id"] != "c00", "Elsewhere"
        )
        again = Gathering(study, "rfm", 90, {}, earlier=before).actions.all
    mine = again[again["customer_id"] == "c00"].iloc[0]
    assert mine["previous_segment"] == "Elsewhere"
    assert mine["changed_since"] == pd.Timestamp("2025-12-30")
    assert set(first["state"]) <= {"new", "active", "slowing", "lapsed"}
    assert first["state"].notna().all()
