"""What a response segment's own result says is to be done with it next time."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from segment_lab.pages import known
from segment_lab.pages.front.lessons import lessons
from segment_lab.pages.lessons import _by_cost

ROW = {
    "campaign_id": "K1",
    "variant": "a",
    "action": "email",
    "treated": 749,
    "effect": 0.0,
    "effect_low": -0.04,
    "effect_high": 0.04,
    "se": 0.02,
    "money_effect": 0.0,
    "cost_per_contact": 0.05,
    "certain": False,
    "net_certain": False,
}


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (7.0, 20.0, "pays"),
        (-9.0, -1.0, "harms"),
        (1.0, 5.0, "loses"),
        (-2.0, 9.0, "unclear"),
    ],
)
def test_a_segment_is_judged_by_its_measured_money_beside_the_cost(low, high, said):
    assert _by_cost(low, high, cost=6.5) == said


def test_page_one_says_where_a_campaign_moved_somebody_although_its_own_segments_do_not():
    """A card says "4 more buyers per 100 of the Dead"; "no difference" alone would deny it."""
    measured = pd.DataFrame([{**ROW, "segment": "quiet"}, {**ROW, "segment": "All"}])
    dead = {"segment": "Dead", "effect": 0.04, "effect_low": 0.01, "effect_high": 0.07}
    arms = pd.DataFrame([{**ROW, **dead, "certain": True}, {**ROW, "segment": "VIP"}])
    (said,) = lessons(SimpleNamespace(measured=measured, arms=arms))
    assert "no difference to customers left alone was found over all of them" in said
    assert said.endswith("but 4 more buyers per 100 among “Dead” customers (1 to 7).")
    (said,) = lessons(SimpleNamespace(measured=measured, arms=pd.DataFrame()))
    assert said.endswith("was found (0 per 100, 95% range −4 to 4).")


@pytest.mark.parametrize(("others", "certain"), [(1, True), (20, False)])
def test_a_card_is_as_sure_as_all_that_was_measured_allows(
    monkeypatch, others, certain
):
    """One effect in two with a chance of 1 % is certain; one in 21 is what chance brings."""
    dead = {**ROW, "segment": "Dead", "effect": 0.0515}
    monkeypatch.setattr(known.measuring, "effects", lambda _: pd.DataFrame([dead]))
    own = pd.DataFrame([{**ROW, "segment": f"s{i}"} for i in range(others)])
    page = SimpleNamespace(_by_segments=own, measured=own, _basket=pd.Series())
    arms = known.Known.arms.func(page)
    assert arms["certain"].tolist() == [certain]
