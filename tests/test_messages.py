"""What bad input is told: each fault with its place and what to do, exit code 2, nothing written."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

import segment_lab as sl
from segment_lab import texts
from segment_lab.cli import main
from segment_lab.data import embedded
from segment_lab.errors import ConfigError, DataError
from segment_lab.render.catalog import prepare

ENTRY = {
    "action": "Call",
    "kind": "call",
    "channel": "call",
    "kpi": "orders",
    "guardrail": "complaints",
    "rationale": "why not",
    "source": "ours",
    "assumption": "it works",
}


@pytest.fixture
def study_file(tmp_path):
    """A study of 40 orders; keywords change its file."""
    rows = [(f"c{i % 7}", f"2026-01-{10 + i % 19}", float(i)) for i in range(1, 41)]
    orders = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    orders.to_csv(tmp_path / "orders.csv", index=False)

    def written(source=None, **settings):
        orders = {"path": "orders.csv", **(source or {})}
        data = {"name": "a", "sources": {"orders": orders}} | settings
        (tmp_path / "study.yml").write_text(yaml.safe_dump(data))
        return tmp_path / "study.yml"

    return written


def told(path) -> str:
    ended = CliRunner().invoke(main, ["check", str(path)])
    assert ended.exit_code == 2, ended.output
    return ended.output


def test_yaml_that_cannot_be_read_names_line_and_column(tmp_path):
    path = tmp_path / "study.yml"
    path.write_text("name: a\nsources:\n  orders: {path: x.csv\n  customers: [")
    assert "(line 4, column 12)" in told(path)


def test_missing_files_are_named_by_table_all_at_once(study_file):
    sources = {
        name: {"path": f"{name}.csv"} for name in ("customers", "invoices", "leads")
    }
    path = study_file(sources=sources)
    for said in (told(path), _prepared(path)):
        assert all(f"{name}: " in said for name in sources)


def test_an_unknown_table_is_named_beside_the_other_faults(study_file):
    path = study_file(
        timezone="Nowhere", window={"days": -1}, sources={"order": {"path": "x"}}
    )
    said = told(path)
    assert "did you mean 'orders'" in said
    assert "Nowhere" in said
    assert "window.days" in said


def test_a_condition_that_leaves_nothing_out_of_a_full_file_is_named(study_file):
    said = told(study_file({"where": "amount > 1000"}))
    assert "amount > 1000 leaves out all 40 rows" in said


def test_a_sheet_of_a_file_that_has_none_is_refused(study_file):
    assert "drop the line 'sheet:'" in told(study_file({"sheet": "2025"}))


@pytest.mark.parametrize("name", ["MEMORY_LIMIT", "THREADS"])
def test_limits_that_are_none_are_bad_input(name, monkeypatch):
    monkeypatch.setenv(f"SEGMENT_LAB_{name}", "lots")
    with pytest.raises(ConfigError, match=f"SEGMENT_LAB_{name}=lots"):
        embedded.connect()


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (None, "cannot be read"),
        ([{"segment": "A", "action": "x"}], "entry 1 .A.: kpi"),
        ([{"segment": "Nobody", **ENTRY}], "Nobody"),
    ],
)
def test_an_unfit_playbook_stops_the_run_before_a_report_is_begun(
    study_file, tmp_path, entries, said
):
    path = study_file(
        methods=["abc"], strategy={"playbook": "playbook.yml", "margin_rate": 0.3}
    )
    if entries:
        (tmp_path / "playbook.yml").write_text(yaml.safe_dump(entries))
    with pytest.raises(ConfigError, match=said):
        prepare(str(path), None, {})


def test_assign_advises_no_option_that_it_lacks(study_file, tmp_path):
    rule = {"name": "near", "when": "region = 'north'"}
    path = study_file(methods={"rules": {"rules": [rule], "otherwise": "far"}})
    with pytest.raises((ConfigError, DataError)) as caught:
        sl.Study.from_yaml(path).assign("rules", tmp_path / "out.parquet")
    assert "source=" not in str(caught.value)


def _prepared(path) -> str:
    with pytest.raises(DataError) as caught:
        prepare(str(path), None, {})
    return str(caught.value)


def test_faults_are_told_in_the_language_of_the_study_file(tmp_path):
    lines = "klient,data,kwota\na,2025-01-03,5\nb,2025-02-30,7\nc,2025-03-02,x\n"
    (tmp_path / "o.csv").write_text(lines, "utf-8")
    columns = "{customer_id: klient, order_date: data, amount: kwota}"
    source = f"{{path: o.csv, columns: {columns}}}"
    rows = f"name: shop\nlang: pl\nsources: {{orders: {source}}}\n"
    keys = "name: shop\nlang: [ru, pl]\nreturns: neto\nsorces: {}\n"

    def said(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, "utf-8")
        with texts.speaking("en"):  # of this test alone
            return told(tmp_path / name)

    of_rows, of_keys = said("rows.yml", rows), said("keys.yml", keys)
    assert "nieczytelne order_date (1 wiersz); na przykład '2025-02-30'" in of_rows
    assert "Ошибка: " in of_keys
    assert "неизвестный ключ; возможно, 'sources'? Верные имена: name," in of_keys
    assert "returns: допустимо: 'net' или 'drop', получено 'neto'" in of_keys
    assert "Field" not in of_keys
    assert texts.language() == "en"
