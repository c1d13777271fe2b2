"""Every snippet of README and docs holds to the letter: study files and playbooks are valid, commands
and their options exist, tables can be read, Python runs."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd
import pytest
import yaml

import segment_lab as sl
from segment_lab.act.playbook import Playbook
from segment_lab.cli import main
from segment_lab.study.config import StudyConfig, merge, validate

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LEAST = {"name": "snippet", "sources": {"orders": {"path": "orders.csv"}}}
#: Snippets that no test runs, by a part of them.
NOT_RUN = {
    "airflow": "needs Airflow; its command line is checked below",
    "spark-submit": "tests/warehouse/test_spark.py runs it",
    "run_study": "tests/warehouse/test_spark.py runs it",
}


class Snippet(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str


def snippets() -> list[Snippet]:
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
            line = text[: match.start()].count("\n") + 1
            found.append(Snippet(page.name, line, match[1], match[2]))
    return found


def those(*languages: str) -> pytest.MarkDecorator:
    found = [s for s in snippets() if s.language in languages]
    return pytest.mark.parametrize(
        "snippet", found, ids=[f"{s.page}:{s.line}" for s in found]
    )


def not_run(snippet: Snippet) -> str | None:
    return next((why for part, why in NOT_RUN.items() if part in snippet.text), None)


@those("yaml")
def test_yaml_is_a_valid_study_file_or_playbook(snippet):
    data = yaml.safe_load(snippet.text)
    if isinstance(data, list):
        assert Playbook.from_data(data).entries
    elif "jobs" in data:  # a workflow of GitHub: its commands are checked below
        assert data["permissions"] == {"contents": "read"}
    else:
        study = data if "orders" in data.get("sources", {}) else merge(LEAST, data)
        validate(
            StudyConfig, {"name": "snippet", **study}, f"{snippet.page}:{snippet.line}"
        )


def commands() -> list[tuple[str, str]]:
    """Every `segment-lab …` of the pages, from blocks and from running text."""
    end = re.compile(r"\s(?:#|>|2>|\|\||&&|→)|\",$|[`\n]")
    found = set()
    for page in PAGES:
        for text in page.read_text("utf-8").split("segment-lab ")[1:]:
            command = end.split(text.partition("\n")[0])[0].strip().rstrip(",")
            command = command if command.count('"') % 2 == 0 else command.rstrip('"')
            found.add((page.name, command))
    return sorted(found)


@pytest.mark.parametrize(("page", "text"), commands())
def test_every_command_and_option_exists(page, text):
    if text.startswith("-"):
        pytest.skip(
            "a service or an image of this name, with options of another program"
        )
    name, *arguments = shlex.split(text)
    assert name in main.commands
    command = main.commands[name]
    known = {option for p in command.params for option in p.opts}
    assert [
        a for a in arguments if a.startswith("-") and a.split("=")[0] not in known
    ] == []
    if (
        any(isinstance(p, click.Argument) for p in command.params)
        and len(arguments) > 1
    ):
        command.make_context(name, list(arguments), resilient_parsing=True)


def test_the_commands_were_found():
    assert {text.split()[0] for _, text in commands()} >= {
        "init",
        "check",
        "run",
        "sql",
        "assign",
    }


@those("")
def test_tables_can_be_read(snippet, tmp_path):
    header = snippet.text.partition("\n")[0]
    if not header.startswith("campaign_id,"):
        pytest.skip("no table")
    (tmp_path / "campaigns.csv").write_text(snippet.text)
    customers = [row.split(",")[1] for row in snippet.text.splitlines()[1:]]
    days = ["2026-06-01", "2026-07-10", "2026-09-20"]
    orders = [(c, day, 10) for c in customers for day in days]
    frame = pd.DataFrame(orders, columns=["customer_id", "order_date", "amount"])
    frame.to_csv(tmp_path / "orders.csv", index=False)
    study = merge(LEAST, {"sources": {"campaigns": {"path": "campaigns.csv"}}})
    (tmp_path / "study.yml").write_text(yaml.safe_dump(study))
    intakes = sl.Study.from_yaml(tmp_path / "study.yml").check()
    assert {i.name: int(i.counts["accepted"]) for i in intakes}["campaigns"] == len(
        customers
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """What the pages speak of, under the names they give it."""
    for name in ("data", "configs", "notebooks"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "sample").symlink_to(ROOT / "data" / "sample")
    sample = (ROOT / "configs" / "sample.yml").read_text("utf-8")
    (tmp_path / "configs" / "sample.yml").write_text(sample)
    (tmp_path / "configs" / "mycompany.yml").write_text(sample)
    names = {
        "quantity": "Quantity",
        "customer_id": "CustomerID",
        "order_id": "InvoiceNo",
        "order_date": "InvoiceDate",
    }
    lines = pd.read_csv(ROOT / "data" / "sample" / "orders.csv", dtype=str, nrows=3000)
    lines = lines.rename(columns=names).assign(UnitPrice=9.5)
    lines.to_csv(tmp_path / "sales.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.timeout(900)  # one snippet compares every scheme of the sample
@those("python")
def test_python_runs(snippet, folder):
    if why := not_run(snippet):
        compile(snippet.text, snippet.page, "exec")
        pytest.skip(why)
    exec(compile(snippet.text, f"{snippet.page}:{snippet.line}", "exec"), {"sl": sl})


def test_log_lines_are_json_that_the_recipe_can_read():
    """The recipe of schedule.md passes over lines that are none, and shows what failed."""
    page = (ROOT / "docs" / "schedule.md").read_text("utf-8")
    [recipe] = re.findall(r"jq -R '([^']+)'", page)
    assert recipe.startswith("fromjson? | ")
    event = {"event": "report", "report": "rfm", "status": "failed"}
    assert set(re.findall(r"\.(\w+) [!=]=", recipe)) <= set(
        json.loads(json.dumps(event))
    )


def test_every_variable_of_the_environment_is_documented():
    source = "\n".join(p.read_text("utf-8") for p in (ROOT / "src").rglob("*.py"))
    used = {
        n
        for n in re.findall(r"SEGMENT_LAB_[A-Z]+(?:_[A-Z]+)*", source)
        if n != "SEGMENT_LAB"
    }
    told = "\n".join(p.read_text("utf-8") for p in [*PAGES, ROOT / "CONTRIBUTING.md"])
    assert sorted(n for n in used if n not in told) == []
    assert os.path.basename(PAGES[0]) == "README.md"
