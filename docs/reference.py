"""Write ``docs/study_file.md``: every key of the study file, read off the models that check it.

``make docs`` runs this and makes the API reference beside it. What a key means stands in the
docstring of its class, or in ``texts/en/study_file.yml`` where the class has none.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from segment_lab.data.contracts import CONTRACTS
from segment_lab.data.sources import Source
from segment_lab.schemes import described, with_options
from segment_lab.study.config import StudyConfig, options_model
from segment_lab.texts import phrases

TARGET = Path(__file__).with_name("study_file.md")
PARTS = {"window", "comparison", "strategy", "report", "notify"}
BOUNDS = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
}
Schema = Mapping[str, Any]


def parameters(documented: Any) -> dict[str, str]:
    """What a numpydoc docstring says of each parameter."""
    text = inspect.getdoc(documented) or ""
    section = re.search(
        r"(?:Parameters|Attributes)\n-+\n(.*?)(?:\n\n\S|\Z)", text, re.S
    )
    found: dict[str, str] = {}
    names: list[str] = []
    for line in (section[1] if section else "").splitlines():
        if heading := re.match(r"(\w[\w, ]*?) : ", line):
            names = heading[1].split(", ")
            continue
        for name in names:
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found


def allowed(schema: Schema) -> str:
    """The type of a key in plain words, with its bounds."""
    if "anyOf" in schema:
        kinds = [
            allowed(part) for part in schema["anyOf"] if part.get("type") != "null"
        ]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = {
        "string": "date" if schema.get("format") == "date" else "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "yes or no",
        "array": "list",
        "object": "mapping",
    }.get(schema.get("type", ""), "mapping")
    bounds = [f"{sign} {schema[key]}" for key, sign in BOUNDS.items() if key in schema]
    return ", ".join([kind, *bounds])


def default(schema: Schema, needed: bool) -> str:
    """What holds where the key is left out."""
    if needed:
        return "needed"
    value = schema.get("default")
    if value in (None, "", [], {}):
        return "–"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def rows(
    schema: Schema, told: Mapping[str, str], leave: set[str] = frozenset()
) -> Iterator[str]:
    """One line of a table for each key of a model."""
    needed = schema.get("required", [])
    for key, part in schema["properties"].items():
        if key in leave:
            continue
        does = told.get(key, "").replace("``", "`")
        cells = [f"`{key}`", allowed(part), default(part, key in needed), does]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def section(title: str, intro: str, lines: Iterator[str]) -> list[str]:
    head = ["| key | value | default | what it does |", "|---|---|---|---|"]
    return [f"## {title}", "", intro, "", *head, *lines, ""]


def tables() -> Iterator[str]:
    """Every table, with its columns: those it must have, and those it may have."""
    answers = phrases("study_file.answers")
    for name, contract in CONTRACTS.items():
        required = [c.name for c in contract.columns if c.required]
        optional = [c.name for c in contract.columns if not c.required]
        cells = [f"`{name}`", answers[name], ", ".join(required), ", ".join(optional)]
        yield "| " + " | ".join(cells) + " |"


def study_file() -> str:
    """The page, as Markdown."""
    schema = StudyConfig.model_json_schema()
    told = phrases("study_file.keys")
    intro = phrases("study_file.intro")
    lines = ["# The study file", "", intro["top"], ""]
    lines += ["## Which file answers what", "", intro["tables"], ""]
    lines += [
        "| table | answers | columns it needs | columns it may have |",
        "|---|---|---|---|",
    ]
    lines += [*tables(), ""]
    lines += section("Top level", intro["top_level"], rows(schema, told, PARTS))
    for part in sorted(PARTS):
        model = schema["$defs"][schema["properties"][part]["$ref"].rpartition("/")[2]]
        lines += section(part, intro[part], rows(model, phrases(f"study_file.{part}")))
    source = schema["$defs"]["Source"]
    lines += section("sources", intro["sources"], rows(source, parameters(Source)))
    for method in with_options():
        model = options_model(method).model_json_schema()
        about = (
            (inspect.getdoc(described(method)) or "")
            .split("\n\n")[0]
            .replace("\n", " ")
        )
        lines += section(
            f"methods.{method}", about, rows(model, parameters(described(method)))
        )
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    TARGET.write_text(study_file(), encoding="utf-8")
    print(f"wrote {TARGET}")
