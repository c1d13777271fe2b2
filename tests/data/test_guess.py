"""`init` on the exports that offices have: what is guessed, what is asked, and that the study then
reads the same."""

from __future__ import annotations

import gzip
from collections import Counter

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

import segment_lab as sl
from segment_lab.cli import main
from segment_lab.data.guess import amounts
from segment_lab.data.guess import columns as choose
from segment_lab.data.guess.facts import Facts, facts_of
from segment_lab.data.guess.layout import shape
from segment_lab.data.reading import Reading


@pytest.fixture
def first_study(tmp_path, monkeypatch):
    """Write a file, run `init` on it; the source it guessed, revenue by customer and what was
    printed."""
    monkeypatch.chdir(tmp_path)

    def make(name: str, content: str | bytes, *options: str, encoding: str = "utf-8"):
        (tmp_path / name).write_bytes(
            content if isinstance(content, bytes) else content.encode(encoding)
        )
        return begin(name, *options)

    def begin(name: str, *options: str):
        result = CliRunner().invoke(main, ["init", name, "--out", "s.yml", *options])
        assert result.exit_code == 0, result.output
        config = yaml.safe_load((tmp_path / "s.yml").read_text(encoding="utf-8"))
        customers = sl.Study.from_yaml("s.yml").customers()
        return config, customers.revenue.round(2).to_dict(), result.output

    make.begin = begin
    return make


PLAIN = "customer_id,order_date,amount\na,2026-01-31,5.50\nb,2026-02-01,6\n"


@pytest.mark.parametrize(
    ("name", "content", "encoding", "guessed", "revenue"),
    [
        (
            "sap.csv",
            "Auftraggeber;Fakturadatum;Faktura;Nettowert;Währg.\n007;31.01.2026;1;1.234,50;EUR\n"
            "8;01.02.2026;2;12.000;EUR\n9;01.02.2026;3;5,00-;EUR\n9;02.02.2026;4;50,00;EUR\n",
            "cp1252",
            {"encoding": "cp1252", "date_format": "%d.%m.%Y", "decimal": ","},
            {"007": 1234.5, "8": 12000, "9": 45},
        ),
        (
            "1c.csv",
            "Контрагент;Дата;Сумма\nООО Ромашка;31.01.2026 10:00:00;1\xa0234,50\nИванов;01.02.2026 9:05:00;5,00\n",
            "cp1251",
            {"encoding": "cp1251", "date_format": "%d.%m.%Y %H:%M:%S", "decimal": ","},
            {"ООО Ромашка": 1234.5, "Иванов": 5},
        ),
        (
            "faktury.csv",
            "Kontrahent;Data wystawienia;Wartość netto\nŻółć;31.01.2026;1 234,50 zł\nGęś;01.02.2026;5,00 zł\n",
            "cp1250",
            {"encoding": "cp1250", "date_format": "%d.%m.%Y", "decimal": ","},
            {"Żółć": 1234.5, "Gęś": 5},
        ),
        (
            "store.csv",
            'Order Date,Customer Name,Sales\n1/31/2026,"Müller, jr.","$1,234.50"\n2/1/2026,René,($5.00)\n'
            "2/2/2026,René,$50.00\n",
            "latin-1",
            {"encoding": "cp1252", "date_format": "%m/%d/%Y", "thousands": ","},
            {"Müller, jr.": 1234.5, "René": 45},
        ),
        ("bom.csv", PLAIN, "utf-8-sig", {}, {"a": 5.5, "b": 6}),
        ("wide.csv", PLAIN, "utf-16", {"encoding": "utf-16"}, {"a": 5.5, "b": 6}),
        (
            "titled.csv",
            "Sales of January\nprinted today, by us\n\n" + PLAIN,
            "utf-8",
            {"skip": 3},
            {"a": 5.5, "b": 6},
        ),
        (
            "sep.csv",
            "sep=;\n" + PLAIN.replace(",", ";"),
            "utf-8",
            {"skip": 1},
            {"a": 5.5, "b": 6},
        ),
        (
            "swiss.csv",
            "kunde;datum;betrag\na;31.12.2025;CHF 1'234.50\nb;01.01.2026;CHF 5.00\n",
            "utf-8",
            {"date_format": "%d.%m.%Y"},
            {"a": 1234.5, "b": 5},
        ),
        (
            "short.csv",
            PLAIN.replace("2026-01-31", "31.01.26").replace("2026-02-01", "01.02.26"),
            "utf-8",
            {"date_format": "%d.%m.%y"},
            {"a": 5.5, "b": 6},
        ),
        (
            "noon.csv",
            "buyer,date,total\na,1/31/2026 3:05 PM,5.50\nb,2/1/2026 11:00 AM,6\n",
            "utf-8",
            {"date_format": "%m/%d/%Y %I:%M %p"},
            {"a": 5.5, "b": 6},
        ),
        (
            "months.csv",
            "buyer,date,total\na,31-Jan-2026,5.50\nb,01-Feb-2026,6\n",
            "utf-8",
            {"date_format": "%d-%b-%Y"},
            {"a": 5.5, "b": 6},
        ),
        (
            "lines.jsonl",
            '{"customer_id":"a","order_date":"2026-01-31","amount":5.5}\n'
            '{"customer_id":"b","order_date":"2026-02-01","amount":6}\n',
            "utf-8",
            {},
            {"a": 5.5, "b": 6},
        ),
        (
            "posten.csv",
            "Kunde;Datum;Menge;Einzelpreis\na;31.01.2026;2;2,75\nb;01.02.2026;1;6,00\n",
            "utf-8",
            {"date_format": "%d.%m.%Y", "decimal": ","},
            {"a": 5.5, "b": 6},
        ),
    ],
)
def test_exports_are_read_as_they_are_meant(
    first_study, name, content, encoding, guessed, revenue
):
    config, got, _ = first_study(name, content, encoding=encoding)
    source = config["sources"]["orders"]
    assert {k: v for k, v in source.items() if k not in ("path", "columns")} == guessed
    assert got == revenue


def test_compressed_files_have_encodings_too(first_study):
    text = "Kunde;Datum;Betrag\nMüller;31.01.2026;5,50\n"
    config, got, _ = first_study("k.csv.gz", gzip.compress(text.encode("cp1252")))
    assert config["sources"]["orders"]["encoding"] == "cp1252"
    assert got == {"Müller": 5.5}


def test_workbooks_with_a_title_and_several_sheets(first_study, tmp_path):
    log = pd.DataFrame(
        {
            "Customer": ["a", "b"],
            "Order date": pd.to_datetime(["2026-01-31", "2026-02-01"]),
            "Revenue": [5.5, 6],
        }
    )
    with pd.ExcelWriter(tmp_path / "book.xlsx", engine="xlsxwriter") as book:
        pd.DataFrame({"Read me": ["first"]}).to_excel(
            book, sheet_name="Notes", index=False
        )
        for year in ("2025", "2026"):
            log.to_excel(book, sheet_name=year, index=False, startrow=2)
            book.sheets[year].write(0, 0, "Sales")
    config, got, output = first_study.begin("book.xlsx")
    source = config["sources"]["orders"]
    assert (source["sheet"], source["skip"]) == (["2025", "2026"], 2)
    assert got == {"a": 11, "b": 12}
    assert "sheets that are not read: Notes" in output


def test_what_only_a_person_can_decide_is_asked(first_study, tmp_path):
    rows = "".join(
        f"0,{i},2026-01-{i % 12 + 1:02},5,EUR,{'paid' if i % 4 else 'refunded'}\n"
        for i in range(30)
    )
    text = (
        "user_id,order_id,order_date,total,currency,status\n"
        + rows
        + "a,90,2026-01-02,6,USD,paid\n"
        "b,91,2026-01-03,7,EUR,paid\n"
    )
    config, got, output = first_study("shop.csv", text)
    assert config["currency"] == "EUR"
    # An order that was refunded in full brought nothing, and no column says how much went back.
    where = "status = 'paid' AND currency = 'EUR'"
    assert config["sources"]["orders"]["where"] == where
    assert got == {"0": 110, "b": 7}
    for question in (
        "paid (24) count as sales; refunded (8) do not",
        "EUR (31), USD (1): only EUR is read",
        "nulls: ['0']",
    ):
        assert question in output
        assert question in (tmp_path / "s.yml").read_text(encoding="utf-8")


def test_two_readings_of_a_date_are_written_with_a_remark(first_study):
    _, _, output = first_study(
        "d.csv", "customer_id,order_date,amount\na,01/02/2026,5\nb,03/04/2026,6\n"
    )
    assert "fit %d/%m/%Y and %m/%d/%Y alike" in output
    assert "date_format: '%m/%d/%Y'" in output


@pytest.mark.parametrize(
    ("headers", "row", "use"),
    [
        (
            "customerID,tenure,Contract,MonthlyCharges,Churn",
            "A-1,{i},Year,{i}.5,No",
            "customer_id: customerID",
        ),
        ("Prospect ID,Lead Source,Converted", "P{i},Google,1", "configs/leads.yml"),
        ("Channel,Region,Fresh,Milk", "1,3,{i}00,{i}0", "stand beside no other table"),
    ],
)
def test_a_table_without_any_day_is_told_what_it_is_good_for(
    tmp_path, monkeypatch, headers, row, use
):
    monkeypatch.chdir(tmp_path)
    rows = [row.format(i=i) for i in range(30)]
    (tmp_path / "t.csv").write_text("\n".join([headers, *rows]), "utf-8")
    result = CliRunner().invoke(main, ["init", "t.csv"])
    assert result.exit_code == 2
    assert "no column holds a day" in result.output
    assert use in result.output
    assert "For segments the orders are missing" in result.output


def test_a_column_that_cannot_be_told_can_be_said(first_study):
    text = "who,when_bought,price,pieces\na,2026-01-31,5.50,2\n"
    result = CliRunner().invoke(main, ["init", "none.csv"])
    assert result.exit_code == 2
    _, got, _ = first_study(
        "w.csv",
        text,
        "-c",
        "customer_id=who",
        "-c",
        "order_date=when_bought",
        "-c",
        "amount=price * pieces",
    )
    assert got == {"a": 11}
    _, got, _ = first_study(
        "e.csv",
        text,
        "--force",
        "-c",
        "customer_id=upper(who)",
        "-c",
        "order_date=when_bought",
        "-c",
        "amount=price",
    )
    assert got == {"A": 5.5}
    asked = ["init", "w.csv", "--out", "n.yml", "-c", "customer_id=whoo"]
    strange = CliRunner().invoke(main, asked)
    assert strange.exit_code == 2
    assert "no column whoo" in strange.output
    assert "did you mean 'who'?" in strange.output
    assert (
        CliRunner()
        .invoke(
            main, ["init", "w.csv", "--force", "--out", "t.yml", "-c", "custmer=who"]
        )
        .exit_code
        == 2
    )


@pytest.mark.parametrize(
    "name",
    ["zero.csv", "half.xlsx", "half.parquet", "half.csv.gz", "bad.jsonl", "empty.json"],
)
def test_a_file_that_is_no_table_is_one_sentence(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(
        b"" if name.startswith(("zero", "empty")) else b"PK\x03\x04 no table \x00\xff"
    )
    result = CliRunner().invoke(main, ["init", name])
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert list(tmp_path.glob("*.yml")) == []


def test_a_compressed_file_without_its_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i * 7919 % 1009},2026-01-{i % 28 + 1},{i}\n" for i in range(9999))
    text = f"customer_id,order_date,amount\n{rows}"
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(text.encode())[:20_000])
    result = CliRunner().invoke(main, ["init", "cut.csv.gz"])
    assert result.exit_code == 2
    assert not (tmp_path / "cut.yml").exists()
    assert "ended before" in result.output


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234,567", 1234567),
        ("1,5", None),
        ("1,2345", None),
        ("-$5.00", -5),
        ("($5.00)", -5),
        ("5.00-", -5),
        ("−5", -5),
        ("5 EUR", 5),
        ("1 234.50 zł", 1234.5),
        ("R$ 5.00", 5),
        ("12 34", None),
        ("abc5", None),
        ("SKU12", None),
        ("()", None),
        ("-", None),
        ("€", None),
        ("1e3", 1000),
    ],
)
def test_numbers_as_offices_write_them(text, number):
    import ibis

    table = ibis.memtable({"v": [text]})
    value = (
        table.select(n=Reading(thousands=",").number(table.v))
        .to_pyarrow()["n"][0]
        .as_py()
    )
    assert value == number


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "00004,19970101,2,29.33\n00004,19970118,2,29.73\n",
            ("has no header", "header: [customer_id"),
        ),
        (
            "order_id,status\n1,x\n",
            ("-c customer_id=COLUMN", "order_id, status", "docs/own_data.md"),
        ),
        (
            "user,date\n1,2026-01-01\n",
            ("segment-lab init 'my files/x.csv' -c", "-c amount=1 counts the lines"),
        ),
        (
            "ID,frequency,recency,T\n1,2,30.4,38.9\n",
            ("no order log", "these are customers summed up already"),
        ),
    ],
)
def test_the_message_says_how_to_go_on(tmp_path, monkeypatch, text, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my files").mkdir()
    (tmp_path / "my files" / "x.csv").write_text(text)
    result = CliRunner().invoke(main, ["init", "my files/x.csv"])
    assert result.exit_code == 2
    assert all(word in result.output for word in words)


def test_customers_summed_up_become_a_table_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text(
        "Client,Last order date,Number of orders,Total spent,Region\n"
        "A,2026-01-01,3,30.50,North\nB,2026-02-01,1,8.00,South\nC,,0,0,South\n"
    )
    result = CliRunner().invoke(main, ["init", "x.csv"])
    assert result.exit_code == 0
    assert "2 customers, 4 orders, 38.50, last day 2026-02-01" in result.output
    assert "Last order date is empty in 1 row" in result.output


def test_of_an_event_log_purchases_are_left_in(first_study):
    rows = "".join(f"u{i % 3},view{i},2026-01-{i + 1:02}\n" for i in range(20))
    _, got, output = first_study(
        "log.csv",
        "user_id,event,timestamp\n" + rows + "u1,Purchase,2026-01-31\n",
        "-c",
        "amount=1",
    )
    assert (
        "event is one of 21 things that happened: only Purchase counts as a sale"
        in output
    )
    assert "where: event = 'Purchase'" in output
    assert got == {"u1": 1}


def test_weeks_since_a_start_are_days_of_a_calendar_that_is_made_up(first_study):
    text = "donor,week,gift\na,1,5\na,3,5\nb,2,6\n"
    config, got, output = first_study("weeks.csv", text, "-c", "order_date=week")
    assert (config["sources"]["orders"]["date_format"], got) == (
        "counted",
        {"a": 10, "b": 6},
    )
    assert "order_date: 7 * week" in output
    (source := config["sources"]["orders"])["columns"]["order_date"] = "7 * week"
    customers = sl.customer_table(source.pop("path"), **source)
    assert customers["gap_days"].dropna().to_dict() == {"a": 14}


def test_invoices_are_recognised_and_can_be_read_as_orders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "Invoice No,Customer,Invoice Date,Due Date,Amount\n1,a,2026-01-01,2026-01-31,5\n"
    (tmp_path / "i.csv").write_text(text)
    result = CliRunner().invoke(main, ["init", "i.csv"])
    assert "1 document, 5.00 in all" in result.output
    assert list(yaml.safe_load((tmp_path / "i.yml").read_text())["sources"]) == [
        "invoices"
    ]
    CliRunner().invoke(
        main, ["init", "i.csv", "--force", "-c", "order_date=Invoice Date"]
    )
    assert list(yaml.safe_load((tmp_path / "i.yml").read_text())["sources"]) == [
        "orders"
    ]


# Siblings of the corpus: other words, other languages
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "revenue"),
    [
        pytest.param(  # the total of an order on each of its lines
            "Nr zamówienia;Data;Klient;Towar;Suma zamówienia\n1;01.02.2026;A;x;100,00\n"
            "1;01.02.2026;A;y;100,00\n2;13.02.2026;B;x;50,00\n3;14.02.2026;A;x;70,00\n"
            "3;14.02.2026;A;z;70,00\n",
            {"A": 170, "B": 50},
            id="order total, pl",
        ),
        pytest.param(
            "Auftragsnr;Datum;Kunde;Artikel;Gesamtbetrag\n"
            + "".join(f"1;13.02.2026;K;a{i};100,00\n" for i in (0, 1)),
            None,
            id="one order, asked",
        ),
        pytest.param(  # refunds beside the amount
            "Заказ;Дата;Покупатель;Сумма;Сумма возврата\n1;01.02.2026;А;100;0\n2;14.02.2026;Б;80;30\n",
            {"А": 100, "Б": 50},
            id="refund column, ru",
        ),
        pytest.param(
            "Bestellnr;Datum;Kunde;Betrag;Erstattung\n1;01.02.2026;A;100,00;0,00\n"
            "2;14.02.2026;B;80,00;30,00\n",
            {"A": 100, "B": 50},
            id="refund column, de",
        ),
        pytest.param(  # statuses
            "Nr;Klient;Data;Kwota;Status\n1;A;01.02.2026;10,00;Zrealizowane\n"
            "2;B;14.02.2026;20,00;Anulowane\n3;A;15.02.2026;30,00;Zrealizowane\n",
            {"A": 40},
            id="status, pl",
        ),
        pytest.param(
            "Nr;Kunde;Datum;Betrag;Status\n1;A;01.02.2026;10,00;Gewonnen\n"
            "2;B;14.02.2026;20,00;Verloren\n3;A;15.02.2026;30,00;Angebot\n",
            {"A": 10},
            id="status, de",
        ),
        pytest.param(  # totals
            "Kunde;Datum;Betrag\nA;01.02.2026;10,00\nA;14.02.2026;20,00\nSumme A;28.02.2026;30,00\n"
            "B;15.02.2026;5,00\nSumme B;28.02.2026;5,00\nGesamtsumme;28.02.2026;35,00\n",
            {"A": 30, "B": 5},
            id="totals, de",
        ),
        pytest.param(
            "Klient,Data,Kwota\nTotal Energies,2026-02-01,10\nB,2026-02-02,5\nRazem,2026-02-28,15\n",
            {"B": 5, "Total Energies": 10},
            id="a customer called Total",
        ),
        pytest.param(  # the customer is no record
            "ID,Firma,Wartość,Data zamknięcia\n7,Alfa,10,2026-02-01\n8,Beta,5,2026-02-02\n"
            "9,Alfa,20,2026-02-03\n",
            {"Alfa": 30, "Beta": 5},
            id="company, pl",
        ),
        pytest.param(
            "cust_id,spend,sales_agent,date\n1,10,Ann,2026-02-01\n2,20,Bob,2026-02-02\n",
            {"1": 10, "2": 20},
            id="an agent is no amount",
        ),
        pytest.param(  # customers above their documents
            "Sales;;\n;;\nКонтрагент;Количество;Сумма\nООО А;2;30\nСчёт 1 от 01.02.2026;1;10\n"
            "Счёт 2 от 14.02.2026;1;20\nООО Б;1;5\nСчёт 3 от 15.02.2026;1;5\nВсего;3;35\n",
            {"ООО А": 30, "ООО Б": 5},
            id="tree",
        ),
        pytest.param(  # every line sells one piece
            "Client,Order,Date,Quantity,Unit price\nA,1,2026-02-01,1,10\nA,1,2026-02-01,1,5\n"
            "B,2,2026-02-02,1,7\nB,2,2026-02-02,1,8\nA,3,2026-02-03,1,1\nA,3,2026-02-03,1,2\n",
            {"A": 18, "B": 15},
            id="one piece a line",
        ),
        pytest.param(  # e-mails before half-empty ids
            "Order No,Cust ID,Email,Date,Total\n1,,a@x.example,2026-02-01,10\n"
            "2,77,b@x.example,2026-02-02,20\n3,,A@x.example,2026-02-03,5\n",
            {"a@x.example": 15, "b@x.example": 20},
            id="e-mail",
        ),
    ],
)
def test_siblings_of_the_corpus(first_study, text, revenue):
    config, got, output = first_study("sibling.csv", text)
    if revenue is None:
        assert "amount_per: order" in output
        assert "amount_per" not in config["sources"]["orders"]
    else:
        assert got == revenue


def test_a_cell_can_set_nothing(first_study, tmp_path):
    evil = "x\nreturns: drop\n"
    text = f'"Customer\nreturns: drop","Date","Amount","Status: {{"\n"{evil}",2026-01-01,5,"a: [b"\n'
    text += f'"{evil}",2026-01-02,6,"paid"\nB,2026-01-03,6,"}} # c"\n'
    config, got, _ = first_study("evil.csv", text)
    assert set(config) == {
        "name",
        "title",
        "currency",
        "timezone",
        "sources",
        "methods",
    }
    assert list(got.values()) == [6]  # the one that was paid


def test_monthly_files_in_a_folder_are_one_log(first_study, tmp_path):
    (tmp_path / "months").mkdir()
    for month in (1, 2):
        text = f"Kunde;Datum;Betrag\nA;14.{month:02}.2026;5,50\n"
        (tmp_path / "months" / f"m{month}.csv").write_text(text)
    config, got, _ = first_study.begin("months")
    assert (config["name"], config["sources"]["orders"]["path"]) == (
        "months",
        "months/*.csv",
    )
    assert got == {"A": 11}
    config, got, _ = first_study.begin("months/m*.csv", "--force")
    assert got == {"A": 11}


def test_ids_that_differ_in_writing_are_remarked_on_with_their_share(first_study):
    text = "customer,date,amount\n007,2026-01-01,30\n7,2026-01-02,20\n8,2026-01-03,50\n"
    _, got, output = first_study("zeros.csv", text)
    assert got == {"007": 30, "7": 20, "8": 50}
    line = "customer_id: regexp_replace(customer, '^0+([0-9])', '\\1')"
    assert "2 customer ids differ in leading zeros alone" in output
    assert "50% of the revenue" in output
    assert line in output


def test_no_cell_of_many_columns_is_read_twice_for_one_question(monkeypatch):
    asked = Counter()
    share = Facts._share

    def counted(self, pattern):
        asked[self.name, pattern] += 1
        return share(self, pattern)

    monkeypatch.setattr(Facts, "_share", counted)
    header = ",".join(
        ["customer_id", "date", "amount", *(f"c{i}" for i in range(2000))]
    )
    row = ",".join(["A", "2026-01-01", "5", *("x" for _ in range(2000))])
    frame = pd.DataFrame([row.split(",")] * 50, columns=header.split(","))
    columns, _ = facts_of(frame)
    assert choose.order_date(columns) == "date"
    assert amounts.amount(columns).expression == "amount"
    assert choose.customer(columns).expression == "customer_id"
    assert 0 < len(asked) < 20  # of the columns whose names say nothing, none
    assert set(asked.values()) == {1}


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("initials.csv", "customer;date;amount\nА. Б.;31.01.2026;5\n", "cp1251"),
        ("alt.csv", "Клиент;Дата;Сумма\nПетрова Анна;31.01.2026;5\n", "cp866"),
        ("koi.csv", "Клиент;Дата;Сумма\nПетрова Анна;31.01.2026;5\n", "koi8-r"),
    ],
)
def test_old_code_pages_and_single_letters_are_told_apart(
    name, text, encoding, tmp_path
):
    (tmp_path / name).write_text(text, encoding=encoding)
    assert shape(tmp_path / name)[0]["encoding"] == encoding


def test_a_row_without_an_amount_is_no_row_of_another_currency(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"c{i},{i},2026-01-{i + 1:02},EUR {i + 10}.00" for i in range(20)]
    rows += ["c20,20,2026-02-01,$50.00", "c21,21,2026-02-02,"]
    head = "customer,order,date,amount"
    (tmp_path / "o.csv").write_text("\n".join([head, *rows]) + "\n")
    result = CliRunner().invoke(main, ["init", "o.csv", "--out", "s.yml"])
    assert result.exit_code == 0, result.output
    intake = sl.Study.from_yaml("s.yml").intake("orders")
    assert intake.left_out == 1
    assert intake.counts.to_dict() == {"accepted": 20, "no amount": 1}


def test_euro_signs_alone_are_windows():
    from segment_lab.data.encodings import encoding_of

    line = "02.01.25;B0;Anna Berg;1.419,34 €;269,67 €\n"
    assert encoding_of(line.encode("cp1252") * 3) == "cp1252"
    mixed = "Müller;5,00 €\n"
    assert encoding_of(mixed.encode("cp1252") * 3) == "cp1252"


def test_texts_without_a_day_beside_months_in_words_are_no_crash():
    import pandas as pd

    from segment_lab.data import embedded
    from segment_lab.data.months import day_in_words

    table = embedded.connect().create_table(
        "days", pd.DataFrame({"day": ["5 May 2025", "Total", None]})
    )
    days = table.select(found=day_in_words(table.day)).to_pandas()["found"]
    assert days.notna().tolist() == [True, False, False]


def test_lines_and_their_total_beneath_each_other_count_once():
    import pandas as pd

    from segment_lab.data.guess.amounts import Amount
    from segment_lab.data.guess.facts import facts_of
    from segment_lab.data.guess.repeats import said_again

    rows = []
    for order in range(5):
        rows += [
            (order, "Sale", "30"),
            (order, "Line", "10"),
            (order, "Line", "20"),
            (order, "Payment", None),
        ]
    frame = pd.DataFrame(rows, columns=["order", "kind", "amount"]).astype("str")
    columns, frame = facts_of(frame.where(frame != "None"))
    found = said_again(columns, frame, "order", [], Amount("amount", ("amount",)))
    assert found is not None
    assert (found.column, found.kept) == ("kind", ("Line",))
    assert found.condition == "kind = 'Line'"
    # Sales and returns of the same size are no repetition.
    returns = frame.assign(kind=frame.kind.replace("Sale", "Return"))
    returns.loc[returns.kind == "Return", "amount"] = "-30"
    columns, returns = facts_of(returns)
    assert (
        said_again(columns, returns, "order", [], Amount("amount", ("amount",))) is None
    )
