"""The pages of the segmentations: what each gathers adds up, and says what it cannot tell."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab import pages
from segment_lab.pages import advice, decision_tables
from segment_lab.pages.decision import DecisionReport
from segment_lab.pages.front.cards import Cards
from segment_lab.pages.front.document import GROWTH
from segment_lab.pages.front.gather import gathering
from segment_lab.pages.front.links import card_link
from segment_lab.pages.serving import (
    cards_of,
    serving,
    serving_table,
    stance_counts,
    stance_shares,
    state_shares,
    to_do,
)
from segment_lab.texts import say

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sample():
    # Told how many groups there are and on which scheme to act: to find that takes most of the time.
    file, told = ROOT / "configs" / "sample.yml", {"scheme": "lifecycle"}
    quick = {"clusters": {"k": 5, "bootstraps": 5}}
    return sl.Study.from_yaml(file, methods=quick, strategy=told)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Two months of orders, nothing else; old rules that are no longer there."""
    place = tmp_path_factory.mktemp("bare")
    days = pd.date_range("2026-01-01", periods=60, freq="D")
    orders = {
        "customer_id": [f"c{i % 20}" for i in range(60)],
        "order_date": days,
        "amount": 10.0,
    }
    pd.DataFrame(orders).to_csv(place / "o.csv", index=False)
    rules = '[{name: Many, when: "frequency > 2"}]'
    methods = f"{{rfm: {{}}, abc: {{}}, lifecycle: {{}}, rules: {{rules: {rules}}}}}"
    (place / "s.yml").write_text(
        f"name: bare\nsources: {{orders: {{path: o.csv}}}}\nmethods: {methods}\n"
    )
    return sl.Study.from_yaml(place / "s.yml")


def test_everybody_has_a_place_on_the_map(sample):
    page = pages.RFMPage(sample)
    assert page.cells["customers"].sum() == len(page.segments)
    assert page.cells["revenue_share"].sum() == pytest.approx(1)
    by_segment = page.cells.groupby("segment")["customers"].sum()
    sizes = page.segments.sizes()
    assert by_segment.reindex(sizes.index, fill_value=0).tolist() == sizes.tolist()


def test_bases_of_today_are_reached_from_those_of_then_or_from_nowhere(sample):
    page = pages.LifecyclePage(sample)
    assert page.flows.sum().tolist() == page.bases.sizes().tolist()
    known = sample.at("2026-04-02").population("lifecycle")
    assert page.flows.iloc[:-1].sum().sum() == len(
        known.index.intersection(page.customers.index)
    )
    assert (
        page.flows.loc["Dead", "Cold"] == 0
    )  # who once bought is never a stranger again


def test_a_class_gets_minutes_beside_its_value(sample):
    page = pages.ABCPage(sample)
    assert page.effort["effort_share"].sum() == pytest.approx(1)
    assert "contact minutes" in str(page.value_and_effort())


def test_every_segment_is_served_as_on_page_one(bare):
    front = gathering(bare)
    acted, served = serving(bare)
    assert acted == front.scheme
    assert served["stance"].tolist() == front.page.treatments["stance"].tolist()
    assert served["customers"].sum() == len(front.page.now) == 20
    assert str(serving_table(bare, front.scheme)).count("<tr>") == 2 + 2 * len(served)


def test_a_segment_leads_to_its_card_wherever_it_is_named(bare):
    acted, served = serving(bare)
    filled = [card_link(name) for name in served.index[served["customers"] > 0]]
    decision = pages.StrategyPage(bare, horizon_days=gathering(bare).days)
    shown = {
        "served": serving_table(bare, acted),
        "decided": decision.decisions(),
        "why": decision.cards(),
    }
    for name, piece in shown.items():
        linked = re.findall(r'href="(segments\.html#[^"]+)"', str(piece))
        assert set(linked) == set(filled), name
    assert set(cards_of(bare, acted).values()) == set(filled)
    # Segments of a scheme that page one does not act on have no card.
    assert cards_of(bare, next(name for name in ("abc", "rfm") if name != acted)) == {}


def test_pages_of_other_schemes_ask_for_the_same_of_every_customer(bare):
    acted, served = serving(bare)
    other = next(name for name in ("abc", "rfm") if name != acted)
    shares = stance_shares(bare, other)
    given = bare.segmentation(acted).labels.astype(str).map(served["stance"])
    assert shares["customers"].sum() == len(given)
    by_stance = shares.drop(columns="customers").mul(shares["customers"], axis=0).sum()
    assert by_stance.to_dict() == pytest.approx(given.value_counts().to_dict())
    states = state_shares(bare, other)
    assert states.sum(axis=1)[shares["customers"] > 0].to_numpy() == pytest.approx(1)
    assert "acts on one scheme" in str(serving_table(bare, other))


def test_a_segment_of_another_scheme_is_told_whom_of_it_to_serve_how(sample):
    counts = stance_counts(sample, "rfm")
    told = str(pages.RFMPage(sample).serving())
    for segment, row in counts.iterrows():
        said = to_do(row, owners=True)
        assert said in told, segment
        numbers = [int(number) for number in re.findall(r"\d+", said)]
        assert numbers == sorted(row[row > 0], reverse=True)


def test_what_to_do_is_one_sentence_that_begins_with_the_most():
    mixed = {"protect": 3, "win_back": 40, "keep_in_touch": 0, "let_go": 1}
    assert to_do(mixed, owners=True) == (
        "Win back 40: ask why they stopped, the largest first; serve 3 first, without discounts;"
        " no effort for 1."
    )
    assert to_do({"win_back": 7}, owners=False) == (
        "Win back all 7: a reason to return, by mail."
    )
    assert to_do({}, owners=True) == "Nobody now."


def test_where_little_is_known_the_page_says_so(bare):
    abc = pages.ABCPage(bare)
    assert "contact minutes" not in str(abc.value_and_effort())
    assert "no table of contacts" in str(abc.best_fifth())
    lifecycle = pages.LifecyclePage(bare)
    assert "90" in str(lifecycle.moves())
    assert lifecycle.moves().missing
    rules = pages.RulesPage(bare)
    assert "<img" in str(rules.moves())
    assert "no previous version" in str(rules.moved_counts())


@pytest.mark.slow
def test_on_the_sample_no_two_pages_contradict_each_other():
    methods: dict[str, dict[str, object]] = {"rfm": {}, "lifecycle": {}, "abc": {}}
    study = sl.Study.from_yaml(ROOT / "configs" / "sample.yml", methods=methods)
    acting = study.config.strategy.model_copy(update={"scheme": "lifecycle"})
    config = study.config.model_copy(update={"strategy": acting})
    study = sl.Study(config, study.base)
    front = gathering(study)
    strategy = pages.StrategyPage(study, "lifecycle", horizon_days=front.days)
    asked = strategy.decision.treatments
    acted, served = serving(study)
    assert (acted, strategy.choice.scheme) == ("lifecycle", "lifecycle")

    # Page one, the segments' cards and the page of the scheme say what the decision says.
    rows = {row.segment: row for row in front.treatments() if row.card}
    cards = {card["name"]: card for card in Cards(front).shown()["cards"]}
    lifecycle = str(pages.LifecyclePage(study).serving())
    shown = decision_tables.stance_table(strategy.decision)["stance"]
    for segment, row in asked[asked["members"] > 0].iterrows():
        told = rows[str(segment)], cards[str(segment)]
        assert {told[0].stance, told[1]["stance"], served["stance"][segment]} == {
            row["stance"]
        }
        assert {told[0].verdict, told[1]["verdict"]} == {row["verdict"]}
        assert told[1]["stance_text"] == shown[segment]
        assert shown[segment] in lifecycle

    # The decision page opens with the customers that page one counts for each stance.
    opening = " ".join(advice.opening(strategy.decision))
    by_stance = pd.Series(
        {name: (row.stance, row.customers) for name, row in rows.items()}
    )
    counts = by_stance.str[1].groupby(by_stance.str[0]).sum()
    for stance, customers in counts.items():
        assert f"{customers:,} customers" in opening, stance
    dead = rows["Dead"]
    assert f"for EUR {dead.cost:,.0f} is expected to bring EUR {dead.worth:,.0f}" in (
        opening
    )

    # Segments of another scheme get no stance of their own: customer by customer the same.
    shares = stance_shares(study, "rfm")
    given = study.segmentation("lifecycle").labels.astype(str).map(served["stance"])
    buyers = given.reindex(study.segmentation("rfm").labels.index).value_counts()
    counted = shares.drop(columns="customers").mul(shares["customers"], axis=0).sum()
    assert counted.to_dict() == pytest.approx(buyers.to_dict())
    rfm = str(pages.RFMPage(study).serving())
    assert say("stance.as_on_page_one.caption") in rfm

    # One day on which all of them look again.
    day = asked["next_look"].iloc[0].date()
    assert say("front.sure.next", day=day) in str(front.front().shown())


def test_every_group_of_the_clusters_is_advised_and_coloured_as_on_page_one(sample):
    page = pages.ClustersPage(sample)
    said = str(page.serving())
    sizes = page.groups.sizes()
    assert all(name in said for name in sizes.index[sizes > 0])
    shares = stance_shares(sample, "clusters").drop(columns="customers")
    assert page.stances["share"].to_dict() == shares.max(axis=1).dropna().to_dict()
    change = DecisionReport(sample, "clusters").change_of_segments
    for name, tone in page.tones.items():
        growing = GROWTH.get(page.stances["stance"][name], 0)
        good = change[name] * growing > 0
        assert tone == "same" or tone.startswith("good" if good else "bad")
    assert len(page.tones) == (sizes > 0).sum()


def test_engagement_speaks_of_the_scheme_that_page_one_acts_on(sample, bare):
    assert pages.acted_on(sample) == gathering(sample).scheme == "lifecycle"
    assert pages.acted_on(bare) == serving(bare)[0]


@pytest.mark.slow
def test_engagement_speaks_of_the_scheme_that_the_evidence_chose():
    study = sl.Study.from_yaml(ROOT / "configs" / "sample.yml")
    assert pages.acted_on(study) == gathering(study).scheme
