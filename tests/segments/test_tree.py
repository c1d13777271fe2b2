"""The learned rules: what they predict, which way they point, how they read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from test_rfm import by_scores_alone

import segment_lab as sl
from datasets import dataset
from segment_lab.errors import DataError, NotEnoughDataError
from segment_lab.segments.tree import TreeSegmenter, rounded_cut


def world(n: int = 3000, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Customers whose spend falls with silence and grows with orders; most spend nothing."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "recency_days": rng.integers(0, 400, n),
            "frequency": rng.geometric(0.4, n),
            "revenue": rng.lognormal(4, 1, n).round(2),
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
    assert found > simple + 0.3
    came = spent.groupby(codes).mean()
    assert came.iloc[0] > 4 * came.iloc[-1]
    assert len(fitted.segment_names_) <= 12


def test_silence_never_raises_a_customer_and_orders_and_money_never_lower_one():
    fitted = TreeSegmenter().fit(*world())
    table, _ = world(n=800, seed=2)
    here = fitted.predict(table)
    assert (
        fitted.predict(table.assign(recency_days=table["recency_days"] + 90)) >= here
    ).all()
    assert (
        fitted.predict(table.assign(frequency=table["frequency"] + 3)) <= here
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
    table, _ = world()
    lately = TreeSegmenter(max_segments=2).fit(
        table, 100.0 * (table["recency_days"] <= 60)
    )
    assert lately.segment_names_ == ("Last 60 days", "Last order 61+ days ago")
    orders = TreeSegmenter(max_segments=2).fit(table, 100.0 * (table["frequency"] > 1))
    assert orders.segment_names_ == ("2+ orders", "1 order")
    middle = TreeSegmenter(max_segments=3).fit(
        table,
        10.0
        + 40 * (table["recency_days"] <= 200)
        + 50 * (table["recency_days"] <= 100),
    )
    # "Silent" would be a judgement: by the own rhythm such a customer may be active.
    days = ("Last 100 days", "Last order 101–200 days ago", "Last order 201+ days ago")
    assert middle.segment_names_ == days


def test_cut_points_are_rounded_where_next_to_nobody_changes_side():
    days = np.arange(1000.0)
    assert rounded_cut(598.5, days) == 600
    assert rounded_cut(547.5, days) == 550
    assert rounded_cut(3.5, np.array([1.0, 2, 3, 4])) == 3
    assert rounded_cut(131.87, np.array([131.5, 131.86, 131.9])) == pytest.approx(
        131.87, abs=0.03
    )


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
