"""Rates: the range for the next period, drift between periods, the smallest effect of a test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from segment_lab.customers.rates import (
    detectable_effect,
    drift_between,
    next_period,
    wilson,
)


def test_the_next_period_is_held_about_as_often_as_promised_and_the_rates_own_interval_is_not():
    rng = np.random.default_rng(0)
    rate = rng.uniform(0.02, 0.6, 1500)
    seen, came = rng.binomial(150, rate), rng.binomial(90, rate) / 90
    low, high = next_period(seen, 150, 90)
    assert np.mean((low <= came) & (came <= high)) == pytest.approx(0.955, abs=0.02)
    own_low, own_high = wilson(seen, 150)
    assert np.mean((own_low <= came) & (came <= own_high)) < 0.85


def test_many_customers_seen_leave_the_chance_of_the_next_period_alone():
    low, high = next_period(300_000, 1_000_000, 50)
    assert (low, high) == pytest.approx(np.array(binom.interval(0.95, 50, 0.3)) / 50)


def test_nobody_seen_is_no_zero_percent():
    assert next_period(0, 0, 10) == (0, 1)
    low, high = next_period([0, 3], [0, 10], [10, 10])
    assert (low[0], high[0]) == (0, 1)


def test_drift_widens_the_range_and_is_found_where_it_was_put():
    rng = np.random.default_rng(1)
    base, moves = rng.normal(-1, 0.5, 300), rng.normal(0, 0.4, (5, 300)).cumsum(axis=0)
    n = np.full((5, 300), 400)
    hits = rng.binomial(n, 1 / (1 + np.exp(-(base + moves))))
    assert drift_between(hits, n) == pytest.approx(0.4, abs=0.06)
    still = rng.binomial(n, 1 / (1 + np.exp(-base)))
    assert drift_between(still, n) < 0.1
    low, high = next_period(100, 400, 400)
    wide_low, wide_high = next_period(100, 400, 400, drift=0.4)
    assert wide_low < low < high < wide_high


def test_the_smallest_effect_is_infinite_without_a_control_group():
    found = detectable_effect([0.1, 0.1], [1000, 1000], [1000, 0])
    assert found[0] == pytest.approx(2.8016 * np.sqrt(0.1 * 0.9 * 2 / 1000), rel=1e-4)
    assert found[1] == np.inf


def test_the_prior_is_jeffreys_half_on_both_sides():
    # Nobody of n came: by hand the next customer stays away with a chance of (n + 1/2)/(n + 1),
    # .974 after 18 and .976 after 20; the upper end is where 97.5 % are reached.
    assert [high for _, high in (next_period(0, n, 1) for n in (18, 20))] == [1, 0]
    # From none to 10 of 20: ln(20.5/.5)² less 1/.5 + 1/20.5 + 2/10.5.
    by_hand = np.log(41) ** 2 - 2 - 1 / 20.5 - 2 / 10.5
    found = drift_between([[0], [10]], [[20], [20]])
    assert found == pytest.approx(np.sqrt(by_hand))
