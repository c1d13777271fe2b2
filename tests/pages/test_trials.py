"""A campaign whose arms cannot be compared says so wherever its effect would stand."""

from __future__ import annotations

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.act import campaigns, effects
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages import trials
from segment_lab.pages.front.lessons import became, lessons
from segment_lab.pages.lessons import LessonsPage
from segment_lab.texts import speaking

IDS = [f"C{i:03}" for i in range(120)]
ARMS = ["treatment"] * 60 + ["holdout"] * 60


class Decided:
    """What `became` and `lessons` ask of a page."""

    arms = pd.DataFrame()

    def __init__(self, found: pd.DataFrame):
        self.found = found

    @property
    def measured(self) -> pd.DataFrame:
        return effects.measured(self.found)


def study(erased: list[str] = (), contacted: list[str] = ()) -> sl.Study:
    """A finished campaign of 120 customers, some of whom are in no table any more, or were
    contacted although held out."""
    campaign = pd.DataFrame(
        {
            "campaign_id": "June",
            "customer_id": IDS,
            "arm": ARMS,
            "assigned_on": pd.Timestamp("2026-06-01"),
            "horizon_days": 30,
            "action": "call",
            "promised": 1.0,
        }
    )
    days = pd.to_datetime(["2026-01-10", "2026-06-10"])
    orders = pd.DataFrame(
        [(c, day, 10.0) for c in IDS for day in days if c not in erased],
        columns=["customer_id", "order_date", "amount"],
    )
    touches = pd.DataFrame(
        {
            "customer_id": contacted or ["other"],
            "touch_date": pd.Timestamp("2026-06-05"),
            "event": "call",
            "channel": "call",
            "campaign_id": "June" if contacted else "another",
        }
    )
    tables = {"orders": orders, "campaigns": campaign, "touches": touches}
    return sl.Study.from_frames(tables, as_of="2026-08-01")


@pytest.fixture(scope="module")
def erased() -> sl.Study:
    """One arm lost twenty customers, the other none."""
    return study(erased=IDS[:20])


def test_a_withheld_effect_says_why_and_not_that_nothing_has_finished(erased):
    with pytest.raises(NotEnoughDataError, match="one arm has lost"):
        effects.measured(erased.campaign_results())


def test_the_lessons_open_with_it_and_show_the_check_of_every_campaign(erased):
    page = LessonsPage(erased)
    assert "No effect shown: 20 contacted and 0 held-out" in str(page.headline())
    assert "Whether the arms of each campaign" in str(page.campaigns())
    assert "Not available" in str(page.who_responds())


def test_page_one_and_the_index_say_it_in_place_of_the_plans_result(erased):
    [said] = became(Decided(erased.campaign_results()))
    assert said.startswith("June: No effect shown")


def test_held_out_customers_who_were_contacted_are_told_beside_the_result():
    found = study(contacted=IDS[60:65]).campaign_results()
    result, doubt = became(Decided(found))
    assert "Last plan" in result
    assert "5 held-out customers were contacted" in doubt
    assert "further from zero" in str(trials.checks(found))


def test_arms_that_can_be_compared_raise_no_doubt():
    [result] = became(Decided(study().campaign_results()))
    assert "Last plan" in result


def test_a_campaign_of_one_segment_is_told_by_its_name():
    found = study().campaign_results().assign(segment="Lost", action="email")
    [said] = lessons(Decided(found))
    assert said.startswith("E-mail to “Lost” customers, 60 contacted: no difference")
    [result] = became(Decided(found))
    assert "Not certain yet: Lost (e-mail)." in result
    with speaking("ru"):
        [said] = lessons(Decided(found))
    assert "сегмент «Lost»" not in said
    of_all = found.assign(segment=["Lost", "At Risk"] * 60)
    [said] = lessons(Decided(of_all))
    assert said.startswith("E-mail, 60 contacted")


def test_before_the_first_campaign_there_is_nothing_to_check():
    found = study().at("2026-05-01").campaign_results()
    assert found.empty
    assert "Not available" in str(trials.checks(found))
    assert became(Decided(found)) == []


def test_control_groups_of_another_length_are_said_not_to_count():
    found = pd.DataFrame(
        {
            "arm": ["holdout"] * 5 + ["treatment"],
            "horizon_days": [60, 60, 72, 90, 112, 60],
            "orders": 1,
            "reached": [False, False, False, False, False, True],
        }
    )
    assert campaigns.left_alone(found, 90)["customers"].tolist() == [3]
    unread = campaigns.of_other_length(found, 90)
    assert unread.to_dict() == {60: 2}
    [said] = trials.of_other_length(unread, 90)
    assert said == (
        "2 customers left alone in campaigns of 60 days do not count here: only campaigns of "
        "72 to 112 days tell who buys within 90 days."
    )
    none = campaigns.of_other_length(found[found["horizon_days"] > 60], 90)
    assert trials.of_other_length(none, 90) == []
