"""Which answer a run and the list of studies open with."""

from __future__ import annotations

import json

import pytest

from segment_lab.render.index import run_page, speaker, write_studies


def report(name: str, sentence: str = "", status: str = "ok", **figures: float) -> dict:
    shown = {
        key: {"label": key, "value": value, "text": str(value)}
        for key, value in figures.items()
    }
    headline = (
        {"sentences": [sentence], "figures": shown, "status": None} if sentence else {}
    )
    return {
        "name": name,
        "title": name.upper(),
        "question": "",
        "page": f"{name}.html" if status == "ok" else "",
        "status": status,
        "reason": "No data." if status == "skipped" else "",
        "headline": headline,
        "cards": [],
        "parameters": {"scheme": "rfm"},
    }


def page(*reports: dict) -> str:
    return run_page(
        {
            "title": "Shop",
            "as_of": "2026-06-30",
            "window": "a year",
            "status": "ok",
            "fault": "",
            "data": {"tables": {"orders": {}}},
            "reports": list(reports),
            "tables_shown": [],
            "versions_shown": [],
            "downloads": [],
        }
    )


RFM = report("rfm", "Champions carry the business.", customers=3)
NOTHING = report("strategy", "No action can be recommended yet.", customers_contacted=0)
TEST = report("strategy", "Test first: a gift.", customers_contacted=3)


@pytest.mark.parametrize(
    ("reports", "name"),
    [
        ([RFM, TEST], "strategy"),
        ([RFM, NOTHING], "rfm"),
        ([NOTHING], "strategy"),
        ([RFM], "rfm"),
        ([RFM, report("leads", "Leads wait."), NOTHING], "leads"),
        ([report("rfm", "Half of it.", status="failed"), NOTHING], "strategy"),
        ([], None),
    ],
)
def test_the_decision_speaks_first_or_else_what_is_known(reports, name):
    assert (speaker(reports) or {"name": None})["name"] == name


def test_a_run_that_recommends_nothing_opens_with_what_is_known_and_says_why():
    text = page(RFM, NOTHING)
    assert "what to do</h1>" not in text
    assert text.index("Champions carry the business.") < text.index("What to do</h2>")
    assert text.index("What to do</h2>") < text.index(
        "No action can be recommended yet."
    )
    assert "what to do</h1>" in page(RFM, TEST)


def test_the_comparison_stands_beside_the_decision_it_bears_on():
    text = page(RFM, report("comparison", "ABC ranks better than RFM."), TEST)
    assert (
        text.index("Test first")
        < text.index("ABC ranks better than RFM.")
        < text.index("Reports</h2>")
    )
    assert "This page acts on RFM" in text


def test_reports_left_out_are_folded_with_their_reason():
    text = page(
        RFM, TEST, report("leads", status="skipped"), report("rules", status="skipped")
    )
    assert "Left out: 2 reports, and what they need" in text
    assert "LEADS. No data." in text
    assert "Left out: 1 report, and what it needs" in page(
        RFM, TEST, report("leads", status="skipped")
    )
    assert "Left out" not in page(RFM, TEST)


def test_the_index_says_what_became_of_last_times_plan(tmp_path):
    told = "Last plan: promised 900, came 750. It pays: VIP (email)."
    folder = tmp_path / "shop" / "2026-07-01"
    folder.mkdir(parents=True)
    facts = {
        "title": "Shop",
        "as_of": "2026-07-01",
        "status": "ok",
        "complete": True,
        "finished": "2026-07-01T00:00:00",
        "reports": [RFM],
        "segments": {"history": {"plan": [told]}},
    }
    (folder / "manifest.json").write_text(json.dumps(facts))
    write_studies(tmp_path)
    assert f"<li>{told}</li>" in (tmp_path / "index.html").read_text("utf-8")
