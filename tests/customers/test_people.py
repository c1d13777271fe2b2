"""Who the customers are beside what they bought."""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd
import pytest

from segment_lab.customers.people import lead_days, ordered_later, with_prospects
from segment_lab.errors import ConfigError

DAY = dt.date(2026, 3, 1)
BUYERS = pd.DataFrame(columns=["frequency", "repeat_frequency", "revenue"]).rename_axis(
    "customer_id"
)
LEADS = ibis.memtable({"lead_id": ["1", "2", "3"], "customer_id": ["a", "b", "c"]})
STAGES = ibis.memtable(
    {
        "lead_id": ["1", "2", "3"],
        "stage": ["Отправлено КП", "Angebot verschickt", "Rozmowa"],
        "entered_on": [dt.date(2026, 1, 5), dt.date(2026, 1, 6), dt.date(2026, 1, 7)],
    }
)

DAYS = lead_days(LEADS, STAGES)


def offered(**more) -> set[str]:
    table = with_prospects(BUYERS, None, None, lead_days(LEADS, STAGES, **more), DAY)
    return set(table.index[table["offer"]])


def test_offers_are_known_by_the_stage_names_of_any_language():
    assert offered() == {"a", "b"}


def test_the_study_file_can_name_the_stages_and_a_wrong_name_is_refused():
    assert offered(offer_stages=("Rozmowa",)) == {"c"}
    with pytest.raises(ConfigError, match="Rozmowa"):
        offered(offer_stages=("Rozmova",))


def test_an_offer_after_the_day_is_not_known_yet():
    early = with_prospects(BUYERS, None, None, DAYS, dt.date(2026, 1, 6))
    assert set(early.index) == {"a"}


def test_who_first_ordered_later_and_left_no_earlier_trace_was_not_known_yet():
    known = pd.DataFrame({"region": "N"}, index=pd.Index([*"adef"], name="customer_id"))
    known["created_on"] = pd.to_datetime([None, None, "2026-02-01", None])
    touches = ibis.memtable({"customer_id": ["f"], "touch_date": [dt.date(2026, 2, 1)]})
    later = ["a", "d", "e", "f"]
    table = with_prospects(BUYERS, known, touches, DAYS, DAY, later=later)
    # a: a lead reached an offer; e: the account is older; f: a contact. d: nothing before the day.
    assert {"a", "e", "f"} <= set(table.index)
    assert "d" not in table.index
    assert "d" in with_prospects(BUYERS, known, touches, DAYS, DAY).index


def test_a_customer_of_the_day_and_one_of_the_day_before():
    lines = ibis.memtable(
        {
            "customer_id": ["a", "a", "b"],
            "order_date": [
                dt.date(2026, 2, 28),
                dt.date(2026, 3, 1),
                dt.date(2026, 3, 1),
            ],
        }
    )
    assert list(ordered_later(lines, DAY)) == ["b"]


def test_a_lead_is_known_from_its_first_trace_on():
    leads = ibis.memtable(
        {
            "lead_id": ["1", "2", "3"],
            "customer_id": ["a", "a", None],
            "created_on": [None, dt.date(2026, 1, 9), dt.date(2026, 1, 1)],
        }
    )
    days = lead_days(leads, STAGES)
    assert list(days.index) == ["a"]
    assert days.loc["a", "known_on"] == pd.Timestamp("2026-01-05")
    assert days.loc["a", "offered_on"] == pd.Timestamp("2026-01-05")
    alone = lead_days(leads, None)
    assert alone.loc["a", "known_on"] == pd.Timestamp("2026-01-09")
    assert alone["offered_on"].isna().all()
    assert lead_days(None, None).empty
