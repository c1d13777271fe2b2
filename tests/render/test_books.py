"""Workbooks and import files: typed cells, one sheet per owner, the published columns, nothing
that runs."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from python_calamine import CalamineWorkbook

from segment_lab.render import imports
from segment_lab.render.books import by_owner, write_book

ROWS = pd.DataFrame(
    {
        "action_id": ["x-1", "x-2", "x-3"],
        "customer_id": ["007", "=1+1", "C3"],
        "owner": ["A/B", None, "A/B"],
        "at_stake": [1234.5, 2.0, None],
        "due": [dt.date(2026, 7, 8)] * 3,
        "made_on": [dt.date(2026, 7, 1)] * 3,
        "kind": "broke_rhythm",
        "title": "Call the customer",
        "note": ["quiet, for 80 days; see list", "line\nbreak", "Ż" * 60],
    }
)


def test_a_book_has_all_rows_and_a_sheet_per_owner(tmp_path):
    file = tmp_path / "actions.xlsx"
    write_book(file, by_owner(ROWS, "All", "nobody"), "Actions")
    book = CalamineWorkbook.from_path(file)
    assert book.sheet_names == ["All", "A B", "nobody"]
    rows = book.get_sheet_by_name("All").to_python()
    assert rows[1][1] == "007"
    assert rows[2][1] == "=1+1"
    assert rows[1][3] == 1234.5
    assert rows[1][4] == dt.date(2026, 7, 8)
    assert rows[3][3] == ""
    assert len(book.get_sheet_by_name("A B").to_python()) == 3


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_book(tmp_path / name, by_owner(ROWS, "All", "nobody"), "Actions")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_names_of_sheets_are_made_fit_and_kept_apart(tmp_path):
    frame = ROWS[["customer_id"]]
    write_book(
        tmp_path / "b.xlsx", {"a" * 40: frame, "A" * 40: frame, "[]": frame}, "t"
    )
    names = CalamineWorkbook.from_path(tmp_path / "b.xlsx").sheet_names
    assert names == ["a" * 31, "A" * 29 + " 2", "–"]


def test_import_files_have_the_columns_their_programs_ask_for(tmp_path):
    written = imports.write_imports(ROWS, tmp_path)
    assert set(written) == {"hubspot_tasks.csv", "bitrix24_tasks.csv", "calendar.ics"}
    hubspot = pd.read_csv(tmp_path / "hubspot_tasks.csv", dtype=str)
    assert list(hubspot)[:4] == ["Task title", "Task type", "Due date", "Notes"]
    assert hubspot["Due date"].unique() == ["2026-07-08"]
    assert not hubspot["Record ID"].str.startswith("=").any()
    bitrix = pd.read_csv(tmp_path / "bitrix24_tasks.csv", sep=";", dtype=str)
    assert bitrix["Deadline"].unique() == ["08.07.2026"]


def test_the_calendar_follows_its_standard():
    text = imports.calendar(ROWS).decode()
    lines = text.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2] == "END:VCALENDAR"
    assert text.count("BEGIN:VEVENT") == text.count("END:VEVENT") == 3
    assert all(len(line.encode()) <= 75 for line in lines)
    assert "UID:x-1@segment-lab" in lines
    assert "DTSTART;VALUE=DATE:20260708" in lines
    assert r"DESCRIPTION:quiet\, for 80 days\; see list" in lines
    assert r"DESCRIPTION:line\nbreak" in lines
    unfolded = text.replace("\r\n ", "")
    assert "Ż" * 60 in unfolded
