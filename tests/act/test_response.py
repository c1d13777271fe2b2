"""Response segments: found where they are, denied where arms are shuffled, valued honestly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segment_lab.act.experiment import HOLDOUT, TREATMENT
from segment_lab.act.response import ResponseSegmenter
from segment_lab.act.response_effects import Line, group_effects
from segment_lab.act.response_tree import (
    Shape,
    Splits,
    assigned,
    grow,
    learn,
    rounded_cut,
)
from segment_lab.act.trial import Trial, booster, campaign_of, scores, steps, trial_of
from segment_lab.data import embedded
from segment_lab.errors import DataError, NotEnoughDataError


def trial(n=4000, seed=0, harm=-4.0, help=8.0):
    """Calls help customers silent for over 180 days and hurt the others."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "recency_days": rng.integers(1, 400, n),
            "frequency": rng.integers(1, 12, n),
            "region": rng.choice(["North", "South"], n),
        },
        index=pd.Index([f"c{i}" for i in range(n)], name="customer_id"),
    )
    treated = rng.random(n) < 0.5
    effect = np.where(people["recency_days"] > 180, help, harm)
    money = rng.lognormal(2.5, 0.6, n) + effect * treated
    told = pd.DataFrame({"treated": treated, "money": money}, index=people.index)
    return people, told


COLUMNS = ["recency_days", "frequency", "region"]


@pytest.fixture(scope="module")
def fitted():
    return ResponseSegmenter(COLUMNS, shuffles=100).fit(*trial())


def test_the_first_split_is_tested_and_those_below_it_meet_a_lower_bar():
    people, _ = trial(6000)
    rng = np.random.default_rng(11)
    # Of the lapsed, those with many orders gain a little more: |z| of about 3.5.
    lapsed, many = people["recency_days"] > 200, people["frequency"] > 5
    psi = 8.0 * lapsed + 1.6 * (lapsed & many) + rng.normal(0, 16, len(people))
    splits, rows = Splits(people), np.arange(len(people))
    divided = grow(psi.to_numpy(), splits, rows, Shape(first_z=5.0))
    assert len(divided) > 2
    # Where the first is not reached, there is one group, whatever lies below.
    flat = rng.normal(0, 16, len(people))
    assert grow(flat, splits, rows, Shape(first_z=5.0)) == [()]


def test_who_responds_is_found_with_rounded_cuts(fitted):
    assert fitted.difference_found_
    best, worst = fitted.effects_["shrunk"].iloc[[0, -1]]
    assert best == pytest.approx(8, abs=1.5)
    assert worst == pytest.approx(-4, abs=1.5)
    cut = fitted.rules_[0][0]
    assert cut.column == "recency_days"
    assert 150 <= cut.value <= 210
    assert fitted.segment_names_[0].startswith("Days since last order over")


def test_the_value_of_following_the_rules_covers_the_truth(fitted):
    found = fitted.value(cost=1.0)
    people, _ = trial()
    truth = np.where(people["recency_days"] > 180, 7, 0).mean()
    assert found.loc["rules", "value_low"] < truth < found.loc["rules", "value_high"]
    assert found.loc["rules", "value"] > found.loc["everybody", "value"] > 0
    assert found.loc["nobody", "value"] == 0


def test_shuffled_arms_show_no_difference():
    people, told = trial(1000)
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(3):
        shuffled = told.assign(treated=rng.permutation(told["treated"].to_numpy()))
        alarms += (
            ResponseSegmenter(COLUMNS, shuffles=50)
            .fit(people, shuffled)
            .difference_found_
        )
    assert alarms <= 1


def test_the_same_rule_in_pandas_and_sql(fitted):
    people, _ = trial(500, seed=3)
    table = people.reset_index()
    embedded.shared().create_table("response_people", table, temp=True, overwrite=True)
    sql = fitted.to_sql("response_people")
    rows = embedded.shared().raw_sql(sql).fetchall()
    found = pd.Series(dict(rows)).reindex(people.index)
    assert found.tolist() == fitted.segment(people).labels.astype(str).tolist()


def test_row_order_changes_nothing(fitted):
    people, told = trial()
    order = np.random.default_rng(5).permutation(len(people))
    again = ResponseSegmenter(COLUMNS, shuffles=100).fit(
        people.iloc[order], told.iloc[order]
    )
    assert again.rules_ == fitted.rules_
    assert again.meanings() == fitted.meanings()


def test_everybody_is_ranked(fitted):
    people, _ = trial(300, seed=9)
    ranked = fitted.ranked(people)
    lapsed = people["recency_days"] > 180
    assert ranked[lapsed].mean() > ranked[~lapsed].mean() + 5


def test_scores_average_to_the_effect_whatever_the_chance():
    rng = np.random.default_rng(2)
    chance = np.where(rng.random(20_000) < 0.5, 0.8, 0.2)
    treated = rng.random(20_000) < chance
    money = rng.normal(10, 2, 20_000) + 3 * treated
    part = Trial(money, treated, chance)
    psi = scores(part, np.full(20_000, 10.0))
    assert psi.mean() == pytest.approx(3, abs=0.15)


def test_group_effects_are_drawn_together_by_what_chance_explains():
    rng = np.random.default_rng(4)
    same = group_effects(rng.normal(1, 5, 900), np.repeat([0, 1, 2], 300), 3)
    assert np.ptp(same["shrunk"]) < np.ptp(same["effect"])
    apart = group_effects(
        np.repeat([-9.0, 9.0], 300) + rng.normal(0, 1, 600), np.repeat([0, 1], 300), 2
    )
    assert apart["shrunk"].tolist() == pytest.approx(apart["effect"].tolist(), abs=0.05)


def test_an_effect_that_changes_gradually_is_explained_by_rules_along_a_line():
    people, _ = trial(6000)
    rng = np.random.default_rng(5)
    effect = (people["recency_days"] - 200) / 60 + (people["frequency"] - 6) / 1.5
    effect = effect.to_numpy()
    psi = effect + rng.normal(0, 40, len(people))
    splits, rows = Splits(people), np.arange(len(people))
    learned = learn(psi, splits, people, rows, Shape())
    assert learned.line is not None
    groups = assigned(learned.rules, people)
    found = learned.effects(psi, groups, rows)
    truth = pd.Series(effect).groupby(groups).mean()
    drawn, alone = found["shrunk"] - truth, found["effect"] - truth
    assert (drawn**2).mean() < (alone**2).mean() / 2
    assert (drawn.abs() < 3 * found["shrunk_se"]).all()


def test_where_the_effect_jumps_the_tree_stays():
    people, _ = trial(6000)
    rng = np.random.default_rng(6)
    jump = np.where(people["recency_days"] > 300, 9.0, 0.0)
    psi = jump + rng.normal(0, 20, len(people))
    splits, rows = Splits(people), np.arange(len(people))
    learned = learn(psi, splits, people, rows, Shape())
    assert learned.line is None
    assert learned.rules == grow(psi, splits, rows, Shape())
    # Without columns of numbers there is no line to try.
    names = people[["region"]]
    north = np.where(names["region"] == "North", 9.0, 0.0)
    assert learn(north + psi - jump, Splits(names), names, rows, Shape()).line is None


def test_a_line_knows_its_error_at_every_group():
    rng = np.random.default_rng(7)
    places = rng.uniform(-0.5, 0.5, (500, 2))
    groups = (places[:, 0] > 0.25).astype(int)
    rows = np.arange(500)
    off = []
    for _ in range(200):
        psi = 30 * places[:, 0] + rng.normal(0, 10, 500)
        line = Line.fit(places, psi, rows)
        mean = line.foreseen[groups == 1].mean()
        true = 30 * places[groups == 1, 0].mean()
        off.append((mean - true) / np.sqrt(line.variance(groups, 2)[1]))
    assert 0.8 < np.std(off) < 1.2


def test_what_is_no_campaign_is_refused():
    people, told = trial(400)
    with pytest.raises(DataError, match="treated and money"):
        ResponseSegmenter(COLUMNS).fit(people)
    with pytest.raises(DataError, match="50 are missing"):
        ResponseSegmenter(COLUMNS).fit(people, told.iloc[50:])
    with pytest.raises(NotEnoughDataError, match="needed to learn"):
        ResponseSegmenter(COLUMNS).fit(people, told.assign(treated=told.index == "c1"))


def test_a_campaign_becomes_a_trial_by_its_strata():
    rows = pd.DataFrame(
        {
            "campaign_id": "K",
            "customer_id": list("abcdef"),
            "arm": [TREATMENT, TREATMENT, TREATMENT, HOLDOUT, TREATMENT, HOLDOUT],
            "variant": ["gift", "gift", "gift", "rest", "letter", "rest"],
            "segment": ["A", "A", "A", "A", "B", "B"],
            "margin": [1.0, 2, 3, 4, 5, 6],
        }
    )
    part = campaign_of(rows, "K")
    assert part["customer_id"].tolist() == list(
        "abcdf"
    )  # the larger arm and the control
    customers = pd.DataFrame({"frequency": range(7)}, index=list("gfedcba"))
    people, told = trial_of(part, customers)
    assert sorted(people.index) == list("abcd")  # in B nobody got the gift
    assert told.loc["a"].tolist() == [True, 1, 0.75]
    with pytest.raises(NotEnoughDataError, match="no measured campaign X"):
        campaign_of(rows, "X")


def test_columns_are_cut_where_the_boosting_would_cut_them():
    rng = np.random.default_rng(2)
    for values in (
        rng.gamma(2, 50, 900),
        rng.integers(0, 700, 900),
        rng.integers(0, 9, 900),
    ):
        weight = rng.choice([0.4, 1.7], 900)
        model = booster(0).fit(values[:, None].astype(float), values, weight)
        expected = model._bin_mapper.bin_thresholds_[0]
        np.testing.assert_array_equal(steps(values.astype(float), weight), expected)


def test_cut_points_are_rounded_where_next_to_nobody_changes_side():
    days = np.arange(1000.0)
    assert rounded_cut(598.5, days) == 600
    assert rounded_cut(547.5, days) == 550
    assert rounded_cut(3.5, np.array([1.0, 2, 3, 4])) == 3
    assert rounded_cut(131.87, np.array([131.5, 131.86, 131.9])) == pytest.approx(
        131.87, abs=0.03
    )
