"""The company's own rules: what they claim, what they leave out, and that they cannot reach beyond
the table."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from segment_lab.data import embedded
from segment_lab.errors import ConfigError
from segment_lab.pages import rules as page
from segment_lab.segments.rules import RuleSegmenter, rule_counts, rule_overlaps
from segment_lab.study.config import check_options

CUSTOMERS = pd.DataFrame(
    {
        "revenue": [900.0, 20, np.nan, 5, 700],
        "region": ["North", None, "East", "West", "East"],
        "vip": [True, False, None, False, True],
        "frequency": [9, 1, 2, 4, 7],
        "first_order": pd.to_datetime(
            ["2024-01-01", "2026-01-01", "2025-01-01", None, "2026-02-01"]
        ),
        "industry": pd.Categorical(["Hotels", None, "Retail", "Retail", "Hotels"]),
        "empty": [None] * 5,
    },
    index=pd.Index(list("abcde"), name="customer_id"),
)
RULES = [
    {"name": "Key", "when": "revenue >= 500 OR vip"},
    {"name": "New", "when": "first_order >= DATE '2025-06-01'"},
    {"name": "Not East", "when": "NOT region = 'East'"},
    {"name": "Rich", "when": "revenue > 800"},
    {"name": "Nobody", "when": "industry = 'Mining'"},
]


def labels(*rules: str) -> list[str]:
    table = RuleSegmenter(
        [{"name": f"r{i}", "when": when} for i, when in enumerate(rules)], "–"
    ).fit(CUSTOMERS)
    return table.segment(CUSTOMERS).labels.tolist()


class TestMeaning:
    def test_the_first_rule_that_holds_names_the_segment(self):
        result = RuleSegmenter(RULES).fit(CUSTOMERS).segment(CUSTOMERS)
        assert result.names == ("Key", "New", "Not East", "Rich", "Nobody", "Other")
        assert result.labels.tolist() == ["Key", "New", "Other", "Not East", "Key"]

    @pytest.mark.parametrize(
        ("when", "claimed"),
        [
            ("revenue > 10", "abe"),
            ("region <> 'East'", "ad"),
            ("NOT region = 'East'", "ad"),
            ("region IS NULL", "b"),
            ("region IS NOT NULL", "acde"),
            ("coalesce(revenue, 0) = 0", "c"),
            ("vip", "ae"),
            ("NOT vip", "bd"),
            ("vip IS NULL", "c"),
            ("lower(region) LIKE '%st'", "cde"),
            ("industry IN ('Hotels', 'Mining')", "ae"),
            ("industry NOT IN ('Hotels')", "cd"),
            ("frequency BETWEEN 2 AND 4", "cd"),
            ("revenue / frequency >= 100", "ae"),
            ("frequency / 0 > 1", ""),
            ("first_order < '2025-01-01'", "a"),
            ("round(revenue / 7) = 3", "b"),
            ("abs(frequency - 4) <= 2 AND length(region) = 4", "cd"),
            ("upper(empty) = 'X'", ""),
            ("empty IS NULL", "abcde"),
            ("region = 'it''s; -- fine'", ""),
            ("-frequency < -6", "ae"),
            ("region > 5", ""),
        ],
    )
    def test_a_condition_on_an_empty_value_does_not_hold(self, when, claimed):
        """Also under NOT: what is not known is not the contrary."""
        assert (
            "".join(
                c
                for c, label in zip("abcde", labels(when), strict=True)
                if label == "r0"
            )
            == claimed
        )

    def test_a_column_without_values_later_keeps_its_type(self):
        fitted = RuleSegmenter(
            [
                {
                    "name": "x",
                    "when": "lower(region) = 'north' OR first_order > DATE '2020-01-01'",
                }
            ]
        ).fit(CUSTOMERS)
        blank = CUSTOMERS.assign(region=None, first_order=None)
        assert fitted.segment(blank).labels.tolist() == ["Other"] * 5

    def test_sql_says_the_same_and_needs_no_comment_escape(self):
        odd = {"name": "O'Neil\n; --", "when": "vip OR region = 'a'';--'"}
        fitted = RuleSegmenter([odd, *RULES[1:]]).fit(CUSTOMERS)
        con = embedded.connect()
        con.create_table("warehouse", CUSTOMERS.drop(columns="empty").reset_index())
        rows = (
            con.raw_sql(fitted.to_sql("warehouse"))
            .df()
            .set_index("customer_id")["segment"]
        )
        assert (
            rows.loc[CUSTOMERS.index].tolist()
            == fitted.segment(CUSTOMERS).labels.tolist()
        )

    def test_it_can_be_stored(self):
        fitted = pickle.loads(pickle.dumps(RuleSegmenter(RULES).fit(CUSTOMERS)))
        assert fitted.segment(CUSTOMERS).sizes()["Key"] == 2


class TestAudit:
    @pytest.fixture
    def fitted(self):
        before = [
            {"name": "Rich", "when": "revenue > 800"},
            {"name": "Key", "when": "vip"},
        ]
        return RuleSegmenter(RULES, previous=before).fit(CUSTOMERS)

    def test_every_match_is_kept(self, fitted):
        truth = fitted.truth(CUSTOMERS)
        assert truth.astype(int).to_numpy().tolist() == [
            [1, 0, 1, 1, 0],
            [0, 1, 0, 0, 0],
            [0, 0, 0, 0, 0],
            [0, 0, 1, 0, 0],
            [1, 1, 0, 0, 0],
        ]
        details = fitted.segment(CUSTOMERS).to_frame()
        assert details["matched"].tolist() == [
            "Key; Not East; Rich",
            "New",
            "",
            "Not East",
            "Key; New",
        ]
        assert details["rules_matched"].tolist() == [3, 1, 0, 1, 2]
        assert details.loc["a", "rule: Rich"]

    def test_counts_and_dead_rules(self, fitted):
        counts = rule_counts(fitted.truth(CUSTOMERS))
        assert counts["customers_matched"].tolist() == [2, 2, 2, 1, 0]
        assert counts["customers_claimed"].tolist() == [2, 1, 1, 0, 0]
        assert counts["customers_only_here"].tolist() == [0, 1, 1, 0, 0]
        assert counts["finding"].tolist() == [
            "",
            "",
            "",
            "dead: earlier rules take all its customers",
            "dead: matches nobody",
        ]

    def test_overlaps(self, fitted):
        both = rule_overlaps(fitted.truth(CUSTOMERS))
        assert both.loc["Key", "New"] == both.loc["New", "Key"] == 1
        assert np.diag(both).tolist() == [2, 2, 2, 1, 0]

    def test_who_moved_since_the_previous_version(self, fitted):
        assert fitted.moved(CUSTOMERS).to_dict("index") == {
            "a": {"before": "Rich", "now": "Key"},
            "b": {"before": "Other", "now": "New"},
            "d": {"before": "Other", "now": "Not East"},
        }
        unversioned = RuleSegmenter(RULES).fit(CUSTOMERS)
        assert unversioned.moved(CUSTOMERS).empty
        assert "no previous version" in page.unmoved(unversioned)
        assert page.unmoved(fitted) == "Nobody moved."

    def test_in_words(self, fitted):
        found = page.headline(fitted.segment(CUSTOMERS), fitted.truth(CUSTOMERS))
        assert found.sentences[0].startswith(
            "Your 5 rules place 4 of 5 customers; the largest segment is Key"
        )
        one = RuleSegmenter(RULES[:1]).fit(CUSTOMERS)
        assert (
            "Your one rule places"
            in page.headline(one.segment(CUSTOMERS), one.truth(CUSTOMERS)).sentences[0]
        )
        assert found.figures == {
            "customers": 5,
            "unclaimed_customers": 1,
            "customers_claimed_by_several": 2,
            "dead_rules": 2,
        }


class TestRefused:
    def test_all_faults_of_all_rules_at_once(self):
        rules = [
            {"name": "A", "when": "revenu > 1"},
            {"name": "A", "when": "read_csv('/etc/passwd') IS NULL"},
            {"name": "B", "when": "revenue + 1"},
            {"name": "C", "when": "vip; DROP TABLE customers"},
            {"name": "D", "when": "true"},
            {"name": "E", "when": "vip > region"},
        ]
        with pytest.raises(ConfigError) as caught:
            RuleSegmenter(rules, previous=[{"name": "P", "when": "region = NULL"}]).fit(
                CUSTOMERS
            )
        text = str(caught.value)
        for words in (
            "'A' is used twice",
            "rule 'A': there is no column 'revenu': did you mean 'revenue'",
            "READ_CSV('/etc/passwd')\" is not allowed",
            "rule 'B': 'revenue + 1' is a float64, not",
            "rule 'C': 'vip; DROP TABLE customers' must be exactly one expression",
            "rule 'D': 'true' reads no column",
            "rule 'E'",
            "previous rule 'P'",
        ):
            assert words in text

    @pytest.mark.parametrize(
        "when",
        [
            "revenue > (SELECT max(revenue) FROM customers)",
            "region IN (SELECT name FROM secrets)",
            "EXISTS (SELECT 1)",
            "read_csv('/etc/passwd') = 'x'",
            "read_text('/etc/passwd') = 'x'",
            "glob('*') = 'x'",
            "getenv('HOME') = 'x'",
            "vip; DROP TABLE customers",
            "vip;",
            "vip -- and more",
            "vip /* x */ AND vip",
            "vip UNION SELECT 1",
            "SELECT 1",
            "COPY customers TO 'x'",
            "ATTACH 'x'",
            "PRAGMA database_list",
            "SET memory_limit = '1GB'",
            "*",
            "customers.vip",
            "main.customers.vip",
            "count(*) > 1",
            "sum(revenue) > 1",
            "sum(revenue) OVER () > 1",
            "region::regclass = 1",
            "CAST(region AS INT) = 1",
            "region SIMILAR TO 'x'",
            "nextval('s') > 1",
            "random() > 0.5",
            "current_setting('x') = 'y'",
            "now() > first_order",
            "$1 = 'x'",
            "? = 'x'",
            "first_order > 'yesterday'",
            "revenue[1] > 0",
            "{'a': 1}.a = revenue",
            "vip AND",
            "((vip)",
            "",
            "list_contains([1], revenue)",
            "x -> x",
            "region = NULL",
            "region IN ('x', NULL)",
            "region LIKE region",
            "COLUMNS('r.*') > 1",
            "region COLLATE de = 'x'",
            "revenue > ANY (SELECT 1)",
            "__import__('os')",
            "revenue ** 2 > 1",
            "@vip",
            "(" * 2000 + "vip" + ")" * 2000,
        ],
    )
    def test_nothing_reaches_beyond_the_row(self, when):
        with pytest.raises(ConfigError, match="rule 'evil'"):
            RuleSegmenter([{"name": "evil", "when": when}]).fit(CUSTOMERS)

    def test_an_option_that_is_no_rule(self):
        with pytest.raises(ConfigError, match="there is none"):
            RuleSegmenter([]).fit(CUSTOMERS)
        with pytest.raises(
            ConfigError,
            match=r"(?s)when: Field required.*wen: is not known; did you mean 'when'",
        ):
            RuleSegmenter([{"name": "x", "wen": "vip"}]).fit(CUSTOMERS)
        with pytest.raises(ConfigError, match="'Other' is used twice"):
            RuleSegmenter([{"name": "Other", "when": "vip"}]).fit(CUSTOMERS)

    def test_a_study_file_gives_plain_rules(self):
        options = check_options("rules", {"rules": [{"name": "x", "when": "vip"}]})
        assert options == {
            "rules": [{"name": "x", "when": "vip"}],
            "otherwise": "Other",
            "previous": None,
        }


TOKENS = """vip revenue region frequency 1 'x' NULL true ( ) , AND OR NOT = < >= IN IS BETWEEN LIKE + - * / lower
    coalesce SELECT FROM customers ; -- /* */ read_csv '/etc/passwd' :: CAST AS INT DATE '2026-01-01' OVER CASE WHEN
    THEN END EXISTS UNION . [ ] { } || -> $1 ? "vip" COPY TO DROP ATTACH"""
SAFE = {
    exp.Select,
    exp.From,
    exp.Table,
    exp.TableAlias,
    exp.Alias,
    exp.Identifier,
    exp.Column,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Case,
    exp.If,
    exp.Paren,
    exp.Not,
    exp.Neg,
    exp.Cast,
    exp.TryCast,
    exp.DataType,
    exp.In,
    exp.Between,
    exp.Coalesce,
    exp.Lower,
    exp.Upper,
    exp.Trim,
    exp.Length,
    exp.Abs,
    exp.Round,
    exp.Nullif,
    exp.And,
    exp.Or,
    exp.Is,
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Like,
    exp.Anonymous,
}


@given(st.lists(st.sampled_from(TOKENS.split()), min_size=1, max_size=9).map(" ".join))
def test_whatever_is_typed_is_refused_or_reads_one_row_of_one_table(when):
    try:
        sql = (
            RuleSegmenter([{"name": "x", "when": when}])
            .fit(CUSTOMERS)
            .to_sql("customers")
        )
    except ConfigError:
        return
    (tree,) = sqlglot.parse(sql, read="duckdb")
    assert {type(node) for node in tree.walk()} <= SAFE
    assert [table.name for table in tree.find_all(exp.Table)] == ["customers"]
    assert len(list(tree.find_all(exp.Select))) == 1
    assert {call.name.lower() for call in tree.find_all(exp.Anonymous)} <= {"make_date"}


@settings(max_examples=8)
@given(st.permutations(RULES))
def test_claims_do_not_overlap_and_leave_nobody_out(rules):
    """In any order: each customer goes to the first rule that holds, and counts add up."""
    fitted = RuleSegmenter(rules).fit(CUSTOMERS)
    truth, result = fitted.truth(CUSTOMERS), fitted.segment(CUSTOMERS)
    expected = [
        next((name for name in truth.columns if row[name]), "Other")
        for _, row in truth.iterrows()
    ]
    assert result.labels.tolist() == expected
    assert rule_counts(truth)["customers_claimed"].sum() + result.sizes()[
        "Other"
    ] == len(CUSTOMERS)
