"""Days that fit two layouts alike are read as the other days of the file are written."""

from __future__ import annotations

import pytest

from segment_lab.data.guess import first_config


def proposed(tmp_path, ship: str, more: str = ""):
    path = tmp_path / "orders.csv"
    head, rest = ("", "") if not more else (",Invoiced On", f",{more}")
    path.write_text(
        f"Order ID,Customer ID,Order Date,Ship Date{head},Sales\n"
        f"1,a,01/02/2026,{ship}{rest},10\n2,b,02/03/2026,{ship}{rest},20\n"
    )
    _, proposal = first_config(path, tmp_path / "s.yml")
    return proposal


@pytest.mark.parametrize(
    ("ship", "layout"),
    [
        ("02/28/2026", "%m/%d/%Y"),
        ("28/02/2026", "%d/%m/%Y"),
        ("02/28/2026 10:15", "%m/%d/%Y"),
    ],
)
def test_another_day_of_the_file_tells_the_layout(ship, layout, tmp_path):
    proposal = proposed(tmp_path, ship)
    assert proposal.sources["orders"]["date_format"] == layout
    assert not any("alike" in doubt for doubt in proposal.doubts)


@pytest.mark.parametrize(
    ("ship", "more"),
    [
        ("03/04/2026", ""),  # fits both as well
        ("02/28/2026", "28/02/2026"),  # the others do not agree
        ("2026-02-28", ""),  # written in another way
    ],
)
def test_days_that_tell_nothing_leave_the_question(ship, more, tmp_path):
    proposal = proposed(tmp_path, ship, more)
    assert any("alike" in doubt for doubt in proposal.doubts)
