"""The palette of `welcome.ipynb`: every recipe runs as it stands, in at most three lines; a report
is shown inside a notebook."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import segment_lab as sl
from render.conftest import write_study

ROOT = Path(__file__).resolve().parents[2]
CELLS = {
    cell["id"]: "".join(cell["source"])
    for cell in json.loads((ROOT / "notebooks" / "welcome.ipynb").read_text("utf-8"))[
        "cells"
    ]
}
OWN = ("own-file", "own-columns", "own-table", "own-segments", "own-profile")


def run(names: dict, *recipes: str):
    """The value of the last line of the last recipe."""
    for recipe in recipes:
        *before, last = CELLS[recipe].splitlines()
        assert len(before) < 3
        exec("\n".join(before), names)
        try:
            names["_"] = eval(last, names)
        except SyntaxError:  # the last line is an assignment
            exec(last, names)
    return names["_"]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the notebook's first cells leave: the study, its customers, their segments."""
    study = sl.Study.from_yaml(ROOT / "configs" / "sample.yml")
    customers = study.customers()
    rfm = sl.RFMSegmenter(n_bins=5).fit(customers)
    segments = rfm.segment(customers, study.window)
    known = {
        "sl": sl,
        "study": study,
        "customers": customers,
        "rfm": rfm,
        "segments": segments,
    }
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("lab"))
    yield known
    os.chdir(before)


def test_own_labels_are_a_segmentation(names):
    profile = run(names, "own-labels")
    assert profile.customers.sum() == len(names["customers"])
    assert profile.revenue_share["Large"] > 0.5


def test_segments_over_time_are_a_picture(names):
    axes = run(names, "over-time")
    assert len(axes.lines) == len(names["rfm"].segment_names_)
    assert len(axes.lines[0].get_xdata()) == 3


def test_revenue_by_region_and_segment_adds_up(names):
    table = run(names, "region")
    known = names["customers"].dropna(subset="region")
    assert table.sum().sum() == pytest.approx(known.revenue.sum())


def test_two_dates_count_who_was_there_on_both(names):
    moved = run(names, "two-dates")
    assert moved.sum().sum() == len(names["then"])


def test_an_own_column_by_segment(names):
    monthly = run(names, "own-column")
    assert monthly.idxmax() == "Champions"


def test_a_call_list_is_a_file(names):
    run(names, "two-dates", "call-list")
    rows = Path("call_list.csv").read_text("utf-8").splitlines()
    assert rows[0] == "customer_id,recency_days,frequency,revenue"
    assert len(rows) == 21


def test_an_own_file_takes_five_cells(names, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    assert "Champions" in str(run(names, *OWN))


@pytest.mark.slow
def test_a_report_is_shown_inside_a_notebook(tmp_path):
    study = sl.Study.from_yaml(write_study(tmp_path))
    page = study.show("rfm")
    assert page.markup.count("<h2") >= 4
    assert "<table>" in page.markup
    assert "sl-headline" in page.markup
    with pytest.raises(sl.errors.ConfigError, match="rfm"):
        study.show("rmf")
