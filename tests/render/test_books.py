"""Workbooks and import files: typed cells, one sheet per owner, the published columns, nothing
that runs."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from segment_lab.data.readers import worksheets
from segment_lab.render import imports
from segment_lab.render.books import by_owner, write_book
from segment_lab.render.lists import by_month, readable
from segment_lab.show.tables import table
from segment_lab.texts import say, speaking

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


def everything_new() -> pd.Series:
    return pd.Series(True, index=ROWS.index)


def test_import_files_have_the_columns_their_programs_ask_for(tmp_path):
    """HubSpot, “Set up import files” (knowledge.hubspot.com/import-and-export): headers are the
    names of properties, in any order; tasks may be imported on their own, but not updated; year
    month day is a valid date. Its tasks API (developers.hubspot.com/docs/api/crm/tasks): the due
    date is required, the types are EMAIL, CALL and TODO."""
    written = imports.write_imports(ROWS, tmp_path, everything_new())
    assert set(written) == {"hubspot_tasks.csv", "bitrix24_tasks.csv", "calendar.ics"}
    hubspot = pd.read_csv(tmp_path / "hubspot_tasks.csv", dtype=str)
    assert list(hubspot) == [
        "Task title",
        "Task type",
        "Due date",
        "Task notes",
        "Assigned to",
        "Email",
        "Customer ID",
    ]
    assert set(hubspot["Task type"]) <= {"CALL", "EMAIL", "TODO"}
    assert hubspot["Due date"].unique() == ["2026-07-08"]
    assert not hubspot["Customer ID"].str.startswith("=").any()


RESPONSIBLE = ("Responsible person", "Assignee", "Ответственный", "Исполнитель")


@pytest.mark.parametrize(
    ("language", "heads"),
    [
        (
            "en",
            "Name;Description;Important task;High priority;Responsible person;Assignee;"
            "Deadline;Tags",
        ),
        (
            "ru",
            "Название;Описание;Это важная задача;Ответственный;Исполнитель;Крайний срок;"
            "Теги",
        ),
    ],
)
def test_bitrix24_knows_its_own_headers_and_values(tmp_path, language, heads):
    """Its component ``bitrix:tasks.import``: the title is required; description, priority,
    responsible, deadline and tags are matched by the names of its form in the language of the
    portal, and a column of no such name is left out, so that a file may hold the words of older
    and newer portals; the separator is a semicolon unless another is chosen."""
    with speaking(language):
        imports.write_imports(ROWS, tmp_path, everything_new())
    text = (tmp_path / "bitrix24_tasks.csv").read_text("utf-8-sig")
    assert text.splitlines()[0] == heads
    rows = pd.read_csv(tmp_path / "bitrix24_tasks.csv", sep=";", dtype=str)
    assert set(rows.iloc[:, 2]) == {"1"}  # yes, as its import reads a mark
    assert set(rows.iloc[:, -2]) == {"08.07.2026"}
    # How it parts one tag from the next.
    with speaking(language):
        tag = say("lists.kind.broke_rhythm")
    assert set(rows.iloc[:, -1]) == {f"[*]{tag}"}
    owners = rows[[head for head in rows if head in RESPONSIBLE]]
    first = owners.iloc[:, 0]
    assert all(owners[head].equals(first.rename(head)) for head in owners)
    assert len(owners.columns) == 2


def test_only_what_is_new_is_a_task_and_all_of_it_is_in_the_calendar(tmp_path):
    imports.write_imports(ROWS, tmp_path, pd.Series([False, True, False]))
    for name, separator in (("hubspot_tasks.csv", ","), ("bitrix24_tasks.csv", ";")):
        assert len(pd.read_csv(tmp_path / name, sep=separator)) == 1
    assert (tmp_path / "calendar.ics").read_text().count("BEGIN:VEVENT") == 3


def test_mailchimp_gets_one_row_for_each_usable_address(tmp_path):
    """“Format guidelines for your import file” (mailchimp.com/help): the e-mail address alone is
    required, one for each contact, without blanks; texts are cut at 255 bytes; a comma parts
    tags."""
    audience = pd.DataFrame(
        {
            "customer_id": ["1", "2", "3", "4", "5"],
            "name": ["Anna", "=1+1", "Twin", "Ż" * 200, "Nobody"],
            "email": [" anna@shop.pl ", "b@shop.pl", "ANNA@shop.pl", "c@shop.pl", None],
            "segment": "Loyal, large",
            "action": "Newsletter",
        }
    )
    audience.loc[len(audience)] = ["6", "Bad", "no address", "Loyal", "Newsletter"]
    written = imports.write_imports(ROWS, tmp_path, everything_new(), audience)
    assert imports.MAILCHIMP in written
    rows = pd.read_csv(tmp_path / imports.MAILCHIMP, dtype=str)
    assert list(rows) == ["Email Address", "Full Name", "Customer ID", "Tags"]
    assert list(rows["Email Address"]) == ["anna@shop.pl", "b@shop.pl", "c@shop.pl"]
    assert rows["Full Name"][1] == "'=1+1"
    assert rows["Full Name"].str.encode("utf-8").str.len().max() <= 255
    assert set(rows["Tags"]) == {"Loyal  large,Newsletter"}


def test_without_addresses_there_is_nothing_for_mailchimp(tmp_path):
    audience = pd.DataFrame({"customer_id": ["1"], "segment": "A", "action": "x"})
    written = imports.write_imports(ROWS, tmp_path, everything_new(), audience)
    assert imports.MAILCHIMP not in written


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


def test_a_share_is_shown_as_a_percentage(tmp_path):
    import zipfile

    frame = pd.DataFrame({"chance_share": [0.598], "value": [0.598]})
    write_book(tmp_path / "b.xlsx", {"a": frame}, "t")
    with zipfile.ZipFile(tmp_path / "b.xlsx") as book:
        sheet = book.read(worksheets(book)[0]).decode()
    styles = [part.split('"')[0] for part in sheet.split(' s="')[1:]]
    assert len(set(styles[-2:])) == 2


def test_debtors_are_told_in_words_and_to_the_cent():
    rows = pd.DataFrame(
        {
            "customer_id": ["put_right"],
            "plan": ["put_right"],
            "cause": ["our_failure"],
            "source": [None],
            "never_amount": [9682.004542],
        }
    )
    seen = readable(rows).iloc[0]
    assert list(seen[["customer_id", "plan", "cause"]]) == [
        "put_right",
        "put right",
        "our failure",
    ]
    assert seen["never_amount"] == 9682.00
    with speaking("ru"):
        assert readable(rows)["plan"][0] == "исправить нашу ошибку"


def test_instalments_are_added_up_by_month():
    days = pd.to_datetime(["2026-07-15", "2026-08-15", "2026-07-20"])
    parts = pd.DataFrame(
        {"customer_id": ["a", "a", "b"], "due_on": days, "amount": [0.1, 5.0, 0.2]}
    )
    assert by_month(parts).to_dict("list") == {
        "month": ["2026-07", "2026-08"],
        "customers": [2, 1],
        "amount": [0.3, 5.0],
    }


def test_a_table_that_is_cut_leads_to_the_file_with_all_rows():
    rows = pd.DataFrame({"customer_id": ["a", "b", "c"], "orders": [1, 2, 3]})
    link = '<a href="debtors.xlsx">All 3 rows: debtors.xlsx</a>'
    assert link in str(table(rows, "Orders", rows=2, file="debtors.xlsx"))
    assert "<a " not in str(table(rows, "Orders", rows=3, file="debtors.xlsx"))


def test_a_segment_is_named_and_the_companys_own_stays(tmp_path):
    rows = pd.DataFrame({"segment": ["Lost", "large"], "rule": ["large", "old"]})
    with speaking("ru"):
        write_book(tmp_path / "a.xlsx", {"A": rows}, "A")
    sheet = pd.read_excel(tmp_path / "a.xlsx", engine="calamine")
    assert sheet.to_numpy().tolist() == [["Потерянные", "крупный"], ["large", "давний"]]
