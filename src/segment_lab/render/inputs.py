"""What a run depends on, as hashes; computed without opening the data, so that an unchanged run
costs nothing."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

import segment_lab
from segment_lab.errors import ConfigError
from segment_lab.texts import DEFAULT, known, say

# Larger files are known by size and date; reading them would take longer than noticing a change is
# worth.
HASHED_BYTES = 2 << 30
SHOWN = (
    "Python",
    "segment_lab",
    "pandas",
    "numpy",
    "scikit-learn",
    "scipy",
    "duckdb",
    "ibis-framework",
    "matplotlib",
)


def digest(*parts: Any) -> str:
    """A hash of plain data."""
    return hashlib.sha256(
        json.dumps(parts, sort_keys=True, default=str).encode()
    ).hexdigest()


@cache
def versions() -> dict[str, str]:
    """Python and the libraries that the package depends on, as installed."""
    names = sorted(
        {
            re.split(r"[ \[<>=!~;]", line)[0]
            for line in metadata.requires("segment-lab") or ()
            if "extra ==" not in line
        }
    )
    return {
        "Python": platform.python_version(),
        "segment_lab": segment_lab.__version__,
        **{name: metadata.version(name) for name in names},
    }


@cache
def commit() -> str:
    """The git commit of the package's sources, marked when they were changed since; empty outside
    a checkout."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(Path(segment_lab.__file__).parent), *words],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".")
        head = git("rev-parse", "--short=12", "HEAD")
        return say("render.provenance.changed_commit", commit=head) if changed else head
    except (OSError, subprocess.SubprocessError):
        return ""


def study_name(config: Path) -> str | None:
    """The study's name, if the file can be read that far; whatever is wrong with it is said by its
    validation."""
    try:
        name = yaml.safe_load(config.read_text("utf-8"))["name"]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return None
    return (
        name
        if isinstance(name, str) and re.fullmatch(r"[a-z0-9][a-z0-9_\-]*", name)
        else None
    )


def study_languages(config: Path) -> tuple[str, ...]:
    """The languages a study file asks for; English where it names none, or cannot be read."""
    try:
        asked = yaml.safe_load(config.read_text("utf-8"))["lang"]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return (DEFAULT,)
    names = [asked] if isinstance(asked, str) else asked
    try:
        return known(map(str, names)) or (DEFAULT,)
    except (ConfigError, TypeError):  # the study file's validation says what is wrong
        return (DEFAULT,)


def request_key(
    config: Path,
    arguments: Mapping[str, Any],
    notebooks: Mapping[str, str],
) -> str | None:
    """A hash of everything a run depends on; None where that cannot be told from files (a
    database)."""
    try:
        data = yaml.safe_load(config.read_text("utf-8"))
        sources = data["sources"].values()
        if any(
            not isinstance(source, dict) or "path" not in source for source in sources
        ):
            return None
        files = files_named(data, config.resolve().parent)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return None
    return digest(
        data, files, arguments, notebooks, segment_lab.code_fingerprint(), versions()
    )


def files_named(data: Any, base: Path) -> list[tuple[str, int, str]]:
    """Name, size and hash of every file that plain data name, relative to `base`."""
    return [
        _fingerprint(file)
        for key, text in _texts(data)
        for file in _files(text, base, folder=key == "path")
    ]


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text, and the key it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _texts(part, str(name))
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part, key)


def _files(text: str, base: Path, folder: bool) -> list[Path]:
    """The files that a text of the study file names: itself, a pattern's, or a `folder`'s where
    one may stand.

    A folder may also be called like the study, or like a column: the reports, for one.
    """
    expanded = re.sub(
        r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: os.environ.get(m[1], m[2] or ""), text
    )
    if "\n" in expanded or len(expanded) > 1000:
        return []
    if not expanded:
        return []
    try:
        return _files_at(base / Path(expanded).expanduser(), base, folder)
    except (OSError, ValueError, RuntimeError):  # a title, a rule: no path at all
        return []


def _files_at(path: Path, base: Path, folder: bool) -> list[Path]:
    if any(mark in path.name for mark in "*?["):
        return sorted(p for p in path.parent.glob(path.name) if p.is_file())
    if folder and path.is_dir() and path != base:
        return sorted(p for p in path.rglob("*") if p.is_file())
    return [path] if path.is_file() else []


def _fingerprint(path: Path) -> tuple[str, int, str]:
    stat = path.stat()
    if stat.st_size > HASHED_BYTES:
        return path.name, stat.st_size, str(stat.st_mtime_ns)
    with path.open("rb") as file:
        return path.name, stat.st_size, hashlib.file_digest(file, "sha256").hexdigest()
