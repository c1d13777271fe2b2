"""The lead model: chances that are right out of sample, and the price of ignoring the cold band."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from datasets import ROOT, dataset, datasets_folder
from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.leads.analysis import Scores
from segment_lab.leads.leakage import auc
from segment_lab.leads.model import LeadModel
from segment_lab.leads.page import LeadsPage, fairness, finding, how_tested
from segment_lab.show.cards import HEADLINE_MIME
from segment_lab.study.study import Study


def crm(
    n: int = 1500, days: int = 600, signal: float = 1.5, seed: int = 0
) -> tuple[pd.DataFrame, pd.Series]:
    """Leads with a known chance of winning; the last 10 % are open."""
    rng = np.random.default_rng(seed)
    visits, source = rng.poisson(3, n), rng.choice(["web", "fair", "call"], n)
    odds = -1.2 + signal * ((visits - 3) / 2 + (source == "fair"))
    chance = 1 / (1 + np.exp(-odds))
    won = rng.random(n) < chance
    status = np.where(np.arange(n) >= 0.9 * n, "open", np.where(won, "won", "lost"))
    frame = pd.DataFrame(
        {
            "lead_id": [f"L{i:05d}" for i in range(n)],
            "created_on": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(np.arange(n) * days // n, unit="D"),
            "source": source,
            "visits": visits,
            "status": status,
            "close_note": np.where(
                status == "open", None, np.where(won, "signed", "gone")
            ),
        }
    )
    return frame, pd.Series(chance, index=frame["lead_id"])


def closed(frame: pd.DataFrame, days: int = 3) -> pd.DataFrame:
    """The leads with a day of decision, so many days after their creation."""
    decided = frame["created_on"] + pd.Timedelta(days=days)
    return frame.assign(closed_on=decided.where(frame["status"] != "open"))


@pytest.fixture(scope="module")
def known():
    frame, chance = crm()
    return LeadModel().analyse(ibis.memtable(closed(frame))), chance


def test_the_model_ranks_nearly_as_well_as_the_truth(known):
    found, chance = known
    assert how_tested(found).startswith("Tested on later leads: learned from")
    assert 280 < len(found.tested) < 320  # of 450, 150 are still open
    won = found.tested["won"].to_numpy()
    best = auc(won, chance.loc[found.tested.index].to_numpy())
    measures = found.measures(draws=50)
    assert best - 0.03 < measures.loc["AUC", "value"] < best + 0.02
    assert measures.loc["AUC gain", "value_low"] > 0
    assert measures.loc["Brier gain", "value_low"] > 0
    assert (measures["value_low"] <= measures["value"]).all()
    assert (measures["value"] <= measures["value_high"]).all()


def test_chances_are_calibrated(known):
    found, chance = known
    assert (
        np.abs(found.tested["win_probability"] - chance.loc[found.tested.index]).mean()
        < 0.06
    )
    groups = found.reliability(4)
    assert (groups["observed_low"] - 0.05 < groups["predicted"]).all()
    assert (groups["predicted"] < groups["observed_high"] + 0.05).all()
    wins = found.expected_wins()
    assert wins["low"] <= wins["came"] <= wins["high"]
    assert "within the range of chance" in str(fairness(found))


def test_the_planted_leak_never_reaches_the_model(known):
    found, _ = known
    assert found.checks.loc["close_note", "verdict"] == "refused"
    assert found.refused.index.tolist() == ["close_note"]
    assert set(found.admitted.index) == set(found.checks.index) - {"close_note"}
    assert found.tested["win_probability"].between(0.001, 0.999).all()


def test_bands_hold_everyone_and_show_the_price_of_the_cold(known):
    found, _ = known
    bands = found.bands()
    assert list(bands.index) == ["Hot", "Warm", "Cold"]
    assert bands["leads"].sum() == len(found.tested)
    assert bands["wins"].sum() == found.tested["won"].sum()
    assert bands["open_leads"].sum() == 150
    limit = found.bander.cold_
    cold = found.tested[found.tested["win_probability"] < limit]
    assert bands.loc["Cold", ["leads", "wins"]].tolist() == [
        len(cold),
        cold["won"].sum(),
    ]
    assert found.cost_of_ignoring()["wins_lost"].is_monotonic_increasing
    waiting = found.waiting()
    assert len(waiting) == 150
    assert waiting["chance_share"].is_monotonic_decreasing
    assert (waiting["chance_share"][waiting["band"] == "Cold"] < limit).all()


def test_the_finding_says_it_in_words(known):
    found, _ = known
    start, first, second = finding(found).sentences
    assert "of 1,350 decided leads were won" in first
    assert f"start with the {found.bands().loc['Hot', 'open_leads']:,} hot" in start
    assert second.startswith("Ignoring the")
    assert found.splits == ["source"]


def test_where_no_lead_is_open_none_waits():
    frame, _ = crm()
    assert (
        LeadModel()
        .analyse(ibis.memtable(frame[frame["status"] != "open"]))
        .waiting()
        .empty
    )


def test_row_order_and_threads_change_nothing(known):
    found, _ = known
    frame, _ = crm()
    again = LeadModel().analyse(
        ibis.memtable(closed(frame).sample(frac=1, random_state=1))
    )
    pd.testing.assert_series_equal(again.chances, found.chances)
    pd.testing.assert_frame_equal(again.tested, found.tested)


def test_noise_is_called_noise():
    frame, _ = crm(700, signal=0.0)
    found = LeadModel(model="logistic").analyse(
        ibis.memtable(frame.drop(columns=["created_on"]))
    )
    row = found.measures(draws=60).loc["AUC"]
    assert row["value_low"] < 0.5 < row["value_high"]
    assert not found.ranks
    with pytest.raises(NotEnoughDataError, match="better than chance"):
        found.bands()
    assert not {"band", "chance_share"} & set(found.waiting())
    assert "no lead is ranked" in " ".join(finding(found).sentences)


def test_leads_without_dates_are_judged_by_folds_and_each_only_once():
    frame, _ = crm(600)
    found = LeadModel(model="boosting", folds=3).analyse(
        ibis.memtable(frame.drop(columns=["created_on"]))
    )
    assert how_tested(found).startswith(
        "Tested by 3-fold cross-validation on 540 leads"
    )
    assert found.tested.index.is_unique
    assert len(found.tested) == 540


def slow_wins(n: int = 2000, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Wins take about 90 days, losses 25, a few losses are never recorded; the truth and the table
    as it stands after two years."""
    rng = np.random.default_rng(seed)
    visits = rng.normal(size=n)
    wins = rng.random(n) < 1 / (1 + np.exp(1.2 - 0.6 * visits))
    takes = np.where(wins, rng.gamma(3, 30, n), rng.gamma(1.2, 20, n)).round() + 1
    takes[~wins & (rng.random(n) < 0.03)] = 1e5
    made = rng.integers(0, 720, n)
    begin = pd.Timestamp("2024-01-01")
    closed_on = begin + pd.to_timedelta(np.minimum(made + takes, 5000), unit="D")
    known = made + takes < 720
    names = [f"L{i:05d}" for i in range(n)]
    frame = pd.DataFrame(
        {
            "lead_id": names,
            "created_on": begin + pd.to_timedelta(made, unit="D"),
            "visits": visits,
            "status": np.where(known, np.where(wins, "won", "lost"), "open"),
            "closed_on": pd.Series(closed_on).where(known),
        }
    )
    truth = pd.DataFrame({"wins": wins, "age": 720 - made}, index=names)
    return frame, truth


def test_where_wins_take_longer_than_losses_as_many_come_as_were_expected():
    frame, truth = slow_wins()
    found = LeadModel().analyse(ibis.memtable(frame), as_of="2025-12-21")
    chances = found.estimates.waiting["win_probability"]
    come = truth.loc[chances.index, "wins"].sum()
    assert come > 60
    assert 0.85 < chances.sum() / come < 1.15
    wins = found.expected_wins()
    assert 0.9 < wins["expected"] / wins["came"] < 1.1
    # The share that is won in the end, which the decided leads alone understate.
    decided = (frame["status"] == "won").sum() / (frame["status"] != "open").sum()
    conversion = found.funnel().loc["Lead", "conversion"]
    assert decided < conversion
    assert conversion == pytest.approx(truth["wins"].mean(), abs=0.02)


def test_an_open_lead_older_than_every_win_is_not_hot():
    frame, _ = slow_wins()
    found = LeadModel().analyse(ibis.memtable(frame), as_of="2025-12-21")
    waiting = found.waiting()
    longest = found.leads["days_to_win"].max()
    old = waiting[waiting["age_days"] > longest]
    assert len(old) > 10
    assert (old["chance_share"] == 0).all()
    assert (old["band"] == "Cold").all()


def test_what_was_decided_before_is_all_that_teaches():
    """Outcomes after the day of the test teach nothing: changed, they change no chance."""
    frame, _ = slow_wins(1500)
    table = ibis.memtable(frame)
    found = LeadModel().analyse(table, as_of="2025-12-21")
    cut = found.estimates.how["cut"]
    later = frame["closed_on"] >= cut
    flipped = (
        frame["status"]
        .map({"won": "lost", "lost": "won"})
        .where(later, frame["status"])
    )
    other = LeadModel().analyse(
        ibis.memtable(frame.assign(status=flipped)), as_of="2025-12-21"
    )
    same = found.tested.index.intersection(other.tested.index)
    pd.testing.assert_series_equal(
        found.tested.loc[same, "win_probability"],
        other.tested.loc[same, "win_probability"],
    )


def test_hot_is_relative_to_the_usual_chance():
    for base in (0.05, 0.4):
        chances = pd.DataFrame(
            {"win_probability": [base, 3 * base / (1 + 2 * base), base / 5]}
        )
        rule = LeadModel().fit(
            chances, y=[1] * int(100 * base) + [0] * int(100 - 100 * base)
        )
        assert rule.segment(chances).labels.tolist() == ["Warm", "Hot", "Cold"]


def test_a_win_before_first_contact_is_set_aside_and_a_late_column_is_no_slice():
    frame, _ = crm(400)
    frame = closed(frame)
    wrong = frame.index[frame["status"] == "won"][0]
    frame.loc[wrong, "closed_on"] = frame.loc[wrong, "created_on"] - pd.Timedelta(
        days=9
    )
    frame["segment"] = np.where(frame["status"] == "won", "member", None)
    found = LeadModel().analyse(ibis.memtable(frame))
    assert found.leads.attrs["impossible"] == 1
    assert len(found.leads) == 399
    assert found.splits == ["source"]
    assert "1 lead was decided before first contact" in " ".join(
        finding(found).sentences
    )


def test_leads_without_a_stage_row_are_counted():
    frame, _ = crm(200)
    won = frame[frame["status"] == "won"]
    days = [pd.Timestamp("2026-01-01").date()] * len(won)
    stages = ibis.memtable(
        pd.DataFrame({"lead_id": won["lead_id"], "stage": "won", "entered_on": days})
    )
    rows = LeadModel(stages=()).analyse(
        ibis.memtable(frame.assign(status="open")), stages
    )
    assert rows.funnel()["entered"].tolist() == [200, len(won)]


def test_too_little_data_and_wrong_options_are_said():
    frame, _ = crm(80)
    found = LeadModel().analyse(ibis.memtable(frame))
    assert found.funnel()["entered"].tolist()[0] == 80  # the funnel needs no model
    with pytest.raises(NotEnoughDataError, match="at least 50 of each"):
        _ = found.tested
    assert "at least 50 of each" in finding(found).sentences[-1]
    with pytest.raises(ConfigError, match="cold"):
        LeadModel(cold=3).fit(pd.DataFrame({"win_probability": [0.1]}))
    with pytest.raises(ConfigError, match="hot"):
        LeadModel(hot=0.5).analyse(ibis.memtable(frame))
    stages = ibis.memtable(
        {
            "lead_id": ["L00000"],
            "stage": ["new"],
            "entered_on": [pd.Timestamp("2024-01-01").date()],
        }
    )
    with pytest.raises(ConfigError, match="did you mean 'new'"):
        LeadModel(stages=["neww"]).analyse(ibis.memtable(frame), stages)


@pytest.mark.slow
def test_the_public_leads_file(monkeypatch):
    """Out of fold on 9,240 leads without dates; the leaking columns would have shown an AUC of
    .98."""
    dataset("leads", "Leads.csv")
    monkeypatch.setenv("SEGMENT_LAB_DATASETS", str(datasets_folder()))
    study = Study.from_yaml(ROOT / "configs" / "leads.yml")
    found = LeadModel(**study.options("leads") | {"folds": 3}).analyse(
        study.table("leads")
    )
    measures = found.measures(draws=30)
    assert 0.88 < measures.loc["AUC", "value"] < 0.91
    assert measures.loc["AUC gain", "value_low"] > 0.1
    assert measures.loc["Brier score", "value"] < 0.13
    wins = found.expected_wins()
    assert (wins["came"], len(found.tested)) == (3561, 9240)
    assert wins["low"] <= 3561 <= wins["high"]
    groups = found.reliability()
    assert (abs(groups["predicted"] - groups["observed"]) < 0.04).all()
    cold = found.bands().loc["Cold"]
    assert (
        0.02 < cold["win_share_low"] < cold["win_share"] < cold["win_share_high"] < 0.08
    )  # a quarter of the usual odds


def test_the_measures_of_draws_are_those_of_scikit_learn():
    from sklearn.metrics import brier_score_loss, roc_auc_score

    rng = np.random.default_rng(0)
    n = 300
    tested = pd.DataFrame(
        {"won": rng.random(n) < 0.3, "win_probability": rng.random(n).round(1)}
    )
    tested["expected"] = tested["win_probability"] / 2
    tested["base_rate"], tested["best_column"] = 0.3, rng.integers(0, 4, n)
    drawn = rng.integers(n, size=(5, n))
    counts = np.array([np.bincount(row, minlength=n) for row in drawn]).astype(float)
    found = Scores(tested).of(counts)
    for row, figures in zip(drawn, found.to_dict("records"), strict=True):
        rows = tested.iloc[row]
        assert figures["AUC"] == pytest.approx(
            roc_auc_score(rows.won, rows.win_probability)
        )
        alone = roc_auc_score(rows.won, rows.best_column)
        assert figures["AUC gain"] == pytest.approx(figures["AUC"] - alone)
        assert figures["Brier score"] == pytest.approx(
            brier_score_loss(rows.won, rows.expected)
        )
        base = brier_score_loss(rows.won, rows.base_rate)
        assert figures["Brier gain"] == pytest.approx(base - figures["Brier score"])
    same = Scores(tested[tested.won]).of(np.ones((1, int(tested.won.sum()))))
    assert same["AUC"].isna().all()  # nobody lost: nothing is ranked


def test_the_page_says_what_to_do_with_each_heat_before_its_evidence():
    frame, _ = crm()
    page = LeadsPage(Study.from_frames({"leads": closed(frame)}, as_of="2026-01-01"))
    waiting = page.leads.waiting()
    heats = waiting["band"].astype(str).value_counts()
    said = page.advice()
    for heat, count in heats[heats > 0].items():
        assert any(line.startswith(f"{heat} ({count})") for line in said)
    assert all(line in str(page.board()) for line in said)
    figures = page.headline().data[HEADLINE_MIME]["figures"]
    assert "AUC" not in str(figures)
    assert "AUC<" not in str(page.measures())
