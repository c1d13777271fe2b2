"""Every metric in the registry obeys the invariants of its kind."""

from __future__ import annotations

import numpy as np
import pytest

from segment_lab.judge import METRICS
from segment_lab.texts import has

RNG = np.random.default_rng(0)
N = 3000
CODES = RNG.integers(0, 4, N)
OTHER = np.where(RNG.random(N) < 0.7, CODES, RNG.integers(0, 3, N))
REVENUE = np.where(
    RNG.random(N) < 0.4 + 0.1 * CODES, RNG.lognormal(3 + 0.3 * CODES, 1), 0.0
)
BOUGHT = (REVENUE > 0).astype(float)
SCORE = CODES + RNG.integers(0, 3, N) / 2
CHANCE = (CODES + 1) / 6
SHUFFLED = RNG.permutation(N)

AGREEMENT, HOMOGENEITY, VALIDITY = (
    [n for n, m in METRICS.items() if m.section == s]
    for s in ("agreement", "homogeneity", "validity")
)
CODED = [*AGREEMENT, "moved_share"]
CAPPED = np.minimum(REVENUE, np.percentile(REVENUE, 99))
ARGUMENTS = {
    **dict.fromkeys(CODED, (CODES, OTHER)),
    **dict.fromkeys(HOMOGENEITY, (CODES, np.log1p(REVENUE))),
    **dict.fromkeys(VALIDITY, (SCORE, REVENUE)),
    "auc": (SCORE, BOUGHT),
    "brier": (CHANCE, BOUGHT),
    "capped_r2": (CHANCE * 30, REVENUE),
}
PERFECT = {
    **dict.fromkeys(CODED, (CODES, CODES)),
    **dict.fromkeys(HOMOGENEITY, (CODES, CODES * 1.0)),
    **dict.fromkeys(VALIDITY, (REVENUE, REVENUE)),
    "auc": (BOUGHT, BOUGHT),
    "brier": (BOUGHT, BOUGHT),
    "capped_r2": (CAPPED, REVENUE),
}
BEST = {
    "moved_share": 0,
    "brier": 0,
    "missed_share": 0,
    "false_share": 0,
    "missed_revenue_share": 0,
}
# What random segments give; Jaccard, Brier and the shares have no 0 there.
CHANCE_LEVEL = {
    "auc": 0.5,
    "top_decile_lift": 1,
    "missed_share": 0.8,
    "false_share": 0.2,
    "missed_revenue_share": 0.8,
}


def value(name, arguments):
    return METRICS[name].function(*arguments)


def test_every_section_is_registered_and_explained():
    assert len(METRICS) >= 14
    assert set(ARGUMENTS) == set(METRICS)
    assert all(m.function.__doc__ for m in METRICS.values())
    assert all(
        has(f"comparison.metric.{name}.{part}")
        for name in METRICS
        for part in ("title", "meaning")
    )


@pytest.mark.parametrize("name", METRICS)
def test_lies_in_its_range(name):
    metric = METRICS[name]
    assert metric.low <= value(name, ARGUMENTS[name]) <= metric.high


@pytest.mark.parametrize("name", METRICS)
def test_row_order_does_not_matter(name):
    a, b = ARGUMENTS[name]
    assert value(name, (a[SHUFFLED], b[SHUFFLED])) == pytest.approx(
        value(name, (a, b)), abs=1e-12
    )


@pytest.mark.parametrize("name", METRICS)
def test_the_same_customers_twice_give_the_same_value(name):
    a, b = ARGUMENTS[name]
    # AMI, ARI and omega-squared correct for chance by n, so twice the rows change them by about
    # 1/n.
    assert value(name, (np.r_[a, a], np.r_[b, b])) == pytest.approx(
        value(name, (a, b)), abs=2e-3
    )


@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_answer_is_the_best(name):
    best = BEST.get(name, 1)
    found = value(name, PERFECT[name])
    if name == "top_decile_lift":
        assert found > value(name, ARGUMENTS[name])
    else:
        assert found == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("name", [*AGREEMENT, *HOMOGENEITY])
def test_the_names_of_the_segments_do_not_matter(name):
    renamed = np.array([2, 0, 3, 1])[CODES]
    assert value(name, (renamed, ARGUMENTS[name][1])) == pytest.approx(
        value(name, ARGUMENTS[name]), abs=1e-12
    )


@pytest.mark.parametrize(
    "name", [*(n for n in AGREEMENT if n != "mean_best_jaccard"), "moved_share"]
)
def test_symmetric(name):
    assert value(name, (OTHER, CODES)) == pytest.approx(
        value(name, (CODES, OTHER)), abs=1e-12
    )


@pytest.mark.parametrize(
    "name",
    sorted(METRICS.keys() - {"mean_best_jaccard", "moved_share", "brier", "capped_r2"}),
)
def test_random_segments_are_near_chance(name):
    a, b = ARGUMENTS[name]
    found = np.mean(
        [value(name, (np.random.default_rng(i).permutation(a), b)) for i in range(10)]
    )
    tolerance = (
        0.06 if METRICS[name].section == "validity" else 0.04
    )  # Cramér's V is about 1/sqrt(n) by chance
    assert found == pytest.approx(CHANCE_LEVEL.get(name, 0), abs=tolerance)


@pytest.mark.parametrize(
    "name", [n for n in VALIDITY if n not in ("brier", "capped_r2")]
)
def test_only_the_order_of_a_score_counts(name):
    score, outcome = ARGUMENTS[name]
    assert value(name, (np.exp(3 * score), outcome)) == pytest.approx(
        value(name, (score, outcome)), abs=1e-12
    )


@pytest.mark.parametrize("name", METRICS)
def test_the_input_is_not_changed(name):
    a, b = (x.copy() for x in ARGUMENTS[name])
    value(name, (a, b))
    assert (a == ARGUMENTS[name][0]).all()
    assert (b == ARGUMENTS[name][1]).all()
