"""Agreement, homogeneity, stability, movement, ambiguity, sufficiency, trees: by hand and by other
libraries."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway
from scipy.stats.contingency import association
from simulated import END, Bands, Clusters, SimulatedCompany, labels
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from segment_lab.errors import NotEnoughDataError
from segment_lab.judge.agreement import (
    adjusted_mutual_information,
    adjusted_rand,
    agreement,
    cramers_v,
    flow,
)
from segment_lab.judge.change import Change, change, movement
from segment_lab.judge.homogeneity import homogeneity, omega_squared
from segment_lab.judge.protocol import history_of
from segment_lab.judge.stability import matched, reading, refit_stability, unfitted
from segment_lab.judge.sufficiency import Step, agreement_needed, assess, history
from segment_lab.judge.usability import actionability, ambiguity, tree_accuracy
from segment_lab.pages.comparison_sentences import SENTENCES
from segment_lab.segments.clusters import ClusterSegmenter
from segment_lab.segments.segmentation import best_jaccard, contingency

RNG = np.random.default_rng(0)
A, B = RNG.integers(0, 4, 500), RNG.integers(0, 3, 500)
B = np.where(RNG.random(500) < 0.5, np.minimum(A, 2), B)


def test_agreement_equals_scikit_learn_and_scipy():
    assert adjusted_rand(A, B) == pytest.approx(adjusted_rand_score(A, B))
    assert adjusted_mutual_information(A, B) == pytest.approx(
        adjusted_mutual_info_score(A, B)
    )
    assert cramers_v(A, B) == pytest.approx(
        association(contingency(A, B).astype(int), method="cramer")
    )


def test_agreement_of_one_segment():
    one = np.zeros(10, dtype=int)
    assert adjusted_rand(one, one) == 1
    assert np.isnan(cramers_v(one, one))


def test_agreement_table_has_an_interval_around_the_value():
    row = agreement({"a": labels(A), "b": labels(B)}, draws=200).iloc[0]
    assert row["ari_low"] < row["ari"] < row["ari_high"]
    again = agreement({"a": labels(A), "b": labels(B)}, draws=200).iloc[0]
    assert again.equals(row)


def test_flow_counts_everybody_once():
    table = flow(labels(A, method="first"), labels(B, method="second"))
    assert table.to_numpy().sum() == 500
    assert (table.index.name, table.columns.name) == ("first", "second")


def test_omega_squared_is_the_textbook_formula():
    y = A + RNG.normal(size=500)
    f = f_oneway(*(y[g == A] for g in range(4))).statistic
    assert omega_squared(A, y) == pytest.approx(3 * (f - 1) / (3 * (f - 1) + 500))


def test_the_interval_of_segments_that_say_nothing_holds_zero():
    rng, held = np.random.default_rng(3), []
    for seed in range(20):
        many = labels(rng.integers(0, 30, 600))
        revenue = pd.Series(
            np.expm1(np.abs(rng.normal(size=600))), index=many.codes.index
        )
        found = homogeneity({"many": many}, revenue, draws=100, seed=seed).iloc[0]
        held.append(found["omega2_low"] <= 0 <= found["omega2_high"])
    assert np.mean(held) >= 0.9


def test_more_segments_raise_eta_but_not_omega_by_chance():
    revenue = pd.Series(RNG.lognormal(size=500), index=labels(A).codes.index)
    table = homogeneity(
        {"few": labels(A), "many": labels(RNG.integers(0, 60, 500))}, revenue, draws=20
    )
    assert table.loc["many", "eta2"] > 0.08 > table.loc["few", "eta2"]
    assert table["omega2"].abs().max() < 0.05
    assert table.loc["many", "null_eta2"] == pytest.approx(59 / 499)


def test_best_jaccard_by_brute_force():
    sets_a, sets_b = (
        [set(np.flatnonzero(x == g)) for g in range(x.max() + 1)] for x in (A, B)
    )
    slow = [max(len(a & b) / len(a | b) for b in sets_b) for a in sets_a]
    assert best_jaccard(A, B) == pytest.approx(slow)


def blobs(n=400):
    centre = np.array([[0, 0], [9, 0], [0, 9]])[np.arange(n) % 3]
    return pd.DataFrame(
        centre + np.random.default_rng(1).normal(size=(n, 2)),
        columns=["x", "y"],
        index=pd.Index([f"c{i}" for i in range(n)], name="customer_id"),
    )


def test_true_groups_are_stable_and_quantile_rules_say_nothing():
    clear = refit_stability(Clusters().fit(blobs()), blobs(), refits=8)
    assert (clear["jaccard"] > 0.95).all()
    assert (clear["reading"] == "stable").all()
    noise = pd.DataFrame(
        np.random.default_rng(2).normal(size=(400, 2)), columns=["x", "y"]
    )
    assert (
        refit_stability(Clusters(k=6).fit(noise), noise, refits=8)["jaccard"].min()
        < 0.75
    )
    rule = refit_stability(Bands("x", 3).fit(noise), noise, refits=8)
    assert (rule["jaccard"] > 0.85).all()
    assert not rule["informative"].any()


def test_stability_leaves_the_segmenter_and_is_repeatable():
    fitted = Bands("x", 3).fit(blobs())
    cuts = fitted.cuts_.copy()
    first, second = (
        refit_stability(fitted, blobs(), refits=4, seed=3) for _ in range(2)
    )
    assert (fitted.cuts_ == cuts).all()
    assert first.equals(second)


@pytest.mark.parametrize(
    ("value", "word"),
    [(0.59, "unstable"), (0.6, "pattern"), (0.75, "valid"), (0.85, "stable")],
)
def test_hennigs_words(value, word):
    assert reading(value) == word


def test_a_base_of_equal_customers_is_one_segment_learned_anew_as_well():
    """Nothing was searched there, so no number is kept: resamples and other days look for their
    own."""
    same = pd.DataFrame(
        {"recency_days": 10, "frequency": 2, "monetary_value": 5.0, "revenue": 10.0},
        index=[f"c{i:05d}" for i in range(600)],
    )
    one = ClusterSegmenter().fit(same)
    assert one.k_ == 1
    assert refit_stability(one, same, refits=2)["jaccard"].tolist() == [1]
    rng = np.random.default_rng(0)
    parted = same.assign(
        frequency=rng.choice([1, 9, 70], 600), recency_days=rng.integers(1, 300, 600)
    )
    assert unfitted(one).fit(parted).k_ > 1


def test_movement_parts_customers_from_cuts():
    """Ten customers: one doubles its value; new cuts alone relabel two others."""
    then = labels([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], ["high", "low"])
    now = labels([0, 0, 0, 0, 0, 0, 1, 1, 1, 1], ["high", "low"])
    relearned = labels([0, 0, 0, 1, 1, 1, 1, 1, 1, 1], ["high", "low"])
    found = Change(then, now, relearned, 90)
    row = movement({"s": found}).loc["s"]
    assert (
        row["moved_share"],
        row["drift_share"],
        row["total_share"],
    ) == pytest.approx((0.1, 0.2, 0.3))
    assert row["null_share"] == pytest.approx(1 - (0.5 * 0.6 + 0.5 * 0.4))
    assert row["moved_share_low"] < 0.1 < row["moved_share_high"]
    high = found.table().loc["high"]
    assert high[["customers_then", "customers_now", "change", "drift"]].tolist() == [
        5,
        6,
        1,
        2,
    ]
    assert (high["change_share"], high["refit_change"]) == (0.2, 3)
    assert found.flow().to_numpy().tolist() == [[5, 0], [1, 4]]


def test_customers_who_came_or_left_do_not_count_as_moved():
    row = movement({"s": Change(labels([0, 1, 1]), labels([0, 1, 1, 1, 1]))}).loc["s"]
    assert (row["customers"], row["moved_share"]) == (3, 0)
    assert np.isnan(row["drift_share"])


def test_change_sees_both_days_through_windows_of_equal_length_by_the_cuts_of_today():
    company = SimulatedCompany({"spend": Bands("revenue", 4)})
    found = change(company, "spend", days=90)
    assert found.then.window.days == found.now.window.days == 275
    assert found.then.window.as_of == END - dt.timedelta(days=90)
    rule = company.fitted("spend")
    seen = company.at(END, 275).customers()
    assert (found.now.codes == rule.segment(seen).codes).all()
    drift = found.table()["drift"]
    assert drift.abs().sum() > 0
    assert drift.sum() == 0
    with pytest.raises(NotEnoughDataError, match="at least 30 are needed"):
        change(company, "spend", days=340)


def test_whoever_falls_out_of_the_window_keeps_the_place_that_the_whole_history_gives():
    """A buyer of long ago is no prospect of today, and a group of silent buyers that nobody left
    does not shrink, because the window moves on."""
    then = labels([0, 1, 1, 1], ["Active", "Silent", "Prospect"])
    now = labels([0, 1, 2, 2], ["Active", "Silent", "Prospect"])
    gone = pd.Series([1, 1], index=then.codes.index[2:])
    found = Change(then, now, out_of_sight=gone)
    assert found.today.sizes().tolist() == [1, 3, 0]
    assert found.table()["change"].tolist() == [0, 0, 0]
    assert found.flow().to_numpy().diagonal().tolist() == [1, 3, 0]
    assert movement({"s": found}).loc["s", "moved_share"] == 0


def test_change_finds_whom_the_later_window_does_not_see():
    company = SimulatedCompany({"spend": Bands("revenue", 4)})
    found = change(company, "spend", days=90)
    whole, seen = company.customers(), company.at(END, 275).customers()
    bought = whole.index[whole["frequency"] > 0]
    unseen = bought.difference(seen.index[seen["frequency"] > 0])
    assert len(unseen)
    assert sorted(found.out_of_sight.index) == sorted(unseen)
    assert set(unseen) <= set(found.today.codes.index)


def test_permuted_names_of_a_refit_are_matched():
    before = labels([0, 0, 1, 1, 2, 2], ["a", "b", "c"])
    after = labels([1, 1, 2, 2, 0, 0], ["x", "y", "z"])
    assert matched(before, after).labels.astype(str).tolist() == [
        "a",
        "a",
        "b",
        "b",
        "c",
        "c",
    ]
    more = labels([1, 1, 2, 2, 0, 3], ["x", "y", "z", "w"])
    assert matched(before, more).labels.astype(str).tolist()[:5] == [
        "a",
        "a",
        "b",
        "b",
        "c",
    ]
    assert matched(before, more).labels.iloc[5] == "new: w"


def test_ambiguity_by_hand():
    table = pd.DataFrame(
        {"recency_days": [10.0, 26, 50, 90], "revenue": [10.0, 100, 97, 500]},
        index=list("abcd"),
    )
    by_money = Bands("revenue", 2)
    by_money.k, by_money.cuts_ = 2, np.array([98.0])
    found = ambiguity(by_money, table)
    assert (
        found["ambiguous_share"] == 0.5
    )  # b falls below 98 with 5 % less, c rises above it with 5 % more
    assert (found["richer_share"], found["poorer_share"]) == (0.25, 0.25)
    by_days = Bands("recency_days", 2)
    by_days.k, by_days.cuts_ = 2, np.array([30.0])
    found = ambiguity(by_days, table)
    assert (
        found["later_share"],
        found["sooner_share"],
        found["richer_share"],
    ) == (0.25, 0, 0)


def test_overlaps_come_from_the_truth_table():
    table = pd.DataFrame(
        {"recency_days": [1.0, 2, 3], "revenue": [1.0, 2, 3]},
        index=[f"c{i:05d}" for i in range(3)],
    )
    truth = pd.DataFrame(
        {"A": [True, False, False], "B": [True, True, False], "n": [2, 1, 0]},
        index=table.index,
    )
    found = ambiguity(
        Bands("revenue", 2).fit(table),
        table,
        labels([0, 1, 1]).replace(by_customer=truth),
    )
    assert (found["no_rule"], found["several_rules"]) == (1, 1)


def steps(agreeing, gains, segments=4, power=0.4, spread=0.005):
    gains = np.array(gains, dtype=float)
    needed = agreement_needed(segments)
    known = np.isfinite(gains)
    return pd.DataFrame(
        {
            "agreement": np.array(agreeing, dtype=float),
            "agreement_needed": needed,
            "gain": gains,
            "gain_high": gains + spread,
            "ranking_power": np.where(known, power, np.nan),
            "ranking_power_low": np.where(known, power - 0.1, np.nan),
            "null_power": 0.1,
        },
        index=[30 * i for i in range(1, len(gains) + 1)],
    )


GOOD = steps([None, 0.9, 0.9], [None, 0.01, 0.01])


@pytest.mark.parametrize(
    ("table", "days", "buyers", "kind", "reason"),
    [
        (GOOD, 90, 1000, "PROPER", "for 2 months running"),
        (GOOD, 29, 1000, "PRELIMINARY", "days of data (29)"),
        (GOOD, 90, 499, "PRELIMINARY", "only 499 buyers"),
        (
            steps([None, 0.9], [None, 0.01]),
            60,
            1000,
            "PRELIMINARY",
            "fewer than 3 months",
        ),
        (
            steps([None, 0.9, 0.84], [None, 0.01, 0.01]),
            90,
            1000,
            "PRELIMINARY",
            "(agreement 0.84, needed 0.85)",
        ),
        (
            steps([None, 0.9, 0.84996], [None, 0.01, 0.01]),
            90,
            1000,
            "PRELIMINARY",
            "(agreement 0.84996, needed 0.85)",
        ),
        # Eleven segments have more cuts: the same steadiness of each gives a lower agreement.
        (
            steps([None, 0.8, 0.75], [None, 0.01, 0.01], 11),
            90,
            1000,
            "PROPER",
            "needed 0.65",
        ),
        # The upper end of the gain counts, not the point.
        (
            steps([None, 0.9, 0.9], [None, 0.01, 0.01], spread=0.02),
            90,
            1000,
            "PRELIMINARY",
            "at most +0.030",
        ),
        (
            steps([None, 0.1, 0.9, 0.9], [None, 0.2, 0.01, -0.1]),
            120,
            1000,
            "PROPER",
            "2 months running",
        ),
        # Where all customers are alike nothing is worth acting on, however steady.
        (
            steps([None, 0.9, 0.9], [None, 0.01, 0.01], power=0.15),
            90,
            1000,
            "PRELIMINARY",
            "does not predict spending better than random",
        ),
        (
            steps([None, 1, 1], [None, 0, 0]),
            90,
            1000,
            "FIXED",
            "they predict spending better than random",
        ),
        (
            steps([None, 1, 1], [None, 0, 0], power=0.15),
            90,
            1000,
            "FIXED",
            "they do not predict spending",
        ),
    ],
)
def test_status_rules(table, days, buyers, kind, reason):
    status = assess(table, days, buyers)
    assert status.kind == kind
    assert reason in status.reason


@pytest.mark.parametrize("k", [2, 3, 7, 11])
def test_the_agreement_needed_is_that_of_bands_whose_cuts_moved_a_little(k):
    """Bands of 20,000 customers, every cut moved past 2 % of them."""
    place = np.arange(20_000) / 20_000
    cuts = np.arange(1, k) / k
    before, after = np.searchsorted(cuts, place), np.searchsorted(cuts + 0.02, place)
    assert agreement_needed(k) == pytest.approx(adjusted_rand(before, after), abs=0.002)


def test_a_period_that_ends_today_is_over():
    """Ninety days after day 275 end on the last day of the data; those after day 305 do not."""
    found = history_of(SimulatedCompany({"spend": Bands("revenue", 4)}), "spend", 90)
    known = found["ranking_power"].notna()
    assert known.loc[275]
    assert not known.loc[305:].any()
    assert found["agreement"].notna().sum() == len(found) - 1


def test_gain_compares_cuts_on_the_same_customers_and_days():
    """Old cuts that part nobody rank by chance, new ones that part all buyers gain a Gini; mere
    growth gains none."""
    codes = np.arange(200) % 2
    outcomes = pd.DataFrame(
        {"future_revenue": 10.0 * (1 - codes), "future_orders": 1},
        index=labels(codes).codes.index,
    )
    table = history(
        [
            Step(30, labels(codes), labels(0 * codes), outcomes),
            Step(60, labels(codes), labels(codes), outcomes * 100),
        ],
        draws=20,
    )
    assert table.loc[30, "gain"] > 0.9
    assert table.loc[30, "gain_low"] > 0.8
    assert table.loc[60, ["gain", "gain_low", "gain_high"]].tolist() == [0, 0, 0]


def test_history_compares_cuts_on_the_same_customers():
    codes = np.arange(200) % 2
    outcomes = pd.DataFrame(
        {"future_revenue": 11.0 - 10 * codes, "future_orders": 1},
        index=labels(codes).codes.index,
    )
    table = history(
        [
            Step(60, labels(codes), labels(codes), outcomes),
            Step(30, labels(codes), None, outcomes),
            Step(90, labels(codes), labels(1 - codes)),
        ],
        draws=5,
    )
    assert table.index.tolist() == [30, 60, 90]
    assert table.loc[60, "agreement"] == 1
    assert table.loc[60, "ranking_power"] == pytest.approx(1)
    assert np.isnan(table.loc[90, "ranking_power"])


def test_actionability_counts_only_those_who_may_be_reached():
    segments = labels([0, 0, 0, 0, 1, 1], ["big", "small", "empty"])
    table = pd.DataFrame(
        {
            "revenue": [40.0, 30, 20, 0, 5, 5],
            "consent": [True, True, False, None, True, False],
        },
        index=segments.codes.index,
    )
    outcomes = pd.DataFrame({"future_orders": [1, 0, 0, 0, 0, 0]}, index=table.index)
    found = actionability(segments, table, outcomes)
    assert found["customers"].tolist() == [4, 2, 0]
    assert found["revenue_share"].tolist() == pytest.approx([0.9, 0.1, 0])
    assert found["reachable_share"].tolist()[:2] == [0.5, 0.5]
    assert found.loc["big", "natural_rate"] == pytest.approx(
        1 / 6
    )  # of all: 4 customers are too few
    assert found.loc["empty", "smallest_uplift"] == np.inf


def test_who_buys_anyway_is_read_from_customers_nobody_contacted():
    """Of 40 each, 20 were contacted and bought; of the others 5 and 15 did. Third, where 2 are
    left, all count."""
    segments = labels([0] * 40 + [1] * 40 + [2] * 40)
    table = pd.DataFrame({"revenue": 1.0}, index=segments.codes.index)
    outcomes = pd.DataFrame(
        {"future_orders": ([1] * 25 + [0] * 15) + ([1] * 35 + [0] * 5) + [1] * 40},
        table.index,
    )
    contacted = [*table.index[:20], *table.index[40:60], *table.index[80:118]]
    found = actionability(segments, table, outcomes, contacted)
    assert found["natural_rate"].tolist() == pytest.approx([5 / 20, 15 / 20, 22 / 42])
    everybody = actionability(segments, table, outcomes, table.index)
    assert everybody[["natural_rate", "smallest_uplift"]].isna().all(axis=None)
    assert SENTENCES["actionability"](everybody, ["own"]).startswith(
        "Campaigns contacted everybody"
    )


@pytest.mark.parametrize(("n", "own"), [(19, False), (20, True)])
def test_from_twenty_customers_on_a_segment_has_its_own_rate(n, own):
    """Two of `n` bought, and 80 of 100 elsewhere."""
    segments = labels([0] * n + [1] * 100)
    table = pd.DataFrame({"revenue": 1.0}, index=segments.codes.index)
    bought = [1] * 2 + [0] * (n - 2) + [1] * 80 + [0] * 20
    outcomes = pd.DataFrame({"future_orders": bought}, index=table.index)
    rate = actionability(segments, table, outcomes)["natural_rate"].iloc[0]
    assert rate == pytest.approx(2 / n if own else 82 / (100 + n))


def test_an_uplift_past_one_hundred_of_a_hundred_is_out_of_reach():
    segments = labels([0] * 40 + [1] * 4000)
    table = pd.DataFrame({"revenue": 1.0}, index=segments.codes.index)
    outcomes = pd.DataFrame(
        {"future_orders": [1] * 38 + [0] * 2 + [1] * 2000 + [0] * 2000},
        index=table.index,
    )
    found = actionability(segments, table, outcomes)
    assert found["smallest_uplift"].iloc[0] == np.inf
    assert 0 < found["smallest_uplift"].iloc[1] < 0.1
    assert "In 1 of them no effect could be measured" in SENTENCES["actionability"](
        found, []
    )
    words = SENTENCES["actionability"](found.iloc[1:], [])
    assert words.endswith("before its effect can be measured.")


def test_a_sentence_without_a_known_share_says_so():
    table = pd.DataFrame({"omega2": [np.nan, np.nan]}, index=["rfm", "abc"])
    assert "explains an unknown share of" in SENTENCES["homogeneity"](
        table, ["rfm", "abc"]
    )
    one = table.fillna({"omega2": 0.2}).iloc[1:]
    assert "explains 20% (ABC) of" in SENTENCES["homogeneity"](one, ["abc"])


def test_a_tree_finds_a_rule_and_not_noise():
    index = [f"c{i:05d}" for i in range(600)]
    table = pd.DataFrame(
        {"revenue": RNG.lognormal(size=600), "recency_days": RNG.integers(1, 300, 600)},
        index=index,
    )
    rule = tree_accuracy(labels((table["revenue"] > 1).astype(int)), table)
    noise = tree_accuracy(labels(RNG.integers(0, 2, 600)), table)
    assert rule["accuracy"] > 0.98
    assert noise["accuracy"] == pytest.approx(0.5, abs=0.07)
    assert (
        tree_accuracy(labels(RNG.integers(0, 2, 600)), table, sample=200)["customers"]
        == 200
    )
