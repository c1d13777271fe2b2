"""pyproject, lock, environment.yml and Makefile say the same."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


def locked() -> dict[str, list[Version]]:
    """Distribution name → versions the lock pins (several where markers part them)."""
    pins: dict[str, list[Version]] = {}
    for name, version in re.findall(
        r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", LOCK, flags=re.M
    ):
        pins.setdefault(name.lower().replace("_", "-"), []).append(Version(version))
    return pins


def test_the_lock_satisfies_every_requirement():
    pins = locked()
    for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]:
        requirement = Requirement(text)
        versions = pins.get(requirement.name.lower().replace("_", "-"))
        assert versions, (
            f"{requirement.name} is not in requirements.lock; run make lock"
        )
        assert all(v in requirement.specifier for v in versions), text


def test_the_lock_has_hashes_and_names_no_index():
    blocks = re.split(r"\n(?=[A-Za-z0-9])", LOCK)
    assert all("--hash=sha256:" in b for b in blocks if "==" in b.split("\n", 1)[0])
    assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links|file:", LOCK)


def test_environment_yml_takes_its_versions_from_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python = next(
        d
        for d in environment["dependencies"]
        if isinstance(d, str) and d.startswith("python=")
    )
    assert (
        Version(python.split("=")[1])
        in Requirement(f"x{PROJECT['requires-python']}").specifier
    )
    assert {"pip": ["-r requirements.lock"]} in environment["dependencies"]


def test_the_makefile_describes_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):(?!=)", text, flags=re.M))
    described = set(re.findall(r"^([a-z-]+):.*?## ", text, flags=re.M))
    assert (
        targets
        == described
        >= {
            "help",
            "env",
            "report",
            "test",
            "test-fast",
            "lint",
            "lab",
            "sample",
            "lock",
            "clean",
            "bench",
        }
    )


def imported() -> set[str]:
    """The top names that the package imports, at any place."""
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - {*sys.stdlib_module_names, "segment_lab"}


def test_everything_that_is_imported_is_declared():
    texts = list(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values():
        texts += extra
    declared = {Requirement(text).name.lower().replace("_", "-") for text in texts}
    owners = packages_distributions()
    undeclared = {}
    for name in imported() & {*owners}:
        distributions = {owner.lower().replace("_", "-") for owner in owners[name]}
        if not distributions & declared:
            undeclared[name] = distributions
    assert undeclared == {}
