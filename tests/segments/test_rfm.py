"""RFM against published counts, an independent oracle, and the faults seen in other programs."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from bases import base
from hypothesis import given
from hypothesis import strategies as st
from test_grid import claims, vignette_grid

from datasets import dataset
from segment_lab.customers.states import StateRule
from segment_lab.data import embedded
from segment_lab.errors import ConfigError
from segment_lab.pages import rfm as page
from segment_lab.segments.claims import ENOUGH, Words
from segment_lab.segments.grid import default_grid, load_grid
from segment_lab.segments.rfm import RFMSegmenter
from segment_lab.segments.scores import quantile_cuts
from segment_lab.segments.segmentation import Status
from segment_lab.texts import say, speaking


def oracle_scores(table: pd.DataFrame, n_bins: int, money: pd.Series) -> pd.DataFrame:
    """Scores by definition: count the raw quantiles below a value, customer by customer."""
    at = np.arange(1, n_bins) / n_bins
    columns = {}
    for name, values in (
        ("r", table["recency_days"]),
        ("f", table["frequency"]),
        ("m", money),
    ):
        cuts = np.quantile(values, at)
        if values.min() < values.max():
            cuts = np.where(cuts == values.max(), np.sort(values.unique())[-2], cuts)
        passed = np.array([sum(v > c for c in cuts) for v in values])
        columns[f"{name}_score"] = n_bins - passed if name == "r" else 1 + passed
    return pd.DataFrame(columns, index=table.index)


def oracle_words(table: pd.DataFrame) -> list[set[str]]:
    """The words that are true of each customer, by definition: from the state and plain columns."""
    rule = StateRule.learn(table)
    middle = table["revenue"].median().round(2)
    found = []
    for (_, row), state in zip(
        table.iterrows(), rule.states(table)["state"], strict=True
    ):
        silence = {"slowing": {"slowing", "silent"}, "lapsed": {"lapsed", "silent"}}
        words = silence.get(state, {"lately"}) | {
            "often" if row["frequency"] >= 3 else "few"
        }
        if row["revenue"] >= middle:
            words.add("rich")
        if row["revenue"] <= middle:
            words.add("small")
        if row["tenure_days"] <= round(3.5 * rule.typical_gap, 2):
            words.add("young")
        found.append(words)
    return found


@pytest.mark.parametrize(
    ("n_bins", "one_time"), [(2, 0.3), (3, 0.76), (5, 0.3), (5, 0.99)]
)
def test_a_customer_stays_where_the_words_are_true_and_goes_where_they_are(
    n_bins, one_time
):
    table = base(400, one_time, seed=n_bins)
    fitted = RFMSegmenter(n_bins=n_bins).fit(table)
    names, grid = claims(fitted.grid_), fitted.grid_
    needed = {rule.name: set(rule.words) for rule in grid.segments}
    expected = []
    for scores, words in zip(
        fitted.scores(table).to_numpy(), oracle_words(table), strict=True
    ):
        order = [*names[tuple(scores)], *grid.otherwise]
        expected.append(next(name for name in order if needed[name] <= words))
    result = fitted.segment(table)
    assert result.labels.tolist() == expected
    moved = [
        n not in names[tuple(s)]
        for n, s in zip(expected, result.by_customer.to_numpy(), strict=True)
    ]
    assert any(moved)


def by_scores_alone(n_bins: int) -> RFMSegmenter:
    grid = default_grid(n_bins).model_dump() | {"otherwise": ()}
    grid["segments"] = [
        {**rule, "words": ()} for rule in grid["segments"] if rule["ranges"]
    ]
    return RFMSegmenter(n_bins=n_bins, grid=grid)


@pytest.mark.parametrize("n_bins", [2, 3, 5, 7])
@pytest.mark.parametrize("one_time", [0.3, 0.55, 0.76, 0.99])
def test_scores_and_segments_equal_an_independent_oracle(n_bins, one_time):
    table = base(400, one_time, seed=n_bins)
    fitted = by_scores_alone(n_bins).fit(table)
    result = fitted.segment(table)
    expected = oracle_scores(table, n_bins, table["revenue"])
    pd.testing.assert_frame_equal(result.by_customer, expected, check_dtype=False)
    names = claims(fitted.grid_)
    assert result.labels.tolist() == [
        names[tuple(row)][0] for row in expected.to_numpy()
    ]


def test_money_by_margin_and_per_order():
    table = base(200)
    fitted = RFMSegmenter(value="margin", monetary="per_order").fit(table)
    expected = oracle_scores(table, 5, table["margin"] / table["frequency"])
    assert fitted.scores(table)["m_score"].tolist() == expected["m_score"].tolist()


def test_the_r_vignettes_ten_counts_are_reproduced():
    orders = pd.read_csv(
        dataset("rfm_orders", "rfm_data_orders.csv"), parse_dates=["order_date"]
    )
    grouped = orders.groupby("customer_id")
    table = pd.DataFrame(
        {
            "recency_days": (
                pd.Timestamp("2006-12-31") - grouped["order_date"].max()
            ).dt.days,
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
    two = pd.DataFrame(
        [[1, 99, 9e4], [719, 1, 5.0]], index=["best", "old"], columns=measures
    )
    table = pd.concat([base(300)[measures], two])
    result = RFMSegmenter().fit(table).segment(table)
    assert result.by_customer.loc["best"].tolist() == [5, 5, 5]
    assert result.labels[["best", "old"]].tolist() == ["Champions", "Lost"]


def test_ties_at_either_end_keep_both_ends_of_the_scale():
    table = base(100).assign(
        recency_days=np.r_[np.full(90, 300), np.arange(10)],
        frequency=np.r_[1, np.full(99, 7)],
    )
    scores = RFMSegmenter().fit(table).scores(table)
    assert scores["r_score"].tolist() == [1] * 90 + [5] * 10
    assert scores["f_score"].tolist() == [1] + [5] * 99


def test_where_all_are_equal_the_docstrings_promise_holds():
    table = base(30).assign(recency_days=5, frequency=2, revenue=10.0)
    assert RFMSegmenter().fit(table).scores(
        table
    ).drop_duplicates().to_numpy().tolist() == [[5, 1, 1]]
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
        assert {passed.min(), passed.max()} >= (
            {n_bins - 1} if closed == "right" else {0}
        )
        assert len(set(passed)) > 1
    for value in set(values):
        assert len(set(passed[data == value])) == 1


def test_hand_made_cut_points_are_kept_and_the_rest_is_learned():
    table = base(200)
    fitted = RFMSegmenter(n_bins=3, cuts={"recency": [30, 90]}).fit(table)
    assert fitted.cuts_["recency"] == [30.0, 90.0]
    assert (
        fitted.cuts_["frequency"]
        == RFMSegmenter(n_bins=3).fit(table).cuts_["frequency"]
    )
    assert fitted.score_table()["days since the last order"].tolist() == [
        "up to 30",
        "over 30 up to 90",
        "over 90",
    ]
    assert (
        fitted.scores(table)["r_score"]
        == np.select(
            [table["recency_days"] <= 30, table["recency_days"] <= 90], [3, 2], 1
        )
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
    assert (
        finding.figures["best_segment_customers"] == profile["customers"]["Champions"]
    )
    assert finding.figures["gone_silent_revenue_share"] == pytest.approx(
        profile["revenue_share"][["Can't Lose", "At Risk"]].sum()
    )
    assert (
        f"{profile['customers']['Champions']:,} of 300 customers"
        in finding.sentences[0]
    )
    shortest = table["recency_days"][
        result.labels.isin(["Can't Lose", "At Risk"])
    ].min()
    assert f"silent for {shortest:,.0f} days or longer" in finding.sentences[1]
    assert set(fitted.meanings()) == {
        rule.name for rule in load_grid("quintiles").segments
    }


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
    scores = pd.DataFrame(
        {"r_score": [1, 2, 3], "f_score": [1, 1, 3], "m_score": [3, 2, 1]}
    )
    assert page.tie_remark(scores, 3).startswith(
        "Scores that nobody has: frequency 2. Many customers have the same"
    )
    assert (
        page.tie_remark(scores.assign(f_score=[1, 2, 3]), 3) == "Every score is in use."
    )
    assert page.cut_remark(RFMSegmenter()).startswith(
        "The steps divide the customers into groups as equal as ties allow"
    )
    mixed = page.cut_remark(
        RFMSegmenter(3, cuts={"recency": [30, 90], "frequency": [1, 3]})
    )
    assert mixed.startswith(
        "The cut points of recency and frequency were given by hand. The other steps divide"
    )
    by_hand = {measure: [1, 2] for measure in ("recency", "frequency", "monetary")}
    assert (
        page.cut_remark(RFMSegmenter(3, cuts=by_hand))
        == "All cut points were given by hand."
    )


def orders_table(lines: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """A customer table from ``customer_id, order_date, amount``; a day's purchases are one
    order."""
    grouped = lines.groupby("customer_id")
    day = pd.Timestamp(as_of)
    return pd.DataFrame(
        {
            "recency_days": (day - grouped["order_date"].max()).dt.days,
            "tenure_days": (day - grouped["order_date"].min()).dt.days,
            "frequency": grouped["order_date"].nunique(),
            "revenue": grouped["amount"].sum().round(2),
        }
    )


def rfm_log() -> pd.DataFrame:
    orders = pd.read_csv(
        dataset("rfm_orders", "rfm_data_orders.csv"), parse_dates=["order_date"]
    )
    return orders_table(orders.rename(columns={"revenue": "amount"}), "2006-12-31")


def cdnow() -> pd.DataFrame:
    columns = ["customer_id", "order_date", "n", "amount"]
    path = dataset("cdnow", "CDNOW_master.txt")
    lines = pd.read_csv(
        path, sep=r"\s+", header=0, names=columns, dtype={"order_date": "str"}
    )
    lines["order_date"] = pd.to_datetime(lines["order_date"], format="%Y%m%d")
    return orders_table(lines, "1998-07-01")


def online_retail() -> pd.DataFrame:
    lines = pd.read_csv(
        dataset("online_retail", "online_retail.csv.gz"),
        usecols=["CustomerID", "InvoiceDate", "Quantity", "UnitPrice"],
        parse_dates=["InvoiceDate"],
    ).dropna()
    lines = lines[lines["Quantity"] > 0]
    lines["amount"] = lines["Quantity"] * lines["UnitPrice"]
    lines["order_date"] = lines["InvoiceDate"].dt.normalize()
    return orders_table(
        lines.rename(columns={"CustomerID": "customer_id"}), "2011-12-10"
    )


@pytest.mark.parametrize(
    ("log", "n_bins"), [(rfm_log, 3), (rfm_log, 5), (cdnow, 5), (online_retail, 5)]
)
def test_every_word_is_true_on_public_logs_and_sql_agrees(log, n_bins):
    table = log()
    table.index = table.index.astype("str")
    fitted = RFMSegmenter(n_bins=n_bins).fit(table)
    labels = fitted.segment(table).labels
    for rule in fitted.grid_.segments:
        held = fitted.truth_.loc[rule.name, list(rule.words)]
        assert held.isna().all() or (held >= ENOUGH).all()
    con = embedded.connect()
    con.create_table("warehouse", table.rename_axis("customer_id").reset_index())
    answer = (
        con.raw_sql(fitted.to_sql("warehouse")).df().set_index("customer_id")["segment"]
    )
    assert answer.loc[labels.index].tolist() == labels.tolist()


def test_by_scores_alone_the_words_were_not_true():
    """What the guards are for: on CDNOW close to half of the Champions had not bought lately."""
    table = cdnow()
    codes = by_scores_alone(5).fit(table).predict(table)
    names = [rule.name for rule in default_grid(5).segments]
    labels = pd.Series(pd.Categorical.from_codes(codes, names), table.index)
    assert Words.learn(table).truth(table, labels).loc["Champions", "lately"] < 0.6


def test_who_buys_by_season_is_told_by_the_season():
    table = base(300)
    season = (0.2,) * 6 + (1.8,) * 6
    plain = RFMSegmenter().fit(table)
    told = RFMSegmenter().on(season, dt.date(2026, 6, 1)).fit(table)
    assert (
        told.segment(table).sizes()["Champions"]
        > plain.segment(table).sizes()["Champions"]
    )
    assert told.words_.states == StateRule.learn(
        table, season, dt.date(2026, 6, 1), chances=False
    )


def test_on_a_base_long_silent_nobody_is_a_champion():
    table = base(600)
    old = table.assign(
        recency_days=table["recency_days"] + 2000,
        tenure_days=table["tenure_days"] + 2000,
    )
    aged = RFMSegmenter().fit(old)
    best = aged.predict(old) == 0
    assert (StateRule.learn(old).states(old)["state"][best] == "active").all()
    assert (aged.scores(old).min(axis=1) >= 4).sum() > best.sum()


def test_without_tenure_the_scores_alone_decide():
    table = base(300)[["recency_days", "frequency", "revenue"]]
    fitted = RFMSegmenter().fit(table)
    assert fitted.words_ is None
    assert (
        fitted.predict(table).tolist()
        == by_scores_alone(5).fit(table).predict(table).tolist()
    )


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
    labels = pd.Series(
        pd.Categorical(["x", "x", "y", "y"], ["x", "y", "z"]), table.index
    )
    held = Words.learn(table).truth(table, labels)
    assert held.loc["x", ["lately", "silent", "often", "few"]].tolist() == [
        0.5,
        0.5,
        1,
        0,
    ]
    assert held.loc["y", ["lately", "often", "few", "rich"]].tolist() == [1, 0, 1, 1]
    assert held.loc["z"].isna().all()


def test_the_reason_of_a_status_is_said_in_the_language_of_who_asks():
    status = Status(
        "PRELIMINARY", "comparison.status.few_days", {"days": 9, "needed": 30}
    )
    assert status.reason == "less than 30 days of data (9)"
    with speaking("pl"):
        assert status.reason == say("comparison.status.few_days", days=9, needed=30)
        assert "data" not in status.reason
    assert status.reason == "less than 30 days of data (9)"


def test_a_status_is_assessed_when_it_is_looked_at_and_only_once():
    asked = []

    def assess():
        asked.append(1)
        return Status("PROPER", "segments.not_assessed")

    customers = base()
    segmenter = RFMSegmenter(n_bins=3).fit(customers)
    segmentation = segmenter.segment(customers, status=assess)
    assert segmentation.sizes().sum() == len(customers)
    assert asked == []
    assert segmentation.status.kind == segmentation.status.kind == "PROPER"
    assert asked == [1]
    assert not hasattr(segmentation, "statos")
