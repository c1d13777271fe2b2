"""The range of a money effect where an arm has few buyers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segment_lab.act.effects import _money
from segment_lab.customers.rates import Z975


def arm(customers: int, spent: list[float], **more: object) -> pd.DataFrame:
    """An arm of so many customers, some of whom bought once."""
    margin = [*spent, *[0.0] * (customers - len(spent))]
    rows = pd.DataFrame({"margin": margin}).assign(**more)
    return rows.assign(orders=(rows["margin"] > 0).astype(float))


@pytest.mark.parametrize("drawn", [{}, {"probability": 0.5}])
def test_a_control_group_in_which_nobody_bought_makes_nothing_certain(drawn):
    treated, held = arm(25, [50.0, 60.0, 70.0, 60.0, 60.0], **drawn), arm(11, [])
    found = _money(treated, held.assign(**drawn), "margin")
    assert found["money_effect"] == pytest.approx(12)
    # By hand: 60 a buyer on average over both arms, mean square 3640.
    share = 1 / 13
    of_control = (share * 3640 - (share * 60) ** 2) / 13
    of_treated = max(
        (6 / 27 * 3640 - (6 / 27 * 60) ** 2) / 27, treated.margin.var() / 25
    )
    error = np.sqrt(of_control + of_treated)
    assert found["money_se"] == pytest.approx(error)
    assert found["money_effect_low"] == pytest.approx(12 - Z975 * error, abs=0.3)
    assert found["money_effect_low"] < 0.5


def test_many_buyers_tell_their_own_spread():
    treated, held = arm(40, [50.0, 70.0] * 6), arm(40, [50.0, 70.0] * 5)
    error = np.sqrt(treated.margin.var() / 40 + held.margin.var() / 40)
    assert _money(treated, held, "margin")["money_se"] == pytest.approx(error)


def test_where_nothing_works_few_campaigns_seem_to_pay():
    """Small control groups, as plans draw them: one in 40 may seem to pay by chance; taken as they
    stand, one in ten did."""
    random = np.random.default_rng(3)
    pays = []
    for _ in range(400):
        arms = [
            arm(n, list(40 * random.lognormal(0, 0.8, random.binomial(n, 0.05))))
            for n in (200, 60)
        ]
        pays.append(_money(*arms, "margin")["money_effect_low"] > 0)
    assert np.mean(pays) < 0.05
