"""Validity against slow definitions and scikit-learn; the bootstrap on counts against explicit
resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, r2_score, roc_auc_score

from segment_lab.judge.bootstrap import LESSON_SPREAD
from segment_lab.judge.learning import BEFORE, CROSS_FITTED, Lesson, Outcome, Prediction
from segment_lab.judge.measures import (
    MEASURES,
    Ranked,
    auc,
    brier,
    capped_r2,
    false_share,
    missed_revenue_share,
    missed_share,
    ranking_power,
    top_customers,
    top_decile_lift,
)
from segment_lab.judge.registry import METRICS
from segment_lab.judge.resampling import blocks
from segment_lab.judge.told_apart import joint_factor, told_apart
from segment_lab.judge.validity import judge, null_power

RNG = np.random.default_rng(1)
N = 400
REVENUE = np.where(RNG.random(N) < 0.5, RNG.lognormal(3, 1, N), 0.0)
SCORE = RNG.integers(0, 5, N) + (REVENUE > 20)
CHANCE = np.clip(SCORE / 7 + 0.05, 0, 1)
OUTCOME = Outcome(REVENUE, (REVENUE > 0).astype(float))
COARSE = Prediction("coarse", "scheme", SCORE.astype(float), SCORE * 10.0, CHANCE)
FINE = Prediction("fine", "baseline", SCORE + RNG.random(N))


def slow_power(score, revenue):
    """Every pair of customers: does the one ranked higher bring more? Ties count nothing."""

    def area(s):
        return (
            np.sign(s[:, None] - s[None, :]) * (revenue[:, None] - revenue[None, :])
        ).sum() / (2 * len(s) * revenue.sum())

    return area(np.asarray(score, float)) / area(revenue)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50)), min_size=2, max_size=40)
)
def test_ranking_power_is_the_pairwise_definition(rows):
    score, revenue = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    if len(set(revenue)) > 1:
        assert ranking_power(score, revenue) == pytest.approx(
            slow_power(score, revenue), abs=1e-9
        )
    else:
        assert np.isnan(ranking_power(score, revenue))


def test_scikit_learn_agrees():
    assert auc(SCORE, OUTCOME.bought) == pytest.approx(
        roc_auc_score(OUTCOME.bought, SCORE)
    )
    assert brier(CHANCE, OUTCOME.bought) == pytest.approx(
        brier_score_loss(OUTCOME.bought, CHANCE)
    )
    assert capped_r2(SCORE * 10.0, REVENUE) == pytest.approx(
        r2_score(OUTCOME.capped, SCORE * 10.0)
    )


def test_lift_by_hand_with_a_tie_at_the_edge():
    # Ten customers; the best two share a score and bring 60 and 20 of 100: the best tenth is half
    # of them.
    score = np.array([9, 9, 5, 5, 5, 1, 1, 1, 1, 1])
    revenue = np.array([60, 20, 20, 0, 0, 0, 0, 0, 0, 0.0])
    assert top_decile_lift(score, revenue) == pytest.approx(0.4 / 0.1)


def test_misclassification_by_hand():
    # Five of ten are truly top? No: two (20 %). The scheme's best two hold one of them.
    revenue = np.array([100, 50, 10, 0, 0, 0, 0, 0, 0, 0.0])
    score = np.array([10, 1, 9, 2, 2, 2, 2, 2, 2, 2])
    top = top_customers(revenue)
    assert top.sum() == 2
    assert missed_share(score, revenue) == pytest.approx(1 / 2)
    assert false_share(score, revenue) == pytest.approx(1 / 8)
    assert missed_revenue_share(score, revenue) == pytest.approx(50 / 150)


def test_fewer_buyers_than_a_fifth_are_all_the_top():
    assert (
        top_customers(np.array([5.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3.0, 0, 0, 0, 0])).sum()
        == 2
    )


def test_bootstrap_on_counts_is_explicit_resampling():
    judged = judge([COARSE, FINE], OUTCOME, draws=3, seed=5)
    (drawn_counts,) = blocks(N, 3, 5)
    for sample, weights in zip(judged.samples, drawn_counts, strict=True):
        rows = np.repeat(np.arange(N), weights.astype(int))
        assert len(rows) == N
        drawn = REVENUE[rows]
        assert sample[0, 0] == pytest.approx(slow_power(SCORE[rows], drawn), abs=1e-9)
        assert sample[1, 0] == pytest.approx(
            slow_power(FINE.score[rows], drawn), abs=1e-9
        )
        assert sample[0, 1] == pytest.approx(top_decile_lift(SCORE[rows], drawn))
        assert sample[0, 2] == pytest.approx(roc_auc_score(drawn > 0, CHANCE[rows]))
        assert sample[0, 3] == pytest.approx(brier_score_loss(drawn > 0, CHANCE[rows]))
        capped = np.minimum(drawn, OUTCOME.cap)
        assert sample[0, 4] == pytest.approx(r2_score(capped, SCORE[rows] * 10.0))
        wrong = (missed_share, false_share, missed_revenue_share)
        expected = [measure(SCORE[rows], drawn) for measure in wrong]
        assert sample[0, 5:] == pytest.approx(expected)


def segments(name: str, taught: bool = False, k: int = 4) -> Prediction:
    codes = np.minimum(SCORE, k - 1).astype(int)
    way = {"learned": BEFORE, "taught": codes} if taught else {"learned": CROSS_FITTED}
    return Prediction(name, "scheme", segments=k, codes=codes, **way)


def test_in_every_draw_a_scheme_learns_its_worth_again():
    """The draws of a scheme are what learning and judging on the drawn rows gives, row by row."""
    lesson_money = np.roll(REVENUE, 1)
    lesson = Lesson(Outcome(lesson_money, (lesson_money > 0) * 1.0), np.arange(N))
    judged = judge([segments("s", taught=True)], OUTCOME, 3, seed=5, lesson=lesson)
    codes = segments("s").codes
    (drawn_counts,) = blocks(N, 3, 5)
    money = np.minimum(lesson_money, lesson.outcome.cap)
    for sample, weights in zip(judged.samples, drawn_counts, strict=True):
        rows = np.repeat(np.arange(N), weights.astype(int))
        drawn = 1 + LESSON_SPREAD * (weights - 1)
        sums, sizes = np.bincount(codes, money * drawn), np.bincount(codes, drawn)
        worth = (sums + sums.sum() / sizes.sum()) / (sizes + 1)
        expected = ranking_power(worth[codes[rows]], REVENUE[rows])
        assert sample[0, 0] == pytest.approx(expected)


def test_cross_fitted_scores_of_different_folds_are_never_one_order():
    """One segment "everybody" ranks nobody; pooled over folds it had a ranking power of −.13."""
    one = Prediction(
        "all", "scheme", learned=CROSS_FITTED, segments=1, codes=np.zeros(N, int)
    )
    row = judge([one], OUTCOME, draws=20).table().iloc[0]
    assert row["ranking_power"] == pytest.approx(0, abs=1e-12)
    assert row["auc"] == pytest.approx(0.5)


def test_only_what_was_learned_alike_is_compared():
    learned = Prediction("model", "baseline", SCORE + 0.0, learned=BEFORE)
    pairs = judge(
        [segments("a"), segments("b"), learned, FINE], OUTCOME, draws=5
    ).differences()
    found = set(zip(pairs["a"], pairs["b"], strict=True))
    assert found == {("a", "b"), ("a", "fine"), ("b", "fine"), ("model", "fine")}
    twins = pairs[(pairs["a"] == "a") & (pairs["b"] == "b")]
    assert (twins["difference"].dropna() == 0).all()
    assert not twins["certain"].any()


def test_joint_intervals_are_those_of_the_greatest_of_all_differences():
    """Three independent estimates: the studentised range at 95 % is 3.31/√2 = 2.34 standard
    deviations (tables of Tukey's range)."""
    samples = np.random.default_rng(0).standard_normal((4000, 3))
    assert joint_factor(samples, [(0, 1), (0, 2), (1, 2)]) == pytest.approx(
        2.344, abs=0.03
    )
    assert joint_factor(samples, [(0, 1)]) == pytest.approx(1.96, abs=0.03)


def test_closed_testing_finds_what_one_factor_for_all_pairs_does_not_and_errs_no_more():
    """Five independent estimates of deviation 1/√2 (pairs: 1). By tables of Tukey's range the
    factor for ten pairs is 2.73 (3.86/√2), for six 2.57, for three 2.34, for one 1.96."""
    samples = np.random.default_rng(0).standard_normal((4000, 5)) / np.sqrt(2)
    pairs = [(a, b) for b in range(5) for a in range(b)]

    def found(*values):
        apart = told_apart(np.array(values, dtype=float), samples, pairs)
        return {pair for pair, certain in zip(pairs, apart, strict=True) if certain}

    assert found(0, 0, 0, 0, 2.6) == set()
    # Two far ahead of three that are equal: one pair is left within each group.
    assert found(0, 0, 0, 9, 9) == {(a, b) for a in (0, 1, 2) for b in (3, 4)}
    # Beside three that may be equal the two need 2.47, not 2.73; beside three apart only 1.96.
    assert (3, 4) not in found(0, 0, 0, 9, 11.3)
    assert (3, 4) in found(0, 0, 0, 9, 11.6)
    assert (3, 4) in found(0, 20, 40, 9, 11.1)
    rng = np.random.default_rng(1)
    wrong = [bool(found(*rng.standard_normal(5) / np.sqrt(2))) for _ in range(150)]
    assert 0.005 < np.mean(wrong) < 0.11


def test_the_table_shows_what_the_registry_computes():
    table = judge([COARSE], OUTCOME, draws=2).table().iloc[0]
    for name in MEASURES:
        arguments = {
            "auc": (CHANCE, OUTCOME.bought),
            "brier": (CHANCE, OUTCOME.bought),
            "capped_r2": (SCORE * 10.0, REVENUE),
        }.get(name, (SCORE, REVENUE))
        assert table[name] == pytest.approx(METRICS[name].function(*arguments))


def test_differences_are_paired():
    """A scheme against itself differs by nothing in every draw, however wide its own interval."""
    twin = Prediction("twin", "scheme", SCORE * 2.0, SCORE * 10.0, CHANCE)
    judged = judge([COARSE, twin, FINE], OUTCOME, draws=50)
    pairs = (
        judged.differences().query("measure == 'ranking_power'").set_index(["a", "b"])
    )
    same = pairs.loc[("coarse", "twin")]
    assert (same["difference_low"], same["difference_high"], same["certain"]) == (
        0,
        0,
        False,
    )
    own = judged.table().loc["coarse"]
    width = (
        pairs.loc[("coarse", "fine"), "difference_high"]
        - pairs.loc[("coarse", "fine"), "difference_low"]
    )
    assert width < own["ranking_power_high"] - own["ranking_power_low"]


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Twenty samples of a large base: the 95 % interval of the ranking power holds the base's own
    in most."""
    rng = np.random.default_rng(2)
    score = rng.integers(0, 4, 40_000)
    revenue = rng.gamma(0.5, 10, 40_000) * (1 + score)
    truth, held = ranking_power(score, revenue), 0
    for _ in range(20):
        i = rng.integers(0, len(score), 800)
        table = (
            judge(
                [Prediction("s", "scheme", score[i].astype(float))],
                Outcome(revenue[i], (revenue[i] > 0) * 1.0),
                draws=100,
            )
            .table()
            .iloc[0]
        )
        held += table["ranking_power_low"] <= truth <= table["ranking_power_high"]
    assert held >= 16


def test_a_measure_that_a_rank_cannot_have_is_missing_not_zero():
    row = judge([FINE], OUTCOME, draws=5).table().iloc[0]
    assert row[["brier", "brier_low", "capped_r2"]].isna().all()
    assert row[["ranking_power", "auc"]].notna().all()


def test_a_score_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="1 customers have no finite score"):
        Ranked(np.array([1.0, np.nan]))


def test_the_null_is_what_permutation_gives():
    rng = np.random.default_rng(3)
    dealt = [ranking_power(rng.permutation(SCORE), REVENUE) for _ in range(2000)]
    assert null_power(SCORE, REVENUE) == pytest.approx(
        np.percentile(dealt, 97.5), rel=0.06
    )
    assert np.mean(dealt) == pytest.approx(0, abs=0.01)
