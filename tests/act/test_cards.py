"""Evidence by hand, every verdict reached by its rule, and no figure beside a verdict that did not
decide it."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from segment_lab.act import Belief, Playbook, cards, plan_budget
from segment_lab.act.playbook import NOTHING
from segment_lab.segments.segmentation import Segmentation

NAMES = ("A", "B", "C")
OPTIONS = {
    e.segment: (e,)
    for e in Playbook.packaged("abc").entries
    if e.kind in ("call", "email") and not (e.segment == "B" and e.kind == "call")
}


def people(n=120, margin=True):
    index = pd.Index([f"C{i:03d}" for i in range(n)], name="customer_id")
    frame = pd.DataFrame(
        {"revenue": 100.0, "frequency": 2, "recency_days": 10, "monetary_value": 50.0}, index=index
    )
    return frame.assign(margin=40.0) if margin else frame


def segments(index, split=(60, 40, 20)):
    codes = np.repeat(range(3), split)
    return Segmentation(pd.Series(codes, index=index), NAMES, "abc")


def known(**changes):
    """Evidence as `evidence` returns it, for three equal segments."""
    row = {
        "customers": 2000,
        "natural_rate": 0.2,
        "natural_rate_low": 0.18,
        "natural_rate_high": 0.22,
        "planning_rate": 0.2,
        "margin_per_conversion": 40.0,
        "margin_se": 2.0,
    }
    return pd.DataFrame([{**row, **changes}] * 3, index=pd.Index(NAMES, name="segment"))


@pytest.fixture(scope="module")
def facts():
    table = people()
    seg = segments(table.index)
    # In A 30 of 60 bought for 80, in B 4 of 40, in C nobody; ten treated buyers of A are left out.
    orders = pd.Series(0, table.index)
    orders.iloc[:30], orders.iloc[60:64] = 1, 2
    outcomes = pd.DataFrame({"future_orders": orders, "future_revenue": orders * 80.0})
    effort = pd.Series(10.0, index=table.index[60:100])
    return cards.evidence(
        seg,
        table,
        earlier=segments(table.index, (40, 40, 40)),
        outcomes=outcomes.iloc[:100],
        contacted=table.index[:10],
        effort=effort,
    )


def test_evidence_by_hand(facts):
    assert facts["customers"].tolist() == [60, 40, 20]
    assert facts["revenue_share"].tolist() == pytest.approx([0.5, 1 / 3, 1 / 6])
    assert facts["change"].tolist() == pytest.approx([0.5, 0, -0.5])
    # Earlier A: customers 0–39, 10 of them contacted, 20 of the other 30 bought.
    assert facts.loc["A", ["natural_n", "natural_rate"]].tolist() == pytest.approx([30, 20 / 30])
    assert facts.loc["A", "margin_per_conversion"] == pytest.approx(80 * 0.4)
    assert facts.loc["A", "planning_rate"] == pytest.approx(22 / 34)
    assert facts.loc["B", ["natural_n", "natural_rate"]].tolist() == pytest.approx([40, 0.1])
    # Only 4 bought in B: one order of its own stands in; in C nobody did, and the rate is 0 with
    # an interval.
    assert facts.loc["B", "margin_per_conversion"] == pytest.approx(50 * 0.4)
    assert facts.loc["C", ["natural_rate", "natural_rate_low"]].tolist() == [0, 0]
    assert facts.loc["C", "natural_rate_high"] == pytest.approx(0.088, abs=0.001)
    assert facts["effort_share"].tolist() == [0, 1, 0]
    assert facts["margin_source"].str.startswith("the order log's margin").all()


def test_contacted_buyers_teach_the_margin_before_one_order_does():
    table = people()
    seg = segments(table.index)
    outcomes = pd.DataFrame({"orders": 3, "revenue": 150.0}, index=table.index)
    # Of C's 20 customers 17 were in a campaign: three are too few for a rate, but twenty buyers
    # show what one brings.
    row = cards.evidence(
        seg, table, earlier=seg, outcomes=outcomes, contacted=table.index[100:117]
    ).loc["C"]
    assert row[["natural_n", "natural_source"]].tolist() == [103, "the whole base, too few here"]
    assert row["margin_per_conversion"] == pytest.approx(150 * 0.4)
    assert row["margin_source"].endswith("contacted ones too")


def test_margin_is_declared_or_unknown_never_invented():
    table = people(margin=False)
    seg = segments(table.index)
    outcomes = pd.DataFrame({"future_orders": 1, "future_revenue": 80.0}, index=table.index)
    declared = cards.evidence(seg, table, earlier=seg, outcomes=outcomes, margin_rate=0.3)
    assert declared["margin_per_conversion"].tolist() == pytest.approx([24, 24, 24])
    assert declared["margin_source"].str.contains("declared margin of 30%").all()
    unknown = cards.evidence(seg, table, earlier=seg, outcomes=outcomes)
    assert unknown["margin_per_conversion"].isna().all()
    options, _ = cards.decide(unknown, OPTIONS)
    assert set(options["verdict"]) == {"not enough data"}
    assert options["reason"].str.startswith("Margin unknown").all()
    plan = plan_budget(options, money=1000)
    assert plan.value == plan.spent == 0
    decided = cards.decision(options, plan.chosen)
    first, second = cards.sentences(decided, cards.not_doing(options))
    assert first == "No action can be recommended yet."
    assert second.startswith("Margin unknown")


def test_prospects_are_worth_one_order_of_the_base():
    table = people()
    table.loc[table.index[100:], ["revenue", "margin", "frequency"]] = 0
    table.loc[table.index[100:], "monetary_value"] = np.nan
    seg = segments(table.index)
    happened = pd.DataFrame({"orders": 1, "revenue": 70.0}, index=table.index[100:105])
    cold = cards.evidence(seg, table, earlier=seg, outcomes=happened).loc["C"]
    assert cold[["natural_n", "natural_rate"]].tolist() == [20, 0.25]
    assert cold["margin_per_conversion"] == pytest.approx(50 * 0.4)
    assert cold["margin_source"].endswith("one typical order")


CASES = [
    ("roll out", {}, Belief(0.3, 0.02, "own campaign K1", measured=True)),
    ("pilot", {"customers": 6000}, Belief(0.15, 0.05, "assumption")),
    ("do not (uneconomic)", {"margin_per_conversion": 3.0}, Belief(0, 0.05, "assumption")),
    ("do not (unmeasurable)", {"customers": 60}, Belief(0.2, 0.02, "assumption")),
    ("not enough data", {"margin_per_conversion": np.nan}, Belief(0.3, 0.02, "own", measured=True)),
    ("not enough data", {"customers": 1}, Belief(0.3, 0.02, "own", measured=True)),
    ("not enough data", {"natural_rate": np.nan}, Belief(0.3, 0.02, "own", measured=True)),
]


@pytest.mark.parametrize(("verdict", "changes", "belief"), CASES)
def test_every_verdict_follows_its_rule(verdict, changes, belief):
    options, draws = cards.decide(
        known(**changes).head(1), OPTIONS, beliefs={("A", "call"): belief}
    )
    row = options.iloc[0]
    assert row["verdict"] == verdict
    assert row["allowed"] == (verdict in ("roll out", "pilot"))
    assert draws.shape == (1, cards.DRAWS)


def test_only_own_measurements_roll_out():
    sure = {("A", "call"): Belief(0.3, 0.001, "a consultant")}
    assert cards.decide(known().head(1), OPTIONS, beliefs=sure)[0]["verdict"].iloc[0] == "pilot"


@pytest.mark.parametrize(("verdict", "changes", "belief"), CASES[:4])
def test_every_figure_shown_fired_the_rule(verdict, changes, belief):
    """The sentence's numbers are the row's, and moving what they stand for past its limit changes
    the verdict."""
    facts, beliefs = known(**changes).head(1), {("A", "call"): belief}
    row = cards.decide(facts, OPTIONS, beliefs=beliefs)[0].iloc[0]
    shown = [
        float(x.replace(",", "").replace("−", "-"))
        for x in re.findall(r"[+−]?\d[\d,]*\.?\d*", row["reason"])
    ]
    used = [
        row["cost_per_contact"],
        row["margin_per_conversion"],
        row["pilot_price"],
        row["pilot_worth"],
        -row["pilot_worth"],
        100.0,
        100 * row["p_pays"],
        100 * cards.SURE,
        *(100 * row[c] for c in ("break_even", "uplift", "reach", "limit")),
    ]
    for value in shown:
        assert any(abs(value - u) <= 0.0051 * max(abs(u), 10) for u in used), (value, row["reason"])
    opposite = {
        "roll out": {"margin_per_conversion": 3.0},
        "pilot": {"margin_per_conversion": 3.0},
        "do not (uneconomic)": {"margin_per_conversion": 3000.0},
        "do not (unmeasurable)": {"customers": 60_000},
    }[verdict]
    assert (
        cards.decide(facts.assign(**opposite), OPTIONS, beliefs=beliefs)[0]["verdict"].iloc[0]
        != verdict
    )


@pytest.mark.parametrize("margin", [0.0012, 0.0, -3.0])
def test_an_action_that_can_never_pay_says_so(margin):
    row = cards.decide(known(margin_per_conversion=margin).head(1), OPTIONS)[0].iloc[0]
    assert row["verdict"] == "do not (uneconomic)"
    assert "can never pay" in row["reason"]
    assert not re.search(r"per 100|inf|nan", row["reason"])


def test_where_nearly_all_buy_anyway_no_pilot_is_drawn():
    sure = {("A", "call"): Belief(0.15, 0.05, "own campaigns elsewhere", measured=False)}
    full = known(customers=6000, natural_rate=0.99, planning_rate=0.985, horizon_days=90)
    row = cards.decide(full.head(1), OPTIONS, beliefs=sure)[0].iloc[0]
    assert row["verdict"] == "do not (unmeasurable)"
    assert row["reason"].startswith("Nearly all (99%) buy anyway within 90 days")
    assert "horizon_days" in row["reason"]
    thin = full.head(1).assign(natural_source=cards.BORROWED)
    assert (
        "(99% of the whole base, too few here)" in cards.decide(thin, OPTIONS)[0]["reason"].iloc[0]
    )
    options, _ = cards.decide(full, OPTIONS)
    decided = cards.decision(options, plan_budget(options).chosen)
    assert cards.sentences(decided, cards.not_doing(options))[0].endswith(
        "In A, B, C nearly all buy anyway: a shorter horizon_days would tell more."
    )
    assert (
        cards.decide(
            full.head(1).assign(natural_rate=0.9, planning_rate=0.9), OPTIONS, beliefs=sure
        )[0]["verdict"].iloc[0]
        == "pilot"
    )


def test_an_effect_larger_than_all_who_do_not_buy_is_not_believable():
    sure = {("A", "call"): Belief(0.2, 0.05, "a consultant")}
    # Half of 300 against half can show .089; eight of a hundred do not buy anyway.
    row = cards.decide(
        known(customers=300, natural_rate=0.92, planning_rate=0.92).head(1), OPTIONS, beliefs=sure
    )[0].iloc[0]
    assert (row["verdict"], row["limit"]) == ("do not (unmeasurable)", pytest.approx(0.08))
    assert "not show any effect that is possible" in row["reason"]


def test_expected_value_is_the_formula():
    options, draws = cards.decide(
        known().head(1), OPTIONS, beliefs={("A", "call"): CASES[0][2]}, holdout_share=0.25
    )
    row = options.iloc[0]
    assert row["contacts"] == 1500
    assert row["ev"] == row["value"] == pytest.approx(1500 * (0.3 * 40 - 6))
    assert row["cost"] == 1500 * 6
    assert row["hours"] == pytest.approx(1500 * 12 / 60)
    assert draws[0].mean() == pytest.approx(row["ev"], rel=0.05)
    assert np.quantile(draws[0], [0.1, 0.9]) == pytest.approx([row["ev_low"], row["ev_high"]])
    assert row["p_pays"] == (draws[0] > 0).mean()


def test_the_same_seed_gives_the_same_answer():
    first, again = (cards.decide(known(), OPTIONS, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])


def test_small_pilots_of_one_kind_are_read_together():
    beliefs = {
        (s, k): Belief(0.1, 0.05, "assumption")
        for s, k in (("A", "call"), ("B", "email"), ("C", "email"))
    }

    def found(customers):
        return cards.decide(known(customers=customers), OPTIONS, beliefs=beliefs)[0].set_index(
            "segment"
        )

    # Half of 400 against half show .112 at 80 % power, twice as many .079; up to .164 is
    # believable.
    assert found(400).loc[["B", "C"], "measurable"].tolist() == ["alone", "alone"]
    assert found(150).loc[["B", "C"], "measurable"].tolist() == ["pooled", "pooled"]
    assert found(150).loc["B", "verdict"] == "pilot"
    assert "read together with the other segments" in found(150).loc["B", "reason"]
    assert found(60).loc[["B", "C"], "verdict"].tolist() == ["do not (unmeasurable)"] * 2


def test_decision_and_its_sentences():
    beliefs = {
        ("A", "call"): CASES[0][2],
        ("B", "email"): Belief(0.1, 0.05, "assumption"),
        ("C", "email"): Belief(-0.2, 0.01, "own", measured=True),
    }
    options, draws = cards.decide(known(), OPTIONS, beliefs=beliefs)
    assert options["verdict"].tolist() == ["roll out", "pilot", "do not (uneconomic)"]
    plan = plan_budget(options, draws=draws[:, :20])
    decided, saved = cards.decision(options, plan.chosen), cards.not_doing(options)
    assert decided["decision"].tolist() == ["roll out", "pilot", "do nothing"]
    assert decided["do"].iloc[2] == NOTHING
    assert decided[["cost", "hours", "contacts"]].iloc[2].tolist() == [0, 0, 0]
    assert saved["money_saved"].tolist() == pytest.approx([160])
    text = cards.sentences(decided, saved, "EUR")
    assert text[0] == (
        "Do now: retain and serve first, with a call by the account's owner for A (2,000 customers). "
        f"This costs 9,600 EUR and 320 hours and is expected to bring {1600 * 6:,} EUR after costs, "
        f"and 8 times of 10 between {decided['ev_low'].iloc[0]:,.0f} and "
        f"{decided['ev_high'].iloc[0]:,.0f}."
    )
    assert text[1].startswith(
        "Test: build relations, with suggestions that fit the last orders for B (2,000 "
    )
    assert text[2] == (
        "Leave alone everybody else (2,000 customers): the usual actions would take 160 EUR, and "
        "nothing shows that they pay."
    )
    poor = cards.decision(options, plan_budget(options, money=0).chosen)
    assert poor["decision"].tolist() == ["later", "later", "do nothing"]
    assert poor["cost"].sum() == 0
    assert cards.sentences(poor, saved)[-1].startswith("Next, when there is more money or time")


def test_best_takes_the_verdict_first_and_then_the_value():
    frame = pd.DataFrame(
        {
            "segment": ["A", "A", "A"],
            "verdict": ["do not (uneconomic)", "pilot", "pilot"],
            "value": [99.0, 1.0, 2.0],
            "action": ["x", "y", "z"],
        }
    )
    assert cards.best(frame)["action"].tolist() == ["z"]
