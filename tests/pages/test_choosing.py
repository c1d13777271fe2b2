"""Which scheme a study acts on: the file's word first, then the evidence, with the words for it."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pandas as pd
import pytest

import segment_lab as sl
from segment_lab.act.choice import BEST, FILE, FIRST, ONLY
from segment_lab.errors import NotEnoughDataError
from segment_lab.pages.choosing import chosen, said, with_playbook
from segment_lab.pages.confirming import confirmed
from segment_lab.pages.decision import DecisionReport

AS_OF = dt.date(2026, 1, 1)


def study(**settings):
    rows = [
        (f"c{i}", 1 + 7 * k * (1 + i % 3), 10.0 + i)
        for i in range(30)
        for k in range(20)
    ]
    orders = pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": range(len(rows)),
            "order_date": [
                pd.Timestamp(AS_OF) - pd.Timedelta(days=row[1]) for row in rows
            ],
            "amount": [row[2] for row in rows],
        }
    )
    return sl.Study.from_frames({"orders": orders}, as_of=AS_OF, **settings)


@pytest.fixture
def shop():
    return study(methods={"abc": {}, "lifecycle": {}, "rfm": {}})


def card(kinds, powers):
    differences = pd.DataFrame(columns=["measure", "a", "b", "joint_low", "joint_high"])
    trust = pd.DataFrame({"ranking_power": powers})
    status = {name: SimpleNamespace(kind=kind) for name, kind in kinds.items()}
    return type(
        "Card",
        (dict,),
        {"status": status},
    )(trust=trust, differences=differences)


def test_the_study_file_has_the_first_word(shop):
    found = chosen(shop, "rfm")
    assert (found.scheme, found.reason) == ("rfm", FILE)
    assert said(found) == "This page acts on RFM, because the study file says so."


def test_the_order_is_the_study_files(shop):
    assert with_playbook(shop) == ["abc", "lifecycle", "rfm"]


def test_the_evidence_decides_where_the_file_is_silent(shop, monkeypatch):
    kinds = {"abc": "PRELIMINARY", "lifecycle": "PROPER", "rfm": "FIXED"}
    made = card(kinds, {"abc": 0.9, "lifecycle": 0.8, "rfm": 0.7})
    monkeypatch.setattr(type(shop), "scorecard", lambda self: made)
    found = chosen(shop)
    assert (found.scheme, found.reason, found.level) == ("lifecycle", BEST, ("rfm",))
    assert "settled" in said(found)
    assert "tell RFM from it" in said(found)


def test_the_decision_report_chooses_as_page_one_does(shop, monkeypatch):
    kinds = {"abc": "PRELIMINARY", "lifecycle": "PROPER", "rfm": "FIXED"}
    made = card(kinds, {"abc": 0.9, "lifecycle": 0.8, "rfm": 0.7})
    monkeypatch.setattr(type(shop), "scorecard", lambda self: made)
    assert DecisionReport(shop).scheme == chosen(shop).scheme == "lifecycle"
    assert DecisionReport(shop, "abc").scheme == "abc"
    named = study(strategy={"scheme": "rfm"})
    monkeypatch.setattr(type(named), "scorecard", None)  # not asked for
    assert DecisionReport(named).scheme == "rfm"


def test_a_log_too_short_takes_the_first_and_says_so(shop, monkeypatch):
    def short(self):
        raise NotEnoughDataError("too short")

    monkeypatch.setattr(type(shop), "scorecard", short)
    found = chosen(shop)
    assert (found.scheme, found.reason) == ("abc", FIRST)
    assert "because the study file" not in said(found)


def test_a_single_scheme_needs_no_comparison(monkeypatch):
    alone = study(methods={"abc": {}})
    monkeypatch.setattr(type(alone), "scorecard", None)
    assert chosen(alone).reason == ONLY


def test_an_own_playbook_is_for_the_scheme_whose_segments_it_names(tmp_path):
    entry = "action: Call\n  kind: call\n  channel: call\n  kpi: orders\n  guardrail: none\n"
    entry += "  rationale: r\n  source: s\n  assumption: a\n"
    path = tmp_path / "book.yml"
    path.write_text("".join(f"- segment: {name}\n  {entry}" for name in "ABC"))
    methods = {"rfm": {}, "abc": {}}
    own = study(methods=methods, strategy={"playbook": str(path)})
    assert with_playbook(own) == ["abc"]


def test_other_schemes_confirm_a_stance_customer_by_customer(shop):
    shares = confirmed(DecisionReport(shop, "abc", 60), ["abc", "lifecycle", "rfm"])
    assert list(shares.columns) == ["lifecycle", "rfm"]
    assert ((shares >= 0) & (shares <= 1)).all(axis=None)


def test_a_better_scheme_without_a_playbook_is_named(monkeypatch):
    """The comparison called own rules clearly ahead of the scheme that page one called best."""
    rules = {"rules": [{"name": "Key", "when": "revenue >= 500"}], "otherwise": "Other"}
    shop = study(methods={"abc": {}, "lifecycle": {}, "rules": rules})
    kinds = {"abc": "PROPER", "lifecycle": "PROPER", "rules": "FIXED"}
    made = card(kinds, {"abc": 0.6, "lifecycle": 0.8, "rules": 0.9})
    rows = [("ranking_power", "rules", "lifecycle", 0.02, 0.15)]
    made["differences"] = pd.DataFrame(rows, columns=made["differences"].columns)
    monkeypatch.setattr(type(shop), "scorecard", lambda self: made)
    found = chosen(shop)
    assert (found.scheme, found.better) == ("lifecycle", ("rules",))
    assert "without a playbook: your own rules" in said(found)
