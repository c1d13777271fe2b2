"""Lists in the layouts that other programs import as they are: HubSpot, Bitrix24,
calendars.

The columns follow each program's published import format; tests hold them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from segment_lab.data.files import neutralised

#: Longest line of a calendar file, in bytes (RFC 5545, 3.1).
LINE_BYTES = 75


def hubspot(actions: pd.DataFrame) -> pd.DataFrame:
    """Tasks for HubSpot's import of activities."""
    return pd.DataFrame(
        {
            "Task title": actions["title"],
            "Task type": "CALL",
            "Due date": pd.to_datetime(actions["due"]).dt.strftime("%Y-%m-%d"),
            "Notes": actions["note"],
            "Assigned to": actions["owner"].fillna(""),
            "Email": actions["email"].fillna("") if "email" in actions else "",
            "Record ID": actions["customer_id"],
        }
    )


def bitrix24(actions: pd.DataFrame) -> pd.DataFrame:
    """Tasks for Bitrix24's import (semicolons between columns)."""
    due = pd.to_datetime(actions["due"]).dt.strftime("%d.%m.%Y")
    return pd.DataFrame(
        {
            "Name": actions["title"],
            "Description": actions["note"],
            "Responsible person": actions["owner"].fillna(""),
            "Deadline": due,
            "Priority": "High",
            "Tags": actions["kind"],
        }
    )


FORMATS: Mapping[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "hubspot_tasks.csv": (hubspot, ","),
    "bitrix24_tasks.csv": (bitrix24, ";"),
}


def write_imports(actions: pd.DataFrame, folder: Path) -> list[str]:
    """Write every layout's file and the calendar; the names of the files come back."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (layout, separator) in FORMATS.items():
        rows = neutralised(layout(actions))
        rows.to_csv(
            folder / name,
            index=False,
            sep=separator,
            encoding="utf-8-sig",
            lineterminator="\n",
        )
    (folder / "calendar.ics").write_bytes(calendar(actions))
    return [*FORMATS, "calendar.ics"]


def calendar(actions: pd.DataFrame) -> bytes:
    """One all-day event per action (RFC 5545); the action's id keeps a second import from doubling
    it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//segment_lab//actions//EN"]
    for row in actions.to_dict("records"):
        day = pd.Timestamp(row["due"])
        made = pd.Timestamp(row["made_on"])
        lines += [
            "BEGIN:VEVENT",
            f"UID:{row['action_id']}@segment-lab",
            f"DTSTAMP:{made:%Y%m%d}T000000Z",
            f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
            f"DTEND;VALUE=DATE:{day + dt.timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{_escaped(row['title'])}",
            f"DESCRIPTION:{_escaped(row['note'])}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(_folded(line) + "\r\n" for line in lines).encode()


def _escaped(text: str) -> str:
    for mark in ("\\", ";", ","):
        text = text.replace(mark, "\\" + mark)
    return text.replace("\r", "").replace("\n", "\\n")


def _folded(line: str) -> str:
    """A long line goes on after a line break and a blank, never inside a character."""
    pieces, piece = [], ""
    for letter in line:
        if len((piece + letter).encode()) > LINE_BYTES - 1:
            pieces.append(piece)
            piece = ""
        piece += letter
    return "\r\n ".join([*pieces, piece])
