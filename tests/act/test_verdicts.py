"""The ladder, rung by rung; tests and holdouts where they are worth it; and a company that follows
the advice."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segment_lab.act.beliefs import learn
from segment_lab.act.budget import plan_budget
from segment_lab.act.rules import Rules
from segment_lab.act.verdicts import BESIDE, MAIN, decide, draws, total

ROOT = Path(__file__).resolve().parents[2]


def options(rows, **more):
    """From (segment, kind, customers, cost), with 40 a natural buyer at a natural rate of .3."""
    frame = pd.DataFrame(
        rows, columns=["segment", "belief", "customers", "cost_per_contact"]
    )
    return frame.assign(**{"margin": 40.0, "natural_rate": 0.3, **more})


def believed(frame, arms=None):
    arms = pd.DataFrame() if arms is None else arms
    kinds = frame.groupby("belief", sort=False)["segment"]
    return {
        kind: learn(arms, list(names.unique()), kind=str(kind)) for kind, names in kinds
    }


def a_test(segment, kind, treated, held, size=5000, baskets=(40.0, 40.0)):
    """A campaign in which so many of 100 bought in each arm."""
    row = {"campaign_id": "K1", "segment": segment, "action": kind}
    for arm, rate, basket in zip(
        ("treated", "held"), (treated, held), baskets, strict=True
    ):
        buyers = round(size * rate)
        row |= {arm: size, f"{arm}_buyers": buyers, f"{arm}_money": buyers * basket}
    return row


def verdict(rows, arms=None, **more):
    frame = options(rows, **more)
    arms = None if arms is None else pd.DataFrame(arms)
    return decide(frame, believed(frame, arms))


def test_the_ladder_rung_by_rung():
    assert verdict([("A", "call", 19, 1)])["verdict"].tolist() == ["your_judgement"]
    assert verdict([("A", "call", 500, 1)], margin=np.nan)["verdict"].tolist() == [
        "your_judgement"
    ]
    proven = verdict([("A", "call", 500, 1)], [a_test("A", "call", 0.4, 0.3)])
    assert proven[["verdict", "ground"]].to_numpy().tolist() == [
        ["do_it", "measured_here"]
    ]
    harm = verdict([("A", "call", 500, 1)], [a_test("A", "call", 0.2, 0.3)])
    assert harm[["verdict", "ground"]].to_numpy().tolist() == [
        ["stop_it", "measured_here"]
    ]
    assert harm["contacts"].tolist() == [0]
    cheap = verdict([("A", "email", 500, 0.05)])
    assert cheap[["verdict", "ground"]].to_numpy().tolist() == [["watch", "expected"]]
    assert cheap["contacts"].iloc[0] + cheap["held_out"].iloc[0] == 500
    dear = verdict([("A", "call", 5000, 2)])
    assert dear["verdict"].tolist() == ["test"]
    assert 0 < dear["contacts"].iloc[0] <= 2500
    assert verdict([("A", "call", 60, 30)])["verdict"].tolist() == ["not_worth_it"]


def test_too_few_to_measure_is_no_reason_to_leave_them_alone():
    found = verdict([("A", "email", 25, 0.1)])
    assert found["verdict"].tolist() == ["watch"]
    assert found["worth"].iloc[0] > 0


def test_what_another_segment_showed_is_never_called_measured_here():
    rows = [("A", "call", 500, 1), ("B", "call", 500, 1)]
    found = verdict(rows, [a_test("A", "call", 0.4, 0.3)])
    assert found["ground"].tolist() == ["measured_here", "measured_elsewhere"]
    assert found["verdict"].tolist()[1] != "do_it"
    weak = verdict([("A", "call", 500, 1)], [a_test("A", "call", 0.4, 0.3, size=20)])
    assert weak["ground"].tolist() == ["measured_elsewhere"]


def test_a_measured_loss_is_stopped_whatever_the_buyers_do():
    loss = [a_test("A", "discount", 0.62, 0.50, baskets=(26.0, 40.0))]
    found = verdict([("A", "discount", 9000, 1)], loss, natural_rate=0.5)
    assert found["verdict"].tolist() == ["stop_it"]


def test_identical_segments_get_identical_verdicts():
    rows = [(f"S{i}", "call", 800, 2) for i in range(6)]
    found = verdict(
        rows, [a_test(f"S{i}", "call", 0.33, 0.3, size=300) for i in range(6)]
    )
    assert found["verdict"].nunique() == found["contacts"].nunique() == 1


def test_pilots_of_one_kind_are_read_together():
    names = [f"S{i}" for i in range(6)]
    rows = [(name, "call", 800, 2) for name in names]
    arms = [a_test(name, "call", 0.33, 0.3, size=300) for name in names]
    alone, all_six = verdict(rows, arms[:1]), verdict(rows, arms)
    # Five more results of the same size make the first one surer, and the same of all.
    assert all_six["effect_sd"].iloc[0] < 0.8 * alone["effect_sd"].iloc[0]
    assert np.ptp(all_six["effect"]) == pytest.approx(0, abs=1e-9)
    assert all_six[["verdict", "ground", "role"]].drop_duplicates().shape[0] == 1


def test_one_action_is_done_and_another_tested_beside_it_with_one_control():
    found = verdict([("A", "email", 6000, 0.05), ("A", "call", 6000, 2)])
    assert found["role"].tolist() == [MAIN, BESIDE]
    assert found["held_out"].iloc[0] == found["held_out"].iloc[1]
    assert found["contacts"].sum() + found["held_out"].iloc[0] == 6000
    assert found["held_out"].iloc[0] >= found["contacts"].iloc[1]


def test_a_larger_control_group_does_not_make_the_main_action_second():
    # The first mail brings more a contact; a test beside it and its control take customers away.
    frame = options(
        [
            ("A", "email", 6000, 0.05),
            ("A", "call", 6000, 0.75),
            ("A", "email", 6000, 0.06),
        ]
    )
    shown = pd.DataFrame([a_test("A", "email", 0.33, 0.3)])
    found = decide(
        frame.assign(action=["first", "call", "second"]), believed(frame, shown)
    )
    assert found["role"].tolist() == [MAIN, BESIDE, "second"]
    assert found["worth"].iloc[0] < found["worth"].iloc[2]
    found["group"] = ["A", "A · test", "A"]
    assert plan_budget(found).picked.tolist() == [True, True, False]


@pytest.mark.parametrize("customers", [22, 60, 600, 6000])
def test_a_test_leaves_customers_to_the_action_that_is_done(customers):
    # A base of 60 accounts with large orders: what a test teaches is worth much, and still.
    rows = [("A", "gift", customers, 15), ("A", "email", customers, 0.1)]
    found = verdict(rows, margin=1200.0, natural_rate=0.75)
    main = found[found["role"] == MAIN].iloc[0]
    assert main["contacts"] > 0
    assert found["contacts"].sum() + main["held_out"] == customers


def test_an_action_is_not_tested_against_its_like():
    found = verdict([("A", "email", 600, 0.05), ("A", "email", 600, 0.05)])
    assert found["role"].tolist() == [MAIN, "second"]


def test_a_holdout_given_by_hand_is_kept():
    frame = options([("A", "email", 1000, 0.05)])
    found = decide(frame, believed(frame), Rules(holdout=0.25)).iloc[0]
    assert (found["contacts"], found["held_out"]) == (750, 250)


def test_chances_are_those_of_a_normal_distribution():
    found = verdict([("A", "email", 1000, 0.05)]).iloc[0]
    frame = options([("A", "email", 1000, 0.05)])
    drawn = np.random.default_rng(0).normal(
        found["effect"], found["effect_sd"], 200_000
    )
    assert (drawn > 0.05).mean() == pytest.approx(found["p_pays"], abs=0.005)
    values = draws(decide(frame, believed(frame)), believed(frame), 4000, seed=1)[0]
    assert values.mean() == pytest.approx(found["worth"], abs=60)
    inside = (values > found["worth_low"]) & (values < found["worth_high"])
    assert inside.mean() == pytest.approx(0.8, abs=0.03)


def test_the_total_allows_for_errors_that_go_together():
    frame = options([(name, "email", 1000, 0.05) for name in "ABCD"])
    found = decide(frame, believed(frame))
    together = total(found, believed(frame))
    apart = np.sqrt(((found["worth_high"] - found["worth"]) ** 2).sum())
    assert together.worth == pytest.approx(found["worth"].sum())
    assert together.high - together.worth > 1.2 * apart


def policy():
    """The benchmark's worlds."""
    spec = importlib.util.spec_from_file_location(
        "policy", ROOT / "benchmarks" / "policy.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["policy"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(
    ("world", "least"), [("small", 0.35), ("hurts", 0.35), ("gains", 0.5)]
)
def test_following_the_advice_earns_its_share_of_what_could_be_known(world, least):
    game = policy()
    found = game.summary([game.play(world, 10_000, seed) for seed in range(2)])
    assert found["share"] > least
    if world == "hurts":
        assert found["earned"] > found["email"]


@pytest.mark.slow
def test_where_nothing_works_little_is_lost():
    game = policy()
    found = game.summary([game.play("harm", 10_000, seed) for seed in range(2)])
    assert found["of_email"] < 0.5
    few = game.play("small", 600, 1)
    assert few.done["contacts"].sum() > 0  # at 600 customers somebody is contacted
