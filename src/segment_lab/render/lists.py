"""What a run hands to people and programs: page one as a document, the lists by owner, audiences,
import files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from segment_lab.data.files import neutralised
from segment_lab.errors import SegmentLabError
from segment_lab.render.books import by_owner, write_book
from segment_lab.render.discreet import discreet
from segment_lab.render.imports import write_imports
from segment_lab.texts import say, speak
from segment_lab.texts.names import told

if TYPE_CHECKING:
    import pandas as pd

    from segment_lab.pages.front.gather import Gathering
    from segment_lab.pages.front.wings import Wings
    from segment_lab.pages.lists import ActionList
    from segment_lab.study.study import Study

FRONT, CARDS = "front.json", "segments.html"
#: What the workbook says of the actions of the run before.
OUTCOME = (
    "action_id",
    "customer_id",
    "owner",
    "why",
    "made_on",
    "done",
    "done_on",
    "bought",
)
BASE = "customer_base.xlsx"
#: Columns of the list of debtors that hold codes.
CODES = ("plan", "cause", "source")
AUDIENCES, IMPORTS = "audiences", "import"


class Written(NamedTuple):
    """The files written, as paths in the folder, and what the run adds to the study's history."""

    files: list[str]
    history: dict[str, Any]


def write_lists(
    study: Study,
    folder: Path,
    earlier: pd.DataFrame | None = None,
) -> Written:
    """Write page one's document, ``actions.xlsx`` and ``.parquet``, audiences and import files."""
    from segment_lab.pages.front.cards import document as cards_of
    from segment_lab.pages.front.gather import gathering
    from segment_lab.render.history import rows_of
    from segment_lab.render.index import segments_page

    speak(currency=study.currency)
    if not study.has("orders"):
        alone = [*write_alone(study, folder), *write_base(study, folder)]
        return Written(alone, {})
    try:
        gathered = gathering(study, earlier)
        document = gathered.front().shown()
    except SegmentLabError as reason:
        (folder / FRONT).write_text(json.dumps({"reason": str(reason)}), "utf-8")
        return Written([FRONT], {})
    _write_front(study, folder, document)
    cards = discreet(cards_of(gathered), study.config.personal)
    (folder / CARDS).write_text(segments_page(cards), "utf-8")
    actions = gathered.actions.frame
    files = [
        FRONT,
        CARDS,
        *write_actions(gathered.actions, folder, gathered.watched),
        *write_audiences(gathered, folder),
        *write_base(study, folder),
    ]
    files += write_wings(gathered.wings, folder)
    mailed = mailed_audience(gathered)
    if len(actions) or mailed is not None:
        new = actions["made_on"] == study.window.as_of
        named = write_imports(as_tasks(actions), folder / IMPORTS, new, mailed)
        files += [f"{IMPORTS}/{name}" for name in named]
    return Written(files, rows_of(gathered))


def write_read(
    study: Study,
    folder: Path,
    earlier: pd.DataFrame | None = None,
) -> list[str]:
    """What people read, in a further language: page one's document and the workbooks."""
    from segment_lab.pages.front.cards import document as cards_of
    from segment_lab.pages.front.gather import gathering
    from segment_lab.render.index import segments_page

    speak(currency=study.currency)
    if not study.has("orders"):
        return write_alone(study, folder)
    try:
        gathered = gathering(study, earlier)
        document = _from_inside(gathered.front().shown())
    except SegmentLabError as reason:
        (folder / FRONT).write_text(json.dumps({"reason": str(reason)}), "utf-8")
        return [FRONT]
    _write_front(study, folder, document)
    cards = discreet(_from_inside(cards_of(gathered)), study.config.personal)
    (folder / CARDS).write_text(segments_page(cards), "utf-8")
    written = write_actions(gathered.actions, folder, gathered.watched)
    books = [name for name in written if name.endswith("x")]
    return [FRONT, CARDS, *books, *write_wings(gathered.wings, folder)]


def _write_front(study: Study, folder: Path, document: Any) -> None:
    """Page one's document, without addresses unless the study allows them."""
    shown = discreet(document, study.config.personal)
    (folder / FRONT).write_text(
        json.dumps(shown, ensure_ascii=False, indent=1), "utf-8"
    )


def _from_inside(value: Any) -> Any:
    """A document whose links to audiences, which all languages share, lead out of its folder."""
    if isinstance(value, dict):
        return {key: _from_inside(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_from_inside(part) for part in value]
    inside = isinstance(value, str) and value.startswith(f"{AUDIENCES}/")
    return f"../{value}" if inside else value


def write_alone(study: Study, folder: Path) -> list[str]:
    """Page one's document and the lists of a study without orders."""
    from segment_lab.pages.front.alone import AloneFront
    from segment_lab.pages.front.wings import Wings

    wings = Wings(study, study.config.personal)
    try:
        document = AloneFront(study, wings).shown()
    except SegmentLabError as reason:
        document = {"reason": str(reason)}
    _write_front(study, folder, document)
    return [FRONT, *write_wings(wings, folder)]


def write_base(study: Study, folder: Path) -> list[str]:
    """How good the customer base is, and which records are one customer, where there is a table of
    customers."""
    from segment_lab.pages.base import CustomerBase

    if not study.has("customers"):
        return []
    base = CustomerBase(study)
    write_book(folder / BASE, base.sheets(), say("data_page.sheets.title"))
    return [BASE, *base.write_merge(folder)]


def write_actions(listed: ActionList, folder: Path, watched: pd.DataFrame) -> list[str]:
    """One row per action: a workbook of the open ones with a sheet per owner, the watch lists with
    their rules and what became of the last ones; for programs all, done ones too."""
    listed.all.to_parquet(folder / "actions.parquet", index=False)
    actions = listed.frame
    shown = actions.assign(kind=[say(f"lists.kind.{kind}") for kind in actions["kind"]])
    sheets = by_owner(_owned(shown), say("lists.everybody"), say("lists.nobody"))
    sheets[say("lists.watched")] = watched
    if len(listed.outcome):
        kept = [column for column in OUTCOME if column in listed.outcome]
        sheets[say("follow_up.sheet")] = listed.outcome[kept]
    write_book(folder / "actions.xlsx", sheets, say("lists.title"))
    return ["actions.xlsx", "actions.parquet"]


def write_wings(wings: Wings, folder: Path) -> list[str]:
    """The lists of debtors (with dated instalments) and of open leads, where there are such
    tables."""
    files = []
    nobody, everybody = say("lists.nobody"), say("lists.everybody")
    if len(wings.debtors):
        sheets = by_owner(readable(_owned(wings.debtors)), everybody, nobody)
        if len(wings.instalments):
            sheets[say("lists.instalments")] = wings.instalments
            sheets[say("lists.cash")] = by_month(wings.instalments)
        book = wings.receivables.book
        causes = book.causes[["cause", "source", "evidence"]]
        checked = book.checklist().join(causes).rename_axis("invoice_id").reset_index()
        sheets[say("lists.checklist")] = readable(checked)
        sheets |= expected_days(wings)
        write_book(folder / "debtors.xlsx", sheets, say("lists.debtors"))
        files.append("debtors.xlsx")
    if len(wings.leads):
        write_book(
            folder / "leads.xlsx",
            by_owner(_owned(wings.leads), everybody, nobody),
            say("lists.leads"),
        )
        files.append("leads.xlsx")
    return files


def expected_days(wings: Wings) -> dict[str, pd.DataFrame]:
    """A sheet of every open invoice with the day it is expected; none where too few were paid to
    tell."""
    try:
        days = wings.receivables.book.payment_days
    except SegmentLabError:
        return {}
    first = days.sort_values("expected_on", kind="stable")
    rows = first.rename_axis("invoice_id").reset_index()
    return {say("lists.expected_days"): readable(rows)}


def readable(rows: pd.DataFrame) -> pd.DataFrame:
    """Plans, causes and their sources in words, money to the cent."""
    out = rows.copy()
    for column in CODES:
        if column in out:
            spaced = out[column].astype("object").str.replace("_", " ")
            out[column] = spaced.map(told, na_action="ignore")
    money = out.select_dtypes("float").columns
    return out.assign(**{name: out[name].round(2) for name in money})


def by_month(instalments: pd.DataFrame) -> pd.DataFrame:
    """What the instalments bring in each month, if they are agreed and paid."""
    month = instalments["due_on"].dt.strftime("%Y-%m").rename("month")
    by = instalments.groupby(month)
    found = by.agg(customers=("customer_id", "nunique"), amount=("amount", "sum"))
    return found.round(2).reset_index()


def _owned(rows: pd.DataFrame) -> pd.DataFrame:
    return rows if "owner" in rows else rows.assign(owner="")


def write_audiences(gathered: Gathering, folder: Path) -> list[str]:
    """Whom each segment's action may reach, with the arms drawn; exceptions are left out."""
    files = []
    (folder / AUDIENCES).mkdir(exist_ok=True)
    for file, frame in gathered.audiences().items():
        neutralised(frame).to_csv(folder / file, index=False, lineterminator="\n")
        files.append(file)
    return files


def mailed_audience(gathered: Gathering) -> pd.DataFrame | None:
    """Everybody who gets this run's action by e-mail; nothing unless the study shows addresses."""
    import pandas as pd

    from segment_lab.act.experiment import HOLDOUT

    if not gathered.personal:
        return None
    parts = []
    for frame in gathered.audiences().values():
        if "email" in frame:
            contacted = ~frame["arm"].isin(("", HOLDOUT))
            parts.append(frame[contacted & (frame["channel"] == "email")])
    return pd.concat(parts, ignore_index=True) if parts else None


def as_tasks(actions: pd.DataFrame) -> pd.DataFrame:
    """Actions with a title and a note, as other programs take them."""
    rows = actions.to_dict("records")
    titles = [say(f"lists.task.{row['kind']}", customer=_named(row)) for row in rows]
    notes = [" ".join(filter(None, [row["why"], row["offer"]])) for row in rows]
    return actions.assign(title=titles, note=notes)


def _named(row: dict[Any, Any]) -> str:
    name = row.get("name")
    return (
        f"{name} ({row['customer_id']})"
        if isinstance(name, str)
        else str(row["customer_id"])
    )
