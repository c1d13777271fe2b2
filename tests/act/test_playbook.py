"""The playbook: packaged ones are whole, own ones are checked, conditions are never evaluated as
code."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from segment_lab.act import Playbook
from segment_lab.act.experiment import HOLDOUT, TREATMENT
from segment_lab.errors import ConfigError

SEGMENTS = {
    "rfm": [
        "Champions",
        "Loyal",
        "Potential Loyalist",
        "New",
        "Promising",
        "Need Attention",
        "About To Sleep",
        "Can't Lose",
        "At Risk",
        "Hibernating",
        "Lost",
        "Others",
    ],
    "abc": ["A", "B", "C"],
    "lifecycle": ["VIP", "Regular", "Loyal", "Warm", "Cold", "Dead"],
    "receivables": ["Prompt", "Slow", "Overdue", "Disputed", "Doubtful", "No credit"],
    "leads": ["Hot", "Warm", "Cold"],
    "engagement": ["Clicked", "Opened", "Delivered only", "Undelivered", "Not mailed"],
}
PROFILE = pd.DataFrame(
    {
        "customers": [10, 90],
        "revenue_share": [0.8, 0.2],
        "median_recency_days": [20.0, 300.0],
        "median_frequency": [9.0, 1.0],
        "natural_rate": [0.6, 0.02],
    },
    index=["Big", "Small"],
)
ENTRY = {
    "segment": "A",
    "action": "Call",
    "kind": "call",
    "channel": "call",
    "cost_per_contact": 6,
    "minutes_per_contact": 12,
    "kpi": "k",
    "guardrail": "g",
    "rationale": "r",
    "source": "s",
    "assumption": "a",
}


@pytest.mark.parametrize("method", SEGMENTS)
def test_packaged_playbooks_name_every_segment_and_nothing_else(method):
    Playbook.packaged(method).check(SEGMENTS[method])


@pytest.mark.parametrize("method", ["clusters", "rules", "response"])
def test_predicate_playbooks_cover_any_profile(method):
    options = (
        Playbook.general(method).check(list(PROFILE.index), PROFILE).options(PROFILE)
    )
    assert [e.kind for e in options["Big"]] == ["call", "gift", "email"]
    assert [e.kind for e in options["Small"]][:2] == ["call", "discount"]


@pytest.mark.parametrize(("grid", "kept"), [("terciles", 9), ("quintiles", 11)])
def test_rfm_playbook_fits_the_packaged_grids(grid, kept):
    from importlib.resources import files

    import yaml

    rows = yaml.safe_load(
        files("segment_lab.config").joinpath(f"rfm/{grid}.yml").read_text("utf-8")
    )["segments"]
    names = [row["name"] for row in rows]
    book = Playbook.packaged("rfm").completed(names)
    book.check(names)
    assert len({e.segment for e in book.entries}) == kept == len(names)


def test_segments_that_nobody_named_get_the_general_entries():
    book = Playbook.packaged("abc").completed(["A", "Wholesale"])
    frame = PROFILE.set_axis(["A", "Wholesale"])
    options = book.check(["A", "Wholesale"], frame).options(frame)
    assert options["A"][0].segment == "A"
    assert [e.segment for e in options["Wholesale"]] == [None] * len(
        options["Wholesale"]
    )


def test_every_fault_of_an_own_playbook_is_named_at_once(tmp_path):
    path = tmp_path / "own.yml"
    path.write_text(
        "- {segment: A, acton: Call}\n"
        "- {when: revenue_share > 2, action: x, kind: k, channel: c, kpi: k, guardrail: g, rationale: r,\n"
        "   source: s, assumption: a, cost_per_contact: -1, uplift: {mean: 3, sd: 0}}\n- 4\n"
    )
    with pytest.raises(ConfigError) as caught:
        Playbook.from_yaml(path)
    text = str(caught.value)
    for part in (
        "entry 1 (A): acton: unknown key; did you mean 'action'?",
        "entry 1 (A): channel",
        "can never apply: no revenue_share",
        "cost_per_contact",
        "uplift.mean",
        "uplift.sd",
        "uplift.source",
        "entry 3 (4)",
    ):
        assert part in text


@pytest.mark.parametrize(
    "when",
    [
        "revenue_share > 1.2",
        "revenue_share > 0.5 and revenue_share < 0.3",
        "median_recency_days < 0",
        "0.9 < revenue_share and (revenue_share <= 0.9)",
        "customers < 0",
    ],
)
def test_conditions_that_nothing_meets_are_refused(when):
    with pytest.raises(ConfigError, match="can never apply"):
        Playbook.from_data([{**ENTRY, "segment": None, "when": when}])


@pytest.mark.parametrize(
    "when",
    [
        "revenue_share >= 1",
        "revenue_share = 0.3",
        "gap < 3 or gap > 5",
        "revenue_share > 0.3 and median_recency_days < 60",
        "customers between 1 and 9",
    ],
)
def test_conditions_that_something_meets_pass(when):
    assert (
        Playbook.from_data([{**ENTRY, "segment": None, "when": when}]).entries[0].when
        == when
    )


@pytest.mark.parametrize(
    "when",
    [
        "__import__('os').system('x')",
        "(select 1) > 0",
        "read_csv('/etc/passwd') > 0",
        "customers > 1; drop table x",
    ],
)
def test_code_in_a_condition_is_refused(when):
    with pytest.raises(ConfigError):
        Playbook.from_data([{**ENTRY, "segment": None, "when": when}])


def test_lint_names_missing_dead_and_unknown():
    book = Playbook.from_data(
        [
            ENTRY,
            {**ENTRY, "action": "Call again"},
            {**ENTRY, "segment": "AA"},
            {**ENTRY, "segment": None, "when": "revenu_share > 0.5"},
        ]
    )
    with pytest.raises(ConfigError) as caught:
        book.check(["A", "B"], PROFILE.set_axis(["A", "B"]))
    text = str(caught.value)
    assert "entry 2 can never apply: an earlier one" in text
    assert "entry 3 can never apply: no segment 'AA'; did you mean 'A'?" in text
    assert "has no 'revenu_share'; did you mean 'revenue_share'?" in text
    with pytest.raises(ConfigError, match="no entry for segment 'B'"):
        Playbook.from_data([ENTRY]).check(["A", "B"])
    with pytest.raises(ConfigError, match="a segment, a condition"):
        Playbook.from_data([{**ENTRY, "segment": None}])


def test_company_costs_replace_the_placeholders_and_say_so():
    costs = pd.DataFrame(
        {
            "action": ["call", "gift"],
            "channel": ["call", "post"],
            "cost_per_contact": [4.5, 20],
            "minutes_per_contact": [9, None],
        }
    )
    first, other = (
        Playbook.from_data([ENTRY, {**ENTRY, "kind": "visit"}])
        .with_costs(costs)
        .entries
    )
    assert (first.cost_per_contact, first.minutes_per_contact) == (4.5, 9)
    assert first.cost_source == "contact_costs"
    assert (other.cost_per_contact, other.cost_source) == (6, "playbook")


def test_what_the_last_own_campaign_cost_replaces_a_placeholder():
    found = pd.DataFrame(
        {
            "action": ["call", "call", "call", "email"],
            "arm": [TREATMENT, TREATMENT, HOLDOUT, TREATMENT],
            "assigned_on": pd.to_datetime(["2026-01-01", *["2026-03-01"] * 3]),
            "cost_per_contact": [9.0, 1.5, 0.0, None],
        }
    )
    book = Playbook.from_data([ENTRY, {**ENTRY, "kind": "email"}])
    call, mail = book.with_campaign_costs(found).entries
    assert (call.cost_per_contact, call.cost_source) == (1.5, "campaigns")
    assert (mail.cost_per_contact, mail.cost_source) == (6, "playbook")
    assert call.minutes_per_contact == book.entries[0].minutes_per_contact
    assert book.with_campaign_costs(found[["action", "arm"]]) is book


def test_unknown_packaged_playbook_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'rfm'"):
        Playbook.packaged("rmf")


def test_the_documented_playbook_is_a_valid_one():
    import re

    import yaml

    text = (Path(__file__).resolve().parents[2] / "docs" / "own_playbook.md").read_text(
        "utf-8"
    )
    blocks = [
        yaml.safe_load(block)
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    ]
    book = next(block for block in blocks if isinstance(block, list))
    Playbook.from_data(book).check(["A", "B", "Rest"])


def test_a_segment_and_a_condition_must_both_hold():
    both = {**ENTRY, "when": "natural_rate < 0.15"}
    book = Playbook.from_data([both, {**ENTRY, "action": "Other"}])
    frame = PROFILE.set_axis(["A", "B"])
    assert [e.action for e in book.options(frame)["A"]] == ["Other"]
    assert [
        e.action for e in book.options(frame.iloc[::-1].set_axis(["A", "B"]))["A"]
    ] == [
        "Call",
        "Other",
    ]


def test_nobody_gets_a_farewell_who_comes_back_by_himself():
    book = Playbook.packaged("rfm")
    lively = pd.DataFrame({"natural_rate": [0.6]}, index=["Lost"])
    silent = pd.DataFrame({"natural_rate": [0.02]}, index=["Lost"])
    assert not any("farewell" in e.action for e in book.options(lively)["Lost"])
    assert "farewell" in book.options(silent)["Lost"][0].action
