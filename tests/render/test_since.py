"""What changed since the last run: periods, a restated past, and how the run was made."""

from __future__ import annotations

import pytest

from segment_lab.render import since

MONTHS = {f"2025-{month:02}": (10, 100.0) for month in range(1, 13)} | {
    "2026-01": (12, 120.0),
    "2026-02": (12, 120.0),
    "2026-03": (12, 120.0),
    "2026-04": (3, 30.0),
}


def manifest(as_of="2026-04-10", months=MONTHS, **made):
    return {
        "as_of": as_of,
        "months": months,
        "made_with": {"methods": "a", "code": "1"} | made,
    }


def test_the_last_full_months_stand_beside_those_before_and_a_year_earlier():
    (told,) = since.told(manifest(), None)
    assert "January 2026 to March 2026: 360" in told
    assert told.count("+20.0%") == 2


def test_a_restated_month_is_told_and_a_month_that_went_on_is_not():
    older = {month: figures for month, figures in MONTHS.items() if month < "2026-03"}
    before = manifest("2026-03-10", {**older, "2026-03": (4, 40.0)})
    assert since.restated(manifest(), before) == []
    changed = {**MONTHS, "2025-08": (78, 900.0)}
    (told,) = since.restated(manifest(months=changed), before)
    assert told == (
        "August 2025 has changed since the last run: 68 lines more, 800 more revenue."
    )


def test_half_a_file_or_another_unit_is_material_and_a_late_line_is_not():
    for share in (0.5, 100.0):
        changed = {month: (n, share * money) for month, (n, money) in MONTHS.items()}
        told = since.materially_restated(manifest(months=changed), manifest())
        assert told == since.restated(manifest(months=changed), manifest())
        assert told
    lines, revenue = MONTHS["2025-08"]
    late = {**MONTHS, "2025-08": (lines + 1, revenue + 1.0)}
    assert since.restated(manifest(months=late), manifest())
    assert since.materially_restated(manifest(months=late), manifest()) == []


def test_months_that_leave_an_export_which_moves_along_are_not_material():
    first, second = sorted(MONTHS)[:2]
    moved = {month: figures for month, figures in MONTHS.items() if month > first}
    moved[second] = (1, 1.0)
    assert since.materially_restated(manifest(months=moved), manifest()) == []
    assert since.materially_restated(manifest(months={}), manifest()) == []


def test_many_restated_months_are_counted():
    changed = {
        month: (lines + 1, money + 5) for month, (lines, money) in MONTHS.items()
    }
    told = since.restated(manifest(months=changed), manifest())
    assert len(told) == since.TOLD + 1
    assert "12 more" in told[-1]


@pytest.mark.parametrize(("what", "word"), [("methods", "rules"), ("code", "version")])
def test_other_rules_or_another_version_are_told(what, word):
    (told,) = since.otherwise_made(manifest(**{what: "new"}), manifest())
    assert word in told


def test_runs_of_before_are_compared_as_far_as_they_say():
    assert since.told({"as_of": "2026-04-10"}, {"as_of": "2026-01-01"}) == []
