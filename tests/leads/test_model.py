"""The lead model: chances that are right out of sample, and the price of ignoring the cold band."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from datasets import ROOT, dataset, datasets_folder
from segment_lab.errors import ConfigError, NotEnoughDataError
from segment_lab.leads.analysis import leads_finding
from segment_lab.leads.leakage import auc
from segment_lab.leads.model import LeadModel
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
            "close_note": np.where(status == "open", None, np.where(won, "signed", "gone")),
        }
    )
    return frame, pd.Series(chance, index=frame["lead_id"])


@pytest.fixture(scope="module")
def known():
    frame, chance = crm()
    return LeadModel().analyse(ibis.memtable(frame)), chance


def test_the_model_ranks_nearly_as_well_as_the_truth(known):
    found, chance = known
    assert found.how.startswith("Tested out of time: learned from 943 leads")
    assert len(found.tested) == 407
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
    assert np.abs(found.tested["win_probability"] - chance.loc[found.tested.index]).mean() < 0.06
    groups = found.reliability(4)
    assert (groups["observed_low"] - 0.05 < groups["predicted"]).all()
    assert (groups["predicted"] < groups["observed_high"] + 0.05).all()
    wins = found.expected_wins()
    assert wins["low"] <= wins["came"] <= wins["high"]
    assert "Chance explains" in str(found.fairness())


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
    cold = found.tested[found.tested["win_probability"] < 0.1]
    assert bands.loc["Cold", ["leads", "wins"]].tolist() == [len(cold), cold["won"].sum()]
    costs = found.cost_of_ignoring()
    assert costs["wins_lost"].is_monotonic_increasing
    at = costs.set_index("ignored_below").loc[0.1]
    assert at["wins_lost_share"] == bands.loc["Cold", "win_share"]
    waiting = found.waiting()
    assert waiting["chance_share"].is_monotonic_decreasing
    assert (waiting["chance_share"][waiting["band"] == "Cold"] < 0.1).all()


def test_the_finding_says_it_in_words(known):
    found, _ = known
    start, first, second = leads_finding(found).sentences
    assert "of 1,350 decided leads were won" in first
    assert f"start with the {found.bands().loc['Hot', 'open_leads']:,} that are hot" in start
    assert second.startswith("Ignoring the")
    won = found.leads["won"].sum()
    assert found.funnel_remark() == f"Of 1,500 leads {won:,} came to “Won”."
    assert found.splits == ["source"]


def test_where_no_lead_is_open_none_waits():
    frame, _ = crm()
    assert LeadModel().analyse(ibis.memtable(frame[frame["status"] != "open"])).waiting().empty


def test_row_order_and_threads_change_nothing(known):
    found, _ = known
    frame, _ = crm()
    again = LeadModel().analyse(ibis.memtable(frame.sample(frac=1, random_state=1)))
    pd.testing.assert_series_equal(again.chances, found.chances)
    pd.testing.assert_frame_equal(again.tested, found.tested)


def test_noise_is_called_noise():
    frame, _ = crm(700, signal=0.0)
    found = LeadModel(model="logistic").analyse(ibis.memtable(frame.drop(columns=["created_on"])))
    row = found.measures(draws=60).loc["AUC"]
    assert row["value_low"] < 0.5 < row["value_high"]


def test_leads_without_dates_are_judged_by_folds_and_each_only_once():
    frame, _ = crm(600)
    found = LeadModel(model="boosting", folds=3).analyse(
        ibis.memtable(frame.drop(columns=["created_on"]))
    )
    assert found.how.startswith("Tested by 3-fold cross-validation on 540 leads")
    assert found.tested.index.is_unique
    assert len(found.tested) == 540


def test_cohorts_too_young_to_be_decided_are_left_out():
    """Losses come after 5 days and wins after 50: of the leads of the last 50 days only losses are
    known."""
    frame, _ = crm(1000, 500)
    ends = pd.Timestamp("2024-01-01") + pd.Timedelta(days=500)
    closed = frame["created_on"] + pd.to_timedelta(
        np.where(frame["status"] == "won", 50, 5), unit="D"
    )
    seen = frame[(closed < ends) & (frame["status"] != "open")]
    rows = pd.concat(
        [
            frame[["lead_id", "created_on"]]
            .rename(columns={"created_on": "day"})
            .assign(stage="new"),
            pd.DataFrame(
                {"lead_id": seen["lead_id"], "day": closed[seen.index], "stage": seen["status"]}
            ),
        ]
    )
    stages = ibis.memtable(
        rows.rename(columns={"day": "entered_on"}).assign(
            entered_on=lambda t: t["entered_on"].dt.date
        )
    )
    found = LeadModel().analyse(ibis.memtable(frame), stages, ends.date())
    assert "younger than 50 days are left out" in found.how
    created = frame.set_index("lead_id")["created_on"]
    assert created[found.tested.index].max() < ends - pd.Timedelta(days=50)


def test_too_little_data_and_wrong_options_are_said():
    frame, _ = crm(80)
    found = LeadModel().analyse(ibis.memtable(frame))
    assert found.funnel()["entered"].tolist()[0] == 80  # the funnel needs no model
    with pytest.raises(NotEnoughDataError, match="at least 50 of each"):
        _ = found.tested
    assert "cannot be said yet" in leads_finding(found).sentences[1]
    with pytest.raises(ConfigError, match=r"cold .* must be below hot"):
        LeadModel(hot=0.2, cold=0.3).fit(pd.DataFrame({"win_probability": [0.1]}))
    with pytest.raises(ConfigError, match="hot"):
        LeadModel(hot=1.5).analyse(ibis.memtable(frame))
    stages = ibis.memtable(
        {"lead_id": ["L00000"], "stage": ["new"], "entered_on": [pd.Timestamp("2024-01-01").date()]}
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
    found = LeadModel(**study.options("leads") | {"folds": 3}).analyse(study.table("leads"))
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
    assert 0.02 < cold["win_share_low"] < cold["win_share"] < cold["win_share_high"] < 0.06
