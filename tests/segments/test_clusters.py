"""Clusters: planted groups are found, the SQL is the model, and names and order do not depend on
the run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bases import base
from threadpoolctl import threadpool_limits

from datasets import dataset
from segment_lab.errors import ConfigError, DataError
from segment_lab.pages import clusters as page
from segment_lab.segments.boundaries import log_features
from segment_lab.segments.clusters import ClusterSegmenter
from segment_lab.segments.search import choose_k, search_k

CENTRES = {"whales": (5, 40, 900), "regulars": (20, 9, 60), "lapsed": (400, 2, 45)}


def planted(n: int = 100, seed: int = 1) -> pd.DataFrame:
    """Three groups of `n`, far apart on the log scale; the row's name says which."""
    rng = np.random.default_rng(seed)
    parts = []
    for name, centre in CENTRES.items():
        values = np.array(centre) * rng.lognormal(0, 0.15, (n, 3))
        parts.append(
            pd.DataFrame(
                values,
                columns=["recency_days", "frequency", "monetary_value"],
                index=[f"{name}-{i}" for i in range(n)],
            )
        )
    table = pd.concat(parts)
    table[["recency_days", "frequency"]] = (
        table[["recency_days", "frequency"]].round().clip(lower=1)
    )
    return table.assign(revenue=table["frequency"] * table["monetary_value"])


@pytest.mark.parametrize("algorithm", ["kmeans", "gmm"])
def test_planted_groups_are_found_ordered_by_revenue_and_named(algorithm):
    table = planted()
    fitted = ClusterSegmenter(algorithm, k_max=5, bootstraps=5).fit(table)
    result = fitted.segment(table)
    truth = table.index.str.split("-").str[0]
    assert fitted.k_ == 3
    assert fitted.k_search_.loc[3, ["jaccard", "jaccard_min"]].min() > 0.99
    assert pd.crosstab(truth, result.codes.to_numpy()).loc[
        ["whales", "regulars", "lapsed"]
    ].to_numpy().tolist() == [[100, 0, 0], [0, 100, 0], [0, 0, 100]]
    assert "arge orders" in result.names[0]
    assert "long silent" in result.names[2]
    assert len(set(result.names)) == 3
    assert fitted.profile_["customers"].tolist() == [100, 100, 100]


@pytest.mark.parametrize(
    ("algorithm", "features"),
    [
        ("kmeans", ("recency_days", "frequency", "monetary_value")),
        ("kmeans", ("recency_days", "frequency", "margin", "tenure_days", "revenue")),
        ("gmm", ("recency_days", "frequency", "monetary_value")),
        ("gmm", ("recency_days", "margin")),
    ],
)
@pytest.mark.parametrize("one_time", [0.3, 0.76])
def test_the_sql_rule_is_the_sklearn_model_for_every_customer(
    algorithm, features, one_time
):
    table = base(2000, one_time, seed=4)
    fitted = ClusterSegmenter(algorithm, k=5, features=features, bootstraps=5).fit(
        table
    )
    own = np.argsort(fitted.order_)[
        fitted.pipeline_.predict(table[list(features)].to_numpy())
    ]
    assert fitted.k_ == 5
    assert np.array_equal(fitted.predict(table), own)
    fresh = base(2000, one_time, seed=5)
    own = np.argsort(fitted.order_)[
        fitted.pipeline_.predict(fresh[list(features)].to_numpy())
    ]
    assert np.array_equal(fitted.predict(fresh), own)


def test_real_customers_agree_with_the_model_beyond_the_sample():
    lines = pd.read_csv(
        dataset("cdnow", "CDNOW_master.txt"),
        sep=r"\s+",
        header=None,
        skiprows=1,
        names=["id", "day", "cds", "amount"],
        dtype={"id": "str", "day": "str"},
    )
    days = (
        lines.assign(day=pd.to_datetime(lines["day"]))
        .groupby(["id", "day"])["amount"]
        .sum()
        .reset_index("day")
    )
    grouped = days.groupby("id")
    table = pd.DataFrame(
        {
            "recency_days": (pd.Timestamp("1998-07-01") - grouped["day"].max()).dt.days,
            "frequency": grouped.size(),
            "revenue": grouped["amount"].sum(),
        }
    )
    table["monetary_value"] = table["revenue"] / table["frequency"]
    fitted = ClusterSegmenter(k=4, sample=2000, bootstraps=5).fit(table)
    own = np.argsort(fitted.order_)[
        fitted.pipeline_.predict(table[list(fitted.features)].to_numpy())
    ]
    assert len(table) == 23_570
    assert np.array_equal(fitted.predict(table), own)
    assert fitted.profile_["customers"].sum() == len(table)


def test_a_refit_on_later_data_keeps_the_meaning_of_the_codes():
    first = ClusterSegmenter(k=3, bootstraps=5).fit(planted(seed=1))
    later = ClusterSegmenter(k=3, bootstraps=5, random_state=9).fit(planted(seed=2))
    table = planted(seed=3)
    assert np.array_equal(first.predict(table), later.predict(table))
    assert first.segment_names_ == later.segment_names_


def test_k_given_by_hand_is_kept_and_limited_by_the_different_customers():
    assert ClusterSegmenter(k=4, bootstraps=5).fit(planted()).k_ == 4
    few = pd.concat([planted(1)] * 5).set_axis([f"c{i}" for i in range(15)])
    fitted = ClusterSegmenter(k=8, bootstraps=5).fit(few)
    assert fitted.k_ == 2
    assert "as asked for" in fitted.reason_
    assert fitted.segment(few).sizes().sum() == 15


def test_equal_customers_are_one_segment():
    table = planted(10).iloc[[0] * 10].set_axis([f"c{i}" for i in range(10)])
    fitted = ClusterSegmenter().fit(table)
    assert fitted.segment(table).labels.tolist() == ["All customers"] * 10
    assert (
        page.headline(fitted, fitted.segment(table), table)
        .sentences[0]
        .startswith("There is only one group")
    )


def test_where_nothing_was_paid_the_finding_speaks_of_no_revenue():
    table = planted(60)
    fitted = ClusterSegmenter(k_max=3).fit(table)
    sentence = page.headline(
        fitted, fitted.segment(table), table.assign(revenue=0.0)
    ).sentences[0]
    assert sentence.endswith("% of them.")


def search(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(
        rows, columns=["k", "jaccard", "jaccard_min", "silhouette", "stable"]
    ).set_index("k")


@pytest.mark.parametrize(
    ("table", "k", "why"),
    [
        (
            search(
                (2, 0.99, 0.98, 0.5, True),
                (3, 0.9, 0.8, 0.2, True),
                (4, 0.8, 0.7, 0.3, True),
            ),
            4,
            "best",
        ),
        (search((2, 0.99, 0.98, 0.5, True), (3, 0.7, 0.5, 0.4, False)), 2, "only"),
        (search((2, 0.5, 0.4, 0.5, False), (3, 0.6, 0.3, 0.4, False)), 3, "unstable"),
    ],
)
def test_the_choice_of_k_by_hand(table, k, why):
    assert choose_k(table, k_min=3) == (k, why)


def test_noise_has_no_stable_fine_structure_and_planted_groups_have():
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(300, 2)) * 0.1 + np.repeat(
        [[0, 0], [5, 0], [0, 5]], 100, axis=0
    )
    with threadpool_limits(1):
        noise = search_k(rng.uniform(size=(400, 4)), "kmeans", range(5, 8), 8, 0)
        found = search_k(groups, "kmeans", range(2, 5), 8, 0)
    assert not noise["stable"].any()
    assert found["silhouette"].idxmax() == 3
    assert found.loc[3, "jaccard"] == pytest.approx(1)
    assert (found["jaccard"] >= found["jaccard_min"]).all()


def test_signed_logs_by_hand():
    logs = log_features(
        np.array([[np.e - 1, 10 - 10 * np.e], [-3, 0]]), [1, 10], [False, True]
    )
    assert logs == pytest.approx(np.array([[1, -1], [0, 0]]))


def test_the_currency_makes_no_difference():
    table = base(300)
    yen = table.assign(
        revenue=table["revenue"] * 160, monetary_value=table["monetary_value"] * 160
    )
    euros = ClusterSegmenter(k=4, bootstraps=5).fit(table).segment(table)
    found = ClusterSegmenter(k=4, bootstraps=5).fit(yen).segment(yen)
    assert (
        found.codes == euros.codes
    ).mean() > 0.99  # the unit is rounded to three digits


def test_what_cannot_be_clustered_is_told():
    table = planted(10).assign(region="north")
    with pytest.raises(DataError, match="region: holds no numbers"):
        ClusterSegmenter(features=("frequency", "region")).fit(table)
    with pytest.raises(ConfigError, match="at least 1"):
        ClusterSegmenter(features=()).fit(table)


def test_what_is_the_same_for_everybody_names_no_cluster():
    once = base(300).assign(frequency=1, repeat_frequency=0, recency_days=1.0)
    names = " ".join(
        ClusterSegmenter(k=3, bootstraps=5).fit(once).segment(once).names
    ).lower()
    assert not any(word in names for word in ("frequent", "rare", "silent", "recent"))


def test_a_name_says_only_of_silence_what_is_true_by_the_own_rhythm():
    table = planted()
    # Ten years of rare orders: 400 days are no long silence for them.
    years = np.where(table.index.str.startswith("lapsed"), 3650.0, 400.0)
    slow = table.assign(tenure_days=np.maximum(years, table["recency_days"]))
    lapsed = slow.assign(
        tenure_days=slow["recency_days"] + 30 * (slow["frequency"] - 1)
    )
    names = {}
    for name, rows in {"slow": slow, "lapsed": lapsed}.items():
        fitted = ClusterSegmenter(k=3, bootstraps=5).fit(rows)
        names[name] = fitted.segment_names_
        claims = {"recent": "lately", "long silent": "silent"}
        for segment, shares in fitted.truth_.iterrows():
            for said, word in claims.items():
                assert said not in segment.lower() or shares[word] >= 0.9
        without = fitted.predict(table)
        assert (
            without == fitted.predict(rows)
        ).all()  # the rule itself needs no tenure
    assert "silent" not in " ".join(names["slow"])
    assert "long silent" in names["lapsed"][2]


def test_the_method_is_told_in_the_words_of_the_tables():
    remark = page.method_remark(
        ClusterSegmenter("gmm", features=("recency_days", "return_share"))
    )
    assert remark.startswith(
        "Gaussian mixture on the logarithms of days since last order, return share, each in"
    )
    assert page.method_remark(ClusterSegmenter()).startswith("k-means on")


def test_a_refit_with_a_given_number_gives_the_same_labels_without_a_search():
    customers = base()
    judged = ClusterSegmenter(k=4, bootstraps=5).fit(customers)
    quick = ClusterSegmenter(k=4, bootstraps=0).fit(customers)
    assert (quick.predict(customers) == judged.predict(customers)).all()
    assert quick.describe()["k"] == 4
    assert "chosen before" in quick.reason_
    with pytest.raises(ConfigError, match="bootstraps: 0"):
        ClusterSegmenter(bootstraps=0).fit(customers)
