"""The sample study as `make report` renders it: every notebook executed once, every page held to
what readers need."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from invariants.golden import RECORDED, differences, golden
from whole_sample import rendered

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "00_data",
    "10_rfm",
    "20_abc",
    "30_lifecycle",
    "40_clusters",
    "50_receivables",
    "60_leads",
    "65_engagement",
    "70_rules",
    "80_comparison",
    "85_lessons",
    "90_strategy",
]


# The long form: a run of a tiny study (tests/render/test_runner.py) is in `make test`.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The published folder of one run of the sample study by the command line."""
    return rendered(tmp_path_factory.mktemp("reports"))


def page(run: Path, name: str) -> str:
    """The text of one page."""
    return (run / f"{name}.html").read_text(encoding="utf-8")


def test_every_report_is_there_and_complete(run):
    manifest = json.loads((run / "manifest.json").read_text())
    assert {
        Path(r["page"]).stem for r in manifest["reports"] if r["status"] == "ok"
    } == set(PAGES)
    assert manifest["segments"]["status"] == "ok"


def test_no_figure_changed_unnoticed(run):
    assert (
        differences(golden(run), json.loads(RECORDED.read_text(encoding="utf-8"))) == []
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_its_answer_and_stands_alone(run, name):
    text = page(run, name)
    # The heaviest page folds the whole lists of alerts and of debtors below their first rows.
    assert len(text.encode()) <= 460_000
    lead = re.search(r'class="sl-lead">([^<]{20,})<', text)
    assert lead, "no answer in plain words"
    shown = re.sub(
        r'<script.*?</script>|<style.*?</style>|base64,[^"]+|<pre.*?</pre>',
        "",
        text,
        flags=re.S,
    )
    assert not re.search(r">nan<|>None<|Traceback|>[^<]*\d\.\d{7,}", shown)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    tables = text.count("<table")
    assert tables == text.count("<caption") >= 1
    pictures = re.findall(r'<img alt="([^"]*)"', text)
    assert pictures
    assert all(len(alt) > 20 for alt in pictures)
    assert "<title>" in text
    assert 'lang="en"' in text


def test_the_index_opens_with_the_decision(run):
    text = page(run, "index")
    headline = re.search(r"<h1>([^<]+)</h1>", text)
    assert headline
    assert "Revenue is down 27%" in headline[1]
    assert text.index(headline[1]) < text.index("Reports</h2>")
    plan = text[text.index('class="plan"') : text.index("Reports</h2>")]
    sizes = pd.read_parquet(run / "segments.parquet")["lifecycle"].value_counts()
    assert all(f">{name}</a>" in plan for name in sizes.index)  # each leads to its card
    files = re.findall(r'href="([^":]+\.(?:csv|xlsx))"', text)
    assert files
    assert [name for name in files if not (run / name).exists()] == []
    assert all(f"{name}.html" in text for name in PAGES)


def test_segments_hold_every_customer_once_and_agree_in_all_formats(run):
    frame = pd.read_parquet(run / "segments.parquet")
    frame = frame if "customer_id" in frame else frame.reset_index()
    assert frame.customer_id.is_unique
    assert {
        "rfm",
        "abc",
        "lifecycle",
        "clusters",
        "rules",
        "receivables",
        "engagement",
    } <= set(frame.columns)
    text = pd.read_csv(run / "segments.csv", dtype=str)
    sheet = pd.read_excel(run / "segments.xlsx", dtype=str, engine="calamine")
    assert len(frame) == len(text) == len(sheet)
    assert "007" in set(text.customer_id)


def test_planted_segments_are_recovered(run):
    """The latent kinds of customers: no scheme knows them, all should find a part (0 is chance, 1
    everything)."""
    from sklearn.metrics import adjusted_rand_score

    truth = pd.read_csv(
        ROOT / "data" / "sample" / "truth.csv", dtype={"customer_id": str}
    ).set_index("customer_id")
    latent = next(c for c in truth.columns if "segment" in c)
    frame = pd.read_parquet(run / "segments.parquet")
    frame = frame.set_index("customer_id") if "customer_id" in frame else frame
    both = frame.dropna(subset=["clusters"]).join(truth[latent])
    found = {
        m: adjusted_rand_score(both[latent], both[m].astype(str))
        for m in ("clusters", "rfm", "lifecycle", "abc")
    }
    shuffled = adjusted_rand_score(
        both[latent], np.random.default_rng(0).permutation(both["clusters"].astype(str))
    )
    assert abs(shuffled) < 0.02
    assert found["clusters"] > 0.25, found
    assert min(found.values()) > 0.1, found
