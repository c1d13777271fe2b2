"""Erasure on request: no kept file names the customer, everything else stays as it was."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from segment_lab.cli import main
from segment_lab.render.books import write_book
from segment_lab.render.publishing import Run, files_of

CONFIG = "name: shop\nsources:\n  orders: {path: orders.csv}\n"
PAGE = (
    "<html><table><tr><td>C12</td><td>Ann Lee</td></tr><tr><td>C123</td><td>Bo</td></tr>"
    "</table><ol><li>Call C12 first</li><li>Call C123</li></ol><p>C12, Ann Lee.</p></html>"
)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A study whose only run and plan name the customers C12 and C123."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "shop.yml").write_text(CONFIG)
    (tmp_path / "orders.csv").write_text(
        "customer_id,order_date,amount\nC123,2026-01-05,10\nC123,2026-03-05,12\n"
    )
    plans = tmp_path / "plans" / "shop"
    plans.mkdir(parents=True)
    drawn = {"customer_id": ["C12", "C123"], "arm": ["email", "holdout"]}
    pd.DataFrame(drawn).to_csv(plans / "shop-2026-06-30-lost.csv", index=False)
    run = tmp_path / "reports" / "shop" / "2026-06-30-abc"
    (run / "notebooks").mkdir(parents=True)
    people = {"customer_id": ["C12", "C123"], "name": ["Ann Lee", "Bo"]}
    frame = pd.DataFrame(people | {"revenue": [12.0, 5.0]})
    frame.to_csv(run / "segments.csv", index=False)
    frame.to_parquet(run / "actions.parquet", index=False)
    write_book(run / "actions.xlsx", {"All": frame, "E. Novak": frame}, "Actions")
    tasks = pd.DataFrame({"title": ["Call C12", "Call C123"]})
    tasks.to_csv(run / "tasks.csv", index=False)
    tasks.assign(text="a, b").to_csv(run / "other.csv", sep=";", index=False)
    (run / "index.html").write_text(PAGE)
    (run / "index.pdf").write_bytes(b"%PDF")
    (run / "10_rfm.html").write_text("<html><p>No names.</p></html>")
    calls = [{"name": "C12", "why": "quiet"}, {"name": "C123", "why": "C12 said"}]
    parts = ["First C12.", "Then C123."]
    (run / "front.json").write_text(json.dumps({"calls": calls, "lines": parts}))
    (run / "calendar.ics").write_bytes(
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Call C12\r\nEND:VEVENT\r\n"
        b"BEGIN:VEVENT\r\nSUMMARY:Call C123\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    lines = PAGE.replace("<tr>", "\n<tr>\n").splitlines(keepends=True)
    notebook = {"cells": [{"outputs": [{"data": {"text/html": lines}}]}]}
    (run / "notebooks" / "10_rfm.ipynb").write_text(json.dumps(notebook))
    manifest = {"as_of": "2026-06-30", "finished": "x", "complete": True}
    headline = {"sentences": ["The largest: C12 (60) and Ann Lee.", "And C123."]}
    manifest |= {"status": "ok", "files": files_of(run), "languages": ["en", "ru"]}
    manifest["reports"] = [{"name": "strategy", "headline": headline}]
    (run / "manifest.json").write_text(json.dumps(manifest))
    studies = "<html><p>The largest: C12 (60).</p><p>C123</p></html>"
    (tmp_path / "reports" / "index.html").write_text(studies)
    cache = tmp_path / "cache"
    cache.mkdir()
    frame.to_parquet(cache / "customers-1.parquet")
    frame.iloc[1:].to_parquet(cache / "customers-2.parquet")
    (cache / "rfm-1.pickle").write_bytes(b"..C12..")
    return tmp_path


def forget(*ids: str):
    return CliRunner().invoke(main, ["forget", "shop.yml", *ids])


def test_no_file_names_the_customer_and_the_others_stay(place):
    result = forget("C12")
    assert result.exit_code == 0, result.output
    run = place / "reports" / "shop" / "2026-06-30-abc"
    assert pd.read_csv(run / "segments.csv")["customer_id"].tolist() == ["C123"]
    actions = pd.read_parquet(run / "actions.parquet")
    assert actions["customer_id"].tolist() == ["C123"]
    sheets = pd.read_excel(run / "actions.xlsx", sheet_name=None, engine="calamine")
    assert [len(sheet) for sheet in sheets.values()] == [1, 1]
    assert pd.read_csv(run / "tasks.csv")["title"].tolist() == ["Call C123"]
    assert (run / "other.csv").read_text() == "title;text\nCall C123;a, b\n"
    page = (run / "index.html").read_text("utf-8")
    assert page == (
        "<html><table><tr><td>C123</td><td>Bo</td></tr>"
        "</table><ol><li>Call C123</li></ol><p>–, –.</p></html>"
    )
    assert not (run / "index.pdf").exists()
    front = json.loads((run / "front.json").read_text("utf-8"))
    assert front["calls"] == [{"name": "C123", "why": "– said"}]
    assert front["lines"] == ["First –.", "Then C123."]
    assert (
        b"\r\nBEGIN:VEVENT\r\nSUMMARY:Call C123\r\n"
        in (run / "calendar.ics").read_bytes()
    )
    for name in ("calendar.ics", "notebooks/10_rfm.ipynb"):
        text = (run / name).read_text("utf-8")
        assert "C123" in text
        assert "C12" not in text.replace("C123", "")
        assert "Ann Lee" not in text
    cache = place / "cache"
    assert (cache / "customers-2.parquet").exists()
    assert not (cache / "customers-1.parquet").exists()
    assert not (cache / "rfm-1.pickle").exists()
    assert not [
        path for path in cache.glob("*.sql") if "C12" in path.read_text("utf-8")
    ]


def test_every_touched_file_is_named_and_the_run_is_whole_again(place):
    said = forget("C12").output
    touched = ["segments.csv", "actions.parquet", "actions.xlsx", "tasks.csv"]
    touched += ["index.html", "index.pdf", "calendar.ics", "10_rfm.ipynb"]
    touched += ["shop-2026-06-30-lost.csv", "kept copies removed", "manifest.json"]
    assert [name for name in touched if name not in said] == []
    assert "10_rfm.html" not in said
    assert "still in your own data" not in said
    folder = place / "reports" / "shop" / "2026-06-30-abc"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert Run(folder, manifest).intact()
    assert manifest["languages"] == ["en", "ru"]
    said_first = manifest["reports"][0]["headline"]["sentences"]
    assert said_first == ["The largest: – (60) and –.", "And C123."]
    studies = (place / "reports" / "index.html").read_text("utf-8")
    assert studies == "<html><p>The largest: – (60).</p><p>C123</p></html>"
    assert manifest["files"] == files_of(folder)
    assert "No kept run" in forget("C12").output


def test_in_a_drawn_campaign_the_arms_stay_and_the_name_says_nothing(place):
    forget("C12")
    kept = pd.read_csv(place / "plans" / "shop" / "shop-2026-06-30-lost.csv")
    assert kept["arm"].tolist() == ["email", "holdout"]
    assert kept["customer_id"][0].startswith("forgotten-")
    assert kept["customer_id"][1] == "C123"


def test_what_the_own_data_still_hold_is_said(place):
    assert "still in your own data" in forget("C123").output


def test_a_short_number_is_not_taken_for_a_figure(place):
    run = place / "reports" / "shop" / "2026-06-30-abc"
    page = "<td>12</td><td>12</td>"
    (run / "index.html").write_text(page)
    result = forget("12")
    assert result.exit_code == 0, result.output
    assert (run / "index.html").read_text() == page
    assert "checked by hand" in result.output


def test_nobody_is_forgotten_without_an_id(place):
    assert forget().exit_code == 2
    assert forget(" ").exit_code == 2
