"""Response segments are advised the action that was tested, by the money that was measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segment_lab.act import audiences
from segment_lab.act.beliefs import learn
from segment_lab.act.experiment import HOLDOUT, TREATMENT
from segment_lab.act.tested import TrialAction
from segment_lab.act.verdicts import decide

NAMES = ["Helped", "Harmed", "Unclear", "Without orders"]


def rows(**more):
    arms = [TREATMENT, HOLDOUT]
    told = {"campaign_id": "K3", "arm": arms, "action": "call", "margin": 1.0}
    return pd.DataFrame(told | {"cost_per_contact": [6.5, np.nan]} | more)


def effects():
    told = {"shrunk": [12.0, -9.0, 5.0, 3.0], "shrunk_se": [2.0, 3.0, 40.0, 1.0]}
    return pd.DataFrame(told, index=NAMES)


def known():
    facts = {
        "margin_per_conversion": [40.0, 60, 50, np.nan],
        "margin_se": [20.0, 20, 20, np.nan],
        "margin_basis": "buyers",
        "margin_rate": 0.25,
        "planning_rate": 0.3,
    }
    return pd.DataFrame(facts, index=NAMES)


def advised(tested):
    people = pd.DataFrame({"segment": np.repeat(NAMES, 300)})
    people = people.assign(revenue=1.0, monetary_value=1.0)
    book = tested.playbook()
    entries = book.check(NAMES).options(pd.DataFrame(index=NAMES))
    offered = audiences.valued(
        audiences.counted(entries, people, pd.DataFrame()), known()
    )
    belief = tested.belief(learn(pd.DataFrame(), NAMES, kind="call"), known())
    offered = offered.assign(margin_se=0.0)
    return decide(offered, {book.entries[0].belief: belief}).set_index("segment")


def test_the_tested_action_is_the_advice_and_its_measured_money_the_ground():
    found = advised(TrialAction.of(rows(), effects()))
    assert found["action"].unique().tolist() == ["Call, as tested in K3"]
    assert found["cost_per_contact"].tolist() == [6.5] * 4
    shown = found[["effect", "effect_sd"]].head(3).to_numpy().ravel().tolist()
    assert shown == pytest.approx([12, 2, -9, 3, 5, 40])
    verdicts = found["verdict"].to_dict()
    assert verdicts["Helped"] == "do_it"
    assert verdicts["Harmed"] == "stop_it"
    assert verdicts["Unclear"] in ("test", "not_worth_it")
    assert verdicts["Without orders"] == "your_judgement"
    assert found.loc[["Helped", "Harmed"], "ground"].unique() == ["measured_here"]
    assert found.loc["Harmed", "contacts"] == 0


def test_of_measured_revenue_only_the_margin_counts():
    revenue = TrialAction.of(rows().drop(columns="margin"), effects())
    found = advised(revenue)
    assert found["effect"].head(2).tolist() == pytest.approx([3, -2.25])
    assert found.loc["Helped", "verdict"] not in ("do_it", "watch")  # 3 for 6.50


def test_the_reason_names_the_trial_and_what_a_contact_brought():
    first = TrialAction.of(rows(), effects()).playbook().entries[0]
    assert first.rationale == (
        "In K3 a contact brought 12.00 here (95% range 8.08 to 15.92), its cost not taken off."
    )
    assert first.source == "K3"


def test_an_action_that_no_playbook_knows_is_still_the_tested_one():
    book = TrialAction.of(rows(action="webinar", cost_per_contact=np.nan), effects())
    entry = book.playbook().entries[0]
    assert (entry.kind, entry.channel) == ("webinar", "webinar")
