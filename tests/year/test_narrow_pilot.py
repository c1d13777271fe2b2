"""A narrow pilot that went badly does not end a cheap action for good."""

from __future__ import annotations

import pandas as pd
import pytest

from segment_lab.act.beliefs import learn
from segment_lab.act.verdicts import decide

SEGMENTS = ["A", "B", "C", "D", "E"]
CUSTOMERS, COST, MARGIN, RATE = 400, 0.1, 40.0, 0.15
EFFECT = 0.03
ROUNDS = 6


def arms(segment: str, treated: float, held: float, gained: float, **more) -> dict:
    """What a campaign shows whose contacts change the share that buys by `gained`."""
    found = {
        "segment": segment,
        "action": "email",
        "treated": treated,
        "treated_buyers": treated * (RATE + gained),
        "held": held,
        "held_buyers": held * RATE,
        **more,
    }
    for arm in ("treated", "held"):
        found[f"{arm}_money"] = found[f"{arm}_buyers"] * MARGIN
    return found


def pilot(segment: str) -> dict:
    """Thirty e-mails of which nobody bought, beside five of thirty who had none."""
    unlucky = arms(segment, 30, 30, 0.0, campaign_id="pilot")
    return {**unlucky, "treated_buyers": 0, "treated_money": 0.0, "held_buyers": 5}


def decided(shown: list[dict]) -> pd.DataFrame:
    options = pd.DataFrame(
        {
            "segment": SEGMENTS,
            "belief": "email",
            "customers": CUSTOMERS,
            "cost_per_contact": COST,
            "minutes_per_contact": 0.0,
            "margin": MARGIN,
            "natural_rate": RATE,
        }
    )
    belief = learn(pd.DataFrame(shown), SEGMENTS, kind="email")
    return decide(options, {"email": belief}).set_index("segment")


def rounds(shown: list[dict], effect: float) -> list[pd.DataFrame]:
    """Plan after plan: what is contacted is measured and counts for the next one."""
    plans = []
    for number in range(ROUNDS):
        plan = decided(shown)
        plans.append(plan)
        for segment, row in plan[plan["contacts"] > 0].iterrows():
            sizes = float(row["contacts"]), max(float(row["held_out"]), 1.0)
            shown = [*shown, arms(segment, *sizes, effect, campaign_id=f"R{number}")]
    return plans


def test_the_pilot_alone_speaks_against_the_action():
    first = decided([pilot("A")])
    assert first["expected"]["A"] < 0
    assert first["role"]["A"] != "main"


@pytest.mark.parametrize("segments", [["A"], ["A", "B"]])
def test_after_a_narrow_pilot_the_cheap_action_comes_back(segments):
    plans = rounds([pilot(name) for name in segments], EFFECT)
    assert (plans[0]["contacts"] > 0).any()  # somebody is asked again at once
    last = plans[-1]
    assert (last["role"] == "main").all()
    assert (last["contacts"] > CUSTOMERS / 2).all()


def test_an_action_that_truly_harms_does_not_come_back():
    last = rounds([pilot(name) for name in SEGMENTS], -0.05)[-1]
    assert not (last["role"] == "main").any()
