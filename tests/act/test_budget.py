"""The budget equals brute force, its prices are derivatives, and its answers say what would change
it."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lab.act import plan_budget
from segment_lab.errors import ConfigError, DataError

OPTION = st.tuples(
    st.integers(0, 3), st.integers(0, 40), st.integers(0, 12), st.integers(-30, 60)
)


def frame(rows):
    return pd.DataFrame(
        [
            (f"S{s}", f"a{i}", float(c), float(h), float(v))
            for i, (s, c, h, v) in enumerate(rows)
        ],
        columns=["segment", "action", "cost", "hours", "value"],
    )


def brute_force(options, money, hours):
    """The best value over every way to give each segment one of its actions or none."""
    choices = [[None, *part.index] for _, part in options.groupby("segment")]
    best = 0.0
    for pick in itertools.product(*choices):
        rows = options.loc[[i for i in pick if i is not None]]
        if (money is None or rows["cost"].sum() <= money) and (
            hours is None or rows["hours"].sum() <= hours
        ):
            best = max(best, rows["value"].sum())
    return best


@given(
    st.lists(OPTION, min_size=1, max_size=9),
    st.none() | st.integers(0, 90),
    st.none() | st.integers(0, 25),
)
def test_plan_equals_brute_force(rows, money, hours):
    options = frame(rows)
    plan = plan_budget(options, money=money, hours=hours)
    assert plan.value == pytest.approx(brute_force(options, money, hours), abs=1e-6)
    assert plan.spent <= (np.inf if money is None else money) + 1e-6
    assert plan.hours <= (np.inf if hours is None else hours) + 1e-6
    assert list(plan.chosen.index) == list(options["segment"].unique())


def test_one_action_per_segment_and_do_nothing():
    plan = plan_budget(
        frame([(0, 10, 1, 30), (0, 20, 1, 45), (1, 10, 1, -5)]), money=25
    )
    assert plan.chosen["action"].to_dict() == {"S0": "a1", "S1": "Do nothing"}
    assert (plan.value, plan.spent, plan.hours) == (45, 20, 1)


def test_shadow_price_is_the_best_use_of_one_more_unit():
    # 15 of 20 affordable: the second segment is half served in the relaxation, at 3 of value per
    # unit of money.
    plan = plan_budget(frame([(0, 10, 0, 50), (1, 10, 0, 30)]), money=15, hours=99)
    assert plan.price_of_money == pytest.approx(3)
    assert plan.price_of_hour == 0
    assert plan.next_funded == ((("S1", "a1"),), "money", pytest.approx(5))
    assert plan_budget(
        frame([(0, 10, 0, 50)]), money=15
    ).price_of_money == pytest.approx(0)


def test_hours_can_be_what_is_scarce():
    plan = plan_budget(frame([(0, 1, 8, 50), (1, 1, 4, 30)]), money=100, hours=8)
    assert plan.chosen["action"].to_dict() == {"S0": "a0", "S1": "Do nothing"}
    assert plan.next_funded == ((("S1", "a1"),), "hours", pytest.approx(4))
    assert plan.price_of_hour > 0


def test_the_same_money_spent_evenly_is_worth_less():
    # Evenly: half of both first actions = (60 + 20) / 2 = 40; the plan takes the good one whole.
    plan = plan_budget(frame([(0, 10, 0, 60), (1, 10, 0, 20)]), money=10)
    assert (plan.value, plan.rivals["proportional"]) == (60, 40)


def test_rivals_are_honest():
    # What may not be done is no part of even spending; everybody and the e-mail count their losses.
    options = frame([(0, 10, 0, 60), (1, 10, 0, -20), (1, 1, 0, 5)])
    options = options.assign(
        allowed=[True, False, True],
        kind=["call", "call", "email"],
        worth=[60.0, np.nan, 5.0],
        to_all=[70.0, -40.0, 6.0],
    )
    rivals = plan_budget(options).rivals
    assert rivals == {"nobody": 0, "everybody": 30, "email": 6, "proportional": 65}


def test_groups_of_one_segment_are_chosen_apart():
    options = frame([(0, 10, 0, 60), (0, 5, 0, 20)]).assign(group=["S0", "S0 · test"])
    plan = plan_budget(options)
    assert plan.value == 80
    assert plan.picked.tolist() == [True, True]
    assert plan.chosen["segment"].tolist() == ["S0", "S0"]


def test_survival_counts_the_draws_that_agree():
    options = frame([(0, 10, 0, 5), (1, 10, 0, 4)])
    draws = np.array([[5.0, 5, 5, -1], [4.0, 4, 6, 6]])
    plan = plan_budget(options, money=10, draws=draws)
    assert plan.chosen["survival"].tolist() == [0.5, 0.5]
    assert plan_budget(options, money=10).chosen["survival"].isna().all()


def test_what_was_never_another_choice_does_not_hold_for_certain():
    options = frame([(0, 10, 0, 60), (1, 10, 0, 50)]).assign(allowed=[True, False])
    draws = np.array([[60.0, 50, 40, 30], [1.0, 1, 1, 1]])
    survival = plan_budget(options, money=100, draws=draws).chosen["survival"]
    assert survival.isna().tolist() == [False, True]
    unsure = plan_budget(options, money=100, draws=draws - 45)
    assert unsure.chosen["survival"].iloc[0] == 0.5  # nothing is the other choice


def test_only_allowed_options_are_chosen():
    options = frame([(0, 10, 0, 60), (1, 10, 0, np.nan)]).assign(allowed=[False, False])
    plan = plan_budget(options, money=100, draws=np.zeros((2, 5)))
    assert plan.chosen["action"].eq("Do nothing").all()
    assert plan.chosen["survival"].isna().all()  # there was no choice to make
    assert plan.rivals["proportional"] == plan.value == 0


def test_faults_of_the_options_are_named_together():
    with pytest.raises(DataError, match=r"(?s)finite.*more than once"):
        plan_budget(pd.concat([frame([(0, -1, 0, 5)])] * 2))
    with pytest.raises(DataError, match="hours: is missing"):
        plan_budget(frame([(0, 1, 0, 5)]).drop(columns="hours"))
    with pytest.raises(
        ConfigError, match="money: Input should be greater than or equal to 0"
    ):
        plan_budget(frame([(0, 1, 0, 5)]), money=-1)
