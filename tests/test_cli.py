"""The command line as a person uses it: exit codes, messages, files."""

from __future__ import annotations

import errno

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from datasets import dataset
from segment_lab.cli import main
from segment_lab.data.guess import named, normal
from segment_lab.texts import phrases


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run a command in an empty folder; the result of click's runner."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])


def test_help_lists_the_commands(call):
    result = call("--help")
    assert result.exit_code == 0
    assert all(
        f"\n  {name} " in result.output
        for name in ("run", "check", "init", "sql", "sample")
    )


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_option_with_a_help_text_shows_it(call, command):
    texts = phrases(f"cli.help.{command}")
    result = call(command, "--help")
    assert result.exit_code == 0
    assert set(texts) <= {option.name for option in main.commands[command].params}
    shown = "".join(result.output.split())
    assert [
        name for name, text in texts.items() if "".join(text.split()) not in shown
    ] == []


def test_init_check_round_trip(call, tmp_path):
    (tmp_path / "Sales 2026.csv").write_text(
        "Kundennummer;Rechnungsnummer;Rechnungsdatum;Betrag\n007;1;31.01.2026;5,50\nx;2;28.02.2026;6,00\n"
    )
    result = call("init", "Sales 2026.csv")
    assert result.exit_code == 0, result.output
    config = yaml.safe_load((tmp_path / "sales_2026.yml").read_text())
    source = config["sources"]["orders"]
    assert source["columns"] == {
        "customer_id": "Kundennummer",
        "order_id": "Rechnungsnummer",
        "order_date": "Rechnungsdatum",
        "amount": "Betrag",
    }
    assert (source["date_format"], source["decimal"]) == ("%d.%m.%Y", ",")
    assert call("init", "Sales 2026.csv").exit_code == 2
    result = call("check", "sales_2026.yml")
    assert result.exit_code == 0, result.output
    assert "2,  accepted" in result.output.replace(" ", "").replace(
        "2accepted", "2,  accepted"
    )
    assert "2 customers" in result.output
    assert list(tmp_path.glob("reports")) == []


def test_init_says_what_it_cannot_tell(call, tmp_path):
    (tmp_path / "x.csv").write_text("foo,bar\n1,2\n")
    result = call("init", "x.csv")
    assert result.exit_code == 2
    assert all(
        word in result.output
        for word in ("customer_id", "order_date", "amount", "foo, bar")
    )
    assert list(tmp_path.glob("*.yml")) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "none.yml"],
        ["run", "none.yml"],
        ["sql", "none.yml", "--method", "rfm"],
        ["run", "none.yml", "-p", "nonsense"],
    ],
)
def test_bad_input_is_exit_2_and_one_message(call, tmp_path, arguments):
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("headers", "columns"),
    [
        (
            [
                "InvoiceNo",
                "StockCode",
                "Description",
                "Quantity",
                "InvoiceDate",
                "UnitPrice",
                "CustomerID",
                "Country",
            ],
            {
                "customer_id": "CustomerID",
                "order_id": "InvoiceNo",
                "order_date": "InvoiceDate",
                "amount": "Quantity * UnitPrice",
            },
        ),
        (
            ["customer_id", "date", "number_of_cds", "dollar_value"],
            {
                "customer_id": "customer_id",
                "order_date": "date",
                "amount": "dollar_value",
            },
        ),
        (
            ["Дата", "Клиент", "Номер заказа", "Сумма"],
            {
                "customer_id": "Клиент",
                "order_id": "Номер заказа",
                "order_date": "Дата",
                "amount": "Сумма",
            },
        ),
        (
            ["Data zamówienia", "Nr klienta", "Nr zamówienia", "Wartość"],
            {
                "customer_id": "Nr klienta",
                "order_id": "Nr zamówienia",
                "order_date": "Data zamówienia",
                "amount": "Wartość",
            },
        ),
        (
            ["Bestelldatum", "KundenNr", "Bestellnummer", "Umsatz"],
            {
                "customer_id": "KundenNr",
                "order_id": "Bestellnummer",
                "order_date": "Bestelldatum",
                "amount": "Umsatz",
            },
        ),
        (
            [
                "Order ID",
                "Order Date",
                "Customer Name",
                "Customer ID",
                "Sales",
                "Profit",
            ],
            {
                "customer_id": "Customer ID",
                "order_id": "Order ID",
                "order_date": "Order Date",
                "amount": "Sales",
                "margin": "Profit",
            },
        ),
    ],
)
def test_columns_are_guessed_in_four_languages(headers, columns):
    guessed = named(headers)
    assert {k: guessed.get(k) for k in columns} == columns


def test_headers_are_compared_as_words():
    assert {
        normal(h) for h in ("CustomerID", "customer_id", "Customer-Id", " customer id ")
    } == {"customer id"}


@pytest.mark.slow
def test_init_on_real_files(call, tmp_path):
    for parts, rows in (
        (("cdnow", "CDNOW_master.txt"), 69_659),
        (("rfm_orders", "rfm_data_orders.csv"), 4_906),
    ):
        assert call("init", dataset(*parts), "--out", "s.yml", "--force").exit_code == 0
        result = call("check", "s.yml")
        assert result.exit_code == 0, result.output
        assert f"orders: {rows:,} rows read" in result.output


def test_check_writes_rejects(call, tmp_path):
    (tmp_path / "o.csv").write_text(
        "customer_id,order_date,amount\na,2026-01-01,5\n,2026-01-02,6\n"
    )
    (tmp_path / "s.yml").write_text(
        yaml.safe_dump(
            {"name": "s", "tolerance": 0.5, "sources": {"orders": {"path": "o.csv"}}}
        )
    )
    assert call("check", "s.yml", "--rejected", "r.parquet").exit_code == 0
    assert pd.read_parquet(tmp_path / "r.parquet").reason.tolist() == ["no customer_id"]


def test_a_fault_of_the_program_is_a_sentence_and_exit_1(call, tmp_path, monkeypatch):
    def broken(*_):
        raise KeyError("oops")

    (tmp_path / "x.csv").write_text("customer_id,order_date,amount\na,2026-01-01,5\n")
    monkeypatch.setattr("segment_lab.data.guess.first_config", broken)
    result = call("init", "x.csv")
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert "KeyError: 'oops'" in result.output
    monkeypatch.setenv("SEGMENT_LAB_TRACEBACK", "1")
    assert isinstance(call("init", "x.csv").exception, KeyError)


def test_a_study_file_that_cannot_be_written_is_exit_2(call, tmp_path):
    (tmp_path / "x.csv").write_text("customer_id,order_date,amount\na,2026-01-01,5\n")
    result = call("init", "x.csv", "--out", "no/such/folder.yml")
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)


def test_check_tells_whom_a_campaign_is_not_measured_on(call, tmp_path):
    orders = "customer_id,order_date,amount\na,2026-01-01,5\nb,2026-01-02,6\nc,2026-01-03,7\na,2026-03-02,7\n"
    (tmp_path / "o.csv").write_text(orders)
    drawn = ["campaign_id,customer_id,segment,arm,assigned_on,ends_on"]
    arms = {
        "a": ["treatment", "holdout"],
        "b": ["holdout"],
        "c": ["treatment"],
        "z": ["holdout"],
    }
    for customer, arm in ((c, arm) for c in arms for arm in arms[c]):
        drawn.append(f"K1,{customer},A,{arm},2026-01-10,2026-02-10")
    (tmp_path / "k.csv").write_text("\n".join(drawn) + "\n")
    sources = {"orders": {"path": "o.csv"}, "campaigns": {"path": "k.csv"}}
    (tmp_path / "s.yml").write_text(yaml.safe_dump({"name": "s", "sources": sources}))
    told = call("check", "s.yml")
    assert told.exit_code == 0, told.output
    assert (
        "campaign K1: 1 in several arms, because ids were merged or written twice (a), "
        "1 in no table any more (z); set aside from its measurement" in told.output
    )


def test_a_reader_who_has_seen_enough_gets_no_error(call, monkeypatch, tmp_path):
    def closed(*_, **__):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("segment_lab.study.study.Study.from_yaml", closed)
    (tmp_path / "a.yml").write_text("name: a\n")
    result = call("check", "a.yml")
    assert (result.exit_code, result.output) == (1, "")
