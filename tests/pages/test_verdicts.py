"""The decision page on the sample: gathered once, in words that hold, with nothing invented."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.act import campaigns as ledger
from segment_lab.act import cards
from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.pages.verdicts import Page, _natural

ROOT = Path(__file__).resolve().parents[2]
HORIZON = 90


@pytest.fixture(scope="module")
def study():
    return sl.Study.from_yaml(ROOT / "configs" / "sample.yml", methods={"abc": {}})


@pytest.fixture(scope="module")
def parts(study):
    past = study.at(study.window.as_of - dt.timedelta(days=HORIZON))
    return (
        study.segmentation("abc"),
        study.customers(),
        past.segmentation("abc"),
        past.outcomes(HORIZON),
    )


@pytest.fixture(scope="module")
def page(study, parts):
    found = ledger.results(study.table("campaigns").to_pandas(), study.orders(), study.window.as_of)
    return Page(
        *parts,
        costs=study.table("contact_costs").to_pandas(),
        found=found,
        currency="EUR",
        budget=4000,
        hours=60,
        segments_on=lambda day: study.at(day).segmentation("abc").labels,
    )


@pytest.fixture(scope="module")
def hopeful(parts, tmp_path_factory):
    """A page that believes in its actions and can pay for the first segment's test alone."""
    own = tmp_path_factory.mktemp("playbook") / "own.yml"
    own.write_text(
        "- {when: always, action: Mail, kind: email, channel: email, cost_per_contact: 3, "
        "minutes_per_contact: 1, kpi: k, guardrail: g, rationale: r, source: s, assumption: a, "
        "uplift: {mean: .12, sd: .03, source: own}}"
    )
    return Page(*parts, playbook=str(own), currency="EUR", budget=700, hours=60)


def test_what_was_bought_since_is_the_outcome(study, parts):
    happened = study.bought(HORIZON).reindex(parts[3].index).fillna(0)
    assert happened["orders"].tolist() == parts[3]["future_orders"].tolist()
    assert happened["revenue"].tolist() == pytest.approx(
        parts[3]["future_revenue"].tolist(), abs=1e-6
    )


def test_page_decides_every_segment_within_its_limits(page, hopeful):
    for decided in (page, hopeful):
        assert list(decided.decided.index) == list(decided.now.names)
        assert decided.decided["cost"].sum() == pytest.approx(decided.plan.spent)
        assert decided.plan.hours <= 60
        kinds = {v.split(" (")[0] for v in decided.options[0]["verdict"]}
        assert kinds <= {"roll out", "pilot", "do not", "not enough data"}
    assert set(page.options[0]["cost_source"]) == {"the company's contact costs"}
    assert page.beliefs["A", "call"].measured
    assert set(hopeful.options[0]["verdict"]) == {"pilot"}
    assert hopeful.decided["contacts"].tolist() == [
        180,
        0,
        0,
    ]  # half of A; half of B would take 789 EUR
    assert hopeful.plan.spent == 540


def test_page_speaks_first_and_keeps_its_figures(page):
    text = " ".join(page.sentences)
    assert page.saved["money_saved"].sum() > 0
    assert f"{page.saved['money_saved'].sum():,.0f} EUR" in text
    assert page.figures["customers_contacted"] == page.decided["contacts"].sum()
    shown = page.table()
    assert list(shown.index) == list(page.now.names)
    assert shown["customers"].sum() == len(page.now)
    assert str(page.cards()).count('class="sl-card"') == 3
    assert "of 4,000 EUR and 60 hours" in page.budget_remark()


def test_contacted_customers_are_no_natural_ones(page, parts):
    bare = Page(*parts)
    assert page.known["natural_n"].sum() < bare.known["natural_n"].sum()
    assert bare.beliefs == {}
    with pytest.raises(NotEnoughDataError, match="no table of campaigns"):
        _ = bare.measured


def test_design_adds_up_to_the_segments(page, hopeful):
    design = hopeful.design()
    assert design.index.tolist() == ["A"]
    assert design[["contacted", "held_out"]].sum(axis=1).tolist() == [360]
    with pytest.raises(NotEnoughDataError):  # nobody is contacted
        page.design()


def test_design_promises_no_more_than_all_can_buy(parts, hopeful):
    page = Page(*parts, playbook=hopeful.playbook, currency="EUR", budget=700, hours=60)
    page.decided = page.decided.assign(decision="pilot", contacts=10.0, planning_rate=0.9)
    assert page.design()["detectable_per_100"].isna().all()


def test_a_card_says_how_many_its_natural_rate_rests_on(page):
    shown = str(page.cards())
    for facts in page.known.to_dict("records"):
        assert f"% of {facts['natural_n']:,.0f} (" in shown
    facts = {
        "natural_rate": 1.0,
        "natural_rate_low": 0.9,
        "natural_rate_high": 1.0,
        "natural_n": 540,
        "natural_source": "the whole base, too few here",
    }
    assert _natural(facts) == "100% of 540 (90% to 100%), the whole base, too few here"


def test_a_worse_market_is_decided_again(page, hopeful):
    worse = hopeful.overturned()
    assert worse.index.tolist() == ["A"]
    assert worse.loc["A", "verdict"] == "pilot"
    assert worse.filter(like="fewer").loc["A"].tolist() == ["do not (unmeasurable)"]
    assert page.overturned().empty


def test_own_playbook_is_checked_against_the_segments(parts, tmp_path):
    own = tmp_path / "own.yml"
    rest = "kpi: k, guardrail: g, rationale: r, source: s, assumption: a}\n"
    own.write_text(
        "- {segment: A, action: Visit, kind: visit, channel: visit, cost_per_contact: 85, " + rest
    )
    with pytest.raises(ConfigError, match="no entry for segment 'B'"):
        _ = Page(*parts, playbook=str(own)).book
    with own.open("a") as file:
        file.write(
            "- {when: always, action: Mail, kind: email, channel: email, cost_per_contact: .1, "
            + rest
        )
    assert set(Page(*parts, playbook=str(own)).options[0]["action"]) == {"Visit", "Mail"}


def test_without_margin_the_page_says_so(parts):
    now, people, earlier, outcomes = parts
    unknown = Page(now, people.drop(columns="margin"), earlier, outcomes)
    assert (
        unknown.sentences[0]
        == "What pays depends on the margin of a sale, which these data do not tell."
    )
    assert "declare a margin_rate" in unknown.sentences[-1]
    assert unknown.figures == {"customers_contacted": 0}
    declared = Page(now, people.drop(columns="margin"), earlier, outcomes, margin_rate=0.3)
    assert cards.UNKNOWN not in set(declared.decided["decision"])
    assert declared.by_margin().empty
    assert unknown.by_margin()["30%"].equals(declared.table()["what_to_do"])
    assert list(unknown.by_margin()) == ["10%", "20%", "30%", "50%"]


def test_the_margin_from_which_a_segment_is_worth_it_is_named(parts, tmp_path):
    now, people, earlier, outcomes = parts
    own = tmp_path / "own.yml"
    own.write_text(
        "- {when: always, action: Mail, kind: email, channel: email, cost_per_contact: 12, "
        "kpi: k, guardrail: g, rationale: r, source: s, assumption: a, "
        "uplift: {mean: .12, sd: .03, source: own}}"
    )
    page = Page(
        now, people.drop(columns="margin"), earlier, outcomes, playbook=str(own), currency="EUR"
    )
    tried, text = page.by_margin(), page.sentences[1]
    assert "assumptions" in text
    for segment, row in tried.iterrows():
        worth = row.str.startswith("Pilot").tolist()
        assert worth == sorted(worth)  # a higher margin never makes it worth less
        if any(worth):
            assert f"From {tried.columns[worth.index(True)]} of revenue on, worth trying" in text
            assert str(segment) in text
    dear = own.read_text().replace("12,", "100000,", 1)
    own.write_text(dear)
    none = Page(
        now, people.drop(columns="margin"), earlier, outcomes, playbook=str(own), currency="EUR"
    )
    assert none.sentences[1].startswith("Even at 50% of revenue no action would pay.")


def test_the_same_page_twice(page, parts, study):
    again = Page(
        *parts,
        costs=page.costs,
        found=page.found,
        currency="EUR",
        budget=4000,
        hours=60,
        segments_on=page.segments_on,
    )
    pd.testing.assert_frame_equal(page.decided, again.decided)
    pd.testing.assert_frame_equal(page.plan.chosen, again.plan.chosen)
