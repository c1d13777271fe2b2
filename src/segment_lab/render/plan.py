"""What a run has to make and what it can keep: each part has a key, and an earlier part of the
same key is reused."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import segment_lab
from segment_lab.render import inputs
from segment_lab.render.catalog import Report
from segment_lab.render.editions import Edition
from segment_lab.render.parts import linked_again
from segment_lab.render.publishing import Run
from segment_lab.texts import say, speaking
from segment_lab.texts.formats import decimal

SEGMENTS = "segments"
DONE = ("ok", "thin")

#: The comparison makes the scorecard, by which page one chooses its scheme and others their
#: advice; these need none of it, and fill the other cores until it is there. The longest of them
#: comes last: all that is behind it would wait for what the strategy works out first.
STAGES = {
    "comparison": 0,
    **dict.fromkeys(("data", "leads", "response"), 1),
    "receivables": 2,
    "strategy": 3,
}


def report_part(
    report: Report, facts: Mapping[str, Any], config: str, edition: Edition
) -> dict[str, Any]:
    """A report's entry in the manifest, before it is made. `facts` come from `catalog.prepare`."""
    with speaking(edition.language):
        title, question = report.title_and_question
    parameters, missing = (
        facts["parameters"][report.name],
        facts["missing"].get(report.name),
    )
    reason = ""
    if missing:
        sentence, found = missing
        with speaking(edition.language):
            reason = say(sentence, **found)
    others = "" if report.alone or report.name == "data" else facts["methods"]
    key = inputs.digest(
        report.digest,
        parameters,
        facts["fingerprint"],
        facts["rest"],
        others,
        config,
        _code(),
        edition.language,
        edition.languages,
    )
    return {
        "name": report.name,
        "title": title,
        "question": question,
        "parameters": parameters,
        "key": key,
        "status": "skipped" if missing else "waiting",
        "reason": reason,
        "page": "",
        "notebook": "",
        "headline": {},
        "cards": [],
        "seconds": 0.0,
    }


def segments_part(
    facts: Mapping[str, Any], languages: Sequence[str], earlier: Mapping[str, Any]
) -> dict[str, Any]:
    """The entry of the segment files."""
    data = facts["fingerprint"], facts["rest"], facts["methods"]
    key = inputs.digest(
        SEGMENTS,
        *data,
        _code(),
        languages,
        earlier.get("actions"),
        facts["report"]["done"],
    )
    return {
        "name": SEGMENTS,
        "title": say("render.run.segments"),
        "key": key,
        "status": "waiting",
        "reason": "",
        "seconds": 0.0,
        "files": [],
    }


def _code() -> tuple[Any, ...]:
    return segment_lab.code_fingerprint(), inputs.versions()


def reuse(part: dict[str, Any], earlier: Iterable[Run], folder: Path) -> bool:
    """Take a part over from an earlier run that made it with the same key; whether that was
    possible."""
    for run in earlier:
        translated = run.manifest.get("translations", {}).values()
        reports = [
            *run.manifest["reports"],
            *(part for parts in translated for part in parts),
        ]
        for old in (*reports, run.manifest[SEGMENTS]):
            if old["key"] != part["key"] or old["status"] not in DONE:
                continue
            for name in _files_of(old):
                if (run.folder / name).exists():
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    _take(run.folder / name, folder / name)
            part.update(old)
            return True
    return False


def _files_of(part: Mapping[str, Any]) -> list[str]:
    """The page and the notebook of a report, or the files of another part."""
    named = [part.get("page"), part.get("notebook")]
    return [name for name in named if name] or part["files"]


def _take(old: Path, new: Path) -> None:
    """A file of an earlier run; a look at a part has pages whose links led nowhere in it."""
    if old.suffix == ".html":
        new.write_text(linked_again(old.read_text("utf-8")), "utf-8")
    else:
        shutil.copyfile(old, new)


def ordered(reports: Sequence[Report], runs: Sequence[Run]) -> list[Report]:
    """The one that others wait for first, then those that need not wait; longest first, so that no
    long one is left alone at the end; without experience the last of the catalogue."""
    took: dict[str, float] = {}
    for run in reversed(runs):
        for made in run.manifest["reports"]:
            if made["seconds"]:
                took[made["name"]] = made["seconds"]

    def place(report: Report) -> tuple[int, float, int]:
        stage = STAGES.get(report.name, len(STAGES))
        return stage, -took.get(report.name, 0.0), -reports.index(report)

    return sorted(reports, key=place)


def place_of_export(waiting: Sequence[tuple[Any, Report]]) -> int:
    """Behind the strategy, whose findings it shares: long as it is, it must not come last."""
    for place, (_, report) in enumerate(waiting, 1):
        if report.name == "strategy":
            return place
    return len(waiting)


def page_facts(
    part: Mapping[str, Any], facts: Mapping[str, Any], config: str
) -> dict[str, Any]:
    """What a page prints beside its notebook."""
    parameters = [
        ("config", config),
        *((k, _words(v)) for k, v in part["parameters"].items()),
    ]
    return {
        "study": facts["title"],
        "as_of": facts["as_of"],
        "index": "index.html",
        "parameters": parameters,
        "tables": table_rows(facts["tables"]),
        "versions": version_rows(facts["fingerprint"]),
    }


def table_rows(tables: Mapping[str, Mapping[str, int]]) -> list[tuple[str, ...]]:
    """Rows read, accepted and rejected of each table, as texts."""
    counted = []
    for name, rows in tables.items():
        counts = [decimal(rows[kind], 0) for kind in ("read", "accepted", "rejected")]
        counted.append((name, *counts))
    return counted


def version_rows(fingerprint: str) -> list[tuple[str, str]]:
    """What made a page, as texts."""
    shown = {
        name: number
        for name, number in inputs.versions().items()
        if name in inputs.SHOWN
    }
    return [
        (say("render.provenance.data"), fingerprint),
        (
            say("render.provenance.commit"),
            inputs.commit() or say("render.provenance.no_checkout"),
        ),
        (say("render.provenance.code"), segment_lab.code_fingerprint()),
        *shown.items(),
    ]


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return (
            say("render.provenance.is_true")
            if value
            else say("render.provenance.is_false")
        )
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value)) or "–"
    if isinstance(value, Mapping):
        return "; ".join(f"{k}: {_words(v)}" for k, v in value.items()) or "–"
    return "–" if value is None else str(value)
