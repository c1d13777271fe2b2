"""Lists in the layouts that other programs import as they are: HubSpot, Bitrix24, Mailchimp,
calendars.

The columns follow each program's published import format (docs/schedule.md says which); tests hold
them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from segment_lab.data.files import neutralised
from segment_lab.texts import say

#: Longest line of a calendar file, in bytes (RFC 5545, 3.1).
LINE_BYTES = 75
#: Longest text field and longest tag that Mailchimp keeps.
MAILCHIMP_TEXT_BYTES, MAILCHIMP_TAG_LETTERS = 255, 100
#: Lists whose action is not a talk with the customer.
TO_DO = frozenset({"loss_making", "birthday"})


def hubspot(actions: pd.DataFrame) -> pd.DataFrame:
    """Tasks for HubSpot's import of activities; linked to their contact by e-mail where it is
    known."""
    to_do = actions["kind"].isin(list(TO_DO))
    return pd.DataFrame(
        {
            "Task title": actions["title"],
            "Task type": to_do.map({True: "TODO", False: "CALL"}),
            "Due date": pd.to_datetime(actions["due"]).dt.strftime("%Y-%m-%d"),
            "Task notes": actions["note"],
            "Assigned to": actions["owner"].fillna(""),
            "Email": actions["email"].fillna("") if "email" in actions else "",
            "Customer ID": actions["customer_id"],
        }
    )


def bitrix24(actions: pd.DataFrame) -> pd.DataFrame:
    """Tasks for Bitrix24's import, headed as its form in the language in use heads them; a column
    that its editions head differently stands under each of their words."""
    due = pd.to_datetime(actions["due"]).dt.strftime("%d.%m.%Y")
    columns = {
        "title": actions["title"],
        "description": actions["note"],
        "important": "1",
        "responsible": actions["owner"].fillna(""),
        "deadline": due,
        "tags": [f"[*]{say(f'lists.kind.{kind}')}" for kind in actions["kind"]],
    }
    headed: dict[str, Any] = {}
    for name, values in columns.items():
        heads = say(f"lists.bitrix24.{name}").split("|")
        headed |= dict.fromkeys(heads, values)
    return pd.DataFrame(headed, index=actions.index)


def mailchimp(audience: pd.DataFrame) -> pd.DataFrame:
    """Contacts for Mailchimp's import: one row per address, tagged with segment and action.

    Parameters
    ----------
    audience : DataFrame
        Customers who get an action by e-mail: ``customer_id, email, segment, action`` and, where
        it is known, ``name``. Rows without a usable address are left out.
    """
    address = audience["email"].fillna("").astype(str).str.strip()
    usable = address.str.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+")
    first = ~address.str.lower().duplicated()
    rows = audience.assign(email=address)[(usable & first).to_numpy()]
    names = rows["name"].fillna("") if "name" in rows else ""
    tags = rows["segment"].map(_tag) + "," + rows["action"].map(_tag)
    out = pd.DataFrame(
        {
            "Email Address": rows["email"],
            "Full Name": names,
            "Customer ID": rows["customer_id"],
            "Tags": tags,
        },
        index=rows.index,
    )
    return out.assign(**{"Full Name": out["Full Name"].astype(str).map(_shortened)})


def _tag(text: str) -> str:
    """A tag as Mailchimp keeps it; a comma would make two of it."""
    return str(text).replace(",", " ")[:MAILCHIMP_TAG_LETTERS]


def _shortened(text: str) -> str:
    return text.encode()[:MAILCHIMP_TEXT_BYTES].decode(errors="ignore")


FORMATS: Mapping[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "hubspot_tasks.csv": (hubspot, ","),
    "bitrix24_tasks.csv": (bitrix24, ";"),
}
MAILCHIMP = "mailchimp_contacts.csv"


def write_imports(
    actions: pd.DataFrame,
    folder: Path,
    new: pd.Series,
    audience: pd.DataFrame | None = None,
) -> list[str]:
    """Write every layout's file and the calendar; the names of the files come back.

    A calendar knows an event by its id, so it gets every open action. The other programs do not
    know a task again, so they get the `new` ones alone, which no run before has listed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = ["calendar.ics"]
    (folder / "calendar.ics").write_bytes(calendar(actions))
    fresh = actions[new.to_numpy(dtype=bool)]
    for name, (layout, separator) in FORMATS.items():
        _write(layout(fresh), folder / name, separator)
        written.append(name)
    if audience is not None and "email" in audience:
        _write(mailchimp(audience), folder / MAILCHIMP, ",")
        written.append(MAILCHIMP)
    return written


def _write(rows: pd.DataFrame, path: Path, separator: str) -> None:
    safe = neutralised(rows)
    safe.to_csv(
        path, index=False, sep=separator, encoding="utf-8-sig", lineterminator="\n"
    )


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
