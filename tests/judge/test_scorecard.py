"""The whole scorecard: verdicts, leaks, nothing lost silently, the protocol's days, every section
shown."""

from __future__ import annotations

import datetime as dt
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import simulated
from simulated import END, START, Bands
from threadpoolctl import threadpool_limits

from segment_lab.act.cards import evidence
from segment_lab.errors import ConfigError, DataError, NotEnoughDataError
from segment_lab.judge import Training, baselines, compare, scorecard
from segment_lab.judge.protocol import history_of
from segment_lab.judge.sections import SECTIONS
from segment_lab.judge.sufficiency import MIN_BUYERS
from segment_lab.segments.segmentation import Segmentation, Status
from segment_lab.study.study import Study
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
    return Segmentation(pd.Series(codes, index=index), tuple(f"s{i}" for i in range(k)), "random")


@pytest.fixture(scope="module")
def card():
    training = Training(schemes(SEEN, BEFORE), TAUGHT, SEEN, ObservationWindow(START, BEFORE, DAY))
    return scorecard(
        schemes(), OUTCOMES, customers=NOW, training=training, window=WINDOW, draws=100
    )


@pytest.fixture(scope="module")
def compared():
    """The protocol on the simulated log; a request for anything from END on fails inside
    `simulated.outcomes`."""
    methods = {"spend": Bands("revenue", 5), "recency": Bands("recency_days", 3)}
    window, known = (
        ObservationWindow(START, END),
        {
            "fit": lambda m, day: Bands(**methods[m].get_params()).fit(simulated.customers(day)),
            "population": lambda m, day: simulated.customers(day),
            "outcomes": simulated.outcomes,
        },
    )
    return compare(
        list(methods),
        window,
        customers=simulated.customers,
        **known,
        draws=50,
        refits=4,
        history=lambda m: history_of(m, window, **known),
        status=lambda m: Status("PROPER", f"{m} settled"),
    )


def test_spend_foretells_and_baselines_are_in_the_same_table(card):
    trust = card["trust"]
    assert trust.loc["spend", "gini_low"] > trust.loc["spend", "null_gini"]
    assert {"past-spend rank", "3 spend bands", "gradient boosting", "random segments"} <= set(
        trust.index
    )
    assert any(name.startswith("hiatus rule") for name in trust.index)
    assert abs(trust.loc["random segments", "gini"]) < 2 * trust.loc["random segments", "null_gini"]
    assert (trust["gini_low"] <= trust["gini"])[trust["gini"].notna()].all()
    # Five bands of spend as a scheme and as a baseline are the same thing.
    assert trust.loc["spend", "gini"] == pytest.approx(trust.loc["5 spend bands", "gini"])


def test_the_lifetime_value_is_always_among_the_baselines(card):
    assert np.isfinite(card["trust"].loc["BG/NBD + Gamma-Gamma"]["gini"])


def test_a_baseline_that_fails_is_shown_as_failed(monkeypatch):
    def broken(context):
        raise ZeroDivisionError("no convergence")

    monkeypatch.setitem(baselines.BASELINES, "gradient boosting", broken)
    row = scorecard(schemes(), OUTCOMES, customers=NOW, draws=2)["trust"].loc["gradient boosting"]
    assert row["learned"] == "failed: ZeroDivisionError: no convergence"
    assert np.isnan(row["gini"])


def test_no_winner_between_random_labels():
    found = scorecard(
        {"one": random_labels(1), "two": random_labels(2)}, OUTCOMES, customers=NOW, draws=50
    )
    assert (
        "no scheme foretells the judged period better than segments dealt at random"
        in found.verdict[0]
    )


def test_no_winner_between_twins():
    twin = made(Bands("revenue", 5))
    found = scorecard({"one": twin, "two": twin}, OUTCOMES, customers=NOW, draws=50)
    assert "one and two cannot be told apart" in found.verdict[0]
    assert "no winner" in found.verdict[0]


def test_a_winner_is_named():
    pair = {"noise": random_labels(1), "spend": made(Bands("revenue", 5))}
    assert scorecard(pair, OUTCOMES, window=WINDOW, draws=50).verdict == (
        "On this base spend ranks customers by what they spend in the next 90 days better than noise.",
    )


def test_past_spend_beats_poor_schemes():
    pair = {"one": random_labels(1), "silence": made(Bands("recency_days", 3))}
    found = scorecard(pair, OUTCOMES, customers=NOW, draws=50)
    assert (
        found.verdict[1]
        == "Simply sorting customers by past spend does that better than all of them."
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
        training = Training(schemes(), OUTCOMES, NOW, ObservationWindow(START, DAY, later))
    with pytest.raises(DataError, match="cannot be judged") as error:
        scorecard(segmentations, outcomes, training=training, window=window, draws=2)
    assert str(later) in str(error.value)


def test_cuts_learned_on_the_future_really_would_flatter():
    """Why leaks are refused: labels cut by what happens after t0 look better than any honest
    scheme."""
    future = pd.DataFrame({"revenue": OUTCOMES["future_revenue"]})
    leaked = Bands("revenue", 5).fit(future).segment(future)
    trust = scorecard({"leaked": leaked, **schemes()}, OUTCOMES, draws=5, baselines=False)["trust"]
    assert trust.loc["leaked", "gini"] > trust["gini"].drop("leaked").max() + 0.2


def test_predictions_with_training_do_not_see_the_judged_period():
    training = Training(schemes(SEEN, BEFORE), TAUGHT, SEEN)
    shuffled = OUTCOMES.sample(frac=1, random_state=0).set_axis(OUTCOMES.index)
    scores = []
    for outcomes in (OUTCOMES, shuffled):
        context = baselines.Context(NOW, outcomes, training, schemes(), HORIZON)
        with threadpool_limits(1):
            scores.append(
                {p.name: p.score for p in baselines.predictions(context) if p.score is not None}
            )
    assert all((scores[0][name] == scores[1][name]).all() for name in scores[0])


def test_without_training_it_says_that_the_figures_flatter(card):
    found = scorecard(schemes(), OUTCOMES, draws=5)
    assert any("these figures flatter" in note for note in found.notes)
    assert any("nobody checked" in note for note in found.notes)
    assert not any("flatter" in note or "nobody checked" in note for note in card.notes)


def test_cross_fitting_gives_random_segments_no_credit():
    ginis = [
        scorecard([random_labels(i, 20)], OUTCOMES, draws=1)["trust"]["gini"].iloc[0]
        for i in range(20)
    ]
    assert np.mean(ginis) == pytest.approx(0, abs=0.04)


def test_customers_who_are_not_judged_are_counted():
    more = pd.concat([NOW, NOW.head(7).set_axis([f"prospect {i}" for i in range(7)])])
    pair = {"spend": made(Bands("revenue", 5)), "all": made(Bands("recency_days", 3), more)}
    found = scorecard(pair, OUTCOMES, draws=2)
    assert (
        "Not judged, because another scheme or the outcomes do not hold them: 7 of all."
        in found.notes
    )


def test_row_order_does_not_matter_and_reruns_are_equal():
    first = scorecard(schemes(), OUTCOMES, customers=NOW, draws=20)
    again = scorecard(schemes(), OUTCOMES, customers=NOW, draws=20)
    mixed = {
        n: s.replace(codes=s.codes.sample(frac=1, random_state=1)) for n, s in schemes().items()
    }
    other = scorecard(
        mixed,
        OUTCOMES.sample(frac=1, random_state=2),
        customers=NOW.sample(frac=1, random_state=3),
        draws=20,
    )
    for section in first.tables:
        pd.testing.assert_frame_equal(first[section], again[section])
        pd.testing.assert_frame_equal(first[section], other[section])


def test_bad_input_lists_every_fault():
    with pytest.raises(DataError) as error:
        scorecard(schemes(), pd.concat([OUTCOMES, OUTCOMES]).drop(columns="future_orders"))
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
    with pytest.raises(NotEnoughDataError, match="it takes labels on a later day"):
        card["movement"]
    with pytest.raises(ConfigError, match="did you mean 'trust'"):
        card["trusst"]
    assert "it takes labels on a later day" in str(card.show("movement"))


def test_every_section_is_shown_and_put_into_words(compared):
    assert not compared.missing
    for section in SECTIONS:
        shown, words = str(compared.show(section)), compared.sentence(section)
        assert "<caption>" in shown
        assert words.endswith(".")
        assert "nan" not in words
    assert "no winner" in compared.verdict[0] or "better than" in compared.verdict[0]
    assert compared._repr_html_().count("<table") == 1
    assert pickle.loads(pickle.dumps(compared)).verdict == compared.verdict


@pytest.mark.parametrize("section", ["agreement", "differences"])
def test_pairs_of_schemes_are_shown_without_row_numbers(compared, section):
    row = str(compared.show(section)).split("<tbody>")[1].split("</tr>")[0]
    assert not re.search(r">\s*\d+\s*</th>", row)
    assert re.search(r'<th scope="row"[^>]*>\s*(spend|recency)', row)


def test_the_protocol_learns_before_t0_and_judges_after(compared):
    assert (compared["trust"].loc[["spend", "recency"], "learned"] == "the time before").all()
    direct = compared["trust"].loc["spend", "gini"]
    t0, before = END - dt.timedelta(days=90), END - dt.timedelta(days=180)
    now, seen = simulated.customers(t0), simulated.customers(before)
    made_now = {"spend": made(Bands("revenue", 5), now, t0, now)}
    training = Training(
        {"spend": made(Bands("revenue", 5), seen, before, seen)}, simulated.outcomes(before), seen
    )
    alone = scorecard(made_now, simulated.outcomes(t0), training=training, draws=1)
    assert direct == pytest.approx(alone["trust"].loc["spend", "gini"])


def test_the_protocol_gives_movement_ambiguity_and_a_status(compared):
    movement = compared["movement"]
    assert movement["drift_share"].notna().all()
    assert 0 < movement.loc["spend", "moved_share"] < 0.5
    assert compared["ambiguity"].loc["spend", "7 days more share"] == 0
    assert not compared["stability"]["informative"].any()
    assert list(compared.status_table()["reason"]) == ["spend settled", "recency settled"]
    assert "PROPER" not in str(compared.show_status())
    assert '<td class="txt">Settled</td>' in str(compared.show_status())
    assert "recency; rows add up to 100%" in str(compared.show_flows())
    assert str(compared.show_moves()).count("<table>") == 2
    assert compared["sufficiency"].loc["spend"].index.max() == 365


def test_own_labels_are_compared_with_fitted_schemes():
    t0 = END - dt.timedelta(days=90)
    table = simulated.customers(t0)
    own = Segmentation.from_labels(
        pd.Series(np.where(table["frequency"] > 2, "often", "rarely"), index=table.index)
    )
    found = compare(
        ["spend"],
        ObservationWindow(START, END),
        customers=simulated.customers,
        own={"ours": own},
        fit=lambda m, day: Bands("revenue", 5).fit(simulated.customers(day)),
        population=lambda m, day: simulated.customers(day),
        outcomes=simulated.outcomes,
        draws=20,
        refits=2,
    )
    assert found.schemes == ["spend", "ours"]
    assert any("cross-fitted" in n or "cross-fitting, for ours" in n for n in found.notes)


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
    known = evidence(
        study.segmentation("abc"),
        study.customers(),
        earlier=earlier.segmentation("abc"),
        outcomes=earlier.outcomes(90),
        contacted=drawn[np.arange(400) % 4 < 3],
    )
    pd.testing.assert_series_equal(
        compared["natural_rate"], known["natural_rate"], check_names=False
    )
    assert (known["natural_n"] < earlier.segmentation("abc").sizes()).all()


@pytest.mark.parametrize(
    ("spent", "words"), [((0, 0), "Nobody bought"), ((1, 0), "above 0"), ((1, 5), "the same")]
)
def test_a_period_that_judges_nothing_is_refused_before_any_fit(spent, words):
    with pytest.raises(NotEnoughDataError, match=words):
        compare(
            ["spend"],
            ObservationWindow(START, END),
            customers=simulated.customers,
            fit=lambda m, day: pytest.fail("fitted in vain"),
            population=lambda m, day: simulated.customers(day),
            outcomes=lambda day, days: simulated.outcomes(day, days).assign(
                future_orders=spent[0], future_revenue=float(spent[1])
            ),
        )


def test_too_short_a_history_is_refused():
    with pytest.raises(
        NotEnoughDataError, match=r"leaves 10 days .* study file: comparison: \{horizon_days: …\}"
    ):
        compare(
            ["spend"],
            ObservationWindow(START, START + dt.timedelta(days=100)),
            customers=simulated.customers,
            fit=lambda m, day: Bands().fit(simulated.customers(day)),
            population=lambda m, day: simulated.customers(day),
            outcomes=simulated.outcomes,
        )
