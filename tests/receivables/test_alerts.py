"""Alerts: who is told what, once; what the files hold; the push; the back-test."""

from __future__ import annotations

import datetime as dt
import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pandas as pd
import pytest
from test_ledger import bill, invoices, payments

from segment_lab.errors import ConfigError, NotEnoughDataError, SegmentLabError
from segment_lab.receivables import alerts
from segment_lab.receivables.alerts import AlertRules
from segment_lab.receivables.answer import rules_in_words
from segment_lab.receivables.ledger import Ledger
from segment_lab.texts import speaking

INVOICES = invoices(
    [
        bill("I1", "a", "2026-01-01", "2026-01-31", 100),
        bill("I2", "a", "2026-02-01", "2026-03-03", 50),
        bill("I3", "b", "2026-02-01", "2026-03-03", 120),
        bill("I4", "b", "2026-02-01", "2026-04-30", 900),
    ]
)
RULES = AlertRules(min_days=30, min_amount=120)


def on(
    day: str, *paid: tuple[str, str, float], state: Path | None = None
) -> pd.DataFrame:
    items = Ledger(INVOICES, payments(*paid)).open_items(day)
    return alerts.alerts(items, RULES, day, owners={"a": "Ann"}, state=state)


def test_rules_by_hand():
    raised = on("2026-03-11")
    assert raised["key"].tolist() == ["large:a", "large:b", "old:I1"]
    assert raised["amount"].tolist() == [150, 120, 100]
    assert raised["days_overdue"].tolist() == [38, 7, 38]
    assert raised["invoices"].tolist() == [["I1", "I2"], ["I3"], ["I1"]]
    assert raised["owner"].tolist() == ["Ann", "nobody recorded", "Ann"]
    assert raised["is_new"].all()
    assert on("2026-02-01").empty
    seen = alerts.shown(raised)
    assert seen["invoices"].tolist() == [2, 1, 1]
    assert "key" not in seen


def test_the_rules_in_words():
    with speaking(currency="EUR"):
        assert rules_in_words(AlertRules(30, 3000)) == (
            "Invoices overdue for 30 days or more (old); "
            "customers with EUR 3,000 or more overdue (large)"
        )
        assert (
            rules_in_words(AlertRules(30))
            == "Invoices overdue for 30 days or more (old)"
        )


def test_limits_are_reached_not_passed():
    assert on("2026-03-03")["key"].tolist() == [
        "old:I1"
    ]  # overdue for 30 days on 2 March
    assert on("2026-03-02").empty


def test_rules_are_checked_and_learn_a_round_sum():
    with pytest.raises(ConfigError, match="min_days"):
        AlertRules(min_days=0)
    assert (
        AlertRules.from_items(
            Ledger(INVOICES, None).open_items("2026-03-11")
        ).min_amount
        == 100
    )  # p90 of 120, 150
    assert AlertRules.from_items(
        Ledger(INVOICES, None).open_items("2026-01-15")
    ).min_amount == float("inf")


def test_an_alert_is_raised_once_and_again_when_it_comes_back(tmp_path: Path):
    state = tmp_path / "kept" / "state.json"
    first = on("2026-03-11", state=state)
    assert first["is_new"].all()
    assert on("2026-03-11", state=state).equals(
        first
    )  # the same day again: the same alerts
    later = on("2026-03-12", state=state)
    assert not later["is_new"].any()
    assert later["first_raised"].tolist() == ["2026-03-11"] * 3
    paid = ("I3", "2026-03-12", 120.0)
    assert "large:b" not in on("2026-03-13", paid, state=state)["key"].tolist()
    back = on("2026-03-15", paid, ("I3", "2026-03-14", -120.0), state=state)
    assert back.loc[back["is_new"], "key"].tolist() == ["large:b"]
    with pytest.raises(ConfigError, match="after 2026-03-01"):
        on("2026-03-01", state=state)
    assert [path.name for path in state.parent.iterdir()] == ["state.json"]


def test_files_hold_the_alerts_and_no_formula(tmp_path: Path):
    raised = on("2026-03-11").assign(owner=["=HYPERLINK(1)", "@b", "Ann"])
    alerts.write(raised, tmp_path / "out")
    text = pd.read_csv(tmp_path / "out" / "alerts.csv", dtype=str)
    assert text["owner"].tolist() == ["'=HYPERLINK(1)", "'@b", "Ann"]
    assert text["invoices"].tolist() == ["I1 I2", "I3", "I1"]
    kept = json.loads((tmp_path / "out" / "alerts.json").read_text(encoding="utf-8"))
    assert [entry["key"] for entry in kept] == raised["key"].tolist()
    assert kept[0]["invoices"] == ["I1", "I2"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "alerts.csv",
        "alerts.json",
    ]


class Webhook(BaseHTTPRequestHandler):
    received: list[bytes]

    def do_POST(self) -> None:
        self.received.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Mail(socketserver.StreamRequestHandler):
    """As much SMTP as one message needs."""

    received: list[bytes]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.received.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@pytest.fixture(params=["json", "mailto"])
def server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[bytes]]:
    """A local receiver; the environment variable points to it, with a secret in the address."""
    received: list[bytes] = []
    handler = type(
        "Handler",
        (Webhook if request.param == "json" else Mail,),
        {"received": received},
    )
    kind = HTTPServer if request.param == "json" else socketserver.TCPServer
    with kind(("127.0.0.1", 0), handler) as running:
        port = running.server_address[1]
        monkeypatch.setenv(
            alerts.NOTIFY_URL,
            {
                "json": f"json://user:s3cret@127.0.0.1:{port}/hook",
                "mailto": f"mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com&mode=insecure",
            }[request.param],
        )
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield received
        running.shutdown()


def test_new_alerts_are_pushed_once(
    server: list[bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    pytest.importorskip("apprise")
    caplog.set_level(logging.DEBUG)
    state = tmp_path / "state.json"
    assert alerts.push(on("2026-03-11", state=state), "Overdue", "EUR", state) == 3
    assert len(server) == 1
    assert b"owes EUR 150.00" in server[0].replace(b"=\r\n", b"")
    assert alerts.push(on("2026-03-11", state=state), "Overdue", "EUR", state) == 0
    assert alerts.push(on("2026-03-12", state=state), "Overdue", "EUR", state) == 0
    assert len(server) == 1
    assert "s3cret" not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_a_failed_push_says_so_without_the_address(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    pytest.importorskip("apprise")
    caplog.set_level(logging.DEBUG)
    monkeypatch.delenv(alerts.NOTIFY_URL, raising=False)
    with pytest.raises(ConfigError, match=alerts.NOTIFY_URL):
        alerts.push(on("2026-03-11"), "Overdue")
    for address in ("json://user:s3cret@127.0.0.1:9/hook", "s3cret"):
        monkeypatch.setenv(alerts.NOTIFY_URL, address)
        with pytest.raises(SegmentLabError) as error:
            alerts.push(on("2026-03-11"), "Overdue")
        assert "s3cret" not in str(error.value) + caplog.text
        assert error.value.__cause__ is None


def test_backtest_by_hand():
    # Three invoices are old at the end of February: one is paid ten days later, one after 40 days,
    # one never.
    due = dict.fromkeys(["fast", "slow", "never"], "2026-01-15") | {
        "fresh": "2026-02-20"
    }
    table = invoices(
        [bill(name, name, "2026-01-01", day, 100) for name, day in due.items()]
    )
    paid = payments(
        ("fast", "2026-03-10", 100),
        ("slow", "2026-04-10", 100),
        ("fresh", "2026-03-05", 100),
    )
    out = alerts.backtest(
        Ledger(table, paid), dt.date(2026, 4, 20), AlertRules(30), days=30
    )
    assert out.loc["old", ["alerts", "paid"]].tolist() == [
        3,
        1,
    ]  # new at the end of February, and only once
    # End of January: none is old, and none of three pays by early March. End of February: fresh
    # pays.
    assert out.loc["no alert", ["alerts", "paid"]].tolist() == [4, 1]
    assert out.loc["large", "alerts"] == 0
    assert out.loc["old", "paid_share_low"] < 1 / 3 < out.loc["old", "paid_share_high"]
    with pytest.raises(NotEnoughDataError, match="back-test"):
        alerts.backtest(Ledger(table, paid), "2026-01-20", AlertRules(30))


def test_many_alerts_of_one_customer_are_little_evidence():
    alone = pd.Series(range(40))
    paid = pd.Series([1.0, 0.0] * 20)
    wide, narrow = (alerts._clustered(paid, who) for who in (alone % 2, alone))
    assert wide["paid_share"] == narrow["paid_share"] == 0.5
    assert wide["paid_share_high"] - wide["paid_share_low"] > 2 * (
        narrow["paid_share_high"] - narrow["paid_share_low"]
    )
