"""Wide, odd or damaged input, bounded and told in words: through `init` and a whole study."""

from __future__ import annotations

import csv
import os
import pickle
import subprocess
import sys

import pandas as pd
import pytest
import xlsxwriter
from click.testing import CliRunner

import segment_lab as sl
from segment_lab.cli import main
from segment_lab.data.files import write_csv
from segment_lab.data.guess import opening
from segment_lab.errors import ConfigError, DataError

LINES = [
    f"o{i},k{i % 40},2025-{1 + i % 9:02d}-{1 + i % 28:02d},{10 + i % 30}.50"
    for i in range(300)
]
HEAD = "order_id,customer_id,order_date,amount"
ORDERS = "\n".join([HEAD, *LINES]) + "\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text(ORDERS)
    return tmp_path


def study(folder, source="", rest=""):
    text = f"name: s\nsources:\n  orders: {{path: orders.csv{source}}}\n{rest}"
    (folder / "study.yml").write_text(text)
    return sl.Study.from_yaml(folder / "study.yml")


def init(*arguments):
    return CliRunner().invoke(main, ["init", *map(str, arguments)])


def test_init_of_two_thousand_columns_asks_of_two_hundred(folder, monkeypatch):
    seen, look = [], opening.look

    def looked(table):
        seen.append(len(table.columns))
        return look(table)

    monkeypatch.setattr(opening, "look", looked)
    more = [f"c{i}" for i in range(1996)]
    rows = [[*line.split(","), *(str(len(c)) for c in more)] for line in LINES]
    with (folder / "wide.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[*HEAD.split(","), *more], *rows])
    done = init("wide.csv", "--out", "wide.yml")
    assert done.exit_code == 0, done.output
    assert seen == [200]
    assert "customer_id  ← customer_id" in done.output
    assert "2,000 columns: 200 were looked at" in done.output


def test_a_telling_name_among_thousands_is_found(folder):
    more = [f"c{i}" for i in range(300)]
    head = ",".join([*more, HEAD])
    blank = "," * len(more)
    rows = "\n".join(f"{blank}{line}" for line in LINES)
    (folder / "wide.csv").write_text(f"{head}\n{rows}\n")
    done = init("wide.csv", "--out", "wide.yml")
    assert done.exit_code == 0, done.output
    assert "amount       ← amount" in done.output


def test_a_pipe_is_refused_at_once(folder):
    os.mkfifo(folder / "pipe.csv")
    done = init("pipe.csv")
    assert done.exit_code == 2
    assert "is a pipe or a device" in done.output


def test_a_cell_at_the_far_end_of_a_sheet_is_refused(folder):
    # In a process of its own: without the guard the reader ends it.
    book = xlsxwriter.Workbook(folder / "far.xlsx")
    sheet = book.add_worksheet()
    for row, line in enumerate([HEAD, *LINES[:40]]):
        sheet.write_row(row, 0, line.split(","))
    sheet.write(1_048_575, 16_383, 1)
    book.close()
    command = [sys.executable, "-m", "segment_lab", "init", "far.xlsx"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "1,048,576" in done.stderr


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "Factory", "../x", "/etc"])
def test_a_zone_that_is_no_place_is_refused(folder, zone):
    with pytest.raises(ConfigError, match="is no time zone"):
        study(folder, rest=f"timezone: {zone}\n")


@pytest.mark.parametrize("layout", ["%Y-%m-%d %", '"; DROP', "5", "%H", "%z", "%Y%Y"])
def test_an_odd_layout_of_dates_is_refused(folder, layout):
    with pytest.raises((ConfigError, DataError), match=r"layout of dates|unreadable"):
        study(folder, source=f", date_format: '{layout}'").customers()


@pytest.mark.parametrize("columns", ["customer_id: null", "customer_id: 'NULL'"])
def test_orders_of_nobody_are_refused(folder, columns):
    with pytest.raises(DataError, match="customer_id"):
        study(folder, source=f", columns: {{{columns}}}").customers()


@pytest.mark.parametrize(
    "deep", ["[" * 3000 + "]" * 3000, "{a: " * 900 + "1" + "}" * 900]
)
def test_a_deep_study_file_is_refused(folder, deep):
    with pytest.raises(ConfigError, match="nested too deeply"):
        study(folder, rest=f"x: {deep}\n")


def test_accounts_may_call_their_columns_as_the_package_does(folder):
    names = ["reason", "first_order", "last_order", "frequency", "recency"]
    rows = "\n".join(f"k{i},why,x,y,z,9" for i in range(40))
    head = ",".join(["customer_id", *names])
    (folder / "accounts.csv").write_text(f"{head}\n{rows}\n")
    alone = study(folder).customers()
    both = study(folder, rest="  customers: {path: accounts.csv}\n").customers()
    assert both["account_reason"].unique().tolist() == ["why"]
    pd.testing.assert_frame_equal(both[list(alone)], alone)
    taken = study(folder, rest="  customers: {path: accounts.csv}\n").intake(
        "customers"
    )
    said = " ".join(taken.remarks())
    assert "first_order, last_order and frequency are left out" in said
    assert "reason goes by the name account_reason" in said
    named = "columns: {their_first_order: first_order}"
    kept = study(folder, rest=f"  customers: {{path: accounts.csv, {named}}}\n")
    assert kept.customers()["their_first_order"].unique().tolist() == ["x"]
    assert "first_order" not in kept.intake("customers").remarks()[0]


def test_accounts_may_have_a_state_and_forecasts_of_their_own(folder):
    rows = "\n".join(f"k{i},Ohio,5" for i in range(40))
    (folder / "accounts.csv").write_text(f"customer_id,state,expected_orders\n{rows}\n")
    both = study(folder, rest="  customers: {path: accounts.csv}\n")
    known = both.customers(predict=True)
    assert known["account_state"].unique().tolist() == ["Ohio"]
    assert "Ohio" not in set(known["state"])
    assert any(
        "account_state" in remark for remark in both.intake("customers").remarks()
    )


def damaged(content: bytes) -> dict[str, bytes]:
    middle = b"\0" * (len(content) - 8)
    return {
        "empty": b"",
        "half": content[: len(content) // 2],
        "noise": b"\x80\x04abc." * 40,
        "another object": pickle.dumps([1]),
        "zeros between good ends": content[:4] + middle + content[-4:],
    }


@pytest.mark.parametrize("fault", damaged(b"12345678"))
def test_a_damaged_cache_is_made_anew(folder, fault):
    whole = study(folder).customers()
    kept = [path for path in (folder / "cache").iterdir() if path.is_file()]
    assert {".parquet", ".memory"} <= {path.suffix for path in kept}
    for path in kept:
        path.write_bytes(damaged(path.read_bytes())[fault])
    pd.testing.assert_frame_equal(study(folder).customers(), whole)


def test_a_file_in_place_of_the_home_folder_is_one_line(folder, monkeypatch):
    (folder / "home").write_text("")
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(folder / "home" / "cache"))
    with pytest.raises(ConfigError) as caught:
        study(folder).customers()
    assert len(str(caught.value).splitlines()) == 1


def test_no_cell_of_a_list_falls_apart_in_a_spreadsheet(tmp_path):
    texts = ["a\r=1+1", "b;=1+1", "c\t=1+1", "d"]
    write_csv(pd.DataFrame({"id": texts, "n": [1.5, 2, 3, 4]}), tmp_path / "x.csv")
    raw = (tmp_path / "x.csv").read_bytes()
    for text in texts:
        assert f'"{text}"'.encode() in raw
    with (tmp_path / "x.csv").open(newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["id", *texts]
