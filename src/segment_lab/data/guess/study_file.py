"""The text of a first study file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from segment_lab.data.guess.opening import Proposal, pattern
from segment_lab.texts import say


def study_text(path: Path, target: Path, proposal: Proposal) -> str:
    """The study file: what was read as what, what is open, and the settings.

    Everything that came from the file is written by a YAML library, or as a comment on one line:
    no cell and no header can set anything.
    """
    path = pattern(path)
    study = {
        "name": study_name(path),
        "title": _stem(path),
        "currency": proposal.currency,
        "timezone": proposal.timezone,
    }
    sources = {}
    for table, source in proposal.sources.items():
        rest = {key: value for key, value in source.items() if key != "columns"}
        source = {**rest, "columns": source["columns"]}
        if "path" in source:
            source["path"] = _from(target, Path(source["path"]))
        if "query" in source:
            folder = _from(target, path.parent)
            query = source["query"].replace("read_csv('", f"read_csv('{folder}/")
            source["query"] = _Block(query.replace("read_csv('./", "read_csv('"))
        sources[table] = source
    body: dict[str, Any] = {"sources": sources}
    if proposal.methods:
        body["methods"] = proposal.methods
    lines = [
        _comment(
            say(
                "init.file.head",
                file=path.name,
                study=target.name,
            )
        )
    ]
    for title, remarks in (("took", proposal.took), ("decide", proposal.doubts)):
        if remarks:
            lines.append(_comment(say(f"init.file.{title}")))
            lines += [_comment(f"  - {remark}") for remark in remarks]
    orders = proposal.sources.get("orders")
    hints = []
    if orders:
        hints = ["as_of", "returns"]
        hints += [] if "margin" in orders["columns"] else ["margin"]
    for hint in hints:
        lines.append(_comment(say(f"init.file.{hint}")))
    return "".join(lines) + _yaml(study) + _yaml(body)


def _from(target: Path, path: Path) -> str:
    """A path as the study file `target` names it."""
    return Path(os.path.relpath(path.resolve(), target.resolve().parent)).as_posix()


class _Block(str):
    """A text of several lines, which YAML writes as it stands."""


def _block(dumper: Any, text: _Block) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")


yaml.SafeDumper.add_representer(_Block, _block)


def study_name(path: Path) -> str:
    """A study's name after a file, or after the folder of a pattern."""
    name = re.sub(r"[^a-z0-9]+", "_", _stem(path).lower()).strip("_")[:60]
    return name if re.search("[a-z]", name) else "study"


def _stem(path: Path) -> str:
    stem = path.name.split(".")[0]
    return path.resolve().parent.name if "*" in stem else stem


def _comment(text: str) -> str:
    """One line that a YAML reader skips, whatever is in it."""
    plain = re.sub(
        r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]+", " ", text
    )
    return f"# {plain}\n"


def _yaml(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(
        dict(data),
        sort_keys=False,
        allow_unicode=True,
        width=110,
    )
