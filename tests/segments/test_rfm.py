"""RFM against published counts, an independent oracle, and the faults seen in other programs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bases import base
from hypothesis import given
from hypothesis import strategies as st
from test_grid import claims, vignette_grid

from datasets import dataset
from segment_lab.errors import ConfigError
from segment_lab.pages import rfm as page
from segment_lab.segments.claims import truth
from segment_lab.segments.grid import load_grid
from segment_lab.segments.rfm import RFMSegmenter, quantile_cuts
from segment_lab.segments.segmentation import Status


def oracle_scores(table: pd.DataFrame, n_bins: int, money: pd.Series) -> pd.DataFrame:
    """Scores by definition: count the raw quantiles below a value, customer by customer."""
    at = np.arange(1, n_bins) / n_bins
    columns = {}
    for name, values in (("r", table["recency_days"]), ("f", table["frequency"]), ("m", money)):
        cuts = np.quantile(values, at)
        if values.min() < values.max():
            cuts = np.where(cuts == values.max(), np.sort(values.unique())[-2], cuts)
        passed = np.array([sum(v > c for c in cuts) for v in values])
        columns[f"{name}_score"] = n_bins - passed if name == "r" else 1 + passed
    return pd.DataFrame(columns, index=table.index)


@pytest.mark.parametrize("n_bins", [2, 3, 5, 7])
@pytest.mark.parametrize("one_time", [0.3, 0.55, 0.76, 0.99])
def test_scores_and_segments_equal_an_independent_oracle(n_bins, one_time):
    table = base(400, one_time, seed=n_bins)
    fitted = RFMSegmenter(n_bins=n_bins).fit(table)
    result = fitted.segment(table)
    expected = oracle_scores(table, n_bins, table["revenue"])
    pd.testing.assert_frame_equal(result.details, expected, check_dtype=False)
    names = claims(fitted.grid_)
    assert result.labels.tolist() == [names[tuple(row)][0] for row in expected.to_numpy()]


def test_money_by_margin_and_per_order():
    table = base(200)
    fitted = RFMSegmenter(value="margin", monetary="per_order").fit(table)
    expected = oracle_scores(table, 5, table["margin"] / table["frequency"])
    assert fitted.scores(table)["m_score"].tolist() == expected["m_score"].tolist()


def test_the_r_vignettes_ten_counts_are_reproduced():
    orders = pd.read_csv(dataset("rfm_orders", "rfm_data_orders.csv"), parse_dates=["order_date"])
    grouped = orders.groupby("customer_id")
    table = pd.DataFrame(
        {
            "recency_days": (pd.Timestamp("2006-12-31") - grouped["order_date"].max()).dt.days,
            "frequency": grouped.size(),
            "revenue": grouped["revenue"].sum(),
        }
    )
    # Its bins run from lower (included) to upper, and every inner edge is the type-7 quantile plus
    # 1.
    edges = table.quantile([0.2, 0.4, 0.6, 0.8]) + 1
    cuts = {
        "recency": [*edges["recency_days"]],
        "frequency": [*edges["frequency"]],
        "monetary": [*edges["revenue"]],
    }
    sizes = (
        RFMSegmenter(grid=vignette_grid(), closed="left", cuts=cuts)
        .fit(table)
        .segment(table)
        .sizes()
    )
    assert len(table) == 995
    assert sizes.to_dict() == {
        "Champions": 35,
        "Potential Loyalist": 342,
        "Loyal Customers": 170,
        "Promising": 9,
        "New Customers": 104,
        "Can't Lose Them": 47,
        "At Risk": 28,
        "Need Attention": 10,
        "About To Sleep": 102,
        "Lost": 148,
        "Others": 0,
    }


@pytest.mark.parametrize("one_time", [0.3, 0.55, 0.76, 0.99])
def test_heavy_ties_share_a_score_and_the_best_score_stays_reachable(one_time):
    table = base(1000, one_time)
    scores = RFMSegmenter().fit(table).scores(table)
    assert scores["f_score"][table["frequency"] == 1].unique().tolist() == [1]
    heaviest = table["frequency"] == table["frequency"].max()
    assert (scores["f_score"][heaviest] == 5).all()
    assert (scores["f_score"] > 1).sum() == (table["frequency"] > 1).sum()


def test_the_best_customer_scores_best_and_one_old_order_is_no_champion():
    measures = ["recency_days", "frequency", "revenue"]
    two = pd.DataFrame([[1, 99, 9e4], [719, 1, 5.0]], index=["best", "old"], columns=measures)
    table = pd.concat([base(300)[measures], two])
    result = RFMSegmenter().fit(table).segment(table)
    assert result.details.loc["best"].tolist() == [5, 5, 5]
    assert result.labels[["best", "old"]].tolist() == ["Champions", "Lost"]


def test_ties_at_either_end_keep_both_ends_of_the_scale():
    table = base(100).assign(
        recency_days=np.r_[np.full(90, 300), np.arange(10)], frequency=np.r_[1, np.full(99, 7)]
    )
    scores = RFMSegmenter().fit(table).scores(table)
    assert scores["r_score"].tolist() == [1] * 90 + [5] * 10
    assert scores["f_score"].tolist() == [1] + [5] * 99


def test_where_all_are_equal_the_docstrings_promise_holds():
    table = base(30).assign(recency_days=5, frequency=2, revenue=10.0)
    assert RFMSegmenter().fit(table).scores(table).drop_duplicates().to_numpy().tolist() == [
        [5, 1, 1]
    ]
    left = RFMSegmenter(closed="left").fit(table)
    assert left.scores(table).drop_duplicates().to_numpy().tolist() == [[1, 5, 5]]


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=60),
    st.integers(2, 10),
    st.sampled_from(["left", "right"]),
)
def test_cuts_ascend_and_the_ends_are_in_use(values, n_bins, closed):
    data = np.array(values, dtype="float64")
    cuts = quantile_cuts(data, n_bins, closed)
    assert len(cuts) == n_bins - 1
    assert cuts == sorted(cuts)
    passed = np.searchsorted(cuts, data, side="left" if closed == "right" else "right")
    if len(set(values)) > 1:
        assert {passed.min(), passed.max()} >= ({n_bins - 1} if closed == "right" else {0})
        assert len(set(passed)) > 1
    for value in set(values):
        assert len(set(passed[data == value])) == 1


def test_hand_made_cut_points_are_kept_and_the_rest_is_learned():
    table = base(200)
    fitted = RFMSegmenter(n_bins=3, cuts={"recency": [30, 90]}).fit(table)
    assert fitted.cuts_["recency"] == [30.0, 90.0]
    assert fitted.cuts_["frequency"] == RFMSegmenter(n_bins=3).fit(table).cuts_["frequency"]
    assert fitted.score_table()["days since the last order"].tolist() == [
        "up to 30",
        "over 30 up to 90",
        "over 90",
    ]
    assert (
        fitted.scores(table)["r_score"]
        == np.select([table["recency_days"] <= 30, table["recency_days"] <= 90], [3, 2], 1)
    ).all()


@pytest.mark.parametrize("cuts", [{"recency": [90, 30]}, {"recency": [30]}])
def test_wrong_cut_points_are_refused(cuts):
    with pytest.raises(ConfigError, match="2 ascending numbers"):
        RFMSegmenter(n_bins=3, cuts=cuts).fit(base())


def test_an_unknown_measure_is_refused():
    with pytest.raises(ConfigError, match="cuts"):
        RFMSegmenter(cuts={"rececny": [1, 2, 3, 4]}).fit(base())


def test_the_finding_quotes_the_profile():
    table = base(300)
    fitted = RFMSegmenter().fit(table)
    result = fitted.segment(table)
    finding, profile = page.headline(result, table), result.profile(table)
    assert finding.figures["best_segment_customers"] == profile["customers"]["Champions"]
    assert finding.figures["gone_silent_revenue_share"] == pytest.approx(
        profile["revenue_share"][["Can't Lose", "At Risk"]].sum()
    )
    assert f"{profile['customers']['Champions']:,} of 300 customers" in finding.sentences[0]
    shortest = table["recency_days"][result.labels.isin(["Can't Lose", "At Risk"])].min()
    assert f"silent for {shortest:,.0f} days or longer" in finding.sentences[1]
    assert set(fitted.meanings()) == {rule.name for rule in load_grid("quintiles").segments}


def test_where_everybody_bought_once_nobody_is_praised_or_missed():
    once = base(300).assign(frequency=1, repeat_frequency=0, recency_days=5.0)
    fitted = RFMSegmenter().fit(once)
    finding = page.headline(fitted.segment(once), once)
    assert (
        finding.sentences[0]
        == "Champions: nobody. No customer bought often, much and lately enough."
    )
    assert "silent" not in finding.sentences[1]
    alike = once.assign(revenue=5.0)
    assert (
        "All 300 customers are in one segment"
        in page.headline(fitted.segment(alike), alike).sentences[1]
    )


def test_remarks_say_which_scores_nobody_has_and_where_the_cut_points_come_from():
    scores = pd.DataFrame({"r_score": [1, 2, 3], "f_score": [1, 1, 3], "m_score": [3, 2, 1]})
    assert page.tie_remark(scores, 3).startswith(
        "Scores that nobody has: frequency 2. Many customers have the same"
    )
    assert page.tie_remark(scores.assign(f_score=[1, 2, 3]), 3) == "Every score is in use."
    assert page.cut_remark(RFMSegmenter()).startswith(
        "The steps divide the customers into groups as equal as ties allow"
    )
    mixed = page.cut_remark(RFMSegmenter(3, cuts={"recency": [30, 90], "frequency": [1, 3]}))
    assert mixed.startswith(
        "The cut points of recency and frequency were given by hand. The other steps divide"
    )
    by_hand = {measure: [1, 2] for measure in ("recency", "frequency", "monetary")}
    assert page.cut_remark(RFMSegmenter(3, cuts=by_hand)) == "All cut points were given by hand."


def test_a_word_that_is_not_true_of_nine_in_ten_is_not_said():
    table = base(600)
    fitted = RFMSegmenter().fit(table)
    held = fitted.truth_
    for name, text in fitted.meanings().items():
        assert ("Bought lately." in text) <= bool(held.loc[name, "lately"] >= 0.9)
        assert ("One or two orders" in text) <= bool(held.loc[name, "few"] >= 0.9)
    # Everybody long silent: the best by score did not buy lately, and the page does not say so.
    old = table.assign(
        recency_days=table["recency_days"] + 2000, tenure_days=table["tenure_days"] + 2000
    )
    aged = RFMSegmenter().fit(old)
    assert aged.truth_.loc["Champions", "lately"] < 0.9
    assert "Bought lately" not in aged.meanings()["Champions"]
    assert aged.meanings()["Champions"].endswith("Keep them. Ask before you sell.")


def test_the_shares_of_truth_by_hand():
    table = pd.DataFrame(
        {
            "recency_days": [1, 400, 1, 1],
            "tenure_days": [400, 800, 1, 400],
            "frequency": [20, 20, 1, 2],
            "revenue": [10.0, 20, 30, 40],
        },
        index=list("abcd"),
    )
    labels = pd.Series(pd.Categorical(["x", "x", "y", "y"], ["x", "y", "z"]), table.index)
    held = truth(table, labels)
    assert held.loc["x", ["lately", "silent", "often", "few"]].tolist() == [0.5, 0.5, 1, 0]
    assert held.loc["y", ["lately", "often", "few", "rich"]].tolist() == [1, 0, 1, 1]
    assert held.loc["z"].isna().all()


def test_a_status_is_assessed_when_it_is_looked_at_and_only_once():
    asked = []

    def assess():
        asked.append(1)
        return Status("PROPER", "settled")

    customers = base()
    segmenter = RFMSegmenter(n_bins=3).fit(customers)
    segmentation = segmenter.segment(customers, status=assess)
    assert segmentation.sizes().sum() == len(customers)
    assert asked == []
    assert segmentation.status.kind == segmentation.status.kind == "PROPER"
    assert asked == [1]
    assert not hasattr(segmentation, "statos")
