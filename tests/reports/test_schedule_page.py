"""docs/schedule.md: every snippet is well-formed, and every command and option in it exists."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import pytest
import yaml

from segment_lab.cli import main

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "schedule.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)


def test_commands_and_options_exist():
    commands = re.findall(r"segment-lab (run [^\n`|&]*)", TEXT)
    assert len(commands) >= 4
    options = {
        name for parameter in main.commands["run"].params for name in parameter.opts
    }
    for command in commands:
        words = shlex.split(re.split(r"[`\"]\)?$| >> ", command)[0].rstrip('",)'))
        assert words[1].endswith((".yml", "…"))
        assert {w for w in words if w.startswith("--")} <= options, command


def test_workflow_is_yaml_and_pins_the_lock():
    [workflow] = [
        found for text in blocks("yaml") if "jobs" in (found := yaml.safe_load(text))
    ]
    steps = workflow["jobs"]["render"]["steps"]
    assert any(
        "--require-hashes -r requirements.lock" in step.get("run", "") for step in steps
    )
    assert steps[-1]["if"] == "always()"


def test_units_are_complete():
    service, timer = map(parsed, blocks("ini"))
    assert service["Service"]["Type"] == "oneshot"
    assert Path(service["Service"]["ExecStart"].split()[0]).name == "segment-lab"
    assert timer["Install"]["WantedBy"] == "timers.target"


def parsed(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


@pytest.mark.parametrize("text", blocks("python"))
def test_dags_compile(text):
    compile(text, "dag.py", "exec")


def test_cron_line_has_five_times_and_a_command():
    (text,) = blocks("cron")
    line = text.strip().splitlines()[-1]
    assert re.match(r"(\S+ +){5}cd /srv/crm && ", line)


def test_the_exporter_is_where_the_recipes_say():
    from segment_lab.render.exporter import ReportExporter

    names = set(re.findall(r"segment_lab\.[\w.]+", TEXT))
    assert names == {f"{ReportExporter.__module__}.{ReportExporter.__name__}"}
