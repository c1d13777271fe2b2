"""Page one and every owner's list by mail: once per run and address, whatever is missing costs no
page."""

from __future__ import annotations

import io
import json
import os
import re
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from segment_lab.data.files import replacing
from segment_lab.errors import ConfigError
from segment_lab.render.books import write_book
from segment_lab.render.exporter import environment
from segment_lab.render.publishing import Shelf
from segment_lab.study.config import NotifyOptions, load
from segment_lab.texts import say, speaking

STATE = ".notified.json"
#: The lists that go with page one where no link leads to them.
LISTS = ("actions.xlsx", "debtors.xlsx", "leads.xlsx")
#: Of a picture: its tones and the shades of its letters.
COLOURS = 32
#: The front page's colours; a mail has no style sheet of its own.
TONES = {
    "total": "#3f4b59",
    "up": "#2a8c6a",
    "down": "#c2571a",
    "same": "#cfd8dc",
    "good-1": "#a9d3c3",
    "good-2": "#6cb59a",
    "bad-1": "#eebd94",
    "bad-2": "#e08a4a",
}
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Letter:
    """One mail to one address: for whom, what it says, what goes with it."""

    role: str
    address: str
    subject: str
    text: str
    html: str = ""
    pictures: tuple[bytes, ...] = ()
    attachments: tuple[tuple[str, bytes], ...] = ()

    def message(self, sender: str) -> EmailMessage:
        """The mail as it is sent; pictures are named ``picture-0``, ``picture-1`` … in its HTML."""
        made = EmailMessage()
        made["Subject"], made["From"], made["To"] = self.subject, sender, self.address
        made.set_content(self.text)
        if self.html:
            made.add_alternative(self.html, subtype="html")
            page: Any = made.get_payload()[1]  # type: ignore[index]
            for number, picture in enumerate(self.pictures):
                page.add_related(picture, "image", "png", cid=f"<picture-{number}>")
        for name, content in self.attachments:
            made.add_attachment(
                content, maintype="application", subtype="octet-stream", filename=name
            )
        return made


@dataclass
class Post:
    """The letters of a study's last good run.

    Parameters
    ----------
    config, out : Path
        The study file, and the folder of all studies' reports.
    """

    config: Path
    out: Path
    told: list[str] = field(default_factory=list)

    def send(self, *, dry_run: bool = False) -> list[str]:
        """Send what has not been sent yet; one line for each letter, and for each that is not.

        Raises
        ------
        ConfigError
            The study file is unfit, or there is no good run to tell of.
        """
        study = load(self.config)
        shelf = Shelf(self.out, study.name)
        run = shelf.latest()
        if run is None:
            raise ConfigError(say("notify.no_run", study=study.name))
        with speaking(language=(study.lang or ("en",))[0], currency=study.currency):
            sent = _state(shelf.folder)
            key = run.name
            for letter in self._letters(study.notify, run, study.title or study.name):
                if letter.address in sent.get(key, []):
                    self._tell("already", letter)
                elif dry_run:
                    self._tell(
                        "would", letter, bytes=len(bytes(letter.message("x@example")))
                    )
                elif self._delivered(study.notify, letter):
                    sent.setdefault(key, []).append(letter.address)
                    _keep(shelf.folder, sent)
        return self.told

    def _tell(self, key: str, letter: Letter, **facts: Any) -> None:
        named = {"role": letter.role, "address": letter.address}
        self.told.append(say(f"notify.{key}", **named, **facts))

    def _letters(
        self, options: NotifyOptions, run: Path, title: str
    ) -> Iterator[Letter]:
        if options.director:
            front = _front(run)
            for address in options.director if front else ():
                yield _page_one(front, address, options.link, run)
        else:
            self.told.append(say("notify.no_director"))
        yield from self._lists(options, run, title)

    def _lists(self, options: NotifyOptions, run: Path, title: str) -> Iterator[Letter]:
        import pandas as pd

        path = run / "actions.parquet"
        if not path.exists():
            return
        actions = pd.read_parquet(path)
        open_ones = actions[(actions["done"].fillna("") == "").to_numpy()]
        for owner, rows in open_ones.groupby("owner", sort=True):
            address = options.owners.get(str(owner), "")
            if not address:
                self.told.append(
                    say("notify.no_address", owner=owner, actions=len(rows))
                )
                continue
            yield _own_list(str(owner), address, rows, title, options.link)

    def _delivered(self, options: NotifyOptions, letter: Letter) -> bool:
        server = os.path.expandvars(options.server)
        if not server or "$" in server:
            self._tell("no_server", letter)
            return False
        try:
            with _connection(server) as connection:
                connection.send_message(letter.message(options.sender))
        except (OSError, smtplib.SMTPException) as error:
            self._tell("not_sent", letter, reason=type(error).__name__)
            return False
        self._tell("sent", letter)
        return True


def _connection(server: str) -> smtplib.SMTP:
    """``smtp://host:port`` (TLS where it is offered) or ``smtps://…``, with ``user:password@``."""
    parts = urlsplit(server)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigError(say("notify.bad_server"))
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    connection = kind(parts.hostname, parts.port or 0, timeout=TIMEOUT_SECONDS)
    connection.ehlo()
    if parts.scheme == "smtp" and connection.has_extn("starttls"):
        connection.starttls()
    if parts.username:
        connection.login(unquote(parts.username), unquote(parts.password or ""))
    return connection


def _state(folder: Path) -> dict[str, list[str]]:
    path = folder / STATE
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def _keep(folder: Path, sent: dict[str, list[str]]) -> None:
    with replacing(folder / STATE) as draft:
        draft.write_text(json.dumps(sent, indent=1), "utf-8")


def _front(run: Path) -> dict[str, Any]:
    path = run / "front.json"
    document = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return document if "headline" in document else {}


def _page_one(front: dict[str, Any], address: str, link: str, run: Path) -> Letter:
    pictures = tuple(as_png(picture["svg"]) for picture in front["pictures"])
    lists = () if link else tuple(name for name in LISTS if (run / name).exists())
    attached = say("notify.attached", files=lists) if lists else ""
    facts = {"front": front, "link": link, "attached": attached}
    return Letter(
        role=say("notify.director"),
        address=address,
        subject=f"{front['study']}: {front['headline']}",
        text=environment().get_template("mail.txt.j2").render(facts),
        html=environment().get_template("mail.html.j2").render(facts),
        pictures=pictures,
        attachments=tuple((name, (run / name).read_bytes()) for name in lists),
    )


def _own_list(owner: str, address: str, rows: Any, title: str, link: str) -> Letter:
    book = io.BytesIO()
    write_book(book, {owner: rows.drop(columns=["owner"])}, title)
    first = [
        f"{row['customer_id']}: {row['why']}"
        for row in rows.head(10).to_dict("records")
    ]
    facts = {
        "owner": owner,
        "actions": len(rows),
        "title": title,
        "link": link,
        "first": first,
    }
    return Letter(
        role=owner,
        address=address,
        subject=say("notify.list_subject", **facts),
        text=say("notify.list_text", **facts),
        attachments=(("actions.xlsx", book.getvalue()),),
    )


def as_png(svg: str) -> bytes:
    """One of page one's drawings (rectangles and words) as a picture that every mail client
    shows."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from PIL import Image

    root = ElementTree.fromstring(re.sub(r"&(?!\w+;|#)", "&amp;", svg))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    figure = Figure(figsize=(width / 100, height / 100), dpi=150)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    middle = "bridge" in root.attrib["class"]
    for piece in root:
        place = (float(piece.attrib["x"]), float(piece.attrib["y"]))
        tone = piece.attrib["class"]
        if piece.tag.endswith("rect"):
            size = float(piece.attrib["width"]), float(piece.attrib["height"])
            axes.add_patch(
                Rectangle(place, *size, facecolor=TONES.get(tone, "#cfd8dc"))
            )
        else:
            weight = "bold" if tone == "name" else "normal"
            side = "center" if middle else "left"
            axes.text(
                *place,
                piece.text or "",
                ha=side,
                fontsize=8.5,
                weight=weight,
            )
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    # A few flat tones need no more colours: a quarter of the bytes.
    flat = Image.open(out).convert("RGB").quantize(COLOURS)
    small = io.BytesIO()
    flat.save(small, "png", optimize=True)
    return small.getvalue()
