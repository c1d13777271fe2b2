"""The whole scorecard: verdicts, leaks, nothing lost silently, the protocol's days, every section
shown."""

from __future__ import annotations

import datetime as dt
import pickle
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import simulated
from simulated import END, START, Bands, SimulatedCompany
from threadpoolctl import threadpool_limits

from segment_lab.act.evidence import Happened, evidence
from segment_lab.errors import ConfigError, DataError, NotEnoughDataError
from segment_lab.judge import Background, Training, baselines, compare, scorecard
from segment_lab.judge.card import SECTIONS
from segment_lab.judge.sufficiency import MIN_BUYERS
from segment_lab.pages.comparison import ComparisonPage
from segment_lab.segments.segmentation import Segmentation
from segment_lab.study.study import Study
from segment_lab.texts import say
from segment_lab.window import ObservationWindow

DAY, HORIZON = dt.date(2025, 10, 3), 90
BEFORE = DAY - dt.timedelta(days=HORIZON)
WINDOW = ObservationWindow(START, DAY, DAY + dt.timedelta(days=HORIZON))
NOW, OUTCOMES = simulated.customers(DAY), simulated.outcomes(DAY)
SEEN, TAUGHT = simulated.customers(BEFORE), simulated.outcomes(BEFORE)


def made(segmenter, table=NOW, day=DAY, fit_on=NOW) -> Segmentation:
    return segmenter.fit(fit_on).segment(table, ObservationWindow(START, day))


def schemes(table=NOW, day=DAY) -> dict[str, Segmentation]:
    return {
        "spend": made(Bands("revenue", 5), table, day, table),
        "recency": made(Bands("recency_days", 3), table, day, table),
    }


def random_labels(seed: int, k: int = 4, index=NOW.index) -> Segmentation:
    codes = np.random.default_rng(seed).integers(0, k, len(index))
    return Segmentation(
        pd.Series(codes, index=index), tuple(f"s{i}" for i in range(k)), "random"
    )


@pytest.fixture(scope="module")
def card():
    training = Training(
        schemes(SEEN, BEFORE), TAUGHT, SEEN, ObservationWindow(START, BEFORE, DAY)
    )
    return scorecard(
        schemes(), OUTCOMES, Background(NOW, training, window=WINDOW), draws=100
    )


@pytest.fixture(scope="module")
def compared():
    """The protocol on the simulated log; a request for anything from END on fails inside
    `simulated.outcomes`."""
    company = SimulatedCompany(
        {"spend": Bands("revenue", 5), "recency": Bands("recency_days", 3)}
    )
    return compare(company, list(company.schemes), draws=50, refits=4)


def test_spend_predicts_and_baselines_are_in_the_same_table(card):
    trust = card["trust"]
    assert trust.loc["spend", "ranking_power_low"] > trust.loc["spend", "null_power"]
    assert {
        "past-spend rank",
        "3 spend bands",
        "gradient boosting",
        "random segments",
    } <= set(trust.index)
    assert any(name.startswith("hiatus rule") for name in trust.index)
    assert (
        abs(trust.loc["random segments", "ranking_power"])
        < 2 * trust.loc["random segments", "null_power"]
    )
    assert (trust["ranking_power_low"] <= trust["ranking_power"])[
        trust["ranking_power"].notna()
    ].all()
    # Five bands of spend as a scheme and as a baseline are the same thing.
    assert trust.loc["spend", "ranking_power"] == pytest.approx(
        trust.loc["5 spend bands", "ranking_power"]
    )


def test_the_lifetime_value_is_always_among_the_baselines(card):
    assert np.isfinite(card["trust"].loc["BG/NBD + Gamma-Gamma"]["ranking_power"])


def test_a_baseline_that_fails_is_shown_as_failed(monkeypatch):
    def broken(context):
        raise ZeroDivisionError("no convergence")

    monkeypatch.setitem(baselines.BASELINES, "gradient boosting", broken)
    row = scorecard(schemes(), OUTCOMES, Background(NOW), draws=2)["trust"].loc[
        "gradient boosting"
    ]
    assert row["note"] == "failed: ZeroDivisionError: no convergence"
    assert np.isnan(row["ranking_power"])


def test_no_winner_between_random_labels():
    found = scorecard(
        {"one": random_labels(1), "two": random_labels(2)},
        OUTCOMES,
        Background(NOW),
        draws=50,
    )
    assert found.verdict.chance
    assert ComparisonPage(found).sentences()[0] == (
        "No scheme predicts spending in the judged period better than random groups."
    )


def test_no_winner_between_twins():
    twin = made(Bands("revenue", 5))
    found = scorecard({"one": twin, "two": twin}, OUTCOMES, Background(NOW), draws=50)
    assert found.verdict.tied == ("one", "two")
    assert (
        ComparisonPage(found)
        .sentences()[0]
        .startswith("No winner: one and two predict")
    )


def test_a_winner_is_named():
    pair = {"noise": random_labels(1), "spend": made(Bands("revenue", 5))}
    found = scorecard(pair, OUTCOMES, Background(window=WINDOW), draws=50)
    assert ComparisonPage(found).sentences() == [
        "Best at predicting spending in the next 90 days: spend, clearly ahead of noise."
    ]


def test_past_spend_beats_poor_schemes():
    pair = {"one": random_labels(1), "silence": made(Bands("recency_days", 3))}
    found = scorecard(pair, OUTCOMES, Background(NOW), draws=50)
    assert found.verdict.plain == "rank"
    assert ComparisonPage(found).sentences()[1] == (
        "Simply sorting customers by past spend predicts better than any of them."
    )


@pytest.mark.parametrize("leak", ["customers", "cuts", "training", "attrs"])
def test_a_leaked_future_is_refused(leak):
    later = DAY + dt.timedelta(days=30)
    segmentations, training, window, outcomes = schemes(), None, WINDOW, OUTCOMES
    if leak in ("customers", "attrs"):
        segmentations["recency"] = made(Bands("recency_days", 3), day=later)
    if leak == "attrs":
        window, outcomes = None, OUTCOMES.copy()
        outcomes.attrs["as_of"] = DAY.isoformat()
    if leak == "cuts":
        segmentations["recency"] = segmentations["recency"].replace(
            parameters={"fitted_on": later.isoformat()}
        )
    if leak == "training":
        training = Training(
            schemes(), OUTCOMES, NOW, ObservationWindow(START, DAY, later)
        )
    with pytest.raises(DataError, match="cannot be judged") as error:
        scorecard(
            segmentations,
            outcomes,
            Background(training=training, window=window),
            draws=2,
        )
    assert str(later) in str(error.value)


def test_cuts_learned_on_the_future_really_would_flatter():
    """Why leaks are refused: labels cut by what happens after t0 look better than any honest
    scheme."""
    future = pd.DataFrame({"revenue": OUTCOMES["future_revenue"]})
    leaked = Bands("revenue", 5).fit(future).segment(future)
    trust = scorecard(
        {"leaked": leaked, **schemes()}, OUTCOMES, draws=5, baselines=False
    )["trust"]
    assert (
        trust.loc["leaked", "ranking_power"]
        > trust["ranking_power"].drop("leaked").max() + 0.2
    )


def test_predictions_with_training_do_not_see_the_judged_period():
    training = Training(schemes(SEEN, BEFORE), TAUGHT, SEEN)
    shuffled = OUTCOMES.sample(frac=1, random_state=0).set_axis(OUTCOMES.index)
    scores = []
    for outcomes in (OUTCOMES, shuffled):
        context = baselines.Context(NOW, outcomes, training, schemes(), HORIZON)
        with threadpool_limits(1):
            found = baselines.predictions(context)
            scores.append({p.name: p.score for p in found if p.score is not None})
            assert all(p.taught is not None for p in found if p.codes is not None)
    assert all((scores[0][name] == scores[1][name]).all() for name in scores[0])


def test_without_training_it_says_how_the_worth_was_learned(card):
    notes = ComparisonPage(scorecard(schemes(), OUTCOMES, draws=5)).notes()
    assert any("by cross-fitting in 5 parts" in note for note in notes)
    assert any("it was not checked" in note for note in notes)
    known = ComparisonPage(card).notes()
    assert not any("cross-fitting" in note or "not checked" in note for note in known)


def test_cross_fitting_gives_random_segments_no_credit():
    powers = [
        scorecard([random_labels(i, 20)], OUTCOMES, draws=1)["trust"][
            "ranking_power"
        ].iloc[0]
        for i in range(20)
    ]
    assert np.mean(powers) == pytest.approx(0, abs=0.04)


def test_customers_who_are_not_judged_are_counted():
    more = pd.concat([NOW, NOW.head(7).set_axis([f"prospect {i}" for i in range(7)])])
    pair = {
        "spend": made(Bands("revenue", 5)),
        "all": made(Bands("recency_days", 3), more),
    }
    found = scorecard(pair, OUTCOMES, draws=2)
    assert found.trial.left_out == {"all": 7}
    assert ComparisonPage(found).notes()[0].endswith("do not hold them: 7 of all.")


def test_row_order_does_not_matter_and_reruns_are_equal():
    first = scorecard(schemes(), OUTCOMES, Background(NOW), draws=20)
    again = scorecard(schemes(), OUTCOMES, Background(NOW), draws=20)
    mixed = {
        n: s.replace(codes=s.codes.sample(frac=1, random_state=1))
        for n, s in schemes().items()
    }
    other = scorecard(
        mixed,
        OUTCOMES.sample(frac=1, random_state=2),
        Background(NOW.sample(frac=1, random_state=3)),
        draws=20,
    )
    for section in first.tables:
        pd.testing.assert_frame_equal(first[section], again[section])
        pd.testing.assert_frame_equal(first[section], other[section])


def test_bad_input_lists_every_fault():
    with pytest.raises(DataError) as error:
        scorecard(
            schemes(), pd.concat([OUTCOMES, OUTCOMES]).drop(columns="future_orders")
        )
    assert "future_orders" in str(error.value)
    assert "more than once" in str(error.value)
    with pytest.raises(DataError, match="nothing in common"):
        scorecard(schemes(), OUTCOMES.set_axis([f"x{i}" for i in range(len(OUTCOMES))]))
    with pytest.raises(NotEnoughDataError, match="spent the same"):
        scorecard(schemes(), OUTCOMES.assign(future_orders=1, future_revenue=9.9))
    with pytest.raises(NotEnoughDataError, match="Nobody bought"):
        scorecard(schemes(), OUTCOMES * 0)
    with pytest.raises(NotEnoughDataError, match="above 0"):
        scorecard(schemes(), OUTCOMES.assign(future_revenue=0.0))
    with pytest.raises(ConfigError, match="same method name"):
        scorecard(list(schemes().values()), OUTCOMES)
    with pytest.raises(ConfigError, match="nothing to compare"):
        scorecard([], OUTCOMES)


def test_sections_that_are_missing_say_what_they_take(card):
    assert set(card.tables) | set(card.missing) == set(SECTIONS)
    with pytest.raises(NotEnoughDataError, match="needs the schemes on two days"):
        card["movement"]
    with pytest.raises(ConfigError, match="did you mean 'trust'"):
        card["trusst"]
    page = ComparisonPage(card)
    for piece in (
        page.show("movement"),
        page.drawn("movement"),
        page.finding("movement"),
    ):
        assert "needs the schemes on two days" in str(piece)


def test_every_section_is_shown_and_put_into_words(compared):
    assert not compared.missing
    page = ComparisonPage(compared)
    for section in SECTIONS:
        shown, words = str(page.show(section)), page.sentence(section)
        assert "<caption>" in shown
        assert words.endswith(".")
        assert "nan" not in words
    assert str(page.headline()).count("Ranking power, ") == 2
    assert "&lt;" not in str(page.matrix())
    assert pickle.loads(pickle.dumps(compared)).verdict == compared.verdict
    assert "ranking_power" in repr(compared)


@pytest.mark.parametrize("section", ["agreement", "differences"])
def test_pairs_of_schemes_are_shown_without_row_numbers(compared, section):
    row = (
        str(ComparisonPage(compared).table(section))
        .split("<tbody>")[1]
        .split("</tr>")[0]
    )
    assert not re.search(r">\s*\d+\s*</th>", row)
    assert re.search(r'<th scope="row"[^>]*>\s*(spend|recency)', row)


def test_the_matrix_has_a_row_per_scheme_and_the_best_on_top(compared):
    body = str(ComparisonPage(compared).matrix()).split("<tbody>")[1]
    assert body.count("<tr>") == 2
    power = compared["trust"].loc[compared.schemes, "ranking_power"]
    assert body.index(power.idxmax()) < body.index(power.idxmin())


def test_no_effect_that_shows_is_said_in_words(compared):
    assert "∞" not in str(ComparisonPage(compared).matrix())
    figures = compared["actionability"].assign(smallest_uplift=np.inf)
    blind = replace(compared, tables={**compared.tables, "actionability": figures})
    assert "∞: in half of the segments or more" in str(ComparisonPage(blind).matrix())


def test_the_protocol_learns_before_t0_and_judges_after(compared):
    assert (compared["trust"].loc[["spend", "recency"], "learned"] == "before").all()
    direct = compared["trust"].loc["spend", "ranking_power"]
    t0, before = END - dt.timedelta(days=90), END - dt.timedelta(days=180)
    now, seen = simulated.customers(t0), simulated.customers(before)
    made_now = {"spend": made(Bands("revenue", 5), now, t0, now)}
    training = Training(
        {"spend": made(Bands("revenue", 5), seen, before, seen)},
        simulated.outcomes(before),
        seen,
    )
    alone = scorecard(
        made_now, simulated.outcomes(t0), Background(training=training), draws=2
    )
    assert direct == pytest.approx(alone["trust"].loc["spend", "ranking_power"])


def test_the_protocol_gives_movement_ambiguity_and_a_status(compared):
    movement = compared["movement"]
    assert movement["drift_share"].notna().all()
    assert 0 < movement.loc["spend", "moved_share"] < 0.5
    assert compared["ambiguity"].loc["spend", "later_share"] == 0
    assert not compared["stability"]["informative"].any()
    page = ComparisonPage(compared)
    assert say("segments.errors.invalid", method="spend") in str(page.status())
    assert "PROPER" not in str(page.status())
    assert '<td class="txt">Settled</td>' in str(page.status())
    assert "under recency; rows add up to 100%" in str(page.flows())
    assert str(page.moves()).count("<table>") == 2
    assert compared["sufficiency"].loc["spend"].index.max() == 365


def test_own_labels_are_compared_with_fitted_schemes():
    t0 = END - dt.timedelta(days=90)
    table = simulated.customers(t0)
    own = Segmentation.from_labels(
        pd.Series(
            np.where(table["frequency"] > 2, "often", "rarely"), index=table.index
        )
    )
    company = SimulatedCompany({"spend": Bands("revenue", 5)})
    found = compare(company, ["spend"], own={"ours": own}, draws=20, refits=2)
    assert found.schemes == ["spend", "ours"]
    assert (found["trust"].loc[found.schemes, "learned"] == "cross_fitted").all()
    pairs = found["differences"].query("measure == 'ranking_power'")
    assert ((pairs["a"] == "spend") & (pairs["b"] == "ours")).any()
    beside_model = pairs[pairs["b"] == "gradient boosting"]
    assert not beside_model["a"].isin(found.schemes).any()


def test_the_comparison_and_the_page_of_a_scheme_say_the_same_of_its_status():
    """Under 500 customers are judged, because others came after t0; over 500 stand at as_of."""
    log, t0 = simulated.orders(), END - dt.timedelta(days=90)
    log = log[(log["customer_id"] < "c00450") | (log["order_date"] >= pd.Timestamp(t0))]
    study = Study.from_frames({"orders": log}, methods={"abc": {}}, as_of=END)
    card = study.scorecard(draws=5, refits=2)
    assert len(study.at(t0).customers()) < MIN_BUYERS <= len(study.customers())
    assert dict(card.status) == {"abc": study.segmentation("abc").status}
    assert "buyers" not in card.status["abc"].reason


def test_the_comparison_and_the_decision_page_say_the_same_of_who_buys_anyway():
    """A campaign drew 400 customers on the day the schemes are drawn; those it contacted are left
    out on both pages."""
    log, t0 = simulated.orders(), END - dt.timedelta(days=90)
    drawn = simulated.customers(t0).index[:800:2]
    campaigns = pd.DataFrame(
        {
            "campaign_id": "c1",
            "customer_id": drawn,
            "assigned_on": t0 + dt.timedelta(days=1),
            "arm": ["treatment", "treatment", "treatment", "holdout"] * 100,
            "horizon_days": 60,
        }
    )
    study = Study.from_frames(
        {"orders": log, "campaigns": campaigns}, methods={"abc": {}}, as_of=END
    )
    compared = study.scorecard(draws=5, refits=2)["actionability"].loc["abc"]
    earlier = study.at(t0)
    contacted = drawn[np.arange(400) % 4 < 3]
    happened = Happened(earlier.segmentation("abc"), earlier.outcomes(90), contacted)
    known = evidence(study.segmentation("abc"), study.customers(), happened)
    pd.testing.assert_series_equal(
        compared["natural_rate"], known["natural_rate"], check_names=False
    )
    assert (known["natural_n"] < earlier.segmentation("abc").sizes()).all()


@pytest.mark.parametrize(
    ("spent", "words"),
    [((0, 0), "Nobody bought"), ((1, 0), "above 0"), ((1, 5), "the same")],
)
def test_a_period_that_judges_nothing_is_refused_before_any_fit(spent, words):
    class Poor(SimulatedCompany):
        def at(self, as_of, days=None):
            return Poor(self.schemes, ObservationWindow(START, as_of))

        def fitted(self, method):
            return pytest.fail("fitted in vain")

        def outcomes(self, days):
            found = super().outcomes(days)
            return found.assign(future_orders=spent[0], future_revenue=float(spent[1]))

    with pytest.raises(NotEnoughDataError, match=words):
        compare(Poor({"spend": Bands("revenue", 5)}), ["spend"])


def test_too_short_a_history_is_refused():
    with pytest.raises(
        NotEnoughDataError,
        match=r"leaves 10 days .* study file: comparison: \{horizon_days: …\}",
    ):
        compare(
            SimulatedCompany(
                {"spend": Bands()},
                ObservationWindow(START, START + dt.timedelta(days=100)),
            ),
            ["spend"],
        )


def seen_today(card, scheme, names):
    """The card of a company whose scheme has these segments today."""
    moved = pd.DataFrame(0, index=list(names), columns=list(names))
    return ComparisonPage(replace(card, matrices={**card.matrices, scheme: moved}))


def test_segments_of_another_day_are_told_beside_their_number(compared):
    then = [*compared["actionability"].loc["spend"].index]
    assert ComparisonPage(compared).then() == ""
    other = seen_today(compared, "spend", [*then, "One more"])
    told = f"spend had {len(then)} then and {len(then) + 1} today."
    assert other.then().endswith(told)
    assert told in str(other.matrix())
    assert told in str(other.table("trust"))
    renamed = seen_today(compared, "spend", [*then[1:], "Another"])
    assert renamed.then().endswith("spend had as many then, but with other limits.")
