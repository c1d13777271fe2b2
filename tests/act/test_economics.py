"""Formulas against published figures and against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from segment_lab.act import economics as ec
from segment_lab.errors import ConfigError


def test_wilson_reproduces_newcombe_1998():
    # Newcombe (1998), two proportions: 56/70 against 48/80; method 10 gives .0524 to .3339.
    assert ec.rate_difference(56, 70, 48, 80) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    # Newcombe (1998), single proportion 81/263, score method: .2553 to .3662.
    assert ec.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert ec.wilson(0, 0) == (0.0, 1.0)


def test_detectable_effect_is_the_formula():
    expected = (1.959964 + 0.8416212) * np.sqrt(0.2 * 0.8 * (1 / 800 + 1 / 200))
    assert ec.detectable_effect(0.2, 800, 200) == pytest.approx(expected, rel=1e-6)
    assert ec.detectable_effect(0.2, 800, 0) == np.inf


def test_detectable_effect_is_found_four_times_of_five():
    rng, p, n = np.random.default_rng(1), 0.2, 1000
    uplift = ec.detectable_effect(p, n, n)
    treated, held = rng.binomial(n, p + uplift, 4000) / n, rng.binomial(n, p, 4000) / n
    z = (treated - held) / np.sqrt(2 * p * (1 - p) / n)
    assert (z > stats.norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9, 0.97, 1.0])
def test_no_more_than_all_can_buy(rate):
    assert min(max(rate, 0.01), 0.99) + ec.default_belief(rate).quantile(0.9) <= 1 + 1e-9


def test_where_few_buy_anyway_the_belief_is_cohens_small_effect():
    assert ec.default_belief(0.3).sd == pytest.approx(0.2 * np.sqrt(0.3 * 0.7))


def test_break_even():
    assert ec.break_even(6.5, 130) == 0.05
    assert ec.break_even(0, 130) == 0
    assert ec.break_even(1, 0) == np.inf
    assert np.isnan(ec.break_even(1, np.nan))
    assert np.isnan(ec.break_even(0, np.nan))


def test_normal_update_by_hand():
    # Equal precision: the mean is half way, the variance half.
    new = ec.Belief(0, 0.1, "prior").update(0.2, 0.1, "K1")
    assert (new.mean, new.sd) == pytest.approx((0.1, 0.1 / np.sqrt(2)))
    assert (new.source, new.measured) == ("K1", True)
    assert (
        ec.Belief(0, 0.1, "prior").update(0.2, 0.1, "elsewhere", measured=False).measured is False
    )
    with pytest.raises(ConfigError):
        ec.Belief(0, 0, "nothing is certain")


@given(st.floats(-0.1, 0.1), st.floats(0.01, 0.1), st.floats(-0.2, 0.2), st.floats(0.01, 0.2))
def test_update_lies_between_and_never_widens(mean, sd, effect, se):
    new = ec.Belief(mean, sd, "").update(effect, se, "")
    assert min(mean, effect) - 1e-12 <= new.mean <= max(mean, effect) + 1e-12
    assert new.sd < min(sd, se)


def test_pilot_worth_equals_simulation():
    n, belief, margin, cost, rate = 600, ec.Belief(0.01, 0.04, ""), 80.0, 1.5, 0.2
    rng = np.random.default_rng(3)
    truth = rng.normal(belief.mean, belief.sd, 400_000)
    variance = rate * (1 - rate) * 4 / n
    seen = rng.normal(truth, np.sqrt(variance))
    weight = belief.sd**2 / (belief.sd**2 + variance)
    goes_on = (belief.mean + weight * (seen - belief.mean)) * margin > cost
    profit = (truth * margin - cost) * (n / 2 + n * goes_on)
    assert ec.pilot_worth(n, belief, margin, cost, rate) == pytest.approx(
        profit.mean(), abs=4 * profit.std() / 632
    )


def test_pilot_worth_falls_with_cost_and_is_unknown_without_margin():
    worth = [ec.pilot_worth(500, ec.Belief(0, 0.05, ""), 50, c, 0.1) for c in (0, 1, 2, 5)]
    assert worth == sorted(worth, reverse=True)
    assert worth[0] > 0 > worth[-1]
    assert np.isnan(ec.pilot_worth(500, ec.Belief(0, 0.05, ""), np.nan, 1, 0.1))
    assert np.isnan(ec.pilot_worth(1, ec.Belief(0, 0.05, ""), 50, 1, 0.1))
