"""What every segmenter must do, whatever its rule. A new segmenter is added to `SEGMENTERS` and
nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from bases import BASES, base
from sklearn.base import clone

from segment_lab.contacts.segmenter import EngagementSegmenter
from segment_lab.data import embedded
from segment_lab.errors import ConfigError, DataError
from segment_lab.leads.model import LeadModel
from segment_lab.receivables.segmenter import ReceivablesSegmenter
from segment_lab.segments.abc import ABCSegmenter
from segment_lab.segments.base import DIALECTS, Segmenter, shortest_cut
from segment_lab.segments.clusters import ClusterSegmenter
from segment_lab.segments.lifecycle import LifecycleSegmenter
from segment_lab.segments.rfm import RFMSegmenter
from segment_lab.segments.rules import RuleSegmenter
from segment_lab.segments.tree import TreeSegmenter
from segment_lab.window import ObservationWindow

SEGMENTERS: dict[str, Callable[[], Segmenter]] = {
    "rfm": RFMSegmenter,
    "rfm by margin, left-closed": lambda: RFMSegmenter(
        n_bins=4, value="margin", monetary="per_order", closed="left"
    ),
    "abc": ABCSegmenter,
    "lifecycle": LifecycleSegmenter,
    "clusters": lambda: ClusterSegmenter(k_max=4, bootstraps=5),
    "clusters gmm": lambda: ClusterSegmenter(
        "gmm", k=3, bootstraps=5, features=("recency_days", "frequency", "margin")
    ),
    "rules": lambda: RuleSegmenter(
        [
            {"name": "Big", "when": "revenue > 500"},
            {"name": "Lately", "when": "recency_days < 90"},
        ]
    ),
    "tree": TreeSegmenter,
    "receivables": ReceivablesSegmenter,
    "engagement": EngagementSegmenter,
    "leads": LeadModel,
}
WAREHOUSES = (
    "duckdb",
    "postgres",
    "bigquery",
    "snowflake",
    "spark",
    "databricks",
    "clickhouse",
)
WINDOW = ObservationWindow("2025-01-01", "2026-01-01")


def fitted(segmenter: Segmenter, table: pd.DataFrame) -> Segmenter:
    """`segmenter` fitted to a table; a supervised one to spend that follows from the table."""
    if not segmenter.supervised:
        return segmenter.fit(table)
    return segmenter.fit(table, table["revenue"].abs() / (1 + table["recency_days"]))


@pytest.fixture(params=SEGMENTERS)
def segmenter(request: pytest.FixtureRequest) -> Segmenter:
    return SEGMENTERS[request.param]()


@pytest.mark.parametrize("name", BASES)
def test_every_customer_gets_exactly_one_segment_on_any_base(segmenter, name):
    table = BASES[name]
    result = fitted(segmenter, table).segment(table, WINDOW)
    assert list(result.codes.index) == list(table.index)
    assert result.sizes().sum() == len(table)
    assert result.names == segmenter.segment_names_
    assert all(isinstance(text, str) for text in segmenter.meanings().values())


def test_equal_customers_share_a_segment(segmenter):
    table = base(150, 0.76)
    twins = pd.concat([table, table.set_axis([f"{i} twin" for i in table.index])])
    labels = fitted(segmenter, twins).segment(twins).codes.to_numpy()
    assert np.array_equal(labels[:150], labels[150:])


def test_row_order_and_refits_change_nothing(segmenter):
    table = base()
    first = fitted(segmenter, table).segment(table)
    again = fitted(segmenter, table).segment(table)
    shuffled = table.sample(frac=1, random_state=3)
    other = fitted(clone(segmenter), shuffled).segment(shuffled)
    for result in (again, other):
        assert result.names == first.names
        assert result.codes.loc[first.codes.index].equals(first.codes)
        assert repr(result.parameters) == repr(first.parameters)
    pd.testing.assert_frame_equal(again.to_frame(), first.to_frame())


def test_the_input_is_not_changed(segmenter):
    table = base()
    before = table.copy(deep=True)
    fitted(segmenter, table).segment(table)
    pd.testing.assert_frame_equal(table, before)


def test_clone_and_parameters_round_trip(segmenter):
    assert repr(clone(segmenter)) == repr(segmenter)
    twin = type(segmenter)(**segmenter.get_params(deep=False))
    assert twin.get_params() == segmenter.get_params()
    segmenter.options_model()(**segmenter.get_params(deep=False))


def test_a_fitted_rule_is_frozen_and_takes_unseen_extremes(segmenter):
    table = base()
    codes = fitted(segmenter, table).segment(table).codes
    extremes = table.head(8).copy()
    numeric = [
        c
        for c in extremes
        if pd.api.types.is_numeric_dtype(extremes[c]) and extremes[c].dtype != bool
    ]
    extremes[numeric] = np.array([1e15, -1e15, 0, 1e-9, 1e6, -1, 5e8, 1])[
        :, None
    ] * np.ones(len(numeric))
    found = segmenter.predict(extremes)
    assert found.min() >= 0
    assert found.max() < len(segmenter.segment_names_)
    assert np.array_equal(
        segmenter.predict(table.iloc[::-1]), codes.iloc[::-1].to_numpy()
    )


def test_sql_and_predict_agree_for_every_customer(segmenter):
    table = base(400, 0.76)
    labels = fitted(segmenter, table).segment(table).labels
    con = embedded.connect()
    con.create_table("warehouse", table.reset_index())
    answer = (
        con.raw_sql(segmenter.to_sql("warehouse", window=WINDOW))
        .df()
        .set_index("customer_id")["segment"]
    )
    assert answer.loc[labels.index].tolist() == labels.tolist()


def test_sql_compiles_in_every_dialect_with_its_cut_points_in_a_comment(segmenter):
    fitted(segmenter, base())
    for dialect in WAREHOUSES:
        lines = segmenter.to_sql("customers", dialect, WINDOW).splitlines()
        comment = [line for line in lines if line.startswith("-- ")]
        assert "as of 1 January 2026" in comment[0]
        assert [line.split(":")[0][3:] for line in comment[1:]] == list(
            segmenter.describe()
        )
        assert lines[len(comment)].startswith("SELECT")


def test_every_offered_dialect_compiles():
    tiers = LifecycleSegmenter().fit(base())
    assert {*WAREHOUSES} < {*DIALECTS}
    assert all("SELECT" in tiers.to_sql(dialect=dialect) for dialect in DIALECTS)


def test_an_unknown_dialect_is_named_with_the_nearest(segmenter):
    with pytest.raises(ConfigError, match="did you mean 'snowflake'"):
        fitted(segmenter, base()).to_sql(dialect="snowflak")


def test_every_fault_of_a_table_is_listed_at_once(segmenter):
    broken = base(6).drop(columns=list(segmenter.columns))
    with pytest.raises((DataError, ConfigError)) as caught:
        segmenter.fit(broken)
    assert all(column in str(caught.value) for column in segmenter.columns)
    with pytest.raises(DataError, match="not unique"):
        segmenter.fit(base(2).set_axis(["a", "a"]))
    with pytest.raises(DataError, match="there are none"):
        segmenter.fit(base().head(0))
    with pytest.raises(TypeError, match="customer table"):
        segmenter.fit([[1, 2]])


def test_missing_columns_and_repeated_customers_are_told_together():
    with pytest.raises(DataError) as caught:
        RFMSegmenter().fit(
            base(2).drop(columns=["frequency", "revenue"]).set_axis(["a", "a"])
        )
    assert [fault.where for fault in caught.value.faults] == [
        "frequency",
        "revenue",
        "customer_id (the index)",
    ]


def test_null_values_are_named_with_their_customers():
    table = base(5).assign(revenue=[1.0, None, 2.0, None, 3.0])
    with pytest.raises(DataError) as caught:
        ABCSegmenter().fit(table)
    (fault,) = caught.value.faults
    assert (fault.where, fault.rows) == ("revenue", 2)
    assert fault.examples == tuple(table.index[[1, 3]])


def test_all_wrong_parameters_are_named_at_once():
    with pytest.raises(
        ConfigError, match=r"(?s)n_bins.*less than or equal to 10.*value"
    ):
        RFMSegmenter(n_bins=99, value="profit").fit(base())


class TestShortestCut:
    """A cut point for people and for warehouses: the fewest decimals, nobody on another side."""

    @pytest.mark.parametrize(
        ("cut", "values", "expected"),
        [
            (29.6, [20, 40], 30),
            (115.4, [114, 115, 116], 115),
            (256.8, [256.79, 256.81], 256.8),
            (0.1 + 0.2, [0.2, 0.3000000001], 0.3),
            (-0.4, [-1, 1], 0),
            (7, [1, 7, 7, 8], 7),
        ],
    )
    def test_by_hand(self, cut, values, expected):
        assert shortest_cut(cut, np.array(values)) == expected

    def test_left_closed_keeps_the_value_itself_above(self):
        assert (
            shortest_cut(1593.05, np.array([1590.0, 1593.05, 2000.0]), "left") == 1593.0
        )

    def test_nobody_changes_side(self):
        rng = np.random.default_rng(1)
        values = rng.lognormal(3, 2, 500).round(3)
        for cut in np.quantile(values, np.linspace(0.01, 0.99, 60)):
            assert np.array_equal(values <= shortest_cut(cut, values), values <= cut)
            assert np.array_equal(
                values < shortest_cut(cut, values, "left"), values < cut
            )
