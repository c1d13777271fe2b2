"""The decision page on the sample: gathered once, in words that are true, with nothing invented."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.act import campaigns as measuring
from segment_lab.act import stance, verdicts
from segment_lab.act.campaign_plan import Drawing
from segment_lab.act.tested import TrialAction
from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.pages import advice, decision_tables
from segment_lab.pages.drawing import campaigns
from segment_lab.pages.front.grounds import Grounds
from segment_lab.pages.verdicts import Page
from segment_lab.segments.segmentation import Segmentation
from segment_lab.show.pictures import decision as pictures

ROOT = Path(__file__).resolve().parents[2]
HORIZON = 90


def told(page):
    """All that is said of the decision: what opens the page, and what follows its table."""
    return [*advice.opening(page), *advice.particulars(page)]


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
    found = measuring.results(
        study.table("campaigns").to_pandas(), study.orders(), study.window.as_of
    )
    return Page(
        *parts,
        costs=study.table("contact_costs").to_pandas(),
        found=found,
        budget=4000,
        hours=60,
        segments_on=lambda day: study.at(day).segmentation("abc").labels,
    )


REST = "kpi: k, guardrail: g, rationale: r, source: s, assumption: a}\n"
MAIL = (
    "- {when: always, action: Mail, kind: email, channel: email, cost_per_contact: 3, "
)
HOPE = "uplift: {mean: .12, sd: .03, source: own}, "


@pytest.fixture(scope="module")
def hopeful(parts, tmp_path_factory):
    """A page that expects much of its actions and can pay for the first segment alone."""
    own = tmp_path_factory.mktemp("playbook") / "own.yml"
    own.write_text(MAIL + "minutes_per_contact: 1, " + HOPE + REST)
    return Page(*parts, playbook=str(own), budget=1200, hours=60)


def test_what_was_bought_since_is_the_outcome(study, parts):
    happened = study.bought(HORIZON).reindex(parts[3].index).fillna(0)
    assert happened["orders"].tolist() == parts[3]["future_orders"].tolist()
    assert happened["revenue"].tolist() == pytest.approx(
        parts[3]["future_revenue"].tolist(), abs=1e-6
    )


@pytest.fixture(scope="module")
def returning(page):
    """Who is won back spends ten usual orders in the year after."""
    year = pd.DataFrame(
        {"silent_days": 500, "usual_order": 10.0, "year_revenue": 100.0},
        index=range(60),
    )
    return replace(page, returns=year)


def test_a_plan_promises_what_can_come_within_its_time(page, returning):
    rows = returning.funded
    within = returning.in_horizon.loc[rows.index]
    of_a_year = rows["margin_basis"] == "returners"
    assert of_a_year.any()
    assert (within[of_a_year] < rows["expected"][of_a_year]).all()
    drawn = campaigns(returning, Drawing("s", "abc", dt.date(2026, 7, 1), HORIZON))
    promised = pd.concat(drawn)["promised"].dropna().unique()
    assert set(promised) <= set(within.round(6))
    pd.testing.assert_series_equal(
        page.in_horizon, page.funded["expected"], check_names=False
    )


def test_worth_that_counts_the_year_after_says_so(page, returning):
    said = " ".join(told(returning))
    assert "spend in the year after; within the 90 days" in said
    assert "in the year after" not in " ".join(told(page))
    name = returning.funded.loc[
        returning.funded["margin_basis"] == "returners", "segment"
    ].iloc[0]
    why = advice.reason(returning, name, returning.decided.loc[name])
    assert "That counts the year after a return" in why
    assert "within 90 days it is" in why


def test_kinds_of_action_are_words_in_tables_and_pictures(page):
    told = decision_tables.told_effects(page)["action"]
    assert "e-mail" in set(told)
    named = advice.with_kinds(page.options, "kind")
    alt = pictures.expected(named).figure.get_label()
    assert "e-mail" in alt
    assert "email" not in alt


def test_a_campaign_is_read_when_its_own_time_is_over(page):
    [done] = [line for line in told(page) if line.startswith("Done by")]
    assert "from 15 July 2026. The result is read on 13 October 2026." in done


def test_the_owners_serve_whom_a_named_owner_looks_after(page):
    table = decision_tables.stance_table(page)
    named = table["treatment"].str.contains("named owner")
    assert named.any()
    assert "Marketing" not in set(table.loc[named, "owner"])


def test_page_decides_every_segment_within_its_limits(page, hopeful):
    for decided in (page, hopeful):
        assert list(decided.decided.index) == list(decided.now.names)
        assert decided.funded["cost"].sum() == pytest.approx(decided.plan.spent)
        assert decided.plan.hours <= 60
        assert set(decided.options["verdict"]) <= set(verdicts.VERDICTS)
        assert set(decided.options["ground"]) <= set(verdicts.GROUNDS)
    assert set(page.options["cost_source"]) == {"contact_costs"}
    assert hopeful.decided["status"].tolist() == ["main", "later", "later"]
    assert hopeful.plan.spent <= 1200
    assert told(hopeful)[0].startswith("Contact ")
    assert any(
        text.startswith("Next, when there is more money") for text in told(hopeful)
    )


def test_the_page_opens_in_a_few_sentences_that_hold_every_segment(page, hopeful):
    for decided in (page, hopeful):
        said = advice.opening(decided)
        assert 2 <= len(said) <= 4
        served = decided.treatments[decided.treatments["members"] > 0]
        assert all(name in " ".join(said) for name in served.index)
        assert not set(said) & set(advice.particulars(decided))


def test_a_campaign_is_said_to_bring_most_only_where_it_does(hopeful, page):
    for decided in (page, hopeful):
        mostly = [text for text in advice.opening(decided) if "Most of it" in text]
        main = decided.treatments[decided.treatments["status"] == "main"]
        largest = main["worth"].max() / decided.expected.worth
        assert bool(mostly) == (len(main) > 1 and largest >= advice.MOSTLY)


def test_every_segment_is_served_somehow(page):
    rows = page.treatments
    assert list(rows.index) == list(page.now.names)
    assert set(rows["stance"]) <= set(stance.STANCES)
    assert rows.loc["A", "stance"] == stance.PROTECT
    eligible = rows[["customers", "running_test", "dispute", "debt", "no_consent"]].sum(
        axis=1
    )
    assert eligible.tolist() == rows["members"].tolist()
    acting = rows["contacts"] > 0
    # Nobody is let go while more than mail is done with them or tried on them.
    assert not (acting & (rows["kind"] != "email") & (rows["stance"] == "let_go")).any()
    assert rows["worth"].notna().tolist() == acting.tolist()
    assert (rows["next_look"] > pd.Timestamp(page.now.window.as_of)).all()
    for row in rows.to_dict("records"):
        assert advice.change(row)


def test_exceptions_leave_audiences_and_arms(parts):
    index = parts[0].codes.index
    flags = pd.DataFrame({"debt": True}, index=index[:500])
    free, bound = Page(*parts), Page(*parts, exceptions=flags)
    assert bound.options["debt"].sum() > 0
    taken = free.options["customers"] - bound.options["customers"]
    assert taken.tolist() == bound.options["debt"].tolist()
    used = bound.options["contacts"] + bound.options["held_out"]
    assert (used <= bound.options["customers"]).all()
    assert bound.left_out["debt"].sum() == 500
    everybody = Page(*parts, exceptions=pd.DataFrame({"dispute": True}, index=index))
    assert set(everybody.options["verdict"]) == {verdicts.HOUSE_RULE}
    assert everybody.figures == {"customers_contacted": 0}


def test_page_speaks_first_and_keeps_its_figures(page):
    assert page.figures["customers_contacted"] == page.funded["contacts"].sum()
    shown = decision_tables.decision_table(page)
    assert list(shown.index) == list(page.now.names)
    assert len(shown.columns) <= 9 + 2, "with the ends of one range; more overflow"
    assert decision_tables.natural_table(page)["customers"].sum() == len(page.now)
    assert str(advice.cards(page)).count('class="sl-card"') == 3
    assert "4,000 and 60 hours" in advice.budget_remark(page)
    rivals = decision_tables.rivals(page)["expected_value"]
    assert rivals.iloc[0] == pytest.approx(page.expected.worth)
    assert decision_tables.weighed(page)["verdict"].notna().all()
    stages = decision_tables.stages(
        measuring.stages(page.now.status, customers=9, days=9), "too young"
    )
    assert stages["evidence"].iloc[1] == "too young"


def test_the_decision_names_no_call_where_mail_is_enough_and_nothing_where_nobody_is():
    rows = pd.DataFrame(
        {
            "stance": ["keep_in_touch", "keep_in_touch", "protect", "empty"],
            "channel": ["call", "email", "call", "email"],
            "action": ["Call", "Mail", "Call", "Mail"],
            "verdict": "your_judgement",
            "ground": "your_judgement",
            "contacts": [0, 0, 0, 0],
        },
        index=["Warm", "Cold", "VIP", "Nobody"],
    )
    rows[["cost", "hours", "worth", "worth_low", "worth_high"]] = 1.0
    page = SimpleNamespace(treatments=rows, at_margins={})
    shown = decision_tables.decision_table(page)
    assert shown["action"].tolist() == ["", "Mail", "Call", ""]
    assert shown.loc["Nobody", ["verdict", "ground"]].tolist() == ["", ""]
    called = decision_tables.decision_table(
        SimpleNamespace(treatments=rows.assign(contacts=9), at_margins={})
    )
    assert called.loc["Warm", "action"] == "Call"


def test_contacted_customers_are_no_natural_ones(page, parts):
    bare = Page(*parts)
    assert page.known["natural_n"].sum() < bare.known["natural_n"].sum()
    assert all(belief.untested is None for belief in bare.beliefs.values())
    assert any(belief.campaigns for belief in page.beliefs.values())
    with pytest.raises(NotEnoughDataError, match="no table of campaigns"):
        _ = bare.measured


def test_design_adds_up_to_the_eligible(hopeful, parts):
    design = hopeful.design()
    assert design.index.tolist() == ["A"]
    assert design[["contacted", "held_out"]].sum(axis=1).tolist() == [
        hopeful.now.sizes()["A"]
    ]
    nothing = Page(*parts, playbook=hopeful.playbook, budget=0)
    with pytest.raises(NotEnoughDataError, match="no experiment"):
        nothing.design()


def test_the_eligible_are_known_before_the_draw_so_that_no_arm_is_emptied(hopeful):
    names = hopeful.now.codes.index
    refused = pd.Series(np.arange(len(names)) % 3 == 0, index=names)
    page = replace(hopeful, exceptions=refused.to_frame("no_consent"))
    drawing = Drawing("shop", "abc", dt.date(2026, 7, 1), HORIZON)
    (rows,) = campaigns(page, drawing)
    assert not refused[rows["customer_id"]].any()
    eligible = page.eligible("A", "Mail")
    assert len(rows) == len(eligible) == page.design().iloc[0, 1:3].sum()
    planned = page.funded.iloc[0]
    arms = rows["arm"].value_counts()
    assert arms["holdout"] == round(planned["held_out"])
    assert arms["email"] == round(planned["contacts"])


@pytest.mark.parametrize(("channel", "needed"), [("email", True), ("post", False)])
def test_only_an_action_that_needs_consent_leaves_out_who_gave_none(
    hopeful, tmp_path, channel, needed
):
    own = tmp_path / "own.yml"
    mail = MAIL.replace("channel: email", f"channel: {channel}")
    own.write_text(mail + "minutes_per_contact: 1, " + HOPE + REST)
    names = hopeful.now.codes.index
    refused = pd.Series(np.arange(len(names)) % 3 == 0, index=names)
    flags = refused.to_frame("no_consent")
    page = replace(hopeful, exceptions=flags, playbook=str(own))
    left_out = page.left_out["no_consent"]
    assert (left_out > 0).tolist() == [needed] * 3
    reached = page.decided["customers"]
    assert (left_out + reached).tolist() == page.now.sizes().tolist()


def test_a_card_says_how_many_its_natural_rate_rests_on(page):
    shown = str(advice.cards(page))
    for facts in page.known.to_dict("records"):
        assert f"% of {facts['natural_n']:,.0f} (" in shown
    facts = {
        "natural_rate": 1.0,
        "natural_rate_low": 0.9,
        "natural_rate_high": 1.0,
        "natural_n": 540,
        "natural_source": "base",
    }
    assert (
        advice.natural(facts)
        == "100% of 540 (90% to 100%), the whole base, too few here"
    )


def test_a_worse_market_is_decided_again(page, parts, tmp_path):
    own = tmp_path / "own.yml"
    own.write_text(MAIL.replace("3, ", "9.4, ") + HOPE.replace(".12", ".1") + REST)
    edge = Page(*parts, playbook=str(own))
    worth = edge.decided["expected"]
    worse = edge.overturned()
    assert (
        (worth > 0) | edge.options.set_index("segment")["verdict"].ne("watch")
    ).all()
    assert set(worse.index) <= set(edge.now.names)
    assert list(decision_tables.overturned(page).columns)[:2] == ["action", "verdict"]


def test_own_playbook_is_checked_against_the_segments(parts, tmp_path):
    own = tmp_path / "own.yml"
    own.write_text(
        "- {segment: A, action: Visit, kind: visit, channel: visit, cost_per_contact: 85, "
        + REST
    )
    with pytest.raises(ConfigError, match="no entry for segment 'B'"):
        _ = Page(*parts, playbook=str(own)).book
    with own.open("a") as file:
        file.write(MAIL + REST)
    assert set(Page(*parts, playbook=str(own)).options["action"]) == {"Visit", "Mail"}


def test_a_playbook_may_ask_for_rate_state_and_debt(parts, tmp_path):
    own = tmp_path / "own.yml"
    asked = "natural_rate < 0.9 and lapsed_share >= 0 and debt_share = 0 and loss_making_share < 1"
    own.write_text(
        MAIL.replace("always", f"'{asked}'")
        + REST
        + MAIL.replace("Mail", "Rest")
        + REST
    )
    options = Page(*parts, playbook=str(own)).options
    assert options["action"].value_counts().to_dict() == {"Mail": 3, "Rest": 3}


def test_without_margin_the_page_says_so(parts):
    now, people, earlier, outcomes = parts
    unknown = Page(now, people.drop(columns="margin"), earlier, outcomes)
    said = told(unknown)
    # How each segment is served does not hang on the margin: that is said first.
    assert said[0].startswith("Serve A first: ")
    assert said[1].startswith(
        "What pays depends on the margin of a sale, which these data do not tell. "
    )
    assert "declare a margin_rate" in said[-1]
    assert unknown.figures == {"customers_contacted": 0}
    assert set(unknown.decided["verdict"]) == {verdicts.JUDGEMENT}
    declared = Page(
        now, people.drop(columns="margin"), earlier, outcomes, margin_rate=0.3
    )
    assert not declared.at_margins
    assert "Judgement" not in set(declared.decided["verdict"])
    assert list(unknown.at_margins) == [0.1, 0.2, 0.3, 0.5]
    pd.testing.assert_frame_equal(unknown.at_margins[0.3].decided, declared.decided)


def test_without_margin_the_decision_names_the_actions_of_page_one(parts):
    now, people, earlier, outcomes = parts
    unknown = Page(now, people.drop(columns="margin"), earlier, outcomes)
    named = Grounds(unknown).paying["action"]
    shown = decision_tables.decision_table(unknown)["action"]
    assert len(named) == len(now.names)
    assert shown[named.index].to_dict() == named.to_dict()


def test_the_margin_from_which_a_segment_is_worth_it_is_named(parts, tmp_path):
    now, people, earlier, outcomes = parts
    own = tmp_path / "own.yml"
    own.write_text(MAIL.replace("3, ", "12, ") + HOPE + REST)
    page = Page(
        now, people.drop(columns="margin"), earlier, outcomes, playbook=str(own)
    )
    found, said = page.worth_from(), " ".join(told(page))
    assert found["margin_rate"].notna().any()
    for rate, rows in found.groupby("margin_rate"):
        from_on = "Already at" if rate == min(page.at_margins) else "From"
        assert f"{from_on} a margin of {rate:.0%} of revenue" in said
        assert (page.at_margins[rate].decided.loc[rows.index, "contacts"] > 0).all()
    own.write_text(MAIL.replace("3, ", "100000, ") + HOPE + REST)
    none = Page(
        now, people.drop(columns="margin"), earlier, outcomes, playbook=str(own)
    )
    assert "Even at 50% of revenue no action is expected to pay for A" in " ".join(
        told(none)
    )


def test_the_same_page_twice(page, parts, study):
    again = Page(
        *parts,
        costs=page.costs,
        found=page.found,
        budget=4000,
        hours=60,
        segments_on=page.segments_on,
    )
    pd.testing.assert_frame_equal(page.decided, again.decided)
    pd.testing.assert_frame_equal(page.plan.chosen, again.plan.chosen)


@pytest.mark.parametrize(
    ("predicted", "effect", "low", "high", "words"),
    [
        (0.05, 0.051, 0.04, 0.06, "as predicted"),
        (0.05, 0.02, -0.01, 0.06, "may be as predicted, the range holds it"),
        (0.05, 0.02, 0.01, 0.03, "less than predicted"),
        (-0.068, 0.03, 0.01, 0.05, "the opposite of what was predicted"),
        (np.nan, 0.03, 0.01, 0.05, "nothing was predicted"),
    ],
)
def test_a_campaign_is_held_against_its_prediction_in_words(
    predicted, effect, low, high, words
):
    row = {
        "predicted": predicted,
        "effect": effect,
        "effect_low": low,
        "effect_high": high,
    }
    assert decision_tables._as_predicted(pd.Series(row)) == words


def accounts(page):
    """A page of which every segment has too few customers: 15 accounts, the largest with half."""
    table = pd.DataFrame(
        {
            "revenue": [1500.0, *[100.0] * 14],
            "frequency": 4,
            "recency_days": 10,
            "monetary_value": 100.0,
            "gap_days": 30.0,
        },
        index=pd.Index([f"Account {i}" for i in range(15)], name="customer_id"),
    )
    now = Segmentation(pd.Series([0] * 15, index=table.index), ("A", "B"), "abc")
    bought = pd.DataFrame(
        {"future_orders": 1.0, "future_revenue": 100.0}, index=table.index
    )
    return Page(now, table, now, bought, **page)


@pytest.mark.parametrize("known", [{}, {"margin_rate": 0.3}])
def test_few_accounts_are_named_and_empty_segments_are_not(known):
    page = accounts(known)
    said = " ".join(told(page))
    assert "Account 0 (1,500)" in said
    assert "These 5 bring 66% of all revenue" in said
    assert "and B" not in said
    if not known:
        assert "pays if one of" in str(decision_tables.show_margins(page))


def test_response_segments_are_advised_the_action_of_their_trial(parts):
    shown = {"shrunk": [30.0, -9.0, 5.0], "shrunk_se": [4.0, 3.0, 40.0]}
    effects = pd.DataFrame(shown, index=list(parts[0].names))
    trial = TrialAction("K3", "call", 6.5, effects)
    page = Page(*parts, tested=trial)
    assert set(page.options["action"]) == {"Call, as tested in K3"}
    assert page.options["effect"].tolist() == pytest.approx([30, -9, 5])
    assert page.decided["verdict"].tolist()[:2] == ["do_it", "stop_it"]
    assert page.expected.worth > 0
    for segment, row in page.decided.iterrows():
        said = advice.reason(page, str(segment), row)
        assert said.startswith("In K3 a contact brought ")
