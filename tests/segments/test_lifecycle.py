"""The six tiers: every rule by hand, the order in which they are asked, and what the report says
of them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from bases import base
from hypothesis import given
from hypothesis import strategies as st

import segment_lab as sl
from segment_lab.customers.states import StateRule
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages import lifecycle as page
from segment_lab.segments.lifecycle import (
    TIERS,
    LifecycleSegmenter,
    natural_return,
    overlap_matrix,
    reach,
    silent_vips,
    unclaimed,
    vip_check,
)

COLUMNS = [
    "frequency",
    "recency_days",
    "tenure_days",
    "revenue",
    "gap_days",
    "touches",
    "offer",
    "vip",
]
# Limits by hand: dead after 100 days, loyal after 180 days with us, regular from 4 orders, VIP by
# flag or 10 orders.
CASES = {
    "flagged": ((1, 5, 5, 10.0, None, 0, False, True), "VIP"),
    "ten orders": ((10, 5, 300, 10.0, 30.0, 0, False, False), "VIP"),
    "four orders": ((4, 100, 300, 10.0, 30.0, 0, False, False), "Regular"),
    "four orders, new": ((4, 5, 20, 10.0, 5.0, 0, False, False), "Regular"),
    "four orders, silent": ((4, 101, 300, 10.0, 30.0, 0, False, False), "Dead"),
    "three orders, long with us": ((3, 5, 180, 10.0, 30.0, 0, False, False), "Loyal"),
    "two orders, a day too new": ((2, 5, 179, 99_999.0, 30.0, 0, False, False), "Warm"),
    "one order, long with us": ((1, 90, 900, 10.0, None, 0, False, False), "Warm"),
    "one order, silent": ((1, 101, 101, 10.0, None, 0, False, False), "Dead"),
    "offer": ((0, None, None, 0.0, None, 3, True, False), "Warm"),
    "touched": ((0, None, None, 0.0, None, 1, False, None), "Cold"),
    "unknown": ((0, None, None, 0.0, None, 0, None, None), "Cold"),
}


def table() -> pd.DataFrame:
    return pd.DataFrame(
        [row for row, _ in CASES.values()],
        columns=COLUMNS,
        index=pd.Index(CASES, name="customer_id"),
    )


def by_hand(**options) -> LifecycleSegmenter:
    return LifecycleSegmenter(dead_days=100, vip_share=0, vip_orders=10, **options)


def test_every_rule_by_hand():
    labels = by_hand().fit(table()).segment(table()).labels
    assert dict(labels) == {name: tier for name, (_, tier) in CASES.items()}
    assert labels.cat.categories.tolist() == list(TIERS)


def test_the_meanings_say_what_the_rules_ask():
    """Nobody has a special status by the company's own standard where no flag says so."""
    without = table().drop(columns="vip")
    by_value = LifecycleSegmenter(vip_share=0.3, regular_orders=6).fit(without)
    found = by_value.meanings()
    assert found["VIP"].startswith("The top 30% of buyers by revenue. ")
    assert "6 purchases or more" in found["Regular"]
    flagged = LifecycleSegmenter(vip_share=0).fit(without.assign(vip=False)).meanings()
    assert flagged["VIP"].startswith("Flagged as VIP by the company. ")
    nobody = LifecycleSegmenter(vip_share=0).fit(without).meanings()
    assert nobody["VIP"].startswith("Nobody: ")


def test_the_policy_for_silent_vips_is_explicit():
    silent = table().assign(
        recency_days=lambda t: t["recency_days"].where(t.index != "ten orders", 500)
    )
    kept = by_hand().fit(silent)
    buried = by_hand(silent_vip="dead").fit(silent)
    assert kept.segment(silent).labels["ten orders"] == "VIP"
    assert buried.segment(silent).labels["ten orders"] == "Dead"
    assert kept.precedence[:2] == ("VIP", "Dead")
    assert buried.precedence[:2] == ("Dead", "VIP")
    check = vip_check(kept.segment(silent), silent)
    assert (check["customers"], check["silent"]) == (2, 1)


def test_the_truth_table_shows_overlaps_and_the_unclaimed():
    result = by_hand().fit(table()).segment(table())
    truth = result.by_customer
    assert truth.loc["ten orders", list(TIERS)].tolist() == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]
    assert truth["rules_matched"][["ten orders", "offer", "unknown"]].tolist() == [
        4,
        2,
        0,
    ]
    assert list(unclaimed(result)) == ["unknown"]
    overlap = overlap_matrix(result)
    assert overlap.loc["Warm", "Dead"] == overlap.loc["Dead", "Warm"] == 2
    assert (
        overlap.loc["Warm", "Warm"] == 10
    )  # "at least one purchase" holds for every buyer
    assert np.array_equal(np.diag(overlap), truth[list(TIERS)].sum())


def test_the_limit_of_silence_is_learned_from_the_gaps_of_repeat_customers():
    rows = base(200, 0.4)
    gaps = rows.loc[rows["frequency"] > 1, "gap_days"]
    fitted = LifecycleSegmenter(dead_quantile=0.8, silence="base").fit(rows)
    assert fitted.dead_days_ == int(np.quantile(gaps, 0.8))
    assert f"{len(gaps)} repeat customers" in fitted.dead_reason_
    silent = (rows["recency_days"] > np.quantile(gaps, 0.8)) & (
        fitted.segment(rows).labels != "VIP"
    )
    assert (fitted.segment(rows).labels == "Dead").tolist() == silent.tolist()


def test_without_repeat_customers_silence_is_measured_against_silence():
    rows = base(200, 1.0)
    fitted = LifecycleSegmenter(silence="base").fit(rows)
    assert fitted.dead_days_ == int(np.quantile(rows["recency_days"], 0.9))
    assert "no gap" in fitted.dead_reason_
    assert fitted.segment(rows).sizes()["Dead"] <= 20


def test_the_dead_are_those_who_lapsed_by_the_own_rhythm():
    rows = base(400, 0.4)
    fitted = LifecycleSegmenter(vip_share=0).fit(rows)
    found = fitted.segment(rows)
    states = StateRule.learn(rows).states(rows)["state"]
    assert (found.by_customer["Dead"] == (states == "lapsed")).all()
    assert 0 < (states == "lapsed").sum() < len(rows)
    assert "own usual gaps" in page.headline(found, rows).sentences[1]
    summer = (0.1, 0.1, 0.3, 0.8, 1.8, 2.2, 2.4, 2.2, 1.4, 0.5, 0.1, 0.1)
    seasonal = LifecycleSegmenter(vip_share=0).on(summer, dt.date(2026, 2, 1)).fit(rows)
    rule = StateRule.learn(rows, summer, dt.date(2026, 2, 1))
    dead = seasonal.segment(rows).by_customer["Dead"]
    assert (dead == (rule.states(rows)["state"] == "lapsed")).all()


def test_a_base_of_prospects_alone_has_no_dead():
    prospects = table().loc[["offer", "touched", "unknown"]]
    fitted = LifecycleSegmenter().fit(prospects)
    assert fitted.dead_days_ is None
    assert fitted.segment(prospects).labels.tolist() == ["Warm", "Cold", "Cold"]
    assert (
        page.vip_remark(vip_check(fitted.segment(prospects), prospects))
        == "Nobody is VIP by these rules."
    )


@given(
    st.lists(st.integers(-20, 60), min_size=1, max_size=60),
    st.sampled_from([0.05, 0.2, 0.5]),
)
def test_the_top_share_is_never_exceeded_and_equals_are_equal(revenue, share):
    n = len(revenue)
    rows = pd.DataFrame(
        {
            "frequency": 1,
            "recency_days": 1,
            "tenure_days": 1,
            "revenue": np.array(revenue, dtype=float),
        },
        index=[f"c{i}" for i in range(n)],
    )
    labels = (
        LifecycleSegmenter(vip_share=share, dead_days=50).fit(rows).segment(rows).labels
    )
    vip = (labels == "VIP").to_numpy()
    assert vip.sum() <= share * n
    values = np.array(revenue)
    if vip.any():
        assert values[vip].min() > max(values[~vip].max(), 0)
    else:  # the next group of equals would have been too many
        best = values.max()
        assert best <= 0 or (values == best).sum() > share * n


def test_optional_columns_are_used_when_fitted_with_and_frozen_then():
    buyers = table().loc[["flagged", "four orders"]]
    plain = by_hand().fit(buyers.drop(columns=["vip", "offer", "touches", "gap_days"]))
    assert plain.segment(buyers).labels.tolist() == ["Warm", "Regular"]
    assert '"vip"' not in plain.to_sql()
    assert "flagged as VIP" not in plain.rule_table().loc["VIP", "rule"]
    assert 'COALESCE("t0"."vip", FALSE)' in by_hand().fit(buyers).to_sql()


def test_vip_check_by_hand():
    rows = (
        table()
        .loc[["ten orders", "four orders", "one order, silent"]]
        .assign(revenue=[60.0, 30.0, 10.0])
    )
    result = by_hand().fit(rows).segment(rows)
    check = vip_check(result, rows, small=0.5)
    assert check["customer_share"] == pytest.approx(1 / 3)
    assert check["value_share"] == pytest.approx(0.6)
    assert (check["small"], check["leading"]) == (True, True)
    assert not vip_check(result, rows.assign(revenue=[1.0, 30.0, 10.0]))["leading"]
    assert "too many" in page.vip_remark(vip_check(result, rows))


def test_the_natural_return_leaves_out_whom_a_campaign_reached():
    rows = pd.DataFrame(
        {
            "frequency": 1,
            "recency_days": [200] * 10 + [5] * 5,
            "tenure_days": 200,
            "revenue": 1.0,
        },
        index=pd.Index([f"c{i}" for i in range(15)], name="customer_id"),
    )
    result = by_hand().fit(rows).segment(rows)
    outcomes = pd.DataFrame(
        {"future_orders": [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]},
        index=rows.index,
    )
    rates = natural_return(result, outcomes)
    assert rates.loc["Dead", ["customers", "returned", "return_rate"]].tolist() == [
        10,
        2,
        0.2,
    ]
    # Wilson's interval for 2 of 10, as tabulated: 5.7% to 51.0 %.
    interval = rates.loc["Dead", ["return_rate_low", "return_rate_high"]].tolist()
    assert interval == pytest.approx([0.0567, 0.5098], abs=1e-4)
    assert (
        natural_return(result, outcomes, contacted=["c0"]).loc["Dead", "returned"] == 1
    )
    assert pd.isna(rates.loc["VIP", "return_rate"])


def test_the_finding_counts_the_dead_among_the_buyers():
    result = by_hand().fit(table()).segment(table())
    finding = page.headline(result, table())
    assert finding.figures["dead_customers"] == 2
    assert finding.figures["dead_share_of_buyers"] == pytest.approx(2 / 9)
    assert (
        "2 of 9 who ever bought (22%) count as dead: silent for over 100 days."
        in finding.sentences[1]
    )
    one = table().assign(revenue=0.0)
    one.loc["one order, silent", "revenue"] = 1e6
    silent = LifecycleSegmenter(dead_days=100, vip_share=0.2).fit(one)
    assert (
        "One VIP has been silent that long too"
        in page.headline(silent.segment(one), one).sentences[1]
    )


def test_looking_back_takes_the_tiers_of_that_day_and_leaves_out_whom_a_campaign_still_reached():
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c", "d"],
            "amount": 10,
            "order_date": [
                "2025-01-01",
                "2025-12-20",
                "2025-09-20",
                "2025-09-21",
                "2025-09-22",
            ],
        }
    )
    campaigns = pd.DataFrame(
        {
            "campaign_id": "k",
            "customer_id": ["b", "c", "d"],
            "arm": ["treatment", "treatment", "holdout"],
            "assigned_on": ["2025-11-01", "2025-07-01", "2025-11-01"],
            "horizon_days": [30, 30, 30],
        }
    )
    study = sl.Study.from_frames(
        {"orders": orders, "campaigns": campaigns},
        as_of="2026-01-01",
        methods={"lifecycle": {"dead_days": 100}},
    )
    then, since, contacted = page.look_back(study, days=90)
    assert contacted == ["b"]  # c's campaign was over, d was held out
    assert dict(then.labels) == {"a": "Dead", "b": "Warm", "c": "Warm", "d": "Warm"}
    rates = natural_return(then, since, contacted)
    assert rates.loc[
        ["Dead", "Warm"], ["customers", "returned"]
    ].to_numpy().tolist() == [
        [1, 1],
        [2, 0],
    ]
    assert "100% of those who counted as dead came back" in page.dead_remark(
        rates.assign(return_rate_low=0.4), 90
    )
    assert page.dead_remark(rates.assign(return_rate_low=0.3), 90) == ""
    with pytest.raises(NotEnoughDataError, match="reach back 365 days"):
        page.look_back(study, days=400)


def test_a_prospect_who_ordered_returns_as_cold():
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "new"],
            "amount": 10,
            "order_date": ["2025-01-01", "2025-12-20", "2025-12-01"],
        }
    )
    customers = pd.DataFrame(
        {"customer_id": ["a", "new", "never"], "created_on": "2025-01-01"}
    )
    study = sl.Study.from_frames(
        {"orders": orders, "customers": customers},
        as_of="2026-01-01",
        methods={"lifecycle": {"dead_days": 100}},
    )
    rates = natural_return(*page.look_back(study, days=90))
    assert rates.loc["Cold", ["customers", "returned"]].tolist() == [2, 1]


def test_reach_counts_consent_given():
    rows = (
        table()
        .loc[["flagged", "four orders", "touched"]]
        .assign(consent=[True, False, None])
    )
    found = reach(by_hand().fit(rows).segment(rows), rows)
    assert found.loc[["VIP", "Regular", "Cold"], "may_be_written_to"].tolist() == [
        1,
        0,
        0,
    ]
    with pytest.raises(NotEnoughDataError, match="no consent"):
        reach(by_hand().fit(rows).segment(rows), rows.drop(columns="consent"))


def test_remarks_on_overlaps_and_on_the_limit_of_silence():
    result = by_hand().fit(table()).segment(table())
    assert page.overlap_remark(result).endswith(
        "One meets none (no order, no offer, no contact) and is counted as Cold."
    )
    buyers = table().loc[["ten orders", "four orders"]]
    assert page.overlap_remark(by_hand().fit(buyers).segment(buyers)) == (
        "100% of the customers meet more than one rule. Everybody meets at least one."
    )
    assert page.silence_remark(by_hand().fit(table())).startswith(
        "The limit of silence, 100 days, was given by hand."
    )
    own = LifecycleSegmenter().fit(base(200, 0.4))
    assert (
        "each customer's own rhythm: more than 3.5 of their own"
        in page.silence_remark(own)
    )
    learned = LifecycleSegmenter(silence="base").fit(base(200, 0.4))
    assert (
        f"usually order again within that time ({learned.dead_days_} days)"
        in page.silence_remark(learned)
    )
    prospects = LifecycleSegmenter().fit(table().loc[["offer", "touched"]])
    assert (
        page.silence_remark(prospects)
        == "Nobody has bought yet, so nobody can be dead."
    )


def test_silent_vips_are_those_beyond_the_limit_largest_first():
    rows = table().assign(vip=True, recency_days=500.0, revenue=range(len(table())))
    silent = silent_vips(by_hand().fit(rows).segment(rows), rows)
    bought = rows.index[rows["frequency"] > 0]
    assert list(silent.index) == list(bought[::-1])
    assert silent_vips(by_hand().fit(table()).segment(table()), table()).empty
