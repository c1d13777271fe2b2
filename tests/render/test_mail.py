"""Mails of a run against a local server: what arrives, once, and what is said where an address or
a server is missing."""

from __future__ import annotations

import email
import email.policy
import io
import json
import socketserver
import threading

import pandas as pd
import pytest

from segment_lab.errors import ConfigError
from segment_lab.render.mail import Post
from segment_lab.show.svg import Bar, bridge

DAY = "2026-01-01"


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a client needs to hand in a mail."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline().strip().upper():
            if line == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = []
                while (part := self.rfile.readline()) != b".\r\n":
                    body.append(
                        part.removeprefix(b".") if part.startswith(b"..") else part
                    )
                self.server.mails.append(b"".join(body))
            self.wfile.write(b"221 bye\r\n" if line == b"QUIT" else b"250 well\r\n")


@pytest.fixture
def server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as listening:
        listening.daemon_threads = True
        listening.mails = []
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening
        listening.shutdown()


def row(name: str) -> dict[str, str]:
    words = (
        "name",
        "stance_text",
        "reach",
        "action",
        "by",
        "cost",
        "worth",
        "verdict_text",
    )
    return {key: f"{name} {key}" for key in (*words, "ground")}


@pytest.fixture
def place(tmp_path):
    """A published run of two owners, and its study file."""
    run = tmp_path / "reports" / "shop" / "2026-01-01-abc"
    run.mkdir(parents=True)
    (run.parent / "latest").symlink_to(run.name)
    drawn = bridge(
        [Bar("Before & after", "5k", 0, 5000, "total")], "From before to after"
    )
    words = {
        "heading": "What to do",
        "segment": "Segment",
        "action": "Action",
        "worth": "Worth",
    }
    column = {
        "heading": "Calls",
        "items": [{"name": "c1", "owner": "Ann", "why": "quiet <now>"}],
    }
    front = {
        "study": "Shop",
        "headline": "Revenue is down.",
        "trust": ["Firm."],
        "tiles": [{"label": "Revenue", "value": "5", "note": ""}],
        "pictures": [{"title": "Bridge", "svg": str(drawn)}],
        "words": words,
        "rows": [row("Best"), row("Lost")],
        "parts": [{"heading": "This week", "lines": ["Do it."], "columns": [column]}],
    }
    (run / "front.json").write_text(json.dumps(front))
    actions = pd.DataFrame(
        {
            "action_id": ["a1", "a2", "a3", "a4"],
            "customer_id": ["c1", "c2", "c3", "c4"],
            "owner": ["Ann", "Ann", "Bob", "Bob"],
            "why": ["quiet"] * 4,
            "done": ["", "yes", "", ""],
        }
    )
    actions.to_parquet(run / "actions.parquet")
    (run / "debtors.xlsx").write_bytes(b"debtors")
    return tmp_path


def post(place, listening=None, **notify) -> Post:
    address = f"smtp://127.0.0.1:{listening.server_address[1]}" if listening else ""
    told = {
        "server": address,
        "director": ["boss@shop"],
        "owners": {"Ann": "ann@shop"},
        **notify,
    }
    config = place / "shop.yml"
    sources = {"orders": {"path": "orders.csv"}}
    config.write_text(json.dumps({"name": "shop", "sources": sources, "notify": told}))
    return Post(config, place / "reports")


def lists_of(mail) -> dict[str, bytes]:
    return {part.get_filename(): part.get_content() for part in mail.iter_attachments()}


def test_each_gets_theirs_once(place, server):
    told = post(place, server).send()
    assert [line.split()[0] for line in told] == ["Sent", "Sent", "No"]
    assert "Bob, who has 2 open actions" in told[2]
    page, own = (
        email.message_from_bytes(m, policy=email.policy.default) for m in server.mails
    )

    assert page["To"] == "boss@shop"
    assert page["Subject"] == "Shop: Revenue is down."
    plain = page.get_body(("plain",)).get_content()
    html = page.get_body(("html",)).get_content()
    for text in (plain, html):
        assert "Best action" in text
        assert "Lost ground" in text
    assert "quiet <now>" in plain
    assert "quiet &lt;now&gt;" in html
    assert "grid" not in html
    pictures = [part for part in page.walk() if part.get_content_type() == "image/png"]
    assert [part["Content-ID"] for part in pictures] == ["<picture-0>"]
    assert "cid:picture-0" in html
    assert len(server.mails[0]) < 100_000

    assert lists_of(page) == {"debtors.xlsx": b"debtors"}
    assert "Attached: debtors.xlsx." in plain
    attached = next(own.iter_attachments())
    sheet = pd.read_excel(io.BytesIO(attached.get_content()), engine="calamine")
    assert len(sheet) == 1  # one of Ann's two is done, Bob's are not hers
    assert (
        "Ann, 1 of your customers needs you" in own.get_body(("plain",)).get_content()
    )

    again = post(place, server).send()
    assert again[0].startswith("Sent before")
    assert len(server.mails) == 2


def test_a_link_stands_in_for_the_lists(place, server):
    post(place, server, link="https://reports/shop").send()
    page = email.message_from_bytes(server.mails[0], policy=email.policy.default)
    assert lists_of(page) == {}
    for kind in ("plain", "html"):
        assert "https://reports/shop" in page.get_body((kind,)).get_content()


def test_a_dry_run_sends_nothing(place, server):
    told = post(place, server).send(dry_run=True)
    assert told[0].startswith("Would be sent to director (boss@shop)")
    assert server.mails == []
    assert post(place, server).send()[0].startswith("Sent to")


def test_what_is_missing_is_one_line_each(place):
    told = post(place, director=[]).send()
    assert told[0].startswith("Nobody gets page one")
    assert told[1].startswith("Not sent to Ann (ann@shop): no server")
    closed = post(place, server="smtp://127.0.0.1:1").send()
    assert "ConnectionRefusedError" in closed[0]


def test_without_a_run_there_is_nothing_to_tell(tmp_path):
    with pytest.raises(ConfigError, match="no good run"):
        post(tmp_path).send()
