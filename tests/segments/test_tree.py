"""The learned rules: what they predict, which way they point, how they read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from test_rfm import by_scores_alone

import segment_lab as sl
from datasets import dataset
from segment_lab.data import embedded
from segment_lab.errors import DataError, NotEnoughDataError
from segment_lab.judge.stability import refit_stability
from segment_lab.segments.tree import DAYS, HABITS, YOUNG, TreeSegmenter, _name
from segment_lab.texts import speaking
from segment_lab.texts.names import shown


def world(n: int = 3000, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Customers of 400 days whose spend falls with silence and grows with orders; most spend
    nothing."""
    rng = np.random.default_rng(seed)
    frequency = rng.geometric(0.4, n)
    table = pd.DataFrame(
        {
            "recency_days": rng.integers(0, 400, n),
            "tenure_days": 400,
            "frequency": frequency,
            "revenue": (frequency * rng.lognormal(3, 1, n)).round(2),
        },
        index=[f"c{i}" for i in range(n)],
    )
    buys = rng.uniform(size=n) < 0.8 * np.exp(-table["recency_days"] / 120)
    return table, buys * table["frequency"] * rng.lognormal(3, 0.5, n)


def ranking_power(score: np.ndarray, spent: pd.Series) -> float:
    """Gini of the predicted order over that of the perfect one; ties share their places."""

    def area(by: np.ndarray) -> float:
        groups = (
            pd.Series(spent.to_numpy()).groupby(-np.asarray(by)).agg(["sum", "size"])
        )
        held = np.concatenate([[0], groups["sum"].cumsum() / spent.sum()])
        share = np.concatenate([[0], groups["size"].cumsum() / len(spent)])
        return 2 * np.trapezoid(held, share) - 1

    return area(score) / area(spent.to_numpy())


def test_the_rules_predict_new_customers_better_than_past_spend():
    fitted = TreeSegmenter().fit(*world())
    table, spent = world(seed=1)
    codes = fitted.predict(table)
    found, simple = ranking_power(-codes, spent), ranking_power(table["revenue"], spent)
    assert found > simple + 0.2
    came = spent.groupby(codes).mean()
    assert came.iloc[0] > 4 * came.iloc[-1]
    assert len(fitted.segment_names_) <= 12


def test_silence_never_raises_a_customer_and_money_never_lowers_one():
    fitted = TreeSegmenter().fit(*world())
    table, _ = world(n=800, seed=2)
    here = fitted.predict(table)
    assert (
        fitted.predict(table.assign(recency_days=table["recency_days"] + 90)) >= here
    ).all()
    assert (fitted.predict(table.assign(revenue=table["revenue"] * 3)) <= here).all()


def test_every_rule_reads_as_what_it_does():
    table, spent = world()
    fitted = TreeSegmenter(max_segments=6).fit(table, spent)
    segments = fitted.segment(table)
    assert segments.sizes().min() >= 20
    assert fitted.learned_on_ == segments.sizes().tolist()
    for name, box in zip(fitted.segment_names_, fitted.leaves_, strict=True):
        rows = table.loc[segments[name]]
        low, high = box["recency_days"]
        assert rows["recency_days"].gt(low).all()
        assert rows["recency_days"].le(high).all()
        assert (f"{high:.0f} days" in name) == np.isfinite(high)
    assert all("spent" in text for text in fitted.meanings().values())


def test_names_by_hand():
    names = {
        (-np.inf, 60, -np.inf, np.inf): "Last 60 days",
        (90, np.inf, -np.inf, 5): "Last order 91+ days ago, up to 5 a month",
        (60, 90, 5, 2000): "Last order 61–90 days ago, 5–2,000 a month",
        (-np.inf, np.inf, 0.5, np.inf): "Over 0.5 a month",
        (-np.inf, np.inf, -np.inf, np.inf): "All customers",
    }
    for (after, to, over, most), name in names.items():
        box = {"recency_days": (after, to), "monthly_revenue": (over, most)}
        assert _name(box) == name
    # "Silent" would be a judgement: by the own rhythm such a customer may be active.
    with speaking("pl"):
        assert shown("Last 60 days, over 20 a month") == (
            "Ostatnie 60 dni, powyżej 20 miesięcznie"
        )


def test_a_month_is_counted_since_the_first_order_and_three_at_least():
    table, spent = world()
    fitted = TreeSegmenter().fit(table, spent)
    old = table.assign(tenure_days=3000)
    assert (fitted.predict(old) >= fitted.predict(table)).all()
    new = table.assign(recency_days=1, tenure_days=90)
    known = fitted.predict(new)
    assert (fitted.predict(new.assign(tenure_days=2)) == known).all()
    assert (fitted.predict(new.assign(tenure_days=900)) != known).any()


def test_rules_cut_at_round_numbers_only():
    table, spent = world()
    leaves = TreeSegmenter().fit(table, spent).leaves_
    assert len(leaves) > 2
    for box in leaves:
        assert {*box["recency_days"]} <= {*DAYS, -np.inf, np.inf}
        assert {*box["monthly_revenue"]} <= {*HABITS.money, -np.inf, np.inf}


def test_in_a_young_base_half_a_year_is_counted_at_least_and_size_decides():
    table, spent = world(seed=3)
    age = 200 + np.arange(len(table)) % 100
    table = table.assign(
        tenure_days=age, recency_days=np.minimum(table["recency_days"], age)
    )
    young = TreeSegmenter().fit(table, spent)
    usual = TreeSegmenter().fit(table.assign(tenure_days=400), spent)
    assert (young.way_, usual.way_) == (YOUNG, HABITS)
    new = table.assign(recency_days=1, tenure_days=180)
    assert (young.predict(new.assign(tenure_days=2)) == young.predict(new)).all()
    finer = {cut for box in young.leaves_ for cut in box["monthly_revenue"]}
    assert finer <= {*YOUNG.money, -np.inf, np.inf}
    warehouse = embedded.connect()
    people = table.rename_axis("customer_id").reset_index()
    warehouse.create_table("young_base", people)
    answer = dict(warehouse.raw_sql(young.to_sql("young_base")).fetchall())
    assert answer == young.segment(table).labels.astype(str).to_dict()


def test_on_other_customers_the_same_rules_are_found():
    table, spent = world()
    fitted = TreeSegmenter().fit(table, spent)
    found = refit_stability(fitted, table, spent=spent, refits=4)
    usual = np.average(found["jaccard"], weights=found["customers"])
    assert usual > 0.75


def test_too_little_to_learn_from_is_one_segment_and_no_outcome_is_an_error():
    table, spent = world(n=60)
    assert TreeSegmenter().fit(table, spent).segment_names_ == ("All customers",)
    table, spent = world(n=300)
    assert TreeSegmenter().fit(table, spent * 0).segment_names_ == ("All customers",)
    with pytest.raises(NotEnoughDataError, match="afterwards"):
        TreeSegmenter().fit(table)
    with pytest.raises(DataError, match="1 are missing"):
        TreeSegmenter().fit(table, spent.iloc[1:])


@pytest.mark.slow
def test_on_cdnow_the_rules_rank_better_than_past_spend_and_much_better_than_named_rfm():
    rows = pd.read_csv(
        dataset("cdnow", "CDNOW_master.txt"),
        sep=r"\s+",
        skiprows=1,
        names=["customer_id", "order_date", "cds", "amount"],
        dtype={"order_date": "str"},
    )
    rows["order_date"] = pd.to_datetime(rows["order_date"])
    days = [
        pd.Timestamp("1998-01-02"),
        pd.Timestamp("1998-04-02"),
        pd.Timestamp("1998-07-01"),
    ]
    tables = [sl.customer_table(rows, as_of=day.date()) for day in days[:2]]
    spent = []
    for table, (start, end) in zip(tables, pairwise(days), strict=True):
        inside = rows[(rows["order_date"] >= start) & (rows["order_date"] < end)]
        money = inside.groupby(inside["customer_id"].astype(str))["amount"].sum()
        spent.append(money.reindex(table.index).fillna(0.0))
    codes = TreeSegmenter().fit(tables[0], spent[0]).predict(tables[1])
    named = {}
    for name, segmenter in (
        ("scores", by_scores_alone(5)),
        ("words", sl.RFMSegmenter()),
    ):
        rfm = segmenter.fit(tables[0])
        means = spent[0].groupby(rfm.predict(tables[0])).mean()
        worth = means.reindex(rfm.predict(tables[1])).to_numpy()
        named[name] = ranking_power(worth, spent[1])
    power = ranking_power(-codes, spent[1])
    assert power > ranking_power(tables[1]["revenue"].to_numpy(), spent[1])
    assert power > named["scores"] + 0.08
    # Where the words must be true, the names rank better by themselves.
    assert power > named["words"] + 0.05
    assert named["words"] > named["scores"] + 0.02
