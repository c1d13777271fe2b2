"""The scheme that is acted on: settled, ahead, in the file's order where nothing tells them
apart."""

from __future__ import annotations

import pandas as pd
import pytest

from segment_lab.act.choice import (
    BEST,
    FIRST,
    agreement,
    certainly_worse,
    choose,
    differing,
)

ABLE = ("rfm", "abc", "lifecycle")
POWERS = {"rfm": 0.70, "abc": 0.65, "lifecycle": 0.80, "rules": 0.95}


def test_the_settled_scheme_with_most_power_is_acted_on():
    found = choose(ABLE, {"rfm", "abc", "rules"}, POWERS, {("abc", "rfm")})
    # lifecycle is not settled, the rules have no playbook, abc is certainly worse than rfm.
    assert (found.scheme, found.reason, found.level) == ("rfm", BEST, ())
    everything = choose(ABLE, set(ABLE), POWERS)
    assert everything.scheme == "lifecycle"
    assert everything.level == ("rfm", "abc")


@pytest.mark.parametrize("order", [("rfm", "abc"), ("abc", "rfm")])
def test_what_prints_alike_goes_by_the_study_files_order(order):
    assert (
        choose(order, {"rfm", "abc"}, {"rfm": 0.702, "abc": 0.698}).scheme == order[0]
    )


@pytest.mark.parametrize(
    ("settled", "powers"),
    [(set(), POWERS), ({"abc"}, None), ({"abc"}, {"abc": float("nan")})],
)
def test_without_a_settled_scheme_the_first_is_taken_and_said_so(settled, powers):
    found = choose(ABLE, settled, powers)
    assert (found.scheme, found.reason) == ("rfm", FIRST)


def test_only_joint_differences_in_ranking_power_count():
    rows = [
        ("ranking_power", "rfm", "abc", 0.01, 0.20),
        ("ranking_power", "rfm", "lifecycle", -0.30, -0.02),
        ("ranking_power", "abc", "lifecycle", -0.30, 0.02),
        ("missed_share", "rfm", "abc", -0.9, -0.8),
    ]
    table = pd.DataFrame(rows, columns=["measure", "a", "b", "joint_low", "joint_high"])
    assert certainly_worse(table) == {("abc", "rfm"), ("rfm", "lifecycle")}


def test_a_stance_is_confirmed_where_most_of_its_customers_get_it_too():
    people = [f"c{i}" for i in range(6)]
    mine = pd.Series(["A", "A", "A", "B", "B", "C"], index=people)
    theirs = pd.Series(["x", "x", "y", "y", "y"], index=people[:5])
    shares = agreement(
        mine,
        pd.Series({"A": "protect", "B": "let_go", "C": "grow"}),
        theirs,
        pd.Series({"x": "protect", "y": "grow"}),
    )
    assert shares[["A", "B"]].tolist() == pytest.approx([2 / 3, 0])
    assert pd.isna(shares["C"])  # the other scheme holds none of them
    against = differing(pd.DataFrame({"other": shares}))
    assert against.to_dict() == {"A": (), "B": ("other",)}
