"""Beliefs in money: one segment by hand, pooling in both directions, and what two parts see that
one does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segment_lab.act.beliefs import (
    SPREAD_WEIGHTS,
    SPREADS,
    WIDTH_WEIGHTS,
    WIDTHS,
    Prior,
    default_prior,
    estimates,
    learn,
    pool,
)
from segment_lab.errors import ConfigError

PRIOR = Prior(0.02, 0.03, 0.03)
NONE = np.inf


def arms(rows, kind="call"):
    """Campaign results from (segment, treated, buyers, money, held, buyers, money)."""
    names = ["segment", "treated", "treated_buyers", "treated_money"]
    names += ["held", "held_buyers", "held_money"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(action=kind, campaign_id=[f"K{i}" for i in range(len(frame))])


def by_hand(estimate, variance):
    """The posterior mean of one tested segment, added up over the grid in plain loops."""
    weights, means = [], []
    for spread, spread_weight in zip(SPREADS, SPREAD_WEIGHTS, strict=True):
        for width, width_weight in zip(WIDTHS, WIDTH_WEIGHTS, strict=True):
            before = (PRIOR.spread * spread) ** 2 + (PRIOR.sd * width) ** 2
            total = before + variance
            density = np.exp(-((estimate - PRIOR.mean) ** 2) / (2 * total)) / np.sqrt(
                total
            )
            weights.append(spread_weight * width_weight * density)
            means.append(PRIOR.mean + before / total * (estimate - PRIOR.mean))
    return np.average(means, weights=weights)


@given(st.floats(-0.3, 0.3), st.floats(0.005, 0.2))
def test_one_segment_is_the_mixture_by_hand(estimate, error):
    found = pool(np.array([estimate]), np.array([error**2]), PRIOR)
    assert found.mean[0] == pytest.approx(
        by_hand(estimate, error**2), rel=1e-6, abs=1e-9
    )


@given(
    st.lists(
        st.tuples(st.floats(-0.3, 0.3), st.floats(0.01, 0.2)), min_size=2, max_size=6
    ),
)
def test_pooling_shrinks_and_stays_a_distribution(rows):
    estimate, error = map(np.array, zip(*rows, strict=True))
    found = pool(estimate, error**2, PRIOR)
    low, high = min(PRIOR.mean, *estimate), max(PRIOR.mean, *estimate)
    assert ((found.mean >= low - 1e-9) & (found.mean <= high + 1e-9)).all()
    assert np.allclose(found.covariance, found.covariance.T)
    assert (np.linalg.eigvalsh(found.covariance) > 0).all()
    order = np.random.default_rng(0).permutation(len(rows))
    again = pool(estimate[order], error[order] ** 2, PRIOR)
    assert np.allclose(found.mean[order], again.mean)


def test_what_one_segment_shows_moves_the_others_by_as_much_as_tests_agree():
    nothing = pool(np.zeros(3), np.full(3, NONE), PRIOR)
    assert nothing.mean.tolist() == pytest.approx([0.02] * 3)
    tight = np.array([0.01**2, 0.01**2, NONE])
    agree = pool(np.array([0.1, 0.1, 0]), tight, PRIOR)
    differ = pool(np.array([0.1, -0.1, 0]), tight, PRIOR)
    assert agree.mean[2] > 0.06
    assert abs(differ.mean[2]) < 0.03
    assert agree.covariance[2, 2] < differ.covariance[2, 2]
    assert agree.mean[0] == pytest.approx(0.1, abs=0.005)


def test_identical_segments_with_identical_results_are_believed_alike():
    found = pool(np.full(6, 0.04), np.full(6, 0.03**2), PRIOR)
    assert np.ptp(found.mean) < 1e-12
    assert np.ptp(np.diag(found.covariance)) < 1e-12


def test_a_coupon_that_wins_buyers_and_shrinks_baskets_loses_money():
    # Half buy at 40; with the coupon 62 of 100 at 26: 20.00 before, 16.12 after.
    rows = arms([("A", 2000, 1240, 1240 * 26.0, 2000, 1000, 1000 * 40.0)], "discount")
    belief = learn(rows, ["A"], kind="discount")
    assert belief.buyers.mean[0] > 0.1
    money = belief.money(np.array([0.5]))
    assert 40 * money.mean[0] < -2
    assert money.mean[0] + 1.64 * np.sqrt(money.covariance[0, 0]) < 0


def test_larger_baskets_count_where_no_more_buy():
    rows = arms([("A", 2000, 1000, 1000 * 58.0, 2000, 1000, 1000 * 40.0)])
    money = learn(rows, ["A"], kind="call").money(np.array([0.5]))
    assert 40 * money.mean[0] == pytest.approx(8.9, abs=1)


def test_estimates_by_hand():
    found = estimates(arms([("A", 98, 29, 1450.0, 48, 9, 360.0)]), basket_cv=0.5).iloc[
        0
    ]
    assert found["buyers"] == pytest.approx(29 / 98 - 9 / 48)
    assert found["buyers_variance"] == pytest.approx(0.3 * 0.7 / 100 + 0.2 * 0.8 / 50)
    assert found["basket"] == pytest.approx(50 / 40 - 1)
    assert found["basket_variance"] == pytest.approx(0.25 * (1 / 29 + 1 / 9))
    nobody = estimates(arms([("A", 10, 0, 0.0, 10, 3, 90.0)]), basket_cv=0.5).iloc[0]
    assert nobody["basket_variance"] == NONE


def test_other_kinds_and_segments_teach_nothing():
    rows = arms([("A", 100, 30, 900.0, 100, 10, 300.0)], "gift")
    bare = learn(pd.DataFrame(), ["A", "B"], kind="email")
    assert bare.untested is None
    assert (
        learn(rows, ["A", "B"], kind="email").buyers.mean.tolist()
        == bare.buyers.mean.tolist()
    )
    assert learn(rows, ["B"], kind="gift").campaigns == {}
    both = learn(rows, ["A", "B"], kind="gift")
    assert both.campaigns == {"A": ("K0",)}
    assert both.buyers.mean[1] > both.untested.buyers.mean[1]


def test_priors_are_sceptical_and_checked():
    assert default_prior("email").mean < default_prior("call").mean <= 0.02
    with pytest.raises(ConfigError, match="spread above 0"):
        Prior(0.1, 0, 0.1)
