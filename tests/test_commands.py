"""Every command of README and docs runs, page by page and in its order, in a folder that is new."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from segment_lab.cli import main

ROOT = Path(__file__).resolve().parents[1]
CUSTOMERS = 120
#: Commands that this test does not run, by a part of them.
NOT_RUN = {
    "notify": "tests/render/test_mail.py sends to a server",
    "{{ ds }}": "a scheduler fills in the day; the same command runs without it",
}
#: What stands for a path or a day of the pages.
HERE = {"/srv/www/reports": "reports", "configs/shop.yml": "sales.yml"}


def commands() -> list[tuple[str, list[str]]]:
    """The commands of every page in their order, each once."""
    found: dict[tuple[str, str], None] = {}
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(
            r"^```\w*\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S
        ):
            for line in block.splitlines():
                command = re.search(r"segment-lab (\w+ .*)", line)
                if command and command[1].split()[0] in main.commands:
                    text = re.split(r"\s(?:#|>|>>|2>|\|\||&&)|\",$", command[1])[0]
                    found[page.name, text.strip()] = None
    by_page: dict[str, list[str]] = {}
    for page, text in found:
        by_page.setdefault(page, []).append(text)
    return sorted(by_page.items())


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A shop's export under the names the pages give it."""
    lines = pd.read_csv(ROOT / "data" / "sample" / "orders.csv")
    ids = lines["customer_id"].drop_duplicates().head(CUSTOMERS)
    lines = lines[lines["customer_id"].isin(ids)]
    lines.to_csv(tmp_path / "sales.csv", index=False)
    study = {
        "name": "sales",
        "sources": {"orders": {"path": str(tmp_path / "sales.csv")}},
        "methods": {"rfm": {}},
        "strategy": {"scheme": "rfm"},
        "report": {"only": ["strategy"]},
    }
    (tmp_path / "configs").mkdir()
    for name in ("study.yml", "configs/mycompany.yml", "sales.yml"):
        study["name"] = Path(name).stem
        (tmp_path / name).write_text(yaml.safe_dump(study))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGMENT_LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.slow
@pytest.mark.timeout(900)  # two pages render a whole study
@pytest.mark.parametrize(("page", "texts"), commands(), ids=[p for p, _ in commands()])
def test_the_commands_of_a_page_run_one_after_the_other(page, texts, shop):
    ran = 0
    for text in texts:
        if any(part in text for part in NOT_RUN):
            continue
        for told, here in HERE.items():
            text = text.replace(told, here)
        name, *arguments = shlex.split(text)
        if name == "init":
            (shop / "sales.yml").unlink()
        if name == "run":
            arguments += ["--jobs", "1"]
        result = CliRunner().invoke(main, [name, *arguments])
        assert result.exit_code == 0, (text, result.output)
        ran += 1
    assert ran or all(any(part in text for part in NOT_RUN) for text in texts)
